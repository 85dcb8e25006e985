"""Pyright on batches: an error, a hostile program, a crash and a timeout cost only the one that is to blame."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path

import pytest

from glotsmith.drop_reasons import Reason
from glotsmith.errors import StorageError, ToolchainError
from glotsmith.records import Function, Origin
from glotsmith.sandbox.process_tree import walk_tree
from glotsmith.sandbox.temporary_folders import SessionFolders
from glotsmith.sources import typecheck
from glotsmith.sources.typecheck import TypeCheck, checked_programs

ROWS: dict[str, tuple[str, str]] = {
    "untyped": ("def f(x, y=1):\n    return [x + y]", ""),
    "an undefined name": ("def f(x):\n    return y", 'line 2: "y" is not defined (reportUndefinedVariable)'),
    "a wrong return": ("def f(x) -> int:\n    return 'a'", "line 2: Type \"Literal['a']\" is not assignable to return"),
    "a wrong call": ("def f(x):\n    return len(5)", 'line 2: Argument of type "Literal[5]" cannot be assigned'),
    "an optional member": (
        "import re\ndef f(x: str):\n    return re.match(x, x).group()",
        'line 3: "group" is not a known',
    ),
    "possibly unbound": (
        "def f(x):\n    if x:\n        y = 1\n    return y",
        'line 4: "y" is possibly unbound (reportPossiblyUnboundVariable)',
    ),
    "a warning": ("__all__ = ['g']\n\n\ndef f(x):\n    return x", ""),
    "the standard library": ("import math\n\n\ndef f(x):\n    return math.floor(x)", ""),
    "an installed package": (
        "import toolz\ndef f(x):\n    return toolz.first(x)",
        'line 1: Import "toolz" could not be',
    ),
    "its neighbour": ("import program\ndef f(x):\n    return program.f(x)", ""),  # only itself lies in its folder
    "another's folder": ("from programs import a\ndef f(x):\n    return a", "line 1: "),
    "a comment that asks for less": ("# pyright: basic\ndef f(x):\n    return x", ""),
    "nothing": ("", ""),
    "no Python": ("def f(:", "line 1: "),
    "deep": ("x = " + "(" * 5_000 + ")" * 5_000, "Pyright fails with an internal error"),
    "a long sum": ("def f(x):\n    return " + " + ".join(["x"] * 3_000), "line 2: Maximum parse depth exceeded"),
    "half a pair": ("x = '\ud800'", ""),
}


def function(code: str, helpers: str = "") -> Function:
    return Function(id="i", name="f", code=code, helpers=helpers, origin=Origin(source="s", path="p"))


def errors(items: Sequence[Function], step: TypeCheck | None = None) -> list[str]:
    """Return for each item the detail of its drop, or nothing."""
    keys = [f"k{i}" for i in range(len(items))]
    results = asyncio.run((step or TypeCheck()).run(keys, items))
    assert len(results) == len(items)
    for key, item, result in zip(keys, items, results, strict=True):
        assert [(k.key, k.item) for k in result.kept] == ([] if result.dropped else [(key, item)])
        assert {d.reason for d in result.dropped} <= {Reason.TYPE_ERROR}
    return ["".join(d.detail for d in result.dropped) for result in results]


@pytest.mark.slow
def test_each_program_is_judged_by_itself() -> None:
    found = errors([function(code) for code, _ in ROWS.values()])
    judged = dict(zip(ROWS, found, strict=True))
    for name, (_, sentence) in ROWS.items():
        assert judged[name].startswith(sentence), name
        assert bool(judged[name]) == bool(sentence), name


@pytest.mark.slow
def test_helpers_are_seen_and_alone_it_is_judged_alike() -> None:
    assert errors([function("def f(x):\n    return A", helpers="A = 1"), function("def f(x):\n    return A")]) == [
        *("", 'line 2: "A" is not defined (reportUndefinedVariable)')
    ]


def test_nothing_to_check() -> None:
    assert errors([]) == []


# ------------------------------------------------------------------------------- a checker that misbehaves


class Checker:
    """Stands for Pyright: stops on some programs, and counts what it is asked."""

    def __init__(self, trouble: dict[str, Exception]) -> None:
        self.trouble = trouble
        self.batches: list[int] = []

    async def __call__(self, programs: Sequence[str], timeout_s: float) -> list[str | None]:
        self.batches.append(len(programs))
        for program in programs:
            if program in self.trouble:
                raise self.trouble[program]
        return ["wrong" if "wrong" in p else None for p in programs]


TROUBLE = {
    "a crash": (typecheck._Crash("it fell over"), "it fell over"),
    "a timeout": (TimeoutError(), "Pyright did not finish within 120 s"),
}


@pytest.mark.parametrize(("error", "detail"), TROUBLE.values(), ids=TROUBLE)
@pytest.mark.parametrize("places", [(0,), (6,), (2, 3), (0, 1, 2, 3, 4, 5, 6)])
def test_a_batch_is_halved_until_the_one_to_blame_is_alone(
    monkeypatch: pytest.MonkeyPatch, error: Exception, detail: str, places: tuple[int, ...]
) -> None:
    programs = [f"hostile{i}" if i in places else "wrong" if i == 4 else f"x = {i}" for i in range(7)]
    checker = Checker({p: error for p in programs if p.startswith("hostile")})
    monkeypatch.setattr(typecheck, "_first_errors", checker)
    expected = [detail if i in places else "wrong" if i == 4 else "" for i in range(7)]
    assert errors([function(p) for p in programs]) == expected
    assert checker.batches[0] == 7


def test_a_checker_that_never_runs_is_the_machines_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    crash = typecheck._Crash("no node")
    monkeypatch.setattr(typecheck, "_first_errors", Checker({"x = 1": crash, "y = 1": crash}))
    with pytest.raises(ToolchainError, match=r"^Pyright does not run here: no node. Reinstall basedpyright$"):
        errors([function("y = 1")])


def test_another_version_than_that_of_the_run_is_refused() -> None:
    installed = version("basedpyright")
    assert asyncio.run(checked_programs([], 60, installed)) == []
    with pytest.raises(ToolchainError, match=rf"^this machine has basedpyright {installed}, and the run needs 0\.1"):
        asyncio.run(checked_programs(["x = 1"], 60, "0.1"))


def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Put a script in the place of Pyright's interpreter."""
    path = tmp_path / "python"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    monkeypatch.setattr(typecheck.sys, "executable", str(path))


