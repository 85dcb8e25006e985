"""Normalise program texts: remove comments and fold white space."""

import re
from functools import partial
from itertools import chain, groupby, zip_longest
from operator import itemgetter

from glotsmith.languages.lexer import CommentSyntax, mask_strings, split_code

#: stand for strings while white space is folded, by layout; with layout they are white space that is not folded
_MARKS = {False: "\x00", True: "\x1c"}
_SPACE_IN_LINE = re.compile(r"(?<=\S)[ \t\f]+")
_LINE_ENDS = re.compile(r"(?:[ \t\f\r]*\n)+")


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
    mark = _MARKS[syntax.layout]
    marked, strings = mask_strings(text, syntax, mark)
    if marked.count(mark) > len(strings):
        return _normalise_runs(text, syntax)
    folded = _fold_lines(marked) if syntax.layout else " ".join(marked.split())
    pieces = zip_longest(folded.split(mark), strings, fillvalue="")
    return "".join(chain.from_iterable(pieces)).strip()


def _normalise_runs(text: str, syntax: CommentSyntax) -> str:
    """Return the same as ``normalise``, for a text that contains the mark of strings."""
    fold = _fold_lines if syntax.layout else partial(re.sub, r"\s+", " ")
    runs = ((kind == "string", " " if kind == "comment" else piece) for kind, piece in split_code(text, syntax))
    joined = ((is_string, "".join(piece for _, piece in group)) for is_string, group in groupby(runs, itemgetter(0)))
    return "".join(run if is_string else fold(run) for is_string, run in joined).strip()


def _fold_lines(code: str) -> str:
    """Fold white space within lines, and remove it from their ends, with blank lines."""
    if "\t" in code or "\f" in code or "\r" in code:
        return _SPACE_IN_LINE.sub(" ", _LINE_ENDS.sub("\n", code))
    if " \n" in code:
        *lines, last = code.split("\n")
        code = "\n".join([*(line.rstrip(" ") for line in lines), last])
    while "\n\n" in code:
        code = code.replace("\n\n", "\n")
    lines = code.split("\n")
    if "  " in "\n".join(map(str.lstrip, lines)):  # otherwise all folded lines are the same
        code = "\n".join([_SPACE_IN_LINE.sub(" ", line) if "  " in line.lstrip() else line for line in lines])
    return code
