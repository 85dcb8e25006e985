"""``glotsmith reverify``: a dataset made with one toolchain is checked with another, and the differences are named."""

import gzip
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import glotsmith as gs
from glotsmith.errors import ToolchainError
from glotsmith.languages import toolchain
from glotsmith.verification import Verifier

Command = Callable[..., tuple[int, str, str]]

#: Lua programs that pass in Lua 5.4 → the verdict in Lua 5.3
PROGRAMS = {
    "function f(x) return x + 1 end": "pass",
    "function f(x) local one <const> = 1; return x + one end": "fail:compile",
    "function f(x) coroutine.close(coroutine.create(print)); return x + 1 end": "fail:runtime",
    "function f(x) return x + (_VERSION == 'Lua 5.4' and 1 or 2) end": "fail:wrong",
}
TESTS = ["assert f(1) == 2", "assert f(-3) == -2"]


def row(code: str, number: int, version: str, **changes: Any) -> dict[str, Any]:
    return {
        **{"id": f"row-{number}", "parallel_id": f"p{number}", "language": "lua", "name": "f", "messages": []},
        **{"prompt": "-- Add one.\n", "completion": code, "source": "", "tests": TESTS, "kind": "translation"},
        "lineage": {"teacher": "offline", "toolchain": version},
        **changes,
    }


@pytest.fixture(scope="module")
def made() -> list[dict[str, Any]]:
    """Return rows whose programs passed here, with the version of the toolchain."""
    jobs = [gs.Job(id=str(n), language="lua", code=code, tests=tuple(TESTS)) for n, code in enumerate(PROGRAMS)]
    found = gs.verify(jobs)
    if any("5.4" not in verdict.toolchain for verdict in found):
        pytest.skip("Lua 5.4 was not found")
    assert [verdict.status for verdict in found] == ["pass"] * len(jobs)
    return [row(code, n, v.toolchain) for n, (code, v) in enumerate(zip(PROGRAMS, found, strict=True))]


@pytest.fixture
def other_lua(tmp_path: Path) -> dict[str, str]:
    """Return an environment with Lua 5.3 first on PATH, under the name of the card's command."""
    other = shutil.which("lua5.3")
    if other is None:
        pytest.skip("no second version of Lua is installed: apt install lua5.3")
    folder = tmp_path / "other"
    folder.mkdir()
    (folder / "lua5.4").symlink_to(other)
    return {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"}


def write(file: Path, rows: list[dict[str, Any]]) -> Path:
    """Write rows in the format that the name says, with spaces that an encoder would not write."""
    lines = [json.dumps(r, indent=None, separators=(" , ", " : ")) for r in rows]
    text = "[" + " ,\n ".join(lines) + "]" if ".json" in file.suffixes else "\n".join(lines) + "\n"
    if file.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(rows).replace_schema_metadata({"who": "me"}), file, compression="gzip")
    else:
        file.write_bytes(gzip.compress(text.encode()) if file.suffix == ".gz" else text.encode())
    return file


def lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


