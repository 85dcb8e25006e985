"""Agnostics' executor protocol (arXiv 2508.04865; nuprl/agnostics-framework, ``executors/README.md``).

A line is a program with its stdin/stdout tests, and is answered by a line. As in its containers, tests run in order up
to the first that fails, and output is compared without the white space at its end; other than there, each program has
a sandbox of its own, and its time is CPU time.
"""

from contextlib import aclosing
from functools import partial
from typing import Literal

import msgspec

from glotsmith.errors import ToolchainError
from glotsmith.languages import Unrepresentable, get
from glotsmith.records import Limits, Outcome, Record
from glotsmith.sandbox.base import Run, run_with_retries
from glotsmith.verification.allowance import kb_of, stdout_size
from glotsmith.verification.whole import outcomes_of, script

MOST_S = 600.0  #: CPU seconds that a test may ask for
_TIMEOUTS = frozenset({"cpu", "wall"})


class TestCase(Record, frozen=True, kw_only=True, forbid_unknown_fields=False):
    """One test of an ``Item``."""

    input: str
    output: str


class Item(Record, frozen=True, kw_only=True, forbid_unknown_fields=False):
    """One line that is asked."""

    code: str
    test_cases: tuple[TestCase, ...]
    timeout_s: float  #: of each test


class Answer(Record, frozen=True, kw_only=True):
    """One line that is answered."""

    result: Literal["success", "fail:wrong-output", "fail:error", "fail:timeout", "fail:other"]
    expected: str | msgspec.UnsetType = msgspec.UNSET
    got: str | msgspec.UnsetType = msgspec.UNSET
    stdout: str | msgspec.UnsetType = msgspec.UNSET
    stderr: str | msgspec.UnsetType = msgspec.UNSET
    exit_code: int | msgspec.UnsetType = msgspec.UNSET  #: -N where signal N ended it
    details: dict[str, str] | msgspec.UnsetType = msgspec.UNSET


_ITEM = msgspec.json.Decoder(Item)


def limits(run_s: float, build_s: float = 60.0, memory_mb: int = 1024, expected: int = 0) -> Limits:
    """Return limits for a client that waits: CPU seconds, and not much longer by the clock.

    ``expected`` bytes of stdout fit beside the usual limit.
    """
    return Limits(
        cpu_s=run_s,
        wall_s=1.5 * run_s + 2,
        build_cpu_s=build_s,
        memory_mb=memory_mb,
        output_kb=Limits().output_kb + kb_of(expected),
    )


async def answer(run: Run, language: str, line: bytes) -> Answer:
    """Answer one line; what can't be run is ``fail:other``, with details."""
    try:
        item = _ITEM.decode(line)
        if not 0 < item.timeout_s <= MOST_S:
            raise msgspec.ValidationError(f"timeout_s is {item.timeout_s}; it must be above 0 and at most {MOST_S}")
        return await _test(run, language, item)
    except (ValueError, RecursionError) as error:  # a sandbox's, too: NULs in words
        return refused("malformed line", str(error))
    except (ToolchainError, Unrepresentable) as error:
        return refused("infra:toolchain", str(error))


async def _test(run: Run, language: str, item: Item) -> Answer:
    card = get(language)
    longest = max((stdout_size(case.output) for case in item.test_cases), default=0)
    allowed = limits(item.timeout_s, memory_mb=card.limits.memory_mb, expected=longest)
    last = refused("no test cases", "the item has no test cases, so nothing could be judged")
    outcomes = outcomes_of(
        partial(run_with_retries, run), script(card, item.code, "", allowed), [c.input for c in item.test_cases]
    )
    async with aclosing(outcomes):
        for case in item.test_cases:
            last = _judge(await anext(outcomes), case)
            if last.result != "success":
                break
    return last


def _judge(outcome: Outcome, case: TestCase) -> Answer:
    stdout, stderr = text(outcome.stdout), text(outcome.stderr)
    if outcome.ending == "infra":
        return refused("infra:sandbox", outcome.detail)
    if outcome.ending in _TIMEOUTS:
        return Answer(result="fail:timeout", stdout=stdout, stderr=stderr)
    if outcome.ending != "exit" or outcome.code != 0 or not outcome.built:
        return Answer(result="fail:error", stdout=stdout, stderr=stderr, exit_code=exit_code(outcome))
    if stdout.rstrip() != case.output.rstrip():
        return Answer(result="fail:wrong-output", expected=case.output, got=stdout, stderr=stderr)
    return Answer(result="success", stderr=stderr)


def exit_code(outcome: Outcome) -> int:
    """Return a program's exit code as Python's subprocess has it: -N where signal N ended it."""
    return outcome.code if outcome.ending == "exit" else -(outcome.code or 9)


def text(data: bytes) -> str:
    """Return what a program wrote, as subprocess reads text: line ends are one character."""
    return data.decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n")


def refused(kind: str, message: str) -> Answer:
    """Return the answer to a line that could not be judged: ``fail:other``, with details."""
    return Answer(result="fail:other", stdout="", stderr="", details={"type": kind, "message": message})
