"""The report of ``glotsmith reverify``: counts of rows, and of verdicts by language and toolchain."""

from collections import Counter
from collections.abc import Iterator, Sequence
from enum import IntEnum
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from rich.table import Table

from glotsmith import __version__
from glotsmith.counts import counted
from glotsmith.records import Job, Status, Verdict

REPORT = "report.json"
_NO_VERSION = "unknown"  #: version that is shown for a row that does not state its toolchain


class RowState(IntEnum):
    """The state of a row. A row with several programs has the highest state of its programs."""

    HOLDS = 0  #: all programs of the row passed
    OPEN = 1  #: the machine gave no verdict
    CHANGED = 2  #: a program failed
    UNTESTED = 3  #: the row has no tests
    INVALID = 4  #: the row cannot be read


class VerdictGroup(NamedTuple):
    """The programs of a language that have the same toolchains and the same verdict."""

    language: str
    made_with: str  #: version of the toolchain that the row states
    checked_with: str  #: version on this machine; "" if there is no toolchain
    status: Status


class Reverification:
    """The states of all rows, by file, and the verdicts on their programs."""

    def __init__(self) -> None:
        """Begin without rows."""
        self.files: dict[Path, bytearray] = {}  #: path of a file below the output → state of each row
        self.groups = Counter[VerdictGroup]()

    def add_row(self, place: Path) -> int:
        """Add the next row of a file, which holds until a verdict differs, and return its index."""
        states = self.files.setdefault(place, bytearray())
        states.append(RowState.HOLDS)
        return len(states) - 1

    def set_state(self, place: Path, index: int, state: RowState) -> None:
        """Set the state of a row if it is higher than before."""
        states = self.files[place]
        states[index] = max(states[index], state)

    def add_verdict(self, place: Path, index: int, made_with: str, verdict: Verdict) -> RowState:
        """Add the verdict on one program of a row, and return the state that it gives the row."""
        self.groups[VerdictGroup(verdict.language, made_with, verdict.toolchain, verdict.status)] += 1
        state = RowState.OPEN if verdict.is_infra else RowState.HOLDS if verdict.passed else RowState.CHANGED
        self.set_state(place, index, state)
        return state

    def count(self, state: RowState, files: Sequence[Path] | None = None) -> int:
        """Return the number of rows in a state, of some files or of all."""
        return sum(self.files[place].count(state) for place in (self.files if files is None else files))

    def held_rows(self, place: Path) -> list[bool]:
        """Return for each row of a file whether it holds."""
        return [state == RowState.HOLDS for state in self.files.get(place, b"")]

    @property
    def exit_code(self) -> int:
        """0: all rows hold; 2: some cannot be read; 3: some have no verdict yet; 1: some have changed."""
        codes = ((RowState.INVALID, 2), (RowState.OPEN, 3), (RowState.CHANGED, 1))
        return next((code for state, code in codes if self.count(state)), 0)

    def table(self) -> Table:
        """Return the counts of verdicts by language and toolchain."""
        table = Table("language", "made with", "checked with", "verdict", "programs")
        for group, count in self._sorted_groups():
            versions = (group.made_with or _NO_VERSION, group.checked_with or "no toolchain")
            table.add_row(group.language, *map(one_line, versions), group.status, f"{count:,}")
        return table

    def sentence(self) -> str:
        """Return the counts of rows as a sentence."""
        total = sum(map(len, self.files.values()))
        words = {
            RowState.HOLDS: "hold",
            RowState.CHANGED: "changed",
            RowState.OPEN: "open",
            RowState.UNTESTED: "without tests",
            RowState.INVALID: "not readable",
        }
        counts = [f"{count:,} {word}" for state, word in words.items() if (count := self.count(state)) or not state]
        return f"{counted(total, 'row')}: {', '.join(counts)}"

    def as_json(self) -> bytes:
        """Return the report as JSON."""
        groups = [{**group._asdict(), "programs": count} for group, count in self._sorted_groups()]
        files = [{"file": str(place), "rows": self._counts([place])} for place in self.files]
        report: dict[str, Any] = {
            "glotsmith": __version__,
            "rows": self._counts(list(self.files)),
            "verdicts": groups,
            "files": files,
        }
        return msgspec.json.format(msgspec.json.encode(report), indent=2) + b"\n"

    def _counts(self, files: Sequence[Path]) -> dict[str, int]:
        return {state.name.lower(): self.count(state, files) for state in RowState}

    def _sorted_groups(self) -> Iterator[tuple[VerdictGroup, int]]:
        return iter(sorted(self.groups.items()))


def program_line(place: Path, number: int, made_with: str, job: Job, verdict: Verdict) -> bytes:
    """Return one line of JSON about a program that did not pass: its row, versions, verdict and first failed test."""
    failed = next((i for i, case in enumerate(verdict.cases) if case.status not in ("pass", "skipped")), None)
    has_test = failed is not None and failed < len(job.tests)
    line = {
        "file": str(place),
        "line": number,
        "id": job.id,
        "language": verdict.language,
        "made_with": made_with,
        "checked_with": verdict.toolchain,
        "status": verdict.status,
        "detail": verdict.detail,
        "test": job.tests[failed] if has_test and failed is not None else "",
        "actual": verdict.cases[failed].actual if failed is not None else "",
    }
    return msgspec.json.encode(line) + b"\n"


def invalid_line(place: Path, why: Verdict) -> bytes:
    """Return one line of JSON about a row that cannot be read."""
    line = {"file": str(place), "line": why.line, "id": why.id, "language": why.language, "status": why.status}
    return msgspec.json.encode({**line, "detail": why.detail}) + b"\n"


def one_line(text: str) -> str:
    """Return a text without line breaks and other characters that move the cursor of a terminal."""
    return "".join(c if c.isprintable() else "�" for c in text)
