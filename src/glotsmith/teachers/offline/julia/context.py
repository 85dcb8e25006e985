"""The state of the translator: learned kinds (kept between rounds), scopes, and the output lines.

Translation is abstract interpretation. Each round translates the whole program and learns kinds of parameters, results
and loop variables. The text of the first round that learns nothing new is the translation. Every Python expression
becomes one Julia expression; only statements write lines.
"""

import ast
from collections.abc import Callable, Generator, Hashable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar, cast

from glotsmith.teachers.offline import kinds as k
from glotsmith.teachers.offline.julia import kinds as jk
from glotsmith.teachers.offline.julia.syntax import MARK, PREFIX, Expr, called, is_simple
from glotsmith.teachers.offline.kinds import ValueKind
from glotsmith.teachers.offline.programs import identifiers
from glotsmith.teachers.offline.refusals import refuse
from glotsmith.teachers.offline.scopes import DeclarationPlan
from glotsmith.values import Signature

KindsByName = dict[str, ValueKind] | None
JuliaCallTranslator = Callable[["JuliaContext", ast.Call], Expr]
JuliaExpressionHandler = Callable[["JuliaContext", ast.expr], Expr]
JuliaStatementHandler = Callable[["JuliaContext", ast.stmt], None]
EXPRESSIONS: dict[type[ast.expr], JuliaExpressionHandler] = {}
STATEMENTS: dict[type[ast.stmt], JuliaStatementHandler] = {}
N = TypeVar("N", bound=ast.expr)
S = TypeVar("S", bound=ast.stmt)


def expression(node: type[N]) -> Callable[[Callable[["JuliaContext", N], Expr]], Callable[["JuliaContext", N], Expr]]:
    """Register the translator of one kind of expression."""

    def register(handler: Callable[["JuliaContext", N], Expr]) -> Callable[["JuliaContext", N], Expr]:
        EXPRESSIONS[node] = cast(JuliaExpressionHandler, handler)
        return handler

    return register


def statement(node: type[S]) -> Callable[[Callable[["JuliaContext", S], None]], Callable[["JuliaContext", S], None]]:
    """Register the translator of one kind of statement."""

    def register(handler: Callable[["JuliaContext", S], None]) -> Callable[["JuliaContext", S], None]:
        STATEMENTS[node] = cast(JuliaStatementHandler, handler)
        return handler

    return register


@dataclass(eq=False)
class OpenLoop:
    """The loop that is currently translated."""

    node: ast.For | ast.While
    exits: list[dict[str, ValueKind]] = field(default_factory=list)
    continued: list[dict[str, ValueKind]] = field(default_factory=list)
    flag: str = ""  #: variable that a ``break`` sets, for ``else``


@dataclass(eq=False)
class IterationOrder:
    """What is known about the order of the iteration that is currently translated."""

    irrelevant: bool = False  #: whether the order of the iterated dict or set cannot affect the result
    lost: bool = False  #: whether the iteration has another order than in Python


@dataclass(eq=False)
class Scope:
    """The scope of a Python function, comprehension, lambda, or of the module."""

    node: ast.AST
    parent: "Scope | None"
    names: frozenset[str]  #: names that this scope declares
    plan: DeclarationPlan = field(default_factory=DeclarationPlan)
    env: KindsByName = field(default_factory=dict)  #: kinds at this point; None where it cannot be reached
    functions: dict[str, ast.FunctionDef] = field(default_factory=dict)
    yields: str = ""  #: the vector that collects the values of a generator
    immediate: bool = False  #: a comprehension or lambda, which runs in place and sees the kinds at this point
    reassigned: frozenset[str] = frozenset()  #: names with an assignment other than the head of a loop
    shifted: set[str] = field(default_factory=set)  #: loop variables that are one more than in Python
    loops: list[OpenLoop] = field(default_factory=list)


