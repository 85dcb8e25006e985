"""Read the failing programs of a run from its ledger: language, verdict, and the message of the compiler or program."""

import re
from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from glotsmith.ledger_rows import LedgerRow
from glotsmith.recipes.base import LedgerReader
from glotsmith.records import Verdict

_NAMES_AN_ERROR = re.compile(r"error|exception|unexpected|panic|unbound|undefined|violation", re.IGNORECASE)
_PLACE = re.compile(r"(?:[\w./<>-]*/|candidate)[\w./-]*(?::\d+)*:?|\b(?:line|characters?) [\d-]+,?|^[\w./-]+:\d+[:\d]*")
_QUOTED = re.compile(r"[`‘][^'’`\n]{1,200}['’`]|'[^'\n]{1,200}'|\"[^\"\n]{1,200}\"")
_NUMBER = re.compile(r"-?\b\d+(?:\.\d+)?\b")
_LONGEST = 160  #: characters of a message
_SCANNED = 2000  #: characters of an output in which a message is searched


class FailingProgram(NamedTuple):
    """One generated program that failed."""

    key: str
    language: str
    status: str
    message: str  #: of the compiler or the program, without places, names and numbers; "" for a wrong value


class _LostItem(msgspec.Struct):
    """The verdict of a lost item: a ``Candidate`` has ``verdict``, a ``SnippetSummary`` has ``round_trip``."""

    verdict: Verdict | None = None
    round_trip: str = ""


_decode = msgspec.json.Decoder(_LostItem).decode


def failing_programs(ledger: LedgerReader) -> Iterator[FailingProgram]:
    """Yield every generated program that failed. A failure of the machine is not a wrong answer."""
    for row in ledger.dropped_rows():
        if program := failing_program(row):
            yield program


def failing_program(row: LedgerRow) -> FailingProgram | None:
    """Return the generated program of a row of the ledger that failed; None if the row holds none."""
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
    """Return the message of a compiler or a runtime error without what differs between programs; "" for none."""
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
    line = _NUMBER.sub("N", _QUOTED.sub("‘…’", _PLACE.sub("", line[: 4 * _LONGEST])))
    return " ".join(line.split()).strip(" :")[:_LONGEST]
