"""Labelled programs of a user: jobs, problems of CodeContests, result files of MultiPL-E."""

from pathlib import Path
from typing import Any

import pytest

from glotsmith.certification.labelled import LabelledProgram
from glotsmith.certification.labelled_files import labelled_row, result_files
from glotsmith.errors import InputError
from glotsmith.evaluation.benchmarks.row_files import QuestionRow


def read(data: dict[str, Any]) -> list[LabelledProgram]:
    return list(labelled_row(QuestionRow(file="x.jsonl", line=3, data=data)))


JOB = {"language": "Lua", "code": "function f(x) return x end", "tests": ["assert f(1) == 1"]}
TESTS = {"input": ["1 2\n"], "output": ["3\n"]}


@pytest.mark.parametrize(
    ("label", "right"),
    [
        *((text, True) for text in ("right", "pass", True, 1, "Correct")),
        *((text, False) for text in ("wrong", "fail:wrong", False, 0, "incorrect")),
    ],
)
def test_a_job_with_a_label(label: object, right: bool) -> None:
    [found] = read({**JOB, "label": label})
    assert (found.right, found.job.language, found.name) == (right, "lua", "line 3")


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (JOB, "no label"),
        ({**JOB, "label": "maybe"}, "use right or wrong"),
        ({**JOB, "label": "right", "language": "klingon"}, "no language"),
        ({**JOB, "label": "right", "cod": 1}, "not a job"),
        ({"language": "lua", "code": "", "label": "right"}, "the job is invalid"),
        ({"solutions": {"language": [2]}, "public_tests": TESTS}, "needs language and solution"),
        ({"prompt": "", "language": "lua", "name": "n", "results": [{"status": "OK"}]}, "has no program"),
    ],
)
def test_an_invalid_row_is_named_by_its_line(data: dict[str, Any], what: str) -> None:
    with pytest.raises(InputError, match=rf"x\.jsonl:3: .*{what}"):
        read(data)


def test_a_problem_of_code_contests() -> None:
    found = read(
        {
            "name": "1_A",
            "public_tests": TESTS,
            "private_tests": {"input": [], "output": []},
            "generated_tests": {"input": ["2 2\n"], "output": ["4\n"]},
            "solutions": {"language": [3, 1, 2], "solution": ["print(3)", "print 3", "int main() {}"]},
            "incorrect_solutions": {"language": [4], "solution": ["class A {}"]},
        }
    )
    assert [(p.job.language, p.right) for p in found] == [("python", True), ("cpp", True), ("java", False)]
    assert [case.stdout for case in found[0].job.io] == ["3\n", "4\n"]
    assert {p.problem for p in found} == {"1_A"}


def test_submissions_as_a_list_with_named_languages() -> None:
    found = read(
        {
            "tests": [],
            "public_tests": [{"input": "1", "output": "1"}],
            "solutions": [{"language": "PYTHON3", "solution": "print(1)"}, {"language": "Befunge", "solution": "."}],
        }
    )
    assert [(p.job.language, p.job.io[0].stdin) for p in found] == [("python", "1")]


def test_a_result_file_of_multipl_e(tmp_path: Path) -> None:
    results = [{"program": "a", "status": "OK", "exit_code": 0}, {"program": "b", "status": "Exception"}]
    found = read({"name": "HumanEval_0", "language": "rkt", "prompt": "", "tests": "", "results": results})
    assert [(p.job.language, p.job.program, p.right) for p in found] == [("racket", "a", True), ("racket", "b", False)]
    (tmp_path / "lua").mkdir()
    (tmp_path / "lua" / "x.results.json.gz").touch()
    assert [file.name for file in result_files(tmp_path)] == ["x.results.json.gz"]
