"""Ray nodes in network namespaces of this machine, which a bridge connects, so that messages cross real sockets.

This needs root and the program ``ip`` (iproute2).
"""

import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

NETWORK = "10.88.0"
PORT = 6379
END_TIMEOUT_S = 30.0


class NamespaceCluster(NamedTuple):
    """A Ray cluster with one node in each namespace."""

    names: Sequence[str]
    address: str

    @property
    def prefix(self) -> list[str]:
        """The beginning of a command that runs in the namespace of the head node."""
        return inside(self.names[0])

    def processes(self) -> list[int]:
        """Return the processes in all namespaces."""
        return [int(pid) for name in self.names for pid in ip("netns", "pids", name).split()]

    def workers(self) -> list[int]:
        """Return the worker processes of runs."""
        found = list[int]()
        for pid in self.processes():
            with suppress(OSError):
                if Path(f"/proc/{pid}/cmdline").read_bytes().startswith(b"ray::NodeWorker"):
                    found.append(pid)
        return found


def ip(*arguments: str) -> str:
    """Run ``ip`` and return its output; end the script with the message of ``ip`` if it fails."""
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"ip {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout


def inside(name: str) -> list[str]:
    """Return the beginning of a command that runs in a namespace."""
    return ["ip", "netns", "exec", name]


@contextmanager
def namespace_cluster(nodes: int, store: int) -> Iterator[NamespaceCluster]:
    """Start a cluster with one node of one processor in each of ``nodes`` namespaces; ``store`` is in bytes."""
    names = [f"glotsmith-{os.getpid()}-{number}" for number in range(nodes)]
    cluster = NamespaceCluster(names, f"{NETWORK}.1:{PORT}")
    bridge = f"gs{os.getpid()}"
    token = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}  # Ray demands it between hosts
    temporary = tempfile.TemporaryDirectory(prefix="gs", ignore_cleanup_errors=True)
    # Ray writes the address of the cluster into this folder. In the shared folder, other programs would find it.
    settings = {**token, "RAY_TMPDIR": temporary.name}
    before = dict(os.environ)
    os.environ |= settings
    try:
        ip("link", "add", bridge, "type", "bridge")
        ip("link", "set", bridge, "up")
        for number, name in enumerate(names):
            _add_namespace(name, f"{bridge}-{number}", bridge, f"{NETWORK}.{number + 1}")
        for number, name in enumerate(names):
            _start_node(name, number, store)
        yield cluster
    finally:
        for name in settings:
            os.environ.pop(name)
        os.environ |= before
        _remove(cluster, bridge)
        temporary.cleanup()


def _add_namespace(name: str, link: str, bridge: str, address: str) -> None:
    """Make a namespace whose device ``eth0`` is connected to the bridge."""
    ip("netns", "add", name)
    ip("link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", name)
    ip("link", "set", link, "master", bridge, "up")
    ip("-n", name, "address", "add", f"{address}/24", "dev", "eth0")
    for device in ("lo", "eth0"):
        ip("-n", name, "link", "set", device, "up")


def _start_node(name: str, number: int, store: int) -> None:
    ray = [*inside(name), str(Path(sys.executable).with_name("ray")), "start", "--disable-usage-stats"]
    where = ["--head", f"--port={PORT}", "--include-dashboard=false"]
    if number:
        where = [f"--address={NETWORK}.1:{PORT}"]
    size = ["--num-cpus=1", f"--object-store-memory={store}", f"--node-ip-address={NETWORK}.{number + 1}"]
    done = subprocess.run([*ray, *where, *size], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        raise SystemExit(f"ray start in the namespace {name}: {done.stdout}")


def _remove(cluster: NamespaceCluster, bridge: str) -> None:
    """Kill the processes in the namespaces, and remove the namespaces and the bridge."""
    end = time.monotonic() + END_TIMEOUT_S
    known = ip("netns", "list").split()
    existing = cluster._replace(names=[name for name in cluster.names if name in known])
    while (left := existing.processes()) and time.monotonic() < end:
        for pid in left:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.1)
    for name in existing.names:
        ip("netns", "delete", name)
    subprocess.run(["ip", "link", "delete", bridge], capture_output=True)  # there is none if it could not be made
