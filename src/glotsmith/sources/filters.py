"""Filter functions by the predicates of MultiPL-T (§4.1 and its scripts), each with its drop reason.

Three predicates correct errors of the paper's scripts: a ``return`` of a nested function does not count, a docstring in
any quotes counts, and ``TODO`` as a part of another word does not count.
"""

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

from glotsmith.counts import counted
from glotsmith.drop_reasons import Reason
from glotsmith.errors import UsageError
from glotsmith.records import Function, Record, printable
from glotsmith.sources import licences
from glotsmith.sources.extract import PURE_MODULES
from glotsmith.sources.parse import BUILTINS, Unparsable, free_names, imported_modules, parse, walk_own_body
from glotsmith.step import ItemStep, Result, drop, keep

_UNPORTABLE = "__import__ breakpoint compile dir eval exec globals id input locals open vars"
#: builtins that access the interpreter or its environment. They are safe in the sandbox, but other languages lack them,
#: and tests cannot state their results.
UNPORTABLE = frozenset(_UNPORTABLE.split())
TRIVIAL_NODES = 9  #: smallest number of nodes of a single ``return`` that is not trivial (``filter_test_gen.py``)
MAX_TREE_DEPTH = 120  #: largest depth of a syntax tree; from 180 on, its copy exceeds the recursion limit
MAX_INTEGER_BITS = 14_000  #: largest size of an integer; CPython writes 4,300 digits, which are 14,284 bits
_UNFINISHED = re.compile(r"\b(?:TODO|FIXME)\b")


class FilterOptions(Record, frozen=True, kw_only=True):
    """The options of the filter. The defaults are those of the paper."""

    imports: bool = False  #: allow imports of ``extract.PURE_MODULES``
    ascii_only: bool = True
    max_lines: int = 0  #: largest number of lines of a function with its helpers; 0 for no limit
    licences: tuple[str, ...] = ()  #: accepted SPDX ids; () accepts all licences, also unknown ones


@dataclass(frozen=True)
class FilterInput:
    """The input of a predicate."""

    function: Function
    node: ast.FunctionDef  #: the function itself
    options: FilterOptions

    @cached_property
    def tree(self) -> ast.Module:
        """The whole program, helpers included."""
        return parse(self.function.program) if self.function.helpers else ast.Module([self.node], [])


Predicate = Callable[[FilterInput], str | None]  #: returns the detail of the drop, or None to keep the function


class Filter(ItemStep[Function, Function]):
    """Drops functions that cannot become a problem in another language, for the first reason in ``PREDICATES``."""

    name: ClassVar[str] = "filter"
    output: ClassVar[type[Record]] = Function
    concurrency: int = 1  # the step only computes

    def __init__(self, options: FilterOptions | None = None) -> None:
        self._options = options or FilterOptions()
        if self._options.max_lines < 0:
            raise UsageError(f"max_lines is {self._options.max_lines}; it must be 0 (no limit) or more")

    async def run(self, key: str, item: Function) -> "Result[Function]":
        """Apply the predicates in order."""
        try:
            subject = _filter_input(item, self._options)
            found = _first_drop_reason(subject) if subject else (Reason.NOT_A_FUNCTION, "")
        except Unparsable as error:
            found = (error.reason, error.detail)
        if found is None:
            return keep(key, item)
        return Result[Function](dropped=drop(found[0], printable(found[1])).dropped)


def _first_drop_reason(subject: FilterInput) -> tuple[Reason, str] | None:
    found = ((reason, predicate(subject)) for reason, predicate in PREDICATES)
    return next(((reason, detail) for reason, detail in found if detail is not None), None)


def _filter_input(function: Function, options: FilterOptions) -> FilterInput | None:
    body = parse(function.code).body
    node = body[0] if len(body) == 1 else None
    return FilterInput(function, node, options) if isinstance(node, ast.FunctionDef) else None


# ------------------------------------------------------------------------------------------ predicates


def undocumented(subject: FilterInput) -> str | None:
    """Drop functions with a missing or blank docstring."""
    return None if subject.function.docstring.strip() else ""


def returns_nothing(subject: FilterInput) -> str | None:
    """Drop generators, and functions without a ``return`` of a value other than a literal None."""
    returns_value = False
    for node in walk_own_body(subject.node):
        if isinstance(node, ast.Yield | ast.YieldFrom):
            return "it is a generator"
        if isinstance(node, ast.Return) and node.value is not None:
            returns_value = returns_value or not (isinstance(node.value, ast.Constant) and node.value.value is None)
    return None if returns_value else ""


