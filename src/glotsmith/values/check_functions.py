"""The functions, methods and operators of Python that a check may use, with bounds on their results."""

import ast
import math
import operator
from collections.abc import Callable, Iterable, Mapping
from typing import Any, cast

from glotsmith.values.types import Value

_MAX_ROUND_DIGITS = 400  #: largest number of decimal places of ``round``
_LARGEST_INT = 10**1000  #: largest result of arithmetic


class EvaluationLimitExceeded(Exception):
    """An evaluation exceeds the limit on steps or on the size of a number."""


class ApproximateValue:
    """A number, or a collection of numbers, with a tolerance, as ``approx`` of pytest."""

    def __init__(self, expected: Value, rel: float | None = None, abs: float | None = None) -> None:
        self.expected = expected
        self.relative = 1e-6 if rel is None and abs is None else rel or 0.0
        self.absolute = 1e-12 if abs is None else abs

    def accepts(self, actual: Value) -> bool:
        """Return whether a value is within the tolerance; a collection must also have the same shape."""
        return self._accepts(self.expected, actual)

    def _accepts(self, expected: Value, actual: Value) -> bool:
        match expected:
            case list() | tuple():
                items = cast(list[Value], expected)
                return (
                    isinstance(actual, list | tuple)
                    and len(items) == len(cast(list[Value], actual))
                    and all(map(self._accepts, items, cast(list[Value], actual)))
                )
            case dict():
                pairs = cast(dict[Value, Value], expected)
                return (
                    isinstance(actual, dict)
                    and pairs.keys() == cast(dict[Value, Value], actual).keys()
                    and all(self._accepts(v, cast(dict[Value, Value], actual)[k]) for k, v in pairs.items())
                )
            case int() | float() if isinstance(actual, int | float):
                return math.isclose(expected, actual, rel_tol=0.0, abs_tol=self._tolerance_of(expected))
            case _:
                return bool(expected == actual)

    def _tolerance_of(self, expected: float) -> float:
        return max(self.relative * math.fabs(expected), self.absolute) if math.isfinite(expected) else 0.0


TYPES: Mapping[str, type] = {t.__name__: t for t in (int, float, str, bool, list, tuple, dict, set, frozenset)}
MODULES = frozenset({"math", "pytest", "collections", "np", "numpy"})
CONSTANTS: Mapping[str, float] = {
    **{f"math.{name}": getattr(math, name) for name in ("pi", "e", "tau", "inf", "nan")},
    **{f"{numpy}.{name}": getattr(math, name) for numpy in ("np", "numpy") for name in ("pi", "inf", "nan")},
}
METHODS_OF: Mapping[type, frozenset[str]] = {
    str: frozenset(
        {"lower", "upper", "strip", "lstrip", "rstrip", "split", "splitlines", "startswith", "endswith", "count"}
        | {"isdigit", "isalpha", "isalnum", "isupper", "islower", "isspace", "find", "index", "title", "swapcase"}
    ),
    list: frozenset({"count", "index"}),
    tuple: frozenset({"count", "index"}),
    dict: frozenset({"keys", "values", "items", "get"}),
    set: frozenset({"issubset", "issuperset", "isdisjoint", "union", "intersection", "difference"}),
    float: frozenset({"is_integer"}),
}
METHODS = frozenset[str]({"join"}).union(*METHODS_OF.values())

OPERATORS: Mapping[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.Div: lambda a, b: a / b,
    ast.FloorDiv: lambda a, b: a // b,
    ast.Mod: lambda a, b: _remainder(a, b),
    ast.Pow: lambda a, b: a**b,
    ast.BitAnd: lambda a, b: a & b,
    ast.BitOr: lambda a, b: a | b,
    ast.BitXor: lambda a, b: a ^ b,
}
ORDER_OPERATORS: Mapping[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}


def _reversed(items: list[Any]) -> list[Any]:
    return items[::-1]


def _enumerate(items: list[Any], start: int = 0) -> list[tuple[int, Any]]:
    return list(enumerate(items, start))


def _product(items: Iterable[Any]) -> Any:
    result: Any = 1
    for item in items:
        result = require_bounded(result * item)
    return result


def require_bounded(value: Any) -> Any:
    """Return a result of arithmetic if it is not too large.

    Raises:
        EvaluationLimitExceeded: The result is an int of more than 1,000 digits.

    """
    if isinstance(value, int) and abs(value) > _LARGEST_INT:
        raise EvaluationLimitExceeded
    return value


def _round(number: Any, digits: int | None = None) -> Any:
    """Return a rounded number. Refuse a number of digits for which Python needs too much time."""
    if digits is not None and abs(digits) > _MAX_ROUND_DIGITS:
        raise EvaluationLimitExceeded
    return round(number, digits)


def _all_close(a: Value, b: Value, rtol: float = 1e-5, atol: float = 1e-8) -> bool:
    """Return whether all numbers of ``a`` are close to those of ``b``, as numpy's ``allclose`` defines it."""
    match b:
        case list() | tuple() if isinstance(a, list | tuple):
            pairs = cast(list[Value], a), cast(list[Value], b)
            return len(pairs[0]) == len(pairs[1]) and all(_all_close(x, y, rtol, atol) for x, y in zip(*pairs))  # noqa: B905
        case int() | float() if isinstance(a, int | float):
            return a == b or abs(a - b) <= atol + rtol * abs(b)
        case _:
            raise TypeError("the values are not numbers")


#: functions that take their arguments unchanged
SCALAR_FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "abs": abs,
    "round": _round,
    "str": str,
    "repr": repr,
    "int": int,
    "float": float,
    "bool": bool,
    "ord": ord,
    "chr": chr,
    "divmod": divmod,
    "approx": ApproximateValue,
    "pytest.approx": ApproximateValue,
    "math.isclose": math.isclose,
    "isclose": math.isclose,
    "math.isnan": math.isnan,
    "math.isinf": math.isinf,
    "math.isfinite": math.isfinite,
    "math.floor": math.floor,
    "math.ceil": math.ceil,
    "math.fabs": math.fabs,
    "math.sqrt": math.sqrt,
    "math.gcd": math.gcd,
    **{f"{numpy}.{name}": _all_close for numpy in ("np", "numpy") for name in ("isclose", "allclose")},
}
#: functions whose first argument is a collection, passed to them as a list
_sum: Callable[..., Any] = sum
COLLECTION_FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "sorted": cast(Callable[..., Any], sorted),
    "list": list[Any],
    "tuple": tuple[Any, ...],
    "sum": _sum,
    "any": any,
    "all": all,
    "reversed": _reversed,
    "enumerate": _enumerate,
    "math.fsum": math.fsum,
    "math.prod": _product,
}
HASHING_FUNCTIONS = frozenset({"set", "frozenset", "Counter", "collections.Counter"})
OTHER_FUNCTIONS = frozenset({"len", "min", "max", "zip", "dict", "range", "isinstance", "type"})
FUNCTIONS = frozenset({*SCALAR_FUNCTIONS, *COLLECTION_FUNCTIONS, *HASHING_FUNCTIONS, *OTHER_FUNCTIONS})


def _remainder(left: Any, right: Any) -> Any:
    """Return a remainder. Refuse ``%`` formats, because their width is unlimited."""
    if isinstance(left, str):
        raise TypeError("% formats of strings are not supported")
    return left % right


SORT_KEYS: Mapping[str, Callable[[Any], Any]] = {"len": len, "abs": abs, "str": str, "int": int, "str.lower": str.lower}
