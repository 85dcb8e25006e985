"""Read the failing programs of a run from its ledger: language, verdict, and the message of the compiler or program."""

import re
from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from glotsmith.ledger_rows import LedgerRow
from glotsmith.recipes.base import LedgerReader
from glotsmith.records import Verdict

_NAMES_AN_ERROR = re.compile(r"error|exception|unexpected|panic|unbound|undefined|violation", re.IGNORECASE)
_LOCATION = re.compile(
    r"(?:[\w./<>-]*/|candidate)[\w./-]*(?::\d+)*:?|\b(?:line|characters?) [\d-]+,?|^[\w./-]+:\d+[:\d]*"
)
_QUOTED = re.compile(r"[`‘][^'’`\n]{1,200}['’`]|'[^'\n]{1,200}'|\"[^\"\n]{1,200}\"")
_NUMBER = re.compile(r"-?\b\d+(?:\.\d+)?\b")
_LONGEST = 160  #: maximum characters of a message
_SCANNED = 2000  #: number of characters of an output in which a message is searched


class FailingProgram(NamedTuple):
    """One generated program that failed."""

    key: str
    language: str
    status: str
    message: str  #: error message of the compiler or program, without paths, names and numbers; "" for a wrong value


class _LostItem(msgspec.Struct):
    """The verdict of a lost item: a ``Candidate`` has ``verdict``, an ``InstructionCandidate`` has ``round_trip``."""

    verdict: Verdict | None = None
    round_trip: str = ""


_decode = msgspec.json.Decoder(_LostItem).decode


def failing_programs(ledger: LedgerReader) -> Iterator[FailingProgram]:
    """Yield every generated program that failed. A failure of the machine is not a wrong answer."""
    for row in ledger.dropped_rows():
        if program := failing_program(row):
            yield program


def failing_program(row: LedgerRow) -> FailingProgram | None:
    """Return the failing program that a row of the ledger contains; None if it contains no failing program."""
    if row.status != "lost" or not row.data:
        return None
    try:
        lost = _decode(row.data)
    except msgspec.DecodeError:
        return None
    status = lost.verdict.status if lost.verdict else lost.round_trip
    if not status.startswith("fail:"):
        return None
    language = lost.verdict.language if lost.verdict else ""
    return FailingProgram(row.key, language, status, common_message(lost.verdict) if lost.verdict else "")


def common_message(verdict: Verdict) -> str:
    """Return a compiler or runtime error without the parts that differ between programs; "" if there is no error."""
    if verdict.status not in ("fail:compile", "fail:runtime"):
        return ""
    failed = next((case.actual for case in verdict.cases if case.status != "pass"), "")
    lines = [
        line
        for output in (failed, verdict.stderr, verdict.stdout, verdict.detail)
        for line in output[:_SCANNED].splitlines()
        if line.strip()
    ]
    line = next((line for line in lines if _NAMES_AN_ERROR.search(line)), lines[0] if lines else "")
    line = _NUMBER.sub("N", _QUOTED.sub("‘…’", _LOCATION.sub("", line[: 4 * _LONGEST])))
    return " ".join(line.split()).strip(" :")[:_LONGEST]
