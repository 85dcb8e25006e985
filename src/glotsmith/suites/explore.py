"""The writer ``generated``: find the types of the arguments of a function by trial calls, then inputs that cover it.

It needs at most three runs of the sandbox: known calls or guesses of types, inputs of the found types, and mutations of
the calls that returned a value.
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
_CPU_S = 0.25  #: CPU seconds for a call; validation allows four times as much
_SIZE = 600  #: largest number of characters of a result
_GUESSES = 150  #: number of combinations of types to try
_PLAIN = 3  #: number of calls for each of the first hundred combinations; the others get two
_GENERATED = 160  #: number of generated calls of known types
_MUTATED = 140  #: number of mutated calls
_SHARES = (120, 80, 60)  #: number of calls for each of the likeliest combinations of types
_SEEDS = 40  #: number of calls to mutate

WeightedTypes = tuple[tuple[Type, ...], float]  #: types of the arguments, and the weight of the hints for them
KnownCalls = Sequence[tuple[Arguments, str]]  #: calls of other writers: arguments and writer


class InputExplorer:
    """Finds the argument types of a function, and observes calls."""

    def __init__(self, runner: FunctionRunner, function: Function, parameters: Sequence[SourceParameter]) -> None:
        self._runner = runner
        self._function = function
        self._parameters = parameters
        self._mined = collect_constants(function)
        self._random = Random(int(function.id[:16], 16) if _is_hex(function.id) else function.id)  # noqa: S311
        self.observed: list[ObservedCall] = []
        self.argument_types: tuple[Type, ...] = ()
        self.failures: list[str] = []  #: results of the calls that returned no literal, oldest first

    async def explore(self, known: KnownCalls) -> None:
        """Set ``argument_types`` and ``observed``, in which the calls of other writers are first."""
        if known:
            await self._try_known(known)
        if not self.argument_types:
            await self._try_guesses()
        if not self.argument_types:
            return
        if not self._is_covered():
            await self._run_generated(mutate_calls(self._seeds(), self._mined, self._random, _MUTATED))

    async def _try_known(self, known: KnownCalls) -> None:
        """Try the calls of the other writers and, in the same run, inputs of their types."""
        kinds = _most_common_types([tuple(map(type_of, a)) for a, _ in known])
        await self._run([*known, *((a, "generated") for a in self._generate(kinds))])
        worked = [t.kinds[:-1] for t in self.observed if t.writer != "generated" and not contains_mixed(t.kinds[:-1])]
        if worked:
            self.argument_types = _most_common_types(worked)

    async def _try_guesses(self) -> None:
        """Try combinations of types with a few plain calls, then the likeliest with many. Keep the best combination."""
        groups = await self._likeliest_groups()
        if not groups:
            return
        calls = [(n, a) for n, (kinds, _) in enumerate(groups) for a in self._generate(kinds, _SHARES[n])]
        self.argument_types = (_rank_groups(groups, await self._run_groups(calls)) or groups)[0][0]

    async def _likeliest_groups(self) -> list[WeightedTypes]:
        ranked = [rank_types(self._function, p) for p in self._parameters]
        groups = heaviest_combinations(ranked, _GUESSES)
        kinds_tried = dict.fromkeys(k for kinds, _ in groups for k in kinds)
        plain = {k: value_pool(k, self._mined, None)[:_PLAIN] for k in kinds_tried}
        calls: list[tuple[int, Arguments]] = []
        for number, (kinds, _) in enumerate(groups):
            pools = [plain[k] for k in kinds]
            calls += [(number, a) for a in zip_pools(pools, _PLAIN if number < 100 else 2)]
        return _rank_groups(groups, await self._run_groups(calls))[: len(_SHARES)]

    async def _run_groups(self, calls: Sequence[tuple[int, Arguments]]) -> dict[int, list[CallResult]]:
        """Run calls that belong to numbered groups, and return the results of each group."""
        answers = await self._run([(a, "generated") for _, a in calls])
        results: defaultdict[int, list[CallResult]] = defaultdict(list)
        for (number, _), answer in zip(calls, answers, strict=True):
            results[number].append(answer)
        return results

    def _generate(self, kinds: Sequence[Type], count: int = _GENERATED) -> list[Arguments]:
        return generate_calls(kinds, self._parameters, self._mined, self._random, count)

    async def _run_generated(self, calls: Iterable[Arguments]) -> None:
        await self._run([(a, "generated") for a in calls])

    async def _run(self, calls: KnownCalls) -> tuple[CallResult, ...]:
        texts = tuple(literal(arguments) for arguments, _ in calls)
        batch = CallBatch(calls=texts, cpu_s=_CPU_S, max_chars=_SIZE, measure="arcs")
        [report] = await self._runner.run(self._function, [batch], _HASH_SEED)
        for (arguments, writer), answer in zip(calls, report.results, strict=True):
            self._record_result(arguments, writer, answer)
        return report.results

    def _record_result(self, arguments: Arguments, writer: str, answer: CallResult) -> None:
        value = returned_literal(answer)
        if value is not None and (writer != "generated" or has_exact_integers(value[0])):
            self.observed.append(ObservedCall(arguments, writer, value[0], answer.arcs, answer.text))
        elif answer.kind != "skipped" and len(self.failures) < 500:
            self.failures.append("too large integers" if value else f"{answer.kind} {answer.text}"[:120])

    def _is_covered(self) -> bool:
        """Return whether the observed calls reach all lines and both results of every condition."""
        arcs = frozenset[str]().union(*(t.arcs for t in self.observed))
        after: defaultdict[int, set[int]] = defaultdict(set)
        for arc in arcs:
            start, _, end = arc.partition(",")
            after[int(start)].add(int(end))
        lines, forks = _statement_lines(self._function)
        return lines <= set(after) and all(len(after[line]) > 1 for line in forks)

    def _seeds(self) -> list[Arguments]:
        """Return the calls to mutate: those that reached new arcs, then some others."""
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


def _most_common_types(rows: Sequence[tuple[Type, ...]]) -> tuple[Type, ...]:
    """Return the united types of the calls, without calls whose types do not fit the others."""
    counts: defaultdict[tuple[Type, ...], int] = defaultdict(int)
    for row in rows:
        counts[row] += 1
    united = max(counts, key=lambda row: counts[row])
    for row in counts:
        merged = unite_columns([united, row])
        united = united if any("object" in str(k) for k in merged) else merged
    return united


def _rank_groups(groups: Sequence[WeightedTypes], results: Mapping[int, Sequence[CallResult]]) -> list[WeightedTypes]:
    """Return the groups with values, best first. The score counts arcs, values and the weight of hints."""
    reach = {n: _reached_arcs(answers) for n, answers in results.items()}
    most = max(map(len, reach.values()), default=0)
    scores = {n: groups[n][1] + 4 * len(reach[n]) / most + _fitness(results[n]) for n in reach if reach[n]}
    return [groups[n] for n in sorted(scores, key=lambda n: (-scores[n], n))]


def _reached_arcs(answers: Iterable[CallResult]) -> frozenset[str]:
    return frozenset[str]().union(*(a.arcs for a in answers if returned_literal(a) is not None))


def _fitness(answers: Sequence[CallResult]) -> float:
    """Return a score of a group of calls: values and different values increase it, and only None lowers it."""
    values = [v[0] for a in answers if (v := returned_literal(a)) is not None]
    wrong = sum(a.text.startswith(("'TypeError", "'AttributeError")) for a in answers)
    distinct = {literal(v) for v in values}
    return 2 * len(values) / len(answers) - 2 * wrong / len(answers) + (len(distinct) > 1) - 2 * (distinct == {"None"})


def _statement_lines(function: Function) -> tuple[set[int], set[int]]:
    """Return the lines of the statements in the body of a function, and those of its conditions."""
    start, first, last = body_lines(function)
    tree = ast.parse(function.program)
    nodes = [n for n in ast.walk(tree) if isinstance(n, ast.stmt) and first <= n.lineno <= last]
    simple = (ast.Return, ast.Assign, ast.AugAssign, ast.Expr)
    lines = {n.lineno for n in nodes if isinstance(n, simple) and not _is_text(n)}
    forks = {n.lineno for n in nodes if isinstance(n, ast.If | ast.While | ast.For)}
    unreachable = raising_lines(function)
    return lines - {start} - unreachable, {n for n in forks if not {n, n + 1} & unreachable}


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
