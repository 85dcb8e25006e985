"""Real Ray clusters on this machine, whose workers and nodes are really killed."""

import asyncio
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest

from glotsmith.cluster import ClusterOptions, RayCluster, open_ray_cluster
from glotsmith.records import Function, Job, Origin, Verdict
from glotsmith.sandbox.base import ALL_PROMISES
from glotsmith.sources.typecheck import TypeCheck

ray = pytest.importorskip("ray")

LANGUAGES = ("lua",)
ORIGIN = Origin(source="test", path="t.py")
COUNT = 400


@pytest.fixture(scope="module")
def two_nodes() -> Iterator[Any]:
    from ray.cluster_utils import Cluster

    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "object_store_memory": 80 << 20})
    cluster.add_node(num_cpus=1, object_store_memory=80 << 20)
    yield cluster
    cluster.shutdown()


def jobs(count: int) -> list[Job]:
    code = "function f(x) return x + 1 end"
    return [Job(id=f"{i}", language="lua", tests=(f"assert f({i}) == {i + 1}",), code=code) for i in range(count)]


def worker_processes() -> list[int]:
    """Return the ids of the processes of workers on nodes that this test has started."""
    own = descendants([os.getpid()])
    return sorted(n for n, title in commands().items() if title.startswith(b"ray::NodeWorker") and n in own)


def descendants(processes: Sequence[int]) -> set[int]:
    """Return the ids of the processes that these have started, at any depth."""
    parents = dict[int, int]()
    for number in commands():
        with suppress(OSError):
            stat = Path(f"/proc/{number}/stat").read_text()
            parents[number] = int(stat.rpartition(")")[2].split()[1])
    found, size = set(processes), 0
    while len(found) != size:
        size = len(found)
        found |= {number for number, parent in parents.items() if parent in found}
    return found


def wait_for_end(processes: set[int]) -> set[int]:
    """Return the processes that still run after some seconds: a kill takes effect a moment later."""
    end = time.monotonic() + 30
    while (left := processes & commands().keys()) and time.monotonic() < end:
        time.sleep(0.05)
    return left


def commands() -> dict[int, bytes]:
    found = dict[int, bytes]()
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            found[int(folder.name)] = (folder / "cmdline").read_bytes()
    return found


async def verify_all(cluster: RayCluster, count: int, first: int = 0) -> list[Verdict]:
    verifier = cluster.verifier()
    return await asyncio.gather(*(verifier.verify(job) for job in jobs(first + count)[first:]))


@pytest.mark.slow
def test_the_doctor_prints_every_node(two_nodes: Any, capsys: pytest.CaptureFixture[str]) -> None:
    from glotsmith.cli.cluster_nodes import print_nodes

    assert print_nodes(two_nodes.address, "auto", LANGUAGES)
    printed = capsys.readouterr().out
    lua = next(line for line in printed.splitlines() if "Lua 5." in line)
    assert len(re.findall(r"\d \(\d+\.\d\)", lua)) == len(two_nodes.list_all_nodes())


@pytest.mark.slow
def test_killed_workers_lose_nothing_and_leave_nothing(two_nodes: Any) -> None:
    started = set[int]()

    async def check() -> None:
        async with open_ray_cluster(ClusterOptions(address=two_nodes.address), LANGUAGES) as cluster:
            assert cluster.jobs == 2
            assert cluster.sandbox.promises == ALL_PROMISES
            before = worker_processes()
            assert len(before) == 2
            running = asyncio.create_task(verify_all(cluster, COUNT))
            while len(started) <= len(before):
                await asyncio.sleep(0.05)
                started.update(descendants(before))
            os.kill(before[0], signal.SIGKILL)
            found = await asyncio.wait_for(running, 120)
            assert [(v.id, v.status) for v in found] == [(str(i), "pass") for i in range(COUNT)]
            os.kill(before[1], signal.SIGKILL)
            assert {v.status for v in await asyncio.wait_for(verify_all(cluster, 40, COUNT), 120)} == {"pass"}
            started.update(before, worker_processes())

    asyncio.run(check())
    assert wait_for_end(started) == set()
    assert worker_processes() == []


@pytest.mark.slow
def test_nodes_leave_and_join_during_the_work(two_nodes: Any) -> None:
    async def check() -> None:
        extra = two_nodes.add_node(num_cpus=1, object_store_memory=80 << 20)
        async with open_ray_cluster(ClusterOptions(address=two_nodes.address), LANGUAGES) as cluster:
            running = asyncio.create_task(verify_all(cluster, COUNT))
            await asyncio.sleep(0.2)
            two_nodes.remove_node(extra, allow_graceful=False)
            assert {v.status for v in await asyncio.wait_for(running, 120)} == {"pass"}
            known = set(cluster.nodes)
            joined = two_nodes.add_node(num_cpus=1, object_store_memory=80 << 20)
            for _ in range(600):
                if set(cluster.nodes) - known:
                    break
                await asyncio.sleep(0.1)
            assert set(cluster.nodes) - known == {joined.node_id}

    asyncio.run(check())


