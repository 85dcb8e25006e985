"""Failures of the teacher or of the machine, which leave an item open instead of dropping it.

Services raise ``Unanswered`` in place of a failed reply or an infra verdict. Steps do not catch it; the pipeline runner
leaves the item open. If an item fails in several runs while others succeed, the pipeline runner runs the step once more
under ``accepting_failures``: services then return failures, and the step drops the item or marks the missing parts.
"""

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol

from glotsmith.drop_reasons import Reason
from glotsmith.errors import GlotsmithError

_accepting_failures: ContextVar[bool] = ContextVar("accepting_failures", default=False)


class ServiceHealth(Protocol):
    """Whether a service works. A service is one kind of call of a teacher, or one language of the verifier."""

    name: str  #: subject of sentences about failures: ``the teacher (translate)``

    @property
    def answered(self) -> int:
        """The number of requests that it has answered in this process, without those from a cache."""
        ...

    async def works(self) -> bool:
        """Repeat a request that it has answered before. Return whether it answers; False if it never has."""
        ...


class Unanswered(Exception):
    """The teacher or the machine failed, so that the item has no answer."""

    def __init__(self, reason: Reason, detail: str, health: ServiceHealth | None) -> None:
        """Create the error.

        Args:
            reason: the drop reason if the item fails in several runs while others succeed.
            detail: the message of the server or the machine.
            health: the health of the service that failed; None if the item waits for other open items.

        """
        super().__init__(detail)
        self.reason = reason
        self.detail = detail
        self.health = health


class RequestPostponed(Unanswered):
    """The request has no reply in this start of the run. Its item stays open, and a later start asks for it."""

    def __init__(self, error: GlotsmithError) -> None:
        """Create the error; ``error`` is what the run ends with if nothing else fails."""
        super().__init__(Reason.TEACHER_FAILED, str(error), None)
        self.error = error


class BudgetReached(RequestPostponed):
    """A budget does not allow the request, and a run with a larger budget asks for it."""


@contextmanager
def accepting_failures() -> Generator[None, None, None]:
    """Make services return failures instead of raising ``Unanswered``, in this task and tasks that it starts."""
    token = _accepting_failures.set(True)
    try:
        yield
    finally:
        _accepting_failures.reset(token)


def failures_are_accepted() -> bool:
    """Return whether services must return failures instead of raising ``Unanswered``."""
    return _accepting_failures.get()
