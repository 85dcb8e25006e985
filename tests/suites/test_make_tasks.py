import asyncio

import pytest

from glotsmith.drop_reasons import Reason
from glotsmith.languages import Unrepresentable, get_card
from glotsmith.records import Function, Job, Origin, Problem, Suite, Task, Verdict
from glotsmith.step import Result
from glotsmith.suites.make_tasks import MakeTasks, make_task


def problem(signature: str, *tests: str) -> Problem:
    name = signature.split("(")[0].removeprefix("def ")
    function = Function(id="p", name=name, code="…", origin=Origin(source="s", path="m.py"))
    suite = Suite(
        signature=signature, tests=tests, line_coverage=1, branch_coverage=1, mutation_score=1, mutants=0, writers={}
    )
    return Problem(id="p", function=function, suite=suite)


GOOD = problem("def f(x: int) -> int", "assert f(1) == 2", "assert f(2) == 3", "assert f(3) == 4")


class Says:
    """A verifier that gives every stub the same verdict."""

    def __init__(self, status: str) -> None:
        self.status, self.jobs = status, list[Job]()

    async def verify(self, job: Job) -> Verdict:
        self.jobs.append(job)
        return Verdict(id=job.id, language=job.language, status=self.status)  # type: ignore[arg-type]


def make_tasks(status: str, item: Problem = GOOD, languages: tuple[str, ...] = ("lua",)) -> Result[Task]:
    return asyncio.run(MakeTasks(languages, Says(status)).run("p", item))


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        ("pass", Reason.STUB_PASSES),
        ("fail:compile", Reason.STUB_FAILS_TO_COMPILE),
        ("infra:sandbox", Reason.NOT_VERIFIED),
        ("infra:toolchain", Reason.NOT_VERIFIED),
    ],
)
def test_a_suite_whose_stub_passes_or_does_not_compile_is_dropped(status: str, reason: Reason) -> None:
    result = make_tasks(status)
    assert not result.kept
    assert {d.reason for d in result.dropped} == {reason}


@pytest.mark.parametrize("status", ["fail:runtime", "fail:wrong", "fail:exit"])
def test_a_suite_whose_stub_compiles_and_fails_is_posed(status: str) -> None:
    (kept,) = make_tasks(status).kept
    assert kept.item.prefix == "local function f(x)"
    assert kept.item.tests == GOOD.suite.tests


def test_a_stub_runs_up_to_its_first_failing_case() -> None:
    verifier = Says("fail:runtime")
    asyncio.run(MakeTasks(("lua", "bash"), verifier).run("p", GOOD))
    assert [(job.language, job.stop_at_failure) for job in verifier.jobs] == [("lua", True), ("bash", True)]
    assert verifier.jobs[1].code == get_card("bash").syntax.stub


def test_each_language_is_decided_by_itself() -> None:
    sets = problem("def f(x: int) -> set[int]", *(f"assert f({i}) == {{{i}}}" for i in range(3)))
    result = make_tasks("fail:runtime", sets, ("lua", "python"))
    assert [k.item.language for k in result.kept] == ["python"]
    assert [(d.reason, d.key) for d in result.dropped] == [(Reason.UNREPRESENTABLE, "p:lua")]


@pytest.mark.parametrize("test", ["assert str(f(9)) == '{9: 9}'", "assert f(9)[9] == 9", "assert 9 in f(9)"])
def test_a_check_that_right_programs_can_fail_is_left_out(test: str) -> None:
    maps = problem("def f(x: int) -> dict[int, int]", *(f"assert f({i}) == {{{i}: {i}}}" for i in range(3)), test)
    result = make_tasks("fail:runtime", maps, ("perl", "python"))
    assert [(k.item.language, k.item.dropped_tests) for k in result.kept] == [("perl", 1), ("python", 0)]
    few = problem("def f(x: int) -> dict[int, int]", *maps.suite.tests[-2:])
    with pytest.raises(Unrepresentable, match=r"1 of 2 .* a dict, .* strings in Perl"):
        make_task(get_card("perl"), few, 2)


def test_tests_that_have_no_form_are_left_out_and_counted() -> None:
    some = problem(
        "def f(x: int) -> list[int | None]",
        "assert f(1) == [1]", "assert f(2) == [2]", "assert f(3) == [3]", "assert f(4) == [None]",
    )  # fmt: skip
    task = make_task(get_card("lua"), some, 3)
    assert (len(task.tests), task.dropped_tests) == (3, 1)
    assert task.signature == "def f(x: int) -> list[int]"


@pytest.mark.parametrize(
    ("item", "why"),
    [
        (
            problem("def f(x: int) -> list[None]", *(f"assert f({i}) == [None]" for i in range(4))),
            "0 of 4 .* cannot contain nil",
        ),
        (problem("def end(x: int) -> int", *(f"assert end({i}) == {i}" for i in range(4))), "'end'"),
        (
            problem("def f(x: int) -> int | None", *(f"assert f({i}) == 1" for i in range(4))),
            "all 4 tests expect the same value",
        ),
    ],
)
def test_a_problem_without_a_form_says_why(item: Problem, why: str) -> None:
    with pytest.raises(Unrepresentable, match=why):
        make_task(get_card("lua"), item, 3)


ANY_INT = problem("def f(x: float) -> bool", "assert f(3) == True", "assert f(3.0) == False", "assert f(2.5) == False")
SEQUENCE = problem("def f(x: object) -> int", "assert f([1]) == 1", "assert f((1,)) == 2", "assert f([]) == 3")
ABSENT = problem("def f(x: bool | None) -> int", "assert f(None) == 1", "assert f(False) == 2", "assert f(True) == 3")


@pytest.mark.parametrize(
    ("item", "languages", "posed"),
    [
        (ANY_INT, ("lua", "javascript", "rust", "java", "python", "racket", "r", "julia"), ["lua", "python", "racket"]),
        (SEQUENCE, ("lua", "ruby", "python"), ["python"]),
        (ABSENT, ("lua", "racket", "commonlisp", "rust"), ["lua", "rust"]),
    ],
)
def test_a_suite_that_contradicts_itself_in_a_language_is_dropped_there(
    item: Problem, languages: tuple[str, ...], posed: list[str]
) -> None:
    verify = Says("fail:runtime")
    result = asyncio.run(MakeTasks(languages, verify).run("p", item))
    assert [k.item.language for k in result.kept] == posed == [job.language for job in verify.jobs]
    assert {d.reason for d in result.dropped} == {Reason.UNREPRESENTABLE}
    assert all("the tests contradict each other: f(" in d.detail for d in result.dropped)
