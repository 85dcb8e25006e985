"""Show the progress of a training."""

from rich.console import Console

from glotsmith.cli.progress.display import ProgressDisplay, ProgressMode
from glotsmith.cli.progress.state import ColumnNames
from glotsmith.training.budget import LossReport

_STEPS = ColumnNames("", "", "")


class TrainingDisplay(ProgressDisplay):
    """Shows the steps and losses of a training (``training.budget.TrainingProgress``); a context manager."""

    def __init__(self, console: Console, mode: ProgressMode = ProgressMode.auto) -> None:
        super().__init__(console, mode, _STEPS)
        self._stage = ""
        self._losses: dict[str, str] = {}

    def on_stage_started(self, stage: int, step: int, steps: int) -> None:
        """Show a stage, with the steps of earlier starts."""
        self._stage, self._losses = _stage_name(stage), {}
        shown = self.state.add_step(self._stage, steps)
        shown.before = step
        shown.set_done(step)
        if len(self.state.steps) == 1:
            self.start(f"Resumes after step {step} of {self._stage}" if step else "")

    def on_step(self, step: int) -> None:
        """Count a step."""
        self.state.steps[self._stage].set_done(step)

    def on_loss(self, report: LossReport) -> None:
        """Show a loss, and the pace."""
        self._losses["held-out loss" if report.held_out else "loss"] = f"{report.loss:.4f}"
        if report.tokens_per_second:
            self._losses["tokens/s"] = f"{report.tokens_per_second:.0f}"
        note = ", ".join(f"{name} {value}" for name, value in self._losses.items())
        self.state.steps[self._stage].note = note

    def on_stage_finished(self, stage: int, steps: int) -> None:
        """Mark a stage as finished."""
        name = _stage_name(stage)
        if name not in self.state.steps:
            shown = self.state.add_step(name, steps)
            shown.before = shown.done = steps
            if len(self.state.steps) == 1:
                self.start("Resumes the training")
        self.finish(name)


def _stage_name(stage: int) -> str:
    return f"stage {stage}"
