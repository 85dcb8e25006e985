"""Reports of evaluations and trainings: their numbers are those of the stored summaries and records."""

import json
import math
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import msgspec
import pytest
from pages import read, rows_of
from results import evaluation, training, unfinished_training

from glotsmith.errors import InputError
from glotsmith.evaluation import paired_difference, result_files
from glotsmith.report import write_report
from glotsmith.training.training_folder import read_record, write_json
from glotsmith.training.training_report import LoggedLoss, TrainingReport


@pytest.mark.parametrize("seed", range(6))
def test_the_numbers_of_an_evaluation_are_those_of_its_files(tmp_path: Path, seed: int) -> None:
    folder = evaluation(tmp_path / "one", seed, problems=3 + seed, samples=1 + seed)
    page = read(write_report([folder], tmp_path / "r.html"))
    (shown,) = page["summary"]["runs"]
    summary = msgspec.json.decode((folder / "summary.json").read_bytes())["summary"]
    for score, stored in zip(shown["scores"], summary["scores"], strict=True):
        figures = [{"k": one["k"], **one["value"]} for one in stored.pop("figures")]
        assert score.pop("figures") == figures
        assert score == {"impossible": 0} | stored
    samples = list(result_files.read_samples(folder))
    rows = rows_of(page)
    shown_samples = [(row["verdict"], row["detail"]["completion"]) for row in rows]
    assert shown_samples == [(s.status, s.completion) for s in samples]
    assert [row["status"] for row in rows] == [
        "pass" if s.status == "pass" else "fail" if s.status.startswith("fail:") else "no verdict" for s in samples
    ]
    by_question = defaultdict[str, list[str]](list)
    for one in samples:
        by_question[one.question].append(one.status)
    problems = {f"{p['benchmark']}/{p['language']}/{p['problem']}": p for p in shown["problems"]}
    for name, statuses in by_question.items():
        scored = [status for status in statuses if not status.startswith("infra:")]
        problem = problems.pop(name)
        assert (problem["passed"], problem["scored"]) == (statuses.count("pass"), len(scored))
        assert problem["statuses"] == Counter(statuses)
    assert problems == {}
    failing = Counter((s.question.split("/")[1], s.status) for s in samples if s.status.startswith("fail:"))
    assert {(one["language"], one["status"]): one["programs"] for one in shown["failures"]} == failing


@pytest.mark.slow
def test_differences_of_evaluations_are_those_of_compare(tmp_path: Path) -> None:
    folders = [evaluation(tmp_path / str(seed), seed) for seed in range(3)]
    page = read(write_report(folders, tmp_path / "r.html"))
    compared = list(paired_difference.compare(folders))
    assert len(page["summary"]["comparisons"]) == len(compared) == 2
    for number, (shown, found) in enumerate(zip(page["summary"]["comparisons"], compared, strict=True), 1):
        assert (shown["baseline"], shown["other"]) == (0, number)
        assert msgspec.convert(shown["differences"], type=list[paired_difference.PairedDifference]) == list(
            found.differences
        )
        assert shown["settings"] == {name: list(values) for name, values in found.settings.items()}


def test_evaluations_without_a_common_question_are_not_compared(tmp_path: Path) -> None:
    one, other = evaluation(tmp_path / "a", 1), evaluation(tmp_path / "b", 1, problems=0)
    page = read(write_report([one, other], tmp_path / "r.html"))
    assert page["summary"]["comparisons"] == []


def points(losses: Any) -> list[list[float]]:
    return [[one["step"], one["loss"]] for one in losses]


def test_the_numbers_of_a_training_are_those_of_its_record(tmp_path: Path) -> None:
    folder = training(tmp_path / "one")
    (shown,) = read(write_report([folder], tmp_path / "r.html"))["summary"]["runs"]
    record = msgspec.json.decode((folder / "model/training.json").read_bytes())
    assert (shown["finished"], shown["index"]["rows"], shown["held_out_problems"]) == (True, 0, 2)
    for stage, stored in zip(shown["stages"], record["stages"], strict=True):
        assert (stage["training"], stage["held_out"]) == (points(stored["training"]), points(stored["held_out"]))
        names = ("steps", "chosen_step", "chosen_loss", "tokens", "seconds")
        assert [stage[name] for name in names] == [stored[name] for name in names]