@pytest.mark.slow
@pytest.mark.parametrize("mixed", [False, True])
def test_a_node_with_another_toolchain_is_left_out_unless_it_is_accepted(
    two_nodes: Any, mixed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The toolchain of this process is another one than that of the nodes."""
    from glotsmith.cluster import ray_nodes

    real = ray_nodes.describe_machine

    def other(*arguments: Any) -> Any:
        described = real(*arguments)
        return type(described)(**{**_fields(described), "toolchains": {"lua": "0"}, "versions": {"lua": "Lua 4.0"}})

    monkeypatch.setattr(ray_nodes, "describe_machine", other)
    warnings = list[str]()

    async def check() -> None:
        options = ClusterOptions(address=two_nodes.address, mixed_toolchains=mixed)
        async with open_ray_cluster(options, LANGUAGES, warnings.append) as cluster:
            assert cluster.sandbox.name.startswith("bubblewrap+")
            assert {v.status for v in await verify_all(cluster, 3)} == {"pass"}

    if mixed:
        asyncio.run(check())
    else:
        with pytest.raises(Exception, match=r"Lua 5\.\d.* \(Lua 4\.0 here\).*--mixed-toolchains"):
            asyncio.run(check())
    assert bool(warnings) != mixed


def _fields(record: Any) -> dict[str, Any]:
    return {name: getattr(record, name) for name in record.__struct_fields__}


@pytest.mark.slow
def test_functions_are_called_on_nodes(two_nodes: Any, caplog: pytest.LogCaptureFixture) -> None:
    """A function that fails on a node is called here, where its error has its class."""

    async def check() -> None:
        async with open_ray_cluster(ClusterOptions(address=two_nodes.address), LANGUAGES) as cluster:
            assert cluster.node_count == len(two_nodes.list_all_nodes())
            assert await cluster.call(asyncio.sleep, 0, "result") == "result"
            step = TypeCheck(call=cluster.call, nodes=cluster.node_count)
            assert step.concurrency == cluster.node_count
            items = [Function(id="f", name="f", code=code, origin=ORIGIN) for code in ("x: int = ''", "x = 1")]
            found = await step.run(["one", "other"], items)
            assert [len(result.kept) for result in found] == [0, 1]
            assert "is called here" not in caplog.text
            with pytest.raises(TypeError):
                await cluster.call(asyncio.sleep, "no number")
            assert "sleep is called here, because it failed on the node" in caplog.text

    asyncio.run(check())


FILLER = """
import sys, ray
ray.init(sys.argv[1], log_to_driver=False)
held = [ray.put(bytes(4 << 20)) for _ in range(60)]
print("full", flush=True)
sys.stdin.read()
"""


@pytest.fixture(params=[True, False], ids=["spills to disk", "cannot spill"])
def full_cluster(request: pytest.FixtureRequest) -> Iterator[Any]:
    """One node whose object store is full: another program holds three times as many objects as fit into it."""
    from ray.cluster_utils import Cluster

    settings = {"automatic_object_spilling_enabled": request.param}
    head = {"num_cpus": 1, "object_store_memory": 80 << 20, "_system_config": settings}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    command = [sys.executable, "-c", FILLER, cluster.address]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, env={**os.environ, "RAY_LOG_TO_STDERR": "0"}, **pipes) as filler:
        assert filler.stdout
        assert filler.stdout.readline() == b"full\n"
        yield cluster
        assert filler.stdin
        filler.stdin.close()
    cluster.shutdown()


@pytest.mark.slow
def test_a_full_object_store_loses_nothing(full_cluster: Any) -> None:
    """Programs of 300 kB: Ray sends messages of over 100 kB through its object store."""
    big = [msgspec.structs.replace(job, code=f"{job.code}\n-- {job.id * 300_000}"[:300_000]) for job in jobs(40)]

    async def check() -> list[str]:
        async with open_ray_cluster(ClusterOptions(address=full_cluster.address), LANGUAGES) as cluster:
            verifier = cluster.verifier()
            return [verdict.status for verdict in await asyncio.gather(*map(verifier.verify, big))]

    assert asyncio.run(asyncio.wait_for(check(), 200)) == ["pass"] * 40
