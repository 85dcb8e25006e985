"""The progress of commands without a ledger: jobs, checks, trainings and installations."""

import io
import json
from typing import Any

import pytest

from glotsmith.cli.progress.command_progress import CheckProgressDisplay, JobProgress
from glotsmith.cli.progress.display import ProgressDisplay, ProgressMode
from glotsmith.cli.progress.installation_display import InstallationDisplay
from glotsmith.cli.progress.training_display import TrainingDisplay
from glotsmith.cli.terminal_text import SafeConsole
from glotsmith.errors import InputError
from glotsmith.records import Verdict
from glotsmith.training.budget import LossReport


def console() -> SafeConsole:
    return SafeConsole(file=io.StringIO(), width=200, soft_wrap=True)


def last_steps(shown: ProgressDisplay) -> list[dict[str, Any]]:
    """Return the steps of the last event."""
    file = shown.view._console.file  # type: ignore[attr-defined]
    return json.loads(file.getvalue().splitlines()[-1])["steps"]


def unreadable() -> Any:
    yield 1
    raise InputError("broken")


@pytest.mark.parametrize(
    ("jobs", "stopped", "total"),
    [([1, 2, 3, 4, 5], True, 5), (None, True, None), (unreadable(), True, None), ([1, 2, 3], False, 3)],
    ids=["stopped", "stdin", "unreadable", "ended"],
)
def test_jobs_are_counted_over_all_starts(jobs: Any, stopped: bool, total: int | None) -> None:
    shown = JobProgress(console(), ProgressMode.json)
    earlier = [Verdict(id="a", language="lua", status="pass"), Verdict(id="b", language="lua", status="fail:wrong")]

    def judge() -> None:
        with shown:
            shown.begin("programs", earlier, jobs)
            if shown._counting is not None:
                shown._counting.join()
            shown.on_verdict("programs", "fail:wrong")
            if stopped:
                raise KeyboardInterrupt

    if stopped:
        with pytest.raises(KeyboardInterrupt):
            judge()
    else:
        judge()
    (step,) = last_steps(shown)
    counts = [step[name] for name in ("done", "total", "kept", "dropped", "before")]
    assert counts == [3, total, 1, 2, 2]
    assert shown.state.failures == {"fail:wrong": 2}


def test_a_check_shows_its_parts() -> None:
    shown = CheckProgressDisplay(console(), ProgressMode.json)
    with shown:
        shown.begin("rows", 2)
        shown.tick()
        shown.tick()
        shown.begin("values", 0)
        shown.tick()
    assert [(s["step"], s["done"], s["total"], s["state"]) for s in last_steps(shown)] == [
        ("rows", 2, 2, "finished"),
        ("values", 1, 1, "finished"),
    ]


def test_a_training_shows_steps_and_losses() -> None:
    shown = TrainingDisplay(console(), ProgressMode.json)
    with shown:
        shown.on_stage_finished(1, 50)  # in an earlier start
        shown.on_stage_started(2, 10, 40)
        shown.on_step(12)
        shown.on_loss(LossReport(12, 40, 1.23456, False, 99.6, 5.0))
        shown.on_loss(LossReport(12, 40, 2.5, True))
    first, second = last_steps(shown)
    assert (first["done"], first["before"], first["state"]) == (50, 50, "finished")
    assert [second[name] for name in ("step", "done", "total", "before", "state")] == ["stage 2", 12, 40, 10, "running"]
    assert second["note"] == "loss 1.2346, tokens/s 100, held-out loss 2.5000"


@pytest.mark.parametrize("mode", [ProgressMode.json, ProgressMode.plain])
def test_an_installation_shows_commands_and_the_output_of_those_that_fail(
    mode: ProgressMode, capfd: pytest.CaptureFixture[str]
) -> None:
    shown = InstallationDisplay(console(), mode)
    commands = [("sh", "-c", "echo good"), ("sh", "-c", "echo bad; exit 3"), ("/no/such/command",)]
    with shown:
        shown.begin(commands)
        assert [shown.run(command) for command in commands] == [True, False, False]
    counts = [(step.kept, step.dropped, step.state) for step in shown.state.steps.values()]
    assert counts == [(1, 0, "finished"), (0, 1, "finished"), (0, 1, "finished")]
    printed = shown.view._console.file.getvalue()  # type: ignore[attr-defined]
    assert ("bad" in capfd.readouterr().err) == (mode == ProgressMode.plain)
    assert ('"text":"bad"' in printed, '"text":"good"' in printed) == (mode == ProgressMode.json, False)
