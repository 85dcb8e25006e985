"""The part of a CPU limit that only the loading of a program may use."""

import asyncio
from collections.abc import Iterator

import pytest

from glotsmith.errors import ToolchainError
from glotsmith.languages import toolchain
from glotsmith.records import Job
from glotsmith.sandbox import open_sandbox
from glotsmith.verification import Verifier

LIMIT_S, LOAD_S = 1.2, 1.0


@pytest.fixture(scope="module")
def verifier() -> Iterator[Verifier]:
    sandbox = open_sandbox()
    yield Verifier(sandbox)
    asyncio.run(sandbox.close())


@pytest.mark.parametrize(
    ("language", "code", "has_load_time"),
    [
        ("python", "def f(x):\n    while True: pass", False),
        ("python", "def f(x): return x\nwhile True: pass", True),
        ("lua", "function f(x) while true do end end", False),
        ("lua", "function f(x) return x end while true do end", True),
        ("racket", "#lang racket/base\n(define (f x) (let loop () (loop)))", False),
        ("julia", "function f(x)\n    while true\n    end\nend", False),
    ],
)
def test_a_call_that_never_ends_uses_no_time_for_loading(
    verifier: Verifier, language: str, code: str, has_load_time: bool
) -> None:
    try:
        toolchain.find_toolchain(language)
    except ToolchainError as error:
        pytest.skip(str(error))
    job = Job(
        id="x",
        language=language,
        code=code,
        signature="def f(x: int) -> int",
        tests=("assert f(1) == 1",),
        time_limit_s=LIMIT_S,
        load_limit_s=LOAD_S,
    )
    verdict = asyncio.run(verifier.verify(job))
    assert verdict.status == "fail:timeout"
    assert (verdict.seconds >= LIMIT_S) == has_load_time
