"""Numbers as people write them: with nouns and verbs that agree (``1 row is``, ``2 rows are``), and durations."""

_PLURAL_VERBS = {"is": "are", "has": "have", "was": "were", "does": "do"}


def counted(number: int, noun: str, verb: str = "") -> str:
    """Return a number with its noun: ``1 line``, ``2,000 lines``.

    Args:
        number: the number.
        noun: in the singular.
        verb: a verb to append, in the singular: ``1 line holds``, ``2 lines hold``.

    """
    words = f"{number:,} {noun if number == 1 else _plural(noun)}"
    return f"{words} {agreeing(number, verb)}" if verb else words


def agreeing(number: int, verb: str) -> str:
    """Return a verb, given in the singular, in the form that agrees with a number."""
    return verb if number == 1 else _PLURAL_VERBS.get(verb, verb.removesuffix("s"))


def format_seconds(seconds: float) -> str:
    """Return a duration as people write it: ``45 s``, ``2 min 5 s``, ``1 h 3 min``."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def _plural(noun: str) -> str:
    if noun.endswith("y") and noun[-2:-1] not in "aeiou":
        return f"{noun[:-1]}ies"
    return f"{noun}es" if noun.endswith(("s", "x", "ch", "sh")) else f"{noun}s"
