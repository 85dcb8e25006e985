"""Hostile programs in languages that build a program before they run it (``attacks``)."""

from pathlib import Path

import pytest
from attacks import canary, check_hostile_program, parameters, sandbox, verifier

from glotsmith.languages import get_card, language_names
from glotsmith.languages.proof_rows import ProofRow
from glotsmith.sandbox.base import Sandbox
from glotsmith.verification import Verifier

__all__ = ["canary", "sandbox", "verifier"]


@pytest.mark.parametrize(
    ("language", "title", "row"),
    [p for name in language_names() if get_card(name).toolchain[0].build for p in parameters(name)],
)
def test_a_hostile_program_is_refused_and_harms_nobody(
    sandbox: Sandbox, verifier: Verifier, canary: Path, language: str, title: str, row: ProofRow
) -> None:
    check_hostile_program(sandbox, verifier, canary, language, title, row)
