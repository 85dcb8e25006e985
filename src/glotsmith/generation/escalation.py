"""Send a request to the next model of a role after a model has failed."""

from collections.abc import Sequence
from typing import Any

from glotsmith.drop_reasons import Reason
from glotsmith.errors import UsageError
from glotsmith.step import Dropped, ItemStep, Result
from glotsmith.teachers.base import Teacher, model_label


def escalating(steps: Sequence[ItemStep[Any, Any]], teachers: Sequence[Teacher]) -> ItemStep[Any, Any]:
    """Return a step that runs one of several equal steps after another, until one of them keeps something.

    The result has the losses and the costs of all steps that ran. If a step has no result because the machine failed,
    the item stays open: this is not a failure of the model.

    Args:
        steps: the same step with each of the teachers.
        teachers: the teachers, in the order in which they get the request.

    Raises:
        UsageError: the sampling policy of a step learns the pass rate of one model, and there are several.

    """
    first, *_ = steps
    if len(steps) == 1:
        return first
    if first.learns:
        raise UsageError(
            f"--policy adaptive learns the pass rate of one model, but the step {first.name} has several: choose "
            "another policy, or remove the table 'next' of the role"
        )

    class Escalation(ItemStep[Any, Any]):
        name = first.name
        output = first.output
        concurrency = first.concurrency

        async def run(self, key: str, item: Any) -> Result[Any]:
            result = await first.run(key, item)
            for number, step in enumerate(steps[1:], 1):
                if not _is_failure(result):
                    break
                escalated = _escalated(key, result, number, teachers)
                following = await step.run(key, item)
                result = Result(
                    kept=following.kept,
                    dropped=(*escalated, *following.dropped),
                    cost=result.cost + following.cost,
                    tokens=result.tokens + following.tokens,
                )
            return result

    return Escalation()


def _is_failure(result: Result[Any]) -> bool:
    """Return whether a model failed: the step kept nothing, and the machine is not the cause."""
    return not result.kept and all(drop.key or drop.reason != Reason.NOT_VERIFIED for drop in result.dropped)


def _escalated(key: str, result: Result[Any], number: int, teachers: Sequence[Teacher]) -> list[Dropped]:
    """Return the losses of a model that failed: its own, and one that names the next model."""
    losses = list[Dropped]()
    for drop in result.dropped:
        if drop.key:
            losses.append(Dropped(drop.reason, drop.detail, _unique(drop.key, number), drop.item))
        else:
            why = escalation_detail(teachers[number - 1], teachers[number], f"{drop.reason}: {drop.detail}")
            losses.append(Dropped(Reason.ESCALATED, why, f"{key}:escalated-{number}", drop.item))
    return losses


def _unique(key: str, number: int) -> str:
    """Return a key for a loss of a model, so that the same loss of the next model has another key."""
    return key if ":escalated-" in key or ":model-" in key else f"{key}:model-{number}"


def escalation_detail(failed: Teacher, following: Teacher, why: str) -> str:
    """Return the detail of a loss by escalation."""
    return f"{model_label(failed)} failed, so {model_label(following)} was asked. {why}"
