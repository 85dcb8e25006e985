"""A running program under watch: fed, read, held to its limits, told of. Back ends say how it starts and dies."""

import asyncio
import contextlib
import signal
import time
from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Literal

from glotsmith.records import Limits, Outcome
from glotsmith.sandbox.pipes import LimitedBuffer, PipeReader, PipeWriter
from glotsmith.sandbox.process_tree import ProcessStat, TreeUsage, measure_tree
from glotsmith.sandbox.wrapper import max_tasks

_FIRST_LOOK_S = 0.02  #: most programs have ended before the watchdog looks at all
_LOOK_S = 0.05
DEATH_S = 10.0  #: how long a killed process may take to be dead

Stopped = Literal["cpu", "wall", "memory", "processes", "output", "closed", "unkillable"]


class SupervisedProcess(ABC):
    """A running program. Make it, ``await watch()``, always ``dispose()``; then ``outcome()`` tells."""

    wrappers: int  #: generations of processes that are ours, before the program's own

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._stopped: Stopped | None = None
        self._peak = TreeUsage()
        self._code = 0
        self._cpu_s = 0.0  #: of all that has ended
        self._build_cpu_s = 0.0
        self._wall_s = 0.0
        self._disposed = False
        self._loop = asyncio.get_running_loop()
        self._ended = False
        self._alarm: asyncio.Future[None] | None = None  #: rings at the end, or when it is time to look
        self.stdout = LimitedBuffer(limits.output_kb * 1024, self._note_flood)
        self._pipes: list[PipeReader | PipeWriter] = []
        self._begun = self._phase_begun = time.monotonic()
        self._building = False

    # ------------------------------------------------------------------------------ what a back end says

    @property
    @abstractmethod
    def state(self) -> str:
        """Return how far it is: ``setup``, perhaps ``building``, then ``ready unbuilt missing``."""

    @abstractmethod
    def _members(self) -> Iterable[ProcessStat]:
        """Yield the processes that are there, the wrappers first."""

    @abstractmethod
    def _kill(self) -> None:
        """Kill all of them; may be called again."""

    @abstractmethod
    def _reap(self) -> None:
        """Make sure that all are dead, and note ``_code`` and ``_cpu_s``, or that they do not die."""

    @abstractmethod
    def _stderr_bytes(self) -> bytes:
        """Return what was said on stderr."""

    @abstractmethod
    def failure_detail(self) -> str:
        """Say what failed, where it was not the program."""

    # ----------------------------------------------------------------------------------------- watching

    def _note_end(self) -> None:
        self._ended = True
        if self._alarm is not None:
            _ring(self._alarm)

    def _note_state(self) -> None:
        """Begin to count anew when a build has ended."""
        if self.state == "ready":
            self._phase_begun = time.monotonic()
            self._build_cpu_s = self._measure().cpu_s if self._building else 0.0
        self._building = self.state == "building"

    def _note_flood(self) -> None:
        if self._disposed:  # it was read when all was over
            self._stopped = self._stopped or "output"
        self.stop("output")

    async def supervise(self) -> None:
        """Wait for the end, which a limit may bring about."""
        pause = _FIRST_LOOK_S
        killed_at = None
        while not await self._ends_within(pause):
            self._listen_to_pipes()
            self._look()
            if self._stopped is not None:
                killed_at = killed_at or time.monotonic()
                self._kill_quietly()
                if time.monotonic() - killed_at > DEATH_S:
                    return
            pause = min(pause * 1.25, _LOOK_S, max(self._wall_left(), 0.001))

    async def _ends_within(self, seconds: float) -> bool:
        alarm = self._loop.create_future()  # asyncio.wait does the same in three times the time
        timer = self._loop.call_later(seconds, _ring, alarm)
        self._alarm = alarm
        try:
            if not self._ended:
                await alarm
        finally:
            timer.cancel()
        return self._ended

    def _listen_to_pipes(self) -> None:
        """Begin to read what the program writes: the little that most programs write is read when they have ended."""
        for pipe in self._pipes:
            if isinstance(pipe, PipeReader):
                pipe.listen()

    @property
    def _memory_mb(self) -> int:
        limits = self._limits
        return max(limits.memory_mb, limits.build_memory_mb) if self._building else limits.memory_mb

    def _measure(self) -> TreeUsage:
        return measure_tree(self._members(), self.wrappers, most=self._limits.processes, enough_mb=self._memory_mb)

    def _look(self) -> None:
        """Take one sample of the process tree and hold it against the limits."""
        limits, now = self._limits, self._measure()
        self._peak = self._peak.peak(now)
        cpu_s = limits.build_cpu_s if self._building else limits.cpu_s
        if now.processes > limits.processes or now.tasks > max_tasks(limits, neighbours=0):
            self.stop("processes")
        elif now.memory_mb > self._memory_mb:
            self.stop("memory")
        elif self._peak.cpu_s - self._build_cpu_s > cpu_s:
            self.stop("cpu")
        elif self._wall_left() <= 0:
            self.stop("wall")

    def _wall_left(self) -> float:
        limits = self._limits
        wall_s = limits.wall_s + limits.build_cpu_s if self._building else limits.wall_s
        return self._phase_begun + wall_s - time.monotonic()

    def stop(self, reason: Stopped) -> None:
        """Kill everything; the first reason given counts."""
        if self._stopped is None and not self._disposed:
            self._stopped = reason
            self._kill_quietly()

    def _kill_quietly(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._kill()

    def dispose(self) -> None:
        """Make sure that all is dead, read what is left and close everything; idempotent and without waiting.

        (Where ``watch`` was cancelled it kills, and then waits for the few milliseconds that takes.)
        """
        if self._disposed:
            return
        if not self._ended:
            self.stop("closed")
        self._disposed = True
        self._note_end()
        self._wall_s = time.monotonic() - self._begun
        self._reap()
        for pipe in self._pipes:
            if isinstance(pipe, PipeReader):
                pipe.drain()
            pipe.close()

    # ------------------------------------------------------------------------------------------ telling

    def outcome(self) -> Outcome:
        """Tell what happened."""
        ending, code = name_ending(self._stopped, self._code, self.state)
        cpu_s = max(self._peak.cpu_s - self._build_cpu_s, self._cpu_s - self._build_cpu_s)
        return Outcome(
            ending=ending,
            code=code,
            stdout=bytes(self.stdout.data),
            stderr=b"" if ending == "infra" else self._stderr_bytes(),
            cpu_s=round(max(cpu_s, 0.0), 6),
            wall_s=round(self._wall_s, 6),
            peak_memory_mb=round(self._peak.memory_mb, 3),
            built=self.state == "ready",
            detail=self.failure_detail() if ending == "infra" else "",
        )


def _ring(alarm: asyncio.Future[None]) -> None:
    if not alarm.done():
        alarm.set_result(None)


def name_ending(
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
