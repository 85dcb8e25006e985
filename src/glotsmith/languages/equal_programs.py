"""Find programs that are equal except for comments and white space.

The lexer removes comments and white space from a program; the result is its key. Two programs with the same key are
compared by their syntax trees, because the lexer does not know heredocs, raw strings and the rules of line breaks and
indentation. A program that the grammar cannot parse equals only programs with the same text. Comments that a toolchain
reads are compared, too (``//go:build``, ``# frozen_string_literal``).
"""

import ast
import re
from collections.abc import Iterator

from glotsmith.languages.card import get_card
from glotsmith.languages.grammar import SyntaxNode, syntax_tree
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
_MACRO = re.compile(r"^[ \t]*#[ \t]*define\b.*\(.*#", re.MULTILINE)  #: a macro that may convert arguments to strings
_Token = tuple[str, bytes, bool, bool]  #: type, text, and whether a blank and a line break before it count
_CLOSE: _Token = ("", b"", False, False)  #: the end of a node
_AFTER = (b"{", b";")  #: tokens after which a line break never counts


class EqualPrograms:
    """The distinct programs of one language so far."""

    def __init__(self, language: str) -> None:
        self._language = language
        self._known: dict[str, list[str]] = {}  #: key → texts

    def __len__(self) -> int:
        """Return the number of keys."""
        return len(self._known)

    def representative(self, text: str) -> str:
        """Return the first program that equals a text except for comments and white space; the text if it is new."""
        known = self._known.setdefault(_key(self._language, text), [])
        if text in known:
            return text
        for other in known:
            if are_equal_programs(self._language, other, text):
                return other
        known.append(text)
        return text


def are_equal_programs(language: str, one: str, other: str) -> bool:
    """Return whether two programs differ only in comments and white space, or not at all."""
    if one == other:
        return True
    if any(_FOREIGN_CODE.search(text) or _MACRO.search(text) for text in (one, other)):
        return False
    if language == "python" and not (_is_python(one) and _is_python(other)):  # the grammar accepts any indentation
        return False
    try:
        streams = [_tokens(language, text) for text in (one, other)]
        return all(a == b for a, b in zip(*streams, strict=True))
    except (_NoTree, RecursionError, ValueError):  # ValueError: one stream is longer
        return False


def _is_python(text: str) -> bool:
    try:
        ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


class _NoTree(Exception):
    """The grammar cannot parse a program without an error."""


def _key(language: str, text: str) -> str:
    """Return the text without comments and white space."""
    pieces = split_code(text, comment_syntax_of(get_card(language)))
    return "".join("".join(piece.split()) for kind, piece in pieces if kind != "comment")


def _tokens(language: str, program: str) -> Iterator[_Token]:
    """Yield the type of each node of a tree in order, without comments. Leaves and literals also have their text."""
    root, data = syntax_tree(language, program), f"{program}\n".encode("utf-8", "replace")
    syntax = get_card(language).syntax
    if root is None or root.error or not root.children:
        raise _NoTree
    stack: list[SyntaxNode | _Token] = [root]
    end = len(data)  #: end of the last leaf; blanks before the first leaf do not count
    last = b""  #: text of the last leaf
    while stack:
        node = stack.pop()
        if not isinstance(node, SyntaxNode):
            yield node
            continue
        words, text = frozenset(node.kind.split("_")), data[node.start : node.end]
        if "comment" in words:
            if _DIRECTIVE.search(text.decode("utf-8", "replace")):
                yield node.kind, text, False, False
        elif not node.children or words & _VERBATIM:
            is_break = text.isspace() and not node.named  # one or several line breaks
            breaks = syntax.line_breaks and b"\n" in data[end : node.start] and last not in _AFTER
            yield node.kind, b"" if is_break else text, syntax.blanks and node.start > end, breaks
            end, last = node.end, text
        else:
            yield node.kind, b"", False, False
            stack += [_CLOSE, *_children_and_gaps(node, data)[::-1]]


def _children_and_gaps(node: SyntaxNode, data: bytes) -> list[SyntaxNode | _Token]:
    """Return the children of a node, and a token for each text between them that no child contains."""
    found, at = list[SyntaxNode | _Token](), node.start
    for child in node.children:
        found += [*_gap(data, at, child.start), child]
        at = child.end
    return [*found, *_gap(data, at, node.end)]


def _gap(data: bytes, start: int, end: int) -> list[_Token]:
    text = data[start:end].strip()
    return [("gap", text, False, False)] if text else []
