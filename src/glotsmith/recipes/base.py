"""What a recipe is: options with the paper's numbers as defaults, and the steps that they make.

A recipe may also offer ``findings(ledger)``, which returns what a finished run has measured beside its rows, title to
sentence; the end of a run and the dataset card show it. ``makes`` says what its rows are called where a run ends.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Protocol, TypeVar

import msgspec

from glotsmith.errors import UsageError
from glotsmith.ledger import Ledger, Row
from glotsmith.records import FunnelRow, Record
from glotsmith.sandbox.base import Sandbox
from glotsmith.step import Step, Verify
from glotsmith.teachers.answering import Answering
from glotsmith.teachers.base import Teacher
from glotsmith.verification.deciding import Deciding

Item = TypeVar("Item", bound=Record)


class RecipeServices(msgspec.Struct, frozen=True):
    """The services that a recipe composes its steps from."""

    sandbox: Sandbox
    verifier: Verify
    teacher: Teacher
    seed: int = 0
    ledger: Ledger | None = None  #: the run's, for a recipe that learns from what became of its items
    folder: Path = Path()  #: that the relative paths of sources are relative to

    def __post_init__(self) -> None:
        """Let steps see answers and verdicts only: failures of teacher and machine are the executor's matter."""
        msgspec.structs.force_setattr(self, "teacher", Answering(self.teacher))
        msgspec.structs.force_setattr(self, "verifier", Deciding(self.verifier))


class FinalSteps(NamedTuple):
    """The end of a recipe's steps, which asks nobody and executes nothing: what selects, and makes rows."""

    after_step: str  #: name of the last step before it
    input_type: type[Record]  #: what that step keeps
    steps: Sequence[Step[Any, Any]]


class LedgerReader(Protocol):
    """What of a ledger is read where rows are told of or written (``Ledger``, ``partial.PartialLedger``)."""

    @property
    def steps(self) -> tuple[str, ...]:
        """The names of the steps, in order."""
        ...

    def kept(self, step: str, type: type[Item], /) -> Iterator[tuple[str, Item]]:
        """Yield key and item of all that a step kept, in order of position."""
        ...

    def kept_rows(self, step: str, /) -> Iterator[Row]:
        """Yield the rows of all that a step kept, in order of position."""
        ...

    def dropped(self, step: str | None = None, reason: str | None = None, /) -> Iterator[Row]:
        """Yield what was dropped and lost, in order of position."""
        ...

    def funnel(self) -> list[FunnelRow]:
        """Return each step's account."""
        ...


class Recipe(Protocol):
    """A recipe is a record: its fields are its options, with docs in ``docs/recipes``."""

    title: ClassVar[str]  #: what it makes, in a line
    paper: ClassVar[str]
    limit_option: ClassVar[str]  #: the option that says with how many items of the sources to go on (``--preview``)

    def steps(self, tools: RecipeServices) -> Sequence[Step[Any, Any]]:
        """Return the steps in order; the last one's output is ``Example``."""
        ...

    def final_steps(self, ledger: Ledger) -> FinalSteps:
        """Return the last of the steps, for what a run that is not finished has in its ledger so far."""
        ...


def check_ranges(recipe: object, least: Mapping[str, float], shares: Sequence[str]) -> None:
    """Hold options to their ranges: what ``least`` names to a minimum, ``shares`` to 0 to 1.

    Raises:
        UsageError: one is outside, or no number at all.

    """
    for name, minimum in least.items():
        value = getattr(recipe, name)
        if value is not None and not minimum <= value < math.inf:  # NaN is not, either
            raise UsageError(f"--set {name} must be {minimum:g} or more, not {getattr(recipe, name)}")
    for name in shares:
        if not 0 <= getattr(recipe, name) <= 1:
            raise UsageError(f"--set {name} is a share between 0 and 1, not {getattr(recipe, name)}")
