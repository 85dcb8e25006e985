"""Supervise a running program: write its stdin, read its output, enforce its limits, and report its outcome.

Subclasses define how a program starts and dies: ``SpawnedProcess`` (cold start) and ``ForkedProcess`` (fork server).
"""

import asyncio
import contextlib
import functools
import itertools
import signal
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from typing import Literal

from glotsmith.records import Ending, Limits, Outcome
from glotsmith.sandbox.base import CLOSED_DURING_RUN, IsDecided
from glotsmith.sandbox.idle_clock import IdleClock
from glotsmith.sandbox.pipes import LimitedBuffer, PipeReader, PipeWriter, StderrParser, TailBuffer
from glotsmith.sandbox.process_tree import (
    ProcessStat,
    TreeUsage,
    cpu_seconds,
    has_runnable_task,
    measure_tree,
    own_processes,
    proportional_mb,
)
from glotsmith.sandbox.shell_wrapper import max_threads
from glotsmith.sandbox.starvation_clock import StarvationClock

_FIRST_CHECK_S = 0.02  #: most programs end before the first check of their limits
_CHECK_INTERVAL_S = 0.05
_IDLE_CHECK_INTERVAL_S = 0.1  #: interval while a program waits; a check adds at most this time to its idle time
_SHORTEST_PAUSE_S = 0.002  #: shortest pause between two checks before the CPU limit
_LEND_SLOT_AFTER_S = 0.05  #: after this idle time a program lends its slot
_IDLE = "idle: the program waited, and nothing in it could run"
_MAX_WALL_FACTOR = 10  #: a program that gets no processor ends after this multiple of its wall limit
_SETUP_TIMEOUT_S = 60.0  #: time to set up a sandbox or to load an interpreter, on a busy machine
KILL_TIMEOUT_S = 10.0  #: how long a killed process may take to die

KillReason = Literal["cpu", "idle", "wall", "memory", "processes", "output", "decided", "closed", "unkillable"]


