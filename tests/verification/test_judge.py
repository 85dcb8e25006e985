import pytest

from glotsmith.languages import get_card
from glotsmith.records import Ending, Outcome
from glotsmith.values import Value
from glotsmith.verification.compare import ComparisonRules
from glotsmith.verification.judge import FailureWatch, judge_outcome

HOW = ComparisonRules(get_card("python").equality)
START = "M start\nM loaded\n"
DONE = START + "M value 0 1\nM value 1 2\nM end\n"


@pytest.mark.parametrize(
    ("stdout", "outcome", "status"),
    [
        (DONE, {"ending": "exit"}, "pass"),
        (DONE, {"ending": "exit", "code": 1}, "pass"),  # an exit code proves nothing
        ("noise" + DONE.replace("M loaded", "noise\nM loaded"), {"ending": "exit"}, "fail:output"),
        ("noise\n" + DONE, {"ending": "exit"}, "pass"),
        (DONE.replace("M value 1 2", "M value 1 3"), {"ending": "exit"}, "fail:wrong"),
        (DONE.replace("value 1 2", 'raised 1 "boom"'), {"ending": "exit"}, "fail:runtime"),
        (DONE.replace("M value 1 2\n", ""), {"ending": "exit"}, "fail:exit"),
        (DONE.replace("M end\n", ""), {"ending": "exit"}, "fail:exit"),
        (DONE.replace("value 1 2", "value 1 {"), {"ending": "exit"}, "fail:output"),
        (DONE.replace("M value 1 2", "M value 0 1\nM value 1 2"), {"ending": "exit"}, "fail:output"),
        (DONE.replace("M value 0 1\nM value 1 2", "M value 1 2\nM value 0 1"), {"ending": "exit"}, "fail:output"),
        (DONE + "M value 2 3\n", {"ending": "exit"}, "fail:output"),
        ("M value 0 1\nM value 1 2\nM end\n", {"ending": "exit"}, "fail:output"),
        ("", {"ending": "exit", "code": 1}, "fail:compile"),
        ("", {"ending": "exit", "code": 0}, "fail:exit"),
        ("M start\n", {"ending": "exit", "code": 0}, "fail:exit"),
        ("M start\nM absent\n", {"ending": "exit", "code": 1}, "fail:compile"),
        ('M start\nM raised load "no"\n', {"ending": "exit", "code": 1}, "fail:runtime"),
        (START, {"ending": "signal", "code": 11}, "fail:runtime"),
        (START, {"ending": "cpu"}, "fail:timeout"),
        (START + "M value 0 1\n", {"ending": "wall"}, "fail:timeout"),
        (START, {"ending": "idle", "detail": "idle"}, "fail:timeout"),
        (START, {"ending": "memory"}, "fail:memory"),
        (START, {"ending": "processes"}, "fail:memory"),
        (START, {"ending": "output"}, "fail:output"),
        ("", {"ending": "infra", "detail": "no fork"}, "infra:sandbox"),
        (DONE, {"ending": "cpu"}, "pass"),  # all results were in before the limit
    ],
)
def test_a_pass_needs_every_result_once_and_in_order(stdout: str, outcome: dict[str, object], status: str) -> None:
    seen = Outcome(stdout=stdout.encode(), **outcome)  # type: ignore[arg-type]
    assert judge_outcome("x", "python", seen, "M", [1, 2], HOW)[0].status == status


UNFIT = "300 does not fit the declared type i8"


@pytest.mark.parametrize(
    ("stdout", "status", "detail"),
    [
        (DONE.replace("value 1 2", f'raised 1 "{UNFIT}"'), "fail:runtime", UNFIT),
        (START + f'M value 0 1\nM raised 1 "{UNFIT}"\n', "fail:runtime", UNFIT),
        (DONE.replace("value 0 1", f'raised 0 "{UNFIT}"').replace("value 1 2", "value 1 3"), "fail:runtime", UNFIT),
        (DONE.replace("value 0 1", "value 0 3").replace("value 1 2", f'raised 1 "{UNFIT}"'), "fail:wrong", ""),
        (DONE.replace("value 1 2", 'raised 1 "boom"'), "fail:runtime", ""),
        (DONE.replace("value 1 2", f'value 1 "{UNFIT}"'), "fail:wrong", "a number is expected, the result is a string"),
        ('M start\nM mismatch "f(String)"\n', "fail:compile", "f(String)"),
        (START + 'M mismatch "f(String)"\n', "fail:output", "the program wrote protocol lines itself"),
    ],
)
def test_the_detail_names_an_argument_that_does_not_fit(stdout: str, status: str, detail: str) -> None:
    verdict, _ = judge_outcome("x", "rust", Outcome(ending="exit", stdout=stdout.encode()), "M", [1, 2], HOW)
    assert (verdict.status, verdict.detail) == (status, detail)


@pytest.mark.parametrize(
    ("language", "expected", "printed", "detail"),
    [
        ("go", "a", "97", "a string is expected, the result is a number"),
        ("go", 97, '"a"', "a number is expected, the result is a string"),
        ("javascript", {1: 2}, '{"x":"[object Map]"}', "a collection is expected, the result is a value without"),
        ("javascript", 1, '{"x":"bigint"}', "a number is expected, the result is a value without a Python type"),
        ("rust", [1], "1", "a collection is expected, the result is a number"),
        ("rust", 1.5, "[]", "a number is expected, the result is a collection"),
        ("r", [1, 2], "3", ""),  # a number is a vector of one
        ("r", [1, 2], '{"x":"closure"}', "a collection is expected, the result is a value without a Python type"),
        ("lua", [1], "false", ""),
        ("rust", None, "1", ""),
        ("rust", [1], "[2]", ""),
        ("rust", 1, '{"f":"2.0"}', ""),
    ],
)
def test_the_detail_names_a_result_of_another_type(language: str, expected: Value, printed: str, detail: str) -> None:
    outcome = Outcome(ending="exit", stdout=f"{START}M value 0 {printed}\nM end\n".encode())
    how = ComparisonRules(get_card(language).equality)
    verdict, _ = judge_outcome("x", language, outcome, "M", [expected], how)
    assert verdict.status == "fail:wrong"
    assert verdict.detail.startswith(detail)
    assert bool(verdict.detail) == bool(detail)


