"""Python text in, syntax tree and names out; whatever the text holds, the interpreter survives.

Nothing is executed. CPython 3.11 limits brackets (200), indentation (100 levels) and the depth of parser and tree by
itself, and raises, provided that the thread's stack is not tiny: 1 MB suffices, 512 kB (a thread on macOS) does not. So
parse in the main thread.
"""

import ast
import builtins
import symtable
import warnings
from collections.abc import Callable, Iterator
from typing import TypeVar

from glotsmith.drop_reasons import Reason

T = TypeVar("T")

# ``site`` adds these for people at a prompt; programs can't rely on them.
_PROMPT = {"copyright", "credits", "exit", "help", "license", "quit"}
BUILTINS = frozenset(n for n in dir(builtins) if not n.startswith("_")) - _PROMPT | {"__debug__"}

_BLOCKS = ("body", "orelse", "finalbody", "handlers", "cases")  #: the fields in which statements stand


class Unparsable(Exception):
    """A text that can't be parsed, with the drop reason and a detail such as ``line 3: invalid syntax``."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


def parse(text: str) -> ast.Module:
    """Parse a module; SyntaxWarnings of other people's code stay silent.

    Raises:
        Unparsable: with ``syntax_error``, ``too_deep`` or ``unreadable`` (a lone surrogate).

    """
    return _guarded(lambda: ast.parse(text))


def free_names(text: str) -> frozenset[str]:
    """Return the names that a program uses, or rebinds by ``global``, without defining them; builtins included.

    Scopes are Python's own (``symtable``): comprehensions, class bodies, closures and defaults are all told apart.

    Raises:
        Unparsable: as ``parse`` does.

    """
    top = _guarded(lambda: symtable.symtable(text, "<source>", "exec"))
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
    """Walk all statements of a body, at any depth, in no particular order; expressions hold none."""
    stack: list[ast.AST] = list(body)
    while stack:
        node = stack.pop()
        if isinstance(node, ast.stmt):
            yield node
        for field in _BLOCKS:
            stack.extend(getattr(node, field, ()))


def imported_modules(tree: ast.Module) -> list[str]:
    """Return every module that is imported anywhere in a tree, sorted; relative ones keep their dots."""
    found: set[str] = set()
    for node in walk_statements(tree.body):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            found.add("." * node.level + (node.module or ""))
    return sorted(found)


def walk_own_body(function: ast.FunctionDef) -> Iterator[ast.AST]:
    """Walk a function's body without entering nested functions, lambdas and classes."""
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


def _guarded(work: Callable[[], T]) -> T:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return work()
    except SyntaxError as error:
        # The tokenizer's own limits arrive as syntax errors.
        reason = Reason.TOO_DEEP if (error.msg or "").startswith("too many") else Reason.SYNTAX_ERROR
        raise Unparsable(reason, f"line {error.lineno or 1}: {error.msg}") from None
    except (RecursionError, MemoryError):
        raise Unparsable(Reason.TOO_DEEP, "deeper than Python's own parser goes") from None
    except UnicodeEncodeError:
        raise Unparsable(Reason.UNREADABLE, "it holds half a surrogate pair, which is no text") from None
    except ValueError as error:
        raise Unparsable(Reason.SYNTAX_ERROR, str(error)) from None
