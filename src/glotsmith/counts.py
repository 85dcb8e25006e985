"""Counts in sentences: ``1 row is``, ``2 rows are``."""

_PLURAL_VERBS = {"is": "are", "has": "have", "was": "were", "does": "do"}


def counted(number: int, noun: str, verb: str = "") -> str:
    """Return a number and its noun: ``1 line``, ``2,000 lines``.

    Args:
        number: how many there are.
        noun: the singular of the noun.
        verb: a verb that follows, in the form for one thing: ``1 line holds``, ``2 lines hold``.

    """
    words = f"{number:,} {noun if number == 1 else _plural(noun)}"
    return f"{words} {agreeing(number, verb)}" if verb else words


def agreeing(number: int, verb: str) -> str:
    """Return a verb, which is given in the form for one thing, in the form for a number of things."""
    return verb if number == 1 else _PLURAL_VERBS.get(verb, verb.removesuffix("s"))


def _plural(noun: str) -> str:
    if noun.endswith("y") and noun[-2:-1] not in "aeiou":
        return f"{noun[:-1]}ies"
    return f"{noun}es" if noun.endswith(("s", "x", "ch", "sh")) else f"{noun}s"
