"""What a job's types, tests and tolerances come to, by real programs."""

import asyncio
from collections.abc import Iterator

import pytest

from glotsmith.errors import ToolchainError
from glotsmith.languages import toolchain
from glotsmith.records import IoCase, Job, Verdict
from glotsmith.sandbox import open_sandbox
from glotsmith.verification import Verifier

FLOATS = "def f(x: list[float]) -> str"
INTS = "def f(x: list[int]) -> tuple[int, int]"
MAP = "def f(x: dict[str, float]) -> float"
TO_MAP = "def f(x: int) -> dict[str, float]"
IS_FLOAT = "defmodule M do\n  def f(x), do: is_float(x)\nend"
RACKET = "def f(x: list[int]) -> Optional[tuple[float, float]]"


@pytest.fixture(scope="module")
def verifier() -> Iterator[Verifier]:
    sandbox = open_sandbox()
    yield Verifier(sandbox)
    asyncio.run(sandbox.close())


def judged(verifier: Verifier, language: str, signature: str, code: str, *tests: str, **fields: float) -> Verdict:
    try:
        toolchain.find_toolchain(language)
    except ToolchainError as error:
        pytest.skip(str(error))
    asserts = tuple(f"assert {t}" for t in tests)
    job = Job(id="j", language=language, signature=signature, tests=asserts, code=code, **fields)  # type: ignore[arg-type]
    return asyncio.run(verifier.verify(job))


@pytest.mark.parametrize(
    ("language", "signature", "code", "test", "status"),
    [
        ("python", "def f(x: float) -> str", "def f(x): return str(x)", "f(7) == '7.0'", "pass"),
        ("lua", "def f(x: float) -> str", "function f(x) return math.type(x) end", "f(7) == 'float'", "pass"),
        (
            "lua",
            FLOATS,
            "function f(x) return math.type(x[1]) end",
            "f([7]) == 'float'",
            "pass",
        ),
        ("lua", "", "function f(x) return math.type(x) end", "f(7) == 'integer'", "pass"),
        ("lua", "def f(x: int) -> float", "function f(x) return 7 end", "f(1) == 7", "pass"),
        ("python", "def f(x: int) -> float", "def f(x): return 7", "f(1) == 7", "pass"),
        ("python", "def f(x: int) -> float", "def f(x): return 8", "f(1) == 7", "fail:wrong"),
    ],
)
def test_the_declared_type_decides(
    verifier: Verifier, language: str, signature: str, code: str, test: str, status: str
) -> None:
    assert judged(verifier, language, signature, code, test).status == status


@pytest.mark.slow
@pytest.mark.parametrize(
    ("language", "signature", "code", "test", "status"),
    [
        ("racket", RACKET, "(define (f x) (list 7.0 9.0))", "f([7, 9]) == (7, 9)", "pass"),
        ("racket", RACKET, "(define (f x) (list 7 9))", "f([7, 9]) == (7, 9)", "pass"),
        ("racket", RACKET, "(define (f x) (list 7.5 9.0))", "f([7, 9]) == (7, 9)", "fail:wrong"),
        ("racket", INTS, "(define (f x) '(7.0 9.0))", "f([7]) == (7, 9)", "fail:wrong"),
        ("racket", "", "(define (f x) (list 7.0 9.0))", "f([7, 9]) == (7, 9)", "fail:wrong"),
        ("racket", "def f(x: float) -> bool", "(define (f x) (flonum? x))", "f(7) == True", "pass"),
        ("racket", MAP, "(define (f x) (hash-ref x \"a\"))", "f({'a': 2}) == 2", "pass"),
        ("ruby", "def f(x: float) -> str", "def f(x) = x.class.to_s", "f(7) == 'Float'", "pass"),
        ("php", FLOATS, "<?php function f($x) { return gettype($x[0]); }", "f([7]) == 'double'", "pass"),
        ("php", TO_MAP, "<?php function f($x) { return ['a' => 7.0]; }", "f(1) == {'a': 7}", "pass"),
        ("commonlisp", "def f(x: int) -> list[float]", "(defun f (x) (list 7.0d0))", "f(1) == [7]", "pass"),
        ("elixir", "def f(x: float) -> bool", IS_FLOAT, "f(7) == True", "pass"),
        ("ocaml", "def f(x: float) -> float | None", "let f x = Some (x /. 3.)", "f(1) == 0.3333333333333333", "pass"),
        ("rust", "def f(x: int) -> float", "fn f(x: isize) -> f64 { 7.0000000001 }", "f(1) == 7", "pass"),
    ],
)  # fmt: skip
def test_the_declared_type_decides_in_every_language(
    verifier: Verifier, language: str, signature: str, code: str, test: str, status: str
) -> None:
    assert judged(verifier, language, signature, code, test).status == status


