"""The counts that a command shows while it runs: its steps, with rates and the time that is left."""

import time
from collections import Counter, deque
from collections.abc import Callable
from itertools import pairwise
from typing import Literal, NamedTuple

from glotsmith.api.activity import Activity
from glotsmith.records import FunnelRow

StepState = Literal["waiting", "running", "finished"]

_WINDOW_S = 30.0  #: length of the period over which a rate is measured, in seconds
_SHORTEST_S = 1.0  #: shortest duration of a step for which an average rate is shown, in seconds


class Pace:
    """The rate of a number that grows, over the last seconds."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._samples = deque[tuple[float, float]]()

    def add(self, value: float) -> None:
        """Record the value at the current time."""
        now = self._now()
        self._samples.append((now, value))
        while self._samples[0][0] < now - _WINDOW_S and len(self._samples) > 2:
            self._samples.popleft()

    @property
    def per_second(self) -> float:
        """The growth per second; 0 while it is unknown."""
        if len(self._samples) < 2:
            return 0.0
        (start, first), (end, last) = self._samples[0], self._samples[-1]
        return max(0.0, (last - first) / (end - start)) if end > start else 0.0


class StepCounts:
    """The counts of one step. A kept or dropped input is an input that has been processed."""

    def __init__(self, name: str, *, total: int | None = None, now: Callable[[], float] = time.monotonic) -> None:
        self.name = name
        self.total = total  #: number of inputs; None while it is unknown
        self.at_least = 0  #: number of inputs that are known so far, if the total is unknown
        self.done = self.kept = self.dropped = self.made = 0  #: inputs processed, kept and dropped; outputs
        self.before = 0  #: number of inputs that earlier starts processed
        self.state: StepState = "waiting"
        self.note = ""  #: text after the name of the step, such as the loss of a training
        self._now = now
        self._pace = Pace(now)
        self._times: tuple[float, float] | None = None  #: times of the first and the last count of this start

    def count(self, *, kept: bool, made: int = 1) -> None:
        """Count one processed input."""
        self.kept += kept
        self.dropped += not kept
        self.made += made
        self.set_done(self.done + 1)

    def set_done(self, done: int) -> None:
        """Set the number of processed inputs."""
        now = self._now()
        self._times = (self._times[0] if self._times else now, now)
        self.done = done
        if self.state == "waiting":
            self.state = "running"

    def set_funnel(self, row: FunnelRow) -> None:
        """Set the counts to those of the ledger."""
        self.done, self.kept, self.dropped, self.made = row.taken, row.kept, row.dropped, row.made

    def restart(self) -> None:
        """Forget all results."""
        self.done = self.kept = self.dropped = self.made = 0
        self._pace = Pace(self._now)

    def sample(self) -> None:
        """Record the progress for the rate; call it about once a second."""
        if self.state == "running":
            self._pace.add(self.done)

    @property
    def rate(self) -> float:
        """Inputs per second: over the last seconds, or the average of this start if it is finished; 0 if unknown."""
        if self.state == "running":
            return self._pace.per_second
        seconds = self._times[1] - self._times[0] if self._times else 0.0
        return (self.done - self.before) / seconds if seconds >= _SHORTEST_S else 0.0

    @property
    def left_s(self) -> float | None:
        """Seconds that the remaining inputs take at the current rate; None if it is unknown."""
        if self.state != "running" or self.total is None or not self.rate:
            return None
        return max(0, self.total - self.done) / self.rate


class ColumnNames(NamedTuple):
    """The names of the columns with counts."""

    kept: str = "kept"
    dropped: str = "dropped"
    made: str = "out"  #: "" if the outputs of a step are not the inputs of the next step


class ProgressState:
    """All that a command shows."""

    def __init__(self, columns: ColumnNames | None = None, now: Callable[[], float] = time.monotonic) -> None:
        self.columns = columns or ColumnNames()
        self.steps: dict[str, StepCounts] = {}
        self.resumed = ""  #: a sentence about earlier starts
        self.activity = Activity()
        self.failures = Counter[str]()  #: number of failed programs by verdict, for a command without a ledger
        self.tokens, self.programs = Pace(now), Pace(now)
        self.ended = False  #: whether nothing runs any more
        self._programs_before: int | None = None  #: number of programs that ended before the command began
        self._now = now

    @property
    def step_list(self) -> list[StepCounts]:
        """A copy of the list of steps, because other threads may add one."""
        return list(self.steps.values())

    def add_step(self, name: str, total: int | None = None) -> StepCounts:
        """Add a step, and return its counts."""
        self.steps[name] = found = StepCounts(name, total=total, now=self._now)
        return found

    def finish(self, name: str) -> None:
        """Mark a step as finished, which determines its number of inputs and that of the next step."""
        step, names = self.steps[name], list(self.steps)
        step.state, step.total = "finished", step.done
        follower = names.index(name) + 1
        if self.columns.made and follower < len(names):
            self.steps[names[follower]].total = step.made

    def restart(self, name: str) -> None:
        """Forget the results of a step."""
        self.steps[name].restart()

    def set_activity(self, activity: Activity) -> None:
        """Set the current activity of the command."""
        self.activity = activity
        if activity.paid:
            self.tokens.add(activity.paid.tokens)
        if activity.sandbox:
            if self._programs_before is None:
                self._programs_before = activity.sandbox.ended
            self.programs.add(activity.sandbox.ended)

    @property
    def program_count(self) -> int:
        """The number of programs that ended in this start."""
        return self.activity.sandbox.ended - (self._programs_before or 0) if self.activity.sandbox else 0

    def sample(self) -> None:
        """Record the progress of all steps; call it about once a second."""
        steps = self.step_list
        for previous, step in pairwise(steps):
            step.at_least = previous.made if self.columns.made else 0
        for step in steps:
            step.sample()