def test_what_the_program_printed_is_kept_apart() -> None:
    seen = Outcome(ending="exit", stdout=b"hello\n" + DONE.encode() + b"bye", stderr=b"warning \xff")
    verdict, _ = judge_outcome("x", "python", seen, "M", [1, 2], HOW)
    assert (verdict.stdout, verdict.stderr) == ("hello\nbye", "warning �")
    assert [c.actual for c in verdict.cases] == ["1", "2"]


def test_cases_that_never_ran_share_the_fate_of_the_program() -> None:
    seen = Outcome(ending="cpu", stdout=(START + "M value 0 1\n").encode())
    assert [c.status for c in judge_outcome("x", "python", seen, "M", [1, 2], HOW)[0].cases] == ["pass", "fail:timeout"]


@pytest.mark.parametrize(
    ("stdout", "outcome", "all_cases", "cases", "resumes_after"),
    [
        (START, {"ending": "cpu"}, False, ["fail:timeout", "skipped", "skipped"], None),
        (START + "M value 0 1\n", {"ending": "idle"}, False, ["pass", "fail:timeout", "skipped"], None),
        (START + "M value 0 1\n", {"ending": "idle"}, True, ["pass", "fail:timeout", "skipped"], 1),
        (START, {"ending": "memory"}, True, ["fail:memory", "skipped", "skipped"], None),
        (START, {"ending": "output"}, False, ["fail:output", "skipped", "skipped"], None),
        (START, {"ending": "signal", "code": 6}, False, ["fail:runtime"] * 3, 0),
        ("", {"ending": "exit", "code": 1}, False, ["fail:compile"] * 3, None),
        ("", {"ending": "cpu", "built": False}, False, ["fail:compile"] * 3, None),
        ("", {"ending": "infra"}, False, ["infra:sandbox"] * 3, None),
    ],
)
def test_cases_after_a_limit_are_skipped(
    stdout: str, outcome: dict[str, object], all_cases: bool, cases: list[str], resumes_after: int | None
) -> None:
    seen = Outcome(stdout=stdout.encode(), **outcome)  # type: ignore[arg-type]
    verdict, resumes = judge_outcome("x", "python", seen, "M", [1, 2, 3], HOW, all_cases=all_cases)
    assert [case.status for case in verdict.cases] == cases
    assert resumes == resumes_after


FAILED_FIRST = "M value 0 9\n"


@pytest.mark.parametrize(
    ("stdout", "ending", "status", "cases"),
    [
        (DONE, "exit", "pass", ["pass", "pass"]),
        (START + FAILED_FIRST, "decided", "fail:wrong", ["fail:wrong", "skipped"]),
        # the verdict is the same, however far the program got before it was stopped
        (START + FAILED_FIRST, "cpu", "fail:wrong", ["fail:wrong", "skipped"]),
        (START + FAILED_FIRST, "exit", "fail:wrong", ["fail:wrong", "skipped"]),
        (START + FAILED_FIRST + "M value 1 2\nM end\n", "exit", "fail:wrong", ["fail:wrong", "skipped"]),
        (START + 'M raised 0 "boom"\nM value 1 3\nM end\n', "exit", "fail:runtime", ["fail:runtime", "skipped"]),
        (START + "M value 0 1\nM value 1 3\nM end\n", "exit", "fail:wrong", ["pass", "fail:wrong"]),
        (START + "M value 0 1\n", "cpu", "fail:timeout", ["pass", "fail:timeout"]),
        (START + "M value 0 1\n", "exit", "fail:exit", ["pass", "fail:exit"]),
        (START + FAILED_FIRST + FAILED_FIRST, "exit", "fail:output", ["fail:wrong", "fail:output"]),
        (START + FAILED_FIRST, "infra", "infra:sandbox", ["fail:wrong", "infra:sandbox"]),
    ],
)
def test_judging_can_stop_at_the_first_case_that_fails(
    stdout: str, ending: Ending, status: str, cases: list[str]
) -> None:
    seen = Outcome(ending=ending, stdout=stdout.encode())
    verdict, crash = judge_outcome("x", "python", seen, "M", [1, 2], HOW, stop_at_failure=True)
    assert (verdict.status, [c.status for c in verdict.cases], crash) == (status, cases, None)


@pytest.mark.parametrize(
    ("stdout", "failed"),
    [
        ("", False),
        (START, False),
        (START + "M value 0 1\n", False),
        (START + "M value 0 9", False),  # the line may go on
        (START + FAILED_FIRST, True),
        (START + "M value 0 1\nnoise\n" + 'M raised 1 "boom"\n', True),
        (FAILED_FIRST, False),  # forged
        (DONE, False),
        (START + "M value 0 1\nM value 1 2\nM value 2 3\n", False),  # more results than calls: judged at the end
    ],
)
def test_a_failed_case_is_seen_while_the_program_runs(stdout: str, failed: bool) -> None:
    assert FailureWatch("M", [1, 2], HOW).has_failed(stdout.encode()) == failed
    watch = FailureWatch("M", [1, 2], HOW)  # the output arrives in pieces
    assert any(watch.has_failed(stdout.encode()[:end]) for end in range(len(stdout) + 1)) == failed