@pytest.mark.parametrize(
    ("language", "signature", "tests"),
    [
        ("lua", "", ("f([1]) == 1", "f((1,)) == 2")),
        ("lua", "def f(x: float) -> bool", ("f(3) == True", "f(3.0) == False")),
        ("python", "def f(x: float) -> bool", ("f(3) == True", "f(3.0) == False")),
        ("python", "", ("f(1) == 1", "f(2) == 2", "f(1) == 3")),
    ],
)
def test_a_job_whose_tests_contradict_each_other_is_refused(
    verifier: Verifier, language: str, signature: str, tests: tuple[str, ...]
) -> None:
    verdict = judged(verifier, language, signature, "", *tests)
    assert (verdict.status, verdict.cases) == ("infra:refused", ())
    assert verdict.detail.startswith("the tests contradict each other: f(")


def test_tests_that_the_language_tells_apart_are_judged(verifier: Verifier) -> None:
    tests = ("f(3) == True", "f(3.0) == False")
    assert judged(verifier, "python", "", "def f(x): return isinstance(x, int)", *tests).passed
    assert judged(verifier, "lua", "", "function f(x) return math.type(x) == 'integer' end", *tests).passed


SUM = {
    "python": "def f(x): return sum(x) * {}",
    "lua": "function f(x) local s = 0 for _, v in ipairs(x) do s = s + v end return s * {} end",
    "r": "f <- function(x) sum(x) * {}",
}


@pytest.mark.parametrize("language", ["python", "lua", pytest.param("r", marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    ("factor", "fields", "status"),
    [
        ("1", {}, "pass"),
        ("0.3", {}, "pass"),
        ("0.3", {"absolute_tolerance": 0.0}, "fail:wrong"),
        ("1e6", {}, "fail:wrong"),
        ("1e6", {"absolute_tolerance": 1e-6}, "pass"),
    ],
)
def test_a_sum_that_is_nearly_zero(
    verifier: Verifier, language: str, factor: str, fields: dict[str, float], status: str
) -> None:
    code = SUM[language].format(factor)
    assert (
        judged(verifier, language, "", code, "f([0.1, 0.2, -0.3]) == 5.551115123125783e-17", **fields).status == status
    )


@pytest.mark.parametrize(
    ("printed", "fields", "status"),
    [
        ("0.0000004", {}, "pass"),
        ("0.001", {}, "fail:wrong"),
        ("0.001", {"absolute_tolerance": 0.01}, "pass"),
        ("0.001", {"absolute_tolerance": 1e-4}, "fail:wrong"),
        ("0.001", {"tolerance": 0.01}, "pass"),
        ("nan", {"absolute_tolerance": 0.01}, "fail:wrong"),
    ],
)
def test_printed_numbers_have_both_tolerances(
    verifier: Verifier, printed: str, fields: dict[str, float], status: str
) -> None:
    job = Job(
        id="j", language="python", code=f"print('{printed}')", io=(IoCase(stdin="", stdout="0.0"),), checker="numbers",
        **fields,  # type: ignore[arg-type]
    )  # fmt: skip
    assert asyncio.run(verifier.verify(job)).status == status