def test_a_training_that_is_not_finished_shows_its_losses_so_far(tmp_path: Path) -> None:
    folder = unfinished_training(tmp_path / "one")
    (shown,) = read(write_report([folder], tmp_path / "r.html"))["summary"]["runs"]
    first, second = shown["stages"]
    assert (shown["finished"], first["chosen_step"], second["chosen_step"]) == (False, 60, None)
    assert (second["training"], second["held_out"]) == ([[10, 1.5], [20, 1.25]], [[10, 1.75]])
    assert second["stopped"] == "not finished; 50 steps are planned"


@pytest.mark.parametrize("loss", [math.nan, math.inf, -math.inf])
def test_a_training_that_diverges_shows_losses_that_are_not_finite(tmp_path: Path, loss: float) -> None:
    folder, finished = unfinished_training(tmp_path / "one"), training(tmp_path / "two")
    log = [{"step": 10, "loss": 1.5}, {"step": 20, "loss": loss}, {"step": 20, "eval_loss": loss, "grad_norm": loss}]
    state = folder / "stages/2/checkpoints/checkpoint-20/trainer_state.json"
    state.write_text(json.dumps({"global_step": 20, "max_steps": 50, "log_history": log}))  # as transformers does
    record = read_record(finished / "model/training.json", TrainingReport)
    losses = (LoggedLoss(step=20, loss=1.0), LoggedLoss(step=40, loss=loss))
    stage = msgspec.structs.replace(record.stages[0], training=losses, held_out=losses, chosen_loss=loss)
    write_json(finished / "model/training.json", msgspec.structs.replace(record, stages=(stage,)))
    page = read(write_report([folder, finished], tmp_path / "r.html"))
    second, diverged = page["summary"]["runs"][0]["stages"][1], page["summary"]["runs"][1]["stages"][0]
    assert (second["training"], second["held_out"]) == ([[10, 1.5], [20, "not finite"]], [[20, "not finite"]])
    assert diverged["training"] == diverged["held_out"] == [[20, 1.0], [40, "not finite"]]
    assert (diverged["chosen_step"], diverged["chosen_loss"]) == (40, "not finite")


@pytest.mark.parametrize("name", ["tmp", "\u00b2", "2.old", ".hidden", "-1"])
def test_what_is_no_stage_and_no_checkpoint_of_a_training_is_skipped(tmp_path: Path, name: str) -> None:
    folder = unfinished_training(tmp_path / "one")
    expected = read(write_report([folder], tmp_path / "r.html"))["summary"]["runs"]
    state = (folder / "stages/2/checkpoints/checkpoint-20/trainer_state.json").read_bytes()
    for place in (f"stages/{name}/checkpoints/checkpoint-9", f"stages/2/checkpoints/checkpoint-{name}"):
        (folder / place).mkdir(parents=True)
        (folder / place / "trainer_state.json").write_bytes(state)
    assert read(write_report([folder], tmp_path / "r.html"))["summary"]["runs"] == expected


@pytest.mark.parametrize(
    ("make", "file", "message"),
    [
        (evaluation, "summary.json", "not a valid summary of an evaluation"),
        (evaluation, "results.jsonl.gz", "not a valid sample"),
        (training, "model/training.json", "not a valid record of a training"),
        (training, "settings.json", "not a valid settings file of a training"),
        (
            unfinished_training,
            "stages/2/checkpoints/checkpoint-20/trainer_state.json",
            "not a valid state of a training",
        ),
    ],
)
def test_a_malformed_file_is_named(tmp_path: Path, make: Any, file: str, message: str) -> None:
    import gzip

    folder = make(tmp_path / "one", 1) if make is evaluation else make(tmp_path / "one")
    (folder / file).write_bytes(gzip.compress(b'{"a": 1}\n') if file.endswith(".gz") else b"{")
    with pytest.raises(InputError, match=message) as raised:
        write_report([folder], tmp_path / "r.html")
    assert str(folder / file) in str(raised.value)
    assert not (tmp_path / "r.html").exists()


def test_the_same_evaluation_gives_the_same_bytes(tmp_path: Path) -> None:
    folder = evaluation(tmp_path / "one", 2)
    files = [write_report([folder], tmp_path / name) for name in ("a.html", "b.html")]
    assert files[0].read_bytes() == files[1].read_bytes()
