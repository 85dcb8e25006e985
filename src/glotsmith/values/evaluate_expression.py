"""Evaluate an expression over a result, outside the sandbox, with a limit on the number of steps."""

import ast
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, cast

from glotsmith.values.check_expressions import dotted_name, is_constant, named_types, parse_type_comparison
from glotsmith.values.check_functions import (
    COLLECTION_FUNCTIONS,
    CONSTANTS,
    FUNCTIONS,
    HASHING_FUNCTIONS,
    METHODS_OF,
    OPERATORS,
    ORDER_OPERATORS,
    SCALAR_FUNCTIONS,
    SORT_KEYS,
    ApproximateValue,
    EvaluationLimitExceeded,
    require_bounded,
)
from glotsmith.values.types import Value

MAX_STEPS = 1_000_000  #: largest number of steps of an evaluation


class ValueSemantics:
    """The equality and the types of the values of a language. This class has those of Python."""

    def same(self, expected: Value, actual: Value) -> bool:
        """Return whether ``actual`` equals the expected value."""
        return bool(expected == actual)

    def items(self, value: Value) -> Value:
        """Return a value as a collection."""
        return value

    def key(self, value: Value) -> Value:
        """Return the hashable value that represents a value in a set or as a key of a dict."""
        return value

    def is_a(self, value: Value, kind: type) -> bool:
        """Return whether a value is of a type."""
        return isinstance(value, kind)


PYTHON_SEMANTICS = ValueSemantics()


def evaluate_expression(
    node: ast.expr, names: Mapping[str, Value] | None = None, semantics: ValueSemantics = PYTHON_SEMANTICS
) -> Value:
    """Return the value of an expression that ``require_supported`` accepts.

    Raises:
        EvaluationLimitExceeded: The evaluation needs more than ``MAX_STEPS`` steps.
        TypeError, ValueError, LookupError, ArithmeticError, AttributeError: Python would raise it too.

    """
    return _Evaluator(semantics).value(node, dict(names or {}))


