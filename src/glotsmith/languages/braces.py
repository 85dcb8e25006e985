"""Braces at which a continuation is stopped: a stop token such as ``"\\n}"`` ends a function, and is no part of it."""

import re
from collections.abc import Iterable

from glotsmith.languages.card import Card

_STRING = re.compile(r'"(?:\\.|[^"\\\n])*"' + r"|'(?:\\.|[^'\\\n])'")


def stops_at_brace(stop: Iterable[str]) -> bool:
    """Whether a continuation ends at the brace that closes its function, which is then not part of it."""
    return any("}" in token for token in stop)


def restore_braces(card: Card, code: str, after: str = "") -> str:
    """Put back the braces at which a continuation was stopped, where neither it nor what comes ``after`` has them."""
    syntax = card.syntax
    marks = [rf"{re.escape(syntax.line_comment)}.*"] if syntax.line_comment else []
    if syntax.block_comment:
        begin, end = map(re.escape, syntax.block_comment[:2])
        marks.append(rf"{begin}[\s\S]*?{end}")
    comments = re.compile("|".join(marks) or r"(?!)")
    missing = sum(open_braces(comments.sub("", _STRING.sub("", text))) for text in (code, after))
    return code + "\n}" * max(missing, 0)


def open_braces(text: str) -> int:
    """Return how many braces a text opens and leaves open; those in strings do not count."""
    bare = _STRING.sub("", text)
    return bare.count("{") - bare.count("}")
