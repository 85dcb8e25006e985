"""Extract the top-level functions of a module, each with the helpers that it needs from the module.

The text of a function is exactly that of the file, from ``def`` on. MultiPL-T (`generate_from_the_stack.py`) removes
all decorators, which changes what functions do. Here only decorators that memoise are removed, and functions with other
decorators are refused. Methods, nested and async functions are not extracted, as in the paper.
"""

import ast
import builtins
from collections import Counter
from collections.abc import Iterator, Set
from functools import cached_property
from typing import Literal, cast

import msgspec

from glotsmith.sources.parse import BUILTINS, Unparsable, free_names, parse, walk_statements

HARMLESS_DECORATORS = frozenset({"lru_cache", "functools.lru_cache", "cache", "functools.cache"})

_EXCEPTIONS = frozenset(n for n, v in vars(builtins).items() if isinstance(v, type) and issubclass(v, BaseException))

_PURE_MODULES = """
    __future__ abc array base64 binascii bisect calendar cmath collections collections.abc colorsys contextlib copy
    dataclasses datetime decimal difflib enum fnmatch fractions functools graphlib hashlib heapq html html.entities
    ipaddress itertools json keyword math numbers operator pprint re reprlib stat statistics string stringprep struct
    textwrap types typing unicodedata urllib.parse zlib
"""
PURE_MODULES = frozenset(_PURE_MODULES.split())  #: modules without side effects, which the option ``imports`` allows

BindingKind = Literal["import", "constant", "exception", "function"]


class FoundFunction(msgspec.Struct, frozen=True):
    """One top-level function of a module."""

    name: str
    line: int  #: line of the ``def``, from 1
    code: str
    docstring: str  #: the docstring without indentation (``inspect.cleandoc``)
    decorators: tuple[str, ...]  #: the decorators, without those that only memoise
    helpers: str  #: code of the helpers (``Function.helpers``); "" for a function with ``decorators``


class ModuleBinding(msgspec.Struct, frozen=True):
    """The definition of one top-level name, as text that can be copied into another module."""

    name: str
    kind: BindingKind
    line: int
    text: str
    needs: frozenset[str]  #: names that the definition uses


