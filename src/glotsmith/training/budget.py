"""The callback that prints the progress of a training and ends a stage in time."""

import time
from collections.abc import Callable
from typing import Any

from glotsmith.counts import format_seconds
from glotsmith.training import ranks
from glotsmith.training.needs import load
from glotsmith.training.presets import TrainingSettings


def budget_callback(settings: TrainingSettings, say: Callable[[str], None]) -> Any:
    """Return the callback that prints losses and pace, ends a stage in time, and requests its last evaluation."""

    class Budget(load("transformers").TrainerCallback):
        stopped = ""

        def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            self._begun = time.monotonic()
            self._end = self._begun + settings.max_minutes * 60
            self._before = (state.global_step, state.num_input_tokens_seen)

        def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any], **_: Any) -> None:
            step = f"step {state.global_step} of {state.max_steps}:"
            if "loss" in logs:
                say(f"{step} loss {float(logs['loss']):.4f}{self._pace(state)}")
            if "eval_loss" in logs:
                say(f"{step} loss on held-out problems {float(logs['eval_loss']):.4f}")

        def _pace(self, state: Any) -> str:
            """Return the tokens per second since the start of training in this process, and the time that is left."""
            seconds, (step, tokens) = time.monotonic() - self._begun, self._before
            if state.global_step <= step or seconds <= 0:
                return ""
            left = (state.max_steps - state.global_step) * seconds / (state.global_step - step)
            rate = (state.num_input_tokens_seen - tokens) / seconds
            return f", {rate:.0f} tokens a second, {format_seconds(left)} left"

        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            over = bool(settings.max_minutes) and ranks.broadcast(time.monotonic() >= self._end)
            if over and state.global_step < state.max_steps:
                self.stopped = f"max_minutes = {settings.max_minutes:g}"
                control.should_training_stop = True
                control.should_save = True
            if control.should_training_stop or state.global_step >= state.max_steps:
                control.should_log = True
                control.should_evaluate = args.eval_strategy != "no"

    return Budget()
