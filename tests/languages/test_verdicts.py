"""Programs get the expected verdicts: the ``verdicts.toml`` of each language (``languages.proof_rows``)."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from glotsmith.errors import ToolchainError
from glotsmith.languages import get_card, language_names, toolchain
from glotsmith.languages.proof_rows import ProofRow, read_proof_rows
from glotsmith.sandbox import open_sandbox
from glotsmith.toolkit.row_checks import missing_rows, verdict_error
from glotsmith.verification import Verifier

SLOW_STATUSES = {"fail:memory", "fail:output"}  #: a program needs seconds to get them
#: Languages that start slowly: one row of each verdict runs cold here, and all rows in ``glotsmith languages check``.
SLOW_STARTS = {"java", "julia", "kotlin", "scala", "typescript"}
FAST_LANGUAGES = {"lua", "python"}


def parameters(language: str) -> list[Any]:
    return [
        pytest.param(
            language,
            row,
            id=f"{language} {title}",
            marks=[pytest.mark.slow]
            if {*row.expected_statuses} & SLOW_STATUSES or language not in FAST_LANGUAGES
            else [],
        )
        for title, row in read_proof_rows(language).items()
    ]


def cold_parameters(language: str) -> list[Any]:
    """Return the rows that run cold: all, if programs start warm otherwise, or fewer if cold starts are slow.

    Programs without warm workers differ only in their sandbox: a row that passes and one that does not compile.
    """
    found, wanted = parameters(language), set[str]()
    if not any(t.warm or t.server for t in get_card(language).toolchain):
        wanted = {"pass", "fail:compile"}
    elif language in SLOW_STARTS:
        wanted = {status for p in found for status in p.values[1].expected_statuses}
    else:
        return found
    chosen = list[Any]()
    for p in found:
        expected = {*p.values[1].expected_statuses}
        if expected & wanted:
            chosen.append(p)
            wanted -= expected
    return chosen


@pytest.fixture(scope="module")
def verifier() -> Iterator[Verifier]:
    sandbox = open_sandbox()
    yield Verifier(sandbox)
    asyncio.run(sandbox.close())


@pytest.fixture(scope="module")
def cold() -> Iterator[Verifier]:
    sandbox = open_sandbox(warm=False)
    yield Verifier(sandbox)
    asyncio.run(sandbox.close())


def judged(verifier: Verifier, language: str, row: ProofRow) -> None:
    try:
        toolchain.find_toolchain(language)
    except ToolchainError as error:
        pytest.skip(str(error))
    verdict = asyncio.run(verifier.verify(row.job(language)))
    if "fail:memory" in row.expected_statuses and verdict.isolation != "bubblewrap":
        pytest.skip("a program that fills memory runs only in bubblewrap")
    assert not verdict_error("this", row, verdict), verdict
    assert verdict.language == language


@pytest.mark.parametrize(("language", "row"), [p for name in language_names() for p in parameters(name)])
def test_verdict(verifier: Verifier, language: str, row: ProofRow) -> None:
    judged(verifier, language, row)


@pytest.mark.slow
@pytest.mark.parametrize(("language", "row"), [p for name in language_names() for p in cold_parameters(name)])
def test_a_cold_start_gets_the_same_verdict(cold: Verifier, language: str, row: ProofRow) -> None:
    judged(cold, language, row)


@pytest.mark.parametrize("language", language_names())
def test_every_language_has_a_table(language: str) -> None:
    assert missing_rows(get_card(language)) == []
