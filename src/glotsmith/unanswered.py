"""What the teacher or the machine owes: an item without an answer stays open, and is no item's fault.

Services raise ``Unanswered`` in place of a failed reply or a verdict that says nothing. A step lets it pass; the
executor leaves the item open. Where an item has failed by itself in enough runs, the executor runs the step once more
under ``accepting_failures``: the services then return failures, and the step drops the item or marks what it lacks.
"""

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol

from glotsmith.drop_reasons import Reason

_accepting_failures: ContextVar[bool] = ContextVar("accepting_failures", default=False)


class ServiceHealth(Protocol):
    """Whether a service works: one kind of question to a teacher, one language of the runner."""

    name: str  #: as a sentence about failures begins: ``the teacher (translate)``

    @property
    def answered(self) -> int:
        """How many questions it has answered in this process; what came from a cache does not count."""
        ...

    async def works(self) -> bool:
        """Ask what it has answered before, and return whether it answers now; False where it has never answered."""
        ...


class Unanswered(Exception):
    """The teacher or the machine failed, so that nothing is known about an item."""

    def __init__(self, reason: Reason, detail: str, health: ServiceHealth | None) -> None:
        """Say what failed in ``detail``.

        Args:
            reason: why the item is dropped if it fails so by itself again and again.
            detail: what failed, in the words of the server or the machine.
            health: of the service that failed; None for an item that waits for others that are open.

        """
        super().__init__(detail)
        self.reason = reason
        self.detail = detail
        self.health = health


@contextmanager
def accepting_failures() -> Generator[None, None, None]:
    """Let services hand out failures as they are, in this task and those that it starts."""
    token = _accepting_failures.set(True)
    try:
        yield
    finally:
        _accepting_failures.reset(token)


def failures_are_accepted() -> bool:
    """Return whether failures are handed out as they are."""
    return _accepting_failures.get()