class JuliaContext:
    """The state that all handlers share."""

    def __init__(self, tree: ast.Module, entry: ast.FunctionDef, signature: Signature | None) -> None:
        self.identifiers = identifiers(tree)
        self.loaded = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
        self.catches = any(isinstance(n, ast.Try) for n in ast.walk(tree))  #: whether errors must have Python's types
        self.entry = entry
        self.signature = signature
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
        self.fresh_names: set[str] = set()
        self.modules: dict[str, str] = {}
        self.imported: dict[str, tuple[str, str]] = {}
        self.constants: dict[str, ast.expr] = {}
        self.scope: Scope | None = None
        self.hint = k.BOT
        self.order = IterationOrder()

    # ------------------------------------------------------------------------------------------ kinds

    def learn(self, key: Hashable, kind: ValueKind) -> ValueKind:
        """Join the known kind of ``key`` with ``kind``, and drop a lower bound that decreases again and again."""
        old = self.learned_kinds.get(key, k.BOT)
        new = jk.join(old, kind)
        if new != old and new.name == old.name == "int" and self.round > 3:
            new = k.INT
        if new != old:
            self.learned_kinds[key] = new
            self.changed = True
        return new

    def known(self, key: Hashable) -> ValueKind:
        """Return what is learned about ``key``."""
        return self.learned_kinds.get(key, k.BOT)

    def set_flag(self, name: str) -> None:
        """Record a property of the whole program, such as that dicts must keep their order."""
        if name not in self.flags:
            self.flags.add(name)
            self.changed = True

    @property
    def ordered(self) -> bool:
        """Whether dicts made by the program keep their order."""
        return "ordered" in self.flags

    @property
    def typed(self) -> bool:
        """Whether the entry function can have the types of the signature; it may call itself with other types."""
        return "untyped" not in self.flags

    def need_order(self, kind: ValueKind, node: ast.AST) -> None:
        """Require that an iteration over ``kind`` has the order of Python, or refuse."""
        kind = k.strip_optional(kind)
        if kind.name not in ("dict", "set"):
            return
        if self.order.irrelevant:
            self.order.lost |= kind.name == "set" or not kind.own
            return
        if kind.name == "set":
            raise refuse("an iteration over a set whose order matters", node)
        if not kind.own:
            raise refuse("an iteration over a dict argument whose order matters", node)
        self.set_flag("ordered")

    @contextmanager
    def any_order(self, *, irrelevant: bool = True) -> Generator[IterationOrder, None, None]:
        """Translate an iteration whose order cannot affect the result."""
        outer, self.order = self.order, IterationOrder(irrelevant)
        try:
            yield self.order
        finally:
            self.order = outer

    def omit_arguments(self, count: int) -> None:
        """Record that the program calls the entry function with ``count`` arguments."""
        known = self.known(("arguments", self.entry)).low
        if known is None or count < known:
            self.learned_kinds["arguments", self.entry] = k.at_least(count)
            self.changed = True

    def known_arguments(self, node: ast.FunctionDef) -> int:
        """Return how many arguments all calls of a function have; the parameters after them need their defaults."""
        known = self.known(("arguments", node)).low if node is self.entry else 0
        return len(node.args.args) + len(node.args.kwonlyargs) if known is None else known

    def node_once(self, key: Hashable, make: Callable[[], ast.AST]) -> ast.AST:
        """Return the node made for ``key`` in the first round, so that its learned kinds are valid in later rounds."""
        if key not in self.synthetic:
            self.synthetic[key] = make()
        return self.synthetic[key]

    # ----------------------------------------------------------------------------------------- scopes

    @property
    def here(self) -> Scope:
        """The scope that is currently translated."""
        assert self.scope is not None
        return self.scope

    @property
    def function(self) -> Scope:
        """The scope of the function that is currently translated."""
        scope = self.here
        while scope.immediate and scope.parent is not None:
            scope = scope.parent
        return scope

    def owner(self, name: str) -> Scope | None:
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
        return self.known((owner.node, name))

    def immediate_owner(self, name: str) -> Scope | None:
        """Return the scope of ``name`` if the current code runs in place in this scope."""
        scope = self.scope
        while scope is not None and name not in scope.names:
            scope = scope.parent if scope.immediate else None
        return scope

    def joined_kind(self, name: str) -> ValueKind:
        """Return the join of all kinds of the variable in the program."""
        owner = self.owner(name)
        return k.ANY if owner is None else self.known((owner.node, name))

    def bind(self, name: str, kind: ValueKind) -> None:
        """Record an assignment."""
        owner = self.owner(name)
        if owner is None:
            return
        self.learn((owner.node, name), kind)
        if owner is self.immediate_owner(name) and owner.env is not None:
            owner.env[name] = kind

    def expect(self, name: str, kind: ValueKind) -> None:
        """Record that a variable, which is a container, is returned as ``kind``."""
        owner, kind = self.owner(name), k.strip_optional(kind)
        if owner is not None and self.known((owner.node, name)).name == kind.name and kind.args:
            self.learn((owner.node, name), kind)

    def find_function(self, name: str) -> ast.FunctionDef | None:
        """Return the definition of ``name`` if it is a function of the program."""
        owner = self.owner(name)
        return None if owner is None else owner.functions.get(name)

    # ------------------------------------------------------------------------------------------- text

    def emit(self, text: str) -> None:
        """Write one line."""
        self.lines.append("    " * self.indent + text)

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
    def capture(self) -> Generator[list[str], None, None]:
        """Collect the lines that the context writes, and do not output them."""
        outer, self.lines = self.lines, []
        captured = self.lines
        try:
            yield captured
        finally:
            self.lines = outer

    def fresh(self, base: str) -> str:
        """Return an unused variable name that begins with ``base``."""
        name, n = base, 1
        while name in self.identifiers or name in self.fresh_names:
            n += 1
            name = f"{base}{n}"
        self.fresh_names.add(name)
        return name

    def variable(self, name: str) -> str:
        """Return the marked name of a Python variable."""
        if not name.isascii():
            raise refuse(f"the name {name}, which is not ASCII")
        if not name.strip("_"):
            return f"{MARK}unused{name}" if name in self.loaded else "_"
        return MARK + name

    def once(self, e: Expr, write: Callable[[str], str]) -> Expr:
        """Write an expression in which the value of ``e`` occurs more than once; ``write`` gets its name."""
        if is_simple(e):
            return Expr(write(e.text), 0)
        name = self.fresh("value")
        return Expr(f"let {name} = {e}; {write(name)} end", PREFIX)

    # ------------------------------------------------------------------------------------ expressions

    def raw(self, node: ast.expr, hint: ValueKind = k.BOT) -> Expr:
        """Translate an expression; a string of one character may be a ``Char``. ``hint`` types empty containers."""
        handler = EXPRESSIONS.get(type(node))
        if handler is None:
            raise refuse(f"{type(node).__name__} expressions", node)
        outer, self.hint = self.hint, k.strip_optional(hint)
        order = self.order
        if order.irrelevant and not _keeps_order(node):
            self.order = IterationOrder()
        try:
            return handler(self, node)
        finally:
            self.hint, self.order = outer, order

    def expr(self, node: ast.expr, hint: ValueKind = k.BOT) -> Expr:
        """Translate an expression."""
        return self.raw(node, hint).as_string()

    def take_hint(self) -> ValueKind:
        """Return the hint of the current expression; its parts get none."""
        hint, self.hint = self.hint, k.BOT
        return hint

    def exprs(self, nodes: Sequence[ast.expr]) -> list[Expr]:
        """Translate several expressions."""
        return [self.expr(node) for node in nodes]

    def statements(self, body: Sequence[ast.stmt]) -> None:
        """Translate a block, without its unreachable statements."""
        for node in body:
            if self.here.env is None:
                return
            names = self.here.plan.before.get(node)
            if names:
                self.emit(f"local {', '.join(map(self.variable, names))}")
            handler = STATEMENTS.get(type(node))
            if handler is None:
                raise refuse(f"{type(node).__name__} statements", node)
            handler(self, node)


_READERS = {
    *("filter", "frozenset", "iter", "list", "map", "reversed", "set", "sorted", "tuple"),
    *("items", "keys", "values"),
}


def _keeps_order(node: ast.expr) -> bool:
    """Whether the order of an iterable only affects the order of the value of ``node``."""
    match node:
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)):
            return name in _READERS
        case _:
            return isinstance(node, ast.Name | ast.Attribute | ast.ListComp | ast.SetComp | ast.GeneratorExp)


def call(name: str, *arguments: Expr | str, kind: ValueKind = k.ANY, new: bool = False) -> Expr:
    """Write a call of a function of Base or of the library."""
    return called(name, *arguments, kind=kind, new=new)


def join_env(*envs: KindsByName) -> KindsByName:
    """Join the known kinds at the ends of several paths."""
    live = [e for e in envs if e is not None]
    if not live:
        return None
    names = {name for env in live for name in env}
    return {name: jk.join_all(*(env.get(name, k.BOT) for env in live)) for name in names}