REPORTS = [
    ("echo 'remark'; echo '{\"generalDiagnostics\": []}'; exit 1", None),
    ("echo not a report; echo out of memory >&2; exit 134", "code 134 and without a report: out of memory"),
    ("echo '{\"other\": 1}'", "code 0 and without a report: "),
    ("echo '{'", "code 0 and without a report: {"),
    ("exit 3", "code 3 and without a report: no output"),
]


@pytest.mark.parametrize(("script", "sentence"), REPORTS)
def test_reports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, sentence: str | None) -> None:
    stand_in(tmp_path, monkeypatch, script)
    if sentence is None:
        assert errors([function("x = 1")]) == [""]
        return
    with pytest.raises(ToolchainError) as caught:
        errors([function("x = 1")])
    assert sentence in str(caught.value)


@pytest.mark.slow
def test_pyright_ends_with_the_process_that_started_it(tmp_path: Path) -> None:
    """A killed run, or a killed worker of a node, leaves no Pyright."""
    code = """if True:
        import asyncio
        from glotsmith.sources.typecheck import first_type_errors
        asyncio.run(first_type_errors(["x = 1"] * 3, 60))
    """
    with subprocess.Popen([sys.executable, "-c", code], env={**os.environ, "TMPDIR": str(tmp_path)}) as process:
        end = time.monotonic() + 60
        while not (found := pyright_processes(process.pid)) and time.monotonic() < end:
            time.sleep(0.01)
        process.kill()
    while (left := [pid for pid in found if is_running(pid)]) and time.monotonic() < end:
        time.sleep(0.01)
    assert found and not left


def pyright_processes(parent: int) -> list[int]:
    """Return the children that have become Node.js."""
    return [each.pid for each in walk_tree(parent) if b"index.js" in command_line(each.pid)]


def command_line(process: int) -> bytes:
    with suppress(OSError):
        return Path(f"/proc/{process}/cmdline").read_bytes()
    return b""


def is_running(process: int) -> bool:
    """Return whether a process runs; a zombie has no command line."""
    return bool(command_line(process))


@pytest.mark.slow
def test_what_runs_too_long_is_ended_with_its_children(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(tmp_path, monkeypatch, f"sleep 600 & echo $! > {tmp_path}/child; wait")
    with pytest.raises(TimeoutError):
        asyncio.run(typecheck._first_errors(["x = 1"], 2.0))
    child = int((tmp_path / "child").read_text())
    status = Path(f"/proc/{child}/stat")
    assert not status.exists() or status.read_text().split()[2] in "ZX"


def test_a_full_disk_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(StorageError, match=r"No space left on device. Free some space or set TMPDIR$"):
        errors([function("x = 1")])


@pytest.mark.slow
def test_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(typecheck, "SessionFolders", lambda: SessionFolders(tmp_path))
    assert errors([function("x = 1")]) == [""]
    assert os.listdir(tmp_path) == []  # noqa: PTH208
