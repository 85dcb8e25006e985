"""The steps of a run from its recipe and the user, and the steps of a shard or a pilot of the run."""

from collections.abc import Mapping, Sequence
from typing import Any

from glotsmith.api.pilot import with_pilot
from glotsmith.api.run_config import RunConfig
from glotsmith.errors import UsageError
from glotsmith.ledger import Ledger
from glotsmith.recipes.base import RecipeServices
from glotsmith.recipes.shards import steps_of_shard
from glotsmith.shard import parse_shard
from glotsmith.step import ItemStep, Step

#: Name of a step → the user's step that follows it.
ExtraSteps = Mapping[str, Step[Any, Any]]


def chosen_steps(steps: Sequence[Step[Any, Any]], config: RunConfig) -> list[Step[Any, Any]]:
    """Return all steps of a run, or the steps of its shard or its pilot.

    Raises:
        UsageError: The recipe cannot run in shards or has no pilot, or a preview or pilot is to run in a shard.

    """
    if config.preview and config.pilot:
        raise UsageError("--preview and --estimate cannot be combined: remove one of them")
    shard = parse_shard(config.shard or "")
    if shard is None:
        return with_pilot(steps, config) if config.pilot else list(steps)
    if config.pilot:
        raise UsageError("--estimate and --shard cannot be combined: remove one of them")
    if config.preview:
        raise UsageError("--preview and --shard cannot be combined: remove one of them")
    return steps_of_shard(steps, shard, config.recipe)


def fill_cluster(steps: Sequence[Step[Any, Any]], items: int) -> None:
    """Let each step that waits for programs process at least ``items`` items at once."""
    for step in steps:
        if isinstance(step, ItemStep) and step.concurrency > 1:
            step.concurrency = max(step.concurrency, items)


def with_extra_steps(recipe: Any, services: RecipeServices, ledger: Ledger, extra: ExtraSteps) -> list[Step[Any, Any]]:
    """Return the steps of a recipe, with each step of a user after the step that ``extra`` names.

    Raises:
        UsageError: No such step exists, or it is one of the last steps, which also run on unfinished runs.

    """
    steps = list(recipe.steps(services))
    last = recipe.final_steps(ledger).after_step if extra else ""
    names = [step.name for step in steps]
    for name, step in extra.items():
        allowed = names[: names.index(last)]
        if name not in allowed:
            raise UsageError(f"no step can follow {name!r} in this recipe. Choose one of: {', '.join(allowed)}")
        steps.insert([each.name for each in steps].index(name) + 1, step)
    return steps
