"""The counts that a command shows while it runs: its steps, with rates and the time that is left."""

import time
from collections import Counter, deque
from collections.abc import Callable
from itertools import pairwise
from typing import Literal, NamedTuple

from glotsmith.api.activity import Activity
from glotsmith.records import FunnelRow

StepState = Literal["waiting", "running", "finished"]

_WINDOW_S = 30.0  #: a rate is that of the last seconds
_SHORTEST_S = 1.0  #: time of a step that has an average rate


class Pace:
    """The rate of a number that grows, over the last seconds."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._samples = deque[tuple[float, float]]()

    def add(self, value: float) -> None:
        """Note the value at this time."""
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
        self.total = total  #: inputs; None while it is unknown
        self.at_least = 0  #: inputs that are known so far, if the total is unknown
        self.done = self.kept = self.dropped = self.made = 0  #: inputs: processed, kept, dropped; outputs kept
        self.before = 0  #: inputs that earlier starts have processed
        self.state: StepState = "waiting"
        self.note = ""  #: what else is known, such as the loss of a training
        self._now = now
        self._pace = Pace(now)
        self._times: tuple[float, float] | None = None  #: of the first and the last count of this start

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
        """Take the counts of the ledger."""
        self.done, self.kept, self.dropped, self.made = row.taken, row.kept, row.dropped, row.made

    def restart(self) -> None:
        """Forget all results."""
        self.done = self.kept = self.dropped = self.made = 0
        self._pace = Pace(self._now)

    def sample(self) -> None:
        """Note the progress for the rate; call it about once a second."""
        if self.state == "running":
            self._pace.add(self.done)

    @property
    def rate(self) -> float:
        """Inputs per second in the last seconds; of a finished step, on average in this start; 0 if unknown."""
        if self.state == "running":
            return self._pace.per_second
        seconds = self._times[1] - self._times[0] if self._times else 0.0
        return (self.done - self.before) / seconds if seconds >= _SHORTEST_S else 0.0

    @property
    def left_s(self) -> float | None:
        """Seconds that the rest takes at the present rate; None if it is unknown."""
        if self.state != "running" or self.total is None or not self.rate:
            return None
        return max(0, self.total - self.done) / self.rate


class ColumnNames(NamedTuple):
    """What processed inputs are called."""

    kept: str = "kept"
    dropped: str = "dropped"
    made: str = "out"  #: "" if a step has no outputs that the next step takes


class ProgressState:
    """All that a command shows."""

    def __init__(self, columns: ColumnNames | None = None, now: Callable[[], float] = time.monotonic) -> None:
        self.columns = columns or ColumnNames()
        self.steps: dict[str, StepCounts] = {}
        self.resumed = ""  #: a sentence about earlier starts
        self.activity = Activity()
        self.failures = Counter[str]()  #: programs that failed, by verdict, of a command without a ledger
        self.tokens, self.programs = Pace(now), Pace(now)
        self.ended = False  #: whether nothing runs any more
        self._programs_before: int | None = None  #: that the sandbox ran before the command began
        self._now = now

    @property
    def step_list(self) -> list[StepCounts]:
        """The steps so far; other threads may add one meanwhile."""
        return list(self.steps.values())

    def add_step(self, name: str, total: int | None = None) -> StepCounts:
        """Add a step, and return its counts."""
        self.steps[name] = found = StepCounts(name, total=total, now=self._now)
        return found

    def finish(self, name: str) -> None:
        """Mark a step as finished: its number of inputs is known, and that of the next step too."""
        step, names = self.steps[name], list(self.steps)
        step.state, step.total = "finished", step.done
        follower = names.index(name) + 1
        if self.columns.made and follower < len(names):
            self.steps[names[follower]].total = step.made

    def restart(self, name: str) -> None:
        """Forget the results of a step."""
        self.steps[name].restart()

    def set_activity(self, activity: Activity) -> None:
        """Take what the command does at the moment."""
        self.activity = activity
        if activity.paid:
            self.tokens.add(activity.paid.tokens)
        if activity.sandbox:
            if self._programs_before is None:
                self._programs_before = activity.sandbox.ended
            self.programs.add(activity.sandbox.ended)

    @property
    def program_count(self) -> int:
        """Programs that ended in this start."""
        return self.activity.sandbox.ended - (self._programs_before or 0) if self.activity.sandbox else 0

    def sample(self) -> None:
        """Note the progress of all steps; call it about once a second."""
        steps = self.step_list
        for previous, step in pairwise(steps):
            step.at_least = previous.made if self.columns.made else 0
        for step in steps:
            step.sample()
