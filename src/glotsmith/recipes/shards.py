"""The steps that a shard of a recipe runs. The merge of the shards runs the steps that compare items."""

from collections.abc import Sequence
from typing import Any

from glotsmith.errors import UsageError
from glotsmith.records import Record
from glotsmith.shard import Shard
from glotsmith.step import ItemStep, Result, SourceStep, Step, WholeStep, keep


def steps_of_shard(steps: Sequence[Step[Any, Any]], shard: Shard, recipe: str) -> list[Step[Any, Any]]:
    """Return the steps that process one part of the sources (see ``step.ShardRule``).

    Args:
        steps: All steps of the recipe.
        shard: The part of the sources.
        recipe: The name of the recipe, for messages.

    Raises:
        UsageError: A step depends on items of other parts.

    """
    first, *others = steps
    assert isinstance(first, SourceStep), "the first step reads the sources"
    first.shard = shard
    return [first, *(_step_of_shard(step, recipe) for step in others)]


def _step_of_shard(step: Step[Any, Any], recipe: str) -> Step[Any, Any]:
    if isinstance(step, ItemStep) and step.learns:
        raise UsageError(
            f"{recipe} cannot run in shards, because its step {step.name!r} learns from earlier problems. Choose "
            "--policy early_stop, or remove --shard"
        )
    if not isinstance(step, WholeStep) or step.in_shard == "run":
        return step
    if step.in_shard == "refuse":
        advice = step.shard_advice or "it compares all items. Remove --shard"
        raise UsageError(
            f"{recipe} cannot run in shards, because later steps depend on its step {step.name!r}: {advice}"
        )
    return _keep_all(step)


def _keep_all(step: WholeStep[Any, Any]) -> ItemStep[Any, Any]:
    class KeepAll(ItemStep[Record, Record]):
        name = step.name
        output = step.output
        concurrency = 1  # it only passes items on

        async def run(self, key: str, item: Record) -> Result[Record]:
            return keep(key, item)

    return KeepAll()
