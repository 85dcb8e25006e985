"""Isolation by a container engine (docker or podman), for machines on which no other back end works.

The image (``GLOTSMITH_IMAGE``) contains the toolchains at the same paths as this machine. Each program gets its own
container without network and capabilities, with a read-only root, and with the same limits and system call filter as
in other back ends. The engine is the one that ``GLOTSMITH_ENGINE`` names, or the first of docker and podman that
answers. It must run on this machine: ``/proc`` shows the processes of containers, and the files of programs are bound
from their folders. No engine reports the CPU time of a container that has ended, so ``Outcome.cpu_s`` is that of the
last check: up to 50 ms less than the program used.
"""

import contextlib
import errno
import itertools
import os
import resource
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import ClassVar

import msgspec

from glotsmith.errors import IsolationError
from glotsmith.records import Limits, Program
from glotsmith.sandbox.base import ALL_PROMISES, Promise
from glotsmith.sandbox.local_sandbox import LocalSandbox
from glotsmith.sandbox.process_tree import ProcessStat, list_pids, walk_tree
from glotsmith.sandbox.program_environment import (
    PROGRAM,
    TMP,
    WORKING_FOLDER,
    command,
    environment,
    scratch_sizes,
    toolchain_prefixes,
)
from glotsmith.sandbox.seccomp import DENIED, NAMESPACE_FLAGS
from glotsmith.sandbox.shell_wrapper import max_threads, wrap_command
from glotsmith.sandbox.spawned_process import ProcessLaunch
from glotsmith.sandbox.temporary_folders import belongs_to_dead_session
from glotsmith.sandbox.user_namespace import USER

ENGINES = ("docker", "podman")
IMAGE = "glotsmith/toolchains"
LABEL = "glotsmith"

#: Environment variables that the command line of an engine needs; programs do not see them.
_CLIENT_VARIABLES = (
    *("PATH", "HOME", "TMPDIR", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "DBUS_SESSION_BUS_ADDRESS"),
    *("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG", "DOCKER_CERT_PATH", "DOCKER_TLS_VERIFY", "CONTAINER_HOST"),
)
_ENGINE_TIMEOUT_S = 30.0
_KILL_TIMEOUT_S = 8.0  #: seconds for a container to start (it cannot be killed before) and then to end
_OPEN_FILES = 1024  #: open files of a process of the engine; the wrapper sets the limit of the program
_MAX_THREADS = 1 << 15  #: threads of all containers: the kernel counts the threads of a user, not of a container


class Container(LocalSandbox):
    """A sandbox that runs each program in a container."""

    name: ClassVar[str] = "container"
    promises: ClassVar[frozenset[Promise]] = ALL_PROMISES

    def _prepare(self) -> None:
        self._image = os.environ.get("GLOTSMITH_IMAGE") or IMAGE
        self._engine = _find_engine()
        if self._engine.run("image", "inspect", self._image) is None:
            raise IsolationError(
                f"{self._engine.name} has no image {self._image}. Pull or build it, or set GLOTSMITH_IMAGE"
            )
        self._remove(belongs_to_dead_session)
        self._numbers = itertools.count(1)

    def _launch(self, program: Program, folder: Path) -> ProcessLaunch:
        limits, name = program.limits, f"{self._folders.root.name}-{next(self._numbers)}"
        profile = folder / "seccomp.json"
        profile.write_bytes(_seccomp_profile())
        argv = [self._engine.path, "run", "--rm", "--interactive", "--name", name, "--label", f"{LABEL}={_boot_id()}"]
        argv += ("--pull", "never", "--log-driver", "none", "--no-healthcheck", "--hostname", "sandbox")
        argv += self._engine.run_options
        argv += ("--network", "none", "--read-only", "--user", f"{USER}:{USER}", "--cap-drop", "ALL")
        argv += ("--security-opt", "no-new-privileges", "--security-opt", f"seccomp={profile}")
        argv += _limits(limits, self._engine.scratch_options)
        for path, inside in [*((prefix, prefix) for prefix in toolchain_prefixes(program)), *self._accounts]:
            argv += ("--mount", self._engine.mount(path, inside))
        argv += ("--mount", self._engine.mount(str(folder / "program"), PROGRAM, private=True))
        argv += ("--workdir", WORKING_FOLDER, "--entrypoint", "/usr/bin/env", self._image, "-i")
        argv += (f"{key}={value}" for key, value in environment(program, TMP).items())
        inside, build = command(program.argv, PROGRAM), command(program.build, PROGRAM)
        wrapped = wrap_command(inside, limits, threads=None, build=build)
        # The shell does not use $0; its value identifies the process on the host.
        argv += (*wrapped[:3], name, *wrapped[4:])
        container = _RunningContainer(self._engine, name)
        return ProcessLaunch(
            argv, self._engine.env, "/", wrappers=1, kill=container.kill, members=container.members, reap=container.reap
        )

    async def close(self) -> None:
        """Kill the running programs and remove all folders and containers; idempotent."""
        await super().close()
        self._remove(lambda name: name.startswith(f"{self._folders.root.name}-"))

    def _remove(self, matches: Callable[[str], bool]) -> None:
        """Remove the containers of sessions on this machine whose names match, running or not."""
        listed = self._engine.run("ps", "--all", "--filter", f"label={LABEL}={_boot_id()}", "--format", "{{.Names}}")
        names = [name for name in (listed or "").split() if matches(name)]
        if names:
            self._engine.run("rm", "--force", *names)