class SourceModule:
    """A parsed module: its functions, and on demand their helpers.

    Raises:
        Unparsable: The text is not Python, or is nested too deeply.

    """

    def __init__(self, text: str) -> None:
        self._text = text.replace("\r\n", "\n").replace("\r", "\n")  # Python does the same, also in strings
        self._lines = self._text.split("\n")
        self._tree = parse(self._text)
        self._bindings: dict[str, ModuleBinding | None] = {}

    def functions(
        self, *, helpers: bool = False, imports: bool = False, max_helper_lines: int = 100
    ) -> Iterator[FoundFunction]:
        """Yield the functions in source order.

        With ``helpers``, the result includes the module's functions, constants and exceptions without a body that a
        function needs, transitively; with ``imports``, also imports of ``PURE_MODULES``. Other classes and imports, and
        names bound more than once or by ``global``, remain undefined names, which the filters report. If the helpers
        have more than ``max_helper_lines`` lines, none are included.
        """
        kinds = {"function", "constant", "exception"} if helpers else set[str]()
        kinds |= {"import"} if imports else set()
        for node in self._tree.body:
            if isinstance(node, ast.FunctionDef):
                yield self._extract_function(node, kinds, max_helper_lines)

    def _extract_function(self, node: ast.FunctionDef, kinds: Set[str], max_lines: int) -> FoundFunction:
        decorators = tuple(d for d in map(self._decorator_name, node.decorator_list) if d not in HARMLESS_DECORATORS)
        return FoundFunction(
            name=node.name,
            line=node.lineno,
            code=self._def_text(node),
            docstring=ast.get_docstring(node) or "",
            decorators=decorators,
            helpers=self._helpers(node, kinds, max_lines) if kinds and not decorators else "",
        )

    def _def_text(self, node: ast.FunctionDef) -> str:
        lines = self._lines[node.lineno - 1 : node.end_lineno]
        return "\n".join(lines).lstrip("\f ").rstrip()

    def _decorator_name(self, node: ast.expr) -> str:
        """Return the name of a decorator: ``functools.lru_cache`` for ``@functools.lru_cache(maxsize=None)``."""
        target = node.func if isinstance(node, ast.Call) else node
        return " ".join(self._node_text(target).split())[:80]

    def _node_text(self, node: ast.expr | ast.stmt) -> str:
        """Return the text of a node. (``ast.get_source_segment`` would split the whole module for each node.)"""
        first, last = node.lineno - 1, (node.end_lineno or node.lineno) - 1
        lines = [line.encode() for line in self._lines[first : last + 1]]  # columns count bytes
        lines[-1] = lines[-1][: node.end_col_offset]
        lines[0] = lines[0][node.col_offset :]
        return b"\n".join(lines).decode()

    # --------------------------------------------------------------------------------------------- helpers

    def _helpers(self, node: ast.FunctionDef, kinds: Set[str], max_lines: int) -> str:
        try:
            needs = self._names_of_module(free_names(self._def_text(node)), node.name)
        except Unparsable:  # for example ``nonlocal`` at the top level, which the filters report
            return ""
        closure = self._closure(needs, node.name, kinds)
        for binding in closure:
            if binding.kind == "constant" and node.name in self._transitive_needs(binding, kinds):
                return ""  # the constant calls the function, which would be defined after it
        distinct = {(b.line, b.text): b for b in closure}.values()  # ``a, b = 1, 2`` is one text with two names
        ordered = sorted(distinct, key=lambda b: (b.kind != "import", b.line, b.text))
        if sum(b.text.count("\n") + 1 for b in ordered) > max_lines:
            return ""
        return _join_bindings([*self._future_imports(node, kinds), *ordered])

    def _closure(self, needs: Set[str], function: str, kinds: Set[str]) -> list[ModuleBinding]:
        found: dict[str, ModuleBinding] = {}
        stack = sorted(needs - {function})
        while stack:
            name = stack.pop()
            binding = None if name in found or name == function else self._binding(name)
            if binding is not None and binding.kind in kinds:
                found[name] = binding
                stack.extend(sorted(binding.needs))
        return list(found.values())

    def _transitive_needs(self, binding: ModuleBinding, kinds: Set[str]) -> set[str]:
        return {name for b in (binding, *self._closure(binding.needs, "", kinds)) for name in b.needs}

    def _names_of_module(self, names: Set[str], own: str) -> frozenset[str]:
        """Return the names without ``own`` and without builtins that the module does not rebind."""
        return frozenset(n for n in names if n != own and (n not in BUILTINS or n in self._binding_counts))

    def _future_imports(self, node: ast.FunctionDef, kinds: Set[str]) -> list[ModuleBinding]:
        """Return ``from __future__ import annotations`` if the module has it and the function has annotations."""
        if "import" not in kinds or not self._postpones_annotations or not _is_annotated(node):
            return []
        return [ModuleBinding("annotations", "import", 0, "from __future__ import annotations", frozenset())]

    @cached_property
    def _postpones_annotations(self) -> bool:
        has = any(isinstance(n, ast.ImportFrom) and n.module == "__future__" for n in self._tree.body)
        return has and "annotations" in self._binding_counts

    @cached_property
    def _binding_counts(self) -> Counter[str]:
        """Count how often each name is bound at the top level; a ``global`` statement counts twice."""
        names: Counter[str] = Counter()
        stack: list[ast.AST] = list(self._tree.body)
        while stack:
            node = stack.pop()
            names.update(_names_bound(node))
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
                stack.extend(ast.iter_child_nodes(node))
        for node in walk_statements(self._tree.body) if "global" in self._text else ():
            if isinstance(node, ast.Global):
                names.update([*node.names, *node.names])
        return names

    @cached_property
    def _statements(self) -> dict[str, ast.stmt]:
        found: dict[str, ast.stmt] = {}
        for node in self._tree.body:
            names = _names_of_statement(node)
            if isinstance(node, ast.Import | ast.ImportFrom) or all(self._binding_counts[name] == 1 for name in names):
                found.update((name, node) for name in names if self._binding_counts[name] == 1)
        return found

    def _binding(self, name: str) -> ModuleBinding | None:
        if name not in self._bindings:
            node = self._statements.get(name)
            self._bindings[name] = None if node is None else self._make_binding(name, node)
        return self._bindings[name]

    def _make_binding(self, name: str, node: ast.stmt) -> ModuleBinding | None:
        match node:
            case ast.Import() | ast.ImportFrom():
                text = _import_line(node, name)
                return ModuleBinding(name, "import", node.lineno, text, frozenset()) if text else None
            case ast.FunctionDef():
                harmless = all(self._decorator_name(d) in HARMLESS_DECORATORS for d in node.decorator_list)
                return (
                    self._make_text_binding(name, "function", node.lineno, self._def_text(node)) if harmless else None
                )
            case ast.ClassDef():
                text = self._node_text(node)
                return (
                    self._make_text_binding(name, "exception", node.lineno, text) if self._is_exception(node) else None
                )
            case _:
                return self._make_text_binding(name, "constant", node.lineno, self._node_text(node))

    def _is_exception(self, node: ast.stmt | None) -> bool:
        """Return whether a class, and each of its bases in this module, is an exception without a body."""
        while isinstance(node, ast.ClassDef) and _is_bare(node):
            base = cast(ast.Name, node.bases[0]).id
            if base in _EXCEPTIONS and base not in self._binding_counts:
                return True
            before = self._statements.get(base)
            node = before if before is not None and before.lineno < node.lineno else None
        return False

    def _make_text_binding(self, name: str, kind: BindingKind, line: int, text: str) -> ModuleBinding | None:
        try:
            return ModuleBinding(name, kind, line, text, self._names_of_module(free_names(text), name))
        except Unparsable:
            return None


