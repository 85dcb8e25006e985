"""Drop functions in which Pyright reports an error (MultiPL-T §4.1, step 3).

The ``basedpyright`` wheel contains Pyright and its Node.js. Pyright analyses programs and does not run them. Its mode
is ``standard``, the default of Pyright. The paper drops a whole batch that times out; here the batch is halved until
the program that causes the timeout is alone.
"""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any, ClassVar, cast

from glotsmith.drop_reasons import Reason
from glotsmith.errors import StorageError, ToolchainError
from glotsmith.records import Function, Record, printable
from glotsmith.sandbox.temporary_folders import SessionFolders
from glotsmith.step import BatchStep, Dropped, NodeCaller, Result, call_here, keep

PYTHON_VERSION = "3.11"  #: the version that programs are checked for, independent of the running Python
_SITE = f"none/lib/python{PYTHON_VERSION}/site-packages"  # an empty environment: Pyright finds only typeshed


class TypeCheck(BatchStep[Function, Function]):
    """Keeps functions in which Pyright finds no error. Warnings do not count, as in the paper."""

    name: ClassVar[str] = "typecheck"
    output: ClassVar[type[Record]] = Function
    size: int = 250  # the size of a batch in the paper

    def __init__(self, *, timeout_s: float = 120.0, call: NodeCaller = call_here, nodes: int = 1) -> None:
        """Create the step.

        Args:
            timeout_s: the time limit of a batch (120 s in the paper).
            call: calls a function on a node of the cluster.
            nodes: the number of nodes, which check one batch each.

        """
        self._timeout_s, self._call, self.concurrency = timeout_s, call, nodes

    async def run(self, keys: Sequence[str], items: Sequence[Function]) -> "Sequence[Result[Function]]":
        """Check a batch. Programs cannot import each other.

        Raises:
            ToolchainError: Pyright does not run on this machine.
            StorageError: The files for Pyright cannot be written.

        """
        programs = [item.program for item in items]
        errors = await self._call(checked_programs, programs, self._timeout_s, version("basedpyright"))
        return [_result(*row) for row in zip(keys, items, errors, strict=True)]


async def checked_programs(programs: Sequence[str], timeout_s: float, required: str) -> list[str | None]:
    """Return ``first_type_errors`` of a required version, so that all nodes of a cluster decide alike.

    Raises:
        ToolchainError: this machine has another version, or Pyright does not run.

    """
    if (found := version("basedpyright")) != required:
        raise ToolchainError(
            f"this machine has basedpyright {found}, and the run needs {required}: install version {required}"
        )
    return await first_type_errors(programs, timeout_s)


async def first_type_errors(programs: Sequence[str], timeout_s: float) -> list[str | None]:
    """Return the first error of each program; None for a program without errors.

    Args:
        programs: programs that cannot import each other.
        timeout_s: the time limit. If Pyright exceeds it, the programs are halved, until the cause is alone.

    Raises:
        ToolchainError: Pyright does not run on this machine.
        StorageError: The files for Pyright cannot be written.

    """
    if not programs:
        return []
    try:
        return await _first_errors(programs, timeout_s)
    except TimeoutError:
        failure = f"Pyright did not finish within {timeout_s:g} s"
    except _Crash as crash:
        failure = str(crash)
    if len(programs) == 1:
        await _require_running_pyright(failure, timeout_s)
        return [failure]
    half = len(programs) // 2
    return [
        *await first_type_errors(programs[:half], timeout_s),
        *await first_type_errors(programs[half:], timeout_s),
    ]


async def _require_running_pyright(failure: str, timeout_s: float) -> None:
    """Check that Pyright runs on a trivial program, so that the checked program is the cause of the failure."""
    try:
        await _first_errors(["x = 1"], max(timeout_s, 60.0))
    except (TimeoutError, _Crash) as error:
        raise ToolchainError(f"Pyright does not run here: {error or failure}. Reinstall basedpyright") from error


class _Crash(Exception):
    """Pyright exited without a report."""


def _result(key: str, item: Function, error: str | None) -> Result[Function]:
    return keep(key, item) if error is None else Result(dropped=(Dropped(Reason.TYPE_ERROR, printable(error)),))


async def _first_errors(programs: Sequence[str], timeout_s: float) -> list[str | None]:
    folders = SessionFolders()
    try:
        with folders.temporary_folder() as folder:
            _write_programs(folder, programs)
            report = await _run_pyright(folder, timeout_s)
    finally:
        folders.close()
    errors: list[str | None] = [None] * len(programs)
    for found in report:
        index = int(Path(found["file"]).parent.name)
        if found["severity"] == "error" and errors[index] is None:
            errors[index] = _diagnostic_message(found)
    return errors


def _write_programs(folder: Path, programs: Sequence[str]) -> None:
    """Write each program into a folder of its own, so that programs cannot import each other."""
    config = {
        "include": ["programs"],
        "typeCheckingMode": "standard",
        "pythonVersion": PYTHON_VERSION,
        "pythonPlatform": "Linux",
        "venvPath": ".",
        "venv": _SITE.partition("/")[0],
    }
    try:
        (folder / _SITE).mkdir(parents=True)
        (folder / "pyrightconfig.json").write_text(json.dumps(config), encoding="utf-8")
        for i, program in enumerate(programs):
            (folder / "programs" / str(i)).mkdir(parents=True)
            (folder / "programs" / str(i) / "program.py").write_text(program + "\n", encoding="utf-8", errors="replace")
    except OSError as error:
        raise StorageError(f"{folder}: {error.strerror}. Free some space or set TMPDIR") from error


async def _run_pyright(folder: Path, timeout_s: float) -> list[dict[str, Any]]:
    argv = [sys.executable, "-P", "-m", "glotsmith.sources.pyright_process", "--outputjson", "-p", str(folder)]
    process = await asyncio.create_subprocess_exec(
        *argv,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=folder,
        start_new_session=True,  # Pyright may start processes: the whole group is killed
    )
    try:
        stdout, stderr = await asyncio.wait_for(process.communicate(), timeout_s)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
    return _parse_report(stdout.decode("utf-8", "replace"), stderr.decode("utf-8", "replace"), process.returncode)


def _parse_report(stdout: str, stderr: str, code: int | None) -> list[dict[str, Any]]:
    """Parse the report, which may follow other output."""
    try:
        report = json.loads(stdout[stdout.index("{") :])
        return cast(list[dict[str, Any]], report["generalDiagnostics"])
    except (ValueError, KeyError) as error:
        last_line = (stderr.strip() or stdout.strip() or "no output").splitlines()[-1][:200]
        raise _Crash(f"Pyright exited with code {code} and without a report: {last_line}") from error


def _diagnostic_message(found: dict[str, Any]) -> str:
    if "range" not in found:  # an internal error, whose text is a stack trace with paths of this run
        return "Pyright fails with an internal error"
    message = str(found["message"]).splitlines()[0]
    return f"line {int(found['range']['start']['line']) + 1}: {message} ({found.get('rule', 'syntax')})"
