"""The content-addressed store of what was paid for: teacher replies and verdicts."""

import threading
from contextlib import suppress
from pathlib import Path

from glotsmith.database import connect, connect_read_only, storage_errors
from glotsmith.errors import StorageError

_SCHEMA = """
CREATE TABLE IF NOT EXISTS entries (
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    value BLOB NOT NULL,
    PRIMARY KEY (kind, key)
)
"""


class Cache:
    """A store in one SQLite file; several processes and threads may share it.

    An entry never changes: its key is a hash of everything that determines it, so the first value stays.
    """

    def __init__(self, path: Path, fallback: Path | None = None, *, read_only: bool = False) -> None:
        """Open the store, or make it; what it lacks is looked up in ``other``, if that is there, and copied.

        With ``read_only``, it is opened to be read, also where nothing can be written.

        Raises:
            StorageError: the file can't be opened or written, or is damaged.

        """
        self.path = path
        self._connection = (connect_read_only if read_only else connect)(path, _SCHEMA, version=1)
        self._fallback: Cache | None = None
        if fallback is not None and fallback.is_file() and fallback != path:
            with suppress(StorageError):  # it is of use, and not needed
                self._fallback = Cache(fallback)
        self._lock = threading.Lock()

    def get(self, kind: str, key: str) -> bytes | None:
        """Return the value of ``key`` among the entries of one ``kind`` (``reply``, ``verdict``), None if unknown.

        Raises:
            StorageError: the file can't be read.

        """
        with self._lock, storage_errors(self.path):
            row = self._connection.execute(
                "SELECT value FROM entries WHERE kind = ? AND key = ?", (kind, key)
            ).fetchone()
        if row is not None:
            return row[0]
        value = self._fallback.get(kind, key) if self._fallback else None
        if value is not None:
            self.put(kind, key, value)
        return value

    def has_entries(self, kind: str) -> bool:
        """Return whether there is any entry of one ``kind``.

        Raises:
            StorageError: the file can't be read.

        """
        with self._lock, storage_errors(self.path):
            return (
                self._connection.execute("SELECT 1 FROM entries WHERE kind = ? LIMIT 1", (kind,)).fetchone() is not None
            )

    def put(self, kind: str, key: str, value: bytes) -> None:
        """Store ``value`` unless the entry is there. It is committed on return: a kill right after loses nothing.

        Raises:
            StorageError: the disk is full or the file can't be written; earlier entries are safe.

        """
        with self._lock, storage_errors(self.path):
            self._connection.execute("INSERT OR IGNORE INTO entries VALUES (?, ?, ?)", (kind, key, value))

    def close(self) -> None:
        """Close the file; idempotent."""
        with self._lock:
            self._connection.close()
        if self._fallback is not None:
            self._fallback.close()
