"""One worker for each node of a Ray cluster: start them, compare them, and replace those that die.

Ray only starts processes and carries messages. Every worker is an actor that is bound to its node. This module starts
another worker when one dies, because restarts by Ray lose the requests in flight.
"""

import asyncio
import logging
import pickle
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from importlib import import_module
from typing import Any, TypeVar, cast

import msgspec

from glotsmith.cluster.dispatcher import Dispatcher, NodeLost
from glotsmith.cluster.messages import (
    NodeCall,
    NodeDescription,
    NumberedAnswer,
    NumberedRequest,
    ReturnedValue,
    cluster_fingerprint,
    differences,
)
from glotsmith.cluster.node_worker import NodeWorker, describe_machine
from glotsmith.cluster.ray_start import load_ray, start_ray, stop_ray
from glotsmith.cluster.services import ClusterSandbox, ClusterVerifier
from glotsmith.errors import IsolationError, OutageError
from glotsmith.records import Record, content_hash
from glotsmith.sandbox.base import Promise
from glotsmith.verification.verifier import VerdictStore

T = TypeVar("T")

_log = logging.getLogger(__name__)
_CLOSE_TIMEOUT_S = 5.0
_WATCH_S = 1.0  #: seconds between two looks at the nodes of the cluster
_OPEN_ATTEMPTS = 3  #: number of workers of a node that may die at their start before a message names the node
_OPEN_TIMEOUT_S = 600.0  #: time for the start of a worker, with the calibration of its languages
_WITHOUT_NODES_S = 60.0  #: how long a run without nodes waits for one


class ClusterOptions(Record, frozen=True, kw_only=True):
    """How a cluster is used."""

    address: str = ""  #: a running Ray cluster (``host:6379``, ``auto``); empty: start one on this machine
    isolation: str = "auto"  #: isolation back end of the nodes
    jobs: int | None = None  #: programs at once on each node; by default one for each of its processors
    mixed_toolchains: bool = False  #: accept nodes whose toolchains differ from those of this machine


