"""Normalise program texts: remove comments and fold white space."""

import re
from itertools import groupby
from operator import itemgetter

from glotsmith.languages.lexer import CommentSyntax, split_code


def strip_comments(text: str, syntax: CommentSyntax) -> str:
    """Return the text without comments; a comment becomes a line break if it contains one, else a space."""
    return "".join(
        ("\n" if "\n" in piece else " ") if kind == "comment" else piece for kind, piece in split_code(text, syntax)
    )


def normalise(text: str, syntax: CommentSyntax) -> str:
    """Return the text without comments, and with folded white space outside strings.

    A run of white space becomes one space, because ``(- 1)`` and ``(-1)`` differ in Racket. In languages with
    significant indentation, lines and their indentation are kept, and blank lines are removed.
    """
    runs = ((kind == "string", " " if kind == "comment" else piece) for kind, piece in split_code(text, syntax))
    fold = _fold_lines if syntax.layout else _fold
    joined = ((is_string, "".join(piece for _, piece in group)) for is_string, group in groupby(runs, itemgetter(0)))
    return "".join(run if is_string else fold(run) for is_string, run in joined).strip()


def _fold(code: str) -> str:
    return re.sub(r"\s+", " ", code)


def _fold_lines(code: str) -> str:
    return re.sub(r"(?<=\S)[ \t\f]+", " ", re.sub(r"(?:[ \t\f\r]*\n)+", "\n", code))
