"""Parse Python text into syntax trees and names. Hostile text raises an error and cannot crash the interpreter.

Nothing is executed. CPython limits the nesting of brackets and blocks, and the depth of its parser and of trees. It
raises beyond these limits if the stack of the thread has at least 1 MB. So call these functions in the main thread.
"""

import ast
import builtins
import symtable
import warnings
from collections.abc import Callable, Iterator
from typing import TypeVar

from glotsmith.drop_reasons import Reason

T = TypeVar("T")

# ``site`` adds these names for interactive sessions; programs cannot rely on them.
_REPL_NAMES = {"copyright", "credits", "exit", "help", "license", "quit"}
BUILTINS = frozenset(n for n in dir(builtins) if not n.startswith("_")) - _REPL_NAMES | {"__debug__"}

_STATEMENT_FIELDS = ("body", "orelse", "finalbody", "handlers", "cases")  #: the fields that contain statements


class Unparsable(Exception):
    """A text cannot be parsed. The error has the drop reason and a detail such as ``line 3: invalid syntax``."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


def parse(text: str) -> ast.Module:
    """Parse a module without syntax warnings.

    Raises:
        Unparsable: The reason is ``syntax_error``, ``too_deep`` or ``unreadable`` (a lone surrogate).

    """
    return _parse_or_raise(lambda: ast.parse(text))


def free_names(text: str) -> frozenset[str]:
    """Return the names that a program uses or rebinds by ``global`` without defining them, including builtins.

    Scopes are those of ``symtable``, which distinguishes comprehensions, class bodies, closures and defaults.

    Raises:
        Unparsable: The reasons are those of ``parse``.

    """
    top = _parse_or_raise(lambda: symtable.symtable(text, "<source>", "exec"))
    defined = {s.get_name() for s in top.get_symbols() if s.is_assigned() or s.is_imported()}
    used = {s.get_name() for s in top.get_symbols() if s.is_referenced()}
    rebound: set[str] = set()
    for table in _inner_tables(top):
        for symbol in table.get_symbols():
            if symbol.is_global() and symbol.is_referenced():
                used.add(symbol.get_name())
            if symbol.is_declared_global() and symbol.is_assigned():
                rebound.add(symbol.get_name())
    return frozenset((used - defined) | rebound)


def walk_statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield all statements of a body, at any depth, in no particular order."""
    stack: list[ast.AST] = list(body)
    while stack:
        node = stack.pop()
        if isinstance(node, ast.stmt):
            yield node
        for field in _STATEMENT_FIELDS:
            stack.extend(getattr(node, field, ()))


def imported_modules(tree: ast.Module) -> list[str]:
    """Return all modules that a tree imports, sorted. Relative imports keep their dots."""
    found: set[str] = set()
    for node in walk_statements(tree.body):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            found.add("." * node.level + (node.module or ""))
    return sorted(found)


def walk_own_body(function: ast.FunctionDef) -> Iterator[ast.AST]:
    """Yield the nodes of the body of a function, without those in nested functions, lambdas and classes."""
    stack: list[ast.AST] = list(function.body)
    while stack:
        node = stack.pop()
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            stack.extend(ast.iter_child_nodes(node))


def _inner_tables(top: symtable.SymbolTable) -> Iterator[symtable.SymbolTable]:
    stack = list(top.get_children())
    while stack:
        table = stack.pop()
        yield table
        stack.extend(table.get_children())


def _parse_or_raise(parser: Callable[[], T]) -> T:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return parser()
    except SyntaxError as error:
        # The tokenizer reports its limits as syntax errors.
        reason = Reason.TOO_DEEP if (error.msg or "").startswith("too many") else Reason.SYNTAX_ERROR
        raise Unparsable(reason, f"line {error.lineno or 1}: {error.msg}") from None
    except (RecursionError, MemoryError):
        raise Unparsable(Reason.TOO_DEEP, "nested deeper than Python's parser supports") from None
    except UnicodeEncodeError:
        raise Unparsable(Reason.UNREADABLE, "it contains a lone surrogate, which UTF-8 cannot encode") from None
    except ValueError as error:
        raise Unparsable(Reason.SYNTAX_ERROR, str(error)) from None
