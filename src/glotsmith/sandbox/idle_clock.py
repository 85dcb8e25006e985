"""Count how long a program waits: it uses no CPU time and has no task that could run."""

from collections.abc import Callable

_SHARE = 0.02  #: share of the waiting time that virtual machines use as CPU time for their own housekeeping
_TICK_S = 0.01  #: the resolution of CPU time in ``/proc``
_LONGEST_STEP_S = 0.1  #: most that one check adds: a late check does not show the state before it


class IdleClock:
    """The idle time of one process tree.

    A tree that is runnable but gets no processor is not idle. Therefore its state is read, too, and not only its CPU
    time.
    """

    def __init__(self, limit_s: float) -> None:
        """Count up to ``limit_s`` seconds."""
        self._limit_s = limit_s
        self.idle_s = 0.0  #: idle time so far
        self._cpu_s = 0.0  #: CPU time of the tree when the idle time began
        self._checked_at: float | None = None

    def exceeds_limit(self, now: float, cpu_s: float, is_runnable: Callable[[], bool]) -> bool:
        """Add the time since the last check; return whether the tree has been idle for longer than the limit.

        Args:
            now: seconds of a monotonic clock.
            cpu_s: CPU time of the tree.
            is_runnable: whether a task of the tree could run. It is called in the second half of the time only.

        """
        step = 0.0 if self._checked_at is None else min(now - self._checked_at, _LONGEST_STEP_S)
        self._checked_at = now
        self.idle_s += step
        allowed_s = max(_TICK_S, _SHARE * self.idle_s)
        if cpu_s - self._cpu_s > allowed_s or (self.idle_s > self._limit_s / 2 and is_runnable()):
            self.idle_s, self._cpu_s = 0.0, cpu_s
        return self.idle_s > self._limit_s
