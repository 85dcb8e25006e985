"""Pose a problem in its target languages, and check there that the suite can pass and can fail.

Before any request for the task, the language must be able to represent every value, type and name, and a stub of the
right type must compile and then fail. (No program can pass 42 % of MultiPL-T's published OCaml suites; a stub passes
284 of 300 of its Racket suites.)
"""

from collections.abc import Sequence

import msgspec

from glotsmith.counts import counted
from glotsmith.drop_reasons import Reason
from glotsmith.languages import Card, Unrepresentable, get_card, render
from glotsmith.languages.representable import require_representable
from glotsmith.languages.typed_calls import apply_signature, undecidable_reason
from glotsmith.records import Job, Problem, Task, Verdict, content_hash
from glotsmith.step import Dropped, ItemStep, Kept, Result, Verify
from glotsmith.values import (
    Call,
    Check,
    NotLiteral,
    Signature,
    expected_values,
    infer_signature,
    literal,
    parse_signature,
    parse_test,
    render_test,
    unite,
)


class MakeTasks(ItemStep[Problem, Task]):
    """Make a ``Task`` for each language in which the problem can be posed. Other languages are losses with reasons."""

    name = "make_tasks"
    output = Task

    def __init__(self, languages: Sequence[str], verify: Verify, min_cases: int = 3) -> None:
        self._cards = [get_card(name) for name in languages]
        self._verify = verify
        self._min_cases = min_cases

    async def run(self, key: str, item: Problem) -> Result[Task]:
        """Pose the problem in each language."""
        answers = [await self._pose(card, item) for card in self._cards]
        kept = tuple(Kept(task.id, task) for task in answers if isinstance(task, Task))
        lost = tuple(loss for loss in answers if isinstance(loss, Dropped))
        if not kept:
            lost = (*lost, Dropped(lost[0].reason, f"no language can represent the problem; {lost[0].detail}"))
        return Result(kept=kept, dropped=lost)

    async def _pose(self, card: Card, problem: Problem) -> Task | Dropped:
        try:
            task = make_task(card, problem, self._min_cases)
        except (Unrepresentable, NotLiteral) as error:
            reason = error.reason if isinstance(error, WeakSuite) else Reason.UNREPRESENTABLE
            return Dropped(reason, f"{card.name}: {error}", f"{problem.id}:{card.name}")
        signature = parse_signature(task.signature)
        stub = render.render_signature(card, card.syntax.stub, signature)
        job = Job(id=task.id, language=card.name, code=stub, signature=task.signature, tests=task.tests)
        # One failing case is enough. A stub that aborts would need a process for each case.
        verdict = await self._verify.verify(msgspec.structs.replace(job, stop_at_failure=True))
        loss = _stub_drop_reason(verdict)
        return Dropped(loss[0], f"{card.name}: {loss[1]}", f"{problem.id}:{card.name}") if loss else task


class WeakSuite(Unrepresentable):
    """The language can represent all tests. There are too few tests, or all of them expect the same value."""

    def __init__(self, reason: Reason, text: str) -> None:
        super().__init__(text)
        self.reason = reason  #: why the problem is dropped


def _stub_drop_reason(verdict: Verdict) -> tuple[Reason, str] | None:
    """Return the drop reason and its detail if the stub did not compile, or passed; None otherwise."""
    if verdict.is_infra:
        return Reason.NOT_VERIFIED, verdict.detail
    if verdict.passed:
        return Reason.STUB_PASSES, "a function that only raises passes"
    if verdict.status == "fail:compile":
        return Reason.STUB_FAILS_TO_COMPILE, verdict.stderr[-300:]
    return None


def make_task(card: Card, problem: Problem, min_cases: int) -> Task:
    """Return the task, with the tests that the language can represent.

    Raises:
        Unrepresentable: Too few tests remain, they contradict each other in the language, or the language cannot
            represent the signature.
        NotLiteral: A test cannot be parsed.

    """
    calls = [parse_test(t, problem.function.name) for t in problem.suite.tests]
    declared = parse_signature(problem.suite.signature)
    fit = [c for c in calls if _unrepresentable_reason(card, c, declared) is None]
    if len(fit) < min_cases or len({literal(c.expected) for c in fit}) < 2:
        raise _weak_suite_error(card, calls, fit, declared, min_cases)
    signature = _signature_of_tests(declared, fit)
    apply_signature(card, fit, signature)
    return Task(
        id=content_hash(problem.id, card.name),
        problem=problem,
        language=card.name,
        signature=str(signature),
        tests=tuple(map(render_test, fit)),
        prefix=render.render_signature(card, card.syntax.signature, signature),
        dropped_tests=len(calls) - len(fit),
    )


def _weak_suite_error(
    card: Card, calls: Sequence[Call], fit: Sequence[Call], declared: Signature, min_cases: int
) -> Unrepresentable:
    """Return the error for a suite with too few remaining tests. The cause is the language or the suite."""
    why = next((why for c in calls if (why := _unrepresentable_reason(card, c, declared))), "")
    if why:
        return Unrepresentable(f"{len(fit)} of {counted(len(calls), 'test')} can be written in {card.display}: {why}")
    if len(calls) < min_cases:
        few = f"the problem has {counted(len(calls), 'test')}; at least {min_cases} are required"
        return WeakSuite(Reason.TOO_FEW_CASES, few)
    return WeakSuite(Reason.ONE_EXPECTED_VALUE, f"all {len(calls)} tests expect the same value")


def _unrepresentable_reason(card: Card, call: Call, declared: Signature) -> str | None:
    if isinstance(call.expected, Check) and (why := undecidable_reason(card, call.expected, declared.returns)):
        return why
    try:
        for value in (*call.arguments, *expected_values([call])):
            require_representable(card, value)
    except Unrepresentable as error:
        return str(error)
    return None


def _signature_of_tests(declared: Signature, calls: Sequence[Call]) -> Signature:
    """Return the signature with the types of the remaining tests: a type is optional only if one of its values is None.

    If a test does not state an expected value, the result type also allows the declared type.
    """
    found = infer_signature(declared.name, [p.name for p in declared.parameters], calls)
    if len(expected_values(calls)) == len(calls):
        return found
    return msgspec.structs.replace(found, returns=unite(declared.returns, found.returns))
