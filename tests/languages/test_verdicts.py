"""Programs that must earn their verdicts: each language's ``verdicts.toml`` (``languages.rows``)."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from glotsmith.errors import ToolchainError
from glotsmith.kit.probes import complaint, lacking
from glotsmith.languages import get, names, toolchain
from glotsmith.languages.rows import Row, rows
from glotsmith.sandbox import open_sandbox
from glotsmith.sandbox.base import Sandbox
from glotsmith.verification import Verifier

SLOW_STATUSES = {"fail:memory", "fail:output"}  #: they take seconds to earn
FAST_LANGUAGES = {"lua", "ocaml", "python", "r"}


def parameters(language: str) -> list[Any]:
    return [
        pytest.param(
            language,
            row,
            id=f"{language} {title}",
            marks=[pytest.mark.slow] if {*row.expected} & SLOW_STATUSES or language not in FAST_LANGUAGES else [],
        )
        for title, row in rows(language).items()
    ]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    sandbox = open_sandbox()
    yield sandbox
    asyncio.run(sandbox.close())


@pytest.mark.parametrize(("language", "row"), [p for name in names() for p in parameters(name)])
def test_verdict(sandbox: Sandbox, language: str, row: Row) -> None:
    try:
        toolchain.resolve(language)
    except ToolchainError as error:
        pytest.skip(str(error))
    if "fail:memory" in row.expected and sandbox.name != "bubblewrap":
        pytest.skip("a program that fills memory is run by bubblewrap alone")
    verdict = asyncio.run(Verifier(sandbox).verify(row.job(language)))
    assert not complaint("this", row, verdict), verdict
    assert verdict.language == language


@pytest.mark.parametrize("language", names())
def test_every_language_has_a_table(language: str) -> None:
    assert lacking(get(language)) == []
