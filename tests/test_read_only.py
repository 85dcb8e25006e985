"""Run folders that cannot be written are read: by ``show``, ``export`` and ``compare``, with and without a log left."""

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from glotsmith.database import connect_read_only
from glotsmith.errors import StorageError
from glotsmith.ledger import Ledger
from glotsmith.ledger_rows import StepInput
from glotsmith.records import Function, Origin
from glotsmith.run_folder import RunFolder
from glotsmith.step import Kept, Result

CONFIG = {"recipe": "multipl-t", "options": {"sources": ["stdlib:textwrap"], "languages": ["lua"]}}
STEPS = ("sources", "filter", "translate", "deduplicate_solutions", "dataset")
FUNCTION = Function(id="abc123", name="wrap", code="def wrap(): ...", origin=Origin(source="s", path="p"))
#: capabilities by which root writes where an ordinary user cannot
_AS_USER = ("setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-dac_override,-dac_read_search")


def fill(folder: RunFolder) -> None:
    folder.ledger.register_steps(STEPS)
    folder.ledger.record("sources", StepInput("1", "a1"), Result(kept=(Kept("abc123", FUNCTION),)))
    folder.ledger.flush()
    folder.cache.put("reply", "k", b"{}")


def closed(path: Path) -> None:
    with RunFolder.create_or_resume(path, CONFIG) as folder:
        fill(folder)


def killed(path: Path) -> None:
    """Leave a run as a kill does: with write-ahead logs that hold everything."""
    with RunFolder.create_or_resume(path.with_name("alive"), CONFIG) as folder:
        fill(folder)
        shutil.copytree(folder.path, path)


def without_index(path: Path) -> None:
    """Leave a run as a copy to another machine may be: with the logs and without their indexes."""
    killed(path)
    for index in path.glob("*-shm"):
        index.unlink()


def without_cache(path: Path) -> None:
    closed(path)
    (path / "cache.sqlite").unlink()


@pytest.fixture
def locked(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "run"
    yield path
    path.chmod(0o755)


def lock(path: Path) -> None:
    for file in path.rglob("*"):
        file.chmod(0o555 if file.is_dir() else 0o444)
    path.chmod(0o555)


def glotsmith(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Run the command line as one who cannot write what the permissions refuse."""
    if os.geteuid() == 0 and not shutil.which("setpriv"):
        pytest.skip("root needs setpriv to give up its rights")
    command = [sys.executable, "-c", "from glotsmith.cli import main; main()", *map(str, arguments)]
    prefix = _AS_USER if os.geteuid() == 0 else ()
    return subprocess.run([*prefix, *command], capture_output=True, text=True, check=False)


@pytest.mark.slow
@pytest.mark.parametrize("left", [closed, killed, without_index, without_cache])
@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("show",), "sources"),
        (("show", "--step", "sources"), "wrap"),
        (("show", "abc1"), "wrap"),
        (("show", "--dropped"), "because"),
        (("compare",), "multipl-t (not finished)"),
    ],
)
def test_a_folder_that_cannot_be_written_is_read(locked: Path, left, arguments: tuple[str, ...], sentence: str) -> None:
    left(locked)
    before = sorted(p.name for p in locked.iterdir())
    lock(locked)
    verb, *more = arguments
    done = glotsmith(verb, locked, *more)
    assert (done.returncode, done.stderr) == (0, "")
    assert sentence in done.stdout
    assert sorted(p.name for p in locked.iterdir()) == before


@pytest.mark.slow
@pytest.mark.parametrize("left", [closed, killed, without_index])
def test_it_is_exported_to_elsewhere(locked: Path, tmp_path: Path, left) -> None:
    left(locked)
    lock(locked)
    done = glotsmith("export", locked, "-o", tmp_path / "out")
    assert (done.returncode, "partial: 0 rows" in done.stdout) == (0, True), done.stderr
    done = glotsmith("export", locked)
    assert (done.returncode, "Traceback" in done.stderr, str(locked) in done.stderr) == (2, False, True)


@pytest.mark.parametrize("left", [closed, killed, without_cache])
def test_reading_writes_nothing(tmp_path: Path, left) -> None:
    left(tmp_path / "run")
    files = {p: p.read_bytes() for p in (tmp_path / "run").iterdir() if not p.name.endswith("-shm")}
    with RunFolder.open(tmp_path / "run") as folder:
        assert [key for key, _ in folder.ledger.kept_items("sources", Function)] == ["abc123"]
    assert {p: p.read_bytes() for p in (tmp_path / "run").iterdir() if p in files} == files


@pytest.mark.parametrize("left", [closed, killed])
def test_a_run_is_read_while_it_works(tmp_path: Path, left) -> None:
    with RunFolder.create_or_resume(tmp_path / "run", CONFIG) as folder:
        fill(folder)
        with RunFolder.open(tmp_path / "run") as reader:
            assert reader.ledger.count_kept("sources") == 1


@pytest.mark.parametrize(
    ("content", "sentence"),
    [(b"no database, but a text that is long enough" * 20, "damaged"), ("PRAGMA user_version = 7", "format 7")],
)
def test_what_is_no_ledger_gets_a_sentence(tmp_path: Path, content: bytes | str, sentence: str) -> None:
    file = tmp_path / "ledger.sqlite"
    if isinstance(content, bytes):
        file.write_bytes(content)
    else:
        with sqlite3.connect(file) as connection:
            connection.execute(content)
    with pytest.raises(StorageError, match=sentence):
        Ledger(file, read_only=True)


def test_where_there_is_no_file_there_is_nothing(tmp_path: Path) -> None:
    connection = connect_read_only(tmp_path / "none.sqlite", "CREATE TABLE t (a)", 1)
    assert connection.execute("SELECT * FROM t").fetchall() == []
    connection.close()
    assert not list(tmp_path.iterdir())
