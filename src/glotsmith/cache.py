"""The cache: a content-addressed store of teacher replies and verdicts."""

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from glotsmith.database import Checkpoints, connect, connect_read_only, storage_errors
from glotsmith.errors import StorageError

_SCHEMA = """
CREATE TABLE IF NOT EXISTS entries (
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    value BLOB NOT NULL,
    PRIMARY KEY (kind, key)
)
"""


_CHECKPOINT_PUTS = 2000  #: entries between two checkpoints
_INSERT = "INSERT OR IGNORE INTO entries VALUES (?, ?, ?)"
_PAGE = "SELECT rowid, kind, key, value FROM entries WHERE rowid > ? ORDER BY rowid LIMIT 200"


class Cache:
    """A store in one SQLite file, which several processes and threads may share.

    An entry never changes: its key is a hash of everything that determines its value.
    """

    def __init__(self, path: Path, fallbacks: Sequence[Path] = (), *, read_only: bool = False) -> None:
        """Open or create the store.

        Args:
            path: the file.
            fallbacks: other stores; entries that are missing here are copied from them, if they exist.
            read_only: open the file for reading, even if nothing can be written.

        Raises:
            StorageError: the file cannot be opened or written, or is damaged.

        """
        self.path = path
        self._connection = (connect_read_only if read_only else connect)(path, _SCHEMA, version=1)
        self._fallbacks = list[Cache]()
        for other in fallbacks:
            with suppress(StorageError):  # a fallback is optional
                if other.is_file() and other != path:
                    self._fallbacks.append(Cache(other))
        self._checkpoints = Checkpoints(self._connection, path, _CHECKPOINT_PUTS)
        self._lock = threading.Lock()

    def get(self, kind: str, key: str) -> bytes | None:
        """Return the value of the entry of this ``kind`` (``reply``, ``verdict``) and ``key``, or None.

        Raises:
            StorageError: the file cannot be read.

        """
        with self._lock, storage_errors(self.path):
            row = self._connection.execute(
                "SELECT value FROM entries WHERE kind = ? AND key = ?", (kind, key)
            ).fetchone()
        if row is not None:
            return row[0]
        value = next((found for other in self._fallbacks if (found := other.get(kind, key)) is not None), None)
        if value is not None:
            self.put(kind, key, value)
        return value

    def has_entries(self, kind: str) -> bool:
        """Return whether there is an entry of this ``kind``.

        Raises:
            StorageError: the file cannot be read.

        """
        with self._lock, storage_errors(self.path):
            return (
                self._connection.execute("SELECT 1 FROM entries WHERE kind = ? LIMIT 1", (kind,)).fetchone() is not None
            )

    def count_entries(self, kind: str) -> int:
        """Return the number of entries of this ``kind``.

        Raises:
            StorageError: the file cannot be read.

        """
        with self._lock, storage_errors(self.path):
            return self._connection.execute("SELECT COUNT(*) FROM entries WHERE kind = ?", (kind,)).fetchone()[0]

    def put(self, kind: str, key: str, value: bytes) -> None:
        """Store ``value`` unless the entry exists. It is committed when the method returns.

        Raises:
            StorageError: the disk is full or the file cannot be written; earlier entries are safe.

        """
        with self._lock, storage_errors(self.path):
            self._connection.execute(_INSERT, (kind, key, value))
            self._checkpoints.count_write()

    def copy_from(self, path: Path) -> Iterator[None]:
        """Copy the entries of another store that are missing here, and yield after each page.

        Raises:
            StorageError: a file cannot be read or written.

        """
        other, last = connect_read_only(path, _SCHEMA, version=1), 0
        with closing(other):
            while page := self._read_page(other, path, last):
                with self._lock, storage_errors(self.path), self._connection:
                    self._connection.execute("BEGIN IMMEDIATE")
                    self._connection.executemany(_INSERT, (row[1:] for row in page))
                last = page[-1][0]
                yield

    @staticmethod
    def _read_page(connection: sqlite3.Connection, path: Path, after: int) -> list[tuple[Any, ...]]:
        with storage_errors(path):
            return connection.execute(_PAGE, (after,)).fetchall()

    def close(self) -> None:
        """Close the file; idempotent."""
        with self._lock:
            self._checkpoints.close()
            self._connection.close()
        for other in self._fallbacks:
            other.close()
