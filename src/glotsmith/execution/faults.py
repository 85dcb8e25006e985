"""What a step's exception means for its item and for the run: a drop, an open item, or the end."""

import errno
from collections import Counter
from collections.abc import Sequence
from typing import Any, cast

from glotsmith.counts import counted
from glotsmith.drop_reasons import Reason
from glotsmith.errors import DefectsError, GlotsmithError, OutageError
from glotsmith.execution.base import FaultLimits
from glotsmith.ledger import Ledger
from glotsmith.ledger_rows import BrokenResult
from glotsmith.step import Result
from glotsmith.unanswered import ServiceHealth, Unanswered

_MAX_ERROR_SHARE = 0.05  #: share of a step's items above which internal errors are many
_DISK_ERRORS = {errno.ENOSPC, errno.EDQUOT, errno.EROFS}
_SHORTAGE_ERRORS = {errno.ENOMEM, errno.EAGAIN, errno.EMFILE, errno.ENFILE}


def _first_of_group(error: Exception) -> Exception:
    """Return the first error of a group, such as a ``TaskGroup`` raises."""
    while isinstance(error, ExceptionGroup):
        error = cast("tuple[Exception, ...]", error.exceptions)[0]  # pyright: ignore[reportUnknownMemberType]
    return error


class LocalMachine:
    """The health of this process's own machine, for steps that lack memory or files: its evidence is their answers."""

    name = "this machine"

    def __init__(self) -> None:
        self.answered = 0

    async def works(self) -> bool:
        """Return whether any step has answered anything in this run."""
        return self.answered > 0


class FaultTracker:
    """The faults of one run."""

    def __init__(self, ledger: Ledger, limits: FaultLimits) -> None:
        self._ledger = ledger
        self._limits = limits
        self._machine = LocalMachine()
        self._answers = Counter[str]()
        self._internal = Counter[str]()
        self._internal_in_a_row = Counter[str]()
        self._failures_in_a_row: dict[str, list[tuple[str, str]]] = {}  #: by service: (step, key) of each
        self._answered_at_failure: dict[str, int] = {}  #: by service: its answers at the last failure
        self._last_failure: dict[str, Unanswered] = {}  #: by step

    # --- internal errors -------------------------------------------------------------------------------------------

    def failure_of(self, error: Exception) -> Unanswered | None:
        """Return the failure that an exception stands for; None for an internal error.

        Raises:
            Exception: the error itself, where the run can't go on.

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
        """Take note of an answer.

        Raises:
            DefectsError: too many of the step's items met an internal error.

        """
        self._answers[step] += 1
        found = next((d for d in result.dropped if d.reason == Reason.INTERNAL_ERROR and not d.key), None)
        if found is None:
            self._machine.answered += 1
            self._internal_in_a_row[step] = 0
            return
        self._internal[step] += 1
        self._internal_in_a_row[step] += 1
        limit, count = self._limits.internal_errors, self._internal[step]
        if self._internal_in_a_row[step] > limit or count > max(limit, _MAX_ERROR_SHARE * self._answers[step]):
            raise DefectsError(
                f"the step {step} met an internal error on {count} of {counted(self._answers[step], 'item')}, "
                f"the last being {found.detail}: please report it. Their tracebacks are in the log; "
                f"--max-internal-errors sets the limit ({limit}), "
                f"and --retry {Reason.INTERNAL_ERROR} tries those items again"
            )

    # --- failures of teacher and machine ---------------------------------------------------------------------------

    async def count_failure(self, step: str, key: str, error: Unanswered) -> None:
        """Count a failure.

        Raises:
            OutageError: it is one too many in a row.

        """
        health = error.health
        if health is None:  # it waits for others, whose failure is the cause
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
            f"{health.name} failed {counted(len(row), 'time')} in a row, in the end with: {error.detail}. "
            "What is without an answer stays open: the same command asks again (--max-failures sets the limit)"
        )

    def is_last_attempt(self, step: str, key: str) -> bool:
        """Return whether an item that fails now has failed in as many runs as it may."""
        return self._ledger.open_items.failed_runs(step, key) + 1 >= self._limits.runs

    def outage_error(self, steps: Sequence[str]) -> OutageError:
        """Return the error of a run that ends with open items."""
        open_ = {step: len(left) for step in steps if (left := self._ledger.open_items.left_open(step))}
        causes = [self._last_failure[step] for step in open_ if step in self._last_failure]
        cause = next((c for c in causes if c.health is not None), causes[0] if causes else None)
        said = f"; {cause.health.name if cause.health else 'the last'} failed with: {cause.detail}" if cause else ""
        counts = ", ".join(f"{step} {count}" for step, count in open_.items())
        return OutageError(
            f"items without an answer stay open ({counts}){said}. The same command asks again; an item that fails by "
            f"itself in {counted(self._limits.runs, 'run')} is dropped (--max-runs)"
        )
