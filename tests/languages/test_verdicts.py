"""Programs that must earn their verdicts: a table per language, ``verdicts/LANGUAGE.toml``.

Each row is a program for ``def f(x: int) -> int`` with two tests, unless it says otherwise, and the verdict's status;
``cases`` says what each test came to.
"""

import asyncio
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from glotsmith.errors import ToolchainError
from glotsmith.languages import get, names, toolchain
from glotsmith.records import Job
from glotsmith.sandbox import open_sandbox
from glotsmith.sandbox.base import Sandbox
from glotsmith.verification import Verifier

FOLDER = Path(__file__).parent / "verdicts"
SIGNATURE = "def f(x: int) -> int"
TESTS = ["assert f(1) == 1", "assert f(-2) == -2"]
SLOW_STATUSES = ("fail:memory", "fail:output")  #: they take seconds to earn
SLOW_LANGUAGES = ("julia", "racket")
WANTED = 15  #: rows per language

Row = dict[str, Any]


def rows_of(language: str) -> dict[str, Row]:
    probes = {
        f"probe {name}": {
            "code": p.code,
            "expect": p.expect,
            "signature": p.signature,
            "tests": list(p.tests),
            "time_limit_s": p.time_limit_s,
        }
        for name, p in get(language).probes.items()
    }
    return {**probes, **tomllib.loads((FOLDER / f"{language}.toml").read_text("utf-8"))}


def parameters(language: str) -> list[Any]:
    return [
        pytest.param(
            language,
            row,
            id=f"{language} {title}",
            marks=[pytest.mark.slow] if row["expect"] in SLOW_STATUSES or language in SLOW_LANGUAGES else [],
        )
        for title, row in rows_of(language).items()
    ]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    sandbox = open_sandbox()
    yield sandbox
    asyncio.run(sandbox.close())


def job(language: str, row: Row) -> Job:
    return Job(
        id="row",
        language=language,
        code=row["code"],
        signature=row.get("signature", SIGNATURE),
        tests=tuple(row.get("tests", TESTS)),
        time_limit_s=row.get("time_limit_s"),
        memory_limit_mb=row.get("memory_limit_mb"),
    )


@pytest.mark.parametrize(("language", "row"), [p for name in names() for p in parameters(name)])
def test_verdict(sandbox: Sandbox, language: str, row: Row) -> None:
    try:
        toolchain.resolve(language)
    except ToolchainError as error:
        pytest.skip(str(error))
    if row["expect"] == "fail:memory" and sandbox.name != "bubblewrap":
        pytest.skip("a program that fills memory is run by bubblewrap alone")
    verdict = asyncio.run(Verifier(sandbox).verify(job(language, row)))
    assert verdict.status == row["expect"], verdict
    assert verdict.language == language
    if "cases" in row:
        assert [c.status for c in verdict.cases] == row["cases"]


@pytest.mark.parametrize("language", names())
def test_every_language_has_a_table(language: str) -> None:
    table = tomllib.loads((FOLDER / f"{language}.toml").read_text("utf-8"))
    assert len(table) >= WANTED
    assert {row["expect"] for row in table.values()} >= {
        "pass",
        "fail:compile",
        "fail:wrong",
        "fail:runtime",
        "fail:timeout",
        "fail:memory",
        "fail:output",
        "fail:exit",
    }
    assert set[str]().union(*table.values()) <= {
        *("code", "expect", "cases", "signature", "tests", "time_limit_s", "memory_limit_mb"),
    }
