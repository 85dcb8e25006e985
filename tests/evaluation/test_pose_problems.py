"""Why a problem cannot be asked: what its tests lack is not put down to the language."""

import asyncio

import pytest

from glotsmith.drop_reasons import Reason
from glotsmith.evaluation.benchmarks.base import PythonProblem
from glotsmith.evaluation.pose_problems import pose_problems
from glotsmith.evaluation.questions import ImpossibleProblem
from glotsmith.languages import Unrepresentable, get_card
from glotsmith.records import Function, Origin, Problem, Suite
from glotsmith.sandbox import open_sandbox
from glotsmith.suites.make_tasks import MakeTasks, make_task
from glotsmith.verification import Verifier

PROOF = {"line_coverage": 1.0, "branch_coverage": 1.0, "mutation_score": 1.0, "mutants": 0, "writers": {}}


def problem(*tests: str) -> Problem:
    function = Function(id="f", name="f", code="def f(x):\n    return x", origin=Origin(source="s", path="p"))
    return Problem(id="p", function=function, suite=Suite(signature="def f(x: int) -> int", tests=tests, **PROOF))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("tests", "reason"),
    [
        (("assert f(1) == 5", "assert f(2) == 5"), Reason.ONE_EXPECTED_VALUE),
        (("assert f(1) == 5", "assert f(2) == 5", "assert f(3) == 5"), Reason.ONE_EXPECTED_VALUE),
        (("assert f(1) == 5",), Reason.TOO_FEW_CASES),
        (("assert f(1) == 5", "assert f(2) == 2**70"), None),
    ],
)
def test_tests_that_expect_one_value_have_a_reason_of_their_own(tests: tuple[str, ...], reason: Reason | None) -> None:
    with pytest.raises(Unrepresentable) as caught:
        make_task(get_card("lua"), problem(*tests), 2)
    assert getattr(caught.value, "reason", None) is reason


ORIGINALS = [
    (
        "def f(x):\n    return x > 0\n",
        ("assert f(1) == True", "assert f(-1) == True"),
        "'assert f(-1) == True'",
        "False",
    ),
    ("def f(x):\n    return x\n", ("assert f(1) == 2", "assert f(2) == 2"), "'assert f(1) == 2'", ": 1"),
    ("def f(x):\n    raise ValueError(x)\n", ("assert f(7) == 2", "assert f(8) == 2"), "'assert f(7) == 2'", "7"),
]


@pytest.mark.parametrize(("code", "tests", "test", "actual"), ORIGINALS)
def test_an_original_that_fails_is_reported_with_its_test(
    code: str, tests: tuple[str, ...], test: str, actual: str
) -> None:
    function = Function(id="f", name="f", code=code, origin=Origin(source="s", path="p"))
    suite = Suite(signature="def f(x: int) -> int", tests=tests, **PROOF)  # type: ignore[arg-type]
    problems = PythonProblem(name="set/1", problem=Problem(id="p", function=function, suite=suite))

    async def posed() -> list[ImpossibleProblem]:
        sandbox = open_sandbox("auto", 1)
        try:
            return (await pose_problems("set", [problems], ["lua"], Verifier(sandbox), MakeTasks))[1]
        finally:
            await sandbox.close()

    (lost,) = asyncio.run(posed())
    assert test in lost.detail
    assert lost.detail.endswith(actual)
