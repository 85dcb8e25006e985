"""Queries to files of earlier versions, where a missing table or column is empty; checkpoints in a thread."""

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from glotsmith.database import Checkpoints, connect, read_if_stored
from glotsmith.exchanges import Exchanges
from glotsmith.ledger_ranges import LAST
from glotsmith.open_items import OpenItems
from glotsmith.source_census import read_census
from glotsmith.stored_sampling import StoredSampling

RunStatement = Callable[..., list[tuple[Any, ...]]]
PLACES = {"translate": 0}
READERS: dict[str, tuple[Callable[[RunStatement], object], object]] = {
    "sampling": (lambda run: StoredSampling(run, PLACES).counts(), []),
    "outcomes": (lambda run: StoredSampling(run, PLACES).outcomes("translate", LAST), {}),
    "exchanges": (lambda run: Exchanges(run, Path("ledger.sqlite")).answer_times(), []),
    "failed runs": (lambda run: OpenItems(run, PLACES).failed_runs("translate", "t"), 0),
    "census": (read_census, None),
}


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:")) as opened:
        yield opened


@pytest.fixture
def run(connection: sqlite3.Connection) -> RunStatement:
    return lambda sql, *parameters: connection.execute(sql, parameters).fetchall()


@pytest.mark.parametrize("name", READERS)
def test_a_ledger_without_the_table_is_empty_and_another_error_is_raised(
    connection: sqlite3.Connection, run: RunStatement, name: str
) -> None:
    read, empty = READERS[name]
    assert read(run) == empty

    def interrupted(sql: str, *parameters: object) -> list[tuple[Any, ...]]:
        connection.set_progress_handler(lambda: 1, 1)
        return run("SELECT COUNT(*) FROM sqlite_master")

    with pytest.raises(sqlite3.OperationalError, match="interrupted"):
        read(interrupted)


@pytest.mark.parametrize(
    ("sql", "found"),
    [
        ("SELECT a FROM t", [(1,)]),
        ("SELECT b FROM t", []),
        ("SELECT u.b FROM t AS u", []),
        ("SELECT a FROM missing", []),
        ("DELETE FROM missing", []),
        ("SELECT a FRM t", "syntax error"),
        ("SELECT missing(a) FROM t", "no such function"),
        ("INSERT INTO t (b) VALUES (1)", "no column named b"),
    ],
)
def test_only_a_missing_table_or_column_has_no_rows(run: RunStatement, sql: str, found: list[tuple[int]] | str) -> None:
    run("CREATE TABLE t (a)")
    run("INSERT INTO t VALUES (1)")
    if isinstance(found, str):
        with pytest.raises(sqlite3.OperationalError, match=found):
            read_if_stored(run, sql)
    else:
        assert read_if_stored(run, sql) == found


def test_a_checkpoint_moves_the_writes_into_the_file_while_the_connection_is_open(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    with closing(connect(path, "CREATE TABLE t (a INTEGER)", version=1)) as connection:
        checkpoints = Checkpoints(connection, path, writes=3)
        counts = list[int]()
        for number in range(4):
            connection.execute("INSERT INTO t VALUES (?)", (number,))
            checkpoints.count_write()
            checkpoints.close()  # waits
            copy = shutil.copyfile(path, tmp_path / f"{number}.sqlite")  # without the log
            with closing(sqlite3.connect(copy)) as other:
                counts.append(other.execute("SELECT COUNT(*) FROM sqlite_master WHERE name = 't'").fetchone()[0])
    assert counts == [0, 0, 1, 1]


def test_a_checkpoint_loses_no_write_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    with closing(connect(path, "CREATE TABLE t (a INTEGER, b BLOB)", version=1)) as connection:
        checkpoints = Checkpoints(connection, path, writes=5)
        for number in range(500):
            connection.execute("INSERT INTO t VALUES (?, ?)", (number, bytes(5000)))
            checkpoints.count_write()
        checkpoints.close()
    with closing(sqlite3.connect(path)) as again:
        assert again.execute("SELECT COUNT(*), SUM(a) FROM t").fetchone() == (500, 499 * 250)
