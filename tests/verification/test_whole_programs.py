import asyncio
from collections.abc import Iterator

import msgspec
import pytest

from glotsmith.errors import ToolchainError
from glotsmith.languages import toolchain
from glotsmith.records import IoCase, Job, Outcome, Program
from glotsmith.sandbox import open_sandbox
from glotsmith.sandbox.base import Sandbox
from glotsmith.verification import Verifier, agnostics_protocol

DIVIDE = """
#include <stdio.h>
#include <stdlib.h>
int main() {
    int x;
    FILE *kept = fopen("kept", "a+");
    fseek(kept, 0, SEEK_END);
    if (ftell(kept)) return 3; /* an earlier case's */
    fputs("x", kept);
    if (scanf("%d", &x) != 1) return 2;
    if (x == 0) abort();
    if (x < 0) for (;;);
    printf("%d\\n", 12 / x);
}
"""


class Counting:
    """A sandbox that remembers the commands it was to build with."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox, self.name, self.promises = sandbox, sandbox.name, sandbox.promises
        self.builds = list[str]()

    async def run(self, program: Program) -> Outcome:
        self.builds += program.build[:1]
        return await self._sandbox.run(program)

    async def close(self) -> None:
        await self._sandbox.close()


@pytest.fixture
def counting() -> Iterator[Counting]:
    try:
        toolchain.find_toolchain("c")
    except ToolchainError as error:
        pytest.skip(str(error))
    sandbox = Counting(open_sandbox())
    yield sandbox
    asyncio.run(sandbox.close())


@pytest.mark.parametrize(
    ("code", "cases", "statuses", "compiled"),
    [
        (DIVIDE, [("3", "4"), ("4", "3"), ("5", "2")], ["pass", "pass", "pass"], 1),
        (DIVIDE, [("3", "4"), ("0", "1"), ("4", "4"), ("6", "2")], ["pass", "fail:runtime", "fail:wrong", "pass"], 1),
        (DIVIDE, [("4", "3"), ("-1", "4"), ("x", "1"), ("4", "3")], ["pass", "fail:timeout", "skipped", "skipped"], 1),
        ("int main() { return x; }", [("3", "4"), ("4", "3")], ["fail:compile", "fail:compile"], 1),
        (DIVIDE, [("3", "4")], ["pass"], 1),
    ],
)
def test_a_program_is_built_once_and_each_case_has_a_sandbox_of_its_own(
    counting: Counting, code: str, cases: list[tuple[str, str]], statuses: list[str], compiled: int
) -> None:
    job = Job(id="x", language="c", code=code, io=tuple(IoCase(stdin=i, stdout=o) for i, o in cases), time_limit_s=0.3)
    verdict = asyncio.run(Verifier(counting).verify(job))
    assert [c.status for c in verdict.cases] == statuses
    assert verdict.status == next((s for s in statuses if s != "pass"), "pass")
    assert len([b for b in counting.builds if b not in ("tar", "sh")]) == compiled


@pytest.mark.slow
def test_a_job_may_want_all_cases(counting: Counting) -> None:
    cases = tuple(IoCase(stdin=i, stdout=o) for i, o in [("-1", "4"), ("x", "1"), ("4", "3")])
    job = Job(id="x", language="c", code=DIVIDE, io=cases, time_limit_s=0.3, all_cases=True)
    verdict = asyncio.run(Verifier(counting).verify(job))
    assert [case.status for case in verdict.cases] == ["fail:timeout", "fail:runtime", "pass"]


def test_what_can_not_be_archived_is_built_for_each_case(counting: Counting) -> None:
    """As on a machine without tar."""

    class Tarless(Counting):
        async def run(self, program: Program) -> Outcome:
            argv = ("no-such-tar",) if program.argv[0] == "sh" else program.argv
            return await super().run(msgspec.structs.replace(program, argv=argv))

    tarless = Tarless(counting)
    job = Job(id="x", language="c", code=DIVIDE, io=(IoCase(stdin="3", stdout="4"), IoCase(stdin="4", stdout="3")))
    assert asyncio.run(Verifier(tarless).verify(job)).status == "pass"
    assert [b for b in tarless.builds if b == "tar"] == []


def test_agnostics_builds_once_and_stops_at_the_first_failure(counting: Counting) -> None:
    item = agnostics_protocol.AgnosticsItem(
        code=DIVIDE,
        test_cases=tuple(
            agnostics_protocol.AgnosticsTestCase(input=i, output=o) for i, o in [("3", "4"), ("4", "4"), ("0", "1")]
        ),
        timeout_s=5,
    )
    answer = asyncio.run(agnostics_protocol.answer_line(counting.run, "c", msgspec.json.encode(item)))
    assert (answer.result, answer.expected, answer.got) == ("fail:wrong-output", "4", "3\n")
    assert len([b for b in counting.builds if b not in ("tar", "sh")]) == 1
    assert counting.builds.count("tar") == 2
