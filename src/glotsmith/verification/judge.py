"""Judge the outcome of a program in a sandbox, and return its verdict.

A program passes only on positive evidence: the driver printed the result of every case, once and in order, and each
equals its expected value. An exit code is not evidence.
"""

import json
from collections.abc import Sequence
from typing import Literal

import msgspec

from glotsmith.records import CaseStatus, CaseVerdict, Outcome, Status, Verdict, printable
from glotsmith.values import Check, NotLiteral, Value
from glotsmith.values.check_functions import EvaluationLimitExceeded
from glotsmith.verification.compare import ComparisonRules, describe_type_mismatch
from glotsmith.verification.satisfy import satisfies
from glotsmith.verification.wire_format import WireValue, describe_wire, parse_wire

TAIL_CHARS = 2000  #: characters of stdout and stderr that a verdict keeps
MISFIT = "does not fit the declared type"  #: drivers print it for an argument that does not fit the program's own type

#: endings of a program that used too much time: its later cases are not run, unless the job wants all
TIME_ENDINGS = frozenset({"cpu", "idle", "wall"})
_LIMIT_ENDINGS = TIME_ENDINGS | {"memory", "processes", "output"}
STATUS_OF_ENDING: dict[str, Status] = {
    "cpu": "fail:timeout",
    "idle": "fail:timeout",
    "wall": "fail:timeout",
    "memory": "fail:memory",
    "processes": "fail:memory",
    "output": "fail:output",
    "infra": "infra:sandbox",
}


class DriverOutput(msgspec.Struct):
    """The protocol lines of the driver, and the program's own output."""

    stage: Literal["nothing", "start", "loaded", "end"] = "nothing"
    absent: bool = False
    mismatch: str = ""  #: why the entry point does not accept the arguments
    load_error: str = ""
    results: list[tuple[str, str]] = []  #: (``value`` or ``raised``, JSON), by case
    forged: bool = False  #: a protocol line is repeated, out of order or malformed
    printed: str = ""


def read_driver_output(stdout: bytes, mark: str) -> DriverOutput:
    """Separate the protocol lines in a program's stdout from its own output."""
    seen, own = DriverOutput(), list[str]()
    for line in stdout.decode("utf-8", "surrogateescape").split("\n"):
        if line.startswith(f"{mark} "):
            _read_event(seen, line[len(mark) + 1 :])
        else:
            own.append(line)
    seen.printed = "\n".join(own).strip("\n")
    return seen


def _read_event(seen: DriverOutput, text: str) -> None:
    word, _, rest = text.partition(" ")
    index, _, payload = rest.partition(" ")
    match word:
        case "start" if seen.stage == "nothing":
            seen.stage = "start"
        case "loaded" if seen.stage == "start":
            seen.stage = "loaded"
        case "absent" if seen.stage == "start":
            seen.absent = True
        case "mismatch" if seen.stage == "start":
            seen.mismatch = _decode_text(rest)
        case "raised" if seen.stage == "start" and index == "load":
            seen.load_error = _decode_text(payload)
        case "value" | "raised" if seen.stage == "loaded" and index == str(len(seen.results)):
            seen.results.append((word, payload))
        case "end" if seen.stage == "loaded":
            seen.stage = "end"
        case _:
            seen.forged = True


def _decode_text(payload: str) -> str:
    try:
        return str(json.loads(payload, strict=False))
    except (ValueError, RecursionError):
        return payload


def judge_outcome(
    identity: str,
    language: str,
    outcome: Outcome,
    mark: str,
    expected: Sequence[Value | Check],
    how: ComparisonRules,
    *,
    all_cases: bool = False,
    stop_at_failure: bool = False,
) -> tuple[Verdict, int | None]:
    """Return the verdict on one program, and the case after which the later cases need another process, or None.

    That is the case in which the program exited early; with ``all_cases``, also one that reached a time limit. With
    ``stop_at_failure`` it is None, and the cases after the first that fails are skipped, also if they ran: the verdict
    does not depend on the moment at which the program was stopped.

    Args:
        identity: the job's id.
        language: the job's language.
        outcome: the outcome of the program in the sandbox.
        mark: the token at the start of protocol lines.
        expected: a value or a check for each case, in the order of the calls.
        how: how values are compared.
        all_cases: run the cases after one that reached a time limit.
        stop_at_failure: judge up to the first case that fails.

    """
    seen = read_driver_output(outcome.stdout, mark)
    cases = tuple(_case(seen, i, value, how) for i, value in enumerate(expected))
    failed = next((i for i, case in enumerate(cases) if case and case.status != "pass"), None)
    if stop_at_failure and failed is not None and not seen.forged and outcome.ending != "infra":
        cases = _skipped_after(cases, failed)
        outcome = msgspec.structs.replace(outcome, ending="decided")
    status, detail = _status(seen, outcome, cases)
    stopped = outcome.ending in STATUS_OF_ENDING or seen.forged or not outcome.built
    unfinished = status if stopped else _unfinished(seen, outcome)[0]
    verdict = Verdict(
        id=identity,
        language=language,
        status=status,
        cases=_with_unfinished(cases, unfinished, outcome),
        stdout=truncate_to_tail(seen.printed),
        stderr=truncate_to_tail(outcome.stderr.decode("utf-8", "replace")),
        seconds=round(outcome.cpu_s, 4),
        detail=detail or _type_mismatch_message(seen, cases, expected, how),
    )
    endings = {"exit", "signal"} | (TIME_ENDINGS if all_cases else set[str]())
    resumes = seen.stage == "loaded" and not (seen.forged or stop_at_failure) and outcome.ending in endings
    return verdict, len(seen.results) if resumes and len(seen.results) < len(expected) else None


