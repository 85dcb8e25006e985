"""Compare the dataset of one run with those of the same run on clusters, in shards, and while processes are killed.

    python benchmarks/cluster_bytes.py [--functions 2000] [--kinds local ray-1 ray-2 ray-4 shards-8 killed driver]

The kinds are ``local``; ``ray-N``: a cluster of N nodes on this machine; ``namespaces-N``: a cluster of N nodes in
network namespaces of their own, which root can make; ``shards-N``: N shards that are merged;
``killed``: a cluster of two nodes, while ``--kills`` random workers are killed and nodes are removed and added;
``driver``: the process of the run is killed ``--driver-kills`` times and started again.

The sources are generated functions, and the teacher is ``offline``. The exit code is 1 if files of the dataset differ
from those of the first kind, or if a process that a kind has started is left.
"""

import argparse
import hashlib
import logging
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

from generated_functions import write_corpus
from network_namespaces import namespace_cluster

from glotsmith.sandbox.process_tree import list_pids, read_stat, walk_tree

GLOTSMITH = [sys.executable, "-m", "glotsmith", "--quiet"]
STORE = 80 << 20  #: bytes of the object store of each node
ACTOR_SHARE = 0.8  #: of the random kills; the others remove a node
END_TIMEOUT_S = 30.0


class Process(NamedTuple):
    """A process; its start time distinguishes it from a later one with the same number."""

    pid: int
    start: bytes


class ProcessRecord:
    """All processes that descend from this one, as far as ``look`` saw them."""

    def __init__(self) -> None:
        self.seen = set[Process]()

    def look(self) -> None:
        """Add the processes that run now."""
        for each in walk_tree(os.getpid()):
            if each.pid != os.getpid() and (stat := read_stat(each.pid)):
                self.seen.add(Process(each.pid, stat[19]))

    def left(self) -> list[str]:
        """Return the commands of the processes that do not end within some seconds."""
        end = time.monotonic() + END_TIMEOUT_S
        while (running := [each for each in self.seen if self._runs(each)]) and time.monotonic() < end:
            time.sleep(0.1)
        return [Path(f"/proc/{each.pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()[:90] for each in running]

    @staticmethod
    def _runs(process: Process) -> bool:
        stat = read_stat(process.pid)
        return stat is not None and stat[19] == process.start and stat[0] != b"Z"


def workers() -> list[int]:
    """Return the numbers of the worker processes among the descendants of this process that run programs."""
    found = list[int]()
    for each in walk_tree(os.getpid()):
        with suppress(OSError):
            is_worker = Path(f"/proc/{each.pid}/cmdline").read_bytes().startswith(b"ray::NodeWorker")
            if is_worker and sum(1 for _ in walk_tree(each.pid)) > 1:
                found.append(each.pid)
    return found


class Comparison:
    """Makes the same dataset in several ways."""

    def __init__(self, folder: Path, options: argparse.Namespace, record: ProcessRecord) -> None:
        self.folder, self.options, self.record = folder, options, record
        self._random = random.Random(options.seed)

    def start(self, kind: str, *more: str, prefix: Sequence[str] = ()) -> "subprocess.Popen[bytes]":
        """Start the run of a kind with further options; ``prefix`` is the beginning of the command."""
        run = ["run", "multipl-t", "-s", str(self.folder / "corpus"), "-l", "lua", "--teacher", "offline"]
        output = ["-o", str(self.folder / kind / "run")]
        return subprocess.Popen([*prefix, *GLOTSMITH, *run, *output, *more], stdout=subprocess.DEVNULL)

    def wait(self, process: "subprocess.Popen[bytes]") -> None:
        """Wait for a process that must end with exit code 0."""
        while process.poll() is None:
            self.record.look()
            time.sleep(0.2)
        if process.returncode:
            raise SystemExit(f"{process.args}: exit code {process.returncode}")

    def make(self, kind: str) -> None:
        """Make the dataset in one way."""
        name, _, number = kind.partition("-")
        methods: dict[str, Callable[[str, int], None]] = {
            "local": self._local,
            "ray": self._ray,
            "namespaces": self._namespaces,
            "shards": self._shards,
            "killed": self._killed,
            "driver": self._driver,
        }
        methods[name](kind, int(number or 2))

    def _local(self, kind: str, _: int) -> None:
        self.wait(self.start(kind))

    def _ray(self, kind: str, nodes: int) -> None:
        with ray_cluster(nodes) as cluster:
            self.wait(self.start(kind, "--executor", "ray", "--ray-address", cluster.address))

    def _namespaces(self, kind: str, nodes: int) -> None:
        with namespace_cluster(nodes, STORE) as cluster:
            options = ("--executor", "ray", "--ray-address", cluster.address)
            self.wait(self.start(kind, *options, prefix=cluster.prefix))
            end = time.monotonic() + END_TIMEOUT_S
            while (left := cluster.workers()) and time.monotonic() < end:
                time.sleep(0.1)
            if left:
                raise SystemExit(f"The run has left {len(left)} worker processes in the namespaces.")

    def _shards(self, kind: str, total: int) -> None:
        for number in range(1, total + 1):
            self.wait(self.start(kind, "--shard", f"{number}/{total}"))
        parts = sorted(map(str, (self.folder / kind).glob("run-*-of-*")))
        command = [*GLOTSMITH, "merge", *parts, "-o", str(self.folder / kind / "run")]
        self.wait(subprocess.Popen(command, stdout=subprocess.DEVNULL))

    def _killed(self, kind: str, nodes: int) -> None:
        with ray_cluster(nodes) as cluster:
            run = self.start(kind, "--executor", "ray", "--ray-address", cluster.address)
            killed, ledger = list[int](), self.folder / kind / "run" / "ledger.sqlite"
            while run.poll() is None and len(killed) < self.options.kills:
                self.record.look()
                running = [worker for worker in workers() if worker not in killed]
                if running and ledger.exists():  # the start of a run needs a worker
                    time.sleep(self._random.uniform(0, self.options.pause))
                    killed.append(self._kill(cluster, running))
                time.sleep(0.02)
            self.wait(run)
            print(f"  {len(killed)} kills", flush=True)
            if len(killed) < self.options.kills:
                raise SystemExit("The run ended before all kills: use more functions.")

    def _kill(self, cluster: Any, running: Sequence[int]) -> int:
        """Kill a worker, or the process of a node, which another one replaces; return the number of the process."""
        others = sorted(cluster.worker_nodes, key=lambda node: node.node_id)
        if others and self._random.random() > ACTOR_SHARE:
            node = self._random.choice(others)
            number = node.all_processes["raylet"][0].process.pid
            cluster.remove_node(node, allow_graceful=False)
            cluster.add_node(num_cpus=1, object_store_memory=STORE, wait=False)
            return number
        number = self._random.choice(running)
        with suppress(ProcessLookupError):
            os.kill(number, signal.SIGKILL)
        return number

    def _driver(self, kind: str, nodes: int) -> None:
        """Kill the process of the run, check that no worker of it is left, and resume it."""
        with ray_cluster(nodes) as cluster:
            options = ("--executor", "ray", "--ray-address", cluster.address)
            for _ in range(self.options.driver_kills):
                run = self.start(kind, *options)
                while run.poll() is None and not workers():
                    self.record.look()
                    time.sleep(0.05)
                time.sleep(self._random.uniform(0.2, self.options.pause + 0.2))
                self.record.look()
                mine = {each.pid for number in workers() for each in walk_tree(number)}
                run.kill()
                run.wait()
                end = time.monotonic() + END_TIMEOUT_S
                while (left := mine & set(list_pids())) and time.monotonic() < end:
                    time.sleep(0.05)
                if left:
                    raise SystemExit(f"The killed run has left {len(left)} processes on the nodes.")
            self.wait(self.start(kind, *options))


@contextmanager
def ray_cluster(nodes: int) -> Iterator[Any]:
    """Start nodes of one processor each on this machine."""
    from ray.cluster_utils import Cluster

    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    logging.getLogger("ray").setLevel(logging.ERROR)  # Ray reports the address of an earlier cluster
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "object_store_memory": STORE})
    try:
        for _ in range(nodes - 1):
            cluster.add_node(num_cpus=1, object_store_memory=STORE)
        yield cluster
    finally:
        cluster.shutdown()


