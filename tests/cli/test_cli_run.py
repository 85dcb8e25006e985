"""What ``glotsmith run`` stores and when: nothing before all is checked, no key ever, and what may change later."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from model_server import SOURCE, ModelServer, model_server

from glotsmith.run_folder import RunFolder

Command = Callable[..., tuple[int, str, str]]
QUICK = ("--set", "suites=0", "--set", "typecheck=false", "--set", "samples=1")
MULTIPL_T = ("run", "multipl-t", "-s", "src", "-l", "lua", "-o", "run", *QUICK)


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with model_server() as made:
        yield made


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "small.py").write_text(SOURCE)
    (tmp_path / "replies.jsonl").write_text("")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    return tmp_path


def rows(run: Path) -> list[str]:
    """The names of the functions in a run's dataset."""
    file = run / "dataset" / "jsonl" / "data" / "lua" / "train.jsonl"
    return sorted(json.loads(line)["name"] for line in file.read_text().splitlines())


def everything(folder: Path) -> bytes:
    """All bytes of all files below a folder, SQLite's as they are on disk and as they are read."""
    data = b"".join(p.read_bytes() for p in folder.rglob("*") if p.is_file())
    for file in folder.rglob("*.sqlite"):
        with sqlite3.connect(file) as connection:
            data += "\n".join(connection.iterdump()).encode("utf-8", "surrogateescape")
        connection.close()
    return data


SECRETS = [
    ("--set", "teacher.api_key=hunter2horse"),
    ("--set", "teacher.api_key=sk-abcDEF123456"),
    ("--set", "teacher.api_key_env=hunter2horse"),
    ("--set", 'teacher.extra={"headers": {"Authorization": "hunter2horse"}}'),
    ("--set", "password=hunter2horse"),
    ("--set", "column=ghp_hunter2horse16C7e42F292c"),
    ("--set", "hunter2horse"),
    ("--base-url", "http://user:hunter2horse@127.0.0.1:1/v1"),
    ("--base-url", "http://127.0.0.1:1/v1?api_key=hunter2horse"),
    ("--model", "sk-hunter2horse123"),
    ("-s", "https://hunter2horse@example.org/repo"),
    ("--api-key", "hunter2horse"),
]


@pytest.mark.parametrize("option", SECRETS, ids=" ".join)
@pytest.mark.parametrize(
    "command",
    [
        ("run", "multipl-t", "-s", "src", "-l", "lua", "-o", "run", "--teacher", "openai", "--model", "m"),
        ("run", "xcoder", "-s", "src", "-l", "lua", "-o", "run", "--teacher", "scripted", "--model", "replies.jsonl"),
        ("evaluate", "rows=replies.jsonl", "-l", "lua", "-o", "run", "--teacher", "openai", "--model", "m"),
        ("train", "sft", "replies.jsonl", "-m", "none", "-o", "run"),
    ],
    ids=lambda command: command[0],
)
def test_no_key_is_stored_or_printed(
    glotsmith: Command, folder: Path, command: tuple[str, ...], option: tuple[str, str]
) -> None:
    code, out, err = glotsmith(*command, *option)
    assert code == 2, err
    assert "Traceback" not in err
    for secret in ("hunter2", "sk-abcDEF123456"):
        assert secret not in out + err
        assert secret.encode() not in everything(folder)
    assert not (folder / "run").exists()


@pytest.mark.parametrize(
    "lines",
    [
        'api_key = "hunter2horse"',
        '[teacher]\noptions = {api_key = "hunter2horse"}',
        '[teacher.options.extra]\nsecret = "hunter2horse"',
        '[teacher]\nbase_url = "https://x:hunter2horse@host/v1"',
        '[options]\nsources = ["src"]\nlanguages = ["lua"]\ncolumn = "Bearer hunter2horse"',
    ],
)
def test_no_key_of_a_file_is_stored_or_printed(glotsmith: Command, folder: Path, lines: str) -> None:
    (folder / "mine.toml").write_text(f'recipe = "multipl-t"\n{lines}\n')
    code, out, err = glotsmith("run", "mine.toml", "-s", "src", "-l", "lua", "-o", "run")
    assert (code, "mine.toml: " in err, "looks like a key" in err) == (2, True, True), err
    assert "hunter2" not in out + err
    assert not (folder / "run").exists()


