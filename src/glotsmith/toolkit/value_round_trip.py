"""Check that values of every type come back equal from a language, and are distinguished from other values.

The identity function, the row ``accepted`` of ``verdicts.toml``, is called with thousands of seeded values. Values that
a card declares unrepresentable must be refused with the reason in the card; they are counted separately.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from glotsmith.errors import InputError
from glotsmith.languages import Unrepresentable, program, render
from glotsmith.languages.card import Card
from glotsmith.languages.proof_rows import read_proof_rows
from glotsmith.records import Limits, Outcome
from glotsmith.sandbox.base import Sandbox
from glotsmith.toolkit.random_values import (
    FIXED_TYPES,
    canonical,
    different_values,
    random_type,
    random_value,
    seeded_random,
)
from glotsmith.values import INT, STR, Parameter, Signature, Type, Value, parse_type
from glotsmith.verification.compare import ComparisonRules, matches_expected
from glotsmith.verification.judge import DriverOutput, read_driver_output
from glotsmith.verification.wire_format import WireValue, parse_wire

MIN_VALUES = 2000  #: smallest number of values that came back equal, and of distinguished values
STUBS = 25  #: number of random types of stubs
_PER_PROGRAM = 60  #: number of values in one program
_MOST_TYPES = 1000  #: largest number of tried types; a card may refuse nearly all of them
_LIMITS = Limits(cpu_s=60, wall_s=400, memory_mb=2048, output_kb=4096)
_CONTROLS = 4  #: number of other values for each value

ValueBatch = tuple[Type, Sequence[Value]]


class RoundTripResult(NamedTuple):
    """The results of calls of an identity function with values."""

    pairs: list[tuple[Value, WireValue]]  #: sent value and returned wire value
    refused: Counter[str]  #: counts of values that the language cannot represent, by reason
    failed: list[str]  #: a message for each batch without results


def representable(card: Card, kind: Type, values: Sequence[Value], refused: Counter[str]) -> list[Value]:
    """Return the values that the language can represent, and count the others by reason."""
    kept: list[Value] = []
    for value in values:
        try:
            render.render_literal(card, value, kind)
            render.render_type(card, kind)
            render.render_printer(card, kind)
            kept.append(value)
        except Unrepresentable as error:
            refused[str(error)] += 1
    return kept


def batches(card: Card, wanted: int = MIN_VALUES) -> Iterator[ValueBatch]:
    """Yield batches of random values by type, until more than ``wanted`` values are representable."""
    rng, count = seeded_random("roundtrip", card.name), 0
    kinds = map(parse_type, FIXED_TYPES)
    for _ in range(_MOST_TYPES):
        if count >= wanted + _PER_PROGRAM:
            return
        kind = next(kinds, None) or random_type(rng)
        values = [random_value(rng, kind, card.limits.int_bits) for _ in range(_PER_PROGRAM)]
        yield kind, values
        count += len(representable(card, kind, values, Counter()))


async def send_values(card: Card, sandbox: Sandbox, sent: Sequence[ValueBatch], before: str = "") -> RoundTripResult:
    """Call the identity function with every value, one program for each batch. ``before`` is code before the function.

    Raises:
        InputError: The rows of the language have no identity function.

    """
    table = read_proof_rows(card.name)
    if "accepted" not in table:
        raise InputError.at(
            card.card_path.with_name("verdicts.toml"), None, "the identity function, row 'accepted', is missing"
        )
    code, seen = before + table["accepted"].code, RoundTripResult([], Counter(), [])
    kept = [(kind, representable(card, kind, values, seen.refused)) for kind, values in sent]
    kept = [(kind, values) for kind, values in kept if values]
    for (kind, values), (outcome, found) in zip(
        kept, await asyncio.gather(*(_call(card, sandbox, code, *batch) for batch in kept)), strict=True
    ):
        if found.stage != "end" or found.forged or any(event != "value" for event, _ in found.results):
            seen.failed.append(f"values of type {kind} did not come back: {_describe_failure(outcome, found)}")
        else:
            seen.pairs.extend(zip(values, [parse_wire(text) for _, text in found.results], strict=True))
    return seen


async def _call(
    card: Card, sandbox: Sandbox, code: str, kind: Type, values: Sequence[Value]
) -> tuple[Outcome, DriverOutput]:
    signature = Signature("f", (Parameter("x", kind),), kind)
    made, mark = program.call_program(card, code, signature, [(v,) for v in values], _LIMITS)
    outcome = await sandbox.run(made)
    return outcome, read_driver_output(outcome.stdout, mark)


def _describe_failure(outcome: Outcome, found: DriverOutput) -> str:
    errors = outcome.stderr[-500:].decode("utf-8", "replace").strip()
    return f"{outcome.ending} {outcome.code}, last result {found.results[-1:]}{f', stderr: {errors}' if errors else ''}"


# -------------------------------------------------------------------------------------------------------- checks


def changed_values(card: Card, seen: RoundTripResult) -> list[str]:
    """Return a message for each value that came back changed."""
    rules = ComparisonRules(card.equality, tolerance=0.0)
    return [
        f"{value!r} came back as {wire!r}" for value, wire in seen.pairs if not matches_expected(value, wire, rules)
    ]


def compare_with_other_values(card: Card, seen: RoundTripResult) -> tuple[int, list[str]]:
    """Compare each result with other values; return their number, and a message for each wrongly equal pair."""
    rules, rng, checked, wrong = ComparisonRules(card.equality), seeded_random(card.name), 0, list[str]()
    for i, (value, wire) in enumerate(seen.pairs):
        known = canonical(value, card.equality)
        other = [
            x for x in (*different_values(rng, value), seen.pairs[i - 1][0]) if canonical(x, card.equality) != known
        ]
        for x in other if len(other) < _CONTROLS else rng.sample(other, _CONTROLS):
            checked += 1
            if matches_expected(x, wire, rules):
                wrong.append(f"{value!r} came back as {wire!r} and passes for {x!r}")
    return checked, wrong


def unexplained_refusals(card: Card, seen: RoundTripResult) -> list[str]:
    """Return the refusals whose reason is not in the card."""
    known = (*card.refuse.values(), f"{card.limits.int_bits} bits, ")
    return [
        f"a value was refused for a reason that is not in the card: {r}"
        for r in seen.refused
        if not any(k in r for k in known)
    ]


async def check_code_points(card: Card, sandbox: Sandbox, sample: int = 1) -> list[str]:
    """Send every code point except NUL and surrogates; return a message for each batch that came back changed.

    Of the code points above the Basic Multilingual Plane, which all encodings treat equally, send one in ``sample``.
    """
    points = [chr(n) for n in (*range(1, 0xD800), *range(0xE000, 0x10000), *range(0x10000, 0x110000, sample))]
    texts = ["".join(points[i : i + 1024]) for i in range(0, len(points), 1024)]
    seen = await send_values(card, sandbox, [(STR, texts[i : i + 160]) for i in range(0, len(texts), 160)])
    lost = [f"the text of U+{ord(v[0]):04X} to U+{ord(v[-1]):04X} came back changed" for v, w in seen.pairs if v != w]
    if len(seen.pairs) + seen.refused.total() != len(texts):
        lost.append(f"of {len(texts)} texts, {len(seen.pairs)} came back")
    return [*seen.failed, *unexplained_refusals(card, seen), *lost]


async def check_stubs(card: Card, sandbox: Sandbox) -> tuple[int, list[str]]:
    """Run stubs of random types; return their number, and a message for each that does not compile and raise.

    If the types of a suite do not compile, no program passes it (42 % of the published OCaml suites).
    """
    rng, tried = seeded_random("stubs", card.name), list[tuple[Type, Value]]()
    for kind in (random_type(rng) for _ in range(STUBS)):
        value = random_value(rng, kind, card.limits.int_bits)
        if representable(card, kind, [value], Counter()):
            tried.append((kind, value))
    errors = await asyncio.gather(*(_check_stub(card, sandbox, kind, value) for kind, value in tried))
    return len(tried), [sentence for sentence in errors if sentence]


async def _check_stub(card: Card, sandbox: Sandbox, kind: Type, value: Value) -> str:
    signature = Signature("f", (Parameter("x", kind), Parameter("end", INT)), kind)
    code = render.render_signature(card, card.syntax.stub, signature)
    made, mark = program.call_program(card, code, signature, [(value, 1)], _LIMITS)
    outcome = await sandbox.run(made)
    found = read_driver_output(outcome.stdout, mark)
    ended_by_signal = found.stage == "loaded" and not found.results and outcome.ending == "signal"
    if [event for event, _ in found.results] == ["raised"] or ended_by_signal:  # C has no exceptions
        return ""
    return f"the stub does not compile and raise: {_describe_failure(outcome, found)}\n{code}"


COMMENT_TEXT = (
    r"""
def f(x): "don't 'say' \ it
{'a': {"b"}} {|x| {id| '"' '\'' '\n
--[[ x ]] (* *) *) (* |# #| =# #= #; """
    + "\t\x0c\u2028é"
)


async def check_comments(card: Card, sandbox: Sandbox) -> list[str]:
    """Insert difficult comments before a program; return a message for each result that they change."""
    before = "".join(f"{render.render_comment(card, x)}\n" for x in (COMMENT_TEXT, *COMMENT_TEXT.split()))
    seen = await send_values(card, sandbox, [(INT, [1, 2])], before)
    wrong = [] if len(seen.pairs) == 2 else ["a program with comments before it did not run"]
    return [*seen.failed, *changed_values(card, seen), *wrong]
