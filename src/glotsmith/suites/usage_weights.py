"""Weigh types by the uses of a parameter: ``s.split()`` suggests str, and ``xs[i][j]`` suggests a matrix."""

# ruff: noqa: SIM905
import ast
from collections import Counter
from collections.abc import Iterable, Sequence

from glotsmith.values import Type, list_of, parse_type, type_of

_METHODS: dict[str, tuple[str, ...]] = {
    "str": tuple(
        "split splitlines lower upper strip lstrip rstrip startswith endswith replace find rfind isdigit isalpha "
        "isupper islower isspace isalnum join title capitalize encode zfill partition rpartition translate casefold "
        "swapcase ljust rjust center format rsplit isidentifier expandtabs removeprefix isnumeric".split()
    ),
    "list[int]": tuple("append extend insert sort reverse index pop remove count".split()),
    "dict[str, int]": tuple("items keys values get setdefault update pop".split()),
    "set[int]": tuple("add union intersection issubset issuperset difference discard isdisjoint".split()),
    "float": tuple("is_integer hex".split()),
    "int": tuple("bit_length to_bytes".split()),
}
_CALLS: dict[str, tuple[tuple[str, float], ...]] = {
    "len": (("list[int]", 1.0), ("str", 1.0), ("dict[str, int]", 0.3)),
    "range": (("int", 4.0),),
    "int": (("str", 1.0), ("int", 1.0), ("float", 0.5)),
    "float": (("float", 1.0), ("str", 0.5)),
    "str": (("int", 1.0),),
    "abs": (("int", 2.0), ("float", 1.5)),
    "round": (("float", 2.5),),
    "ord": (("str", 3.0),),
    "chr": (("int", 3.0),),
    "bin": (("int", 3.0),),
    "hex": (("int", 3.0),),
    "divmod": (("int", 3.0),),
    "gcd": (("int", 3.0),),
    "isqrt": (("int", 3.0),),
    "index": (("int", 2.0),),
    "sum": (("list[int]", 2.5),),
    "max": (("list[int]", 1.0), ("int", 0.5)),
    "min": (("list[int]", 1.0), ("int", 0.5)),
    "sorted": (("list[int]", 2.0),),
    "reversed": (("list[int]", 1.5),),
    "enumerate": (("list[int]", 1.5), ("str", 0.7)),
    "iter": (("list[int]", 1.5),),
    "list": (("list[int]", 1.5),),
    "tuple": (("list[int]", 1.0), ("tuple[int, ...]", 0.7)),
    "set": (("list[int]", 1.5), ("set[int]", 0.5)),
    "zip": (("list[int]", 1.5),),
    "dict": (("dict[str, int]", 1.5), ("list[tuple[str, int]]", 0.7)),
    "any": (("list[int]", 1.0),),
    "all": (("list[int]", 1.0),),
    "chain": (("list[list[int]]", 2.0),),
    "islice": (("list[int]", 2.0),),
    "Counter": (("list[int]", 1.5), ("str", 0.7)),
    "fsum": (("list[float]", 2.0),),
    "Fraction": (("int", 2.0),),
}
_MATH = set("sqrt sin cos tan exp log log2 log10 floor ceil pow hypot atan2 atan degrees radians".split())
_ARITHMETIC = (ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow)
_BITS = (ast.BitAnd, ast.BitOr, ast.BitXor, ast.LShift, ast.RShift)
_DEPTH = 2  #: largest number of nested loops that are followed, as in ``for row in m: for x in row``


def weigh_usage(body: Sequence[ast.AST], name: str, depth: int = 0) -> list[tuple[Type, float]]:
    """Return weights for the types of the variable ``name`` from its uses in ``body``."""
    usage = _Usage(name, body, depth)
    for statement in body:
        usage.visit(statement)
    return [(parse_type(tag), weight) for tag, weight in usage.weights.items()] + usage.typed


