"""Items that a step cannot process yet, because its decisions depend on earlier items (``ItemStep.is_ready``)."""

import heapq
from collections.abc import Sequence
from typing import Any

from glotsmith.ledger import Ledger
from glotsmith.ledger_rows import StepInput
from glotsmith.step import BatchStep, ItemStep


class HeldItems:
    """The held inputs of one step. Memory has their keys and positions, and the ledger the items."""

    def __init__(self, step: ItemStep[Any, Any] | BatchStep[Any, Any], ledger: Ledger, previous: str) -> None:
        """Create it; ``previous`` is the step that made the inputs."""
        self._step = step
        self._ledger, self._previous = ledger, previous
        self._held: list[tuple[str, str]] = []  #: a heap of position and key

    def __len__(self) -> int:
        """Return the number of held items."""
        return len(self._held)

    def hold_back(self, found: Sequence[StepInput]) -> list[StepInput]:
        """Return the inputs that are ready, in their order, and hold the others."""
        ready = list[StepInput]()
        for taken in found:
            if self._is_ready(taken.position):
                ready.append(taken)
            else:
                heapq.heappush(self._held, (taken.position, taken.key))
        return ready

    def release(self) -> list[StepInput]:
        """Return the held inputs that are ready now, in order of position."""
        ready = list[StepInput]()
        while self._held and self._is_ready(self._held[0][0]):
            ready.append(self._load(heapq.heappop(self._held)[1]))
        return ready

    def take_all(self) -> list[StepInput]:
        """Return all held inputs without their items, and hold none."""
        held, self._held = sorted(self._held), []
        return [StepInput(key, position) for position, key in held]

    def _is_ready(self, position: str) -> bool:
        return not isinstance(self._step, ItemStep) or self._step.is_ready(position)

    def _load(self, key: str) -> StepInput:
        taken = self._ledger.find_input(self._previous, key)
        assert taken is not None, "a held item is in the ledger"
        return taken
