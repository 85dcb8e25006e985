"""Programs that fight back, in languages that build a program first (``attacks``)."""

from pathlib import Path

import pytest
from attacks import canary, is_refused_and_harms_nobody, parameters, sandbox, verifier

from glotsmith.languages import get, names
from glotsmith.languages.rows import Row
from glotsmith.sandbox.base import Sandbox
from glotsmith.verification import Verifier

__all__ = ["canary", "sandbox", "verifier"]


@pytest.mark.parametrize(
    ("language", "title", "row"),
    [p for name in names() if get(name).toolchain[0].build for p in parameters(name)],
)
def test_a_hostile_program_is_refused_and_harms_nobody(
    sandbox: Sandbox, verifier: Verifier, canary: Path, language: str, title: str, row: Row
) -> None:
    is_refused_and_harms_nobody(sandbox, verifier, canary, language, title, row)
