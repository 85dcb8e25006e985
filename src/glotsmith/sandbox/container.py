"""Isolation by a container engine, docker or podman, through its command line: for machines that have nothing else.

The image (``GLOTSMITH_IMAGE``) holds the toolchains, in the places where this machine has them. Each program gets a
container of its own: no network, no capabilities, a read-only root, and the same limits and system call filter as
elsewhere. The engine is docker or podman, whichever answers first, or what ``GLOTSMITH_ENGINE`` names. It must run on
this machine: its containers' processes are watched in ``/proc``, and programs' files are shown to them where they lie.
"""

import contextlib
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
from glotsmith.sandbox.local import LocalSandbox
from glotsmith.sandbox.process_tree import ProcessStat, list_pids, walk_tree
from glotsmith.sandbox.seccomp import DENIED, NAMESPACE_FLAGS
from glotsmith.sandbox.spawned_process import ProcessLaunch
from glotsmith.sandbox.temporary_folders import belongs_to_dead_session
from glotsmith.sandbox.user_namespace import USER
from glotsmith.sandbox.view import PROGRAM, TMP, WORK, command, environment, scratch_sizes, toolchain_prefixes
from glotsmith.sandbox.wrapper import max_tasks, wrap_command

ENGINES = ("docker", "podman")
IMAGE = "glotsmith/toolchains"
LABEL = "glotsmith"

#: What an engine's command line needs of our environment; programs see none of it.
_CLIENT = (
    *("PATH", "HOME", "TMPDIR", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "DBUS_SESSION_BUS_ADDRESS"),
    *("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG", "DOCKER_CERT_PATH", "DOCKER_TLS_VERIFY", "CONTAINER_HOST"),
)
_ANSWER_S = 30.0
_DEATH_S = 8.0  #: how long a container may take to come up before it can be killed, and then to end
_ENOSYS = 38
_OPEN_FILES = 1024  #: descriptors of a process; the wrapper sets the program's own limit
_TASKS = 1 << 15  #: of all containers' users together: the kernel counts a number of a user, not a container's


class Container(LocalSandbox):
    """Programs in containers."""

    name: ClassVar[str] = "container"
    promises: ClassVar[frozenset[Promise]] = ALL_PROMISES

    def _prepare(self) -> None:
        self._image = os.environ.get("GLOTSMITH_IMAGE") or IMAGE
        self._engine = _find_engine()
        if self._engine.ask("image", "inspect", self._image) is None:
            raise IsolationError(
                f"{self._engine.name} has no image {self._image}: pull or build it, or name another by GLOTSMITH_IMAGE"
            )
        self._remove(belongs_to_dead_session)
        self._numbers = itertools.count(1)

    def _launch(self, program: Program, folder: Path) -> ProcessLaunch:
        limits, name = program.limits, f"{self._folders.root.name}-{next(self._numbers)}"
        profile = folder / "seccomp.json"
        profile.write_bytes(_profile())
        argv = [self._engine.path, "run", "--rm", "--interactive", "--name", name, "--label", f"{LABEL}={_boot()}"]
        argv += ("--pull", "never", "--log-driver", "none", "--no-healthcheck", "--hostname", "sandbox")
        argv += self._engine.peculiar
        argv += ("--network", "none", "--read-only", "--user", f"{USER}:{USER}", "--cap-drop", "ALL")
        argv += ("--security-opt", "no-new-privileges", "--security-opt", f"seccomp={profile}")
        argv += _limits(limits, self._engine.scratch)
        for path, inside in [*((prefix, prefix) for prefix in toolchain_prefixes(program)), *self._accounts]:
            argv += ("--mount", self._engine.mount(path, inside))
        argv += ("--mount", self._engine.mount(str(folder / "program"), PROGRAM, private=True))
        argv += ("--workdir", WORK, "--entrypoint", "/usr/bin/env", self._image, "-i")
        argv += (f"{key}={value}" for key, value in environment(program, TMP).items())
        wrapped = wrap_command(
            command(program.argv, PROGRAM), limits, neighbours=None, build=command(program.build, PROGRAM)
        )
        # The name of the shell, which it never uses, is how its process is found on the host.
        argv += (*wrapped[:3], name, *wrapped[4:])
        started = _Started(self._engine, name)
        return ProcessLaunch(
            argv, self._engine.env, "/", wrappers=1, kill=started.kill, members=started.members, reap=started.reap
        )

    async def close(self) -> None:
        """Kill what is left and remove all folders and containers; idempotent."""
        await super().close()
        self._remove(lambda name: name.startswith(f"{self._folders.root.name}-"))

    def _remove(self, wanted: Callable[[str], bool]) -> None:
        """Remove containers of this machine's sessions by name, dead or alive."""
        listed = self._engine.ask("ps", "--all", "--filter", f"label={LABEL}={_boot()}", "--format", "{{.Names}}")
        names = [name for name in (listed or "").split() if wanted(name)]
        if names:
            self._engine.ask("rm", "--force", *names)


