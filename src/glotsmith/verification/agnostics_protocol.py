"""Answer lines of the executor protocol of Agnostics (arXiv 2508.04865; nuprl/agnostics-framework).

A request is a line with a program and its stdin/stdout tests; the answer is a line, too. As in the containers of
Agnostics (``executors/README.md``), tests run in order up to the first that fails, and output is compared without
trailing white space. There are two differences: each program has its own sandbox, and its time limit is CPU time.
"""

from contextlib import aclosing
from functools import partial
from typing import Literal

import msgspec

from glotsmith.errors import ToolchainError
from glotsmith.languages import Unrepresentable, get_card, whole_program
from glotsmith.records import Limits, Outcome, Record
from glotsmith.sandbox.base import Run, run_with_retries
from glotsmith.verification.job_limits import kb_of, stdout_size
from glotsmith.verification.whole_programs import run_for_each_stdin

MAX_TIMEOUT_S = 600.0  #: CPU seconds, the largest ``timeout_s``
_TIMEOUTS = frozenset({"cpu", "wall"})


class AgnosticsTestCase(Record, frozen=True, kw_only=True, forbid_unknown_fields=False):
    """One test of an ``AgnosticsItem``."""

    input: str
    output: str


class AgnosticsItem(Record, frozen=True, kw_only=True, forbid_unknown_fields=False):
    """One request line."""

    code: str
    test_cases: tuple[AgnosticsTestCase, ...]
    timeout_s: float  #: CPU seconds for each test


class AgnosticsAnswer(Record, frozen=True, kw_only=True):
    """One answer line."""

    result: Literal["success", "fail:wrong-output", "fail:error", "fail:timeout", "fail:other"]
    expected: str | msgspec.UnsetType = msgspec.UNSET
    got: str | msgspec.UnsetType = msgspec.UNSET
    stdout: str | msgspec.UnsetType = msgspec.UNSET
    stderr: str | msgspec.UnsetType = msgspec.UNSET
    exit_code: int | msgspec.UnsetType = msgspec.UNSET  #: -N if signal N ended the program
    details: dict[str, str] | msgspec.UnsetType = msgspec.UNSET


_ITEM = msgspec.json.Decoder(AgnosticsItem)


def client_limits(run_s: float, build_s: float = 60.0, memory_mb: int = 1024, expected: int = 0) -> Limits:
    """Return limits for a client that waits: the wall time is little longer than the CPU time.

    Args:
        run_s: CPU seconds of the run.
        build_s: CPU seconds of the build.
        memory_mb: memory in MB.
        expected: size of the expected stdout in bytes, which is added to the default limit.

    """
    return Limits(
        cpu_s=run_s,
        wall_s=1.5 * run_s + 2,
        build_cpu_s=build_s,
        memory_mb=memory_mb,
        output_kb=Limits().output_kb + kb_of(expected),
    )


async def answer_line(run: Run, language: str, line: bytes) -> AgnosticsAnswer:
    """Answer one line; a line that cannot be run is ``fail:other``, with details."""
    try:
        item = _ITEM.decode(line)
        if not 0 < item.timeout_s <= MAX_TIMEOUT_S:
            raise msgspec.ValidationError(
                f"timeout_s is {item.timeout_s}; it must be above 0 and at most {MAX_TIMEOUT_S}"
            )
        return await _test(run, language, item)
    except (ValueError, RecursionError) as error:  # also those of a sandbox, for NUL characters
        return refused_answer("malformed line", str(error))
    except (ToolchainError, Unrepresentable) as error:
        return refused_answer("infra:toolchain", str(error))


async def _test(run: Run, language: str, item: AgnosticsItem) -> AgnosticsAnswer:
    card = get_card(language)
    longest = max((stdout_size(case.output) for case in item.test_cases), default=0)
    allowed = client_limits(item.timeout_s, memory_mb=card.limits.memory_mb, expected=longest)
    last = refused_answer("no test cases", "the item has no test cases, so nothing could be judged")
    outcomes = run_for_each_stdin(
        partial(run_with_retries, run), whole_program(card, item.code, allowed), [c.input for c in item.test_cases]
    )
    async with aclosing(outcomes):
        for case in item.test_cases:
            last = _judge(await anext(outcomes), case)
            if last.result != "success":
                break
    return last


def _judge(outcome: Outcome, case: AgnosticsTestCase) -> AgnosticsAnswer:
    stdout, stderr = decode_output(outcome.stdout), decode_output(outcome.stderr)
    if outcome.ending == "infra":
        return refused_answer("infra:sandbox", outcome.detail)
    if outcome.ending in _TIMEOUTS:
        return AgnosticsAnswer(result="fail:timeout", stdout=stdout, stderr=stderr)
    if outcome.ending != "exit" or outcome.code != 0 or not outcome.built:
        return AgnosticsAnswer(
            result="fail:error", stdout=stdout, stderr=stderr, exit_code=subprocess_exit_code(outcome)
        )
    if stdout.rstrip() != case.output.rstrip():
        return AgnosticsAnswer(result="fail:wrong-output", expected=case.output, got=stdout, stderr=stderr)
    return AgnosticsAnswer(result="success", stderr=stderr)


def subprocess_exit_code(outcome: Outcome) -> int:
    """Return a program's exit code as Python's ``subprocess`` does: -N if signal N ended the program."""
    return outcome.code if outcome.ending == "exit" else -(outcome.code or 9)


def decode_output(data: bytes) -> str:
    """Decode a program's output as ``subprocess`` reads text: each line end becomes ``\\n``."""
    return data.decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n")


def refused_answer(kind: str, message: str) -> AgnosticsAnswer:
    """Return the answer to a line that cannot be judged: ``fail:other``, with details."""
    return AgnosticsAnswer(result="fail:other", stdout="", stderr="", details={"type": kind, "message": message})
