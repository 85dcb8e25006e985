"""A whole run stops on signals, a second process, a full disk or a useless server, and resumes afterwards."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from small_corpus import SOURCE
from whole_program import (
    PATIENCE_S,
    Server,
    adopting_orphans,
    answered,
    dataset,
    finish,
    kill,
    log_text,
    no_process_remains,
    remaining_processes,
    serving,
    start,
    stored_serials,
    until,
    works_in,
)

pytestmark = pytest.mark.slow

RUN = (*("run", "multipl-t", "-s", "src", "-l", "lua", "-o", "run"), *("--set", "suites=1", "--set", "samples=2"))
QUICK = (*RUN, "--set", "typecheck=false", "--set", "max_functions=4")
LARGE = 120  #: files that take a second or so to read


@pytest.fixture(autouse=True)
def orphans() -> Iterator[None]:
    """No process outlives a test."""
    with adopting_orphans():
        yield
        assert no_process_remains()


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving() as made:
        yield made


@pytest.fixture(autouse=True)
def healthy(server: Server) -> None:
    server.status, server.slowest_s = 200, 0.05


def corpus(folder: Path, source: str = SOURCE) -> Path:
    (folder / "src").mkdir(parents=True)
    (folder / "src" / "small.py").write_text(source)
    return folder


@pytest.fixture(scope="module")
def expected(server: Server, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The dataset of an unbroken run."""
    folder = corpus(tmp_path_factory.mktemp("unbroken") / "whole")
    finish(folder, *QUICK, *server.options)
    return dataset(folder / "run")


def descendants(pid: int) -> set[int]:
    """All processes below one, by ``/proc``."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
    found, more = set[int](), {pid}
    while more:
        more = {child for child, parent in parents.items() if parent in more}
        found |= more
    return found


def interrupt(process: "subprocess.Popen[str]", number: int) -> int:
    """Send a signal and wait for the end; nothing of the run may be there then."""
    os.kill(process.pid, number)
    code = process.wait(30)
    assert not remaining_processes()
    return code


@pytest.mark.parametrize(
    ("step", "number", "code"),
    [
        ("write_tests", signal.SIGINT, 130),
        ("write_tests", signal.SIGTERM, 143),
        ("validate", signal.SIGINT, 130),
        ("translate", signal.SIGTERM, 143),
    ],
)
def test_a_signal_in_the_middle_stops_cleanly(
    tmp_path: Path, server: Server, expected: dict[str, bytes], step: str, number: int, code: int
) -> None:
    folder, arguments = corpus(tmp_path / "stopped"), (*QUICK, *server.options)
    process = start(folder, *arguments)
    assert until(lambda: answered(folder / "run", step) > 0, process), log_text(folder)
    assert interrupt(process, number) == code, log_text(folder)
    assert "Run the same command again to resume" in log_text(folder)
    assert "Traceback" not in log_text(folder)
    known = {a.body for a in server.log if a.serial in stored_serials(folder / "run")}
    server.log.clear()
    finish(folder, *arguments)
    assert dataset(folder / "run") == expected
    assert not [a for a in server.log if a.body in known]


def large(folder: Path) -> Path:
    """A corpus that takes seconds to read."""
    corpus(folder)
    for n in range(LARGE):
        (folder / "src" / f"m{n}.py").write_text(SOURCE.replace("def ", f"def f{n}_"))
    return folder


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a finished run of many items."""
    folder = large(tmp_path_factory.mktemp("finished") / "shown")
    finish(folder, *QUICK, "--set", "suites=0")
    return folder


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_sources_are_read_stops_cleanly(tmp_path: Path, finished: Path, number: int) -> None:
    folder = large(tmp_path / "large")
    arguments = (*QUICK, "--set", "suites=0")
    process = start(folder, *arguments)
    assert until(lambda: answered(folder / "run", "sources") > 0, process), log_text(folder)
    assert answered(folder / "run", "sources") < LARGE * 14
    assert interrupt(process, number) == 128 + number, log_text(folder)
    assert "Run the same command again to resume" in log_text(folder)
    finish(folder, *arguments)
    assert answered(folder / "run", "sources") == (LARGE + 1) * 14
    assert dataset(folder / "run") == dataset(finished / "run")


def has_pyright(pid: int) -> bool:
    for child in descendants(pid):
        try:
            if b"basedpyright" in Path(f"/proc/{child}/cmdline").read_bytes():
                return True
        except OSError:
            continue
    return False


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_signal_while_pyright_runs_leaves_no_process(tmp_path: Path, number: int) -> None:
    folder = corpus(tmp_path / "typed")
    arguments = (*RUN, "--set", "max_functions=2", "--set", "suites=0")
    process = start(folder, *arguments)
    assert until(lambda: has_pyright(process.pid), process), log_text(folder)
    os.kill(process.pid, number)
    assert process.wait(30) == (130 if number == signal.SIGINT else -9), log_text(folder)
    assert no_process_remains()
    finish(folder, *arguments)
    assert answered(folder / "run", "typecheck") == 2


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("seconds", [0.0, 0.01, 0.05, 0.2])
def test_a_signal_at_the_very_beginning_stops_cleanly(tmp_path: Path, number: int, seconds: float) -> None:
    folder = corpus(tmp_path / "early")
    process = start(folder, *QUICK, "--set", "suites=0")
    assert until(lambda: works_in(folder / "run", process), process), log_text(folder)
    time.sleep(seconds)
    assert interrupt(process, number) == 128 + number, log_text(folder)
    assert "Run the same command again to resume" in log_text(folder)
    assert "Warning" not in log_text(folder)


