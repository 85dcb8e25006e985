"""Split text into code, strings and comments, for any language, and also for text that is not a program.

The reference implementation (MultiPL-T's ``dedup_solutions.py``) searches for comment marks, and fails on strings that
contain them. This lexer recognises strings first.
"""

import re
from collections.abc import Iterator
from functools import cache
from typing import Literal

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
    scanner, position, code = _scanner(syntax), 0, 0
    while position < len(text):
        found = scanner.match(text, position)
        assert found is not None  # the pattern matches any text
        kind, position = found.lastgroup, found.end()
        if kind is None:
            position += 1  # a character that could begin a comment or string and does not
            continue
        if kind == "character":  # a character literal or a single quote is code and does not open a string
            continue
        start = found.start(kind)
        if kind == "block":
            position = _end_of_block(text, syntax, start)
        if code < start:
            yield "code", text[code:start]
        yield ("string" if kind == "string" else "comment"), text[start:position]
        code = position
    if code < len(text):
        yield "code", text[code:]


@cache
def _scanner(syntax: CommentSyntax) -> re.Pattern[str]:
    """Compile the pattern of code and of what ends it; the first matching alternative wins.

    It begins with a class of characters, which ``re`` skips several times faster than it searches for alternatives.
    """
    opening = syntax.block[0] if syntax.block else ""
    quotes = sorted(map(re.escape, syntax.strings), key=len, reverse=True)
    strings = [rf"{q}(?:[^\\{q[-1]}]++|\\.|(?!{q}){q[-1]})*+{q}" for q in quotes]
    comments: list[str] = []
    if opening.endswith("[["):  # Lua: long brackets of any level delimit comments and strings
        comments.append(rf"{re.escape(opening[:-2])}\[(?P<a>=*)\[.*?(?:\](?P=a)\]|\Z)")
        strings.append(r"\[(?P<b>=*)\[.*?\](?P=b)\]")
    block = [f"(?P<block>{re.escape(opening)})"] if opening and not comments else []
    comments += [f"{re.escape(mark)}[^\n]*" for mark in sorted(syntax.line, key=len, reverse=True) if mark]
    # '"' in OCaml, Julia and C, and #\" in Lisp, are characters and do not begin a string
    characters = [r"#\\."] if ";" in syntax.line else []
    characters += [] if "'" in syntax.strings else [r"'(?:\\.|[^\\'\n])'"]
    named = [("comment", comments), ("character", characters), ("string", strings)]
    ends = "|".join([*block, *(f"(?P<{n}>{'|'.join(p)})" for n, p in named if p)])
    return re.compile(f"[^{_first_characters(syntax)}]*+(?:{ends})?", re.DOTALL)


def _first_characters(syntax: CommentSyntax) -> str:
    """Return the characters that may begin a comment, a string or a character literal, for a class of a pattern."""
    first = {mark[0] for mark in (*syntax.line, *syntax.block[:1], *syntax.strings) if mark} | {"'"}
    if ";" in syntax.line:
        first.add("#")
    if syntax.block and syntax.block[0].endswith("[["):
        first.add("[")
    return "".join(map(re.escape, sorted(first)))


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
