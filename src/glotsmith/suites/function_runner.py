"""Run calls of a function in the sandbox. The host builds the program, and reads only the marked output lines.

The programs are a source function and its mutants. Expected values are the results of this function, so its mutants may
get them (``CallBatch.expected``). Candidates (translations and answers) never get expected values: the verifier
compares their results outside the sandbox.
"""

import sys
from collections.abc import Sequence
from functools import cache
from importlib import util
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from glotsmith.drop_reasons import Reason
from glotsmith.records import Function, Limits, Origin, Outcome, Program, WarmInterpreter, content_hash
from glotsmith.sandbox.base import Sandbox
from glotsmith.suites.parameters import body_lines
from glotsmith.suites.raising import raising_lines
from glotsmith.unanswered import ServiceHealth, Unanswered

_LIMITS = Limits(cpu_s=40.0, wall_s=240.0, memory_mb=1024, processes=16, output_kb=8192)
_SCRIPT, _WARM_SCRIPT, _SUBJECT = "runner_script.py", "warm_runner_script.py", "subject.py"


class RunnerFailed(Unanswered):
    """The sandbox could not run the runner script. The function is not the cause."""

    def __init__(self, detail: str, health: ServiceHealth | None = None) -> None:
        super().__init__(Reason.NOT_VERIFIED, detail, health)


class CallBatch(msgspec.Struct, frozen=True, kw_only=True):
    """Calls of a function that run one after another."""

    calls: tuple[str, ...]  #: tuples of arguments, as literals
    code: str = ""  #: the code of a mutant; "" for the original function
    cpu_s: float = 1.0  #: CPU seconds for a call
    max_chars: int = 2000  #: largest number of characters of the literal of a result
    measure: str = ""  #: ``arcs`` or ``seconds`` of each call, ``coverage`` of all calls, or "" for no measurement
    one_process_per_call: bool = False  #: whether each call runs in a separate process
    #: literals of the values that the original function returned; the batch of a mutant stops at the first call that
    #: returns another value. A candidate never gets them
    expected: tuple[str, ...] = ()


class CallResult(NamedTuple):
    """The result of one call."""

    kind: str = "skipped"  #: ``value raised opaque large effect stopped skipped``
    text: str = ""  #: the value as a literal, or the reason why there is none
    arcs: frozenset[str] = frozenset()  #: pairs of lines, ``from,to``, if they were measured
    seconds: float = 0.0  #: CPU time, if it was measured


class BodyCoverage(NamedTuple):
    """The coverage of the body of a function."""

    lines: int = 0
    lines_hit: int = 0
    branches: int = 0
    branches_hit: int = 0

    @property
    def line_rate(self) -> float:
        """The share of lines that ran, 0–1."""
        return self.lines_hit / self.lines if self.lines else 0.0

    @property
    def branch_rate(self) -> float:
        """The share of branches that were taken, 0–1; 1 without branches."""
        return self.branches_hit / self.branches if self.branches else 1.0


class BatchResult(NamedTuple):
    """The results of one batch."""

    results: tuple[CallResult, ...]
    coverage: BodyCoverage


_EXAMPLE = Function(id="", name="f", code="def f(x):\n    return x", docstring="", origin=Origin(source="", path=""))


class FunctionRunner:
    """Runs batches of calls in a sandbox. It is also a health check of the sandbox (``unanswered.ServiceHealth``)."""

    name = "the function runner"

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self.answered = 0  #: number of programs that ran

    async def works(self) -> bool:
        """Return whether a trivial function returns its value now."""
        try:
            [report] = await self.run(_EXAMPLE, [CallBatch(calls=("(1,)",))], 0)
        except RunnerFailed:
            return False
        return report.results[0].kind == "value"

    async def run(self, function: Function, batches: Sequence[CallBatch], hash_seed: int) -> list[BatchResult]:
        """Run all batches in one interpreter with ``PYTHONHASHSEED=hash_seed``.

        If the first attempt fails, the second one starts the interpreter cold.

        Raises:
            RunnerFailed: The sandbox failed twice.

        """
        program, mark = _runner_program(function, batches, hash_seed)
        outcome = await self._sandbox.run(program)
        if not _has_started(mark, outcome):
            outcome = await self._sandbox.run(msgspec.structs.replace(program, warm=None))
        if not _has_started(mark, outcome):
            stderr = outcome.stderr.decode("utf-8", "replace").strip()[-300:]
            why = outcome.detail or f"Python did not start: {outcome.ending} {outcome.code} {stderr}"
            raise RunnerFailed(why, self)
        self.answered += 1
        return _parse_results(mark, outcome, batches)


