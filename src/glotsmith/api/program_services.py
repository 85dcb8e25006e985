"""The services that run programs: a sandbox of this process, or the nodes of a cluster."""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import NamedTuple, Protocol

from glotsmith.cluster import ClusterOptions, RayCluster, open_ray_cluster
from glotsmith.errors import UsageError, unknown_name
from glotsmith.sandbox import open_sandbox
from glotsmith.sandbox.base import Sandbox
from glotsmith.step import NodeCaller, call_here
from glotsmith.verification import Verifier
from glotsmith.verification.verifier import VerdictStore

EXECUTORS = ("local", "ray")  #: values of ``--executor``
_ITEMS_PER_PROGRAM = 2  #: number of items in flight for each program that a cluster runs at once


class ProgramServices(Protocol):
    """The sandbox of a run, and verifiers on it."""

    @property
    def sandbox(self) -> Sandbox:
        """The sandbox in which programs run."""
        ...

    @property
    def items_in_flight(self) -> int:
        """The number of items that a step should process at once; 0 if the step's own number is enough."""
        ...

    @property
    def node_count(self) -> int:
        """The number of machines that run programs."""
        ...

    @property
    def call(self) -> NodeCaller:
        """Calls a function on one of these machines."""
        ...

    def verifier(self, store: VerdictStore | None = None) -> Verifier:
        """Return a verifier that stores verdicts in ``store``."""
        ...


class _LocalServices(NamedTuple):
    sandbox: Sandbox
    items_in_flight: int = 0
    node_count: int = 1

    @property
    def call(self) -> NodeCaller:
        return call_here

    def verifier(self, store: VerdictStore | None = None) -> Verifier:
        return Verifier(self.sandbox, store)


class _ClusterServices(NamedTuple):
    cluster: RayCluster

    @property
    def sandbox(self) -> Sandbox:
        return self.cluster.sandbox

    @property
    def items_in_flight(self) -> int:
        return _ITEMS_PER_PROGRAM * self.cluster.jobs

    @property
    def node_count(self) -> int:
        return self.cluster.node_count

    @property
    def call(self) -> NodeCaller:
        return self.cluster.call

    def verifier(self, store: VerdictStore | None = None) -> Verifier:
        return self.cluster.verifier(store)


def cluster_options(executor: str, address: str = "", *, mixed_toolchains: bool = False) -> ClusterOptions | None:
    """Return the options of the cluster that an executor needs; None for ``local``.

    Args:
        executor: A name in ``EXECUTORS``.
        address: The address of a running Ray cluster; empty to start one on this machine.
        mixed_toolchains: Whether to accept nodes whose toolchains differ.

    Raises:
        UsageError: There is no such executor, or ``local`` has an option of a cluster.

    """
    if executor not in EXECUTORS:
        raise UsageError(unknown_name(f"--executor: there is no executor {executor!r}", executor, EXECUTORS))
    if executor == "ray":
        return ClusterOptions(address=address, mixed_toolchains=mixed_toolchains)
    if address or mixed_toolchains:
        raise UsageError(f"{'--ray-address' if address else '--mixed-toolchains'} needs --executor ray")
    return None


@asynccontextmanager
async def open_program_services(
    isolation: str,
    jobs: int | None,
    cluster: ClusterOptions | None = None,
    languages: Sequence[str] = (),
    warn: Callable[[str], None] = lambda _: None,
) -> AsyncGenerator[ProgramServices]:
    """Open the sandbox of this machine, or the workers of a cluster; close them at the end of the block.

    Args:
        isolation: An isolation back end.
        jobs: The number of programs that run at once, for each node of a cluster; by default one per processor.
        cluster: The options of a cluster; None to run programs on this machine.
        languages: The languages of the programs, whose toolchains are compared.
        warn: A function that receives a sentence for each node that is not used.

    Raises:
        UsageError: The isolation back end is unknown, or there is no such cluster.
        IsolationError: Programs cannot be isolated.

    """
    if cluster is None:
        sandbox = open_sandbox(isolation, jobs)
        try:
            yield _LocalServices(sandbox)
        finally:
            await sandbox.close()
        return
    chosen = ClusterOptions(
        address=cluster.address, isolation=isolation, jobs=jobs, mixed_toolchains=cluster.mixed_toolchains
    )
    async with open_ray_cluster(chosen, tuple(dict.fromkeys(("python", *languages))), warn) as opened:
        yield _ClusterServices(opened)
