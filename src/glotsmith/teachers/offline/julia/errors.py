"""Translate ``raise`` and ``try``: each Python exception that Julia raises for the same reason has a Julia type."""

import ast

from glotsmith.teachers.offline.julia.context import JuliaContext, KindsByName, join_env, statement
from glotsmith.teachers.offline.julia.syntax import quote
from glotsmith.teachers.offline.refusals import CannotTranslate, refuse

_TYPES = {
    "ValueError": "ArgumentError",
    "KeyError": "KeyError",
    "IndexError": "BoundsError",
    "ZeroDivisionError": "DivideError",
    "TypeError": "MethodError",
    "RecursionError": "StackOverflowError",
    "OverflowError": "OverflowError",
    "LookupError": "Union{KeyError, BoundsError}",
    "RuntimeError": "ErrorException",
    "AssertionError": "AssertionError",
    "StopIteration": "EOFError",
}


@statement(ast.Raise)
def _raise(c: JuliaContext, node: ast.Raise) -> None:
    match node.exc:
        case None:
            c.emit("rethrow()")
        case ast.Name(id=name):
            c.emit(_thrown(name, quote(name)))
        case ast.Call(func=ast.Name(id=name), args=arguments):
            c.emit(_thrown(name, _message(c, name, arguments)))
        case _:
            c.emit('error("error")')
    c.here.env = None


def _thrown(name: str, message: str) -> str:
    match name:
        case "ValueError":
            return f"throw(ArgumentError({message}))"
        case "KeyError":
            return f"throw(KeyError({message}))"
        case "IndexError":
            return "throw(BoundsError())"
        case "ZeroDivisionError":
            return "throw(DivideError())"
        case _:
            return f"error({message})"


def _message(c: JuliaContext, name: str, arguments: list[ast.expr]) -> str:
    scope = c.scope
    try:
        parts = c.exprs(arguments)
    except CannotTranslate:  # the text of an error is not part of the result of a function
        c.scope = scope
        return quote(name)
    return parts[0].text if len(parts) == 1 and parts[0].kind.name == "str" else quote(name)


@statement(ast.Try)
def _try(c: JuliaContext, node: ast.Try) -> None:
    if node.orelse and _has_jump(node.body):
        raise refuse("else after a try that leaves it", node)
    before = dict(c.here.env or {})
    flag = ""
    if node.orelse:
        flag = c.fresh("succeeded")
        c.emit(f"{flag} = false")
    c.emit("try")
    c.indent += 1
    c.statements(node.body)
    if flag:
        c.emit(f"{flag} = true")
    c.indent -= 1
    after = c.here.env
    c.here.env = join_env(before, after) or before
    if node.handlers:
        _handlers(c, node)
    handled = c.here.env
    if node.finalbody:
        c.here.env = join_env(before, after, handled) or before
        c.emit("finally")
        c.indent += 1
        c.statements(node.finalbody)
        c.indent -= 1
    c.emit("end")
    c.here.env = after
    if flag:
        with c.block(f"if {flag}"):
            c.statements(node.orelse)
    c.here.env = join_env(c.here.env, handled) if node.handlers else c.here.env


def _has_jump(body: list[ast.stmt]) -> bool:
    return any(isinstance(n, ast.Break | ast.Continue) for s in body for n in ast.walk(s))


def _handlers(c: JuliaContext, node: ast.Try) -> None:
    before = c.here.env
    envs: list[KindsByName] = []
    names = [_names(h) for h in node.handlers]
    typed = any(names)
    error = c.fresh("e") if typed else ""
    c.emit(f"catch {error}".rstrip())
    c.indent += 1
    for i, handler in enumerate(node.handlers):
        c.here.env = None if before is None else dict(before)
        if handler.name and any(isinstance(n, ast.Name) and n.id == handler.name for n in ast.walk(handler)):
            raise refuse("a use of the value of an exception", handler)
        test = " || ".join(f"{error} isa {_type(n, handler)}" for n in names[i])
        if len(node.handlers) == 1 and test:
            c.emit(f"{test} || rethrow()")
        elif typed:
            c.emit(f"{'elseif' if i else 'if'} {test}" if test else "else")
            c.indent += 1
        c.statements(handler.body)
        envs.append(c.here.env)
        c.indent -= int(typed and len(node.handlers) > 1)
    if typed and len(node.handlers) > 1:
        if names[-1]:
            c.emit("else")
            c.emit("    rethrow()")
        c.emit("end")
    c.indent -= 1
    c.here.env = join_env(*envs)


def _type(name: str, node: ast.AST) -> str:
    if name not in _TYPES:
        raise refuse(f"a handler of {name}", node)
    return _TYPES[name]


def _names(handler: ast.ExceptHandler) -> list[str]:
    """Return the exceptions of a handler; none for all exceptions."""
    types = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    names = [t.id if isinstance(t, ast.Name) else "" for t in types]
    return [] if any(n in ("", "Exception", "BaseException") for n in names) else names
