"""Budgets of a run: ``20usd``, ``5Mtok``, ``3h``, ``2000rows``, and of one language ``ocaml=500rows``."""

import math
import re
from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum
from typing import NamedTuple

from glotsmith.counts import counted, format_seconds
from glotsmith.errors import UsageError
from glotsmith.records import printable

_FORM = re.compile(r"(?:(?P<language>[^=]*)=)?\s*(?P<number>\d+(?:\.\d*)?|\.\d+)\s*(?P<unit>[a-z]+)", re.IGNORECASE)
_HELP = "a budget is a number with a unit, such as 20usd, 5Mtok, 3h or 2000rows, or of one language ocaml=500rows"
_SHOWN = 40  #: characters of a value in a message


class BudgetUnit(StrEnum):
    """What a budget limits."""

    usd = "usd"
    tokens = "tokens"
    seconds = "seconds"
    rows = "rows"


#: unit as a user writes it, in lower case → what it limits, and its size
_UNITS: dict[str, tuple[BudgetUnit, float]] = {
    "usd": (BudgetUnit.usd, 1),
    **{f"{prefix}tok": (BudgetUnit.tokens, size) for prefix, size in (("", 1), ("k", 1e3), ("m", 1e6), ("g", 1e9))},
    **{unit: (BudgetUnit.seconds, size) for unit, size in (("s", 1), ("min", 60), ("h", 3600), ("d", 86400))},
    "rows": (BudgetUnit.rows, 1),
}


class BudgetLimit(NamedTuple):
    """One limit of a run."""

    unit: BudgetUnit
    amount: float  #: US dollars, tokens, seconds or rows; above 0
    text: str  #: as the user wrote it
    language: str = ""  #: that it holds for; "" for the whole run


def parse_budget(texts: Sequence[str], language_id: Callable[[str], str]) -> tuple[BudgetLimit, ...]:
    """Return the limits that these texts state.

    Args:
        texts: as a user writes them.
        language_id: returns the id of a language that a user names, and raises ``UsageError`` for an unknown one.

    Raises:
        UsageError: a text is not a budget, or two texts limit the same quantity.

    """
    found = dict[tuple[str, BudgetUnit], BudgetLimit]()
    for limit in (_parse(text, language_id) for text in texts):
        earlier = found.setdefault((limit.language, limit.unit), limit)
        if earlier is not limit:
            raise UsageError(f"the budgets {earlier.text} and {limit.text} limit the same quantity: give one of them")
    return tuple(found.values())


def _parse(text: str, language_id: Callable[[str], str]) -> BudgetLimit:
    match = _FORM.fullmatch(text.strip())
    unit, size = _UNITS.get(match["unit"].lower(), (None, 0.0)) if match else (None, 0.0)
    amount = float(match["number"]) * size if match else 0.0
    shown = f"the budget {printable(text)[:_SHOWN]!r}"
    if match is None or unit is None:
        raise UsageError(f"{shown} is not valid: {_HELP}")
    if not 0 < amount < math.inf:
        raise UsageError(f"{shown} must be above 0 and finite: {_HELP}")
    if unit == BudgetUnit.rows and amount != int(amount):
        raise UsageError(f"{shown} is not a whole number of rows: {_HELP}")
    if match["language"] is None:
        return BudgetLimit(unit, amount, text.strip())
    if unit == BudgetUnit.seconds:
        raise UsageError(f"{shown} limits the time of a language, but languages run at once: leave out the language")
    try:
        return BudgetLimit(unit, amount, text.strip(), language_id(match["language"].strip()))
    except UsageError as error:
        raise UsageError(f"{shown} names no language of the run: {error}") from None


def format_amount(unit: BudgetUnit, amount: float) -> str:
    """Return an amount as people write it: ``20.03 US dollars``, ``5,000 tokens``, ``3 h``, ``2,000 rows``."""
    match unit:
        case BudgetUnit.usd:
            return f"{amount:,.4g} US dollars" if amount < 1 else f"{amount:,.2f} US dollars"
        case BudgetUnit.tokens:
            return counted(round(amount), "token")
        case BudgetUnit.seconds:
            return format_seconds(amount)
        case BudgetUnit.rows:
            return counted(round(amount), "row")


def of_language(limits: Sequence[BudgetLimit], language: str) -> Iterator[BudgetLimit]:
    """Yield the limits that hold for a request in this language: those of the run and those of the language."""
    return (limit for limit in limits if limit.language in ("", language))