class FailureWatch:
    """Finds the first failed case in a growing output. It judges each case once, since a program may print for long.

    It only decides when a program ends early; ``judge_outcome`` judges the whole output.
    """

    def __init__(self, mark: str, expected: Sequence[Value | Check], how: ComparisonRules) -> None:
        """Watch for cases of one program; the arguments are those of ``judge_outcome``."""
        self._mark, self._expected, self._how = mark, expected, how
        self._read = 0  #: bytes of whole lines that were searched
        self._passed = 0  #: cases

    def has_failed(self, stdout: bytes) -> bool:
        """Return whether a case has failed in the output so far."""
        start, self._read = self._read, stdout.rfind(b"\n") + 1
        if f"{self._mark} ".encode() not in stdout[start : self._read]:
            return False
        seen = read_driver_output(stdout[: self._read], self._mark)
        while not seen.forged and self._passed < min(len(seen.results), len(self._expected)):
            case = _case(seen, self._passed, self._expected[self._passed], self._how)
            if case is not None and case.status != "pass":
                return True
            self._passed += 1
        return False


def _skipped_after(cases: Sequence[CaseVerdict | None], failed: int) -> tuple[CaseVerdict | None, ...]:
    return (*cases[: failed + 1], *[CaseVerdict(status="skipped")] * (len(cases) - failed - 1))


def _with_unfinished(cases: Sequence[CaseVerdict | None], status: Status, outcome: Outcome) -> tuple[CaseVerdict, ...]:
    """Return all cases: the first without a result has the status, and later ones are skipped after a limit."""
    done = sum(case is not None for case in cases)
    rest: CaseStatus = "skipped" if outcome.ending in _LIMIT_ENDINGS and outcome.built else status
    return tuple(case or CaseVerdict(status=status if number == done else rest) for number, case in enumerate(cases))


def _case(seen: DriverOutput, index: int, expected: Value | Check, how: ComparisonRules) -> CaseVerdict | None:
    """Return the verdict on one case; None if the case has no result."""
    if index >= len(seen.results):
        return None
    event, payload = seen.results[index]
    if event == "raised":
        return CaseVerdict(status="fail:runtime", actual=truncate_to_tail(_decode_text(payload)))
    try:
        return judge_value(expected, parse_wire(payload), how)
    except NotLiteral:
        return CaseVerdict(status="fail:output", actual=truncate_to_tail(payload))


def judge_value(expected: Value | Check, wire: WireValue, how: ComparisonRules) -> CaseVerdict:
    """Return the verdict on one result.

    Raises:
        NotLiteral: the result is malformed.

    """
    try:
        status: Status = "pass" if satisfies(expected, wire, how) else "fail:wrong"
    except EvaluationLimitExceeded:
        return CaseVerdict(status="fail:output", actual="the value is too large to evaluate its test")
    return CaseVerdict(status=status, actual=printable(describe_wire(wire)))


def _status(seen: DriverOutput, outcome: Outcome, cases: Sequence[CaseVerdict | None]) -> tuple[Status, str]:
    complete = seen.stage == "end" and len(seen.results) == len(cases)
    if seen.forged or len(seen.results) > len(cases):
        return "fail:output", "the program wrote protocol lines itself"
    if complete:
        judged = [c for c in cases if c]
        return overall_status(judged), _misfit_message(judged)
    if not outcome.built and outcome.ending != "infra":
        return "fail:compile", "the compiler exceeded its limits" if outcome.ending in STATUS_OF_ENDING else ""
    if outcome.ending in STATUS_OF_ENDING:
        return STATUS_OF_ENDING[outcome.ending], outcome.detail
    judged = [c for c in cases if c]
    if (status := overall_status(judged)) != "pass":
        return status, _misfit_message(judged)
    return _unfinished(seen, outcome)


def _misfit_message(cases: Sequence[CaseVerdict]) -> str:
    """Return the error of the first failed case if its argument does not fit the program's own type; else ""."""
    failed = next((c for c in cases if c.status != "pass"), None)
    return failed.actual if failed and failed.status == "fail:runtime" and MISFIT in failed.actual else ""


def _type_mismatch_message(
    seen: DriverOutput, cases: Sequence[CaseVerdict | None], expected: Sequence[Value | Check], how: ComparisonRules
) -> str:
    """Return how the type of the first failed case's result differs from that of its expected value; else ""."""
    for case, (_, payload), value in zip(cases, seen.results, expected, strict=False):
        if case and case.status == "fail:wrong":
            return "" if isinstance(value, Check) else describe_type_mismatch(value, parse_wire(payload), how)
        if not case or case.status != "pass":
            break
    return ""


def overall_status(cases: Sequence[CaseVerdict]) -> Status:
    """Return the status of the first case that does not pass, else ``pass``."""
    for case in cases:
        if case.status != "pass" and case.status != "skipped":
            return case.status
    return "pass"


def _unfinished(seen: DriverOutput, outcome: Outcome) -> tuple[Status, str]:
    """Return status and detail of a program that exited before all results were printed."""
    ending = f"killed by signal {outcome.code}" if outcome.ending == "signal" else f"exit code {outcome.code}"
    if seen.absent:
        return "fail:compile", "the entry point is not defined"
    if seen.mismatch:
        return "fail:compile", truncate_to_tail(seen.mismatch)
    if seen.load_error:
        return "fail:runtime", truncate_to_tail(seen.load_error)
    if outcome.ending == "signal":
        return "fail:runtime", ending
    if seen.stage == "nothing" and outcome.code != 0:
        return "fail:compile", ""
    return "fail:exit", f"the program exited before all results were printed ({ending})"


def truncate_to_tail(text: str, width: int = TAIL_CHARS) -> str:
    """Return the last ``width`` characters, as valid Unicode."""
    return printable(text if len(text) <= width else f"…{text[-width:]}")
