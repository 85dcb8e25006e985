"""The third writer: find the types of a function's arguments by trying them, then inputs that cover its body.

It needs at most three runs of the sandbox: known calls or guesses of types, inputs of the types that are found, and
mutations of the calls that returned a value.
"""

import ast
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from random import Random

from glotsmith.records import Function
from glotsmith.suites.case_selection import ObservedCall, contains_mixed, unite_columns
from glotsmith.suites.function_runner import CallBatch, CallResult, FunctionRunner
from glotsmith.suites.inputs import (
    Arguments,
    generate_calls,
    has_exact_integers,
    heaviest_combinations,
    mutate_calls,
    zip_pools,
)
from glotsmith.suites.parameters import SourceParameter, body_lines
from glotsmith.suites.raising import raising_lines
from glotsmith.suites.type_weights import rank_types
from glotsmith.suites.value_pools import collect_constants, value_pool
from glotsmith.values import MIXED, NotLiteral, Type, Value, literal, parse_value, type_of

_HASH_SEED = 3
_CPU_S = 0.25  #: CPU seconds a call; validation allows four times as much
_SIZE = 600  #: characters of a result
_GUESSES = 150  #: combinations of types to try …
_PLAIN = 3  #: … with so many calls each for the first hundred, two for the rest
_GENERATED = 160
_MUTATED = 140
_SHARES = (120, 80, 60)  #: calls for the likeliest combinations of types
_SEEDS = 40

WeightedTypes = tuple[tuple[Type, ...], float]  #: types of the arguments, weight of the hints
KnownCalls = Sequence[tuple[Arguments, str]]  #: calls by other writers: (arguments, writer)


class InputExplorer:
    """Explores one function."""

    def __init__(self, runner: FunctionRunner, function: Function, parameters: Sequence[SourceParameter]) -> None:
        self._runner = runner
        self._function = function
        self._parameters = parameters
        self._mined = collect_constants(function)
        self._random = Random(int(function.id[:16], 16) if _is_hex(function.id) else function.id)  # noqa: S311
        self.observed: list[ObservedCall] = []
        self.argument_types: tuple[Type, ...] = ()
        self.failures: list[str] = []  #: results of the calls that gave no literal, oldest first

    async def explore(self, known: KnownCalls) -> None:
        """Fill ``observed``, calls of other writers first, and ``argument_types``."""
        if known:
            await self._try_known(known)
        if not self.argument_types:
            await self._try_guesses()
        if not self.argument_types:
            return
        if not self._complete():
            await self._try(mutate_calls(self._seeds(), self._mined, self._random, _MUTATED))

    async def _try_known(self, known: KnownCalls) -> None:
        """Try the calls of the other writers and, in the same run, inputs of their types."""
        kinds = _of_most([tuple(map(type_of, a)) for a, _ in known])
        await self._run([*known, *((a, "generated") for a in self._generate(kinds))])
        worked = [t.kinds[:-1] for t in self.observed if t.writer != "generated" and not contains_mixed(t.kinds[:-1])]
        if worked:
            self.argument_types = _of_most(worked)

    async def _try_guesses(self) -> None:
        """Try combinations of types on a few plain calls, then the likeliest on many. Keep the best combination."""
        groups = await self._likeliest()
        if not groups:
            return
        calls = [(n, a) for n, (kinds, _) in enumerate(groups) for a in self._generate(kinds, _SHARES[n])]
        self.argument_types = (_ranked(groups, await self._by_group(calls)) or groups)[0][0]

    async def _likeliest(self) -> list[WeightedTypes]:
        ranked = [rank_types(self._function, p) for p in self._parameters]
        groups = heaviest_combinations(ranked, _GUESSES)
        kinds_tried = dict.fromkeys(k for kinds, _ in groups for k in kinds)
        plain = {k: value_pool(k, self._mined, None)[:_PLAIN] for k in kinds_tried}
        calls: list[tuple[int, Arguments]] = []
        for number, (kinds, _) in enumerate(groups):
            pools = [plain[k] for k in kinds]
            calls += [(number, a) for a in zip_pools(pools, _PLAIN if number < 100 else 2)]
        return _ranked(groups, await self._by_group(calls))[: len(_SHARES)]

    async def _by_group(self, calls: Sequence[tuple[int, Arguments]]) -> dict[int, list[CallResult]]:
        """Run calls that belong to numbered groups, and sort the answers into these."""
        answers = await self._run([(a, "generated") for _, a in calls])
        results: defaultdict[int, list[CallResult]] = defaultdict(list)
        for (number, _), answer in zip(calls, answers, strict=True):
            results[number].append(answer)
        return results

    def _generate(self, kinds: Sequence[Type], count: int = _GENERATED) -> list[Arguments]:
        return generate_calls(kinds, self._parameters, self._mined, self._random, count)

    async def _try(self, calls: Iterable[Arguments]) -> None:
        await self._run([(a, "generated") for a in calls])

    async def _run(self, calls: KnownCalls) -> tuple[CallResult, ...]:
        texts = tuple(literal(arguments) for arguments, _ in calls)
        batch = CallBatch(calls=texts, cpu_s=_CPU_S, max_chars=_SIZE, measure="arcs")
        [report] = await self._runner.run(self._function, [batch], _HASH_SEED)
        for (arguments, writer), answer in zip(calls, report.results, strict=True):
            self._note(arguments, writer, answer)
        return report.results

    def _note(self, arguments: Arguments, writer: str, answer: CallResult) -> None:
        value = returned_literal(answer)
        if value is not None and (writer != "generated" or has_exact_integers(value[0])):
            self.observed.append(ObservedCall(arguments, writer, value[0], answer.arcs, answer.text))
        elif answer.kind != "skipped" and len(self.failures) < 500:
            self.failures.append("too large integers" if value else f"{answer.kind} {answer.text}"[:120])

    def _complete(self) -> bool:
        """Return whether the observed calls reach all lines and both outcomes of every condition."""
        arcs = frozenset[str]().union(*(t.arcs for t in self.observed))
        after: defaultdict[int, set[int]] = defaultdict(set)
        for arc in arcs:
            start, _, end = arc.partition(",")
            after[int(start)].add(int(end))
        lines, forks = _lines(self._function)
        return lines <= set(after) and all(len(after[line]) > 1 for line in forks)

    def _seeds(self) -> list[Arguments]:
        """Return the calls to mutate: first those that reached new arcs, then some others."""
        seen: set[str] = set()
        fresh: list[Arguments] = []
        others: list[Arguments] = []
        for trial in self.observed:
            if MIXED not in unite_columns([self.argument_types, trial.kinds[:-1]]):
                (others if trial.arcs <= seen else fresh).append(trial.arguments)
                seen |= trial.arcs
        return [*fresh, *others[: max(0, _SEEDS - len(fresh))]]