def digest(dataset: Path) -> str:
    """Return a hash of the names and contents of all files."""
    found = hashlib.sha256()
    for file in sorted(file for file in dataset.rglob("*") if file.is_file()):
        found.update(f"{file.relative_to(dataset)} {hashlib.sha256(file.read_bytes()).hexdigest()}\n".encode())
    return found.hexdigest()[:16]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    kinds = ["local", "ray-1", "ray-2", "ray-4", "shards-8", "killed", "driver"]
    parser.add_argument("--functions", type=int, default=2000)
    parser.add_argument("--kinds", nargs="+", default=kinds)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--driver-kills", type=int, default=2)
    parser.add_argument("--pause", type=float, default=1.0, help="longest time between two kills, in seconds")
    parser.add_argument("--seed", type=int, default=0, help="of the kills")
    parser.add_argument("--folder", type=Path, help="an empty folder for the runs, which are kept")
    options = parser.parse_args()
    record, hashes = ProcessRecord(), dict[str, str]()
    with tempfile.TemporaryDirectory() as temporary:
        comparison = Comparison(options.folder or Path(temporary), options, record)
        write_corpus(comparison.folder / "corpus", options.functions)
        for kind in options.kinds:
            start = time.perf_counter()
            comparison.make(kind)
            dataset = comparison.folder / kind / "run" / "dataset"
            hashes[kind] = digest(dataset)
            rows = sum(len(file.read_bytes().splitlines()) for file in dataset.rglob("train.jsonl"))
            seconds = time.perf_counter() - start
            print(f"{kind:14}{rows:7} rows  {hashes[kind]}  {seconds:7.1f} s", flush=True)
    left = record.left()
    print(f"processes left: {len(left)} of {len(record.seen)}", *left, sep="\n  ")
    if left or len(set(hashes.values())) > 1:
        raise SystemExit("The datasets differ, or processes are left.")


if __name__ == "__main__":
    main()
