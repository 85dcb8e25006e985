"""Generate calls: one for each guess of types, many for known types, and mutations of calls that returned a value."""

import heapq
import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from random import Random
from typing import cast

from glotsmith.suites.parameters import SourceParameter
from glotsmith.suites.value_pools import SourceConstants, value_pool
from glotsmith.values import Type, Value, literal

Arguments = tuple[Value, ...]

MAX_TEXT = 400  #: largest number of characters of the arguments of a call
MAX_INT = 2**53  #: largest integer that is exact in every language


def heaviest_combinations(
    ranked: Sequence[Sequence[tuple[Type, float]]], limit: int
) -> list[tuple[tuple[Type, ...], float]]:
    """Return the ``limit`` heaviest combinations of one type per parameter, heaviest first, with their weights."""
    start = tuple(0 for _ in ranked)
    heap, seen = [(-_weight(ranked, start), start)], {start}
    found: list[tuple[tuple[Type, ...], float]] = []
    while heap and len(found) < limit:
        weight, ranks = heapq.heappop(heap)
        found.append((tuple(r[i][0] for r, i in zip(ranked, ranks, strict=True)), -weight))
        for position, rank in enumerate(ranks):
            after = (*ranks[:position], rank + 1, *ranks[position + 1 :])
            if after not in seen and rank + 1 < len(ranked[position]):
                seen.add(after)
                heapq.heappush(heap, (-_weight(ranked, after), after))
    return found


def _weight(ranked: Sequence[Sequence[tuple[Type, float]]], ranks: Sequence[int]) -> float:
    return sum(r[i][1] for r, i in zip(ranked, ranks, strict=True))


def zip_pools(pools: Sequence[Sequence[Value]], count: int) -> list[Arguments]:
    """Return ``count`` calls. The first one has the first value of every pool, the second one the second values."""
    return [tuple(p[min(n, len(p) - 1)] for p in pools) for n in range(count)]


