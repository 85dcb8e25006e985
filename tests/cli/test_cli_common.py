"""What all commands share: the version, quiet and verbose, and completion by the shell."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest

Command = Callable[..., tuple[int, str, str]]
JOB = {"id": "a", "language": "lua", "code": "function f(x) return x end", "tests": ["assert f(1) == 1"]}


def test_the_version_is_printed(glotsmith: Command) -> None:
    assert glotsmith("--version") == (0, f"glotsmith {version('glotsmith')}\n", "")


@pytest.mark.parametrize("flag", ["--quiet", "-q"])
def test_quiet_leaves_results_and_errors(glotsmith: Command, tmp_path: Path, flag: str) -> None:
    (tmp_path / "jobs.jsonl").write_text(json.dumps(JOB))
    code, stdout, err = glotsmith("verify", tmp_path / "jobs.jsonl")
    assert (code, "verdict" in err) == (0, True)
    code, stdout, err = glotsmith(flag, "verify", tmp_path / "jobs.jsonl")
    assert (code, json.loads(stdout)["status"], err) == (0, "pass", "")
    code, _, err = glotsmith(flag, "show", tmp_path / "no-run")
    assert (code, "no such folder exists" in err) == (2, True)


@pytest.mark.parametrize(
    ("flags", "levels"), [((), set()), (("-v",), {"INFO"}), (("--verbose", "-v"), {"INFO", "DEBUG"})]
)
def test_verbose_writes_the_log_on_stderr(
    glotsmith: Command, tmp_path: Path, flags: tuple[str, ...], levels: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import logging

    from glotsmith.cli import show

    def log(folder: Path) -> bool:
        for level in (logging.INFO, logging.DEBUG):
            logging.getLogger("glotsmith.x").log(level, "a line")
        return False

    monkeypatch.setattr(show.show_evaluation, "is_evaluation", log)
    _, _, err = glotsmith(*flags, "show", tmp_path)
    assert {level for level in ("INFO", "DEBUG") if f"{level} glotsmith.x: a line" in err} == levels


@pytest.mark.slow
@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("glotsmith run mul", ["multipl-t"]),
        ("glotsmith run multipl-t -l ju", ["julia"]),
        ("glotsmith run multipl-t -l java", ["java", "javascript"]),
        ("glotsmith evaluate humaneval --language oc", ["ocaml"]),
        ("glotsmith languages check has", ["haskell"]),
        ("glotsmith compa", ["compare"]),
    ],
)
def test_the_shell_completes_names(typed: str, offered: list[str]) -> None:
    words = typed.split()
    completion = {"_GLOTSMITH_COMPLETE": "complete_bash", "COMP_WORDS": typed, "COMP_CWORD": str(len(words) - 1)}
    code = "import sys; sys.argv = ['glotsmith']; from glotsmith.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | completion, capture_output=True, text=True, check=False
    )
    assert (done.stdout.split(), done.stderr) == (offered, "")


@pytest.mark.slow
def test_completion_is_shown_and_writes_no_file(tmp_path: Path) -> None:
    code = "import sys; sys.argv = ['glotsmith', '--show-completion', 'bash']; from glotsmith.cli import main; main()"
    own = {"HOME": str(tmp_path), "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | own, capture_output=True, text=True, check=False
    )
    assert (done.returncode, "_GLOTSMITH_COMPLETE" in done.stdout) == (0, True), done.stderr
    assert not list(tmp_path.iterdir())
