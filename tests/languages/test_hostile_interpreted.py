"""Hostile programs in languages that run their source (``attacks``)."""

from pathlib import Path

import pytest
from attacks import canary, check_hostile_program, parameters, sandbox, verifier

from glotsmith.languages import get_card, language_names
from glotsmith.languages.proof_rows import ProofRow, read_proof_rows
from glotsmith.sandbox.base import Sandbox
from glotsmith.verification import Verifier

__all__ = ["canary", "sandbox", "verifier"]
WANTED = 12  #: minimum number of kinds of attack for each language


@pytest.mark.parametrize(
    ("language", "title", "row"),
    [p for name in language_names() if not get_card(name).toolchain[0].build for p in parameters(name)],
)
def test_a_hostile_program_is_refused_and_harms_nobody(
    sandbox: Sandbox, verifier: Verifier, canary: Path, language: str, title: str, row: ProofRow
) -> None:
    check_hostile_program(sandbox, verifier, canary, language, title, row)


@pytest.mark.parametrize("language", [name for name in language_names() if get_card(name).level == "full"])
def test_every_full_language_is_attacked(language: str) -> None:
    table = read_proof_rows(language, "hostile")
    assert len(table) >= WANTED
    for title, row in table.items():
        assert row.expected_statuses, title
        assert all(status.startswith("fail:") for status in row.expected_statuses), title
