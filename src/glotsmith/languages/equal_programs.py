"""Find programs that are equal except for comments and white space.

The lexer makes a key in which neither counts; two programs with one key are compared by their syntax trees, because the
lexer does not know heredocs, raw strings and the rules of line breaks and indentation. A program without a tree, or
with an error in it, equals identical texts only. A comment that a toolchain reads (``//go:build``,
``# frozen_string_literal``) counts.
"""

import re
from collections.abc import Iterator
from typing import Any, cast

from glotsmith.languages.card import get_card
from glotsmith.languages.grammar import syntax_tree
from glotsmith.languages.lexer import comment_syntax_of, split_code

#: words in the types of nodes whose text is compared as it is, with its white space
_VERBATIM = frozenset(
    (
        *("string", "str", "char", "character", "charlist", "heredoc", "here", "template", "quoted", "quasiquote"),
        *("regex", "regexp", "sigil", "pod", "text", "raw"),
    )
)
#: comments that toolchains read; a Java compiler replaces Unicode escapes before it looks for comments
_DIRECTIVE = re.compile(
    r"\\u|^//(?:go:|export|line )|^/\*line |@ts-|<reference|frozen_string_literal|coding[:=]|-\*-|^//>|^#[!?]|^\{-#"
)
_FOREIGN_CODE = re.compile(r'^\s*import\s*\(?\s*"C"', re.MULTILINE)  #: cgo: the comment before it is C
_Token = tuple[str, bytes, bool]  #: type, text, and whether a blank before it counts
_CLOSE: _Token = ("", b"", False)  #: the end of a node


class EqualPrograms:
    """The distinct programs of one language that were seen so far."""

    def __init__(self, language: str) -> None:
        self._language = language
        self._known: dict[str, list[str]] = {}  #: key → texts

    def __len__(self) -> int:
        """Return the number of keys."""
        return len(self._known)

    def representative(self, text: str) -> str:
        """Return the first program seen that equals a text except for comments and white space; else the text itself."""
        known = self._known.setdefault(_key(self._language, text), [])
        if text in known:
            return text
        for other in known:
            if are_equal_programs(self._language, other, text):
                return other
        known.append(text)
        return text


def are_equal_programs(language: str, one: str, other: str) -> bool:
    """Return whether two programs differ in comments and white space at most."""
    if one == other:
        return True
    if any(map(_FOREIGN_CODE.search, (one, other))):
        return False
    roots = syntax_tree(language, one), syntax_tree(language, other)
    if any(root is None or root.has_error or not root.child_count for root in roots):
        return False
    blanks = get_card(language).syntax.blanks
    first, second = (_tokens(root, blanks=blanks) for root in roots)
    return all(a == b for a, b in zip(first, second, strict=False)) and next(first, None) == next(second, None)


def _key(language: str, text: str) -> str:
    """Return the text without comments and white space."""
    pieces = split_code(text, comment_syntax_of(get_card(language)))
    return "".join("".join(piece.split()) for kind, piece in pieces if kind != "comment")


def _tokens(root: Any, *, blanks: bool) -> Iterator[_Token]:
    """Yield the nodes of a tree in order, without comments: the type and, of leaves and literals, the text."""
    stack: list[Any] = [root]
    end = len(root.text)  #: of the last leaf; no blank counts before the first one
    while stack:
        node = stack.pop()
        if isinstance(node, tuple):
            yield cast(_Token, node)
            continue
        words = frozenset(node.type.split("_"))
        if "comment" in words:
            if _DIRECTIVE.search(node.text.decode("utf-8", "replace")):
                yield node.type, node.text, False
        elif not node.child_count or words & _VERBATIM:
            yield node.type, _text(node), blanks and node.start_byte > end
            end = node.end_byte
        else:
            yield node.type, b"", False
            stack += [_CLOSE, *_children_and_gaps(node)[::-1]]


def _text(node: Any) -> bytes:
    """Return the text of a leaf; of a line break, which may be several, nothing."""
    text = cast(bytes, node.text)
    return b"" if text.isspace() and not node.is_named else text


def _children_and_gaps(node: Any) -> list[Any]:
    """Return the children of a node, and as tokens the texts between them that no child contains."""
    found, at = list[Any](), node.start_byte
    for child in node.children:
        found += [_gap(node, at, child.start_byte), child]
        at = child.end_byte
    return [each for each in (*found, _gap(node, at, node.end_byte)) if each is not None]


def _gap(node: Any, start: int, end: int) -> _Token | None:
    text = cast(bytes, node.text)[start - node.start_byte : end - node.start_byte].strip() if end > start else b""
    return ("gap", text, False) if text else None