def test_the_second_signal_quits_at_once(tmp_path: Path, server: Server, expected: dict[str, bytes]) -> None:
    folder, arguments = corpus(tmp_path / "twice"), (*QUICK, *server.options)
    process = start(folder, *arguments)
    assert until(lambda: answered(folder / "run", "write_tests") > 0, process), log_text(folder)
    os.kill(process.pid, signal.SIGINT)
    os.kill(process.pid, signal.SIGTERM)
    assert process.wait(10) in (130, 143)
    assert no_process_remains()
    finish(folder, *arguments)
    assert dataset(folder / "run") == expected


def test_a_second_process_in_one_folder_gets_a_sentence(tmp_path: Path, server: Server) -> None:
    folder, arguments = corpus(tmp_path / "shared"), (*QUICK, *server.options)
    first = start(folder, *arguments)
    try:
        assert until(lambda: works_in(folder / "run", first), first), log_text(folder)
        other = tmp_path / "other"
        second = start(other, *arguments[:2], "-s", folder / "src", "-l", "lua", "-o", folder / "run")
        assert second.wait(PATIENCE_S) == 2
        assert re.search(rf"process {first.pid} uses this folder", log_text(other))
    finally:
        kill(first)


@pytest.mark.parametrize("options", ["", "--dropped -n 5000", "--dropped --json -n 5000"])
@pytest.mark.parametrize("reader", ["head -1", "true"])
def test_a_reader_that_goes_away_is_no_error(finished: Path, options: str, reader: str) -> None:
    shell = f"{sys.executable} -m glotsmith show run {options} | {reader}; exit ${{PIPESTATUS[0]}}"
    shown = subprocess.run(["bash", "-c", shell], cwd=finished, capture_output=True, text=True, timeout=PATIENCE_S)
    assert (shown.returncode, shown.stderr) == (0, "")
    assert shown.stdout.count("\n") == (reader == "head -1")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MB, where one may be mounted."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk], capture_output=True).returncode:
        pytest.skip("no file system can be mounted here")
    try:
        yield disk
    finally:
        subprocess.run(["umount", "-l", disk], check=True)


def test_a_full_disk_is_a_sentence_and_the_run_goes_on_when_there_is_room(
    tmp_path: Path, small_disk: Path, finished: Path
) -> None:
    folder = large(tmp_path / "full")
    arguments = [*QUICK, "--set", "suites=0"]
    arguments[arguments.index("run", 1)] = str(small_disk / "run")
    process = start(folder, *arguments)
    assert process.wait(PATIENCE_S) == 2, log_text(folder)
    assert "the disk is full" in log_text(folder)
    assert "Traceback" not in log_text(folder)
    subprocess.run(["mount", "-o", "remount,size=64m", small_disk], check=True)
    finish(folder, *arguments)
    assert dataset(small_disk / "run") == dataset(finished / "run")


@pytest.mark.parametrize(
    ("status", "sentence"),
    [
        (401, r"requires an API key: 401.*environment variable .* is not set"),
        (404, r"refuses the model 'm'.*serves: another"),
    ],
)
def test_a_server_that_refuses_is_a_sentence_and_nothing_is_lost(
    tmp_path: Path, server: Server, expected: dict[str, bytes], status: int, sentence: str
) -> None:
    folder, arguments = corpus(tmp_path / "refused"), (*QUICK, *server.options)
    process = start(folder, *arguments)
    assert until(lambda: answered(folder / "run", "write_tests") > 0, process), log_text(folder)
    server.status = status
    assert process.wait(PATIENCE_S) == 2, log_text(folder)
    assert re.search(sentence, log_text(folder)), log_text(folder)
    known = {a.body for a in server.log if a.serial in stored_serials(folder / "run")}
    assert known
    server.status = 200
    server.log.clear()
    finish(folder, *arguments)
    assert dataset(folder / "run") == expected
    assert not [a for a in server.log if a.body in known]


def test_an_unreachable_server_is_a_sentence(tmp_path: Path) -> None:
    folder = corpus(tmp_path / "alone")
    address = ("--teacher", "openai", "--model", "m", "--base-url", "http://127.0.0.1:9/v1")
    process = start(folder, *QUICK, *address, "--set", "teacher.backoff_s=0.01")
    assert process.wait(PATIENCE_S) == 2, log_text(folder)
    assert re.search(r"127\.0\.0\.1:9/v1: cannot reach the server.*is the server running", log_text(folder))


def test_a_server_may_have_moved_when_a_run_goes_on(tmp_path: Path, server: Server, expected: dict[str, bytes]) -> None:
    folder = corpus(tmp_path / "moved")
    process = start(folder, *QUICK, *server.options)
    assert until(lambda: answered(folder / "run", "write_tests") > 0, process), log_text(folder)
    assert interrupt(process, signal.SIGINT) == 130
    with serving() as other:
        finish(folder, *QUICK, *other.options)
    assert dataset(folder / "run") == expected
