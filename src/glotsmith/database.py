"""Open SQLite files, and turn errors of SQLite into ``StorageError``."""

import shutil
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, closing, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import quote

from glotsmith.errors import StorageError

RunStatement = Callable[..., list[tuple[Any, ...]]]  #: runs an SQL statement with its parameters; returns the rows

BUSY_S = 60.0  #: seconds to wait for a write of another process
_PAUSE_S = 0.02  #: between two attempts to set the journal mode
CHECKPOINT_PAGES = 8000  #: pages of 4 KiB in the write-ahead log before a checkpoint, which waits for the disk
_LATE_FACTOR = 4  #: times as many pages before a write does the checkpoint itself

_FULL = "the disk is full: free some space and run the same command again; earlier results are safe"
_WRITE = "it cannot be written: check the disk, its quota and the permissions; earlier results are safe"
_DAMAGED = "the file is damaged or not a SQLite database: restore it from a copy, or move it away and start again"
_OPEN = "it cannot be opened: check that the folder exists and that you may write there"
_BUSY = f"another process kept it locked for over {BUSY_S:.0f} s: wait for that process to end"

#: primary result code of SQLite → message (https://www.sqlite.org/rescode.html)
_SENTENCES = {
    sqlite3.SQLITE_FULL: _FULL,
    sqlite3.SQLITE_IOERR: _WRITE,
    sqlite3.SQLITE_READONLY: _WRITE,
    sqlite3.SQLITE_PERM: _OPEN,
    sqlite3.SQLITE_CANTOPEN: _OPEN,
    sqlite3.SQLITE_CORRUPT: _DAMAGED,
    sqlite3.SQLITE_NOTADB: _DAMAGED,
    sqlite3.SQLITE_BUSY: _BUSY,
    sqlite3.SQLITE_LOCKED: _BUSY,
}


class _StorageErrors:
    """See ``storage_errors``; a class, because each query of a run enters one."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        """Do nothing."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        """Turn an error of SQLite that the machine causes into ``StorageError``."""
        if not isinstance(error, sqlite3.Error):
            return
        code = getattr(error, "sqlite_errorcode", None)
        sentence = _SENTENCES.get(code & 0xFF) if code is not None else None
        if sentence is not None:
            raise StorageError(f"{self._path}: {sentence} ({error})") from error


def storage_errors(path: Path) -> AbstractContextManager[None, None]:
    """Turn SQLite errors that the machine causes into ``StorageError``; other SQLite errors are defects and pass.

    Raises:
        StorageError: the disk is full, or the file cannot be opened or written, or is damaged.

    """
    return _StorageErrors(path)


def read_if_stored(run: RunStatement, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
    """Return the rows of a query; [] if a file of an earlier version has no such table or column.

    Args:
        run: runs an SQL statement and returns its rows.
        sql: the query.
        parameters: the parameters of the query.

    Raises:
        sqlite3.OperationalError: of any other kind.

    """
    try:
        return run(sql, *parameters)
    except sqlite3.OperationalError as error:
        if str(error).startswith(("no such table", "no such column")):
            return []
        raise


def connect(path: Path, schema: str, version: int) -> sqlite3.Connection:
    """Open ``path`` in WAL mode and create its tables if it is new; the connection is in autocommit mode.

    Commits survive a kill of the process. With ``synchronous = NORMAL``, a power failure may lose the last commits but
    does not damage the file. ``version`` is that of the schema.

    Raises:
        StorageError: see ``storage_errors``; or another version of glotsmith made the file.

    """
    with storage_errors(path):
        connection = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
        try:
            _prepare(connection, path, schema, version)
        except BaseException:
            connection.close()
            raise
    return connection


class Checkpoints:
    """Checkpoints of a database in a thread, so that the writes of its connection do not wait for the disk.

    A checkpoint cannot empty the log while there are writes. If the log becomes much too long, a write empties it.
    """

    def __init__(self, connection: sqlite3.Connection, path: Path, writes: int) -> None:
        """Create it for a connection; a checkpoint begins after a number of ``writes``."""
        connection.execute(f"PRAGMA wal_autocheckpoint = {_LATE_FACTOR * CHECKPOINT_PAGES}")
        self._path, self._most = path, writes
        self._writes = 0  #: since the last checkpoint began
        self._thread: threading.Thread | None = None

    def count_write(self) -> None:
        """Count a write; begin a checkpoint if it is due."""
        self._writes += 1
        if self._writes < self._most or (self._thread is not None and self._thread.is_alive()):
            return
        self._writes = 0
        self._thread = threading.Thread(target=self._checkpoint, name="checkpoint", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Wait for the end of a checkpoint; idempotent."""
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _checkpoint(self) -> None:
        with suppress(sqlite3.Error), closing(sqlite3.connect(self._path, timeout=BUSY_S)) as connection:
            connection.execute("PRAGMA wal_checkpoint(PASSIVE)")


def connect_read_only(path: Path, schema: str, version: int) -> sqlite3.Connection:
    """Open ``path`` for reading, even if the file or its folder cannot be written; create and change no file.

    If the file is missing, the connection is to empty tables in memory. A write-ahead log that another process left is
    read too. SQLite needs a writable folder for that, so in a read-only folder copies of both files are read.

    Raises:
        StorageError: see ``storage_errors``; or another version of glotsmith made the file.

    """
    if not path.is_file():
        return connect(Path(":memory:"), schema, version)
    with storage_errors(path):
        try:
            return _open_read_only(path, path, "mode=ro", version)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY):
                raise
        log = path.with_name(f"{path.name}-wal")
        if not (log.is_file() and log.stat().st_size):
            return _open_read_only(path, path, "immutable=1", version)
        with TemporaryDirectory(
            prefix="glotsmith-read-"
        ) as place:  # the open files remain readable after they are unlinked
            for file in (path, log):
                shutil.copyfile(file, Path(place) / file.name)
            return _open_read_only(path, Path(place) / path.name, "mode=rw", version)


def _open_read_only(named: Path, file: Path, mode: str, version: int) -> sqlite3.Connection:
    """Open a file and read from it once, because SQLite opens the write-ahead log at the first read."""
    uri = f"file:{quote(str(file.absolute()))}?{mode}"
    connection = sqlite3.connect(uri, uri=True, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
    try:
        found = connection.execute("PRAGMA user_version").fetchone()[0]
        connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()
        _check_version(named, found, version)
    except BaseException:
        connection.close()
        raise
    return connection


def _check_version(path: Path, found: int, version: int) -> None:
    if found not in (0, version):
        raise StorageError(
            f"{path}: the file has format {found}, but this version of glotsmith writes format {version}: "
            "use the version that wrote it, or start in a new folder"
        )


def _prepare(connection: sqlite3.Connection, path: Path, schema: str, version: int) -> None:
    """Set the modes and create the tables in one transaction, so that two processes may open a new file at once."""
    _use_write_ahead_log(connection)
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
    found = connection.execute("PRAGMA user_version").fetchone()[0]
    _check_version(path, found, version)
    if found == 0:
        _create_tables(connection, schema, version)


def _use_write_ahead_log(connection: sqlite3.Connection) -> None:
    """Set the journal mode; retry while another process sets it, since SQLite then fails without waiting."""
    end = time.monotonic() + BUSY_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > end:
                raise
            time.sleep(_PAUSE_S)


def _create_tables(connection: sqlite3.Connection, schema: str, version: int) -> None:
    """Create the tables, unless another process has created them."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        if connection.execute("PRAGMA user_version").fetchone()[0] == 0:
            for statement in filter(str.strip, schema.split(";")):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {version}")
    finally:
        connection.commit()
