"""What a recipe is: options with the paper's numbers as defaults, and the steps that they make.

A recipe may also offer ``findings(ledger)``, which returns what a finished run has measured beside its rows, title to
sentence; the end of a run and the dataset card show it. ``makes`` says what its rows are called where a run ends.
"""

from collections.abc import Sequence
from typing import Any, ClassVar, Protocol

import msgspec

from glotsmith.ledger import Ledger
from glotsmith.sandbox.base import Sandbox
from glotsmith.step import Step, Verify
from glotsmith.teachers.base import Teacher


class Tools(msgspec.Struct, frozen=True):
    """The services that a recipe composes its steps from."""

    sandbox: Sandbox
    verifier: Verify
    teacher: Teacher
    seed: int = 0
    ledger: Ledger | None = None  #: the run's, for a recipe that learns from what became of its items


class Recipe(Protocol):
    """A recipe is a record: its fields are its options, with docs in ``docs/recipes``."""

    title: ClassVar[str]  #: what it makes, in a line
    paper: ClassVar[str]
    bound: ClassVar[str]  #: the option that says with how many items of the sources to go on (``--preview``)

    def steps(self, tools: Tools) -> Sequence[Step[Any, Any]]:
        """Return the steps in order; the last one's output is ``Example``."""
        ...
