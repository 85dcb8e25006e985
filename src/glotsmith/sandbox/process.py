"""One supervised program: started, fed, read, watched, killed, buried. Shared by all back ends."""

import asyncio
import contextlib
import os
import resource
import select
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from glotsmith.records import Limits, Outcome
from glotsmith.sandbox.pipes import Reader, Stderr, Stdout, Writer
from glotsmith.sandbox.usage import Process, Usage, children, measure, walk
from glotsmith.sandbox.wrapper import TASKS_PER_PROCESS

_FIRST_LOOK_S = 0.02  #: most programs have ended before the watchdog looks at all
_LOOK_S = 0.05
_DEATH_S = 10.0  #: how long a killed process may take to be dead

Stopped = Literal["cpu", "wall", "memory", "processes", "output", "closed", "unkillable"]


def kill_namespace(outer: int) -> None:
    """Kill process 1 of the PID namespace below ``outer``, and with it all that is inside.

    ``outer`` then reaps it and ends, so that what they used can be read. While it is stopped it can't start the
    namespace behind our back.
    """
    with contextlib.suppress(ProcessLookupError):
        os.kill(outer, signal.SIGSTOP)
        os.waitid(os.P_PID, outer, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
        inside = children(outer)
        for pid in inside or [outer]:
            os.kill(pid, signal.SIGKILL)
        os.kill(outer, signal.SIGCONT)


@dataclass(frozen=True)
class Launch:
    """How a back end starts a program."""

    argv: Sequence[str]
    env: Mapping[str, str]
    cwd: str
    wrappers: int  #: generations of processes that are ours, before the program's own
    kill: Callable[[int], None] = kill_namespace  #: kills all, given the outermost process (not yet reaped)
    members: Callable[[int], Iterable[Process]] = walk  #: all of its processes, given the outermost one
    bury: Callable[[], None] = lambda: None  #: called when the outermost process is dead; kills what outlived it
    fds: Sequence[int] = ()  #: descriptors to hand on; the launch owns them no longer
    owner: int | None = None  #: user on the host that the program is, if not ours: may open ``/dev/stdin`` and so on


class Supervised:
    """A running program. Make it, ``await watch()``, always ``dispose()``; then ``outcome()`` tells."""

    def __init__(self, launch: Launch, stdin: bytes, limits: Limits) -> None:
        """Start the program.

        Raises:
            OSError: the machine can't (no such executable, no memory, no process).

        """
        self._launch, self._limits = launch, limits
        self._stopped: Stopped | None = None
        self._peak = Usage()
        self._code = 0
        self._usage: resource.struct_rusage | None = None
        self._wall_s = 0.0
        self._build_cpu_s = 0.0
        self._disposed = False
        self._built_here = False  #: a build runs
        self._loop = asyncio.get_running_loop()
        self._ended: asyncio.Future[None] = self._loop.create_future()
        self.stdout = Stdout(limits.output_kb * 1024, lambda: self.stop("output"))
        self.stderr = Stderr(limits.output_kb * 256, self._note_state)
        self._begun = self._phase_begun = time.monotonic()
        self._process = _spawn(launch, piped=bool(stdin))
        try:
            self._pidfd = os.pidfd_open(self._process.pid)
            self._pipes = self._connect(stdin)
        except OSError:
            with self._process:  # closes the pipes and waits
                self._kill()
            raise

    def _connect(self, stdin: bytes) -> list[Reader | Writer]:
        process, loop = self._process, self._loop
        assert process.stdout is not None
        assert process.stderr is not None
        loop.add_reader(self._pidfd, self._note_end)
        pipes: list[Reader | Writer] = [
            Reader(loop, _detach(process.stdout.fileno()), self.stdout),
            Reader(loop, _detach(process.stderr.fileno()), self.stderr),
        ]
        if process.stdin is not None:
            pipes.append(Writer(loop, _detach(process.stdin.fileno()), stdin))
        for file in (process.stdout, process.stderr, process.stdin):
            if file is not None:
                if self._launch.owner is not None:
                    os.fchown(file.fileno(), self._launch.owner, -1)
                file.close()
        return pipes

    def _note_end(self) -> None:
        self._loop.remove_reader(self._pidfd)
        if not self._ended.done():
            self._ended.set_result(None)

    async def watch(self) -> None:
        """Wait for the end, which a limit may bring about."""
        pause = _FIRST_LOOK_S
        killed_at = None
        while not await self._ends_within(pause):
            self._look()
            if self._stopped is not None:
                killed_at = killed_at or time.monotonic()
                self._kill()
                if time.monotonic() - killed_at > _DEATH_S:
                    return
            pause = min(pause * 1.25, _LOOK_S, max(self._wall_left(), 0.001))

    async def _ends_within(self, seconds: float) -> bool:
        await asyncio.wait({self._ended}, timeout=seconds)
        return self._ended.done()

    def _note_state(self) -> None:
        """Begin to count anew when a build has ended."""
        if self.stderr.state == "ready":
            self._phase_begun = time.monotonic()
            self._build_cpu_s = self._measure().cpu_s if self._built_here else 0.0
        self._built_here = self.stderr.state == "building"

    def _measure(self) -> Usage:
        limits = self._limits
        members = self._launch.members(self._process.pid)
        return measure(members, self._launch.wrappers, most=limits.processes, enough_mb=limits.memory_mb)

    def _look(self) -> None:
        """Take one sample of the process tree and hold it against the limits."""
        limits = self._limits
        now = self._measure()
        self._peak = self._peak.peak(now)
        cpu_s = limits.build_cpu_s if self._built_here else limits.cpu_s
        if now.processes > limits.processes or now.tasks > limits.processes * TASKS_PER_PROCESS:
            self.stop("processes")
        elif now.memory_mb > limits.memory_mb:
            self.stop("memory")
        elif self._peak.cpu_s - self._build_cpu_s > cpu_s:
            self.stop("cpu")
        elif self._wall_left() <= 0:
            self.stop("wall")

    def _wall_left(self) -> float:
        limits = self._limits
        wall_s = limits.wall_s + limits.build_cpu_s if self._built_here else limits.wall_s
        return self._phase_begun + wall_s - time.monotonic()

    def stop(self, reason: Stopped) -> None:
        """Kill everything; the first reason given counts."""
        if self._stopped is None and not self._disposed:
            self._stopped = reason
            self._kill()

    def _kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._launch.kill(self._process.pid)

    def dispose(self) -> None:
        """Make sure that all is dead, read what is left and close everything; idempotent and without waiting.

        (Where ``watch`` was cancelled it kills, and then waits for the few milliseconds that takes.)
        """
        if self._disposed:
            return
        if not self._ended.done():
            self.stop("closed")
        self._disposed = True
        self._note_end()
        self._reap()
        self._launch.bury()
        for pipe in self._pipes:
            if isinstance(pipe, Reader):
                pipe.drain()
            pipe.close()
        os.close(self._pidfd)

    def _reap(self) -> None:
        self._wall_s = time.monotonic() - self._begun
        poll = select.poll()
        poll.register(self._pidfd, select.POLLIN)
        if not poll.poll(_DEATH_S * 1000):
            self._stopped = "unkillable"
            return
        _, status, self._usage = os.wait4(self._process.pid, 0)
        self._code = self._process.returncode = os.waitstatus_to_exitcode(status)

    def outcome(self) -> Outcome:
        """Tell what happened."""
        ending, code = _ending(self._stopped, self._code, self.stderr.state)
        return Outcome(
            ending=ending,
            code=code,
            stdout=bytes(self.stdout.data),
            stderr=b"" if ending == "infra" else bytes(self.stderr.data),
            cpu_s=round(max(self._peak.cpu_s, _cpu_s(self._usage)) - self._build_cpu_s, 6),
            wall_s=round(self._wall_s, 6),
            peak_memory_mb=round(self._peak.memory_mb, 3),
            built=self.stderr.state == "ready",
            detail=self._complaint() if ending == "infra" else "",
        )

    def _complaint(self) -> str:
        """Say what failed, where it was not the program."""
        if self._stopped == "closed":
            return "the sandbox was closed while the program ran"
        if self._stopped == "unkillable":
            return f"process {self._process.pid} does not die; the machine needs a look (dmesg)"
        if self.stderr.state == "missing":
            return "no such command in the sandbox"
        said = bytes(self.stderr.data).decode(errors="replace").strip()
        where = f"{self._launch.argv[0]} could not set up the program's isolation"
        return f"{where}: {said[-500:]}" if said else f"{where} (exit code {self._code})"


def _ending(
    stopped: Stopped | None, code: int, state: str
) -> tuple[Literal["exit", "signal", "cpu", "wall", "memory", "processes", "output", "infra"], int]:
    """Name the ending, and its exit code or signal."""
    if stopped == "closed" or stopped == "unkillable" or state in ("setup", "missing"):
        return "infra", 0
    if stopped is not None:
        return stopped, int(signal.SIGKILL)
    number = -code if code < 0 else code - 128  # the shell says 128 + N for signal N
    if number == signal.SIGXCPU:
        return "cpu", number
    if 0 < number < signal.NSIG:
        return "signal", number
    return "exit", code


def _cpu_s(usage: resource.struct_rusage | None) -> float:
    return usage.ru_utime + usage.ru_stime if usage is not None else 0.0


def _spawn(launch: Launch, *, piped: bool) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            launch.argv,
            stdin=subprocess.PIPE if piped else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=launch.env,
            cwd=launch.cwd,
            bufsize=0,
            pass_fds=launch.fds,
            start_new_session=True,
        )
    finally:
        for fd in launch.fds:
            os.close(fd)


def _detach(fd: int) -> int:
    """Duplicate a descriptor, not inheritable, so that its file object can be closed."""
    return os.dup(fd)