class RayCluster:
    """The nodes of a Ray cluster that passed the comparison, and the queue of their requests."""

    def __init__(self, options: ClusterOptions, languages: Sequence[str], warn: Callable[[str], None]) -> None:
        """Use the nodes for programs of these languages; see ``open_ray_cluster``."""
        self._options, self._languages, self._warn = options, tuple(languages), warn
        self._dispatcher = Dispatcher()
        self._reference: NodeDescription | None = None
        self._tasks: dict[str, asyncio.Task[None]] = {}  #: node id → task that starts and serves its worker
        self._serving: set[str] = set()  #: nodes whose worker takes requests
        self._left_out: set[str] = set()  #: nodes that are not tried again
        self._failed_starts = Counter[str]()  #: node → workers that died before they took requests
        self._watching: asyncio.Task[None] | None = None
        self.nodes: dict[str, NodeDescription] = {}  #: node id → description, of all nodes that were seen

    async def open(self) -> None:
        """Connect to all nodes of the cluster.

        Raises:
            UsageError: Ray is not installed, or no cluster has the address.
            IsolationError: no node can run programs; the message has the reason of each node.

        """
        await asyncio.to_thread(start_ray, self._options.address)
        try:
            await self._connect_first_nodes()
            self._watching = asyncio.create_task(self._watch())
        except BaseException:
            await self.close()
            raise
        if not self._usable:
            await self.close()
            reasons = "\n".join(f"{node.host}: {node.fault}" for node in self.nodes.values())
            raise IsolationError(f"no node of the cluster can run the programs:\n{reasons}")

    @property
    def _usable(self) -> list[NodeDescription]:
        return [node for node in self.nodes.values() if not node.fault]

    @property
    def jobs(self) -> int:
        """Programs that all nodes together run at once."""
        return sum(node.jobs for node in self._usable)

    @property
    def sandbox(self) -> ClusterSandbox:
        """A sandbox on the nodes. Its name contains a hash of the toolchains if these may differ."""
        nodes = self._usable
        mixed = f"+{content_hash(cluster_fingerprint(nodes).decode())[:8]}" if self._options.mixed_toolchains else ""
        promises = frozenset[Promise].intersection(*(frozenset(node.promises) for node in nodes))
        return ClusterSandbox(self._dispatcher, f"{nodes[0].isolation}{mixed}", promises)

    def verifier(self, store: VerdictStore | None = None) -> ClusterVerifier:
        """Return a verifier on the nodes."""
        return ClusterVerifier(self.sandbox, self._dispatcher, store, mixed=self._options.mixed_toolchains)

    @property
    def node_count(self) -> int:
        """Number of nodes that can be used."""
        return len(self._usable)

    async def call(self, function: Callable[..., Awaitable[T]], *arguments: object) -> T:
        """Call an async function of a module on some node; call it here if it raises an error there.

        Raises:
            PoisonedRequest: several workers died with this call.
            OutageError: the cluster has no node left, or all its workers die.

        """
        try:
            return cast(ReturnedValue, await self._dispatcher.request(NodeCall(function, arguments))).value
        except RuntimeError as error:
            _log.warning("%s is called here, because it failed %s", function.__name__, error)
            return await function(*arguments)

    async def close(self) -> None:
        """Stop the workers, and the cluster if it was started here; idempotent."""
        tasks = [*self._tasks.values(), *([self._watching] if self._watching else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._tasks.clear()
        await asyncio.to_thread(stop_ray)

    async def _connect_first_nodes(self) -> None:
        """Connect to the nodes. Workers that die at their start are started again, a limited number of times."""
        for _ in range(_OPEN_ATTEMPTS):
            await asyncio.gather(*await self._connect_new_nodes())
            if self._usable or not self._failed_starts:
                return
            self._forget_ended_tasks()

    def _forget_ended_tasks(self) -> None:
        """Forget the tasks of nodes whose worker has died, so that another one is started."""
        self._tasks = {node: task for node, task in self._tasks.items() if not task.done()}

    async def _connect_new_nodes(self) -> "list[asyncio.Future[None]]":
        """Start to connect to the nodes that joined; return futures that are done when a node serves or is left out."""
        alive = await asyncio.to_thread(_alive_nodes)
        opened = list[asyncio.Future[None]]()
        for node in alive:
            if node not in self._tasks and node not in self._left_out and alive[node].get("CPU", 0) >= 1:
                opened.append(asyncio.get_running_loop().create_future())
                self._tasks[node] = asyncio.create_task(self._use_node(node, alive[node], opened[-1]))
        return opened

    async def _watch(self) -> None:
        """Connect to nodes that join or whose worker has died; fail if no node is left."""
        without = 0.0
        while True:
            await asyncio.sleep(_WATCH_S)
            self._forget_ended_tasks()
            try:
                await self._connect_new_nodes()
            except Exception as error:  # Ray states a lost connection by many classes
                _log.warning("cannot list the nodes of the cluster: %s", error)
            without = 0.0 if self._serving else without + _WATCH_S
            if without >= _WITHOUT_NODES_S:
                self._dispatcher.fail(
                    OutageError("no node of the cluster can run programs: add a node, then run the same command again")
                )

    async def _use_node(self, node: str, resources: dict[str, float], opened: "asyncio.Future[None]") -> None:
        """Start the worker of a node, and give it requests until it is lost."""
        worker = None
        try:
            worker = await self._open_worker(node, resources)
            _set_done(opened)
            if worker is not None:
                self._serving.add(node)
                await self._dispatcher.serve(worker)
        except NodeLost as lost:
            _log.warning("the worker of node %s is lost: %s", worker.name if worker else node[:8], lost)
        finally:
            self._serving.discard(node)
            _set_done(opened)
            if worker is not None:
                await worker.close()

    async def _open_worker(self, node: str, resources: dict[str, float]) -> "_RayWorker | None":
        """Start the worker of a node; return None, with a warning, for a node that cannot be used."""
        jobs = min(self._options.jobs or int(resources["CPU"]), int(resources["CPU"]))
        worker = _RayWorker(node, self._options.isolation, jobs)
        try:
            described = await asyncio.wait_for(worker.open(self._languages), _OPEN_TIMEOUT_S)
        except (NodeLost, TimeoutError, load_ray().exceptions.RayTaskError) as error:
            worker.kill()
            reason = str(error) or f"its worker did not start within {_OPEN_TIMEOUT_S:.0f} s"
            self._failed_starts[node] += 1
            self.nodes.setdefault(node, fault := NodeDescription(host=node[:8], fault=reason))
            if self._failed_starts[node] == _OPEN_ATTEMPTS:
                self._warn_of(fault)
            return None
        worker.name = described.host
        described = await self._compared(described)
        self.nodes[node] = described
        if described.fault:
            worker.kill()
            self._left_out.add(node)
            self._warn_of(described)
            return None
        return worker

    def _warn_of(self, described: NodeDescription) -> None:
        self._warn(f"the node {described.host} is not used: {described.fault}")

    async def _compared(self, node: NodeDescription) -> NodeDescription:
        """Return the description with a fault if the node differs from this machine."""
        if node.fault or self._options.mixed_toolchains:
            return node
        if self._reference is None:
            self._reference = await asyncio.to_thread(
                describe_machine, node.host, node.isolation, node.jobs, self._languages
            )
        found = differences(self._reference, node)
        fault = f"its toolchains differ: {'; '.join(found)}. Pass --mixed-toolchains to accept that." if found else ""
        return msgspec.structs.replace(node, fault=fault)


@asynccontextmanager
async def open_ray_cluster(
    options: ClusterOptions, languages: Sequence[str], warn: Callable[[str], None] = _log.warning
) -> AsyncGenerator[RayCluster]:
    """Open a cluster and yield it; it is closed at the end of the block.

    Args:
        options: how the cluster is used.
        languages: languages whose toolchains are compared and warmed up.
        warn: receives a sentence for each node that is left out.

    Raises:
        UsageError: Ray is not installed, or no cluster has the address.
        IsolationError: no node can run programs.

    """
    cluster = RayCluster(options, languages, warn)
    await cluster.open()
    try:
        yield cluster
    finally:
        await cluster.close()


def _set_done(future: "asyncio.Future[None]") -> None:
    if not future.done():
        future.set_result(None)


class _RayWorker:
    """The actor of one node (``dispatcher.NodeConnection``)."""

    def __init__(self, node: str, isolation: str, jobs: int) -> None:
        strategies: Any = import_module("ray.util.scheduling_strategies")
        self._node, self.name, self.jobs = node, node[:8], jobs
        bound = strategies.NodeAffinitySchedulingStrategy(node_id=node, soft=False)
        actor: Any = load_ray().remote(NodeWorker)
        self._actor: Any = actor.options(
            num_cpus=jobs, max_concurrency=100, max_restarts=0, scheduling_strategy=bound
        ).remote(isolation, jobs)

    async def open(self, languages: Sequence[str]) -> NodeDescription:
        return await self._call("open", list(languages))

    async def submit(self, batch: Sequence[NumberedRequest]) -> None:
        await self._call("submit", pickle.dumps(batch, pickle.HIGHEST_PROTOCOL))

    async def collect(self) -> list[NumberedAnswer]:
        return pickle.loads(await self._call("collect"))  # noqa: S301 - of a worker that this process has started

    async def _call(self, method: str, *arguments: object) -> Any:
        errors = load_ray().exceptions
        try:
            return await getattr(self._actor, method).remote(*arguments)
        except errors.RayTaskError:
            raise
        except errors.RayError as error:
            what = str(error).strip().splitlines()[0]
            raise NodeLost(what, removed=not await asyncio.to_thread(_is_alive, self._node)) from error

    async def close(self) -> None:
        """Let the worker remove its folders, then kill it."""
        with suppress(NodeLost, TimeoutError, load_ray().exceptions.RayTaskError):
            await asyncio.wait_for(self._call("close"), _CLOSE_TIMEOUT_S)
        self.kill()

    def kill(self) -> None:
        """Kill the worker; its programs die with it."""
        with suppress(Exception):  # the cluster may have ended
            load_ray().kill(self._actor)


def _is_alive(node: str) -> bool:
    """Return whether the cluster has the node; False if the cluster does not answer."""
    try:
        return node in _alive_nodes()
    except Exception:  # Ray states a lost connection by many classes
        return False


def _alive_nodes() -> dict[str, dict[str, float]]:
    """Return the resources of each node that is alive, by node id."""
    return {node["NodeID"]: node["Resources"] for node in load_ray().nodes() if node["Alive"]}
