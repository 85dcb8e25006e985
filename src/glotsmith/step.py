"""The contract of steps: a step processes items, and a result lists kept items, and dropped items with reasons.

The pipeline runner writes both to the ledger, so in = kept + dropped holds at every step.
"""

import logging
import traceback
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from typing import ClassVar, Generic, Literal, Protocol, TypeVar

import msgspec

from glotsmith.drop_reasons import Reason
from glotsmith.records import Job, Record, Verdict, printable
from glotsmith.sampling_end import SamplingEnd
from glotsmith.shard import Shard

In = TypeVar("In", bound=Record)
Out = TypeVar("Out", bound=Record)
T = TypeVar("T")

#: What a ``WholeStep`` does in a shard. The merge of the shards runs it over the items of all shards.
#:
#: run       the step runs in the shard. It must keep every item that it would keep in one run over all items.
#: keep_all  the step keeps all items. Only the merge decides which of them are dropped.
#: refuse    later steps depend on the items of other shards, so no shard can run the pipeline.
ShardRule = Literal["run", "keep_all", "refuse"]

_log = logging.getLogger(__name__)
_MAX_ERROR_CHARACTERS = 300  #: characters of an error's text in a drop's detail


class Verify(Protocol):
    """The interface of the verifier that stages use (``verification.Verifier``)."""

    async def verify(self, job: Job) -> Verdict:
        """Return the verdict on one job."""
        ...


class NodeCaller(Protocol):
    """Calls an async function of a module on some node of the cluster of a run; without a cluster, here."""

    async def __call__(self, function: Callable[..., Awaitable[T]], *arguments: object) -> T:
        """Return what the function returns. Function, arguments and result are pickled."""
        ...


async def call_here(function: Callable[..., Awaitable[T]], *arguments: object) -> T:
    """Call a function in this process (``NodeCaller``)."""
    return await function(*arguments)


class Kept(msgspec.Struct, Generic[Out], frozen=True):
    """One output of a step.

    If a step keeps its input, it uses the key of the input. A step that makes new items derives their keys from the key
    of the input. If a source or a ``WholeStep`` keeps a key twice, the second output is lost as
    ``EXACT_DUPLICATE``. In other steps, whose order depends on timing, a key from two inputs is a defect.
    """

    key: str  #: unique among the step's outputs, the same on every run
    item: Out


class Dropped(msgspec.Struct, frozen=True):
    """A dropped input (``key`` is empty) or a lost output of a step."""

    reason: Reason
    detail: str = ""  #: more than the sentence of the reason says, in at most a few lines
    key: str = ""  #: empty for a dropped input; else unique among the lost outputs of the step
    item: Record | None = None  #: the dropped or lost item, if it is informative (a failing candidate)


class Result(msgspec.Struct, Generic[Out], frozen=True):
    """The result of a step for one input.

    A result that keeps nothing must drop the input itself exactly once (``Dropped`` without key). A result that keeps
    something must not drop the input: its drops have keys. A violation stops the run (``ledger_rows.BrokenResult``).
    """

    kept: tuple[Kept[Out], ...] = ()
    dropped: tuple[Dropped, ...] = ()
    cost: float = 0.0  #: US dollars
    tokens: int = 0
    sampling: SamplingEnd | None = None  #: why the sampling for the input stopped, if the step samples


def keep(key: str, item: Out) -> Result[Out]:
    """Return the result that keeps one item."""
    return Result(kept=(Kept(key, item),))


def drop(reason: Reason, detail: str = "") -> "Result[Record]":
    """Return the result that drops the input."""
    return Result(dropped=(Dropped(reason, detail),))


def internal_error(step: str, key: str, error: Exception) -> Dropped:
    """Log the traceback of an unexpected error, and return the drop of the item on which it occurred."""
    _log.error("step %s, item %s: an internal error", step, printable(key), exc_info=error)
    frames = traceback.extract_tb(error.__traceback__)
    where = f" ({frames[-1].filename.rpartition('glotsmith/')[2]}:{frames[-1].lineno})" if frames else ""
    return Dropped(Reason.INTERNAL_ERROR, printable(f"{type(error).__name__}: {error}")[:_MAX_ERROR_CHARACTERS] + where)


class Step(ABC, Generic[In, Out]):
    """Base of all steps: a name for the ledger and the funnel, and the type of the outputs."""

    name: ClassVar[str]
    output: ClassVar[type[Record]]


class ItemStep(Step[In, Out]):
    """A step that processes single items, several of them concurrently."""

    concurrency: int = 8  #: items in flight
    learns: bool = False  #: its results depend on earlier items, for which ``is_ready`` waits; no shard can run it

    def is_ready(self, position: str) -> bool:
        """Return whether the step can process an item at this position now.

        A step that depends on earlier items returns False while they have no result. Then it returns False for all
        later positions, too. The pipeline runner holds these items, and asks again.
        """
        return True

    def continue_for_budget(self, rows: Mapping[str, int]) -> int:
        """Make items of the finished run open again for which a budget allows more replies; return their number.

        Args:
            rows: language → number of rows in the dataset.

        """
        return 0

    @abstractmethod
    async def run(self, key: str, item: In) -> "Result[Out]":
        """Return the result for one item. An unusable item is a ``Dropped``.

        Raises:
            GlotsmithError: the run cannot continue and stops.
            Unanswered: the teacher or the machine failed; the item stays open.
            Exception: an internal error; the item is dropped as ``INTERNAL_ERROR``.

        """


class BatchStep(Step[In, Out]):
    """A step that processes batches because they are much cheaper, as with a type checker."""

    size: int = 250
    concurrency: int = 1  #: batches in flight

    @abstractmethod
    async def run(self, keys: Sequence[str], items: Sequence[In]) -> "Sequence[Result[Out]]":
        """Return the results for a batch, in the order of the items. A result must not depend on the other items.

        Exceptions have the meaning they have in an ``ItemStep``; the pipeline runner halves the batch to find the item.
        """


class WholeStep(Step[In, Out]):
    """A step that needs all items, in order of position, after all earlier steps have ended (deduplication).

    Unless it is finished, a resumed run runs it again from the start, so it must be deterministic and must not call a
    teacher. An internal error drops the item that it read last, and the step runs again without that item.
    """

    in_shard: ShardRule = "refuse"
    shard_advice: str = ""  #: what a user can do if ``in_shard`` is ``refuse``: the end of a sentence

    @abstractmethod
    def run(self, items: Callable[[], Iterator[tuple[str, In]]]) -> "Iterator[tuple[str, Result[Out]]]":
        """Yield ``(key, result)`` for every item; ``items()`` may be called several times, once for each pass."""


class SourceStep(Step[Record, Out]):
    """The first step, which reads the sources. Each yielded pair is a unit (a file, a row) and its result."""

    shard: Shard | None = None  #: the part of the units that the run records; None for all

    @abstractmethod
    def run(self, done: Callable[[str], bool]) -> "AsyncIterator[tuple[str, Result[Out]]]":
        """Yield ``(key of the unit, result)`` in a fixed order; units that are ``done`` may be skipped.

        A key identifies a unit; a key that is yielded again is ignored. A generator ends at its first exception, so a
        source must catch unexpected exceptions and drop their unit with ``internal_error``.
        """
