"""The few facts about languages that are no data, each one a named function."""

from collections.abc import Callable, Collection, Sequence

from glotsmith.values import Value

_ATOMIC: dict[type, str] = {bool: "logical", int: "numeric", float: "numeric", str: "character"}


def is_vector(items: Collection[Value]) -> bool:
    """Return whether R holds these elements in an atomic vector: scalars of one type, at least one."""
    kinds = {_ATOMIC.get(x.__class__) for x in items}
    return len(kinds) == 1 and None not in kinds


def r_vector(value: Value, items: Sequence[str]) -> str | None:
    """R writes elements of one atomic type as ``c(...)`` and everything else as ``list(...)`` (MultiPL-E's rule)."""
    if isinstance(value, dict) or not is_vector(value):
        return None
    return f"c({', '.join(items)})"


#: name in a card → function of (value, rendered items) that returns the literal, or None for the card's template
QUIRKS: dict[str, Callable[[Value, Sequence[str]], str | None]] = {"r_vector": r_vector}
