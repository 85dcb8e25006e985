"""Choose the cases of a suite from observed calls, so that they cover all arcs and return many different values."""

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import reduce
from typing import cast

import msgspec

from glotsmith.suites.inputs import Arguments, has_exact_integers
from glotsmith.values import ANY, Type, Value, literal, type_of, unite

TARGET_CASES = 12  #: number of cases up to which generated calls are added
MAX_CASES = 20  #: largest number of cases
STRICT_ARC_SHARE = 0.9  #: share of covered arcs above which no call with other types is added


class ObservedCall(msgspec.Struct, frozen=True):
    """A call that returned a literal."""

    arguments: Arguments
    writer: str
    value: Value
    arcs: frozenset[str]
    returned: str = ""  #: the value in the form in which the runner wrote it

    @property
    def kinds(self) -> tuple[Type, ...]:
        """The types of the arguments, followed by the type of the result."""
        return (*map(type_of, self.arguments), type_of(self.value))

    @property
    def text(self) -> str:
        """The arguments as a literal. Calls with equal text are equal."""
        return literal(self.arguments)


def choose_cases(calls: Sequence[ObservedCall], base: Sequence[Type]) -> list[ObservedCall]:
    """Return up to ``MAX_CASES`` calls, in the order in which they were chosen.

    Args:
        calls: In order of preference.
        base: Types that the arguments of most cases must have (``any`` for an unknown type).

    """
    chosen = _ChosenCases(base)
    distinct = list({t.text: t for t in reversed(calls)}.values())[::-1]
    fitting = [t for t in distinct if not contains_mixed(chosen.united(t))] or distinct
    chosen.cover(fitting)
    chosen.cover(distinct)
    chosen.vary([t for t in fitting if t.writer != "generated"], MAX_CASES)
    generated = [t for t in fitting if t.writer == "generated" and _is_portable(t)]
    chosen.vary(generated, TARGET_CASES)
    chosen.add_line_break(generated)
    return chosen.calls


def further_cases(
    chosen: Sequence[ObservedCall], calls: Sequence[ObservedCall], base: Sequence[Type]
) -> list[ObservedCall]:
    """Return the calls that may be added: they keep the types, and every language can represent their values.

    Args:
        chosen: The cases of a suite.
        calls: In order of preference.
        base: Types of the arguments, as in ``choose_cases``.

    """
    suite = _ChosenCases(base)
    for call in chosen:
        suite.take(call)
    texts = {call.text for call in chosen}
    distinct = {call.text: call for call in reversed(calls) if call.text not in texts}
    return [call for call in reversed(distinct.values()) if _is_portable(call) and suite.keeps(call)]


def contains_mixed(kinds: Iterable[Type]) -> bool:
    """Return whether a type is, or contains, the type of values without a common type."""
    return any(k.kind == "mixed" or contains_mixed(k.args) for k in kinds)


def contains_line_break(value: Value) -> bool:
    """Return whether a value is, or contains, a text with a line break."""
    if isinstance(value, dict):
        entries = cast("dict[Value, Value]", value)
        return any(map(contains_line_break, (*entries.keys(), *entries.values())))
    if isinstance(value, list | tuple | set | frozenset):
        return any(map(contains_line_break, cast("Iterable[Value]", value)))
    return isinstance(value, str) and "\n" in value


def _is_portable(call: ObservedCall) -> bool:
    """Return whether every language can represent the values: ASCII text and exact integers."""
    return call.text.isascii() and literal(call.value).isascii() and has_exact_integers(call.value)


class _ChosenCases:
    def __init__(self, base: Sequence[Type]) -> None:
        self.calls: list[ObservedCall] = []
        self.kinds: tuple[Type, ...] = (*base, ANY)
        self._arcs: set[str] = set()
        self._results: Counter[str] = Counter()

    def united(self, call: ObservedCall) -> tuple[Type, ...]:
        return tuple(map(unite, self.kinds, call.kinds))

    def take(self, call: ObservedCall) -> None:
        self.calls.append(call)
        self.kinds = self.united(call)
        self._arcs |= call.arcs
        self._results[literal(call.value)] += 1

    def cover(self, calls: Sequence[ObservedCall]) -> None:
        """Repeatedly take the first call that adds most arcs. Calls that change the types are taken last."""
        enough = STRICT_ARC_SHARE * len(frozenset[str]().union(*(t.arcs for t in calls)))
        for allowed in (self.keeps, self._fits, _always):
            while len(self.calls) < MAX_CASES and not (allowed is _always and len(self._arcs) >= enough):
                gains = [(len(t.arcs - self._arcs), t) for t in calls if allowed(t)]
                best = max((gain for gain, _ in gains), default=0)
                if best == 0:
                    break
                among = [t for gain, t in gains if gain == best]
                self.take(next((t for t in among if _is_portable(t)), among[0]))

    def vary(self, calls: Sequence[ObservedCall], limit: int) -> None:
        """Add cases that keep the types, up to ``limit`` in all; those with the rarest results are first."""
        left = [t for t in calls if t not in self.calls]
        while left and len(self.calls) < limit:
            rarity = [(self._results[literal(t.value)], n) for n, t in enumerate(left)]
            call = left.pop(min(rarity)[1])
            if self.keeps(call) or (call.writer != "generated" and self._fits(call)):
                self.take(call)

    def add_line_break(self, calls: Sequence[ObservedCall]) -> None:
        """Add the first case with a line break in an argument, unless there is one.

        Programs in line-oriented languages often lose line breaks. No mutant of the Python original loses them.
        """
        if len(self.calls) < MAX_CASES and not any(contains_line_break(t.arguments) for t in self.calls):
            found = next((t for t in calls if contains_line_break(t.arguments) and self.keeps(t)), None)
            if found:
                self.take(found)

    def _fits(self, call: ObservedCall) -> bool:
        """Return whether a case has types in common with the chosen ones."""
        after = self.united(call)
        return not contains_mixed(after) or after == self.kinds

    def keeps(self, call: ObservedCall) -> bool:
        """Return whether a case keeps the known types of the arguments and does not make the result optional."""
        after = self.united(call)
        same = all(a == b or _is_open(a) for a, b in zip(self.kinds[:-1], after[:-1], strict=True))
        result = self.kinds[-1].kind in (after[-1].kind, "any") or after[-1].kind not in ("optional", "mixed")
        return same and result and self._fits(call)


def _always(_: ObservedCall) -> bool:
    return True


def _is_open(kind: Type) -> bool:
    """Return whether a part of a type is unknown."""
    return kind == ANY or any(map(_is_open, kind.args))


def unite_columns(rows: Sequence[Sequence[Type]]) -> tuple[Type, ...]:
    """Return the united types of each column."""
    return tuple(reduce(unite, column) for column in zip(*rows, strict=True))
