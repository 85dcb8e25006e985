"""The gate that admits the requests of one teacher of a run by its budget."""

from collections.abc import Awaitable, Callable

from glotsmith.api.spending import RunSpending
from glotsmith.teachers.base import Reply, Request, Teacher
from glotsmith.teachers.wrappers import RequestGate


class TeacherGate(RequestGate):
    """The gate of one of the teachers of a run."""

    def __init__(self, spending: RunSpending, teacher: Teacher, before_first: Callable[[], Awaitable[None]]) -> None:
        """Create the gate; ``before_first`` is awaited before each request."""
        self._spending, self._teacher, self._before_first = spending, teacher, before_first
        spending.add_teacher(teacher)

    async def check(self, request: Request) -> None:
        """Wait while rows are counted."""
        await self._spending.check(request)

    async def admit(self, request: Request, address: str) -> None:
        """Wait until the budgets allow a request."""
        await self._before_first()
        await self._spending.admit(request, address, self._teacher)

    def end(self, request: Request, address: str, *, interrupted: bool) -> None:
        """Record that a request has ended."""
        self._spending.end(request, address, interrupted=interrupted, teacher=self._teacher)

    def postpone(self, request: Request, address: str) -> None:
        """Count a request whose reply arrives later."""
        self._spending.postpone(request, address)

    def recover(self, address: str) -> bool:
        """Return whether this run paid for a reply that is in the cache."""
        return self._spending.recover(address)

    def count_reply(self, request: Request, reply: Reply) -> None:
        """Count a reply that this run pays for."""
        self._spending.count_reply(request, reply, self._teacher)
