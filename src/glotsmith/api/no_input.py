"""The messages of a run whose first step finds no usable unit in the sources."""

from collections.abc import Sequence

from glotsmith import recipes
from glotsmith.counts import counted
from glotsmith.drop_reasons import Reason
from glotsmith.errors import InputError
from glotsmith.records import FunnelRow

_NOT_READ = frozenset({Reason.UNREADABLE, Reason.TOO_LARGE, Reason.SYNTAX_ERROR, Reason.TOO_DEEP})


def no_input_sentence(first: FunnelRow, recipe: str, sources: Sequence[str]) -> str:
    """Return the sentence about a first step that kept nothing; "" if it kept something.

    Args:
        first: The counts of the first step.
        recipe: The name of the recipe.
        sources: The sources as the user wrote them.

    """
    if first.made:
        return ""
    unit, definition = recipes.get(recipe).reads
    why = ", ".join(f"{Reason(reason).because} ({count})" for reason, count in sorted(first.reasons.items()))
    dropped = f" {counted(first.dropped, 'unit', 'was')} dropped: {why}." if why else ""
    return f"No {unit} was found in {', '.join(sources)}.{dropped} A {unit} is {definition}"


def check_input(first: FunnelRow, recipe: str, sources: Sequence[str]) -> None:
    """Refuse sources without readable content.

    Raises:
        InputError: The first step kept nothing, and all that it dropped was unreadable or malformed.

    """
    if not first.made and first.reasons.keys() <= _NOT_READ:
        raise InputError(no_input_sentence(first, recipe, sources))
