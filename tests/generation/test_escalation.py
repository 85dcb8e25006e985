"""What a model fails is asked of the next one, and the losses of all of them are recorded."""

import asyncio
from typing import Any

import pytest

from glotsmith.drop_reasons import Reason
from glotsmith.generation.escalation import escalating
from glotsmith.ledger_rows import StepInput, plan_rows
from glotsmith.records import Candidate, Lineage
from glotsmith.step import Dropped, ItemStep, Kept, Result
from glotsmith.teachers.base import Reply, Request, Teacher
from glotsmith.unanswered import Unanswered

ITEM = Candidate(task="t", language="lua", code="", lineage=Lineage(teacher="t"))
PASS = Result(kept=(Kept("out", ITEM),), dropped=(Dropped(Reason.NO_CODE, "one", "t:0"),), cost=2.0, tokens=20)
WRONG = Result[Any](
    dropped=(Dropped(Reason.FAILED_VERIFICATION, "bad", "t:0", ITEM), Dropped(Reason.NO_PASSING_SOLUTION, "none")),
    cost=1.0,
    tokens=10,
)
REFUSED = Result[Any](dropped=(Dropped(Reason.TEACHER_REFUSED, "no"),), tokens=1)
BROKEN = Result[Any](dropped=(Dropped(Reason.NOT_VERIFIED, "the machine"),))


class Named(Teacher):
    name, fingerprint = "openai", ""

    def __init__(self, model: str) -> None:
        self.model = model

    async def reply(self, request: Request) -> Reply:
        raise AssertionError

    async def close(self) -> None: ...


class Returns(ItemStep[Any, Any]):
    name = "translate"
    output = Candidate
    concurrency = 7

    def __init__(self, outcome: Result[Any] | Exception) -> None:
        self.outcome, self.runs = outcome, 0

    async def run(self, key: str, item: Any) -> Result[Any]:
        self.runs += 1
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


def run(*outcomes: Result[Any] | Exception) -> tuple[Result[Any], list[int]]:
    steps = [Returns(outcome) for outcome in outcomes]
    step = escalating(steps, [Named(f"m{n}") for n in range(len(steps))])
    assert (step.name, step.output, step.concurrency) == ("translate", Candidate, 7)
    result = asyncio.run(step.run("k", ITEM))
    rows = plan_rows(StepInput("k", "a1"), result, lambda _: None)
    assert len({row.key for row in rows}) == len(rows)
    return result, [step.runs for step in steps]


@pytest.mark.parametrize(
    ("outcomes", "runs", "kept", "reasons"),
    [
        pytest.param([PASS, WRONG], [1, 0], 1, ["no_code"], id="the-first-passes"),
        pytest.param(
            [WRONG, PASS, WRONG], [1, 1, 0], 1, ["failed_verification", "escalated", "no_code"], id="the-second-passes"
        ),
        pytest.param([REFUSED, PASS], [1, 1], 1, ["escalated", "no_code"], id="a-refusal"),
        pytest.param(
            [WRONG, REFUSED, WRONG],
            [1, 1, 1],
            0,
            ["failed_verification", "escalated", "escalated", "failed_verification", "no_passing_solution"],
            id="all-fail",
        ),
        pytest.param([BROKEN, PASS], [1, 0], 0, ["not_verified"], id="the-machine-fails"),
    ],
)
def test_models_are_asked_until_one_does_not_fail(
    outcomes: list[Result[Any]], runs: list[int], kept: int, reasons: list[str]
) -> None:
    result, ran = run(*outcomes)
    assert (ran, len(result.kept), [str(drop.reason) for drop in result.dropped]) == (runs, kept, reasons)
    ran_outcomes = [outcome for outcome, count in zip(outcomes, runs, strict=True) if count]
    assert (result.cost, result.tokens) == (
        sum(one.cost for one in ran_outcomes),
        sum(one.tokens for one in ran_outcomes),
    )


def test_a_loss_names_both_models_and_why() -> None:
    result, _ = run(WRONG, PASS)
    [loss] = [drop for drop in result.dropped if drop.reason == Reason.ESCALATED]
    assert loss.detail == "openai m0 failed, so openai m1 was asked. no_passing_solution: none"


def test_an_item_that_the_machine_leaves_open_is_not_asked_of_another_model() -> None:
    steps = [Returns(Unanswered(Reason.NOT_VERIFIED, "machine", None)), Returns(PASS)]
    with pytest.raises(Unanswered):
        asyncio.run(escalating(steps, [Named("a"), Named("b")]).run("k", ITEM))
    assert steps[1].runs == 0


def test_one_model_needs_no_escalation() -> None:
    step = Returns(PASS)
    assert escalating([step], [Named("a")]) is step
