"""Functions that fight back: each ends as a drop with a reason, in bounded time, and never with a wrong value."""

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path

import coverage
import pytest

from glotsmith.drop_reasons import Reason
from glotsmith.records import Outcome, Program
from glotsmith.sandbox import open_sandbox
from glotsmith.sandbox.base import Sandbox
from glotsmith.suites import function_runner
from glotsmith.suites.draft import DraftCase, DraftSuite
from glotsmith.suites.function_runner import CallBatch, FunctionRunner
from glotsmith.suites.validate import Validate
from glotsmith.suites.write import WriteTests

CALLS = tuple(DraftCase(arguments=f"({n},)", writer="doctest") for n in range(4))

#: Each returns ``x + 1`` in the end, if it gets there: a suite with any other value would be a forgery.
HOSTILE = {
    "loops": "while True:\n        pass",
    "loops in C": "x = sum(range(10 ** 12))",
    "swallows the alarm": "while True:\n        try:\n            while 1: pass\n        except BaseException: pass",
    "sleeps": "import time\n    time.sleep(3600)",
    "exits": "import sys\n    sys.exit(0)",
    "exits hard": "import os\n    os._exit(0)",
    "crashes": "import ctypes\n    ctypes.string_at(0)",
    "overflows the stack": "return f(x)",
    "eats memory": "y = ['a' * 10 ** 9 for _ in range(100)]",
    "forks": "import os\n    os.fork()",
    "fork bomb": "import os\n    while True:\n        os.fork()",
    "starts a program": "import subprocess\n    subprocess.run(['true'])",
    "reads a file": "x = len(open('/proc/self/stat').read())",
    "reads itself": "x = len(open('@').read())".replace("@", "/box/program/runner_script.py"),
    "deletes its folder": "import shutil\n    shutil.rmtree('/box/program')",
    "lists folders": "import os\n    x = len(os.listdir('/'))",
    "writes a file": "open('/tmp/x', 'w').write('x')",
    "opens a socket": "import socket\n    socket.socket()",
    "kills its parent": "import os\n    os.kill(os.getppid(), 9)",
    "kills all": "import os\n    os.kill(-1, 9)",
    "hides its reach": "import os\n    try:\n        os.system('true')\n    except BaseException:\n        pass",
    "huge result": "return 'x' * 10 ** 8",
    "endless result": "y = []\n    y.append(y)\n    return y",
    "object": "return object()",
    "hostile error": "class E(Exception):\n        def __str__(self):\n            while 1: pass\n    raise E",
    "closes everything": "import os\n    os.closerange(0, 100)",
    "writes into the pipe": """import os
    for fd in range(3, 30):
        try:
            os.write(fd, b'0 value 9\\n')
        except OSError:
            pass""",
}  # fmt: skip

#: These do no harm: their values must be true.
HARMLESS = {
    "prints protocol lines": "for m in ('', 'mark '):\n        print(m + '0 0 value 9')\n        print(m + 'end')",
    "patches builtins": "import builtins as b\n    b.isinstance = lambda *a: 1\n    b.repr = b.ascii = lambda v: '9'",
    "patches json": "import json, sys\n    json.dumps = json.loads = lambda *a, **k: '666'\n    sys.stdout = None",
    "patches os": "import os\n    os.write = os._exit = lambda *a: None",
    "int with its own face": "class I(int):\n        def __repr__(self): return '666'\n    return I(x + 1)",
}  # fmt: skip


def body(text: str) -> str:
    return f"def f(x):\n    {text}\n    return x + 1"


def validate(sandbox, item):
    return asyncio.run(Validate(sandbox).run("k", DraftSuite(function=item, parameters=("x",), calls=CALLS)))


SLOW = ("loops", "loops in C", "swallows the alarm", "sleeps")


@pytest.fixture(scope="module")
def cold() -> Iterator[Sandbox]:
    opened = open_sandbox(warm=False)
    yield opened
    asyncio.run(opened.close())


@pytest.mark.parametrize("name", [pytest.param(n, marks=pytest.mark.slow if n in SLOW else ()) for n in HOSTILE])
def test_hostile_draft_is_dropped(cold, function, name):
    is_dropped(cold, function, name)


@pytest.mark.parametrize("name", [n for n in HOSTILE if n not in SLOW])
def test_hostile_draft_is_dropped_by_a_warm_worker(sandbox, function, name):
    is_dropped(sandbox, function, name)


def is_dropped(sandbox, function, name):
    result = validate(sandbox, function(body(HOSTILE[name])))
    assert not result.kept
    [loss] = result.dropped
    assert loss.reason in (Reason.SOURCE_FAILS, Reason.TOO_FEW_CASES) and loss.detail


@pytest.mark.parametrize("warm", [True, False])
@pytest.mark.parametrize("alone", [True, False])
@pytest.mark.parametrize("name", HARMLESS)
def test_harmless_values_are_true(sandbox, cold, function, name, alone, warm):
    sandbox = sandbox if warm else cold
    batch = CallBatch(calls=tuple(c.arguments for c in CALLS), one_process_per_call=alone)
    [report] = asyncio.run(FunctionRunner(sandbox).run(function(body(HARMLESS[name])), [batch], 1))
    assert [(a.kind, a.text) for a in report.results] == [("value", str(n + 1)) for n in range(4)]


