"""Parse programs with the tree-sitter grammars of their languages; nothing is executed."""

import re
from collections import deque
from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple, cast

from glotsmith.languages.card import Card
from glotsmith.languages.lexer import comment_syntax_of, split_code
from glotsmith.records import content_hash

_LITERAL = ("string", "comment", "heredoc", "template", "quoted", "pod")  #: words in the node types of literals
_UNTYPED = frozenset({"type", "type_annotation", "return_type"})  #: types of nodes that declare a type
_STATEMENT_LISTS = frozenset({"expression_statement", "block", "module"})  #: types of the parents of docstrings
_PUNCTUATION = frozenset("()[]{},;:.") | {"->", "=>"}
_NAME = re.compile(r"[$@%&]?[^\W\d][\w'?!-]*")
_SHAPE_TOKEN = re.compile(r"[^\s()]+")
_MIN_TOKENS = 25  #: least tokens of a definition that is compared; many programs have the tree of a smaller one
_POD = re.compile(r"^=(?!cut)[a-z]+\d?\b(?:(?!^=cut).)*\Z", re.MULTILINE | re.DOTALL)  #: unclosed documentation in Perl


class SyntaxNode(NamedTuple):
    """A node of a syntax tree. Offsets are in bytes of the program in UTF-8."""

    kind: str  #: the grammar's type
    start: int
    end: int
    named: bool  #: false for a fixed token of the grammar, such as a keyword or a bracket
    children: "tuple[SyntaxNode, ...]" = ()
    error: bool = False  #: the parser skipped or invented text in it


def syntax_tree(language: str, code: str) -> SyntaxNode | None:
    """Return the syntax tree of a program; None if the language has no grammar, or if the tree is too deep."""
    text, _ = _with_opening_tag(language, code)
    root = _root(language, text)
    try:
        return None if root is None else _syntax_node(root, _bytes(text) - _bytes(code))
    except RecursionError:
        return None


def _syntax_node(node: Any, added: int) -> SyntaxNode:
    children = tuple(_syntax_node(child, added) for child in node.children)
    start, end = (max(0, offset - added) for offset in (node.start_byte, node.end_byte))
    return SyntaxNode(node.type, start, end, node.is_named, children, node.has_error)


def parses(language: str, code: str) -> bool | None:
    """Return whether a program parses without an error; None if the language has no grammar.

    Text that is not a program may parse, too, in languages with lenient grammars, such as prose in Racket or PHP.
    """
    root = _root(language, _with_opening_tag(language, code)[0])
    return None if root is None else not root.has_error and root.child_count > 0


def top_level_nodes(language: str, code: str) -> list[str]:
    """Return the texts of a program's outermost definitions, statements and comments, in order."""
    added = len(_with_opening_tag(language, code)[0].encode("utf-8", "replace")) - _bytes(code)
    root = _root(language, _with_opening_tag(language, code)[0])
    while root is not None and root.child_count == 1 and root.children[0].child_count > 1:
        root = root.children[0]  # Haskell's grammar wraps all declarations in one node
    nodes = cast(list[Any], root.children) if root is not None else []
    texts = (cast(bytes, n.text).decode("utf-8", "replace").strip("\n") for n in nodes if n.start_byte >= added)
    return [text for text in texts if text.strip()]


def tree_digests(language: str, code: str) -> list[str]:
    """Return a hash of the syntax tree of each outermost definition that is not small.

    The hash ignores names, comments, types, punctuation and white space: it is equal for a definition that was renamed,
    reformatted, or whose parameters have another order.
    """
    root = _root(language, _with_opening_tag(language, code)[0])
    nodes = cast(list[Any], root.children) if root is not None and not root.has_error else []
    if len(nodes) == 1:  # Haskell's grammar wraps all declarations in one node
        nodes = [*nodes, *cast(list[Any], nodes[0].children)]
    shapes = map(_shape_or_none, nodes)
    return [content_hash(shape) for shape in shapes if len(_SHAPE_TOKEN.findall(shape)) >= _MIN_TOKENS]


