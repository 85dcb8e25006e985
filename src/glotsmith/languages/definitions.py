"""Find the names that a program defines, by regular expressions for the forms of definitions.

A grammar would be more exact, but programs of models often contain errors that a grammar does not accept.
"""

import re
from collections.abc import Iterator

from glotsmith.languages.card import Card
from glotsmith.languages.lexer import comment_syntax_of, split_code

_NAME = r"[^\W\d](?:[\w?!']|-(?=\w)|->(?=\w))*"
_KEYWORD = (
    r"(?:def(?!ault)\w*|define(?:[-/][\w/-]+)?|function|func|fun|fn|proc|method|sub|let|and|rec|class|struct|type|data|newtype"
    r"|enum|trait|object|interface|module|record|val|var|const|local|my|our|static|iterator|template|macro|typedef)"
)
_GAP = r"[ \t(]+"
_BY_KEYWORD = rf"(?:^|[\s(;{{]){_KEYWORD}{_GAP}(?:{_KEYWORD}{_GAP})*(?:\w+[.:]+)*[$@%*&]*(?P<name>@)(?![\w?!])"
_BY_EQUATION = (  # ``f <- function``, ``f = lambda``, ``f(x) = …``, ``f x y = …``, ``f x | …``, ``f() {``
    r"^[ \t]*(?:\w+[.:])*(?P<name>@)(?![\w?!])"
    r"(?:[ \t]*\([^()\n]*\)[ \t]*(?:=(?![=~])|\{)|(?:[ \t]+[^\s=(][^\s=]*)*[ \t]*\n?[ \t]*(?:<-|:=|=(?![=~])|::|\|))"
)
_CALL_LIKE = r"(?<![\w.$])(?P<name>@)[ \t]*(?:<[^<>()\n]*>)?\("
_MAX_LINE_CHARS = 1000  #: the patterns take quadratic time in the length of a line
_TYPE = re.compile(r"[\w:<>\[\],.*&? \t]*[\w>\]*&?][ \t]+[*&]*|[\w:<>\[\],.*&? \t]+[*&]")
_NO_TYPE = re.compile(r"\s*(?:return|else|new|await|yield|throw|in|not|and|or|if|while|when|do|then|case|assert)\b")


def defines(card: Card, text: str, name: str) -> bool:
    """Return whether a line of a text, outside comments and strings, defines ``name``."""
    return bool(name) and next(_names(_without_literals(card, text), re.escape(name)), None) is not None


def defined_names(card: Card, text: str) -> set[str]:
    """Return the names that lines without indentation define."""
    return set(_names("\n".join(line for line in _without_literals(card, text).split("\n") if line[:1].strip()), _NAME))


def mentions(text: str, name: str) -> bool:
    """Return whether a text contains ``name`` as a word."""
    return re.search(rf"(?<![\w.]){re.escape(name)}(?!\w)", text) is not None


def _without_literals(card: Card, text: str) -> str:
    """Return the text without strings and comments."""
    kept = (piece if kind == "code" else _blank(piece) for kind, piece in split_code(text, comment_syntax_of(card)))
    return "\n".join(line[:_MAX_LINE_CHARS] for line in "".join(kept).split("\n"))


def _blank(piece: str) -> str:
    return "\n" * piece.count("\n") or " "


def _names(text: str, name: str) -> Iterator[str]:
    for form in (_BY_KEYWORD, _BY_EQUATION):
        for found in re.finditer(form.replace("(?P<name>@)", f"(?P<name>{name})"), text, re.MULTILINE):
            yield found["name"]
    yield from _after_types(text, name)


def _after_types(text: str, name: str) -> Iterator[str]:
    """Yield names between a type and a parameter list that a body follows, as in C or Java."""
    for found in re.finditer(_CALL_LIKE.replace("(?P<name>@)", f"(?P<name>{name})"), text):
        head = text[text.rfind("\n", 0, found.start()) + 1 : found.start()]
        if _TYPE.fullmatch(head) and not _NO_TYPE.match(head) and _has_body(text, found.end()):
            yield found["name"]


def _has_body(text: str, start: int) -> bool:
    """Return whether a brace follows the parameters that begin at ``start``, before the statement ends."""
    end = min((at for mark in ";=" if (at := text.find(mark, start)) >= 0), default=len(text))
    brace = text.find("{", start)
    return 0 <= brace < end or bool(re.match(r"[^)]*\)\s*=(?!=)", text[start : start + 400]))