@pytest.mark.parametrize("name", ["loops", "exits hard", "kills its parent", "fork bomb", "reads a file"])
def test_hostile_function_gets_no_draft(sandbox, function, name):
    result = asyncio.run(WriteTests(sandbox).run("k", function(body(HOSTILE[name]))))
    assert [d.reason for d in result.dropped] == [Reason.NO_TESTS]


def test_one_bad_call_hides_no_other(sandbox, function):
    item = function(
        "def f(x):\n    import os\n    if x == 1:\n        os._exit(3)\n    while x == 2:\n        pass\n    return x"
    )
    batch = CallBatch(calls=tuple(f"({n},)" for n in range(5)), cpu_s=0.2)
    [report] = asyncio.run(FunctionRunner(sandbox).run(item, [batch], 1))
    assert [(a.kind, a.text) for a in report.results] == [
        ("value", "0"),
        ("stopped", "exit 3"),
        ("stopped", "cpu"),
        ("value", "3"),
        ("value", "4"),
    ]


@pytest.mark.parametrize("where", ["helpers", "definition"])
def test_hostile_top_level(sandbox, function, where):
    code = body("pass").replace("def f(x)", "def f(x, y=[].pop())") if where == "definition" else body("pass")
    item = function(code, "import os\nos._exit(0)" if where == "helpers" else "")
    assert validate(sandbox, item).dropped[0].reason == Reason.SOURCE_FAILS


@pytest.mark.parametrize("calls", [("(5000,)",), (f"({5000 * '9'},)",)], ids=["made", "given"])
def test_an_original_writes_as_many_digits_as_a_candidate(sandbox, function, calls):
    item = function("def f(x):\n    return len(str(10 ** x if x == 5000 else x))")
    [report] = asyncio.run(FunctionRunner(sandbox).run(item, [CallBatch(calls=calls)], 1))
    assert [(a.kind, a.text) for a in report.results] == [("value", "5001" if calls == ("(5000,)",) else "5000")]


class RecordingSandbox:
    """Records the programs that it runs; a program with a warm worker fails if ``fails_warm``."""

    def __init__(self, sandbox: Sandbox, fails_warm: bool = False) -> None:
        self.sandbox, self.fails_warm = sandbox, fails_warm
        self.programs: list[Program] = []

    async def run(self, program: Program) -> Outcome:
        self.programs.append(program)
        if self.fails_warm and program.warm:
            return Outcome(ending="exit", code=1)
        return await self.sandbox.run(program)


BRANCHES = "def f(x):\n    if x > 1:\n        return {'b', 'a', 'c'}\n    return [x]"


@pytest.mark.parametrize("measure", ["", "arcs", "coverage"])
@pytest.mark.parametrize("seed", [1, 2])
def test_a_warm_worker_gives_what_a_cold_start_gives(sandbox, cold, function, measure, seed):
    batch = CallBatch(calls=("(0,)", "(2,)"), measure=measure)
    order = CallBatch(calls=("()",), code="def f():\n    return [*{'b', 'a', 'c', 'd', 'e'}]")
    reports = [asyncio.run(FunctionRunner(s).run(function(BRANCHES), [batch, order], seed)) for s in (sandbox, cold)]
    assert reports[0] == reports[1]
    assert [a.text for a in reports[0][0].results] == ["[0]", "{'a', 'b', 'c'}"]
    assert (reports[0][0].coverage.branches_hit == 2) == (measure == "coverage")


@pytest.fixture
def coverage_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with a copy of the package coverage, from which runners import it."""
    shutil.copytree(Path(coverage.__file__).parent, tmp_path / "coverage")
    for path in (tmp_path, *tmp_path.rglob("*")):
        path.chmod(0o755)
    monkeypatch.setattr(function_runner, "_coverage_site", lambda: str(tmp_path))
    function_runner._warm_interpreter.cache_clear()
    yield tmp_path
    function_runner._warm_interpreter.cache_clear()


@pytest.mark.parametrize("name", ["sandbox", "cold"])
def test_a_function_imports_modules_after_a_package_was_installed_next_to_coverage(
    request: pytest.FixtureRequest, coverage_folder: Path, function, name: str
) -> None:
    chosen, batch = request.getfixturevalue(name), CallBatch(calls=("(3,)",), measure="coverage")
    imports = "import statistics\ndef f(x):\n    import colorsys\n    return statistics.mean([x, colorsys.ONE_SIXTH])"
    for installed in ("one.py", "another.py"):
        [report] = asyncio.run(FunctionRunner(chosen).run(function(imports), [batch], 1))
        assert (report.results[0].kind, report.coverage.lines_hit) == ("value", 2), report
        (coverage_folder / installed).touch()


def test_one_interpreter_is_kept_for_each_seed_and_measure(sandbox, function):
    recorded = RecordingSandbox(sandbox)
    for measure in ("", "arcs", "coverage"):
        batch = CallBatch(calls=("(0,)",), measure=measure)
        asyncio.run(FunctionRunner(recorded).run(function(BRANCHES), [batch], 1))
    plain, arcs, coverage = (program.warm for program in recorded.programs)
    assert plain is arcs is not None
    assert coverage not in (None, plain)


def test_a_warm_worker_that_fails_is_replaced_by_a_cold_start(cold, function):
    failing = RecordingSandbox(cold, fails_warm=True)
    [report] = asyncio.run(FunctionRunner(failing).run(function(BRANCHES), [CallBatch(calls=("(0,)",))], 1))
    assert report.results[0].text == "[0]"
    assert [program.warm is not None for program in failing.programs] == [True, False]
