"""Cut the text of a base model after the function that it continues.

A base model does not stop after the function: it writes calls, asserts, other programs or prose, up to a stop sequence
or the length limit. What follows a right function would make the program fail.
"""

from collections.abc import Iterable, Sequence

from glotsmith.languages.card import Card
from glotsmith.languages.definitions import defined_names, mentions
from glotsmith.languages.grammar import SyntaxNode, parses, syntax_tree

_MAX_CUTS = 64  #: number of lines at which the end of a text is cut off in turn, until the rest parses
_MAX_PARSED_CHARS = 20_000
_LISTS = frozenset({"declarations"})  #: types of a node that wraps all definitions (Haskell)


def cut_after_function(card: Card, code: str, start: int) -> str:
    """Return a program up to the end of the function that it begins, with the later definitions that it uses.

    Args:
        card: The card of the language.
        code: A prefix and its continuation.
        start: The length of the prefix, in which the function begins.

    """
    whole = _longest_whole(card, code, start)
    tree = syntax_tree(card.name, whole) if whole else None
    if not whole or tree is None:
        return code
    nodes = _outermost(tree)
    last = len(whole[:start].rstrip().encode("utf-8", "replace")) - 1
    at = next((number for number, node in enumerate(nodes) if node.start <= last < node.end), len(nodes))
    return _with_used(card, whole, nodes[at : at + 1], nodes[at + 1 :])


def _longest_whole(card: Card, code: str, start: int) -> str | None:
    """Return the longest beginning of a program that parses and ends before a line without indentation, or None."""
    if len(code) > _MAX_PARSED_CHARS:
        return None
    lines = code.split("\n")
    offsets, at = [len(code)], len(code)
    for line in reversed(lines[1:]):
        at -= len(line) + 1
        if at >= start and line[:1].strip():
            offsets.append(at)
    wholes = (code[:end] for end in offsets[:_MAX_CUTS] if code[start:end].strip())
    return next((whole.rstrip() for whole in wholes if parses(card.name, whole)), None)


def _outermost(tree: SyntaxNode) -> list[SyntaxNode]:
    nodes = [node for node in tree.children if node.named]
    return [node for node in nodes[0].children if node.named] if [n.kind in _LISTS for n in nodes] == [True] else nodes


def _with_used(card: Card, whole: str, function: list[SyntaxNode], following: list[SyntaxNode]) -> str:
    """Return the program up to the end of a function, and of the nodes that follow those that define what it uses."""
    if not function or all("comment" in node.kind for node in following):
        return whole
    source = whole.encode("utf-8", "replace")
    spans = [(0, function[0].end), *((node.start, node.end) for node in following)]
    texts = [source[start:end].decode("utf-8", "replace").rstrip() for start, end in spans]
    used = {0}
    while found := {at for at, text in enumerate(texts) if at not in used and _defines_any(card, text, texts, used)}:
        used |= found
    return whole if len(used) == len(texts) else "\n".join(texts[at] for at in sorted(used))


def _defines_any(card: Card, definition: str, texts: Sequence[str], used: Iterable[int]) -> bool:
    """Return whether a text defines a name that one of the used texts mentions."""
    names = defined_names(card, definition) - card.syntax.reserved_words  # ``let () = …`` defines nothing
    return any(mentions(texts[at], name) for name in names for at in used)
