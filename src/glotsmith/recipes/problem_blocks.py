"""Blocks of problems in a ledger, by position, and which of them are complete.

A step that learns from earlier problems must not depend on timing. Problems form blocks in order of position, and a
block learns from all blocks except the one before it. So two blocks can be processed at a time, and a block always
learns the same: the order in which results arrive, the executor and the number of resumes have no effect.
"""

from bisect import bisect_right

from glotsmith.ledger import Ledger

FIRST_BLOCK, LARGEST_BLOCK = 8, 64  #: problems; each block doubles the number of problems before it, up to a limit


class ProblemBlocks:
    """The blocks of one run. Their problems are the outputs of a ``WholeStep``, which is finished."""

    def __init__(self, ledger: Ledger, problems: str, step: str) -> None:
        """Create the blocks.

        Args:
            ledger: The ledger of the run.
            problems: The ``WholeStep`` whose outputs are the problems.
            step: The step that learns; a block is complete when this step has processed all items made from it.

        """
        self._ledger, self._problems, self._step = ledger, problems, step
        self._starts = [""]  #: position of the first problem of each block
        self._complete = 0  #: number of complete blocks
        self._link = 0  #: index in the chain of steps; the links before it have processed the whole next block
        self._checked = ""  #: position in the next block up to which the link is complete

    def block_of(self, position: str) -> int:
        """Return the number of the block to which an item at a position belongs."""
        while self._starts[-1] <= position:
            size = self.size(len(self._starts) - 1)
            self._starts.append(self._ledger.ranges.position_after(self._problems, self._starts[-1], size))
        return bisect_right(self._starts, position) - 1

    @staticmethod
    def size(block: int) -> int:
        """Return the maximum number of problems in a block: 8, 8, 16, 32, 64, 64, …"""
        return min(FIRST_BLOCK << max(0, block - 1), LARGEST_BLOCK)

    def start(self, block: int) -> str:
        """Return the position of the first problem of a block, at most the block that ``block_of`` returned last."""
        return self._starts[block]

    def problems_before(self, block: int) -> int:
        """Return the number of problems in all blocks before this one."""
        return sum(map(self.size, range(block)))

    def count(self) -> int:
        """Return the number of problems."""
        return self._ledger.count_kept(self._problems)

    def are_complete(self, blocks: int) -> bool:
        """Return whether the first blocks are complete.

        Items that a budget leaves open do not count. With a larger budget, they are processed as if they were last.
        """
        while self._complete < blocks:
            if not self._next_is_complete():
                return False
            self._complete, self._link, self._checked = self._complete + 1, 0, ""
        return True

    def _next_is_complete(self) -> bool:
        """Return whether each step has processed all items of the next block; start at the last item found open."""
        chain = self._ledger.ranges.chain(self._problems, self._step)
        start, end = self._starts[self._complete], self._starts[self._complete + 1]
        while self._link < len(chain):
            previous, step = chain[self._link]
            without = self._ledger.open_items.left_open_by_budget(step)
            pending = self._ledger.ranges.first_pending(previous, step, max(start, self._checked), end, without)
            if pending:
                self._checked = pending
                return False
            self._link, self._checked = self._link + 1, ""
        return True
