"""The common message of a verdict: that of the compiler or program, without what differs between programs."""

import pytest

from glotsmith.recipes.failing_programs import common_message
from glotsmith.records import CaseVerdict, Status, Verdict

OCAML = 'File "candidate.ml", line {}, characters 10-11:\nError: Unbound value {}'
RUST = "error[E0308]: mismatched types\n --> /box/program/driver.rs:{}:54\n  | expected `i64`, found struct `{}`"


def verdict(status: Status, *, stderr: str = "", stdout: str = "", actual: str = "") -> Verdict:
    cases = (CaseVerdict(status="pass", actual="1"), CaseVerdict(status=status, actual=actual))
    return Verdict(id="x", language="lua", status=status, cases=cases, stderr=stderr, stdout=stdout)


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (verdict("fail:compile", stderr="candidate:7: unexpected symbol near 'end'"), "unexpected symbol near ‘…’"),
        (verdict("fail:compile", stdout=OCAML.format(3, "y")), "Error: Unbound value y"),
        (verdict("fail:compile", stderr="warning: x\n" + RUST.format(9, "S")), "error[EN]: mismatched types"),
        (
            verdict("fail:runtime", actual="attempt to call a nil value (local 'x')"),
            "attempt to call a nil value (local ‘…’)",
        ),
        (verdict("fail:runtime", actual="IndexError: 12 of 3"), "IndexError: N of N"),
        (verdict("fail:wrong", actual="[9]", stderr="error"), ""),
        (verdict("fail:timeout", stderr="error"), ""),
        (verdict("fail:compile"), ""),
    ],
)
def test_a_message_is_without_places_names_and_numbers(found: Verdict, message: str) -> None:
    assert common_message(found) == message.replace("[EN]", "[E0308]")


@pytest.mark.parametrize("text", ["'" * 300_000, "error " + "a/" * 200_000, "\u202e" * 1000, "error: \x00 'x"])
def test_any_output_has_a_short_message(text: str) -> None:
    assert len(common_message(verdict("fail:compile", stderr=text))) <= 160
