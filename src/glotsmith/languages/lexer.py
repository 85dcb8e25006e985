"""Split text into code, strings and comments, for any language, and also for text that is not a program.

The reference implementation (MultiPL-T's ``dedup_solutions.py``) searches for comment marks, and fails on strings that
contain them. This lexer recognises strings first.
"""

import re
from collections.abc import Iterator
from functools import cache
from typing import Literal, NamedTuple

from glotsmith.languages.card import Card
from glotsmith.records import Record


class CommentSyntax(Record, frozen=True, kw_only=True):
    """The syntax of a language's comments and strings."""

    line: tuple[str, ...] = ()  #: marks of comments that end at the end of the line
    block: tuple[str, ...] = ()  #: opening and closing mark; nested if both balance
    strings: tuple[str, ...] = ('"',)  #: quotes; a backslash escapes the next character
    layout: bool = False  #: whether indentation is significant


PieceKind = Literal["code", "string", "comment"]


def split_code(text: str, syntax: CommentSyntax) -> Iterator[tuple[PieceKind, str]]:
    """Split text into runs of code, strings and comments; their concatenation is the text.

    Any text is accepted: an unterminated block comment extends to the end, and an unterminated quote is code.
    """
    (pattern, kinds), position, code = _scanner(syntax), 0, 0
    while found := pattern.search(text, position):
        start, position = found.span()
        if (kind := kinds[found.lastindex or 0]) is None:
            continue
        if kind == "block":
            position, kind = _end_of_block(text, syntax, start), "comment"
        if code < start:
            yield "code", text[code:start]
        yield kind, text[start:position]
        code = position
    if code < len(text):
        yield "code", text[code:]


def mask_strings(text: str, syntax: CommentSyntax, mark: str) -> tuple[str, list[str]]:
    """Return the text with a mark in place of each string and a space in place of each comment, and the strings."""
    strings = list[str]()
    if syntax.block and syntax.block[0] in text:
        pieces = list(split_code(text, syntax))
        masked = (mark if kind == "string" else " " if kind == "comment" else piece for kind, piece in pieces)
        return "".join(masked), [piece for kind, piece in pieces if kind == "string"]
    pattern, kinds = _scanner(syntax)

    def replace(found: re.Match[str]) -> str:
        if (kind := kinds[found.lastindex or 0]) == "string":
            strings.append(found[0])
            return mark
        return " " if kind == "comment" else found[0]

    return pattern.sub(replace, text), strings  # faster than the pieces


_Match = Literal["block", "comment", "string"] | None  #: None is code


class _Scanner(NamedTuple):
    """Finds what is not code."""

    pattern: re.Pattern[str]
    kinds: tuple[_Match, ...]  #: number of the last group of a match → what matched


@cache
def _scanner(syntax: CommentSyntax) -> _Scanner:
    """Compile the alternatives; the first one that matches wins."""
    alternatives = [*_comments(syntax), *_character_literals(syntax), *_strings(syntax)]
    pattern = re.compile("|".join(pattern for _, pattern in alternatives) or "(?!)", re.DOTALL)
    return _Scanner(pattern, (None, *(kind for kind, _ in alternatives)))


# Each alternative begins with a literal character, because re then skips other characters several times faster. Each
# has one group, which may be empty. The number of the group identifies the alternative.


def _comments(syntax: CommentSyntax) -> Iterator[tuple[_Match, str]]:
    opening = syntax.block[0] if syntax.block else ""
    if opening.endswith("[["):  # Lua: long brackets of any level delimit comments and strings
        yield "comment", rf"{re.escape(opening[:-2])}\[(?P<a>=*)\[.*?(?:\](?P=a)\]|\Z)"
    elif opening:
        yield "block", f"{re.escape(opening)}()"
    for mark in sorted(filter(None, syntax.line), key=len, reverse=True):
        yield "comment", f"{re.escape(mark)}()[^\n]*"


def _character_literals(syntax: CommentSyntax) -> Iterator[tuple[_Match, str]]:
    """Yield patterns of characters that do not begin a string: ``'"'`` in OCaml, Julia and C, and ``#\\"`` in Lisp."""
    if ";" in syntax.line:
        yield None, r"#()\\."
    if "'" not in syntax.strings:
        yield None, r"'()(?:\\.|[^\\'\n])'"


def _strings(syntax: CommentSyntax) -> Iterator[tuple[_Match, str]]:
    for quote in sorted(map(re.escape, filter(None, syntax.strings)), key=len, reverse=True):
        yield "string", rf"{quote}()(?:[^\\{quote[-1]}]++|\\.|(?!{quote}){quote[-1]})*+{quote}"
    if syntax.block and syntax.block[0].endswith("[["):
        yield "string", r"\[(?P<b>=*)\[.*?\](?P=b)\]"


def _end_of_block(text: str, syntax: CommentSyntax, start: int) -> int:
    """Return the end of a block comment.

    Marks are nested if they balance; otherwise the first closing mark ends the comment. No flag is needed: in a
    language without nested comments, a valid program with an inner opening mark never balances.
    """
    opening, closing = syntax.block[0], syntax.block[-1]
    depth = 0
    for mark in re.compile(f"({re.escape(opening)})|{re.escape(closing)}").finditer(text, start):
        depth += 1 if mark[1] else -1
        if depth == 0:
            return mark.end()
    first = text.find(closing, start + len(opening))
    return len(text) if first < 0 else first + len(closing)


def comment_syntax_of(card: Card) -> CommentSyntax:
    """Return the syntax of a language's comments and strings."""
    s = card.syntax
    return CommentSyntax(
        line=() if s.line_comment_end else (s.line_comment,),
        block=s.block_comment,
        strings=s.strings,
        layout=s.layout,
    )
