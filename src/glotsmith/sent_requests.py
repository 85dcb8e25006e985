"""The requests that a run has sent and that have no reply in its ledger yet, in a journal next to the ledger.

After a kill, a budget must know for which requests the server may charge. So a line is appended to the journal before
each request is sent. The line is one write, which a kill cannot undo. When a request ends, the transaction that stores
its reply adds a row for it to the ledger. The journal is rewritten without the requests that have ended when a run
opens and closes its ledger, and after a number of lines.
"""

import errno
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from glotsmith.database import read_if_stored
from glotsmith.errors import StorageError
from glotsmith.ledger_rows import NANO
from glotsmith.records import printable
from glotsmith.write_aside import write_aside

JOURNAL_END = "-sent"  #: end of the name of the journal, after the name of the ledger
_MOST_LINES = 4096  #: number of lines that are appended before the journal is rewritten

#: ``sent_requests`` holds what earlier versions stored instead of a journal.
SCHEMA = """
CREATE TABLE IF NOT EXISTS ended_requests (
    sent_at INTEGER NOT NULL,
    address TEXT NOT NULL,
    PRIMARY KEY (sent_at, address)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS sent_requests (
    address TEXT NOT NULL,
    sent_at INTEGER NOT NULL,
    language TEXT NOT NULL,
    cost INTEGER NOT NULL,
    tokens INTEGER NOT NULL,
    PRIMARY KEY (address, sent_at)
) WITHOUT ROWID
"""

_encode = msgspec.json.Encoder().encode


class SentRequest(NamedTuple):
    """A request that was sent, and has no reply in the ledger yet."""

    address: str
    sent_at: int  #: nanoseconds since 1970; with the address it identifies the request
    language: str
    cost: float  #: US dollars that it may cost
    tokens: int  #: tokens that it may cost


class _Line(NamedTuple):
    address: str
    sent_at: int
    language: str
    cost: int  #: billionths of a dollar
    tokens: int


_decode = msgspec.json.Decoder(_Line).decode


class SentRequests:
    """The journal of one ledger; only ``Exchanges`` creates it."""

    def __init__(self, run: Callable[..., list[tuple[Any, ...]]], ledger: Path) -> None:
        """Create it.

        Args:
            run: Runs an SQL statement of the ledger and returns its rows.
            ledger: The file of the ledger.

        """
        self._run = run
        self._path = ledger.with_name(f"{ledger.name}{JOURNAL_END}")
        self._file: int | None = None
        self._lines = 0  #: number of lines that were appended since the journal was rewritten

    def open(self) -> None:
        """Create the tables, and remove ended requests from the journal. Call it once, before ``store``."""
        for statement in SCHEMA.split(";"):
            self._run(statement)
        if self._file is None and self._path.exists():
            self._rewrite()

    def store(self, request: SentRequest) -> None:
        """Store a request before it is sent.

        Raises:
            StorageError: the journal cannot be written.

        """
        line = _encode(_line(request)) + b"\n"
        try:
            if self._file is None:
                self._file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
            while line:
                line = line[os.write(self._file, line) :]
        except OSError as error:
            raise self._error(error) from error
        self._lines += 1

    def forget(self, request: SentRequest) -> None:
        """Note in the open transaction that a request has ended: its reply is stored, or it cost nothing."""
        self._run("INSERT OR IGNORE INTO ended_requests VALUES (?, ?)", request.sent_at, request.address)

    def read(self) -> list[SentRequest]:
        """Return the requests that were sent and have not ended."""
        ended = set(read_if_stored(self._run, "SELECT address, sent_at FROM ended_requests"))
        rows = read_if_stored(self._run, "SELECT address, sent_at, language, cost, tokens FROM sent_requests")
        lines = dict.fromkeys([*(_Line(*row) for row in rows), *self._read_lines()])
        return [_request(line) for line in lines if (line.address, line.sent_at) not in ended]

    def after_commit(self) -> None:
        """Rewrite the journal if it has become long. No transaction is open."""
        if self._lines > _MOST_LINES:
            self._rewrite()

    def close(self) -> None:
        """Rewrite the journal and close it; idempotent. No transaction is open."""
        if self._file is None:
            return
        with suppress(StorageError):  # the next start rewrites it
            self._rewrite()
        os.close(self._file)
        self._file = None

    def _rewrite(self) -> None:
        """Rewrite the journal with the requests that have not ended. The ends of the others must be committed."""
        lines = [_encode(_line(request)) for request in self.read()]
        try:
            with write_aside(self._path) as draft:
                draft.write_bytes(b"".join(line + b"\n" for line in lines))
            if self._file is not None:
                os.close(self._file)
            self._file = os.open(self._path, os.O_WRONLY | os.O_APPEND)
        except OSError as error:
            raise self._error(error) from error
        self._lines = 0
        self._run("DELETE FROM ended_requests")  # after the journal, so that no kill makes an ended request open again
        self._run("DELETE FROM sent_requests")

    def _read_lines(self) -> list[_Line]:
        """Return the lines of the journal. A line that a kill has cut belongs to a request that was not sent."""
        found = list[_Line]()
        with suppress(FileNotFoundError):
            for line in self._path.read_bytes().splitlines():
                with suppress(msgspec.DecodeError):
                    found.append(_decode(line))
        return found

    def _error(self, error: OSError) -> StorageError:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        advice = "free some space and run the same command again; earlier results are safe"
        return StorageError(f"{self._path}: it cannot be written ({error.strerror}){f': {advice}' if full else ''}")


def _line(request: SentRequest) -> _Line:
    language = printable(request.language)
    return _Line(request.address, request.sent_at, language, round(request.cost * NANO), request.tokens)


def _request(line: _Line) -> SentRequest:
    return SentRequest(line.address, line.sent_at, line.language, line.cost / NANO, line.tokens)