def _is_annotated(node: ast.FunctionDef) -> bool:
    return bool(node.returns) or any(a.annotation for a in ast.walk(node) if isinstance(a, ast.arg))


def _names_bound(node: ast.AST) -> list[str]:
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return [name]
        case ast.Import(names=names) | ast.ImportFrom(names=names):
            return [_bound_by(alias) for alias in names]
        case ast.Name(id=name, ctx=ast.Store() | ast.Del()) | ast.ExceptHandler(name=str(name)):
            return [name]
        case ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)) | ast.MatchMapping(rest=str(name)):
            return [name]
        case _:
            return []


def _names_of_statement(node: ast.stmt) -> list[str]:
    """Return the names that a statement binds, if it is of a kind that can be copied into another module."""
    match node:
        case ast.FunctionDef() | ast.ClassDef() | ast.Import() | ast.ImportFrom():
            return _names_bound(node)
        case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr()):
            return [name]
        case ast.Assign(targets=targets):
            parts = [n for t in targets for n in (t.elts if isinstance(t, ast.Tuple) else [t])]
            names = [n.id for n in parts if isinstance(n, ast.Name)]
            return names if len(names) == len(parts) else []
        case _:
            return []


def _is_bare(node: ast.ClassDef) -> bool:
    """Return whether a class has one base, a plain name, and no statement in its body except docstring and pass."""
    if [*node.keywords, *node.decorator_list] or not (len(node.bases) == 1 and isinstance(node.bases[0], ast.Name)):
        return False
    return all(
        isinstance(n, ast.Pass) or (isinstance(n, ast.Expr) and isinstance(n.value, ast.Constant)) for n in node.body
    )


def _bound_by(alias: ast.alias) -> str:
    return alias.asname or alias.name.partition(".")[0]


def _import_line(node: ast.Import | ast.ImportFrom, name: str) -> str:
    alias = next(a for a in node.names if _bound_by(a) == name)
    module = alias.name if isinstance(node, ast.Import) else (node.module or "")
    if module not in PURE_MODULES or (isinstance(node, ast.ImportFrom) and node.level):
        return ""
    tail = f"import {alias.name}" + (f" as {alias.asname}" if alias.asname else "")
    return tail if isinstance(node, ast.Import) else f"from {module} {tail}"


def _join_bindings(bindings: list[ModuleBinding]) -> str:
    text = ""
    for before, binding in zip([None, *bindings], bindings, strict=False):
        apart = before is not None and bool({before.kind, binding.kind} & {"function", "exception"})
        text += ("\n\n\n" if apart else "\n" if before else "") + binding.text
    return text
