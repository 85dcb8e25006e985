"""Translate a whole program: in rounds until no new kind is learned, then with the functions of the library."""

import ast

from glotsmith.records import content_hash
from glotsmith.teachers.offline import kinds
from glotsmith.teachers.offline.lua import (
    assignment,
    calls,
    containers,
    expressions,
    flow,
    operators,
    reductions,
    string_methods,
)
from glotsmith.teachers.offline.lua.context import Context, FunctionScope
from glotsmith.teachers.offline.lua.runtime import library_text
from glotsmith.teachers.offline.programs import defaults_of, find_entry, identifiers, parameters_of, read_and_translate
from glotsmith.teachers.offline.refusals import refuse
from glotsmith.teachers.offline.scopes import bound_names, plan_declarations
from glotsmith.values import Signature

_VERSION = "2"  #: incremented whenever a translation may change
FINGERPRINT = content_hash("offline", _VERSION)
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
    return read_and_translate(source, signature, lambda tree, known: _translate(tree, name, known))


def _translate(tree: ast.Module, name: str, signature: Signature | None) -> str:
    entry = find_entry(tree, name)
    c = Context(identifiers(tree), name)
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
