"""The third writer: find the types that a function takes by trying them, then inputs that reach all of its body.

At most three runs of the sandbox: known calls or guesses of types; inputs of the types found; mutations of what worked.
"""

import ast
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from random import Random

from glotsmith.records import Function
from glotsmith.suites.bench import Answer, Batch, Bench
from glotsmith.suites.choose import Trial, common, mixes
from glotsmith.suites.hints import rank_types
from glotsmith.suites.inputs import Arguments, abreast, generate, guesses, modest, mutate
from glotsmith.suites.parameters import Parameter, body_of
from glotsmith.suites.pools import mine, pool
from glotsmith.suites.raising import raising_lines
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

Guess = tuple[tuple[Type, ...], float]  #: types of the arguments, weight of the hints
Known = Sequence[tuple[Arguments, str]]  #: calls by other writers: (arguments, writer)


class Explorer:
    """Explores one function."""

    def __init__(self, bench: Bench, function: Function, parameters: Sequence[Parameter]) -> None:
        self._bench = bench
        self._function = function
        self._parameters = parameters
        self._mined = mine(function)
        self._random = Random(int(function.id[:16], 16) if _is_hex(function.id) else function.id)  # noqa: S311
        self.trials: list[Trial] = []
        self.base: tuple[Type, ...] = ()
        self.complaints: list[str] = []  #: what calls that gave no literal came to, oldest first

    async def explore(self, known: Known) -> None:
        """Fill ``trials``, those of other writers first, and ``base``, the types of the arguments."""
        if known:
            await self._try_known(known)
        if not self.base:
            await self._try_guesses()
        if not self.base:
            return
        if not self._complete():
            await self._try(mutate(self._seeds(), self._mined, self._random, _MUTATED))

    async def _try_known(self, known: Known) -> None:
        """Try the calls of the other writers and, in the same run, inputs of their types."""
        kinds = _of_most([tuple(map(type_of, a)) for a, _ in known])
        await self._run([*known, *((a, "generated") for a in self._generate(kinds))])
        worked = [t.kinds[:-1] for t in self.trials if t.writer != "generated" and not mixes(t.kinds[:-1])]
        if worked:
            self.base = _of_most(worked)

    async def _try_guesses(self) -> None:
        """Try combinations of types on a few plain calls, then the likeliest on many; keep the one that fares best."""
        groups = await self._likeliest()
        if not groups:
            return
        calls = [(n, a) for n, (kinds, _) in enumerate(groups) for a in self._generate(kinds, _SHARES[n])]
        self.base = (_ranked(groups, await self._by_group(calls)) or groups)[0][0]

    async def _likeliest(self) -> list[Guess]:
        ranked = [rank_types(self._function, p) for p in self._parameters]
        groups = guesses(ranked, _GUESSES)
        kinds_tried = dict.fromkeys(k for kinds, _ in groups for k in kinds)
        plain = {k: pool(k, self._mined, None)[:_PLAIN] for k in kinds_tried}
        calls: list[tuple[int, Arguments]] = []
        for number, (kinds, _) in enumerate(groups):
            pools = [plain[k] for k in kinds]
            calls += [(number, a) for a in abreast(pools, _PLAIN if number < 100 else 2)]
        return _ranked(groups, await self._by_group(calls))[: len(_SHARES)]

    async def _by_group(self, calls: Sequence[tuple[int, Arguments]]) -> dict[int, list[Answer]]:
        """Run calls that belong to numbered groups, and sort the answers into these."""
        answers = await self._run([(a, "generated") for _, a in calls])
        results: defaultdict[int, list[Answer]] = defaultdict(list)
        for (number, _), answer in zip(calls, answers, strict=True):
            results[number].append(answer)
        return results

    def _generate(self, kinds: Sequence[Type], count: int = _GENERATED) -> list[Arguments]:
        return generate(kinds, self._parameters, self._mined, self._random, count)

    async def _try(self, calls: Iterable[Arguments]) -> None:
        await self._run([(a, "generated") for a in calls])

    async def _run(self, calls: Known) -> tuple[Answer, ...]:
        texts = tuple(literal(arguments) for arguments, _ in calls)
        batch = Batch(calls=texts, cpu_s=_CPU_S, size=_SIZE, measure="arcs")
        [report] = await self._bench.run(self._function, [batch], _HASH_SEED)
        for (arguments, writer), answer in zip(calls, report.answers, strict=True):
            self._note(arguments, writer, answer)
        return report.answers

    def _note(self, arguments: Arguments, writer: str, answer: Answer) -> None:
        value = usable(answer)
        if value is not None and (writer != "generated" or modest(value[0])):
            self.trials.append(Trial(arguments, writer, value[0], answer.arcs))
        elif answer.kind != "skipped" and len(self.complaints) < 500:
            self.complaints.append("too large integers" if value else f"{answer.kind} {answer.text}"[:120])

    def _complete(self) -> bool:
        """Whether the calls so far reach all lines, and leave every condition both ways."""
        arcs = frozenset[str]().union(*(t.arcs for t in self.trials))
        after: defaultdict[int, set[int]] = defaultdict(set)
        for arc in arcs:
            start, _, end = arc.partition(",")
            after[int(start)].add(int(end))
        lines, forks = _lines(self._function)
        return lines <= set(after) and all(len(after[line]) > 1 for line in forks)

    def _seeds(self) -> list[Arguments]:
        """Return calls worth mutating: each reached something that the ones before did not; then some more."""
        seen: set[str] = set()
        fresh: list[Arguments] = []
        others: list[Arguments] = []
        for trial in self.trials:
            if MIXED not in common([self.base, trial.kinds[:-1]]):
                (others if trial.arcs <= seen else fresh).append(trial.arguments)
                seen |= trial.arcs
        return [*fresh, *others[: max(0, _SEEDS - len(fresh))]]


