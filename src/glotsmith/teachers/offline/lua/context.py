"""The state of the translator: learned kinds (kept between rounds), scopes, and the output lines.

Translation is abstract interpretation. Each round translates the whole program and learns kinds of parameters, results
and loop variables. The text of the first round that learns nothing new is the translation.
"""

import ast
from collections.abc import Callable, Generator, Hashable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar, cast

from glotsmith.teachers.offline import kinds as k
from glotsmith.teachers.offline.kinds import ValueKind
from glotsmith.teachers.offline.lua.syntax import RESERVED, LuaExpr, is_simple, lua_name
from glotsmith.teachers.offline.refusals import refuse
from glotsmith.teachers.offline.scopes import DeclarationPlan

CallTranslator = Callable[["Context", ast.Call], LuaExpr]
ExpressionHandler = Callable[["Context", ast.expr], LuaExpr]
StatementHandler = Callable[["Context", ast.stmt], None]
EXPRESSIONS: dict[type[ast.expr], ExpressionHandler] = {}
STATEMENTS: dict[type[ast.stmt], StatementHandler] = {}
FunctionNode = ast.FunctionDef | ast.Lambda


N = TypeVar("N", bound=ast.expr)


def expression(node: type[N]) -> Callable[[Callable[["Context", N], LuaExpr]], Callable[["Context", N], LuaExpr]]:
    """Register the translator of one kind of expression."""

    def register(handler: Callable[["Context", N], LuaExpr]) -> Callable[["Context", N], LuaExpr]:
        EXPRESSIONS[node] = cast(ExpressionHandler, handler)
        return handler

    return register


S = TypeVar("S", bound=ast.stmt)


def statement(node: type[S]) -> Callable[[Callable[["Context", S], None]], Callable[["Context", S], None]]:
    """Register the translator of one kind of statement."""

    def register(handler: Callable[["Context", S], None]) -> Callable[["Context", S], None]:
        STATEMENTS[node] = cast(StatementHandler, handler)
        return handler

    return register


@dataclass(eq=False)
class FunctionScope:
    """The scope of a Python function or of the module."""

    node: ast.AST
    parent: "FunctionScope | None"
    names: frozenset[str]  #: names that this scope declares
    plan: DeclarationPlan
    env: dict[str, ValueKind] | None = field(
        default_factory=dict
    )  #: kinds at this point; None where it cannot be reached
    functions: dict[str, ast.FunctionDef] = field(default_factory=dict)
    is_generator: bool = False
    immediate: bool = False  #: a comprehension or lambda, which runs in place and sees the kinds at this point
    catching: int = 0  #: depth of ``try`` bodies, where a missing key must raise
    loops: list["LoopState"] = field(default_factory=list)


@dataclass(eq=False)
class LoopState:
    """The loop that is currently translated."""

    exits: list[dict[str, ValueKind]] = field(default_factory=list)
    continued: list[dict[str, ValueKind]] = field(default_factory=list)
    continues: bool = False  #: whether a ``goto continue`` was written
    flag: str = ""  #: variable that a ``break`` sets, for ``else``
    depth: int = 0  #: depth of ``try`` bodies at the head of the loop


