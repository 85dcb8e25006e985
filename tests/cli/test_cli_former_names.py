"""A run folder with the names of an earlier version resumes, and is shown, compared and reported with current names."""

import base64
import gzip
import json
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from glotsmith.errors import ToolchainError
from glotsmith.languages import toolchain
from glotsmith.renames import FORMER_NAMES

Command = Callable[..., tuple[int, str, str]]

FORMER = FORMER_NAMES["inverse-instruct"]
PAIR = {
    "instruction": "Add.",
    "response": "```lua\nlocal function add(a, b) return a + b end\n```",
    "name": "add",
    "signature": "def add(a: int, b: int) -> int",
    "tests": ["assert add(1, 2) == 3", "assert add(0, 0) == 0", "assert add(-1, 1) == 0"],
}
REPLIES = [  # with the calls of an earlier version
    {"call": "summarise", "item": "add", "reply": "Write a Lua function that adds two numbers."},
    {"call": "evaluate", "item": "add", "reply": "Yes", "logprobs": {"Yes": -0.1, "No": -2.5}},
    {"call": "answer", "item": "add", "reply": "```lua\nfunction add(x, y) return y + x end\n```"},
]
#: the role and the prompt have former names on the command line, too
RUN = (
    *("run", "inverse-instruct", "-s", "pairs.jsonl", "--teacher", "scripted", "--model", "replies.jsonl"),
    *("--set", "summaries=1", "--set", "roles.summarise.model=replies.jsonl", "--prompt", "answer=own.j2", "-o", "run"),
)


@pytest.fixture
def run(glotsmith: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of a finished run, with the names that an earlier version stored."""
    try:
        toolchain.find_toolchain("lua")
    except ToolchainError as error:
        pytest.skip(str(error))
    monkeypatch.chdir(tmp_path)
    Path("pairs.jsonl").write_text(json.dumps(PAIR))
    Path("replies.jsonl").write_text("\n".join(map(json.dumps, REPLIES)))
    Path("own.j2").write_text("{{ instruction }} Call it {{ name }}.")
    code, _, stderr = glotsmith(*RUN)
    assert code == 0, stderr
    _make_former(tmp_path / "run")
    return tmp_path / "run"


def _make_former(folder: Path) -> None:
    config = (folder / "run.toml").read_text("utf-8")
    for old, new in FORMER.requests.items():
        config = config.replace(f"[roles.{new}", f"[roles.{old}").replace(f"\n{new} = ", f"\n{old} = ")
    assert "[roles.summarise" in config and "\nanswer = " in config
    (folder / "run.toml").write_text(config, "utf-8")
    with closing(sqlite3.connect(folder / "ledger.sqlite")) as database, database:
        for old, new in FORMER.steps.items():
            database.execute("UPDATE steps SET name = ? WHERE name = ?", (old, new))
        for old, new in FORMER.requests.items():
            for table in ("exchanges", "prompt_texts"):
                database.execute(f"UPDATE {table} SET call = ? WHERE call = ?", (old, new))


def _report_text(file: Path) -> str:
    """Return the data of a report."""
    blocks = re.findall(r'<script type="application/gzip" id="\w+">([^<]*)</script>', file.read_text("utf-8"))
    return "".join(gzip.decompress(base64.b64decode(block)).decode() for block in blocks)


def count_rows(folder: Path) -> dict[str, int]:
    with closing(sqlite3.connect(folder / "ledger.sqlite")) as database:
        tables = ("steps", "items", "keys", "exchanges", "prompt_texts")
        return {table: database.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0] for table in tables}


def rows(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*.jsonl")}


def test_a_finished_run_with_former_names_resumes_without_another_row(glotsmith: Command, run: Path) -> None:
    before, dataset = count_rows(run), rows(run)
    code, _, stderr = glotsmith(*RUN)
    assert (code, count_rows(run)) == (0, before), stderr
    assert rows(run) == dataset
    assert sum(data.count(b"\n") for data in dataset.values()) == 2  # the new pair and the original one


def test_an_unfinished_run_with_former_names_sends_no_request_twice(glotsmith: Command, run: Path) -> None:
    before, dataset = count_rows(run), rows(run)
    with closing(sqlite3.connect(run / "ledger.sqlite")) as database, database:
        database.execute("DELETE FROM items WHERE step >= (SELECT place FROM steps WHERE name = 'summarise')")
        database.execute("UPDATE steps SET finished = 0 WHERE place >= 4")
    Path("replies.jsonl").touch()
    code, _, stderr = glotsmith(*RUN)
    assert (code, count_rows(run)) == (0, before), stderr
    assert rows(run) == dataset


@pytest.mark.parametrize(
    "command", [("show",), ("show", "--dropped"), ("compare",), ("prompts",), ("report", "-o", "report.html")]
)
def test_a_run_with_former_names_is_shown_with_current_names(
    glotsmith: Command, run: Path, command: tuple[str, ...]
) -> None:
    verb, *options = command
    code, stdout, stderr = glotsmith(verb, run, *([run] if verb == "compare" else []), *options)
    assert code == 0, stderr
    text = _report_text(Path("report.html")) if verb == "report" else stdout
    assert not [old for old in ("preprocess", "summarise ", "evaluate ", '"summarise"', '"evaluate"') if old in text]
    if command in (("show",), ("report", "-o", "report.html")):
        assert all(new in text for new in FORMER.steps.values())


def test_a_run_with_former_names_is_exported(glotsmith: Command, run: Path) -> None:
    code, _, stderr = glotsmith("export", run, "--format", "trl-sft", "-o", "exported")
    assert code == 0, stderr
    assert "adds two numbers" in "".join(file.read_text("utf-8") for file in Path("exported").rglob("*.jsonl"))
