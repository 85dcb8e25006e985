import asyncio
from collections.abc import Iterator

import msgspec
import pytest

from glotsmith.errors import IsolationError, ToolchainError
from glotsmith.languages import get_card, toolchain
from glotsmith.records import IoCase, Job, Limits
from glotsmith.sandbox import open_sandbox
from glotsmith.sandbox.base import Sandbox
from glotsmith.values import literal
from glotsmith.verification import Verifier, agnostics_protocol
from glotsmith.verification.job_limits import limits_of_job, output_limit_kb, wire_size
from glotsmith.verification.wire_format import WireValue

LINE = "x" * 99 + "\n"
EMOJI = "\N{GRINNING FACE}" * 300_000


@pytest.fixture(scope="module", params=["auto", "unshare", "none"])
def sandbox(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    try:
        opened = open_sandbox(request.param)
    except IsolationError as error:
        pytest.skip(str(error))
    yield opened
    asyncio.run(opened.close())


def status(sandbox: Sandbox, job: Job) -> str:
    try:
        toolchain.find_toolchain(job.language)
    except ToolchainError as error:
        pytest.skip(str(error))
    return asyncio.run(Verifier(sandbox).verify(job)).status


@pytest.mark.parametrize(
    ("language", "code", "lines", "expected"),
    [
        ("python", "print(open(0).read() * 19_000)", 19_000, "pass"),
        ("lua", "io.write(io.read('l'):rep(30000, '\\n'), '\\n')", 30_000, "pass"),
        ("bash", 'read line; yes "$line" | head -n 40000', 40_000, "pass"),
        ("bash", 'read line; yes "$line" | head -n 40001', 40_000, "fail:wrong"),
        ("bash", "yes", 40_000, "fail:output"),
        ("python", "while True: print(1)", 1, "fail:output"),
    ],
)
def test_a_program_may_print_what_its_tests_expect(
    sandbox: Sandbox, language: str, code: str, lines: int, expected: str
) -> None:
    job = Job(id="x", language=language, code=code, io=(IoCase(stdin=LINE, stdout=LINE * lines),))
    assert status(sandbox, job) == expected


@pytest.mark.slow
@pytest.mark.parametrize(
    ("language", "code", "argument", "value", "expected"),
    [
        ("python", "def f(n): return 'y' * n", 5_000_000, "y" * 5_000_000, "pass"),
        ("lua", "function f(n) return ('y'):rep(n) end", 5_000_000, "y" * 5_000_000, "pass"),
        ("python", "def f(n): return chr(0x1F600) * n", 300_000, EMOJI, "pass"),
        ("python", "def f(n): return [i / 7 for i in range(n)]", 60_000, [i / 7 for i in range(60_000)], "pass"),
        ("javascript", "const f = n => Array.from({length: n}, (_, i) => i)", 300_000, list(range(300_000)), "pass"),
        ("python", "def f(n): return list(range(n + 1))", 300_000, list(range(300_000)), "fail:wrong"),
        ("python", "def f(n): return 'y' * (9 * n)", 500_000, "y" * 500_000, "fail:output"),
        ("python", "def f(s): return len(s)", "y" * 5_000_000, 5_000_000, "pass"),
        ("python", "def f(s):\n    while True: print(s)", "y" * 100_000, 1, "fail:output"),
    ],
)
def test_a_function_may_return_what_its_tests_expect(
    sandbox: Sandbox, language: str, code: str, argument: object, value: object, expected: str
) -> None:
    job = Job(id="x", language=language, code=code, tests=(f"assert f({literal(argument)}) == {literal(value)}",))
    assert status(sandbox, job) == expected


@pytest.mark.parametrize(
    ("more", "expected"),
    [({}, "fail:output"), ({"output_limit_kb": 1500}, "fail:output"), ({"output_limit_kb": 3000}, "pass")],
)
def test_the_limit_of_output_is_a_field_of_a_job(more: dict[str, int], expected: str) -> None:
    job = Job(id="x", language="python", code="def f(n):\n    print('x' * n)\n    return n", tests=(TWO,))
    opened = open_sandbox("none")
    try:
        assert status(opened, msgspec.structs.replace(job, **more)) == expected
    finally:
        asyncio.run(opened.close())


TWO = "assert f(2000000) == 2000000"


@pytest.mark.parametrize(
    ("more", "expected"),
    [({}, "fail:wrong"), ({"file_limit_mb": 18}, "fail:wrong"), ({"file_limit_mb": 40}, "pass")],
)
def test_the_limit_of_files_is_a_field_of_a_job(more: dict[str, int], expected: str) -> None:
    code = "head -c 30000000 /dev/zero > big 2>/dev/null; stat -c %s big"
    job = Job(id="x", language="bash", code=code, io=(IoCase(stdin="", stdout="30000000"),))
    opened = open_sandbox("none")
    try:
        assert status(opened, msgspec.structs.replace(job, **more)) == expected
    finally:
        asyncio.run(opened.close())


@pytest.mark.parametrize(
    ("value", "wire"),
    [
        (True, "false"),
        (12345, '{"f":"12345"}'),
        (10**20, '{"f":"1.0000000000000000e+20"}'),
        (-1.5e-300, '{"f":"-1.5000000000000000e-300"}'),
        ('a"\\\n\0é', '"a\\"\\\\\\n\\u0000\\u00e9"'),
        ("\N{GRINNING FACE}", '"\\ud83d\\ude00"'),
        ([1, [2, "x"]], '[1, [2, "x"]]'),
        ((1,), '{"t": [1]}'),
        ({1, 2}, '{"s": [1, 2]}'),
        ({"a": [None]}, '{"m": [["a", [null]]]}'),
    ],
)
def test_the_size_on_the_wire_is_never_guessed_too_small(value: object, wire: WireValue) -> None:
    assert wire_size(value) >= len(wire)


def test_a_small_job_has_about_the_usual_limits() -> None:
    found = limits_of_job(get_card("lua"), Job(id="x", language="lua", tests=("assert f(1) == 2",)))
    assert found.output_kb == Limits().output_kb + 1
    assert found.file_mb == Limits().file_mb


def test_a_limit_below_what_the_tests_expect_does_not_hold() -> None:
    io = (IoCase(stdin="", stdout="x" * 5000), IoCase(stdin="", stdout="x"))
    assert output_limit_kb(Job(id="x", language="lua", io=io, output_limit_kb=1)) >= 6


def test_agnostics_tests_may_expect_much() -> None:
    opened = open_sandbox("none")
    line = msgspec.json.encode(
        {"code": "yes | head -n 900000", "timeout_s": 5, "test_cases": [{"input": "", "output": "y\n" * 900_000}]}
    )
    try:
        assert asyncio.run(agnostics_protocol.answer_line(opened.run, "bash", line)).result == "success"
    finally:
        asyncio.run(opened.close())
