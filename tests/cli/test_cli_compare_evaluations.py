"""``glotsmith compare`` for evaluations, over folders that are written here."""

import json
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from glotsmith.evaluation import result_files
from glotsmith.evaluation.evaluate import Evaluation
from glotsmith.evaluation.evaluation_summary import summarise
from glotsmith.evaluation.questions import EvaluationSample, Question

Command = Callable[..., tuple[int, str, str]]
QUESTIONS = [Question(benchmark="own", problem=str(n), language="lua") for n in range(40)]


def evaluation(folder: Path, passing: int, temperature: float = 0.2, questions: list[Question] | None = None) -> Path:
    """Write an evaluation of which the first problems pass in all of their samples."""
    posed = QUESTIONS if questions is None else questions
    samples = [
        EvaluationSample(
            question=q.id, sample=n, status="pass" if index < passing else ("fail:wrong", "fail:compile")[n % 2]
        )
        for index, q in enumerate(posed)
        for n in range(4)
    ]
    summary = summarise(posed, samples, (1, 2))
    config = {"plan": msgspec.json.encode({"temperature": temperature}).decode(), "sets": '["own=q.jsonl"]'}
    folder.mkdir()
    result_files.write_evaluation(folder, posed, Evaluation(samples=tuple(samples), summary=summary), config, ())
    return folder


def test_a_table_for_each_evaluation_after_the_baseline(glotsmith: Command, tmp_path: Path) -> None:
    folders = [evaluation(tmp_path / name, passing) for name, passing in (("base", 4), ("one", 4), ("two", 24))]
    code, stdout, stderr = glotsmith("compare", *map(str, folders))
    assert code == 0, stderr
    assert stdout.count("Baseline:") == 2
    first, second = stdout.split("Other:")[1:]
    assert "pass@1" in first and "+0.0 (" in first
    assert "10.0%" in second and "60.0%" in second and "+50.0 (+" in second
    assert "fail:compile" in second and "fail:wrong" in second


def test_as_json_one_object_a_comparison(glotsmith: Command, tmp_path: Path) -> None:
    one, two = evaluation(tmp_path / "a", 0), evaluation(tmp_path / "b", 20, 0.8, QUESTIONS[:30])
    code, stdout, stderr = glotsmith("compare", str(one), str(two), "--json")
    assert code == 0, stderr
    [found] = map(json.loads, stdout.splitlines())
    assert {row["figure"] for row in found["differences"]} == {"pass@1", "pass@2", "fail:wrong", "fail:compile"}
    [row] = [row for row in found["differences"] if row["figure"] == "pass@1"]
    assert (row["problems"], row["baseline"], row["difference"]) == (30, 0.0, pytest.approx(2 / 3))
    assert row["low"] > 0
    assert (found["only_baseline"], found["only_other"]) == (10, 0)
    assert found["settings"] == {"--temperature": ["0.2", "0.8"]}


def test_questions_of_one_evaluation_only_are_counted(glotsmith: Command, tmp_path: Path) -> None:
    one, two = evaluation(tmp_path / "a", 1), evaluation(tmp_path / "b", 1, questions=QUESTIONS[:-1])
    _, stdout, _ = glotsmith("compare", str(one), str(two))
    assert "1 question with a verdict in the baseline only: not compared." in stdout


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        (("a",), "only one evaluation is given"),
        (("a", "run"), "run is not a finished evaluation"),
        (("run", "a"), "run is not a finished evaluation"),
        (("a", "other"), "no question in common"),
        (("a", "broken"), "broken/results.jsonl.gz:1"),
        (("a", "missing"), "missing is not a finished evaluation"),
    ],
)
def test_what_cannot_be_compared_is_named(
    glotsmith: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, names: tuple[str, ...], sentence: str
) -> None:
    import gzip

    monkeypatch.chdir(tmp_path)
    evaluation(Path("a"), 1)
    evaluation(Path("other"), 1, questions=[Question(benchmark="else", problem="1", language="r")])
    broken = evaluation(Path("broken"), 1)
    (broken / result_files.RESULTS).write_bytes(gzip.compress(b"{\n"))
    Path("run").mkdir()
    code, _, stderr = glotsmith("compare", *names)
    assert code == 2
    assert sentence in stderr
