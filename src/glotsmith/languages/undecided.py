"""Which checks of a result a language can't decide: its right results don't show what the check looks at."""

import ast
from collections.abc import Iterator

from glotsmith.languages.card import Card
from glotsmith.values import Check, Type
from glotsmith.values.check_expressions import RESULT

_AS_TEXT = frozenset({"str", "repr"})
_WITHOUT_KEYS = frozenset({"len", "bool", "isinstance", "type", "dict", "values", "copy"})


def undecidable_reason(card: Card, check: Check, returns: Type) -> str:
    """Return why a right program of the language can fail a check; "" where it can't.

    An int key comes back as a text in some languages, and a whole float or a tuple as an int or a list. Equality
    makes up for that; the text of a result, and the keys of a dict, show it.
    """
    uses = list(_uses(ast.parse(check.text, mode="eval").body))
    e, kinds = card.equality, _kinds(returns)
    shown = any(use in _AS_TEXT for use in uses)
    if e.keys_are_text and "dict[int]" in kinds:
        if shown:
            return f"{check.text} writes out the keys of a dict, which are texts in {card.display}"
        if _is_map(returns) and any(use not in _WITHOUT_KEYS for use in uses):
            return f"{check.text} looks at the keys of a dict, which are texts in {card.display}"
    if shown and "float" in kinds and e.one_number:
        return f"{check.text} writes out a float, which {card.display} does not tell from an int"
    if shown and "tuple" in kinds and e.list_is_tuple:
        return f"{check.text} writes out a tuple, which {card.display} does not tell from a list"
    return ""


def _is_map(returns: Type) -> bool:
    return returns.kind == "dict" or (returns.kind == "optional" and returns.args[0].kind == "dict")


def _kinds(kind: Type) -> set[str]:
    """Return the kinds that a type is made of; a dict with int keys is ``dict[int]``."""
    own = "tuple" if kind.kind in ("tuple", "vartuple") else kind.kind
    if kind.kind == "dict" and kind.args and kind.args[0].kind == "int":
        own = "dict[int]"
    return {own}.union(*map(_kinds, kind.args))


def _uses(node: ast.AST, use: str = "bool") -> Iterator[str]:
    """Yield what is done with each occurrence of the result: a function's name, "=" for equality, "" for the rest."""
    match node:
        case ast.Name(id=name) if name == RESULT:
            yield use
        case ast.Call(func=ast.Name(id=name)):
            inner = [*node.args, *(keyword.value for keyword in node.keywords)]
            for part in inner:
                yield from _uses(part, name)
        case ast.Attribute(value=value, attr=name):
            yield from _uses(value, name)
        case ast.Compare(ops=ops) if all(isinstance(op, ast.Eq | ast.NotEq) for op in ops):
            for part in (node.left, *node.comparators):
                yield from _uses(part, "copy")  # equality makes up for what a language does not tell apart
        case ast.BoolOp() | ast.UnaryOp(op=ast.Not()):
            for part in ast.iter_child_nodes(node):
                yield from _uses(part, "bool")
        case ast.IfExp(test=test, body=body, orelse=other):
            yield from _uses(test, "bool")
            yield from _uses(body, use)
            yield from _uses(other, use)
        case _:
            for part in ast.iter_child_nodes(node):
                yield from _uses(part, "str" if isinstance(node, ast.JoinedStr | ast.FormattedValue) else "")
