"""What a recipe is: options with the paper's numbers as defaults, and the steps that they make.

A recipe may also offer ``findings(ledger)``, which returns what a finished run has measured beside its rows, title to
sentence; the end of a run and the dataset card show it. ``makes`` says what its rows are called where a run ends.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Protocol

import msgspec

from glotsmith.errors import UsageError
from glotsmith.ledger import Ledger
from glotsmith.sandbox.base import Sandbox
from glotsmith.step import Step, Verify
from glotsmith.teachers.answering import Answering
from glotsmith.teachers.base import Teacher
from glotsmith.verification.deciding import Deciding


class Tools(msgspec.Struct, frozen=True):
    """The services that a recipe composes its steps from."""

    sandbox: Sandbox
    verifier: Verify
    teacher: Teacher
    seed: int = 0
    ledger: Ledger | None = None  #: the run's, for a recipe that learns from what became of its items

    def __post_init__(self) -> None:
        """Let steps see answers and verdicts only: failures of teacher and machine are the executor's matter."""
        msgspec.structs.force_setattr(self, "teacher", Answering(self.teacher))
        msgspec.structs.force_setattr(self, "verifier", Deciding(self.verifier))


class Recipe(Protocol):
    """A recipe is a record: its fields are its options, with docs in ``docs/recipes``."""

    title: ClassVar[str]  #: what it makes, in a line
    paper: ClassVar[str]
    bound: ClassVar[str]  #: the option that says with how many items of the sources to go on (``--preview``)

    def steps(self, tools: Tools) -> Sequence[Step[Any, Any]]:
        """Return the steps in order; the last one's output is ``Example``."""
        ...


def check_ranges(recipe: object, least: Mapping[str, float], shares: Sequence[str]) -> None:
    """Hold options to their ranges: what ``least`` names to a minimum, ``shares`` to 0 to 1.

    Raises:
        UsageError: one is outside, or no number at all.

    """
    for name, minimum in least.items():
        if not getattr(recipe, name) >= minimum:  # NaN is not, either
            raise UsageError(f"{name} must be {minimum:g} or more, not {getattr(recipe, name)}")
    for name in shares:
        if not 0 <= getattr(recipe, name) <= 1:
            raise UsageError(f"{name} is a share between 0 and 1, not {getattr(recipe, name)}")
