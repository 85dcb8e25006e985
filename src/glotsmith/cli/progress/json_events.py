"""Progress as events for programs: one JSON object a line."""

from typing import Any

import msgspec
from rich.console import Console

from glotsmith.cli.progress.state import ProgressState, StepCounts
from glotsmith.cli.progress.texts import failures


class JsonView:
    """Prints ``started``, ``progress``, ``step_finished``, ``message`` and ``ended`` (``docs/progress.md``)."""

    interval_s = 1.0

    def __init__(self, console: Console, state: ProgressState) -> None:
        self._console, self._state = console, state
        self._last: dict[str, Any] = {}

    def start(self) -> None:
        """Print the counts of earlier starts."""
        self._last = self._counts()
        self._print({"event": "started", **self._last})

    def tick(self) -> None:
        """Print the counts if they have changed."""
        if (found := self._counts()) != self._last:
            self._last = found
            self._print({"event": "progress", **found})

    def print(self, text: str) -> None:
        """Print a message."""
        self._print({"event": "message", "text": text})

    def on_step_finished(self, step: StepCounts) -> None:
        """Print the counts of a step."""
        self._print({"event": "step_finished", **_step_fields(step)})

    def stop(self) -> None:
        """Print the last counts."""
        self._print({"event": "ended", **self._counts()})

    def _print(self, event: dict[str, Any]) -> None:
        if not self._console.quiet:
            self._console.file.write(msgspec.json.encode(event).decode() + "\n")
            self._console.file.flush()

    def _counts(self) -> dict[str, Any]:
        state, activity = self._state, self._state.activity
        found: dict[str, Any] = {"steps": [_step_fields(step) for step in state.step_list]}
        if activity.teacher:
            found["teacher"] = activity.teacher._asdict() | {
                "open": activity.waiting.requests if activity.waiting else 0
            }
        if activity.paid:
            found["paid"] = activity.paid._asdict() | {"tokens_per_second": round(state.tokens.per_second, 2)}
        if activity.sandbox:
            rate = round(state.programs.per_second, 2)
            found["sandbox"] = {
                "busy": activity.sandbox.busy,
                "workers": activity.sandbox.workers,
                "programs": state.program_count,
                "programs_per_second": rate,
            }
        return found | {
            "failures": failures(state),
            "budgets": [budget._asdict() for budget in activity.budgets],
        }


def _step_fields(step: StepCounts) -> dict[str, Any]:
    names = ("done", "total", "kept", "dropped", "made", "before", "state", "note")
    found = {"step": step.name, **{name: getattr(step, name) for name in names}}
    return found | {"per_second": round(step.rate, 3), "left_s": None if step.left_s is None else round(step.left_s, 1)}
