"""Ctrl-C in a command that judges: one sentence, exit code 130, and what was written stays."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from glotsmith.cli.command_modules import MODULES

PATIENCE_S = 120
SLOW = "while true do end"
COMMAND = (sys.executable, "-m", "glotsmith")


def job(number: int, code: str = "function f(x) return x end") -> str:
    fields = {"id": str(number), "language": "lua", "code": code, "tests": ["assert f(1) == 1"], "entry_point": "f"}
    return json.dumps(fields | {"time_limit_s": 60.0}) + "\n"


def interrupted(arguments: Sequence[str], ready: Callable[[], bool], folder: Path) -> tuple[int, str, str]:
    """Start a command and send SIGINT when ``ready()``; return exit code, stdout and stderr."""
    process = subprocess.Popen(
        [*COMMAND, *arguments], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    end = time.monotonic() + PATIENCE_S
    while not ready() and time.monotonic() < end:
        time.sleep(0.05)
    assert process.poll() is None, process.communicate()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=PATIENCE_S)
    return process.returncode, out, err


@pytest.mark.slow
@pytest.mark.parametrize(
    ("codes", "written"),
    [([None, None, SLOW, None], 2), ([None, SLOW], 1), ([None, None, None, SLOW, SLOW, SLOW], 3)],
)
def test_verify_writes_each_verdict_at_once(tmp_path: Path, codes: list[str | None], written: int) -> None:
    jobs, verdicts = tmp_path / "jobs.jsonl", tmp_path / "verdicts.jsonl"
    jobs.write_text("".join(job(number, code) if code else job(number) for number, code in enumerate(codes)))

    def ready() -> bool:
        return verdicts.exists() and verdicts.read_bytes().count(b"\n") == written

    code, _, stderr = interrupted(["verify", "jobs.jsonl", "-o", "verdicts.jsonl"], ready, tmp_path)
    assert (code, verdicts.read_bytes().count(b"\n")) == (130, written)
    sentence = (
        f"Stopped: {written} of {len(codes)} jobs have a verdict in verdicts.jsonl. The same command judges the others."
    )
    assert stderr.split("\n") == [sentence, ""]


PROBLEM = {
    "task_id": "HumanEval/0",
    "prompt": 'def f(x: int) -> int:\n    """Return x.\n    >>> f(1)\n    1\n    """\n',
    "entry_point": "f",
    "canonical_solution": "    return x\n",
    "test": "def check(candidate):\n    assert candidate(1) == 1\n    assert candidate(2) == 2\n",
}


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [0.0, 0.5, 1.0])
def test_evaluate_says_what_is_kept(tmp_path: Path, seconds: float) -> None:
    (tmp_path / "set.jsonl").write_text(json.dumps(PROBLEM) + "\n")
    lines = (json.dumps({"task_id": "HumanEval/0", "completion": f"{SLOW} -- {n}"}) for n in range(2000))
    (tmp_path / "replies.jsonl").write_text("\n".join(lines))
    begun = list[float]()

    def ready() -> bool:
        if (tmp_path / "ev" / "cache.sqlite").exists():
            begun.append(time.monotonic())
        return bool(begun) and time.monotonic() - begun[0] > seconds

    arguments = ["evaluate", "humaneval=set.jsonl", "-l", "lua", "--completions", "replies.jsonl", "-o", "ev"]
    code, out, stderr = interrupted(arguments, ready, tmp_path)
    sentence = "Stopped: ev/cache.sqlite keeps the replies and verdicts so far. Run the same command again to resume."
    assert (code, out, stderr.split("\n")) == (130, "", [sentence, ""])


@pytest.mark.parametrize("command", [["verify", "jobs.jsonl"], ["doctor"], ["show", "x"], ["run", "x"], ["--help"]])
@pytest.mark.parametrize("module", ["glotsmith.languages", "glotsmith.cli.app", "rich.console", "the command's"])
def test_an_interrupt_while_modules_are_imported_is_a_plain_stop(command: list[str], module: str) -> None:
    if module == "the command's":
        module = f"glotsmith.cli.{MODULES.get(command[0], 'verify')}"  # --help imports all of them
    code = (
        "import os, signal, sys\n"
        f"sys.argv = ['glotsmith', *{command!r}]\n"
        "class Interrupt:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name == {module!r}:\n"
        "            os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.meta_path.insert(0, Interrupt())\n"
        "from glotsmith.cli import main\n"
        "main()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "Stopped.\n")


@pytest.mark.slow
@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", ">&- 2>&- <&-"])
@pytest.mark.parametrize(("command", "expected"), [("verify jobs.jsonl", 0), ("show nowhere", 2), ("--version", 0)])
def test_a_closed_stream_is_no_error(tmp_path: Path, command: str, closed: str, expected: int) -> None:
    (tmp_path / "jobs.jsonl").write_text(job(1))
    line = f"{' '.join(COMMAND)} {command} {closed}"
    done = subprocess.run(["sh", "-c", line], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, "Traceback" in done.stderr) == (expected, False), done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["jobs.jsonl"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ("verify jobs.jsonl -o /dev/full", "/dev/full: the disk is full after 0 verdicts. Free some space and run the"),
        ("verify jobs.jsonl > /dev/full", "stdout: the disk is full after 0 verdicts. Free some space and run the"),
        ("--version > /dev/full", "the disk is full, and a file may be truncated. Free some space and run the command"),
    ],
)
def test_a_full_disk_is_said_without_a_promise(tmp_path: Path, arguments: str, sentence: str) -> None:
    (tmp_path / "jobs.jsonl").write_text(job(1))
    line = f"{' '.join(COMMAND)} {arguments}"
    done = subprocess.run(["sh", "-c", line], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert sentence in " ".join(done.stderr.split()), done.stderr
    assert not {"Traceback", "safe"} & set(done.stderr.replace("(", " ").split())
    assert done.returncode in (2, 3)


@pytest.mark.parametrize(
    ("arguments", "place"),
    [
        (["doctor"], "glotsmith.cli.languages.language_names"),
        (["languages"], "glotsmith.cli.languages.language_names"),
        (["verify", "x"], "glotsmith.cli.verify.read_jobs"),
    ],
)
def test_an_interrupt_in_any_command_is_said(
    glotsmith: Callable[..., tuple[int, str, str]], monkeypatch: pytest.MonkeyPatch, arguments: list[str], place: str
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(place, interrupt)
    code, _, stderr = glotsmith(*arguments)
    assert (code, stderr) == (130, "Stopped.\n")