def _shape_or_none(node: Any) -> str:
    """Return the shape of a node; "" if its tree is too deep."""
    try:
        return _shape(node)
    except RecursionError:
        return ""


def _shape(node: Any) -> str:
    """Return the text of a node's tree, with ``_`` for each name; "" for what does not run."""
    if "comment" in node.type or node.type in _UNTYPED or _is_docstring(node):
        return ""
    if not node.child_count:
        text = cast(bytes, node.text).decode("utf-8", "replace")
        return "" if text in _PUNCTUATION else "_" if node.is_named and _NAME.fullmatch(text) else text
    parts = [shape for child in node.children if (shape := _shape(child))]
    return parts[0] if len(parts) == 1 else f"({' '.join(parts)})" if parts else ""


def _is_docstring(node: Any) -> bool:
    """Return whether a node is a statement that is only a string, as the docstring of a Python function."""
    if node.type == "expression_statement" and node.child_count == 1:
        node = node.children[0]
    return node.type == "string" and node.parent is not None and node.parent.type in _STATEMENT_LISTS


def without_documentation(language: str, code: str) -> str:
    """Return a program without its comments and docstrings; unchanged if the language has no grammar."""
    text, added = _with_opening_tag(language, code)
    source, root = text.encode("utf-8", "replace"), _root(language, text)
    nodes, removed = ([] if root is None else [root]), list[tuple[int, int]]()
    while nodes:
        node = nodes.pop()
        if "comment" in node.type or _is_docstring(node):
            removed.append((node.start_byte, node.end_byte))
        else:
            nodes.extend(node.children)
    for start, end in sorted(removed, reverse=True):
        source = source[:start] + source[end:]
    return source[added:].decode("utf-8", "replace")


def is_whole_program(card: Card, code: str, within: Sequence[int] = ()) -> bool:
    """Return whether code parses, ends outside every comment, and has a string or comment at each offset ``within``.

    Args:
        card: the language.
        code: the text to parse.
        within: offsets in ``code``, in characters.

    """
    code, added = _with_opening_tag(card.name, code)
    root = _root(card.name, code)
    if root is None or root.has_error or not root.child_count or _ends_in_comment(card, code):
        return False
    return all(_literal_at(root, _bytes(code[: at + added])) is not None for at in within)


def _ends_in_comment(card: Card, code: str) -> bool:
    """Return whether a block comment is unclosed at the end, which some grammars accept."""
    last_pieces = deque(split_code(code.rstrip(), comment_syntax_of(card)), maxlen=1)
    kind, last = last_pieces[0] if last_pieces else ("code", "")
    block = card.syntax.block_comment
    is_open = kind == "comment" and bool(block) and last.startswith(block[0]) and not last.endswith(block[1])
    return is_open or (card.name == "perl" and _POD.search(code) is not None)


def _literal_at(root: Any, offset: int) -> Any:
    """Return the string or comment node that begins before a byte and contains it, or None."""
    node = root.descendant_for_byte_range(offset, offset)
    while node is not None and (node.start_byte == offset or not any(word in node.type for word in _LITERAL)):
        node = node.parent
    return node


def _with_opening_tag(language: str, code: str) -> tuple[str, int]:
    """Return code with the opening tag that its grammar requires, and the number of characters added."""
    mark = (
        "<?php " if language == "php" and "<?" not in code else ""
    )  # without the tag, PHP's grammar parses everything as text
    return mark + code, len(mark)


def _bytes(text: str) -> int:
    return len(text.encode("utf-8", "replace"))


def _root(language: str, code: str) -> Any:
    """Return the root of the syntax tree, or None if the language has no grammar."""
    parser = _parser(language)
    return None if parser is None else parser.parse(f"{code}\n".encode("utf-8", "replace")).root_node


@cache
def _parser(language: str) -> Any:
    import tree_sitter_language_pack

    try:
        return cast(Any, tree_sitter_language_pack).get_parser(language)
    except LookupError:
        return None