class _Evaluator:
    def __init__(self, semantics: ValueSemantics) -> None:
        self._semantics = semantics
        self._steps_left = MAX_STEPS

    def _count_steps(self, steps: int = 1) -> None:
        self._steps_left -= steps
        if self._steps_left < 0:
            raise EvaluationLimitExceeded

    def value(self, node: ast.expr, names: dict[str, Value]) -> Value:
        self._count_steps()
        match node:
            case ast.Constant(value=constant):
                return constant
            case ast.Name(id=name):
                return names[name]
            case ast.Attribute():
                return CONSTANTS[dotted_name(node)]
            case ast.BoolOp(op=op, values=parts):
                return self._boolean_operation(isinstance(op, ast.And), parts, names)
            case ast.IfExp(test=test, body=body, orelse=other):
                return self.value(body if self.value(test, names) else other, names)
            case ast.UnaryOp(op=op, operand=operand):
                value = self.value(operand, names)
                return not value if isinstance(op, ast.Not) else -value if isinstance(op, ast.USub) else +value
            case ast.Compare():
                return self._compare(node, names)
            case ast.BinOp():
                return self._arithmetic(node, names)
            case ast.Subscript(value=value, slice=index):
                return self._subscript(self.value(value, names), index, names)
            case ast.Call():
                return self._call(node, names)
            case _:
                return self._collection(node, names)

    def _collection(self, node: ast.expr, names: dict[str, Value]) -> Value:
        match node:
            case ast.List(elts=items):
                return [self.value(x, names) for x in items]
            case ast.Tuple(elts=items):
                return tuple(self.value(x, names) for x in items)
            case ast.Set(elts=items):
                return {self._semantics.key(self.value(x, names)) for x in items}
            case ast.Dict(keys=keys, values=values):
                pairs = zip(cast(list[ast.expr], keys), values, strict=True)
                return {self._semantics.key(self.value(k, names)): self.value(v, names) for k, v in pairs}
            case ast.SetComp():
                return {self._semantics.key(x) for x in self._comprehension(node.elt, node.generators, names)}
            case ast.ListComp() | ast.GeneratorExp():
                return list(self._comprehension(node.elt, node.generators, names))
            case _:
                raise TypeError(ast.unparse(node))

    def _boolean_operation(self, all_: bool, parts: list[ast.expr], names: dict[str, Value]) -> Value:
        value: Value = all_
        for part in parts:
            value = self.value(part, names)
            if bool(value) is not all_:
                break
        return value

    def _comprehension(
        self, elt: ast.expr, generators: list[ast.comprehension], names: dict[str, Value]
    ) -> Iterator[Value]:
        if not generators:
            yield self.value(elt, names)
            return
        first, *rest = generators
        for item in self._items(self.value(first.iter, names)):
            inner = {**names, **_bind_target(first.target, item)}
            if all(self.value(condition, inner) for condition in first.ifs):
                yield from self._comprehension(elt, rest, inner)

    def _items(self, value: Value) -> list[Value]:
        """Return the elements of a collection as a new list."""
        value = self._semantics.items(value)
        if isinstance(value, range | list | tuple | str | dict | set | frozenset):
            self._count_steps(len(cast(list[Value], value)))
            return list(cast(list[Value], value))
        raise TypeError(f"{type(value).__name__} is not a collection")

    # ------------------------------------------------------------------------------------------- comparison

    def _compare(self, node: ast.Compare, names: dict[str, Value]) -> bool:
        if typed := parse_type_comparison(node):
            subject, kinds, wanted = typed
            value = self.value(subject, names)
            exact = [k for k in kinds if self._semantics.is_a(value, k) and not (isinstance(value, bool) and k is int)]
            return bool(exact) is wanted
        left, left_node = self.value(node.left, names), node.left
        for op, right_node in zip(node.ops, node.comparators, strict=True):
            right = self.value(right_node, names)
            swapped = is_constant(right_node) and not is_constant(left_node)
            if not self._is_true(op, left, right, swapped):
                return False
            left, left_node = right, right_node
        return True

    def _is_true(self, op: ast.cmpop, left: Value, right: Value, swapped: bool) -> bool:
        match op:
            case ast.Eq() | ast.Is():
                return self._equal(left, right, swapped)
            case ast.NotEq() | ast.IsNot():
                return not self._equal(left, right, swapped)
            case ast.In() | ast.NotIn():
                return self._contains(left, right, swapped) is isinstance(op, ast.In)
            case _:
                self._count_steps(_visit_steps(left))
                return bool(ORDER_OPERATORS[type(op)](left, right))

    def _equal(self, left: Value, right: Value, swapped: bool) -> bool:
        expected, actual = (right, left) if swapped else (left, right)
        self._count_steps(_visit_steps(expected))
        if isinstance(actual, ApproximateValue):
            expected, actual = actual, expected
        if isinstance(expected, ApproximateValue):
            return expected.accepts(actual)
        return self._semantics.same(expected, actual)

    def _contains(self, left: Value, right: Value, swapped: bool) -> bool:
        if isinstance(right, str):
            self._count_steps(_visit_steps(right))
            if isinstance(left, str):
                return left in right
            raise TypeError("only a string can be in a string")
        return any(self._equal(left, item, swapped) for item in self._items(right))

    # --------------------------------------------------------------------------------------- other operations

    def _arithmetic(self, node: ast.BinOp, names: dict[str, Value]) -> Value:
        left, right = self.value(node.left, names), self.value(node.right, names)
        self._count_steps(_operation_steps(node.op, left, right))
        return require_bounded(OPERATORS[type(node.op)](left, right))

    def _subscript(self, whole: Value, index: ast.expr, names: dict[str, Value]) -> Value:
        value: Any = self._semantics.items(whole)
        if isinstance(index, ast.Slice):
            ends = [None if p is None else self.value(p, names) for p in (index.lower, index.upper, index.step)]
            self._count_steps(len(value))
            return value[slice(*ends)]
        key = self.value(index, names)
        if isinstance(value, dict) and key not in value:
            found = [k for k in cast(dict[Value, Value], value) if self._semantics.same(key, k)]
            key = found[0] if found else str(key)
        return cast(Value, value[key])

    def _call(self, node: ast.Call, names: dict[str, Value]) -> Value:
        name = dotted_name(node.func)
        if name == "isinstance":
            subject = self.value(node.args[0], names)
            return any(self._semantics.is_a(subject, kind) for kind in named_types(node.args[1]))
        keywords = {
            cast(str, k.arg): SORT_KEYS[dotted_name(k.value)] if k.arg == "key" else self.value(k.value, names)
            for k in node.keywords
        }
        arguments = [self.value(a, names) for a in node.args]
        if name in FUNCTIONS:
            return self._function(name, arguments, keywords)
        subject = self.value(cast(ast.Attribute, node.func).value, names)
        return self._method(subject, cast(ast.Attribute, node.func).attr, arguments)

    def _function(self, name: str, arguments: list[Value], keywords: dict[str, Any]) -> Value:
        if name in SCALAR_FUNCTIONS:
            return SCALAR_FUNCTIONS[name](*arguments, **keywords)
        if name in COLLECTION_FUNCTIONS:
            first, *rest = [self._items(a) for a in arguments[:1]] + arguments[1:] or [[]]
            self._count_steps(_visit_steps(rest) * len(first))  # sum(lists, [])
            if name == "sum" and rest:
                self._count_steps(_visit_steps(first) * len(first))
            return COLLECTION_FUNCTIONS[name](first, *rest, **keywords)
        if name in HASHING_FUNCTIONS:
            keys = map(self._semantics.key, self._items(arguments[0]) if arguments else ())
            return dict(Counter(keys)) if name.endswith("Counter") else set(keys)
        match name:
            case "len":
                (value,) = arguments
                return len(self._semantics.items(value))
            case "range":
                return range(*arguments)
            case "zip":
                return list(zip(*map(self._items, arguments), strict=False))
            case "dict":
                return self._dict(arguments, keywords)
            case _:
                few = arguments if len(arguments) > 1 else self._items(arguments[0])
                return (min if name == "min" else max)(few, **keywords)

    def _dict(self, arguments: list[Value], keywords: dict[str, Any]) -> Value:
        first: Any = arguments[0] if arguments else {}
        pairs: Any = self._items(list(cast(dict[Value, Value], first).items()) if isinstance(first, dict) else first)
        return {self._semantics.key(k): v for k, v in pairs} | keywords

    def _method(self, subject: Value, name: str, arguments: list[Value]) -> Value:
        if name == "join" and isinstance(subject, str):
            items = self._items(arguments[0])
            self._count_steps(len(subject) * len(items))
            return subject.join(items)
        allowed = next((names for kind, names in METHODS_OF.items() if isinstance(subject, kind)), frozenset[str]())
        if name not in allowed:
            raise AttributeError(name)
        self._count_steps(len(subject) if not isinstance(subject, float) else 1)
        if isinstance(subject, dict) and name != "get":
            view = list(getattr(cast(dict[Value, Value], subject), name)())
            return view if name == "values" else set(view)
        if isinstance(subject, set):
            subject = cast(set[Value], subject)
            arguments = [{self._semantics.key(x) for x in self._items(a)} for a in arguments]
        return getattr(cast(Any, subject), name)(*arguments)


