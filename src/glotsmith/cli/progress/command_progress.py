"""Show the progress of commands without a ledger: verdicts on jobs, an evaluation, the parts of a check."""

import threading
from collections.abc import Iterable, Mapping, Sequence
from types import TracebackType

from rich.console import Console

from glotsmith.cli.progress.display import ProgressDisplay, ProgressMode
from glotsmith.cli.progress.state import ColumnNames
from glotsmith.counts import counted
from glotsmith.errors import GlotsmithError
from glotsmith.evaluation.questions import EvaluationSample
from glotsmith.records import Verdict

_VERDICTS = ColumnNames("pass", "others", "")
_PARTS = ColumnNames("", "", "")


class JobProgress(ProgressDisplay):
    """Shows how many jobs have a verdict."""

    def __init__(self, console: Console, mode: ProgressMode) -> None:
        super().__init__(console, mode, _VERDICTS)
        self._counting: threading.Thread | None = None
        self._stopped = False

    def begin(self, name: str, judged: Sequence[Verdict], jobs: Iterable[object] | None) -> None:
        """Begin, with the verdicts of earlier starts.

        Args:
            name: The name of the step that is shown.
            judged: The verdicts of earlier starts.
            jobs: All jobs, which a thread counts; None if they cannot be read twice.

        """
        step = self.state.add_step(name)
        for verdict in judged:
            self.on_verdict(name, verdict.status)
        step.before = len(judged)
        self.start(f"Resumes: {counted(len(judged), 'job')} had a verdict before" if judged else "")
        if jobs is not None:
            self._counting = threading.Thread(target=self._count, args=(name, jobs), name="count", daemon=True)
            self._counting.start()

    def on_verdict(self, name: str, status: str) -> None:
        """Count a verdict."""
        if status != "pass":
            self.state.failures[status] += 1
        self.state.steps[name].count(kept=status == "pass")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Show the last state."""
        self._stopped = True
        if self._counting is not None:
            self._counting.join()
        if kind is None:
            for name in self.state.steps:
                self.state.finish(name)
        super().__exit__(kind, error, trace)

    def _count(self, name: str, jobs: Iterable[object]) -> None:
        """Count all jobs; a file that cannot be read is reported where it is judged."""
        total = 0
        try:
            for _ in jobs:
                total += 1
                if self._stopped:
                    return
        except (GlotsmithError, OSError, ValueError):
            return
        self.state.steps[name].total = total


class EvaluationProgress(ProgressDisplay):
    """Shows how many samples of each benchmark in each language have a verdict."""

    def __init__(self, console: Console, mode: ProgressMode) -> None:
        super().__init__(console, mode, _VERDICTS)

    def begin(self, samples: Mapping[str, int], replies: int) -> None:
        """Begin, with the number of samples of each set of questions and the number of stored replies."""
        for name, total in samples.items():
            self.state.add_step(name, total)
        self.start(f"Resumes: {counted(replies, 'reply', 'is')} stored" if replies else "")

    def on_sample(self, name: str, sample: EvaluationSample) -> None:
        """Count the verdict on a sample."""
        step = self.state.steps[name]
        if sample.status != "pass":
            self.state.failures[sample.status] += 1
        step.count(kept=sample.status == "pass")
        if step.done == step.total:
            step.state = "finished"


class CheckProgressDisplay(ProgressDisplay):
    """Shows the parts of a check (``toolkit.language_check.CheckProgress``)."""

    def __init__(self, console: Console, mode: ProgressMode) -> None:
        super().__init__(console, mode, _PARTS)
        self._part = ""

    def begin(self, what: str, total: int) -> None:
        """Begin a part; a total of 0 is unknown."""
        self._finish_part()
        if not self.state.steps:
            self.start()
        self._part = what
        self.state.add_step(what, total or None).set_done(0)

    def tick(self) -> None:
        """Count one program."""
        self.state.steps[self._part].count(kept=True)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Show the last state."""
        if kind is None:
            self._finish_part()
        super().__exit__(kind, error, trace)

    def _finish_part(self) -> None:
        if self._part:
            self.finish(self._part)
