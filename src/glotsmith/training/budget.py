"""The callback that reports the progress of a training and ends a stage at its time limit."""

import time
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

from glotsmith.counts import format_seconds
from glotsmith.training import ranks
from glotsmith.training.needs import load
from glotsmith.training.presets import TrainingSettings


class LossReport(NamedTuple):
    """The loss at a step of a stage."""

    step: int
    steps: int  #: number of steps of the stage
    loss: float
    held_out: bool  #: whether it is the loss on the held-out problems
    tokens_per_second: float = 0.0  #: mean rate since this process started to train; 0 if unknown
    left_s: float | None = None  #: expected seconds until the end of the stage; None if unknown


class TrainingProgress(Protocol):
    """Receives the progress of a training."""

    def on_stage_started(self, stage: int, step: int, steps: int) -> None:
        """Called when this process starts to train a stage, with its number and the steps that are done already."""
        ...

    def on_step(self, step: int) -> None:
        """Called after each step of the stage."""
        ...

    def on_loss(self, report: LossReport) -> None:
        """Called with each loss."""
        ...

    def on_stage_finished(self, stage: int, steps: int) -> None:
        """Called when the weights of a stage are stored, also if an earlier start stored them."""
        ...


class LossLines(TrainingProgress):
    """Prints each loss as a line."""

    def __init__(self, print_line: Callable[[str], None]) -> None:
        self._print_line = print_line

    def on_stage_started(self, stage: int, step: int, steps: int) -> None:
        """Do nothing."""

    def on_step(self, step: int) -> None:
        """Do nothing."""

    def on_stage_finished(self, stage: int, steps: int) -> None:
        """Do nothing."""

    def on_loss(self, report: LossReport) -> None:
        """Print the loss."""
        left = "" if report.left_s is None else f", {format_seconds(report.left_s)} left"
        pace = f", {report.tokens_per_second:.0f} tokens a second{left}" if left else ""
        where = " on held-out problems" if report.held_out else ""
        self._print_line(f"step {report.step} of {report.steps}: loss{where} {report.loss:.4f}{pace}")


def budget_callback(settings: TrainingSettings, stage: int, progress: TrainingProgress) -> Any:
    """Return the callback that reports losses and rates, and ends a stage in time with a last evaluation."""

    class Budget(load("transformers").TrainerCallback):
        stopped = ""

        def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            self._begun = time.monotonic()
            self._end = self._begun + settings.max_minutes * 60
            self._before = (state.global_step, state.num_input_tokens_seen)
            progress.on_stage_started(stage, int(state.global_step), int(state.max_steps))

        def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any], **_: Any) -> None:
            steps = int(state.global_step), int(state.max_steps)
            if "loss" in logs:
                progress.on_loss(LossReport(*steps, float(logs["loss"]), False, *self._pace(state)))
            if "eval_loss" in logs:
                progress.on_loss(LossReport(*steps, float(logs["eval_loss"]), True))

        def _pace(self, state: Any) -> tuple[float, float | None]:
            """Return the tokens per second since this process started to train, and the seconds left."""
            seconds, (step, tokens) = time.monotonic() - self._begun, self._before
            if state.global_step <= step or seconds <= 0:
                return 0.0, None
            left = (state.max_steps - state.global_step) * seconds / (state.global_step - step)
            return (state.num_input_tokens_seen - tokens) / seconds, left

        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            progress.on_step(int(state.global_step))
            over = bool(settings.max_minutes) and ranks.broadcast(time.monotonic() >= self._end)
            if over and state.global_step < state.max_steps:
                self.stopped = f"max_minutes = {settings.max_minutes:g}"
                control.should_training_stop = True
                control.should_save = True
            if control.should_training_stop or state.global_step >= state.max_steps:
                control.should_log = True
                control.should_evaluate = args.eval_strategy != "no"

    return Budget()
