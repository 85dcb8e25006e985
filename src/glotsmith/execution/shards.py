"""Stages of a shard and of a merge: a source that records one part of its units, and one ``WholeStep`` on its own."""

import asyncio
from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

from glotsmith.execution.base import FaultLimits, Progress
from glotsmith.execution.faults import FaultTracker
from glotsmith.execution.stages import RunContext, SourceStage, Stage, WholeStage
from glotsmith.ledger import Ledger
from glotsmith.ledger_rows import BrokenResult
from glotsmith.shard import Shard
from glotsmith.source_census import SourceCensus
from glotsmith.step import Result, SourceStep, Step, WholeStep


class ShardSourceStage(SourceStage):
    """Runs the ``SourceStep`` of a shard: reads all units, and records those of the shard.

    A unit is recorded at the position that it has in one run. At the end the ledger stores a digest of all units, so
    that a merge refuses shards that read different sources. Memory holds a hash of each unit (about 100 bytes).
    """

    def __init__(self, step: SourceStep[Any], context: RunContext, shard: Shard) -> None:
        """Read all units from the first, also in a resumed run."""
        super().__init__(step, context, 0)
        self._shard = shard
        self._seen: set[bytes] = set()
        self._digest = blake2b(digest_size=16)

    def may_skip(self, key: str) -> bool:
        """Return False, because every unit is counted."""
        return False

    async def process_all(self) -> None:
        """Read all units of the source, and store the digest of all of them."""
        await super().process_all()
        self.ledger.record_census(SourceCensus(len(self._seen), self._digest.hexdigest()))

    async def take_unit(self, key: str, result: Result[Any]) -> None:
        """Count a unit, and record it if it belongs to the shard and was not recorded before."""
        if len(result.kept) > 1:
            raise BrokenResult(f"{key}: a unit of a source keeps at most one item, so that a shard can hold it")
        known = result.kept[0].key if result.kept else key
        mark, ordinal = blake2b(key.encode(), digest_size=12).digest(), len(self._seen)
        if mark in self._seen:  # a unit that was yielded again
            return
        self._seen.add(mark)
        self._digest.update(f"{key}\0{known}\0".encode("utf-8", "surrogatepass"))
        if self._shard.holds(known) and not self._has_result(key):
            await self.announce_outputs_and_wait(self.record_unit(key, result, ordinal))
        else:
            await self.yield_to_event_loop()


class _FinishedStage(Stage):
    """A stage whose results are in the ledger."""

    async def process_all(self) -> None:
        """Do nothing."""


async def run_whole_step(
    steps: Sequence[Step[Any, Any]], index: int, ledger: Ledger, progress: Progress, limits: FaultLimits
) -> None:
    """Run one ``WholeStep`` of a pipeline, whose earlier steps are finished, and mark it as finished.

    Raises:
        GlotsmithError: see ``PipelineRunner.run``.

    """
    step = steps[index]
    assert isinstance(step, WholeStep), "the pipeline runner runs other steps"
    context = RunContext(ledger, progress, FaultTracker(ledger, limits), asyncio.Event())
    previous = _FinishedStage(steps[index - 1], context)
    previous.ended.set()
    await WholeStage(step, context, previous).run()
