"""Find programs that behave as a problem of a benchmark, in any language, also with other names and parameter orders.

The inputs of the benchmark run through the program in the sandbox. A program matches a problem if

- its results equal those of the benchmark on all inputs of the benchmark,
- they equal those of the Python original on variations of these inputs, unless one of both raises an exception, and
- the inputs discriminate: each argument differs from the result on at least five inputs, so no identity function
  passes; and the result differs from the most common one on at least two, so no constant function passes.

The cheapest comparison is the first: the types must fit. Then one run of the program contains the first input of each
problem. Problems that pass it get a run with all inputs. Problems that pass this run get a run with variations.
Verdicts are cached by the verifier, and the results of originals by the index.
"""

import itertools
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple, cast

import msgspec

from glotsmith.counts import counted
from glotsmith.languages import Unrepresentable, get_card
from glotsmith.languages.card import Card
from glotsmith.languages.representable import require_representable
from glotsmith.records import CaseStatus, CaseVerdict, Job, Record
from glotsmith.step import Verify
from glotsmith.values import (
    ANY,
    FLOAT,
    Call,
    Check,
    NotLiteral,
    Signature,
    Type,
    Value,
    list_of,
    parse_signature,
    parse_value,
    render_test,
    type_of,
    unite,
    unite_all,
)

MIN_INPUTS = 5  #: least number of inputs on which every identity function fails
_MIN_NOT_CONSTANT = 2  #: least number of inputs on which every constant function fails
_MAX_ORDERS = 24  #: orders of parameters that are tried
_MAX_VARIATIONS = 24  #: largest number of variations of the inputs of a problem
_FIRST_TIME_LIMIT_S = 0.1  #: CPU seconds of a run with first inputs, most of which are of other problems
_TIME_LIMIT_S = 2.0  #: CPU seconds of another run


class BenchmarkCalls(Record, frozen=True, kw_only=True):
    """The calls of one problem of a benchmark, and its Python original."""

    name: str  #: name of the row
    calls: tuple[Call, ...]
    original: str = ""  #: a Python program; "" if the benchmark has none


class ProgramUnderTest(NamedTuple):
    """A program that is compared with benchmarks."""

    language: str
    code: str
    signature: str  #: typed Python signature
    entry_point: str = ""  #: name of the function in the language, if the signature has another one


class _PosedProblem(NamedTuple):
    """A problem whose arguments are in the order of a program's parameters."""

    problem: BenchmarkCalls
    order: tuple[int, ...]  #: position in the program → position in the benchmark
    calls: tuple[Call, ...]  #: the calls that fit the program, the strongest first


class BehaviourIndex:
    """The calls of benchmark problems, to compare programs with."""

    def __init__(self, problems: Iterable[BenchmarkCalls]) -> None:
        """Index the problems."""
        self._by_arity: dict[int, list[BenchmarkCalls]] = defaultdict(list)
        self._variations: dict[str, tuple[Call, ...]] = {}  #: name of a problem → calls with results of its original
        for problem in problems:
            ordered = msgspec.structs.replace(problem, calls=tuple(_ordered_calls(problem.calls)))
            self._by_arity[len(ordered.calls[0].arguments)].append(ordered)

    def __len__(self) -> int:
        """Return the number of problems."""
        return sum(map(len, self._by_arity.values()))

    async def find_match(self, program: ProgramUnderTest, verifier: Verify) -> str:
        """Return the problem that a program behaves as, as a message; "" if there is none.

        Args:
            program: the program; without a signature that can be parsed, it is not compared.
            verifier: runs the program and the originals.

        """
        try:
            signature = parse_signature(program.signature)
        except NotLiteral:
            return ""
        card = get_card(program.language)
        posed = list(self._posed(card, signature))
        for found in await _passing_first_input(program, posed, verifier):
            own = await _statuses(program, found.calls, verifier)
            if not set(own) <= {"pass", "infra:refused"}:
                continue
            equal = [call for call, status in zip(found.calls, own, strict=True) if status == "pass"]
            varied = [_reordered(c, found.order, signature.name) for c in await self._varied(found.problem, verifier)]
            varied = [call for call in varied if _fits(card, call, signature)]
            statuses = await _statuses(program, varied, verifier)
            equal += [call for call, status in zip(varied, statuses, strict=True) if status == "pass"]
            if "fail:wrong" not in statuses and _is_evidence(equal):
                return _message(found, len(equal))
        return ""

    def _posed(self, card: Card, signature: Signature) -> Iterator[_PosedProblem]:
        """Yield the problems whose shape fits a signature, in each order of the parameters that fits."""
        for problem in self._by_arity.get(len(signature.parameters), ()):
            for order in _orders(len(signature.parameters)):
                calls = [_reordered(call, order, signature.name) for call in problem.calls]
                fitting = tuple(call for call in calls if _fits(card, call, signature))
                if fitting and (card.values.widen or len(fitting) == len(calls)):
                    yield _PosedProblem(problem, order, fitting)

    async def _varied(self, problem: BenchmarkCalls, verifier: Verify) -> tuple[Call, ...]:
        """Return calls with variations of a problem's inputs, and the results of its original."""
        if problem.name not in self._variations:
            self._variations[problem.name] = await _run_original(problem, verifier) if problem.original else ()
        return self._variations[problem.name]


