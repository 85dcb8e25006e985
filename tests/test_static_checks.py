"""``scripts/static.sh`` runs every check, and a command beside them; each failure is the exit code."""

import os
import subprocess
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[1] / "scripts"
PROGRAMS = {"ruff": "echo style", "basedpyright": "echo types", "python": 'case "$*" in *mkdocs*) echo site ;; esac'}


def checkout(folder: Path, failing: str) -> Path:
    """Make a checkout with the scripts, in which a tool fails and the others succeed."""
    (folder / "scripts").mkdir()
    for name in ("static.sh", "docs.sh", "setup.sh"):
        (folder / "scripts" / name).write_text((SCRIPTS / name).read_text())
    (folder / ".venv/bin").mkdir(parents=True)
    for name, line in PROGRAMS.items():
        code = 'case "$*" in *mkdocs*) exit 5 ;; esac' if name == "python" else "exit 5"
        file = folder / ".venv/bin" / name
        file.write_text(f"#!/bin/sh\n{line}\n{code if name == failing else ''}\n")
        file.chmod(0o755)
    for name in ("pyproject.toml", "constraints.txt", ".venv/.installed-test", ".venv/.installed-docs"):
        (folder / name).touch()
        os.utime(folder / name, (1000, 1000))
    return folder


@pytest.mark.parametrize(
    ("failing", "command", "code", "printed"),
    [
        ("", "echo tests", 0, ["style", "style", "tests", "types", "site"]),
        ("", "echo tests; exit 3", 3, ["style", "style", "tests", "types", "site"]),
        ("basedpyright", "echo tests", 5, ["style", "style", "tests", "types", "site"]),
        ("python", "echo tests", 5, ["style", "style", "tests", "types", "site"]),
        ("ruff", "echo tests", 5, ["style"]),
    ],
)
def test_each_failure_is_the_exit_code(
    tmp_path: Path, failing: str, command: str, code: int, printed: list[str]
) -> None:
    script = checkout(tmp_path, failing) / "scripts/static.sh"
    done = subprocess.run(["sh", script, "sh", "-c", command], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.splitlines()) == (code, printed), done.stderr


@pytest.mark.parametrize(("failing", "code"), [("", 0), ("basedpyright", 5)])
def test_no_command_is_needed(tmp_path: Path, failing: str, code: int) -> None:
    script = checkout(tmp_path, failing) / "scripts/static.sh"
    done = subprocess.run(["sh", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.splitlines()[-2:]) == (code, ["types", "site"]), done.stderr
