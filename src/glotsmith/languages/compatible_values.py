"""Decide whether one result can equal two expected values, by the equality of a language."""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, cast

from glotsmith.languages.card import Equality
from glotsmith.records import ABSOLUTE_TOLERANCE, TOLERANCE
from glotsmith.values import Value

ValuePairs = list[tuple[Value, Value]]
_SCALARS = (bool, int, float, str)


class Tolerance(NamedTuple):
    """The accepted distance of a float from the expected one; the larger of both tolerances counts."""

    relative: float = TOLERANCE  #: relative tolerance, a fraction of the larger number
    absolute: float = ABSOLUTE_TOLERANCE  #: the distance itself, which matters near zero

    def is_close(self, a: float, b: float) -> bool:
        """Return whether two numbers are within the tolerance; nan and infinities are close only to themselves."""
        try:
            if math.isnan(a) or math.isnan(b):
                return math.isnan(a) and math.isnan(b)
            return math.isclose(a, b, rel_tol=self.relative, abs_tol=self.absolute)
        except OverflowError:  # an int too large for a float
            return a == b


class ValueCompatibility(NamedTuple):
    """Decides which pairs of expected values one result of a language can equal."""

    equality: Equality
    tolerance: Tolerance = Tolerance()

    def are_compatible(self, a: Value, b: Value) -> bool:
        """Return whether a result can equal both expected values."""
        a, b = self._unwrapped(a, b), self._unwrapped(b, a)
        if isinstance(a, bool | None) or isinstance(b, bool | None):
            return bool(self._accepted(a) & self._accepted(b))
        if isinstance(a, int | float) and isinstance(b, int | float):
            return self._numbers(a, b)
        if isinstance(a, _SCALARS) and isinstance(b, _SCALARS):
            return bool(a == b)
        if self.equality.empty_is_one and _is_empty(a) and _is_empty(b):
            return True
        if isinstance(a, dict) or isinstance(b, dict):
            return self._maps(self._pairs(a), self._pairs(b))
        if isinstance(a, set) and isinstance(b, set):
            return _matched(cast(set[Value], a), cast(set[Value], b), self.are_compatible)
        if self.equality.set_is_list and (isinstance(a, set) or isinstance(b, set)):
            return _are_collections(a, b) and _matched(_items(a), _items(b), self.are_compatible)
        return self._sequences(a, b)

    def _accepted(self, value: Value) -> set[str]:
        """Return the names of the constants that the language accepts for a value."""
        e, names = self.equality, {repr(value)}
        if e.false_is_none and value is None:
            names.add("False")
        if e.bool_is_number and isinstance(value, bool):
            names |= {"1"} if value else {"0", "''"}
        if e.bool_is_number and isinstance(value, float) and value.is_integer():
            names.add(str(int(value)))
        if e.null_is_empty and e.empty_is_one and _is_empty(value):
            names |= self._accepted(None)
        return names

    def _numbers(self, a: float, b: float) -> bool:
        one_type = self.equality.int_is_float or self.equality.float_accepts_int
        if isinstance(a, int) and isinstance(b, int):
            return a == b
        return (one_type or type(a) is type(b)) and self.tolerance.is_close(a, b)

    def _unwrapped(self, value: Value, other: Value) -> Value:
        """Return the only item of a list that is compared with a scalar, if scalars are vectors in the language."""
        singleton = self.equality.scalar_is_singleton and isinstance(other, _SCALARS)
        if singleton and isinstance(value, list | tuple) and len(cast(Sequence[Value], value)) == 1:
            [item] = cast(Sequence[Value], value)
            return item if isinstance(item, _SCALARS) else cast(Value, value)
        return cast(Value, value)

    def _sequences(self, a: Value, b: Value) -> bool:
        if not (isinstance(a, list | tuple) and isinstance(b, list | tuple)):
            return False
        left, right = cast(Sequence[Value], a), cast(Sequence[Value], b)
        same_type = self.equality.list_is_tuple or isinstance(a, list) == isinstance(b, list)
        return same_type and len(left) == len(right) and all(map(self.are_compatible, left, right))

    def _pairs(self, value: Value) -> ValuePairs | None:
        """Return the entries of a dict, or of a list if the language has one type for both."""
        e = self.equality
        if isinstance(value, dict):
            entries = list(cast(dict[Value, Value], value).items())
        elif isinstance(value, list | tuple) and e.map_from_list:
            entries = list(enumerate(cast(Sequence[Value], value), e.first_key))
        else:
            return None
        return [(str(k) if e.keys_are_text and type(k) is int else k, v) for k, v in entries]

    def _maps(self, a: ValuePairs | None, b: ValuePairs | None) -> bool:
        return a is not None and b is not None and _matched(a, b, self._entries)

    def _entries(self, a: tuple[Value, Value], b: tuple[Value, Value]) -> bool:
        return self.are_compatible(a[0], b[0]) and self.are_compatible(a[1], b[1])


def _are_collections(*values: Value) -> bool:
    return all(isinstance(value, set | list | tuple) for value in values)


def _items(value: Value) -> Iterable[Value]:
    return cast(Iterable[Value], value)


def _is_empty(value: Value) -> bool:
    return isinstance(value, list | tuple | dict | set) and not value


def _matched(a: Iterable[Value], b: Iterable[Value], same: Callable[[Value, Value], bool]) -> bool:
    """Return whether the elements of both can be matched in pairs, in any order."""
    rest = list(b)
    for x in a:
        at = next((i for i, y in enumerate(rest) if same(x, y)), None)
        if at is None:
            return False
        del rest[at]
    return not rest
