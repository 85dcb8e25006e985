"""A step takes items and gives back, for each, what is kept and what is dropped with a reason.

Nothing else may happen to an item: an executor writes both to the ledger, so that in = kept + dropped at every step.
"""

import logging
import traceback
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import ClassVar, Generic, Protocol, TypeVar

import msgspec

from glotsmith.drop_reasons import Reason
from glotsmith.records import Job, Record, Verdict, printable

In = TypeVar("In", bound=Record)
Out = TypeVar("Out", bound=Record)

_log = logging.getLogger(__name__)
_MAX_ERROR_CHARACTERS = 300  #: characters of an error's text in a drop's detail


class Verify(Protocol):
    """The runner, as stages see it (``verification.Verifier``)."""

    async def verify(self, job: Job) -> Verdict:
        """Return the verdict on one job."""
        ...


class Kept(msgspec.Struct, Generic[Out], frozen=True):
    """One output of a step.

    A step that passes an input on keeps it under the input's key, and one that makes something new derives the key from
    the input's. Where a source or a ``WholeStep`` keeps one key twice, the second is lost as ``EXACT_DUPLICATE``; in
    other steps, whose order is that of timing, a key from two inputs is a defect.
    """

    key: str  #: unique among the step's outputs, the same on every run
    item: Out


class Dropped(msgspec.Struct, frozen=True):
    """One loss of a step: the input itself (``key`` empty), or one of the things made from it."""

    reason: Reason
    detail: str = ""  #: what a person needs to know beyond the reason's sentence, at most a few lines
    key: str = ""  #: empty for the input; else unique among the step's losses
    item: Record | None = None  #: what was lost, where it is worth showing (a failing candidate)


class Result(msgspec.Struct, Generic[Out], frozen=True):
    """What became of one input.

    A result that keeps nothing must drop the input itself, once (``Dropped`` without key); one that keeps something
    must not: its drops have keys. Anything else is a defect and stops the run (``ledger_rows.BrokenResult``).
    """

    kept: tuple[Kept[Out], ...] = ()
    dropped: tuple[Dropped, ...] = ()
    cost: float = 0.0  #: US dollars
    tokens: int = 0


def keep(key: str, item: Out) -> Result[Out]:
    """Return the result that keeps one item."""
    return Result(kept=(Kept(key, item),))


def drop(reason: Reason, detail: str = "") -> "Result[Record]":
    """Return the result that drops the input."""
    return Result(dropped=(Dropped(reason, detail),))


def internal_error(step: str, key: str, error: Exception) -> Dropped:
    """Write the traceback of an unexpected error to the log, and return the loss of the item that met it."""
    _log.error("step %s, item %s: an internal error", step, printable(key), exc_info=error)
    frames = traceback.extract_tb(error.__traceback__)
    where = f" ({frames[-1].filename.rpartition('glotsmith/')[2]}:{frames[-1].lineno})" if frames else ""
    return Dropped(Reason.INTERNAL_ERROR, printable(f"{type(error).__name__}: {error}")[:_MAX_ERROR_CHARACTERS] + where)


class Step(ABC, Generic[In, Out]):
    """Base of all steps: a name for ledger and funnel, and the type of what comes out."""

    name: ClassVar[str]
    output: ClassVar[type[Record]]


class ItemStep(Step[In, Out]):
    """A step that looks at one item at a time, many at once."""

    concurrency: int = 8  #: items in flight

    @abstractmethod
    async def run(self, key: str, item: In) -> "Result[Out]":
        """Decide on one item. A bad item is a ``Dropped``.

        Raises:
            GlotsmithError: the run can't go on; it stops.
            Unanswered: the teacher or the machine failed; the item stays open.
            Exception: an internal error; the item is dropped as ``INTERNAL_ERROR``.

        """


class BatchStep(Step[In, Out]):
    """A step that is much cheaper in batches, as a type checker is; results stand in the order of the items."""

    size: int = 250
    concurrency: int = 1  #: batches in flight

    @abstractmethod
    async def run(self, keys: Sequence[str], items: Sequence[In]) -> "Sequence[Result[Out]]":
        """Decide on a batch. What is decided on one item must not depend on its neighbours.

        Exceptions mean what they mean in an ``ItemStep``; the executor halves the batch to find the item.
        """


class WholeStep(Step[In, Out]):
    """A step that must see all items, in order of position, after all earlier steps have ended (deduplication).

    It runs afresh at every resume unless it had finished, so it must be deterministic and must not ask a teacher. An
    internal error while it goes through the items drops the item that it had taken last, and it runs again without it.
    """

    @abstractmethod
    def run(self, items: Callable[[], Iterator[tuple[str, In]]]) -> "Iterator[tuple[str, Result[Out]]]":
        """Decide on every item; ``items()`` may be called again for another pass. Yields ``(key, result)``."""


class SourceStep(Step[Record, Out]):
    """The first step: it reads the world. Each yielded pair is a unit (a file, a row) and its result."""

    @abstractmethod
    def run(self, done: Callable[[str], bool]) -> "AsyncIterator[tuple[str, Result[Out]]]":
        """Yield ``(key of the unit, result)`` in a fixed order; units that are ``done`` may be skipped.

        A key names a unit: one that is yielded again is the same unit, and ignored. A generator ends at its first
        exception, so a source drops by ``internal_error`` the unit that an unexpected one belongs to.
        """
