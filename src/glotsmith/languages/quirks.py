"""The few facts about languages that are no data, each one a named function."""

from collections.abc import Callable, Sequence

from glotsmith.values import Value

_ATOMIC = {"bool", "int", "float", "str"}


def r_vector(value: Value, items: Sequence[str]) -> str | None:
    """R writes elements of one atomic type as ``c(...)`` and everything else as ``list(...)`` (MultiPL-E's rule)."""
    if isinstance(value, dict) or not items:
        return None
    kinds = {type(x).__name__ for x in value}
    if len(kinds) == 1 and kinds <= _ATOMIC:
        return f"c({', '.join(items)})"
    return None


#: name in a card → function of (value, rendered items) that returns the literal, or None for the card's template
literals: dict[str, Callable[[Value, Sequence[str]], str | None]] = {"r_vector": r_vector}
