"""Read the fields of a stored item of any step of any recipe: its program, tests, origin and lineage.

Items nest: a ``Solution`` holds a ``Task``, which holds a ``Problem``, which holds a ``Function``. The first item that
has a field wins, from the outside to the inside.
"""

from collections.abc import Mapping, Sequence
from typing import Any, cast

Item = Mapping[str, Any]
_INNER = ("solution", "task", "problem", "draft", "function", "snippet", "proposal")
#: fields of particular items that a reader may want to see beside the common ones
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


def first(items: Sequence[Item], name: str, default: Any = "") -> Any:
    """Return the first value of a field that is not empty."""
    return next((value for item in items if (value := item.get(name))), default)


def text(items: Sequence[Item], name: str) -> str:
    """Return the first value of a field as text."""
    return str(first(items, name))


def fenced_program(message: str) -> str:
    """Return the program in an assistant's message of a dataset row: the text of its fenced block."""
    return message.strip("`").partition("\n")[2].removesuffix("\n") if message.startswith("```") else ""