def _has_started(mark: str, outcome: Outcome) -> bool:
    """Return whether the runner script ran. It prints its first line before any code of the function runs."""
    return outcome.ending != "infra" and outcome.stdout.startswith(f"{mark} start\n".encode())


def _runner_program(function: Function, batches: Sequence[CallBatch], hash_seed: int) -> tuple[Program, str]:
    measured = any(b.measure == "coverage" for b in batches)
    original = function.program
    jobs = [_batch_job(function, b) for b in batches]
    mark = content_hash("runner_script", original, msgspec.json.encode(jobs).decode())
    program = Program(
        files={_SCRIPT: _read_script(_SCRIPT), _SUBJECT: original},
        argv=_command(_SCRIPT),
        stdin=msgspec.json.encode({"mark": mark, "batches": jobs}).decode(),
        env={"PYTHONHASHSEED": str(hash_seed)},
        read_only=(sys.base_prefix, *((f"{_coverage_site()}/coverage",) if measured else ())),
        warm=_warm_interpreter(measured),
        limits=_LIMITS,
    )
    return program, mark


@cache
def _warm_interpreter(measured: bool) -> WarmInterpreter:
    """Return the interpreter that has loaded the script, and ``coverage`` if coverage is measured."""
    folders = (_coverage_site(),) if measured else ()
    return WarmInterpreter(
        argv=(*_command(_WARM_SCRIPT), *folders),
        files={name: _read_script(name) for name in (_SCRIPT, _WARM_SCRIPT)},
    )


def _command(script: str) -> tuple[str, ...]:
    return (_interpreter(), "-s", "-P", "-B", "-W", "ignore", f"@{{dir}}/{script}")


def _batch_job(function: Function, batch: CallBatch) -> dict[str, Any]:
    code = batch.code or function.code
    return {
        **msgspec.structs.asdict(batch),
        "source": f"{function.helpers}\n\n\n{code}" if function.helpers else code,
        "name": function.name,
        "body": body_lines(function),
        "unreachable": sorted(raising_lines(function)) if batch.measure == "coverage" else [],
        "coverage": _coverage_site() if batch.measure == "coverage" else "",
    }


@cache
def _read_script(name: str) -> str:
    return Path(__file__).with_name(name).read_text("utf-8")


@cache
def _interpreter() -> str:
    return str(Path(sys.executable).resolve())


@cache
def _coverage_site() -> str:
    """Return the folder that contains the package ``coverage``."""
    found = util.find_spec("coverage")
    assert found is not None and found.origin is not None, "coverage is a dependency"
    return str(Path(found.origin).parent.parent)


def _parse_results(mark: str, outcome: Outcome, batches: Sequence[CallBatch]) -> list[BatchResult]:
    ended = "skipped" if outcome.ending == "exit" else f"stopped {outcome.ending}"
    kind, _, text = ended.partition(" ")
    answers = [[CallResult(kind, text) for _ in b.calls] for b in batches]
    coverages = [BodyCoverage() for _ in batches]
    arcs, seconds = dict[tuple[int, int], frozenset[str]](), dict[tuple[int, int], float]()
    for line in outcome.stdout.decode("ascii", "replace").split("\n"):
        words = line.split(" ", 4)
        if len(words) < 4 or words[0] != mark:
            continue
        batch, case, kind, text = int(words[1]), int(words[2]), words[3], "".join(words[4:])
        if kind == "arcs":
            arcs[batch, case] = frozenset(text.split())
        elif kind == "coverage":
            coverages[batch] = max(coverages[batch], BodyCoverage(*map(int, text.split())))
        elif kind == "seconds":
            seconds[batch, case] = float(text)
        else:
            measured = arcs.get((batch, case), frozenset()), seconds.get((batch, case), 0.0)
            answers[batch][case] = CallResult(kind, text, *measured)
    return [BatchResult(tuple(a), c) for a, c in zip(answers, coverages, strict=True)]
