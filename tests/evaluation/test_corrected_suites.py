"""Our suites beside published ones: by the problem's number, with the published prompt and its types."""

from typing import Any

import pytest

from glotsmith.evaluation.corrected_suites import key_of, with_corrected_suites
from glotsmith.evaluation.evaluate import apply_failure_sign
from glotsmith.evaluation.questions import Question, question_of_task
from glotsmith.records import Function, Origin, Problem, Suite, Task, Verdict
from glotsmith.suites.make_tasks import MakeTasks

SOURCE = 'def add(x, y):\n    """Add."""\n    return x + y'


def task(bench: Any, language: str = "ocaml") -> Task:
    suite = Suite(
        signature="def add(x: int, y: int) -> int",
        tests=("assert add(1, 2) == 3", "assert add(-1, 1) == 0", "assert add(4, 4) == 8"),
        line_coverage=0,
        branch_coverage=0,
        mutation_score=0,
        mutants=0,
        writers={},
    )
    function = Function(id="f", name="add", code=SOURCE, docstring="Add.", origin=Origin(source="s", path="p"))
    result = bench.run(MakeTasks([language], bench.verifier).run("f", Problem(id="f", function=function, suite=suite)))
    return result.kept[0].item


def question_of(prompt: str, problem: str = "HumanEval_53_add") -> Question:
    return Question(
        benchmark="multipl-e", problem=problem, language="ocaml", name="add", prefix=prompt, after="\n();;", sign="said"
    )


@pytest.mark.parametrize(
    ("prompt", "problem", "reason"),
    [
        pytest.param("let add (x : int) (y : int) : int =", "HumanEval_53_add", None, marks=pytest.mark.slow),
        ("let add (x : float) (y : float) : float =", "HumanEval_53_add", "types_differ"),
        ("let add (x : (int, int) list) : int =", "HumanEval_53_add", "types_differ"),
        ("let add (x : int) (y : int) : int =", "HumanEval_54_add", "no_suite"),
        ("let add (x : int) (y : int) : int =", "add", "no_suite"),
    ],
)
def test_a_published_prompt_gets_our_suite_or_a_reason(
    bench: Any, prompt: str, problem: str, reason: str | None
) -> None:
    found, lost = bench.run(
        with_corrected_suites(
            [question_of(prompt, problem)], {("humaneval", 53, "ocaml"): (task(bench), 1e-6, "")}, bench.verifier
        )
    )
    assert [i.reason for i in lost] == ([reason] if reason else [])
    assert [q.benchmark for q in found] == ([] if reason else ["multipl-e-corrected"])
    for question in found:
        texts = {question.problem: [' print_string "said"; x + y', " x - y", " exit 0"]}
        assert [s.passed for s in bench.judge([question], texts).samples] == [True, False, False]


@pytest.mark.slow
def test_a_base_model_passes_where_its_text_ends_at_a_brace(bench: Any) -> None:
    """C++ is cut at the function's own brace: typed calls, ours or in the place of published tests, have it again."""
    posed = task(bench, "cpp")
    ours = question_of_task(posed, "b")
    prompt = "#include<assert.h>\n#include<bits/stdc++.h>\n// Add.\nlong add(long x, long y) {\n"
    published = Question(
        benchmark="multipl-e", problem="HumanEval_53_add", language="cpp", name="add", prefix=prompt, stop=("\n}",),
        after="}\nint main() {\n    auto candidate = add;\n    assert(candidate((1), (2)) == (3));\n}\n",
    )  # fmt: skip
    (extra,), _ = bench.run(
        with_corrected_suites([published], {("humaneval", 53, "cpp"): (posed, 1e-6, "")}, bench.verifier)
    )
    completions = ["    return x + y;\n}\n\nint main() {", "    return x - y;"]
    for question, wrong in ((ours, "fail:wrong"), (extra, "fail:wrong"), (published, "fail:runtime")):
        found = bench.judge([question], {question.problem: completions})
        assert [s.status for s in found.samples] == ["pass", wrong], question.benchmark


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("HumanEval/53", ("humaneval", 53)),
        ("HumanEval_53_add", ("humaneval", 53)),
        ("mbpp_3_is_not_prime", ("mbpp", 3)),
        ("Mbpp/3", ("mbpp", 3)),
        ("MBPP/3", ("mbpp", 3)),
        ("Lua", None),
    ],
)
def test_a_problem_has_one_key_in_all_its_spellings(name: str, key: tuple[str, int] | None) -> None:
    assert key_of(name) == key


@pytest.mark.parametrize(
    ("sign", "stdout", "stderr", "status", "expected"),
    [
        ("failed", "test failed", "", "pass", "fail:wrong"),
        ("failed", "", "Assertion failed", "pass", "fail:wrong"),
        ("failed", "fine", "", "pass", "pass"),
        ("", "failed", "failed", "pass", "pass"),
        ("failed", "failed", "", "infra:sandbox", "infra:sandbox"),
    ],
)
def test_a_benchmarks_own_sign_of_failure(sign: str, stdout: str, stderr: str, status: Any, expected: str) -> None:
    verdict = Verdict(id="x", language="lua", status=status, stdout=stdout, stderr=stderr)
    question = Question(benchmark="b", problem="p", language="lua", sign=sign)
    assert apply_failure_sign(question, verdict).status == expected