@pytest.mark.slow
def test_the_differences_between_two_toolchains_are_named(
    made: list[dict[str, Any]], other_lua: dict[str, str], tmp_path: Path
) -> None:
    data = write(tmp_path / "data.jsonl", made)
    command = [sys.executable, "-m", "glotsmith", "reverify", data, "-o", tmp_path / "out"]
    done = subprocess.run(command, env=other_lua, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    output = done.stdout
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert report["rows"] == {"holds": 1, "changed": 3, "open": 0, "untested": 0, "invalid": 0}
    groups = {(g["language"], g["status"]): g for g in report["verdicts"]}
    assert set(groups) == {("lua", status) for status in PROGRAMS.values()}
    for group in groups.values():
        assert group["made_with"].startswith("Lua 5.4")
        assert group["checked_with"].startswith("Lua 5.3")
        assert group["programs"] == 1
    others = lines(tmp_path / "out" / "others.jsonl")
    assert [(o["id"], o["line"], o["status"]) for o in others] == [
        (f"row-{n}", n + 1, status) for n, status in enumerate(PROGRAMS.values()) if n
    ]
    assert (others[2]["test"], others[2]["actual"]) == (TESTS[0], "3")
    assert "Lua 5.3" in output and "fail:compile" in output and "1 hold, 3 changed" in output


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz", "a.json", "a.json.gz", "a.parquet"])
def test_the_rows_that_hold_keep_their_bytes(
    glotsmith: Command, made: list[dict[str, Any]], tmp_path: Path, name: str
) -> None:
    wrong = row("function f(x) return x end", 9, "Lua 5.3.6")
    rows = [made[0], wrong, made[3]]
    data = write(tmp_path / name, rows)
    assert glotsmith("reverify", data, "-o", tmp_path / "out")[0] == 1
    kept = tmp_path / "out" / "dataset" / name
    wanted = write(tmp_path / f"kept-{name}", [made[0], made[3]])
    if name.endswith(".parquet"):
        assert pq.read_table(kept).equals(pq.read_table(wanted), check_metadata=True)
        assert pq.ParquetFile(kept).metadata.row_group(0).column(0).compression == "GZIP"
    else:
        texts = [gzip.decompress(f.read_bytes()) if name.endswith(".gz") else f.read_bytes() for f in (kept, wanted)]
        assert [line.strip(b"[], ") for line in texts[0].splitlines() if line.strip(b"[]")] == [
            line.strip(b"[], ") for line in texts[1].splitlines()
        ]
    (other,) = lines(tmp_path / "out" / "others.jsonl")
    assert (other["made_with"], other["status"], other["actual"]) == ("Lua 5.3.6", "fail:wrong", "1")


def test_a_file_whose_rows_all_hold_is_copied(glotsmith: Command, made: list[dict[str, Any]], tmp_path: Path) -> None:
    data = write(tmp_path / "a.jsonl.gz", made)
    assert glotsmith("reverify", data, data, "-o", tmp_path / "out")[0] == 0
    copies = sorted((tmp_path / "out" / "dataset").rglob("*/*.gz"))
    assert [file.parent.name for file in copies] == ["1-a.jsonl.gz", "2-a.jsonl.gz"]
    assert [file.read_bytes() for file in copies] == [data.read_bytes()] * 2


def test_a_row_holds_if_all_its_programs_do(glotsmith: Command, made: list[dict[str, Any]], tmp_path: Path) -> None:
    programs = [{"id": r["id"], "language": "lua", "code": r["completion"], "tests": TESTS} for r in made[:2]]
    wrong = {**programs[0], "id": "wrong", "code": "function f(x) return x end", "toolchain": "Lua 5.3.6"}
    rows = [{"parallel_id": "p", "programs": programs}, {"parallel_id": "q", "programs": [*programs, wrong]}]
    assert glotsmith("reverify", write(tmp_path / "a.jsonl", rows), "-o", tmp_path / "out")[0] == 1
    assert [r["parallel_id"] for r in lines(tmp_path / "out" / "dataset" / "a.jsonl")] == ["p"]
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert {(g["made_with"], g["status"], g["programs"]) for g in report["verdicts"]} == {
        ("", "pass", 4),
        ("Lua 5.3.6", "fail:wrong", 1),
    }


def test_rows_without_a_verdict_stay_open(glotsmith: Command, made: list[dict[str, Any]], tmp_path: Path) -> None:
    try:
        toolchain.find_toolchain("swift")
    except ToolchainError:
        rows = [made[0], row("func f(x: Int) -> Int { x }", 5, "Swift 5", language="swift")]
    else:
        pytest.skip("Swift is installed here")
    data = write(tmp_path / "a.jsonl", rows)
    code, stdout, _ = glotsmith("reverify", data, "-o", tmp_path / "out")
    assert (code, "1 hold, 1 open" in stdout) == (3, True)
    (other,) = lines(tmp_path / "out" / "others.jsonl")
    assert (other["status"], other["made_with"], other["checked_with"]) == ("infra:toolchain", "Swift 5", "")


INVALID = {
    "not JSON": b"{",
    "no object": b"5",
    "unknown language": json.dumps(row("", 1, "", language="klingon")).encode(),
    "no program": b'{"prompt": "p", "tests": ["assert f(1) == 2"], "language": "lua", "parallel_id": "p"}',
}


@pytest.mark.parametrize("line", INVALID.values(), ids=INVALID)
def test_a_row_that_cannot_be_read_is_named(
    glotsmith: Command, made: list[dict[str, Any]], tmp_path: Path, line: bytes
) -> None:
    untested = json.dumps(row("", 3, "", tests=[])).encode()
    data = tmp_path / "a.jsonl"
    data.write_bytes(b"\n".join([line, untested, json.dumps(made[0]).encode()]))
    code, stdout, error = glotsmith("reverify", data, "-o", tmp_path / "out")
    assert code == 2
    assert f"{data}, row 1: " in error
    assert "1 hold, 1 without tests, 1 not readable" in stdout
    assert (tmp_path / "out" / "dataset" / "a.jsonl").read_bytes() == json.dumps(made[0]).encode()


REFUSED: dict[str, tuple[str, bytes]] = {
    "no file": ("b.jsonl", b""),
    "no rows": ("a.jsonl", b""),
    "no tests": ("a.jsonl", json.dumps(row("", 3, "", tests=[])).encode()),
    "a broken table": ("a.parquet", b"PAR1"),
    "an empty folder": ("folder", b""),
}


@pytest.mark.parametrize(("name", "content"), REFUSED.values(), ids=REFUSED)
def test_a_dataset_without_rows_to_check_is_refused(
    glotsmith: Command, tmp_path: Path, name: str, content: bytes
) -> None:
    (tmp_path / "folder").mkdir()
    for file in ("a.jsonl", "a.parquet"):
        (tmp_path / file).write_bytes(content)
    code, _, error = glotsmith("reverify", tmp_path / name, "-o", tmp_path / "out")
    assert (code, str(tmp_path / name) in error) == (2, True)
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_a_killed_command_resumes(
    glotsmith: Command, made: list[dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    count = 40
    rows = [row(f"function f(x) for i = 1, 3000000 do end return x + 1 end -- {n}", n, "") for n in range(count)]
    data, out = write(tmp_path / "a.jsonl", [*rows, made[0]]), tmp_path / "out"
    command = [sys.executable, "-m", "glotsmith", "reverify", str(data), "-o", str(out), "-j", "1"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not (before := stored(out)) and process.poll() is None:
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    before = stored(out)
    assert 0 < before < count
    assert not (out / "dataset").exists()
    judged = list[str]()
    judge = Verifier._judge  # pyright: ignore[reportPrivateUsage]

    async def counted(self: Verifier, job: gs.Job) -> gs.Verdict:
        judged.append(job.id)
        return await judge(self, job)

    monkeypatch.setattr(Verifier, "_judge", counted)
    assert glotsmith("reverify", data, "-o", out)[0] == 0
    assert len(judged) == count + 1 - before
    assert (out / "dataset" / "a.jsonl").read_bytes() == data.read_bytes()


def stored(out: Path) -> int:
    """Return the number of verdicts in the store of a command that may be running."""
    try:
        with sqlite3.connect(f"file:{out / 'verdicts.sqlite'}?mode=ro", uri=True) as connection:
            return connection.execute("SELECT count(*) FROM entries").fetchone()[0]
    except sqlite3.Error:
        return 0


def test_the_folder_of_something_else_is_refused(glotsmith: Command, tmp_path: Path) -> None:
    data = write(tmp_path / "a.jsonl", [row("", 1, "")])
    code, _, error = glotsmith("reverify", data, "-o", tmp_path)
    assert (code, "the folder contains other files" in error) == (2, True)
    assert data.exists()