@pytest.mark.slow
def test_a_key_that_a_server_sends_back_is_nowhere(
    glotsmith: Command, folder: Path, server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = "a-key-without-any-known-form"
    monkeypatch.setenv("OPENAI_API_KEY", secret)
    server.says = lambda text: "-- @{key}\n" + "```lua\n-- @{key}\nlocal function shout(t) return t end\n```"
    code, out, err = glotsmith(*MULTIPL_T, *server.options)
    assert code == 0, err
    assert server.requests == 3
    assert secret not in out + err
    assert secret.encode() not in everything(folder)


def test_an_internal_error_that_holds_a_key_is_logged_without_it(
    glotsmith: Command, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "a-key-without-any-known-form")

    def fail(*_: object) -> None:
        raise RuntimeError("a-key-without-any-known-form and sk-abcDEF123456")

    monkeypatch.setattr("glotsmith.api.run_config.load", fail)
    assert glotsmith(*MULTIPL_T)[0] == 70
    log = (folder / "glotsmith-error.log").read_text()
    assert "RuntimeError: [key] and [key]" in log
    assert "known-form" not in log


TYPOS = [
    ("-s", "scr"),
    ("-l", "luaa"),
    ("--teacher", "opneai"),
    ("--model", "smal"),
    ("--base-url", "http://127.0.0.1:9/v1"),
    ("--set", "sampels=3"),
    ("--set", "min_cases=many"),
    ("--set", 'formats=["jsnol"]'),
    ("--set", 'benchmarks=["none.jsonl"]'),
    ("--set", "teacher.attempts=0"),
    ("--set", "teacher.timout_s=3"),
    ("--isolation", "jail"),
]


@pytest.mark.slow
@pytest.mark.parametrize("typo", TYPOS, ids=" ".join)
def test_the_corrected_command_runs_in_the_same_folder(
    glotsmith: Command, folder: Path, server: ModelServer, typo: tuple[str, str]
) -> None:
    command = (*MULTIPL_T, *server.options, "--set", "teacher.backoff_s=0")
    code, _, err = glotsmith(*command, *typo)
    assert code == 2, err
    assert server.requests == 0
    code, _, err = glotsmith(*command)
    assert code == 0, err
    assert rows(folder / "run") == ["clamp", "shout", "total"]


@pytest.mark.slow
@pytest.mark.parametrize("typo", [t for t in TYPOS if t[0] not in ("--model", "--base-url")], ids=" ".join)
def test_nothing_is_written_before_everything_is_checked(
    glotsmith: Command, folder: Path, server: ModelServer, typo: tuple[str, str]
) -> None:
    before = sorted(folder.rglob("*"))
    assert glotsmith(*MULTIPL_T, *server.options, *typo)[0] == 2
    assert sorted(folder.rglob("*")) == before


FREE = [
    ("teacher.max_concurrency=2", "teacher.timeout_s=7", "teacher.input_price=3", "teacher.output_price=9"),
    ("teacher.attempts=2", "teacher.backoff_s=0.1", "teacher.max_wait_s=1", "teacher.connect_timeout_s=3"),
    ('formats=["jsonl"]', "teacher.input_price=1", "teacher.output_price=2"),
]


@pytest.mark.slow
@pytest.mark.parametrize("changes", FREE, ids=" ".join)
def test_what_does_not_determine_rows_may_change(
    glotsmith: Command, folder: Path, server: ModelServer, changes: tuple[str, ...]
) -> None:
    assert glotsmith(*MULTIPL_T, *server.options)[0] == 0
    requests = server.requests
    more = [part for change in changes for part in ("--set", change)]
    code, _, err = glotsmith(*MULTIPL_T, *server.options, *more, "--isolation", "bubblewrap")
    assert code == 0, err
    assert server.requests == requests
    with RunFolder.open(folder / "run") as run:
        assert run.config["isolation"] == "bubblewrap"


@pytest.mark.slow
@pytest.mark.parametrize("change", [("--set", "seed=3"), ("--set", "temperature=0.1"), ("-l", "perl"), ("-s", "more")])
def test_what_determines_rows_is_refused_and_the_sentence_says_how_to_keep_the_replies(
    glotsmith: Command, folder: Path, server: ModelServer, change: tuple[str, str]
) -> None:
    (folder / "more").mkdir()
    (folder / "more" / "one.py").write_text("")
    assert glotsmith(*MULTIPL_T, *server.options)[0] == 0
    code, _, err = glotsmith(*MULTIPL_T, *server.options, *change)
    assert code == 2
    assert "was" in err
    assert "and is now" in err
    assert "-o NEWFOLDER --cache run/cache.sqlite" in err
    assert "delete" not in err


@pytest.mark.slow
def test_another_folder_with_the_old_cache_asks_nothing_again(
    glotsmith: Command, folder: Path, server: ModelServer
) -> None:
    assert glotsmith(*MULTIPL_T, *server.options)[0] == 0
    requests = server.requests
    code, _, err = glotsmith(
        *(*MULTIPL_T, *server.options, "--set", "wanted=2"), "-o", "new", "--cache", "run/cache.sqlite"
    )
    assert code == 0, err
    assert server.requests == requests
    assert rows(folder / "new") == rows(folder / "run")


@pytest.mark.slow
def test_a_run_asks_nothing_that_its_preview_has_asked(glotsmith: Command, folder: Path, server: ModelServer) -> None:
    code, _, err = glotsmith(*MULTIPL_T, *server.options, "--preview", 2)
    assert (code, server.requests, (folder / "run").exists()) == (0, 2, False), err
    assert glotsmith(*MULTIPL_T, *server.options, "--preview", 1)[0] == 0  # takes the place of the first
    assert server.requests == 2
    assert len(rows(folder / "run-preview")) == 1
    assert glotsmith(*MULTIPL_T, *server.options)[0] == 0
    assert server.requests == 3
    assert len(rows(folder / "run")) == 3
    assert glotsmith(*MULTIPL_T, *server.options, "--preview", 3)[0] == 0  # and the other way round
    assert server.requests == 3


@pytest.mark.slow
def test_a_preview_replaces_no_run(glotsmith: Command, folder: Path, server: ModelServer) -> None:
    assert glotsmith(*MULTIPL_T, *server.options, "-o", "run-preview")[0] == 0
    before = everything(folder / "run-preview" / "dataset")
    code, _, err = glotsmith(*MULTIPL_T, *server.options, "--preview", 1)
    assert (code, "run-preview contains a run, and a preview must not replace it" in err) == (2, True), err
    assert everything(folder / "run-preview" / "dataset") == before


def until(condition: Callable[[], bool]) -> None:
    """Wait for a condition, as long as a slow machine may take."""
    for _ in range(1500):
        if condition():
            return
        time.sleep(0.02)
    raise AssertionError("waited in vain")


def two_answers(server: ModelServer) -> None:
    """Let two requests be answered, and hold the third."""
    server.holding, server.held_after = threading.Event(), 2


def solutions(run: Path) -> int:
    """How many solutions the ledger of a run has."""
    with RunFolder.open(run) as folder:
        return folder.ledger.count_kept("translate") if folder.ledger.steps else 0


@pytest.mark.slow
def test_a_stopped_run_writes_what_is_finished_and_says_so(
    glotsmith: Command, folder: Path, server: ModelServer
) -> None:
    two_answers(server)

    def interrupt() -> None:
        until(lambda: server.requests > 2 and solutions(folder / "run") == 2)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    code, _, err = glotsmith(*MULTIPL_T, *server.options, "--set", "teacher.timeout_s=100")
    thread.join()
    assert code == 130, err
    assert "partial: 2 rows of a run that is not finished" in err
    some = rows(folder / "run")
    assert len(some) == 2
    card = (folder / "run/dataset/jsonl/README.md").read_text()
    assert "**This dataset is partial:** it contains 2 rows of a run that is not finished" in card
    assert server.holding is not None
    server.holding.set()
    assert glotsmith(*MULTIPL_T, *server.options)[0] == 0
    assert rows(folder / "run") == ["clamp", "shout", "total"]
    assert "partial" not in (folder / "run/dataset/jsonl/README.md").read_text()


@pytest.mark.slow
@pytest.mark.parametrize("form", ["parquet", "trl-sft", "text", "parallel"])
def test_a_run_that_works_and_one_that_was_killed_are_exported(
    glotsmith: Command, folder: Path, server: ModelServer, form: str
) -> None:
    two_answers(server)
    argv = [sys.executable, "-m", "glotsmith", *MULTIPL_T, *server.options]
    with subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        until(lambda: server.requests > 2 and solutions(folder / "run") == 2)
        code, out, err = glotsmith("export", "run", "-f", form, "-o", "working")
        assert (code, "partial: 2 rows of a run that is not finished" in out) == (0, True), err
        process.kill()
    code, out, err = glotsmith("export", "run", "-f", form, "-o", "killed")
    assert (code, "partial: 2 rows of a run that is not finished" in out) == (0, True), err
    assert "artial:" in (folder / "killed" / "README.md").read_text()
    before = sorted((p.name, p.read_bytes()) for p in (folder / "working").rglob("*") if p.suffix == ".jsonl")
    assert before == sorted((p.name, p.read_bytes()) for p in (folder / "killed").rglob("*") if p.suffix == ".jsonl")


@pytest.mark.slow
def test_a_run_without_any_row_so_far_is_no_error(glotsmith: Command, folder: Path, server: ModelServer) -> None:
    code, _, err = glotsmith(*MULTIPL_T, *server.options, "--model", "other", "--set", "teacher.backoff_s=0")
    assert (code, "partial:" in err) == (2, False), err
    assert not (folder / "run" / "dataset").exists()


@pytest.mark.slow
def test_a_format_that_has_nothing_to_hold_keeps_no_other_from_being_written(
    glotsmith: Command, folder: Path, server: ModelServer
) -> None:
    formats = ("--set", 'formats=["trl-dpo", "jsonl", "trl-sft"]')
    code, _, err = glotsmith(*MULTIPL_T, *server.options, *formats)
    assert (code, "nothing to export as trl-dpo" in err) == (2, True), err
    assert rows(folder / "run") == ["clamp", "shout", "total"]
    assert (folder / "run/dataset/trl-sft/train.jsonl").exists()


@pytest.mark.slow
@pytest.mark.parametrize("form", ["jsonl", "parquet", "trl-sft", "alpaca"])
def test_an_export_replaces_no_other_runs_and_no_other_formats(
    glotsmith: Command, folder: Path, server: ModelServer, form: str
) -> None:
    assert glotsmith(*MULTIPL_T, *server.options)[0] == 0
    assert glotsmith(*MULTIPL_T, *server.options, "--set", "seed=5", "-o", "second")[0] == 0
    assert glotsmith("export", "run", "-f", form, "-o", "out")[0] == 0
    assert glotsmith("export", "run", "-f", form, "-o", "out")[0] == 0  # the same again
    before = everything(folder / "out")
    code, _, err = glotsmith("export", "second", "-f", form, "-o", "out")
    assert (code, "out: the folder contains the" in err, "another run" in err) == (2, True, True), err
    assert glotsmith("export", "run", "-f", "sharegpt", "-o", "out")[0] == 2
    assert everything(folder / "out") == before
    assert glotsmith("export", "second", "-f", form)[0] == 0  # into its own folder


@pytest.mark.slow
@pytest.mark.parametrize("name", ["photos", "run"])
def test_no_command_writes_into_a_folder_of_something_else(
    glotsmith: Command, folder: Path, server: ModelServer, name: str
) -> None:
    (folder / "photos").mkdir()
    (folder / "photos" / "photo.jpg").write_text("x")
    assert glotsmith(*MULTIPL_T, *server.options)[0] == 0
    data = "run/dataset/jsonl/data/lua/train.jsonl"
    before = everything(folder / name)
    for command in (
        ("export", "run", "-f", "jsonl"),
        ("export", "run", "-f", "verl"),
        ("evaluate", f"rows={data}", "-l", "lua", *server.options),
        ("benchmark", "make", data, "-l", "perl"),
    ):
        code, _, err = glotsmith(*command, "-o", name)
        assert (code, "contains other files" in err) == (2, True), (command, err)
    assert everything(folder / name) == before
