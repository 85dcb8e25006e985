"""Hostile programs in containers of a real engine (``attacks``).

Without an engine, the tests fail if root runs ``scripts/test.sh``. Otherwise they are skipped.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from attacks import canary, check_hostile_program, opened, verifier

from glotsmith.errors import IsolationError
from glotsmith.languages.proof_rows import read_proof_rows
from glotsmith.sandbox.base import Sandbox
from glotsmith.verification import Verifier

__all__ = ["canary", "verifier"]
pytestmark = pytest.mark.slow
EVERYTHING = os.environ.get("GLOTSMITH_TEST_EVERYTHING") == "1" and os.geteuid() == 0

#: language → attacks; each kind is in at least one language
ATTACKS = {
    "python": (
        *("forged_by_a_child", "reads_other_programs", "memory_bomb_of_children", "process_bomb", "disk_filler"),
        *("network", "kills_everything", "leaves_children", "traces_its_parents", "gains_rights", "lifts_limits"),
    ),
    "lua": (
        *("forged_on_every_descriptor", "memory_bomb", "process_bomb", "one_file_without_end", "network"),
        *("kills_everything", "reads_other_programs", "replaces_its_program", "wipes_files", "plants_symlinks"),
    ),
    "bash": ("process_bomb", "endless_output", "network", "kills_everything", "reads_other_programs", "wipes_files"),
}


@pytest.fixture(scope="module")
def sandbox(canary: Path) -> Iterator[Sandbox]:
    """One sandbox for all programs, so that each one meets the effects of earlier ones."""
    try:
        yield from opened("container", canary)
    except IsolationError as error:
        if EVERYTHING:
            raise
        pytest.skip(str(error).splitlines()[1])


@pytest.mark.parametrize(("language", "title"), [(name, title) for name, some in ATTACKS.items() for title in some])
def test_a_hostile_program_is_refused_and_harms_nobody(
    sandbox: Sandbox, verifier: Verifier, canary: Path, language: str, title: str
) -> None:
    row = read_proof_rows(language, "hostile")[title]
    check_hostile_program(sandbox, verifier, canary, language, title, row)