class _Engine:
    """The command line of a container engine."""

    def __init__(self, path: str) -> None:
        self.path, self.name = path, Path(path).name
        # by default podman adds writable folders of unlimited size
        self.run_options = ("--read-only-tmpfs=false",) if self.name == "podman" else ()
        # podman copies the mode of the image's folder to a scratch folder; U makes the program's user its owner
        self.scratch_options = ",U" if self.name == "podman" else ""
        self.env = {name: os.environ[name] for name in _CLIENT_VARIABLES if name in os.environ}
        self.failure = ""

    def run(self, *arguments: str) -> str | None:
        """Run a command of the engine; return its stdout, or None if it failed. Then ``failure`` says why."""
        try:
            done = subprocess.run(
                [self.path, *arguments],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_ENGINE_TIMEOUT_S,
                env=self.env,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            self.failure = str(error)
            return None
        self.failure = done.stderr.decode(errors="replace").strip()
        return done.stdout.decode(errors="replace") if done.returncode == 0 else None

    def mount(self, source: str, target: str, *, private: bool = False) -> str:
        """Return the value of ``--mount`` that binds a path of the host read-only.

        Raises:
            OSError: the command line cannot express the path.

        """
        if any(c in source for c in ',"\n'):
            raise OSError(f"container engines cannot mount a path with a comma or a quote: {source}")
        label = ",relabel=private" if private and self.name == "podman" else ""  # SELinux; docker lacks it
        return f"type=bind,source={source},target={target},readonly{label}"


def _find_engine() -> _Engine:
    """Return the first engine that answers.

    Raises:
        IsolationError: no engine answers; the message says why.

    """
    wanted = os.environ.get("GLOTSMITH_ENGINE", "")
    paths = [path for name in ([wanted] if wanted else ENGINES) if (path := shutil.which(name))]
    if not paths:
        missing = f"{wanted} is not" if wanted else "no container engine is"
        raise IsolationError(f"{missing} installed. Run: apt install podman (or docker.io)")
    failures: list[str] = []
    for engine in map(_Engine, paths):
        if engine.run("version") is not None:
            return engine
        failures.append(f"{engine.name} does not answer: {engine.failure or 'no error message'}")
    raise IsolationError("; ".join(failures))


class _RunningContainer:
    """One container, from its start to its removal."""

    def __init__(self, engine: _Engine, name: str) -> None:
        self._engine, self._name = engine, name
        self._shell: int | None = None  #: number of its process 1 on the host
        self._killed_at: float | None = None

    def members(self, _: int) -> Iterable[ProcessStat]:
        """Yield the processes of the container, its shell first, without those of the engine."""
        if self._shell is None:
            self._shell = _find_shell(self._name)
        return walk_tree(self._shell) if self._shell is not None else ()

    def kill(self, client: int) -> None:
        """Kill the container, which ends the client."""
        if self._killed_at is None:
            if not self._kill_shell():
                self._kill_by_engine(client)
            self._killed_at = time.monotonic()
        elif time.monotonic() - self._killed_at > _KILL_TIMEOUT_S:
            _kill_if_alive(client)

    def _kill_shell(self) -> bool:
        """Kill process 1, and so the container, without waiting; return whether that was possible.

        The kill command of the engine would wait until all output is read. The output is read only after this function
        returns.
        """
        shell = self._shell or _find_shell(self._name)
        if shell is None or not _is_shell(shell, self._name):
            return False
        try:
            os.kill(shell, signal.SIGKILL)
        except OSError:
            self._shell = shell
            return False
        return True

    def _kill_by_engine(self, client: int) -> None:
        """Kill the container by a command of the engine; wait for its start, before which it cannot be killed."""
        if self._shell is not None:
            _kill_if_alive(client)  # the client may block on its output, and the engine on the client
        deadline = time.monotonic() + _KILL_TIMEOUT_S
        while self._engine.run("kill", "--signal", "KILL", self._name) is None:
            if _has_ended(client) or time.monotonic() > deadline:
                break
            time.sleep(0.02)

    def reap(self) -> None:
        """Remove the container if the client may not have removed it."""
        if self._killed_at is not None or (self._shell is not None and Path(f"/proc/{self._shell}").exists()):
            self._engine.run("rm", "--force", self._name)


def _find_shell(name: str) -> int | None:
    return next((pid for pid in list_pids() if _is_shell(pid, name)), None)


def _is_shell(pid: int, name: str) -> bool:
    """Return whether a process is the shell of the container with this name."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return words[:2] == [b"/bin/sh", b"-c"] and words[3:4] == [name.encode()]


def _kill_if_alive(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def _has_ended(child: int) -> bool:
    try:
        return os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    except ChildProcessError:
        return True


def _limits(limits: Limits, scratch_options: str) -> Sequence[str]:
    """Return the options that set the kernel's limits, which hold between two checks of the exact watchdog."""
    scratch = dict(scratch_sizes(limits))
    memory = f"{2 * limits.memory_mb + sum(scratch.values())}m"  # files in scratch folders count as memory
    argv = ["--memory", memory, "--memory-swap", memory, "--pids-limit", str(2 * max_threads(limits))]
    # By default engines set their own limits. If these exceed the hard limits of this process, no container starts.
    argv += ("--ulimit", f"nofile={_ulimit(resource.RLIMIT_NOFILE, _OPEN_FILES)}")
    argv += ("--ulimit", f"nproc={_ulimit(resource.RLIMIT_NPROC, _MAX_THREADS)}")
    argv += ("--shm-size", f"{scratch.pop('/dev/shm')}m")  # noqa: S108 - the container's own
    for path, megabytes in scratch.items():
        argv += ("--tmpfs", f"{path}:rw,exec,nosuid,nodev,size={megabytes}m,mode=1777{scratch_options}")
    return argv


def _ulimit(resource_: int, wanted: int) -> str:
    """Return soft:hard limit of a resource for ``--ulimit``: ``wanted``, or the hard limit of this process if lower."""
    hard = resource.getrlimit(resource_)[1]
    most = wanted if hard == resource.RLIM_INFINITY else min(hard, wanted)
    return f"{most}:{most}"


def _seccomp_profile() -> bytes:
    """Return the system call filter as a seccomp profile for engines."""
    rules: list[dict[str, object]] = [{"names": DENIED, "action": "SCMP_ACT_ERRNO", "errnoRet": errno.ENOSYS}]
    for flag in NAMESPACE_FLAGS:
        argument = {"index": 0, "value": flag, "valueTwo": flag, "op": "SCMP_CMP_MASKED_EQ"}
        rules.append({"names": ["clone"], "action": "SCMP_ACT_ERRNO", "errnoRet": errno.ENOSYS, "args": [argument]})
    return msgspec.json.encode({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": rules})


def _boot_id() -> str:
    """Return the boot ID of this machine: several machines may share an engine."""
    return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
