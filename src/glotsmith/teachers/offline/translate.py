"""Translate a whole program: in rounds until no new kind is learned, then with the functions of the library."""

import ast

from glotsmith.teachers.offline import (
    assignment,
    calls,
    containers,
    expressions,
    flow,
    kinds,
    operators,
    reductions,
    string_methods,
)
from glotsmith.teachers.offline.context import Context, FunctionScope
from glotsmith.teachers.offline.functions import defaults_of, parameters_of
from glotsmith.teachers.offline.lua import CannotTranslate, refuse
from glotsmith.teachers.offline.runtime import library_text
from glotsmith.teachers.offline.scopes import bound_names, own_nodes, plan_declarations
from glotsmith.values import NotLiteral, Signature, parse_signature

VERSION = "2"  #: incremented whenever a translation may change
_ROUNDS = 12
_HANDLERS = (
    assignment,
    calls,
    containers,
    expressions,
    flow,
    operators,
    reductions,
    string_methods,
)  # the imports register the handlers of these modules


def translate(source: str, name: str, signature: str = "") -> str:
    """Translate a Python program into a Lua chunk that defines the function ``name``.

    ``signature`` (``def f(xs: list[int]) -> int``) has the types of the arguments. Without it, the translation checks
    many types at run time.

    Raises:
        CannotTranslate: the program has no faithful translation.

    """
    try:
        tree = ast.parse(source)
        return _translate(tree, name, _parsed(signature))
    except (SyntaxError, ValueError) as error:
        raise CannotTranslate(f"the offline teacher cannot read the source: {error}") from error
    except IndexError as error:  # ``xs.remove()``: Python raises an error, too
        raise CannotTranslate("the offline teacher cannot translate a call with too few arguments") from error
    except (RecursionError, MemoryError) as error:
        raise CannotTranslate("the offline teacher cannot translate a source with this depth of nesting") from error


def _parsed(signature: str) -> Signature | None:
    if not signature:
        return None
    try:
        return parse_signature(signature)
    except NotLiteral:
        return None


def _translate(tree: ast.Module, name: str, signature: Signature | None) -> str:
    entry = next((n for n in reversed(tree.body) if isinstance(n, ast.FunctionDef) and n.name == name), None)
    if entry is None:
        raise refuse(f"a source without a top-level function {name}")
    if any(isinstance(n, ast.Yield | ast.YieldFrom) for n in own_nodes(entry)):
        raise refuse("a generator: its result is not a value", entry)
    c = Context(_identifiers(tree), name)
    for _ in range(_ROUNDS):
        c.begin_round()
        c.entry_node = entry
        _seed(c, entry, signature)
        _program(c, tree, entry)
        if not c.changed:
            break
    code = "\n".join(c.lines).strip("\n")
    runtime = library_text(code, c.helpers, ordered=c.ordered)
    return f"{runtime}\n\n{code}\n" if runtime else f"{code}\n"


def _identifiers(tree: ast.Module) -> frozenset[str]:
    stored = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    given = {n.arg for n in ast.walk(tree) if isinstance(n, ast.arg)}
    defined = {n.name for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)}
    return frozenset(stored | given | defined)


def _seed(c: Context, entry: ast.FunctionDef, signature: Signature | None) -> None:
    """Set the kinds of the parameters from the signature; ``ANY`` without one."""
    params = parameters_of(entry)
    for i, parameter in enumerate(params):
        known = signature.parameters if signature is not None else ()
        kind = kinds.kind_of_type(known[i].type) if i < len(known) else kinds.ANY
        if i >= len(known) and parameter.arg in defaults_of(entry) and signature is not None:
            continue
        if _has_none_inside(kind):
            raise refuse("an argument that holds None inside a list or dict", entry)
        c.learn((entry, i), kind)


def _has_none_inside(kind: kinds.ValueKind) -> bool:
    if kind.name == "opt":
        kind = kind.args[0]
    return any(kinds.holds(part, "none", "opt") for part in kind.args)


def _program(c: Context, tree: ast.Module, entry: ast.FunctionDef) -> None:
    functions = {n.name: n for n in tree.body if isinstance(n, ast.FunctionDef)}
    names = bound_names(tree)
    plan = plan_declarations(tree, names)
    c.scope = FunctionScope(tree, None, frozenset(names), plan, functions=functions)
    for i, node in enumerate(tree.body):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            continue
        if i and c.lines and isinstance(node, ast.FunctionDef):
            c.emit("")
        c.statements([node])
        if node is entry:
            return