def returned_literal(answer: CallResult) -> tuple[Value] | None:
    """Return the value that a call returned, in a tuple, if a test may expect it."""
    if answer.kind != "value":
        return None
    try:
        value = parse_value(answer.text)
        type_of(value)
    except NotLiteral:
        return None
    return (value,)


def _is_hex(text: str) -> bool:
    return len(text) >= 16 and all(c in "0123456789abcdef" for c in text)


def _of_most(rows: Sequence[tuple[Type, ...]]) -> tuple[Type, ...]:
    """Unite the types of the calls, leaving out calls that would mix them."""
    counts: defaultdict[tuple[Type, ...], int] = defaultdict(int)
    for row in rows:
        counts[row] += 1
    united = max(counts, key=lambda row: counts[row])
    for row in counts:
        merged = unite_columns([united, row])
        united = united if any("object" in str(k) for k in merged) else merged
    return united


def _ranked(groups: Sequence[WeightedTypes], results: Mapping[int, Sequence[CallResult]]) -> list[WeightedTypes]:
    """Return the groups that gave values, best first. The score counts arcs, values and the weight of hints."""
    reach = {n: _reach(answers) for n, answers in results.items()}
    most = max(map(len, reach.values()), default=0)
    scores = {n: groups[n][1] + 4 * len(reach[n]) / most + _fitness(results[n]) for n in reach if reach[n]}
    return [groups[n] for n in sorted(scores, key=lambda n: (-scores[n], n))]


def _reach(answers: Iterable[CallResult]) -> frozenset[str]:
    return frozenset[str]().union(*(a.arcs for a in answers if returned_literal(a) is not None))


def _fitness(answers: Sequence[CallResult]) -> float:
    """Score a group of calls: values raise it, different values raise it more, only None lowers it."""
    values = [v[0] for a in answers if (v := returned_literal(a)) is not None]
    wrong = sum(a.text.startswith(("'TypeError", "'AttributeError")) for a in answers)
    distinct = {literal(v) for v in values}
    return 2 * len(values) / len(answers) - 2 * wrong / len(answers) + (len(distinct) > 1) - 2 * (distinct == {"None"})


def _lines(function: Function) -> tuple[set[int], set[int]]:
    """Return the lines of the function's own statements, and the lines of its conditions."""
    start, first, last = body_lines(function)
    tree = ast.parse(function.program)
    nodes = [n for n in ast.walk(tree) if isinstance(n, ast.stmt) and first <= n.lineno <= last]
    simple = (ast.Return, ast.Assign, ast.AugAssign, ast.Expr)
    lines = {n.lineno for n in nodes if isinstance(n, simple) and not _is_text(n)}
    forks = {n.lineno for n in nodes if isinstance(n, ast.If | ast.While | ast.For)}
    hopeless = raising_lines(function)
    return lines - {start} - hopeless, {n for n in forks if not {n, n + 1} & hopeless}


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