class _Usage(ast.NodeVisitor):
    def __init__(self, name: str, body: Sequence[ast.AST], depth: int) -> None:
        self.name = name
        self.body = body
        self.depth = depth
        self.weights: Counter[str] = Counter()
        self.typed: list[tuple[Type, float]] = []

    def _is(self, node: ast.AST | None) -> bool:
        return isinstance(node, ast.Name) and node.id == self.name

    def _add(self, *hints: tuple[str, float]) -> None:
        for tag, weight in hints:
            self.weights[tag] += weight  # type: ignore[assignment]  # Counter's values may be floats

    def visit_Attribute(self, node: ast.Attribute) -> None:
        if self._is(node.value):
            self._add(*((tag, 2.5) for tag, methods in _METHODS.items() if node.attr in methods))
        self.generic_visit(node)

    def visit_Subscript(self, node: ast.Subscript) -> None:
        if isinstance(node.value, ast.Subscript) and self._is(node.value.value):
            self._add(("list[list[int]]", 2.5), ("list[tuple[int, int]]", 0.5))
        if self._is(node.value):
            key = node.slice.value if isinstance(node.slice, ast.Constant) else None
            keyed = (("dict[str, int]", 3.0),) if isinstance(key, str) else (("dict[str, int]", 0.2),)
            self._add(("list[int]", 1.0), ("str", 0.6), ("tuple[int, ...]", 0.3), *keyed)
        if self._is(node.slice):
            self._add(("int", 2.0), ("str", 0.3))
        self.generic_visit(node)

    def visit_For(self, node: ast.For) -> None:
        self._iteration(node.target, node.iter, node.body)
        self.generic_visit(node)

    def visit_ListComp(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp) -> None:
        self._comprehension(node.generators, [node.elt])
        self.generic_visit(node)

    visit_SetComp = visit_GeneratorExp = visit_ListComp

    def visit_DictComp(self, node: ast.DictComp) -> None:
        self._comprehension(node.generators, [node.key, node.value])
        self.generic_visit(node)

    def _comprehension(self, generators: Iterable[ast.comprehension], results: list[ast.expr]) -> None:
        for g in generators:
            self._iteration(g.target, g.iter, [*results, *g.ifs])

    def _iteration(self, target: ast.expr, iterated: ast.expr, body: Sequence[ast.AST]) -> None:
        match iterated:
            case ast.Call(func=ast.Name(id="enumerate"), args=[source, *_]) if isinstance(target, ast.Tuple):
                target = target.elts[-1]
            case ast.Call(func=ast.Name(id="sorted" | "reversed" | "iter" | "list" | "set"), args=[source, *_]):
                pass
            case _:
                source = iterated
        if not self._is(source):
            return
        if isinstance(target, ast.Tuple):
            self._add(("list[tuple[int, int]]", 4.0), ("list[list[int]]", 1.0))
            return
        self._add(("list[int]", 1.5), ("str", 0.7))
        if isinstance(target, ast.Name) and self.depth < _DEPTH:
            inner = weigh_usage(body, target.id, self.depth + 1)
            self.typed += [(list_of(kind), 1.2 * weight) for kind, weight in inner if kind.kind != "none"]

    def visit_BinOp(self, node: ast.BinOp) -> None:
        self._arithmetic(node.left, node.op, node.right)
        self.generic_visit(node)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        self._arithmetic(node.target, node.op, node.value)
        self.generic_visit(node)

    def _arithmetic(self, left: ast.expr, op: ast.operator, right: ast.expr) -> None:
        if not (self._is(left) or self._is(right)):
            return
        other = right if self._is(left) else left
        if isinstance(other, ast.Constant) and isinstance(other.value, int | float | str):
            formats = isinstance(op, ast.Mod) and isinstance(left, ast.Constant)
            self.typed += [] if formats else [(type_of(other.value), 1.5)]
        elif isinstance(op, _ARITHMETIC):
            self._add(("int", 2.0), ("float", 1.5))
        elif isinstance(op, _BITS):
            self._add(("int", 2.0), ("set[int]", 1.0))
        else:
            self._add(("int", 0.5), ("str", 0.3), ("list[int]", 0.3))

    def visit_UnaryOp(self, node: ast.UnaryOp) -> None:
        if self._is(node.operand) and isinstance(node.op, ast.USub | ast.Invert):
            self._add(("int", 2.0), ("float", 1.0))
        self.generic_visit(node)

    def visit_Compare(self, node: ast.Compare) -> None:
        parts = [node.left, *node.comparators]
        for left, op, right in zip(parts, node.ops, parts[1:], strict=False):
            self._comparison(left, op, right)
        self.generic_visit(node)

    def _comparison(self, left: ast.expr, op: ast.cmpop, right: ast.expr) -> None:
        if isinstance(op, ast.In | ast.NotIn):
            if self._is(right):
                self._add(("list[int]", 0.7), ("str", 0.7), ("dict[str, int]", 0.7), ("set[int]", 0.5))
            elif self._is(left):
                self.typed += [(kind, 1.5) for kind in _constant_types(right)]
            return
        if isinstance(left, ast.Subscript) and self._is(left.value) and str in _python_types(right):
            self._add(("str", 3.0 if isinstance(left.slice, ast.Slice) else 1.5))
        if self._is(left) or self._is(right):
            other = right if self._is(left) else left
            self.typed += [(kind, 2.0) for kind in _constant_types(other)]
            if isinstance(op, ast.Lt | ast.Gt | ast.LtE | ast.GtE):
                self._add(("int", 1.0), ("float", 0.7))

    def visit_Call(self, node: ast.Call) -> None:
        called = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        if called == "len" and any(isinstance(a, ast.Subscript) and self._is(a.value) for a in node.args):
            self._add(("list[list[int]]", 2.0), ("list[str]", 0.7))
        if any(map(self._is, node.args)):
            self._add(*_CALLS.get(called, ()))
            if called in _MATH:
                self._add(("float", 2.5), ("int", 1.0))
            if called == "join":
                self._add(("list[str]", 3.0))
            if called == "isinstance" and len(node.args) == 2:
                self.typed += [(kind, 3.0) for kind in _types_of_isinstance(node.args[1])]
        self.generic_visit(node)


def _python_types(node: ast.expr) -> set[type]:
    return {type(n.value) for n in ast.walk(node) if isinstance(n, ast.Constant)}


def _constant_types(node: ast.expr) -> list[Type]:
    if isinstance(node, ast.Tuple | ast.List | ast.Set):
        return [kind for item in node.elts[:3] for kind in _constant_types(item)]
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float | str):
        return [type_of(node.value)]
    return []


def _types_of_isinstance(node: ast.expr) -> list[Type]:
    names = {"int": "int", "str": "str", "float": "float", "list": "list[int]", "tuple": "tuple[int, ...]"}
    names |= {"dict": "dict[str, int]", "set": "set[int]", "bool": "bool"}
    nodes = node.elts if isinstance(node, ast.Tuple) else [node]
    return [parse_type(names[n.id]) for n in nodes if isinstance(n, ast.Name) and n.id in names]
