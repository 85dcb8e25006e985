"""Count how long a program waits for a processor, so that a loaded machine does not end it at its wall limit."""

from collections.abc import Sequence

from glotsmith.sandbox.process_tree import ProcessStat, has_runnable_task

_WORKING_SHARE = 0.5  #: a tree that used more than this share of the time between two checks was not starved


class StarvationClock:
    """The time in which one process tree could run and got no processor.

    Only a tree with the same processes as at the last check counts. A tree that starts processes works, and a fork bomb
    that keeps the machine busy uses up its own wall limit.
    """

    def __init__(self) -> None:
        self.starved_s = 0.0
        self._cpu_s: dict[int, float] = {}  #: process → CPU seconds at the last check
        self._checked_at = 0.0

    def check(self, now: float, tree: Sequence[ProcessStat]) -> None:
        """Add the time since the last check if the tree waited for a processor.

        Args:
            now: Seconds of a monotonic clock.
            tree: The existing processes of the program.

        """
        step, before = now - self._checked_at, self._cpu_s
        self._checked_at, self._cpu_s = now, {p.pid: p.own_cpu_s for p in tree}
        used_s = sum(self._cpu_s.values()) - sum(before.values())
        is_same = self._cpu_s.keys() == before.keys()
        if is_same and used_s < _WORKING_SHARE * step and has_runnable_task(tree, wrappers=0):
            self.starved_s += step - used_s