def _message(found: _PosedProblem, inputs: int) -> str:
    swapped = "" if list(found.order) == sorted(found.order) else ", with its parameters in another order"
    return f"behaviour of {found.problem.name}: equal results on {counted(inputs, 'input')}{swapped}"


async def _run_original(problem: BenchmarkCalls, verifier: Verify) -> tuple[Call, ...]:
    """Return variations of a problem's calls with the results of its Python original, which runs in the sandbox."""
    name = problem.calls[0].function
    calls = [Call(name, arguments, None) for arguments in _varied_inputs(problem.calls)]
    tests = tuple(map(render_test, calls))
    job = Job(id="", language="python", code=problem.original, tests=tests, time_limit_s=_TIME_LIMIT_S)
    verdict = await verifier.verify(job)
    return tuple(
        msgspec.structs.replace(call, expected=value[0])
        for call, case in zip(calls, verdict.cases, strict=False)
        if (value := _returned(case))
    )


def _returned(case: CaseVerdict) -> tuple[Value] | None:
    """Return the value that a case returned, whose test expects None; None if it is not a literal, or it raised."""
    if case.status == "pass":
        return (None,)
    try:
        return (parse_value(case.actual),) if case.status == "fail:wrong" else None
    except NotLiteral:
        return None


# ------------------------------------------------------------------------------------------------ inputs


def _ordered_calls(calls: Iterable[Call]) -> list[Call]:
    """Return the calls without repeated arguments: discriminating ones first, rare results and short calls first."""
    unique = list({repr(_canonical(call.arguments)): call for call in calls}.values())
    counts = Counter(_value_key(call) for call in unique)

    def rank(call: Call) -> tuple[bool, int, int]:
        is_identity = any(map(partial(_is_identity, call), range(len(call.arguments))))
        return is_identity, counts[_value_key(call)], len(repr(call.arguments))

    return sorted(unique, key=rank)


def _is_evidence(calls: Sequence[Call]) -> bool:
    """Return whether equal results on calls are evidence, because no identity and no constant function has them."""
    values = Counter(map(_value_key, calls))
    not_constant = len(calls) - max(values.values(), default=0)
    arity = len(calls[0].arguments) if calls else 0
    not_identity = (sum(not _is_identity(call, i) for call in calls) for i in range(arity))
    return min(not_identity, default=len(calls)) >= MIN_INPUTS and not_constant >= _MIN_NOT_CONSTANT


def _is_identity(call: Call, position: int) -> bool:
    """Return whether the argument at a position is the expected value."""
    return not isinstance(call.expected, Check) and _canonical(call.arguments[position]) == _canonical(call.expected)


def _value_key(call: Call) -> str:
    """Return the expected value as a text; a check of the result counts as a separate value."""
    return call.expected.text if isinstance(call.expected, Check) else repr(_canonical(call.expected))


def _canonical(value: Value) -> object:
    """Return one representative of all values that some language does not distinguish."""
    match value:
        case bool() | int() | float():
            try:
                return float(value)
            except OverflowError:  # an int that no float represents
                return value
        case str() | None:
            return value
        case dict():
            pairs = cast(Mapping[Value, Value], value)
            return sorted((repr(_canonical(k)), repr(_canonical(v))) for k, v in pairs.items())
        case set():
            return sorted(repr(_canonical(item)) for item in cast(set[Value], value))
        case _:
            items = [_canonical(item) for item in cast(Sequence[Value], value)]
            return items[0] if len(items) == 1 else items


def _varied_inputs(calls: Sequence[Call]) -> list[tuple[Value, ...]]:
    """Return other arguments near those of the calls."""
    known = {repr(_canonical(call.arguments)) for call in calls}
    rows = (_variations_of(call.arguments) for call in calls)
    found = (row for rows_ in itertools.zip_longest(*rows) for row in rows_ if row is not None)  # some of each call
    unique = {repr(_canonical(row)): row for row in itertools.islice(found, 4 * _MAX_VARIATIONS)}
    return [row for key, row in unique.items() if key not in known][:_MAX_VARIATIONS]


def _variations_of(arguments: tuple[Value, ...]) -> Iterator[tuple[Value, ...]]:
    """Yield rows of arguments with one of them changed."""
    columns = [(i, list(_variations(value))) for i, value in enumerate(arguments)]
    for number in range(max((len(values) for _, values in columns), default=0)):
        for i, values in columns:
            if number < len(values):
                yield (*arguments[:i], values[number], *arguments[i + 1 :])


