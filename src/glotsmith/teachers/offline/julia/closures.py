"""Refuse functions whose variables or defaults change after their definition."""

import ast
from collections.abc import Iterator

from glotsmith.teachers.offline.julia.context import JuliaContext
from glotsmith.teachers.offline.julia.order import CHANGES
from glotsmith.teachers.offline.refusals import refuse
from glotsmith.teachers.offline.scopes import own_nodes, targets

_MUTABLE = (ast.List, ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp, ast.Call)


def check_capture(c: JuliaContext, node: ast.Lambda | ast.FunctionDef) -> None:
    """Refuse a function that reads a variable of a loop around it, and may be called in another iteration.

    All iterations share the variable in Python, and each has its own in Julia.
    """
    changed = _changed(c)
    if not changed:
        return
    if isinstance(node, ast.FunctionDef) and not _leaves_loop(c, node.name):
        return
    own = {p.arg for p in ast.walk(node) if isinstance(p, ast.arg)}
    read = {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)} - own
    if read & changed:
        raise refuse("a function value that reads a variable of a loop around it", node)


def _changed(c: JuliaContext) -> set[str]:
    """Return the variables that the loops and comprehensions around the current code change."""
    changed: set[str] = set()
    scope = c.scope
    while scope is not None:
        for loop in scope.loops:
            changed |= {n.id for n in ast.walk(loop.node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
        generators: list[ast.comprehension] = getattr(scope.node, "generators", [])
        changed |= {name for g in generators for name in targets(g.target)}
        if not scope.immediate:
            break
        scope = scope.parent
    return changed


def _leaves_loop(c: JuliaContext, name: str) -> bool:
    """Whether the current function uses the function ``name`` other than in calls in the innermost loop."""
    loop = c.here.loops[-1].node
    called = {id(n.func) for n in ast.walk(loop) if isinstance(n, ast.Call)}
    names = (n for n in ast.walk(c.here.node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load))
    return any(n.id == name and id(n) not in called for n in names)


def check_defaults(c: JuliaContext, node: ast.FunctionDef, defaults: dict[str, ast.expr]) -> None:
    """Refuse a default that its function changes, and one whose value changes after the definition."""
    for name, default in defaults.items():
        if isinstance(default, _MUTABLE) and not isinstance(default, ast.Call | ast.Dict) and _escapes(node, name):
            raise refuse(f"the mutable default of {name}, which the function changes", node)
        if isinstance(default, ast.Call | ast.Dict) and _escapes(node, name) and not _is_cache(node, name):
            raise refuse(f"the mutable default of {name}, which the function changes", node)
        if isinstance(c.here.node, ast.Module):
            continue
        read = {n.id for n in ast.walk(default) if isinstance(n, ast.Name)}
        if read & (c.here.reassigned | _changed(c)) or any(isinstance(n, ast.Call) for n in ast.walk(default)):
            raise refuse(f"the default of {name}, which is not a constant", node)


def _escapes(node: ast.FunctionDef, name: str) -> bool:
    """Whether a function changes a parameter, or hands it on."""
    return any(_is_change(n, name) for n in ast.walk(node))


def _is_change(node: ast.AST, name: str) -> bool:
    match node:
        case ast.Call(func=ast.Attribute(value=ast.Name(id=found), attr=attr)) if found == name and attr in CHANGES:
            return True
        case ast.Subscript(value=ast.Name(id=found), ctx=ast.Store() | ast.Del()):
            return found == name
        case ast.AugAssign(target=ast.Name(id=found)):
            return found == name
        case ast.Return(value=ast.Name(id=found)) | ast.Assign(value=ast.Name(id=found)):
            return found == name
        case ast.Call(func=ast.Attribute(attr="append" | "add" | "insert"), args=args):
            return any(name in _names(a) for a in args if isinstance(a, ast.Name | ast.Tuple | ast.List))
        case ast.Call(func=ast.Name()):
            return _passes(node, name)
        case _:
            return False


def _passes(node: ast.Call, name: str) -> bool:
    reads = {"len", "sum", "max", "min", "sorted", "list", "set", "tuple", "any", "all", "enumerate", "zip", "dict"}
    given = any(isinstance(a, ast.Name) and a.id == name for a in (*node.args, *(w.value for w in node.keywords)))
    return given and not (isinstance(node.func, ast.Name) and node.func.id in reads | {"reversed", "str", "isinstance"})


def _names(node: ast.AST) -> Iterator[str]:
    return (n.id for n in ast.walk(node) if isinstance(n, ast.Name))


def _is_cache(node: ast.FunctionDef, name: str) -> bool:
    """Whether a dict only stores the results of a function: what it returns for a known key is the entry of the key."""
    entries = [n for n in ast.walk(node) if isinstance(n, ast.Subscript) and name in _names(n.value)]
    stored = [n for n in entries if isinstance(n.ctx, ast.Store)]
    if len(stored) != 1 or any(isinstance(n.ctx, ast.Del) for n in entries):
        return False
    place = ast.unparse(stored[0])
    if any(ast.unparse(n) != place for n in entries):
        return False
    returned = [n for n in own_nodes(node) if isinstance(n, ast.Return) and n.value is not None]
    entry = any(ast.unparse(n.value) == place for n in returned if n.value is not None)
    known = {id(n.value) for n in entries}
    for n in ast.walk(node):
        match n:
            case ast.Compare(ops=[ast.In() | ast.NotIn()], comparators=[ast.Name(id=found) as use]) if found == name:
                known.add(id(use))
            case ast.Call(func=ast.Name(id=function), args=args) if function == node.name:
                known |= {id(a) for a in args} | {id(w.value) for w in n.keywords}
            case _:
                pass
    return entry and all(id(n) in known for n in ast.walk(node) if isinstance(n, ast.Name) and n.id == name)