class Context:
    """The state that all handlers share."""

    def __init__(self, identifiers: frozenset[str], entry: str) -> None:
        self.identifiers = identifiers
        self.entry = entry
        self.learned_kinds: dict[Hashable, ValueKind] = {}
        self.flags: set[str] = set()
        self.synthetic: dict[Hashable, ast.AST] = {}
        self.changed = False
        self.round = 0
        self.begin_round()

    def begin_round(self) -> None:
        """Start a round: reset the text, and keep the learned kinds."""
        self.changed = False
        self.round += 1
        self.lines: list[str] = []
        self.indent = 0
        self.helpers: dict[str, str] = {}
        self.fresh_names: set[str] = set()
        self.modules: dict[str, str] = {}
        self.imported: dict[str, tuple[str, str]] = {}
        self.scope: FunctionScope | None = None
        self.entry_node: ast.FunctionDef | None = None
        self.order_is_irrelevant = False  #: whether the order of the iterated dict or set cannot affect the result
        self.error_variable = ""  #: the variable of the handled error

    # ------------------------------------------------------------------------------------------ kinds

    def learn(self, key: Hashable, kind: ValueKind) -> ValueKind:
        """Join the known kind of ``key`` with ``kind``, and drop a lower bound that decreases again and again."""
        old = self.learned_kinds.get(key, k.BOT)
        new = k.join(old, kind)
        if new != old and new.name == old.name == "int" and self.round > 3:
            new = k.INT
        if new != old:
            self.learned_kinds[key] = new
            self.changed = True
        return new

    def set_flag(self, name: str) -> None:
        """Record a property of the whole program, such as that dicts must keep their order."""
        if name not in self.flags:
            self.flags.add(name)
            self.changed = True

    @property
    def ordered(self) -> bool:
        """Whether dicts and sets made by the program are insertion-ordered maps with keys of any kind."""
        return "ordered" in self.flags

    def node_once(self, key: Hashable, make: Callable[[], ast.AST]) -> ast.AST:
        """Return the node made for ``key`` in the first round, so that its learned kinds are valid in later rounds."""
        if key not in self.synthetic:
            self.synthetic[key] = make()
        return self.synthetic[key]

    # ----------------------------------------------------------------------------------------- scopes

    @property
    def current_scope(self) -> FunctionScope:
        """The scope that is currently translated."""
        assert self.scope is not None
        return self.scope

    def owner(self, name: str) -> FunctionScope | None:
        """Return the scope that declares ``name``."""
        scope = self.scope
        while scope is not None and name not in scope.names:
            scope = scope.parent
        return scope

    def lookup(self, name: str) -> ValueKind:
        """Return the kind of a variable at this point."""
        owner = self.owner(name)
        if owner is None:
            return k.ANY
        if owner is self.immediate_owner(name) and owner.env is not None and name in owner.env:
            return owner.env[name]
        return self.joined_kind(name)

    def immediate_owner(self, name: str) -> FunctionScope | None:
        """Return the scope of ``name`` if the current code runs in place in this scope."""
        scope = self.scope
        while scope is not None and name not in scope.names:
            scope = scope.parent if scope.immediate else None
        return scope

    def joined_kind(self, name: str) -> ValueKind:
        """Return the join of all kinds of the variable in the program."""
        owner = self.owner(name)
        return k.ANY if owner is None else self.learned_kinds.get((owner.node, name), k.BOT)

    def bind(self, name: str, kind: ValueKind) -> None:
        """Record an assignment."""
        owner = self.owner(name)
        if owner is None:
            return
        self.learn((owner.node, name), kind)
        if owner is self.immediate_owner(name) and owner.env is not None:
            owner.env[name] = kind

    def find_function(self, name: str) -> ast.FunctionDef | None:
        """Return the definition of ``name`` if it is a function of the program."""
        owner = self.owner(name)
        return None if owner is None else owner.functions.get(name)

    # ------------------------------------------------------------------------------------------- text

    def emit(self, text: str) -> None:
        """Write one line."""
        self.lines.append("  " * self.indent + text)

    def emit_all(self, lines: Sequence[str]) -> None:
        """Write lines that were captured at this indent."""
        self.lines.extend(lines)

    @contextmanager
    def block(self, head: str, end: str = "end") -> Generator[None, None, None]:
        """Write ``head``, an indented body, and ``end``."""
        self.emit(head)
        self.indent += 1
        yield
        self.indent -= 1
        if end:
            self.emit(end)

    @contextmanager
    def capture(self, deeper: int = 0) -> Generator[list[str], None, None]:
        """Collect the lines that the context writes, and do not output them."""
        outer, self.lines = self.lines, []
        self.indent += deeper
        captured = self.lines
        indent = self.indent
        try:
            yield captured
        finally:
            self.indent, self.lines = indent - deeper, outer

    def fresh(self, base: str) -> str:
        """Return an unused variable name that begins with ``base``."""
        name, n = base, 1
        while name in self.identifiers or name in self.fresh_names or name in RESERVED or name in self.helpers:
            n += 1
            name = f"{base}{n}"
        self.fresh_names.add(name)
        return name

    def helper(self, name: str) -> str:
        """Require a function of the runtime library; return its name in this program."""
        taken = name in self.identifiers or name in self.fresh_names
        self.helpers.setdefault(name, f"py_{name}" if taken else name)
        return self.helpers[name]

    def call(self, name: str, *arguments: LuaExpr | str, kind: ValueKind = k.ANY, new: bool = False) -> LuaExpr:
        """Write a call of a runtime function."""
        return LuaExpr(f"{self.helper(name)}({', '.join(map(str, arguments))})", kind=kind, new=new)

    def temporary(self, e: LuaExpr | str, base: str = "value") -> str:
        """Return a text for the value of ``e`` that may be evaluated more than once."""
        text = str(e)
        if is_simple(text):
            return text
        name = self.fresh(base)
        self.emit(f"local {name} = {text}")
        return name

    # ------------------------------------------------------------------------------------ expressions

    def expr(self, node: ast.expr) -> LuaExpr:
        """Translate an expression; statements that it needs are written before it."""
        handler = EXPRESSIONS.get(type(node))
        if handler is None:
            raise refuse(f"{type(node).__name__} expressions", node)
        return handler(self, node)

    def exprs(self, nodes: Sequence[ast.expr]) -> list[LuaExpr]:
        """Translate several expressions."""
        return [self.expr(node) for node in nodes]

    def statements(self, body: Sequence[ast.stmt]) -> None:
        """Translate a block, without its unreachable statements."""
        for node in body:
            if self.current_scope.env is None:
                return
            names = self.current_scope.plan.before.get(node)
            if names:
                self.emit(f"local {', '.join(map(lua_name, names))}")
            handler = STATEMENTS.get(type(node))
            if handler is None:
                raise refuse(f"{type(node).__name__} statements", node)
            handler(self, node)

    def variable(self, name: str) -> str:
        """Return the Lua name of a Python variable."""
        return lua_name(name)

    def try_expr(self, node: ast.expr) -> tuple[LuaExpr, list[str]]:
        """Translate an expression without output; return it and the lines that must precede it."""
        with self.capture() as lines:
            result = self.expr(node)
        return result, lines
