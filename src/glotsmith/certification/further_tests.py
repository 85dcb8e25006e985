"""Make further tests of a right program: more inputs, with the values of the Python original or of the program.

They decide whether a mutant that passes its suite is equivalent to the program.
"""

from collections.abc import Iterator, Sequence
from itertools import islice
from random import Random

import msgspec

from glotsmith.certification.labelled import LabelledProgram
from glotsmith.languages import Card, Unrepresentable, get_card
from glotsmith.languages.representable import require_representable
from glotsmith.languages.typed_calls import apply_signature
from glotsmith.records import Verdict
from glotsmith.step import Verify
from glotsmith.suites.explore import returned_literal
from glotsmith.suites.function_runner import CallBatch, FunctionRunner
from glotsmith.suites.inputs import MAX_TEXT, Arguments, has_exact_integers, mutate_calls
from glotsmith.suites.value_pools import SourceConstants, collect_constants, value_pool
from glotsmith.values import Call, NotLiteral, Signature, Value, literal, parse_signature, parse_test, parse_value
from glotsmith.values import render_test as render

_CPU_S = 0.25  #: CPU seconds of a call of the Python original
_HASH_SEED = 3


class FurtherTests(msgspec.Struct, frozen=True):
    """Tests that a right program passes, in addition to those of its suite."""

    tests: tuple[str, ...] = ()
    differing: tuple[str, ...] = ()  #: calls for which the program and its Python original return different values


async def make_further_tests(
    program: LabelledProgram, verify: Verify, runner: FunctionRunner, count: int
) -> FurtherTests:
    """Return up to ``count`` further tests of a right program; no tests if its suite has no calls with a signature.

    Raises:
        RunnerFailed: The sandbox failed twice.

    """
    job = program.job
    try:
        signature = parse_signature(job.signature)
        seeds = [parse_test(test, signature.name) for test in job.tests]
    except NotLiteral:
        return FurtherTests()
    calls = _representable(
        get_card(job.language), signature, islice(_new_arguments(program, signature, seeds), 4 * count)
    )
    arguments = list(islice(calls, count))
    values = await _original_values(program, runner, arguments) if program.function else None
    known = [
        Call(signature.name, call, seeds[0].expected if values is None else value[0])
        for call, value in zip(arguments, values or [(None,)] * len(arguments), strict=True)
        if value is not None
    ]
    if not known:
        return FurtherTests()
    tests = tuple(map(render, known))
    verdict = await verify.verify(msgspec.structs.replace(job, tests=tests, all_cases=True, stop_at_failure=False))
    return (
        _split_by_verdict(verdict, tests) if values is not None else FurtherTests(_with_actual_values(verdict, known))
    )


def _split_by_verdict(verdict: Verdict, tests: Sequence[str]) -> FurtherTests:
    """Split the tests with the values of the Python original into those that passed and those that failed."""
    pairs = list(zip(tests, verdict.cases, strict=False))
    passed = tuple(test for test, case in pairs if case.status == "pass")
    return FurtherTests(passed, tuple(test for test, case in pairs if case.status == "fail:wrong"))


def _with_actual_values(verdict: Verdict, calls: Sequence[Call]) -> tuple[str, ...]:
    """Return the tests with the values that the program itself returned."""
    found = list[str]()
    for call, case in zip(calls, verdict.cases, strict=False):
        if case.status in ("pass", "fail:wrong"):
            try:
                found.append(render(msgspec.structs.replace(call, expected=parse_value(case.actual))))
            except NotLiteral:
                continue
    return tuple(found)


async def _original_values(
    program: LabelledProgram, runner: FunctionRunner, calls: Sequence[Arguments]
) -> list[tuple[Value] | None]:
    """Return the result of the Python original for each call: a tuple with the value; None if it is not a literal."""
    assert program.function is not None
    batch = CallBatch(calls=tuple(map(literal, calls)), cpu_s=_CPU_S)
    [report] = await runner.run(program.function, [batch], _HASH_SEED)
    values = [returned_literal(answer) for answer in report.results]
    return [value if value is not None and has_exact_integers(value[0]) else None for value in values]


def _new_arguments(program: LabelledProgram, signature: Signature, seeds: Sequence[Call]) -> Iterator[Arguments]:
    """Yield distinct arguments that are not in the suite: changed arguments of the suite and random ones, in turn."""
    random = Random(program.job.code)  # noqa: S311
    constants = _constants(program)
    seen = {literal(call.arguments) for call in seeds}
    pools = [value_pool(parameter.type, constants, random) for parameter in signature.parameters]
    while True:
        near = mutate_calls([call.arguments for call in seeds], constants, random, 50) if signature.parameters else []
        mixed = [tuple(map(random.choice, pools)) for _ in range(50)]
        fresh = [call for pair in zip(near, mixed, strict=False) for call in pair if has_exact_integers(call)]
        before = len(seen)
        for call in fresh:
            text = literal(call)
            if len(text) <= MAX_TEXT and text not in seen:
                seen.add(text)
                yield call
        if len(seen) == before:
            return


def _constants(program: LabelledProgram) -> SourceConstants:
    try:
        return collect_constants(program.function) if program.function else SourceConstants()
    except (SyntaxError, ValueError):
        return SourceConstants()


def _representable(card: Card, signature: Signature, calls: Iterator[Arguments]) -> Iterator[Arguments]:
    """Yield the calls that the language can represent with the types of the signature."""
    for call in calls:
        try:
            for value in call:
                require_representable(card, value)
            apply_signature(card, [Call(signature.name, call, None)], signature)
        except (Unrepresentable, NotLiteral):
            continue
        yield call