def generate_calls(
    kinds: Sequence[Type], parameters: Sequence[SourceParameter], constants: SourceConstants, random: Random, count: int
) -> list[Arguments]:
    """Return up to ``count`` different calls with given types.

    The first calls change one parameter of the default call; the others have random values for all parameters.
    """
    pools = [value_pool(k, constants, random) for k in kinds]
    base = tuple(p.default.value if p.default else q[0] for p, q in zip(parameters, pools, strict=True))
    singles = [(*base[:i], v, *base[i + 1 :]) for v_at in itertools.zip_longest(*pools, fillvalue=_GAP)
               for i, v in enumerate(v_at) if v is not _GAP]  # fmt: skip
    mixed = (tuple(map(random.choice, pools)) for _ in range(4 * count))
    varied = (call for pair in zip(mixed, singles, strict=False) for call in pair)
    return _distinct([base, *itertools.islice(varied, count // 2), *_equal_arguments(pools, random), *mixed], count)


_GAP = object()


_SIZED = (list, tuple, str, set, dict)


def _equal_arguments(pools: Sequence[Sequence[Value]], random: Random) -> Iterator[Arguments]:
    """Yield calls whose sequences have equal lengths, and calls whose arguments are equal."""
    sized: list[list[Value]] = [[v for v in p if isinstance(v, _SIZED)] for p in pools]
    if sum(map(bool, sized)) < 2:
        return
    for _ in range(30):
        first = random.choice(next(p for p in sized if p))
        same = [[v for v in p if len(v) == len(first)] or list(q) for p, q in zip(sized, pools, strict=True)]
        yield tuple(map(random.choice, same))
    for value in random.sample(list(sized[0]), k=min(6, len(sized[0]))):
        yield tuple(value if value in p else p[0] for p in pools)


def mutate_calls(seeds: Sequence[Arguments], constants: SourceConstants, random: Random, count: int) -> list[Arguments]:
    """Return up to ``count`` different calls that are made of ``seeds`` by one to three small changes."""
    if not seeds:
        return []
    found: list[Arguments] = []
    for _ in range(3 * count):
        arguments = list(random.choice(seeds))
        for _ in range(random.choice((1, 1, 2, 3))):
            index = random.randrange(len(arguments))
            arguments[index] = _change(arguments[index], constants, random)
        found.append(tuple(arguments))
    return _distinct(found, count)


def _change(value: Value, constants: SourceConstants, random: Random) -> Value:
    """Return a similar value of the same type."""
    match value:
        case bool():
            return not value
        case int():
            return random.choice((value + 1, value - 1, -value, value * 2, value // 2, value + 10, 0, *constants.ints))
        case float():
            whole = float(round(value)) if math.isfinite(value) else 0.0
            return random.choice((value + 1.0, -value, value / 2, value * 10, whole, *constants.floats))
        case str():
            return _change_text(value, constants, random)
        case list():
            return _change_items(cast(list[Value], value), constants, random)
        case tuple():
            return _change_one_item(cast(tuple[Value, ...], value), constants, random)
        case set():
            return set(_change_items(sorted(cast(set[Value], value), key=_sort_text), constants, random))
        case dict():
            return _change_pairs(list(cast(dict[Value, Value], value).items()), constants, random)
        case _:
            return value


def _sort_text(value: Value) -> str:
    """Return a text of a value to sort by: its literal, or its type if it has an integer of over 4300 digits."""
    try:
        return repr(value)
    except ValueError:
        return type(value).__name__


def _change_text(text: str, constants: SourceConstants, random: Random) -> str:
    i, j = sorted((random.randint(0, len(text)), random.randint(0, len(text))))
    piece = random.choice((*constants.strings, "a", "b", "1", "0", " ", "-", ".", "A"))
    return random.choice(
        (text[:i] + text[j:], text[:i] + piece + text[i:], text[:i] + piece + text[j:], text + text[i:j],
         text.swapcase(), text[::-1], piece, text[i:j])
    )[:60]  # fmt: skip


def _change_items(items: list[Value], constants: SourceConstants, random: Random) -> list[Value]:
    if not items:
        return items
    i, j = random.randrange(len(items)), random.randrange(len(items))
    changed = [*items[:i], _change(items[i], constants, random), *items[i + 1 :]]
    doubled = [*items, items[i]]
    swapped = [items[j] if n == i else items[i] if n == j else x for n, x in enumerate(items)]
    return random.choice((changed, changed, items[:i] + items[i + 1 :], doubled[:12], swapped, items[::-1]))


def _change_one_item(items: tuple[Value, ...], constants: SourceConstants, random: Random) -> tuple[Value, ...]:
    """Return a tuple with one changed item. (Each position of a tuple has its own type.)"""
    if not items:
        return items
    i = random.randrange(len(items))
    return (*items[:i], _change(items[i], constants, random), *items[i + 1 :])


def _change_pairs(pairs: list[tuple[Value, Value]], constants: SourceConstants, random: Random) -> dict[Value, Value]:
    if not pairs:
        return {}
    i = random.randrange(len(pairs))
    key, value = pairs[i]
    new = random.choice(((key, _change(value, constants, random)), (_change(key, constants, random), value), None))
    try:
        return dict([*pairs[:i], *([new] if new else []), *pairs[i + 1 :]])
    except TypeError:
        return dict(pairs)


def _distinct(calls: Sequence[Arguments], count: int) -> list[Arguments]:
    found: dict[str, Arguments] = {}
    for call in calls:
        if has_exact_integers(call) and len(text := literal(call)) <= MAX_TEXT:  # large integers have no literal
            found.setdefault(text, call)
        if len(found) == count:
            break
    return list(found.values())


def has_exact_integers(value: Value) -> bool:
    """Return whether every integer in a value is exact in every language."""
    if isinstance(value, int):
        return abs(value) <= MAX_INT
    if isinstance(value, dict):
        return all(has_exact_integers(k) and has_exact_integers(v) for k, v in cast(dict[Value, Value], value).items())
    if isinstance(value, list | tuple | set | frozenset):
        return all(map(has_exact_integers, cast(Iterable[Value], value)))
    return True