def usable(answer: Answer) -> tuple[Value] | None:
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
        merged = common([united, row])
        united = united if any("object" in str(k) for k in merged) else merged
    return united


def _ranked(groups: Sequence[Guess], results: Mapping[int, Sequence[Answer]]) -> list[Guess]:
    """Return the groups that gave values, best first: they reach most, give many values, and were hinted at most."""
    reach = {n: _reach(answers) for n, answers in results.items()}
    most = max(map(len, reach.values()), default=0)
    scores = {n: groups[n][1] + 4 * len(reach[n]) / most + _fitness(results[n]) for n in reach if reach[n]}
    return [groups[n] for n in sorted(scores, key=lambda n: (-scores[n], n))]


def _reach(answers: Iterable[Answer]) -> frozenset[str]:
    return frozenset[str]().union(*(a.arcs for a in answers if usable(a) is not None))


def _fitness(answers: Sequence[Answer]) -> float:
    """Weigh how a group of calls went: values are good, different ones better, only None is bad."""
    values = [v[0] for a in answers if (v := usable(a)) is not None]
    wrong = sum(a.text.startswith(("'TypeError", "'AttributeError")) for a in answers)
    told = {literal(v) for v in values}
    return 2 * len(values) / len(answers) - 2 * wrong / len(answers) + (len(told) > 1) - 2 * (told == {"None"})


def _lines(function: Function) -> tuple[set[int], set[int]]:
    """Return the lines of the function's own statements, and those on which a condition stands."""
    start, first, last = body_of(function)
    tree = ast.parse(function.program)
    nodes = [n for n in ast.walk(tree) if isinstance(n, ast.stmt) and first <= n.lineno <= last]
    simple = (ast.Return, ast.Assign, ast.AugAssign, ast.Expr)
    lines = {n.lineno for n in nodes if isinstance(n, simple) and not _is_text(n)}
    forks = {n.lineno for n in nodes if isinstance(n, ast.If | ast.While | ast.For)}
    hopeless = raising_lines(function)
    return lines - {start} - hopeless, {n for n in forks if not {n, n + 1} & hopeless}


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
