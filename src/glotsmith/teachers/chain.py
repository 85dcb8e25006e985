"""The teachers of a role, which are asked one after another."""

from collections.abc import Sequence

from glotsmith.errors import OutageError
from glotsmith.teachers.base import Reply, Request, Teacher
from glotsmith.teachers.wrappers import FailureRaisingTeacher


class FailureReturningTeacher(Teacher):
    """Wraps a teacher of which others are asked what it fails: an outage fails one request, as other failures do."""

    def __init__(self, teacher: Teacher) -> None:
        self._teacher = teacher
        self.name = teacher.name
        self.model = teacher.model
        self.fingerprint = teacher.fingerprint
        self.structured = teacher.structured

    def address(self, request: Request) -> str:
        """Return the address of the wrapped teacher."""
        return self._teacher.address(request)

    async def reply(self, request: Request) -> Reply:
        """Return the reply, or a failure."""
        try:
            return await self._teacher.reply(request)
        except OutageError as error:
            return Reply(text="", finish_reason="error", detail=str(error))

    async def close(self) -> None:
        """Close the wrapped teacher."""
        await self._teacher.close()


def wrapped_chain(teachers: Sequence[Teacher]) -> tuple[Teacher, ...]:
    """Return the teachers of a role for steps: the last one raises failed requests, and the others return them."""
    *first, last = teachers
    return (*map(FailureReturningTeacher, first), FailureRaisingTeacher(last))
