"""A teacher of which a step gets answers and refusals only: a failed request is raised, so that its item stays open."""

from glotsmith.drop_reasons import Reason
from glotsmith.teachers.base import Reply, Request, Teacher
from glotsmith.teachers.cached import Cached
from glotsmith.teachers.watched import CallHealth, Watched
from glotsmith.unanswered import Unanswered, failures_are_accepted


class Answering(Teacher):
    """Another teacher, whose failures are raised as ``Unanswered`` unless they are accepted."""

    def __init__(self, teacher: Teacher) -> None:
        self._watched = teacher.teacher if isinstance(teacher, Cached) else Watched(teacher)
        self._teacher = teacher if isinstance(teacher, Cached) else self._watched
        self._health: dict[str, CallHealth] = {}
        self.name = teacher.name
        self.model = teacher.model
        self.fingerprint = teacher.fingerprint

    def address(self, request: Request) -> str:
        """Return the inner teacher's address."""
        return self._teacher.address(request)

    async def reply(self, request: Request) -> Reply:
        """Return an answer or a refusal.

        Raises:
            Unanswered: the request failed.

        """
        reply = await self._teacher.reply(request)
        if reply.finish_reason == "error" and not failures_are_accepted():
            health = self._health.setdefault(request.call, CallHealth(self._watched, request.call))
            raise Unanswered(Reason.TEACHER_FAILED, reply.detail, health)
        return reply

    async def close(self) -> None:
        """Close the inner teacher."""
        await self._teacher.close()
