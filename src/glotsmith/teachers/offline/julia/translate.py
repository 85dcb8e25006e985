"""Translate a whole program: in rounds until no new kind is learned, then with the functions of the library."""

import ast

from glotsmith.records import content_hash
from glotsmith.teachers.offline import kinds as k
from glotsmith.teachers.offline.julia import (
    assignment,
    builtins,
    calls,
    containers,
    errors,
    expressions,
    flow,
    libraries,
    methods,
    operators,
    string_methods,
    subscripts,
)
from glotsmith.teachers.offline.julia import kinds as jk
from glotsmith.teachers.offline.julia.context import JuliaContext, Scope
from glotsmith.teachers.offline.julia.names import check_entry, finish
from glotsmith.teachers.offline.julia.runtime import add_library
from glotsmith.teachers.offline.programs import defaults_of, find_entry, parameters_of, read_and_translate
from glotsmith.teachers.offline.refusals import refuse
from glotsmith.teachers.offline.scopes import bound_names
from glotsmith.values import Signature

_VERSION = "1"  #: incremented whenever a translation may change
FINGERPRINT = content_hash("offline", "julia", _VERSION)
_ROUNDS = 12
_HANDLERS = (
    assignment,
    builtins,
    calls,
    containers,
    errors,
    expressions,
    flow,
    libraries,
    methods,
    operators,
    string_methods,
    subscripts,
)  # the imports register the handlers of these modules


def translate(source: str, name: str, signature: str = "") -> str:
    """Translate a Python program into a Julia program that defines the function ``name``.

    ``signature`` (``def f(xs: list[int]) -> int``) has the types of the arguments. Without it, the translation checks
    many types at run time.

    Raises:
        CannotTranslate: the program has no faithful translation.

    """
    return read_and_translate(source, signature, lambda tree, known: _translate(tree, name, known))


def _translate(tree: ast.Module, name: str, signature: Signature | None) -> str:
    entry = find_entry(tree, name)
    check_entry(name)
    if signature is not None and len(signature.parameters) > len(parameters_of(entry)):
        signature = None
    c = JuliaContext(tree, entry, signature)
    for _ in range(_ROUNDS):
        c.begin_round()
        _seed(c, entry, signature)
        _program(c, tree, entry)
        if not c.changed:
            break
    code = "\n".join(c.lines).strip("\n")
    code, library = add_library(code, name, ordered=c.ordered)
    text = finish(code, library, name, set(bound_names(tree)))
    return f"using Printf\n\n{text}\n" if "@sprintf" in code else f"{text}\n"


def _seed(c: JuliaContext, entry: ast.FunctionDef, signature: Signature | None) -> None:
    """Set the kinds of the parameters from the signature; ``ANY`` without one."""
    for i, parameter in enumerate(parameters_of(entry)):
        known = signature.parameters if signature is not None else ()
        kind = jk.kind_of_type(known[i].type) if i < len(known) else k.ANY
        if i >= len(known) and parameter.arg in defaults_of(entry) and signature is not None:
            continue
        c.learn((entry, i), kind)


def _program(c: JuliaContext, tree: ast.Module, entry: ast.FunctionDef) -> None:
    functions = {n.name: n for n in tree.body if isinstance(n, ast.FunctionDef)}
    c.scope = Scope(tree, None, frozenset(bound_names(tree)), functions=functions)
    for node in tree.body:
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            continue
        if c.lines and isinstance(node, ast.FunctionDef):
            c.emit("")
        first = len(c.lines)
        c.statements([node])
        if isinstance(node, ast.Assign | ast.AnnAssign):
            _make_constant(c, node, first)
        elif not isinstance(node, ast.FunctionDef | ast.Import | ast.ImportFrom | ast.Pass):
            raise refuse(f"{type(node).__name__} at the top level", node)
        if node is entry:
            return


def _make_constant(c: JuliaContext, node: ast.Assign | ast.AnnAssign, first: int) -> None:
    if len(c.lines) == first + 1 and c.lines[first].startswith("\x02"):
        c.lines[first] = f"const {c.lines[first]}"
    elif len(c.lines) > first:
        raise refuse("this assignment at the top level", node)
