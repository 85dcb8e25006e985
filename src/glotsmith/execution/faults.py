"""Decide what an exception of a step does: drop its item, leave the item open, or stop the run."""

import errno
from collections import Counter
from collections.abc import Sequence
from typing import Any, cast

from glotsmith.counts import counted
from glotsmith.drop_reasons import Reason
from glotsmith.errors import DefectsError, GlotsmithError, OutageError, RepliesPendingError
from glotsmith.execution.base import FaultLimits
from glotsmith.ledger import Ledger
from glotsmith.ledger_rows import BrokenResult
from glotsmith.step import Result
from glotsmith.unanswered import BudgetReached, RequestPostponed, ServiceHealth, Unanswered

_MAX_ERROR_SHARE = 0.05  #: share of a step's items with internal errors above which the run stops
_DISK_ERRORS = {errno.ENOSPC, errno.EDQUOT, errno.EROFS}
_SHORTAGE_ERRORS = {errno.ENOMEM, errno.EAGAIN, errno.EMFILE, errno.ENFILE}


def _first_of_group(error: Exception) -> Exception:
    """Return the first error of an exception group, as raised by a ``TaskGroup``."""
    while isinstance(error, ExceptionGroup):
        error = cast("tuple[Exception, ...]", error.exceptions)[0]  # pyright: ignore[reportUnknownMemberType]
    return error


class LocalMachine:
    """The health of this machine, for steps that run out of memory or descriptors. A result shows that it works."""

    name = "this machine"

    def __init__(self) -> None:
        self.answered = 0

    async def works(self) -> bool:
        """Return whether any step has had a result without an internal error in this run."""
        return self.answered > 0


class FaultTracker:
    """Counts the faults of one run, and stops it at the limits."""

    def __init__(self, ledger: Ledger, limits: FaultLimits) -> None:
        self._ledger = ledger
        self._limits = limits
        self._machine = LocalMachine()
        self._results = Counter[str]()
        self._internal = Counter[str]()
        self._internal_in_a_row = Counter[str]()
        self._failures_in_a_row: dict[str, list[tuple[str, str]]] = {}  #: service → (step, key) of each failure
        self._answered_at_failure: dict[str, int] = {}  #: service → number of its answers at the last failure
        self._last_failure: dict[str, Unanswered] = {}  #: step → its last failure
        self._postponed: RequestPostponed | None = None
        self._failure_left_open = False

    # --- internal errors -------------------------------------------------------------------------------------------

    def failure_of(self, error: Exception) -> Unanswered | None:
        """Return the failure of a service that an exception reports; None for an internal error.

        Raises:
            Exception: the error itself, if it must stop the run.

        """
        error = _first_of_group(error)
        number = error.errno if isinstance(error, OSError) else None
        if isinstance(error, GlotsmithError | BrokenResult) or number in _DISK_ERRORS:
            raise error
        if isinstance(error, Unanswered):
            return error
        if isinstance(error, MemoryError) or number in _SHORTAGE_ERRORS:
            return Unanswered(Reason.INTERNAL_ERROR, f"{type(error).__name__}: {error}", self._machine)
        return None

    def count_result(self, step: str, result: Result[Any]) -> None:
        """Count a result.

        Raises:
            DefectsError: internal errors occurred on too many items of the step.

        """
        self._results[step] += 1
        found = next((d for d in result.dropped if d.reason == Reason.INTERNAL_ERROR and not d.key), None)
        if found is None:
            self._machine.answered += 1
            self._internal_in_a_row[step] = 0
            return
        self._internal[step] += 1
        self._internal_in_a_row[step] += 1
        limit, count = self._limits.internal_errors, self._internal[step]
        if self._internal_in_a_row[step] > limit or count > max(limit, _MAX_ERROR_SHARE * self._results[step]):
            raise DefectsError(
                f"internal errors in step {step}: {count} of {counted(self._results[step], 'item')}; the last is "
                f"{found.detail}. Please report it; the log has the tracebacks. "
                f"--max-internal-errors sets the limit ({limit}); "
                f"--retry {Reason.INTERNAL_ERROR} tries these items again"
            )

    # --- failures of teacher and machine ---------------------------------------------------------------------------

    def note_left_open(self, cause: Unanswered) -> None:
        """Note why an item stays open: a later reply, a budget or a failure, but not the wait for other items."""
        if isinstance(cause, RequestPostponed):
            if self._postponed is None or isinstance(self._postponed, BudgetReached):
                self._postponed = cause
        elif cause.health is not None:
            self._failure_left_open = True

    async def count_failure(self, step: str, key: str, error: Unanswered) -> None:
        """Count a failure.

        Raises:
            OutageError: the number of consecutive failures has reached the limit.

        """
        health = error.health
        if health is None:  # the item waits for other open items, whose failure is the cause
            self._last_failure.setdefault(step, error)
            return
        self._last_failure[step] = error
        row = self._failures_in_a_row.setdefault(health.name, [])
        if health.answered != self._answered_at_failure.get(health.name, health.answered):
            row.clear()
        self._answered_at_failure[health.name] = health.answered
        row.append((step, key))
        if len(row) >= self._limits.failures:
            await self._raise_outage(health, error, row)

    async def _raise_outage(self, health: ServiceHealth, error: Unanswered, row: Sequence[tuple[str, str]]) -> None:
        if await health.works():
            for step, key in row:
                self._ledger.count_failed_run(step, key)
        raise OutageError(
            f"{health.name} failed {counted(len(row), 'time')} in a row. The last failure: {error.detail}. "
            "Items without a result stay open. Run the same command again to retry them "
            "(--max-failures sets the limit)"
        )

    def is_last_attempt(self, step: str, key: str) -> bool:
        """Return whether an item that fails in this run has then failed in the maximum number of runs."""
        return self._ledger.open_items.failed_runs(step, key) + 1 >= self._limits.runs

    def end_error(self, steps: Sequence[str]) -> GlotsmithError:
        """Return the error for a run that ends with open items: of a later reply, else of a failure, or of a budget."""
        postponed = self._postponed.error if self._postponed is not None else None
        if postponed is not None and (isinstance(postponed, RepliesPendingError) or not self._failure_left_open):
            return postponed  # while replies arrive, the failure of an item does not end the wait for the others
        open_ = {step: len(left) for step in steps if (left := self._ledger.open_items.left_open(step))}
        causes = [self._last_failure[step] for step in open_ if step in self._last_failure]
        cause = next((c for c in causes if c.health is not None), causes[0] if causes else None)
        reason = f"; {cause.health.name if cause.health else 'the last item'} failed: {cause.detail}" if cause else ""
        counts = ", ".join(f"{step} {count}" for step, count in open_.items())
        return OutageError(
            f"items without a result stay open ({counts}){reason}. Run the same command again to retry them. An item "
            f"that fails in {counted(self._limits.runs, 'run')} while others succeed is dropped (--max-runs)"
        )