class _Engine:
    """An engine's command line."""

    def __init__(self, path: str) -> None:
        self.path, self.name = path, Path(path).name
        # podman else adds folders that can be written, of no limited size
        self.peculiar = ("--read-only-tmpfs=false",) if self.name == "podman" else ()
        # podman gives a scratch folder the mode that the image's folder has; so the program's user becomes its owner
        self.scratch = ",U" if self.name == "podman" else ""
        self.env = {name: os.environ[name] for name in _CLIENT if name in os.environ}
        self.complaint = ""

    def ask(self, *arguments: str) -> str | None:
        """Return what a command printed; None if it failed, and then ``complaint`` says why."""
        try:
            done = subprocess.run(
                [self.path, *arguments],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_ANSWER_S,
                env=self.env,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            self.complaint = str(error)
            return None
        self.complaint = done.stderr.decode(errors="replace").strip()
        return done.stdout.decode(errors="replace") if done.returncode == 0 else None

    def mount(self, source: str, target: str, *, private: bool = False) -> str:
        """Return the words that show a folder of ours read-only.

        Raises:
            OSError: its path can't be said.

        """
        if any(c in source for c in ',"\n'):
            raise OSError(f"an engine can't be told of a path with a comma or a quote: {source}")
        label = ",relabel=private" if private and self.name == "podman" else ""  # for SELinux, which docker leaves out
        return f"type=bind,source={source},target={target},readonly{label}"


def _find_engine() -> _Engine:
    """Return the first engine that answers.

    Raises:
        IsolationError: none does; the message says why.

    """
    wanted = os.environ.get("GLOTSMITH_ENGINE", "")
    paths = [path for name in ([wanted] if wanted else ENGINES) if (path := shutil.which(name))]
    if not paths:
        what = f"{wanted} is not" if wanted else "no container engine is"
        raise IsolationError(f"{what} installed: apt install podman, or docker.io")
    complaints: list[str] = []
    for engine in map(_Engine, paths):
        if engine.ask("version") is not None:
            return engine
        complaints.append(f"{engine.name} does not answer: {engine.complaint or 'it says nothing'}")
    raise IsolationError("; ".join(complaints))


class _Started:
    """One container, from ``run`` to its end."""

    def __init__(self, engine: _Engine, name: str) -> None:
        self._engine, self._name = engine, name
        self._shell: int | None = None  #: its process 1, as this machine numbers it
        self._killed_at: float | None = None

    def members(self, _: int) -> Iterable[ProcessStat]:
        """Yield the container's processes, its shell first; the engine's own are not among them."""
        if self._shell is None:
            self._shell = _find_shell(self._name)
        return walk_tree(self._shell) if self._shell is not None else ()

    def kill(self, client: int) -> None:
        """Kill the container, which ends the client."""
        if self._killed_at is None:
            if not self._kill_shell():
                self._kill_by_engine(client)
            self._killed_at = time.monotonic()
        elif time.monotonic() - self._killed_at > _DEATH_S:
            _kill_if_there(client)

    def _kill_shell(self) -> bool:
        """Kill process 1 and so the container, without waiting; return whether it is there and may be killed.

        The engine's own command waits until all output has been read, which happens only after it returns.
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
        """Kill by the engine's command. A container can be killed only once it is there, so wait for that."""
        if self._shell is not None:
            _kill_if_there(client)  # it may wait to write output, and the engine for it
        deadline = time.monotonic() + _DEATH_S
        while self._engine.ask("kill", "--signal", "KILL", self._name) is None:
            if _has_ended(client) or time.monotonic() > deadline:
                break
            time.sleep(0.02)

    def reap(self) -> None:
        """Remove the container where the client may not have seen to that."""
        if self._killed_at is not None or (self._shell is not None and Path(f"/proc/{self._shell}").exists()):
            self._engine.ask("rm", "--force", self._name)


def _find_shell(name: str) -> int | None:
    return next((pid for pid in list_pids() if _is_shell(pid, name)), None)


def _is_shell(pid: int, name: str) -> bool:
    """Return whether a process is the shell of the container with this name."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return words[:2] == [b"/bin/sh", b"-c"] and words[3:4] == [name.encode()]


def _kill_if_there(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def _has_ended(child: int) -> bool:
    try:
        return os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    except ChildProcessError:
        return True


def _limits(limits: Limits, scratch_options: str) -> Sequence[str]:
    """Return the options that bound what the kernel can: the watchdog is exact, these hold between two looks."""
    scratch = dict(scratch_sizes(limits))
    memory = f"{2 * limits.memory_mb + sum(scratch.values())}m"  # what is in scratch folders counts as memory, too
    argv = ["--memory", memory, "--memory-swap", memory, "--pids-limit", str(2 * max_tasks(limits, 0))]
    # Engines set limits of their own else, which may be above ours: then no container starts.
    argv += ("--ulimit", f"nofile={_most(resource.RLIMIT_NOFILE, _OPEN_FILES)}")
    argv += ("--ulimit", f"nproc={_most(resource.RLIMIT_NPROC, _TASKS)}")
    argv += ("--shm-size", f"{scratch.pop('/dev/shm')}m")  # noqa: S108 - the container's own
    for path, megabytes in scratch.items():
        argv += ("--tmpfs", f"{path}:rw,exec,nosuid,nodev,size={megabytes}m,mode=1777{scratch_options}")
    return argv


def _most(what: int, wanted: int) -> str:
    """Return soft and hard limit of a resource as engines read them: ``wanted``, or what this process may have."""
    hard = resource.getrlimit(what)[1]
    most = wanted if hard == resource.RLIM_INFINITY else min(hard, wanted)
    return f"{most}:{most}"


def _profile() -> bytes:
    """Return our system call filter as engines read it."""
    rules: list[dict[str, object]] = [{"names": DENIED, "action": "SCMP_ACT_ERRNO", "errnoRet": _ENOSYS}]
    for flag in NAMESPACE_FLAGS:
        argument = {"index": 0, "value": flag, "valueTwo": flag, "op": "SCMP_CMP_MASKED_EQ"}
        rules.append({"names": ["clone"], "action": "SCMP_ACT_ERRNO", "errnoRet": _ENOSYS, "args": [argument]})
    return msgspec.json.encode({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": rules})


def _boot() -> str:
    """Name this machine, as long as it runs: several may share an engine."""
    return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
