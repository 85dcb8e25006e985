"""Compile servers serve one program after another: none sees what another defined, and what is right stays right."""

import asyncio
from collections.abc import Iterator

import pytest

from glotsmith.errors import ToolchainError
from glotsmith.languages import toolchain
from glotsmith.languages.proof_rows import DEFAULT_SIGNATURE, DEFAULT_TESTS
from glotsmith.records import Job
from glotsmith.sandbox import open_sandbox
from glotsmith.verification import Verifier

CSHARP = "class Problem { public static long f(long x) { return @; } }"
JAVA = "class Problem { static long f(long x) { return @; } }"
KOTLIN = "fun f(x: Long): Long = @"
SCALA = "object Problem { def f(x: Long): Long = @ }"
TYPESCRIPT = "function f(x: number): number { return @; }"
#: Language, a program around ``@``, what a first program defines, and what a second one names of it.
LEAKS = [
    ("csharp", CSHARP, "static class Helper { public static long g(long x) { return x; } }", "Helper.g(x)"),
    ("csharp", CSHARP, "static class Helper { public static long Same(this long x) { return x; } }", "x.Same()"),
    ("csharp", CSHARP, "namespace A { class B { public static long C = 1; } }", "x * A.B.C"),
    ("java", JAVA, "class Helper { static long g(long x) { return x; } }", "Helper.g(x)"),
    ("java", JAVA, "interface Shape { long AREA = 1; }", "x + Shape.AREA - 1"),
    ("kotlin", KOTLIN, "object Helper { fun g(x: Long) = x }", "Helper.g(x)"),
    ("kotlin", KOTLIN, "fun Long.same() = this", "x.same()"),
    ("kotlin", KOTLIN, "typealias Count = Long", "(x as Count)"),
    ("scala", SCALA, "object Helper { def g(x: Long) = x }", "Helper.g(x)"),
    ("scala", SCALA, "object Helper { final val one = 1L }", "x * Helper.one"),
    ("scala", SCALA, "class Helper(val x: Long)", "new Helper(x).x"),
    ("scala", SCALA, "object Rich { implicit class Same(x: Long) { def same = x } }", "{ import Rich._; x.same }"),
    ("scala", SCALA, "package a { object Helper { def g(x: Long) = x } }", "a.Helper.g(x)"),
    ("scala", SCALA, "pac\\u006bage scala { object Helper { def g(x: Long) = x } }", "Helper.g(x)"),
    ("scala", SCALA, "package object a { def g(x: Long) = x }", "a.g(x)"),
    ("scala", SCALA, "trait Shape; trait Round extends Shape", "{ val s: Shape = null; x }"),
    ("typescript", TYPESCRIPT, "class Helper { static g(x: number) { return x; } }", "Helper.g(x)"),
    ("typescript", TYPESCRIPT, "interface Number { same(): number }", "x.same()"),
]
#: Language, a program that redefines what others use, or breaks off, and one that must pass nevertheless.
TRACES = [
    ("csharp", "namespace System { class String { } class Console { } }", CSHARP.replace("@", '"a".Length + x - 1')),
    ("csharp", "#define DEBUG\nclass A : B { } class B : A { }", CSHARP.replace("@", "x")),
    ("csharp", f"class A {{ int x = {'(' * 9000}1{')' * 9000}; }}", CSHARP.replace("@", "x")),
    ("java", "class String { }", JAVA.replace("@", '"a".length() + x - 1')),
    ("kotlin", "class String\nclass List", KOTLIN.replace("@", 'listOf(x, "a".length.toLong())[0]')),
    ("scala", "class String; object List; class Some; trait Option[T]", SCALA.replace("@", "List(Some(x)).head.get")),
    ("scala", "package scala { object Predef }", SCALA.replace("@", "List(Some(x)).head.get")),
    ("scala", "package scala { class Long }", SCALA.replace("@", "Map(x -> List(x)).map(_._2.sum).head")),
    ("scala", "class A extends Option[Long]", SCALA.replace("@", "Option(x) match { case Some(y) => y }")),
    ("scala", f"object Deep {{ val x = {'(' * 9000}1{')' * 9000} }}", SCALA.replace("@", "x")),
    ("scala", "class A extends B; class B extends A; object C { val x = y; val y = x }", SCALA.replace("@", "x")),
    ("typescript", "interface Array<T> { length: string }", TYPESCRIPT.replace("@", "[x].length + x - 1")),
]


@pytest.fixture(scope="module")
def verifier() -> Iterator[Verifier]:
    """Return one whose programs have one server a language: they run one after another."""
    sandbox = open_sandbox(jobs=1)
    yield Verifier(sandbox)
    asyncio.run(sandbox.close())


def status(verifier: Verifier, language: str, code: str) -> str:
    try:
        toolchain.find_toolchain(language)
    except ToolchainError as error:
        pytest.skip(str(error))
    job = Job(id="", language=language, code=code, signature=DEFAULT_SIGNATURE, tests=DEFAULT_TESTS)
    return asyncio.run(verifier.verify(job)).status


@pytest.mark.slow
@pytest.mark.parametrize(("language", "program", "defined", "used"), LEAKS)
def test_a_program_does_not_see_another(
    verifier: Verifier, language: str, program: str, defined: str, used: str
) -> None:
    assert status(verifier, language, f"{program.replace('@', 'x')}\n{defined}\n") == "pass"
    assert status(verifier, language, program.replace("@", used)) == "fail:compile"
    assert status(verifier, language, program.replace("@", "x")) == "pass"


@pytest.mark.slow
@pytest.mark.parametrize(("language", "first", "second"), TRACES)
def test_a_program_leaves_no_trace(verifier: Verifier, language: str, first: str, second: str) -> None:
    status(verifier, language, first)
    assert status(verifier, language, second) == "pass"
