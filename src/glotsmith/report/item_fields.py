"""Read the fields of a stored item of any step of any recipe: its program, tests, origin and lineage.

Items are nested: a ``Solution`` contains a ``Task``, which contains a ``Problem``, which contains a ``Function``. A
field is read from the outermost item that has it.
"""

from collections.abc import Mapping, Sequence
from typing import Any, cast

Item = Mapping[str, Any]
_INNER = ("solution", "task", "problem", "draft", "function", "snippet", "proposal")
#: fields that only some items have and that a report shows
MORE = (
    *("session", "notes", "rounds", "ending", "examples", "scored", "summaries", "tried", "ties", "measured"),
    *("calls", "parameters", "prefix", "dropped_tests", "score", "stage", "pass_rate", "cost"),
)


def layers(item: Item) -> list[Item]:
    """Return an item and the items inside it, from the outside to the inside."""
    found = [item]
    for name in _INNER:
        if isinstance(inner := item.get(name), dict):
            found += layers(cast("Item", inner))
    return found


def first_value(items: Sequence[Item], name: str, default: Any = "") -> Any:
    """Return the first value of a field that is not empty."""
    return next((value for item in items if (value := item.get(name))), default)


def first_text(items: Sequence[Item], name: str) -> str:
    """Return the first value of a field as text."""
    return str(first_value(items, name))


def fenced_program(message: str) -> str:
    """Return the program in an assistant's message of a dataset row: the text of its fenced block."""
    return message.strip("`").partition("\n")[2].removesuffix("\n") if message.startswith("```") else ""