def unsupported_parameters(subject: FilterInput) -> str | None:
    """Drop functions with parameters that tests cannot pass by position, methods, and functions without parameters."""
    a = subject.node.args
    required = [p.arg for p, default in zip(a.kwonlyargs, a.kw_defaults, strict=True) if default is None]
    starred = [f"{stars}{p.arg}" for stars, p in (("*", a.vararg), ("**", a.kwarg)) if p]
    positional = [p.arg for p in (*a.posonlyargs, *a.args)]
    if required or starred:
        return ", ".join([*starred, *(f"{name} (keyword only)" for name in required)])
    if not positional:
        return "no parameter that a test could vary"
    return f"a method: its first parameter is {positional[0]}" if positional[0] in ("self", "cls") else None


def imports(subject: FilterInput) -> str | None:
    """Drop functions with imports that are not allowed."""
    allowed = PURE_MODULES if subject.options.imports else frozenset[str]()
    return _format_names("imports", (m for m in imported_modules(subject.tree) if m not in allowed))


def undefined(subject: FilterInput) -> str | None:
    """Drop functions with undefined names or with builtins that no other language has."""
    names = free_names(subject.function.program)
    missing = _format_names("undefined", (n for n in names if n not in BUILTINS | UNPORTABLE))
    return missing or _format_names("uses", names & UNPORTABLE)


def unfinished(subject: FilterInput) -> str | None:
    """Drop functions with a line marked TODO or FIXME."""
    lines = subject.function.program.splitlines()
    return next((line.strip()[:120] for line in lines if _UNFINISHED.search(line)), None)


def trivial(subject: FilterInput) -> str | None:
    """Drop functions whose body, apart from the docstring, is one ``return`` of fewer than ``TRIVIAL_NODES`` nodes.

    Nodes are those of ``ast.walk``, with contexts; their number is close to the paper's count of tree-sitter nodes.
    """
    body = [n for n in subject.node.body if not (isinstance(n, ast.Expr) and isinstance(n.value, ast.Constant))]
    if len(body) != 1 or not isinstance(body[0], ast.Return):
        return None
    count = sum(1 for _ in ast.walk(body[0]))
    return counted(count, "node") if count < TRIVIAL_NODES else None


def non_ascii(subject: FilterInput) -> str | None:
    """Drop functions with a character that is not ASCII. The detail is the first one."""
    text = subject.function.program
    if not subject.options.ascii_only or text.isascii():
        return None
    return next(f"U+{ord(c):04X}" for c in text if ord(c) > 127)


def too_large(subject: FilterInput) -> str | None:
    """Drop functions with more lines than allowed."""
    count, limit = subject.function.program.count("\n") + 1, subject.options.max_lines
    return f"{counted(count, 'line')}, the limit is {limit}" if 0 < limit < count else None


def too_deep(subject: FilterInput) -> str | None:
    """Drop functions whose syntax tree is too deep for the recursive code of mutants, hints and translation."""
    level: list[ast.AST] = [subject.node]
    for _ in range(MAX_TREE_DEPTH):
        level = [child for node in level for child in ast.iter_child_nodes(node)]
        if not level:
            return None
    return f"over {MAX_TREE_DEPTH} levels"


def unwritable_number(subject: FilterInput) -> str | None:
    """Drop functions with an integer that Python can parse in hexadecimal but cannot write in decimal digits."""
    numbers = (node.value for node in ast.walk(subject.tree) if isinstance(node, ast.Constant))
    bits = max((n.bit_length() for n in numbers if isinstance(n, int)), default=0)
    return f"an integer of {bits:,} bits" if bits > MAX_INTEGER_BITS else None


def forbidden_licence(subject: FilterInput) -> str | None:
    """Drop functions whose licence is unknown or not accepted, if the options name accepted licences."""
    accepted = frozenset(name.lower() for name in subject.options.licences)
    licence = subject.function.origin.licence
    return None if not accepted or licences.is_allowed(licence, accepted) else licence or "unknown"


PREDICATES: tuple[tuple[Reason, Predicate], ...] = (
    (Reason.UNDOCUMENTED, undocumented),
    (Reason.RETURNS_NOTHING, returns_nothing),
    (Reason.UNSUPPORTED_PARAMETERS, unsupported_parameters),
    (Reason.IMPORTS, imports),
    (Reason.NOT_STANDALONE, undefined),
    (Reason.TODO, unfinished),
    (Reason.TRIVIAL, trivial),
    (Reason.NON_ASCII, non_ascii),
    (Reason.TOO_LARGE, too_large),
    (Reason.TOO_LARGE, unwritable_number),
    (Reason.TOO_DEEP, too_deep),
    (Reason.FORBIDDEN_LICENCE, forbidden_licence),
)


def _format_names(what: str, names: Iterator[str] | frozenset[str]) -> str | None:
    found = sorted(names)
    shown = ", ".join(found[:10]) + (f" and {len(found) - 10} more" if len(found) > 10 else "")
    return f"{what}: {shown}" if found else None