def _variations(value: Value) -> Iterator[Value]:
    """Yield values of the same type near a value."""
    match value:
        case bool():
            yield not value
        case int():
            yield from (value + 1, value // 2, value + 3)
        case float():
            yield from (value + 1.5, value / 2, value - 0.25)
        case str() if " " in value:  # the order and number of words
            words = value.split(" ")
            yield from (" ".join(words[1:]), " ".join(reversed(words)), " ".join(words + words[:1]))
        case str() | list() | tuple():
            items: Any = cast(Any, value)
            changed = (items[1:], items[::-1], items[:-1], items + items[:1], items[::2], items[len(items) // 2 :])
            yield from changed if len(items) > 1 else ()
        case dict():
            pairs = list(cast(Mapping[Value, Value], value).items())
            yield from (dict(pairs[1:]),) if len(pairs) > 1 else ()
        case _:
            return


# ------------------------------------------------------------------------------------------------- shape


def _orders(arity: int) -> Iterator[tuple[int, ...]]:
    """Yield orders of parameters, the unchanged one first."""
    return itertools.islice(itertools.permutations(range(arity)), _MAX_ORDERS)


def _reordered(call: Call, order: Sequence[int], name: str) -> Call:
    return msgspec.structs.replace(call, function=name, arguments=tuple(call.arguments[i] for i in order))


def _fits(card: Card, call: Call, signature: Signature) -> bool:
    """Return whether a program of a language with this signature may take and return the values of a call."""
    wanted = [p.type for p in signature.parameters]
    values = list(call.arguments)
    if not isinstance(call.expected, Check):
        wanted, values = [*wanted, signature.returns], [*values, call.expected]
    try:
        for value in values:
            require_representable(card, value)
        return all(_includes(card, kind, type_of(value)) for kind, value in zip(wanted, values, strict=True))
    except (Unrepresentable, NotLiteral):
        return False


def _includes(card: Card, wider: Type, narrower: Type) -> bool:
    if not card.values.widen:  # the language does not check types
        wider, narrower = _loose(wider), _loose(narrower)
    return _covers(wider, narrower)


def _covers(wider: Type, narrower: Type) -> bool:
    """Return whether a type includes another one; ``any`` includes all types, at every depth."""
    if ANY in (wider, narrower) or unite(wider, narrower) == wider:
        return True
    if wider.kind == "optional":
        return _covers(wider.args[0], narrower.args[0] if narrower.kind == "optional" else narrower)
    return (
        wider.kind == narrower.kind
        and len(wider.args) == len(narrower.args) > 0
        and all(map(_covers, wider.args, narrower.args))
    )


def _loose(kind: Type) -> Type:
    """Return a type without the differences that a language without declared types may not have."""
    if kind.kind in ("int", "float"):
        return FLOAT
    if kind.kind in ("tuple", "vartuple"):
        return list_of(unite_all(map(_loose, kind.args)))
    if kind.kind == "optional":
        return Type("optional", (_loose(kind.args[0]),))
    return Type(kind.kind, tuple(map(_loose, kind.args)))


# -------------------------------------------------------------------------------------------------- runs


async def _passing_first_input(
    program: ProgramUnderTest, posed: Sequence[_PosedProblem], verifier: Verify
) -> list[_PosedProblem]:
    """Return the problems whose first input has the expected result."""
    passing = set[int]()
    for batch in _batches(posed):
        first = [posed[number].calls[0] for number in batch]
        statuses = await _statuses(program, first, verifier, of_one_problem=False)
        passing.update(number for number, status in zip(batch, statuses, strict=True) if status == "pass")
    return [problem for number, problem in enumerate(posed) if number in passing]


def _batches(posed: Sequence[_PosedProblem]) -> list[list[int]]:
    """Divide problems so that no batch contains arguments twice: a suite with two results for them is refused."""
    batches, used = list[list[int]](), list[set[str]]()
    for number, problem in enumerate(posed):
        key = repr(_canonical(problem.calls[0].arguments))
        at = next((i for i, keys in enumerate(used) if key not in keys), len(used))
        if at == len(used):
            used.append(set())
            batches.append([])
        used[at].add(key)
        batches[at].append(number)
    return batches


async def _statuses(
    program: ProgramUnderTest, calls: Sequence[Call], verifier: Verify, *, of_one_problem: bool = True
) -> list[CaseStatus]:
    """Return the status of each call; calls that are refused as a suite run in two halves."""
    if not calls:
        return []
    job = _job(program, calls, _TIME_LIMIT_S if of_one_problem else _FIRST_TIME_LIMIT_S)
    verdict = await verifier.verify(msgspec.structs.replace(job, all_cases=not of_one_problem))
    if verdict.status != "infra:refused":
        missing: list[CaseStatus] = [verdict.status] * (len(calls) - len(verdict.cases))
        return [*(case.status for case in verdict.cases), *missing]
    if len(calls) == 1:
        return ["infra:refused"]
    halves = calls[: len(calls) // 2], calls[len(calls) // 2 :]
    return [s for half in halves for s in await _statuses(program, half, verifier, of_one_problem=of_one_problem)]


def _job(program: ProgramUnderTest, calls: Sequence[Call], time_limit_s: float) -> Job:
    return Job(
        id="",
        language=program.language,
        code=program.code,
        signature=program.signature,
        entry_point=program.entry_point,
        tests=tuple(map(render_test, calls)),
        time_limit_s=time_limit_s,
    )