def _bind_target(target: ast.expr, item: Value) -> dict[str, Value]:
    if isinstance(target, ast.Name):
        return {target.id: item}
    parts = cast(ast.Tuple, target).elts
    return {
        k: v for part, x in zip(parts, cast(list[Value], item), strict=True) for k, v in _bind_target(part, x).items()
    }


def _visit_steps(value: Value) -> int:
    """Return the number of steps for a visit of all parts of a value."""
    match value:
        case str():
            return 1 + len(value) // 16
        case list() | tuple() | set() | frozenset():
            return 1 + sum(map(_visit_steps, cast(list[Value], value)))
        case dict():
            pairs = cast(dict[Value, Value], value)
            return 1 + sum(map(_visit_steps, pairs)) + sum(map(_visit_steps, pairs.values()))
        case _:
            return 1


def _operation_steps(op: ast.operator, left: Value, right: Value) -> int:
    """Return the number of steps of an operation: the length of its collection, or the bits of its number."""
    sizes = [len(cast(list[Value], v)) if isinstance(v, str | list | tuple | set | dict) else 0 for v in (left, right)]
    if isinstance(op, ast.Mult) and any(sizes):
        times = right if sizes[0] else left
        return max(sizes) * max(times, 1) if isinstance(times, int) else 1
    if isinstance(op, ast.Pow) and isinstance(left, int) and isinstance(right, int):
        return left.bit_length() * max(right, 0) * 8 + 1
    return sum(sizes) + 1
