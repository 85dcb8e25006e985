"""The cache keeps what it was given, through kills, strange files and other processes."""

import multiprocessing
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from glotsmith.cache import Cache
from glotsmith.errors import StorageError


@pytest.fixture
def cache(tmp_path):
    cache = Cache(tmp_path / "cache.sqlite")
    yield cache
    cache.close()


@given(st.text(), st.text(), st.binary())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
def test_what_was_put_comes_back(cache, kind, key, value):
    kind, key = (text.encode("utf-8", "replace").decode() for text in (kind, key))
    if cache.get(kind, key) is None:
        cache.put(kind, key, value)
        assert cache.get(kind, key) == value


def test_kinds_do_not_mix_and_the_first_value_stays(cache):
    cache.put("reply", "k", b"1")
    cache.put("reply", "k", b"2")
    assert cache.get("reply", "k") == b"1"
    assert cache.get("verdict", "k") is None


KILLED_AFTER_PUT = """
import os, signal, sys
from pathlib import Path
from glotsmith.cache import Cache
cache = Cache(Path(sys.argv[1]))
for i in range(50):
    cache.put("reply", str(i), b"paid")
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_kill_right_after_put_loses_nothing(tmp_path):
    path = tmp_path / "cache.sqlite"
    done = subprocess.run([sys.executable, "-c", KILLED_AFTER_PUT, path], timeout=60)
    assert done.returncode == -signal.SIGKILL
    cache = Cache(path)
    assert [cache.get("reply", str(i)) for i in range(50)] == [b"paid"] * 50
    cache.close()


def _put_many(path, own, start):
    start.wait(30)
    cache = Cache(path)
    for i in range(100):
        cache.put("reply", f"shared {i}", b"same")
        cache.put("reply", f"{own} {i}", str(i).encode())
    cache.close()


@pytest.mark.slow
def test_several_processes_open_and_write_one_new_file(tmp_path):
    path, spawn = tmp_path / "cache.sqlite", multiprocessing.get_context("spawn")
    start = spawn.Event()
    writers = [spawn.Process(target=_put_many, args=(path, own, start)) for own in range(3)]
    for writer in writers:
        writer.start()
    start.set()
    for writer in writers:
        writer.join(60)
    assert [writer.exitcode for writer in writers] == [0, 0, 0]
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT COUNT(*) FROM entries").fetchone() == (400,)
    connection.close()


def _no_database(path: Path) -> None:
    path.write_bytes(b"these are not the bytes you are looking for" * 100)


def _torn(path: Path) -> None:
    cache = Cache(path)
    for i in range(2000):
        cache.put("reply", str(i), b"x" * 100)
    cache.close()
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(os.urandom(4096 * 20))


def _of_another_version(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (_no_database, "damaged or not a SQLite database"),
        (_torn, "damaged"),
        (_of_another_version, "format 99"),
        (lambda path: path.mkdir(), "cannot be opened"),
    ],
)
def test_a_spoilt_file_is_a_sentence(tmp_path, spoil, sentence):
    path = tmp_path / "cache.sqlite"
    spoil(path)
    with pytest.raises(StorageError, match=sentence) as error:
        cache = Cache(path)
        try:
            for i in range(2000):
                cache.get("reply", str(i))
        finally:
            cache.close()
    assert str(path) in str(error.value)


def test_a_missing_folder_is_a_sentence(tmp_path):
    with pytest.raises(StorageError, match="folder exists"):
        Cache(tmp_path / "missing" / "cache.sqlite")