class SupervisedProcess(ABC):
    """A running program. Call ``await supervise()``, then always ``dispose()``, then ``outcome()``."""

    wrappers: int  #: generations of glotsmith's own processes above those of the program
    stderr: StderrParser | TailBuffer  #: stderr of the program or of its build

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._kill_reason: KillReason | None = None
        self.is_decided: IsDecided | None = None
        self.loaded_line = b""  #: ``Program.loaded_line``
        self._loaded = False  #: whether the program has printed ``loaded_line``
        self._unused_load_s = 0.0  #: CPU time for loading that the program did not use
        self.on_wait: Callable[[TreeUsage], None] = lambda usage: None  #: called while no task of the program could run
        self.on_resume: Callable[[], None] = lambda: None  #: called when it may run again
        self._judged_bytes = 0  #: bytes of stdout at the last call of ``is_decided``
        self._idle_clock = IdleClock(limits.idle_s)
        self._starvation_clock = StarvationClock()  #: the clock of the present phase
        self._peak = TreeUsage()
        self._shared_mb = 0.0  #: last measured memory in which shared pages count once
        self._measurement: asyncio.Future[float] | None = None  #: the measurement of this memory in progress
        self._code = 0
        self._cpu_s = 0.0  #: CPU time of all processes, after their end
        self._build_cpu_s = 0.0
        self._wall_s = 0.0
        self._disposed = False
        self._loop = asyncio.get_running_loop()
        self._ended = False
        self._wakeup: asyncio.Future[None] | None = None  #: resolved at the program's end and at the next check
        self.stdout = LimitedBuffer(limits.output_kb * 1024, self._on_output_overflow)
        self._pipes: list[PipeReader | PipeWriter] = []
        self._started_at = self._phase_started_at = time.monotonic()
        self._building = False

    @property
    @abstractmethod
    def state(self) -> str:
        """Return the state: ``setup``, ``building`` if there is a build, then ``ready``, ``unbuilt`` or ``missing``."""

    @abstractmethod
    def _members(self) -> Iterable[ProcessStat]:
        """Yield the existing processes, the wrappers first."""

    @abstractmethod
    def _kill(self) -> None:
        """Kill all processes; may be called again."""

    @abstractmethod
    def _reap(self) -> None:
        """Wait until all processes are dead; set ``_code`` and ``_cpu_s``, or report that they do not die."""

    @abstractmethod
    def _failure_detail(self) -> str:
        """Return what failed in the sandbox rather than in the program."""

    def _on_end(self) -> None:
        self._ended = True
        if self._wakeup is not None:
            _resolve(self._wakeup)

    def _on_state_change(self) -> None:
        """Restart the count of wall and CPU time when a build has ended."""
        if self.state == "ready":
            self._phase_started_at, self._starvation_clock = time.monotonic(), StarvationClock()
            self._build_cpu_s = cpu_seconds(self._read_tree(), self.wrappers) if self._building else 0.0
        self._building = self.state == "building"

    def _on_output_overflow(self) -> None:
        if self._disposed:  # the rest of the output was read after the end
            self._kill_reason = self._kill_reason or "output"
        self.kill("output")

    async def supervise(self) -> None:
        """Wait for the program's end; kill the program at its limits."""
        pause = _FIRST_CHECK_S
        killed_at = None
        while not await self._ends_within(pause):
            self._start_readers()
            self._check_limits()
            if self._kill_reason is not None:
                killed_at = killed_at or time.monotonic()
                self._kill_quietly()
                if time.monotonic() - killed_at > KILL_TIMEOUT_S:
                    return
            pause = self._next_pause(pause)

    def _next_pause(self, last: float) -> float:
        """Return the seconds until the next check of the limits."""
        longest = _IDLE_CHECK_INTERVAL_S if self._idle_clock.idle_s > _LEND_SLOT_AFTER_S else _CHECK_INTERVAL_S
        pause = min(last * 1.25, longest, max(self._remaining_wall_s(), 0.001))
        return min(pause, max(self._remaining_cpu_s(), _SHORTEST_PAUSE_S))

    async def _ends_within(self, seconds: float) -> bool:
        wakeup = self._loop.create_future()  # asyncio.wait takes three times as long
        timer = self._loop.call_later(seconds, _resolve, wakeup)
        self._wakeup = wakeup
        try:
            if not self._ended:
                await wakeup
        finally:
            timer.cancel()
        return self._ended

    def _start_readers(self) -> None:
        """Start reading output. Short output stays in the pipe and is read after the program's end."""
        for pipe in self._pipes:
            if isinstance(pipe, PipeReader):
                pipe.start()

    @property
    def _memory_mb(self) -> int:
        limits = self._limits
        return max(limits.memory_mb, limits.build_memory_mb) if self._building else limits.memory_mb

    def _read_tree(self) -> Sequence[ProcessStat]:
        """Return the processes, at most one above the limit: a fork bomb can grow faster than they are listed."""
        return list(itertools.islice(self._members(), self._limits.processes + self.wrappers + 1))

    def _check_limits(self) -> None:
        """Measure the process tree once and kill it if it exceeds a limit."""
        limits, tree = self._limits, self._read_tree()
        usage = self._count_shared_memory_once(tree, measure_tree(tree, self.wrappers))
        self._peak = self._peak.peak(usage)
        self._withdraw_load_s()
        self._starvation_clock.check(time.monotonic(), [p for p in tree if p.depth >= self.wrappers])
        if usage.processes > limits.processes or usage.tasks > max_threads(limits):
            self.kill("processes")
        elif usage.memory_mb > self._memory_mb:
            self.kill("memory")
        elif self._remaining_cpu_s() < 0:
            self.kill("cpu")
        elif limits.idle_s and self._is_idle(tree, usage):
            self.kill("idle")
        elif self._remaining_wall_s() <= 0:
            self.kill("wall")
        elif self._has_decided():
            self.kill("decided")

    def _withdraw_load_s(self) -> None:
        """Withdraw the unused CPU time for loading at the first check after the program has loaded."""
        load_s = self._limits.load_s
        if load_s and self.loaded_line and not self._loaded and self.loaded_line + b"\n" in self.stdout.data:
            self._loaded = True
            self._unused_load_s = max(load_s - self._used_cpu_s(), 0.0)

    def _count_shared_memory_once(self, tree: Sequence[ProcessStat], usage: TreeUsage) -> TreeUsage:
        """Return the usage with the proportional memory if the sum of the resident memory exceeds the limit.

        A thread measures it, because that may take long. Until then the memory is the one measured last, and at least
        that of the largest process, so that a program cannot escape its limit by forks that delay the measurement.
        """
        own = own_processes(tree, self.wrappers)
        if usage.memory_mb <= self._memory_mb or not 1 < len(own) <= self._limits.processes:
            return usage
        if self._measurement is not None and self._measurement.done():
            self._shared_mb, self._measurement = self._measurement.result(), None
        if self._measurement is None:
            self._measurement = self._loop.run_in_executor(None, proportional_mb, own)
        return usage._replace(memory_mb=max(self._shared_mb, *(p.memory_mb for p in own)))

    def _has_decided(self) -> bool:
        """Return whether the output is enough for the caller, which is called only after new output."""
        size = len(self.stdout.data)
        if self.is_decided is None or size == self._judged_bytes:
            return False
        self._judged_bytes = size
        return self.is_decided(bytes(self.stdout.data))

    def _is_idle(self, tree: Sequence[ProcessStat], usage: TreeUsage) -> bool:
        """Return whether the program has waited for too long; a build has no idle limit."""
        if self.state != "ready":
            return False
        is_runnable = functools.cache(lambda: has_runnable_task(tree, self.wrappers))
        is_idle = self._idle_clock.exceeds_limit(time.monotonic(), usage.cpu_s, is_runnable)
        if self._idle_clock.idle_s > _LEND_SLOT_AFTER_S and not is_runnable():
            self.on_wait(usage)
        else:
            self.on_resume()
        return is_idle

    def _remaining_cpu_s(self) -> float:
        cpu_s = self._limits.build_cpu_s if self._building else self._limits.cpu_s - self._unused_load_s
        return cpu_s - self._used_cpu_s()

    def _used_cpu_s(self) -> float:
        return self._peak.cpu_s - self._build_cpu_s

    def _remaining_wall_s(self) -> float:
        """Return the wall time that is left to the program.

        The wall time begins when the sandbox is set up. It excludes the time in which the program waited for a
        processor.
        """
        limits = self._limits
        if self.state == "setup":
            return self._started_at + max(_SETUP_TIMEOUT_S, limits.wall_s) - time.monotonic()
        wall_s = limits.wall_s + limits.build_cpu_s if self._building else limits.wall_s
        limit_s = min(wall_s + self._starvation_clock.starved_s, _MAX_WALL_FACTOR * wall_s)
        return self._phase_started_at + limit_s - time.monotonic()

    def kill(self, reason: KillReason) -> None:
        """Kill all processes; the first reason given counts."""
        if self._kill_reason is None and not self._disposed:
            self._kill_reason = reason
            self._kill_quietly()

    def _kill_quietly(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._kill()

    def dispose(self) -> None:
        """Wait until all processes are dead, read the remaining output and close everything; idempotent.

        After ``supervise`` this returns at once, unless a process cannot be killed, or the back end searches for
        survivors (``none``) or removes a container (``container``). After ``supervise`` was cancelled, it kills the
        processes and waits for their death.
        """
        if self._disposed:
            return
        if not self._ended:
            self.kill("closed")
        self._disposed = True
        self._on_end()
        self._wall_s = time.monotonic() - self._started_at
        self._reap()
        for pipe in self._pipes:
            if isinstance(pipe, PipeReader):
                pipe.drain()
            pipe.close()

    def outcome(self) -> Outcome:
        """Return the outcome; call it after ``dispose``."""
        ending, code = classify_ending(self._kill_reason, self._code, self.state)
        closed = self._kill_reason == "closed"
        detail = _IDLE if ending == "idle" else ""
        if ending == "infra":
            detail = CLOSED_DURING_RUN if closed else self._failure_detail()
        cpu_s = max(self._peak.cpu_s - self._build_cpu_s, self._cpu_s - self._build_cpu_s)
        return Outcome(
            ending=ending,
            code=code,
            stdout=bytes(self.stdout.data),
            stderr=b"" if ending == "infra" else bytes(self.stderr.data),
            cpu_s=round(max(cpu_s, 0.0), 6),
            wall_s=round(self._wall_s, 6),
            peak_memory_mb=round(self._peak.memory_mb, 3),
            built=self.state == "ready",
            detail=detail,
        )


def _resolve(wakeup: asyncio.Future[None]) -> None:
    if not wakeup.done():
        wakeup.set_result(None)


def classify_ending(kill_reason: KillReason | None, code: int, state: str) -> tuple[Ending, int]:
    """Return the kind of ending, and the exit code or signal."""
    if kill_reason == "closed" or kill_reason == "unkillable" or state in ("setup", "missing"):
        return "infra", 0
    if kill_reason is not None:
        return kill_reason, int(signal.SIGKILL)
    number = -code if code < 0 else code - 128  # a shell reports signal N as exit code 128 + N
    if number == signal.SIGXCPU:
        return "cpu", number
    if 0 < number < signal.NSIG:
        return "signal", number
    return "exit", code
