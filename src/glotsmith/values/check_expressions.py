"""Check whether an expression over a result is supported in tests.

A test may contain literals, comparisons, arithmetic, subscripts, comprehensions, and calls of the functions and methods
in ``check_functions``. No part of a test is executed as Python: ``require_supported`` refuses every other form, and
``evaluate_expression`` counts its steps.
"""

import ast
from typing import cast

from glotsmith.values.check_functions import CONSTANTS, FUNCTIONS, METHODS, MODULES, OPERATORS, SORT_KEYS, TYPES
from glotsmith.values.types import NotLiteral

RESULT = "returned"  #: the name of the result in an expression


def dotted_name(node: ast.expr) -> str:
    """Return the dotted name that a node represents; "" if it is not a name."""
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=ast.Name(id=module), attr=name) if module in MODULES:
            return f"{module}.{name}"
        case _:
            return ""


def require_supported(node: ast.expr, names: frozenset[str] = frozenset({RESULT})) -> None:
    """Check that an expression over ``names`` can be evaluated.

    Raises:
        NotLiteral: The expression contains an unsupported form, which the message quotes.

    """
    match node:
        case ast.Constant(value=int() | float() | str() | None):
            return
        case ast.Name(id=name) if name in names:
            return
        case ast.Attribute() if dotted_name(node) in CONSTANTS:
            return
        case ast.UnaryOp(op=ast.Not() | ast.USub() | ast.UAdd()) | ast.BoolOp() | ast.IfExp():
            parts = list(ast.iter_child_nodes(node))
        case ast.Compare(left=left, comparators=others):
            parts = [] if parse_type_comparison(node) else [left, *others]
        case ast.BinOp(op=op) if type(op) in OPERATORS:
            parts = [node.left, node.right]
        case ast.List(elts=parts) | ast.Tuple(elts=parts) | ast.Set(elts=parts):
            pass
        case ast.Dict(keys=keys, values=values) if None not in keys:
            parts = [*cast(list[ast.expr], keys), *values]
        case ast.Subscript(value=value, slice=ast.Slice(lower=lower, upper=upper, step=step)):
            parts = [value, *(p for p in (lower, upper, step) if p)]
        case ast.Subscript(value=value, slice=index):
            parts = [value, index]
        case ast.GeneratorExp() | ast.ListComp() | ast.SetComp():
            _check_comprehension(node, names)
            return
        case ast.Call():
            parts = _parts_of_call(node)
        case _:
            raise _unsupported_error(node)
    for part in parts:
        if isinstance(part, ast.expr):
            require_supported(part, names)


def _unsupported_error(node: ast.AST) -> NotLiteral:
    return NotLiteral(f"{ast.unparse(node)[:80]} cannot be evaluated outside Python")


def _check_comprehension(node: ast.GeneratorExp | ast.ListComp | ast.SetComp, names: frozenset[str]) -> None:
    for generator in node.generators:
        require_supported(generator.iter, names)
        bound = {n.id for n in ast.walk(generator.target) if isinstance(n, ast.Name)}
        if RESULT in bound or not isinstance(generator.target, ast.Name | ast.Tuple):
            raise _unsupported_error(node)
        names |= bound
        for condition in generator.ifs:
            require_supported(condition, names)
    require_supported(node.elt, names)


def _parts_of_call(node: ast.Call) -> list[ast.expr]:
    """Return the parts of a call to check when its function is supported."""
    keywords = {k.arg for k in node.keywords}
    given = [*node.args, *(k.value for k in node.keywords)]
    name = dotted_name(node.func)
    if None in keywords or any(isinstance(a, ast.Starred) for a in node.args):
        raise _unsupported_error(node)
    if name == "isinstance" and len(node.args) == 2 and named_types(node.args[1]) and not keywords:
        return node.args[:1]
    if name in ("sorted", "min", "max"):
        given = [
            *node.args,
            *(k.value for k in node.keywords if k.arg != "key" or dotted_name(k.value) not in SORT_KEYS),
        ]
    if name in FUNCTIONS - {"isinstance", "type"}:
        return given
    if isinstance(node.func, ast.Attribute) and node.func.attr in METHODS and not keywords:
        return [node.func.value, *given]
    raise _unsupported_error(node)


def named_types(node: ast.expr) -> tuple[type, ...]:
    """Return the types that the second argument of ``isinstance`` names; empty if one of them is unknown."""
    match node:
        case ast.Name(id=name) if name in TYPES:
            return (TYPES[name],)
        case ast.Constant(value=None) | ast.Call(func=ast.Name(id="type"), args=[ast.Constant(value=None)]):
            return (type(None),)
        case ast.Tuple(elts=[_, *_] as parts):
            found = [named_types(part) for part in parts]
            return tuple(t for kinds in found for t in kinds) if all(found) else ()
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            first, second = named_types(left), named_types(right)
            return (*first, *second) if first and second else ()
        case _:
            return ()


def parse_type_comparison(node: ast.Compare) -> tuple[ast.expr, tuple[type, ...], bool] | None:
    """Return value, types and sign (True for ``==`` and ``is``) of comparisons such as ``type(value) == int``."""
    match node:
        case ast.Compare(
            left=ast.Call(func=ast.Name(id="type"), args=[value], keywords=[]),
            ops=[ast.Eq() | ast.Is() | ast.NotEq() | ast.IsNot() as op],
            comparators=[kind],
        ) if types := named_types(kind):
            require_supported(
                value, frozenset({n.id for n in ast.walk(value) if isinstance(n, ast.Name)} - FUNCTIONS - MODULES)
            )
            return value, types, isinstance(op, ast.Eq | ast.Is)
        case _:
            return None


def is_constant(node: ast.expr) -> bool:
    """Return whether an expression does not depend on the result."""
    return all(n.id in FUNCTIONS | MODULES | TYPES.keys() for n in ast.walk(node) if isinstance(n, ast.Name))
