"""A teacher in front of which stands a cache: nothing is paid for twice."""

import asyncio
from collections.abc import Callable

import msgspec

from glotsmith.teachers.base import Reply, Request, Teacher
from glotsmith.teachers.watched import Store, Watched

_KIND = "reply"

#: Takes a request, its address, its reply as it was when it was asked, and whether it came from the cache.
Hear = Callable[[Request, str, Reply, bool], None]


class Cached(Teacher):
    """Another teacher's replies, each asked for once.

    A reply is stored before it is handed out. Errors are not stored: they may pass. Requests with the same address
    that are asked at the same time share one question; all but the first get the reply as if from the cache.
    """

    def __init__(self, teacher: Teacher, cache: Store, hear: Hear | None = None) -> None:
        """Stand before a teacher; each reply is told to ``hear``, with its address and whether it was in the cache."""
        self.teacher = Watched(teacher, cache)  #: who is asked
        self.name = teacher.name
        self.model = teacher.model
        self.fingerprint = teacher.fingerprint
        self._cache = cache
        self._hear = hear
        self._asking: dict[str, asyncio.Task[Reply]] = {}

    def address(self, request: Request) -> str:
        """Return the inner teacher's address: the cache adds nothing to it."""
        return self.teacher.address(request)

    async def reply(self, request: Request) -> Reply:
        """Answer from the cache, at no cost, or ask and remember."""
        address = self.address(request)
        if (task := self._asking.get(address)) is not None:
            return self._free(request, address, await asyncio.shield(task))
        if (stored := self._stored(address)) is not None:
            return self._free(request, address, stored)
        # A task of its own: who asked may be cancelled while others wait for the same reply, which is paid for anyway.
        task = asyncio.create_task(self._ask(address, request))
        self._asking[address] = task
        task.add_done_callback(lambda done: self._forget(address, done))
        return await asyncio.shield(task)

    async def close(self) -> None:
        """Give up what is still being asked and close the teacher; idempotent."""
        pending = list(self._asking.values())
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)
        await self.teacher.close()

    def _stored(self, address: str) -> Reply | None:
        data = self._cache.get(_KIND, address)
        try:
            return None if data is None else msgspec.json.decode(data, type=Reply)
        except msgspec.DecodeError:  # written by another version
            return None

    async def _ask(self, address: str, request: Request) -> Reply:
        reply = await self.teacher.reply(request)
        if reply.finish_reason != "error":
            self._cache.put(_KIND, address, msgspec.json.encode(reply))
            if self._hear:
                self._hear(request, address, reply, False)
        return reply

    def _free(self, request: Request, address: str, reply: Reply) -> Reply:
        """Return a reply that someone else has paid for, at no cost."""
        if self._hear and reply.finish_reason != "error":
            self._hear(request, address, reply, True)
        return msgspec.structs.replace(reply, cost=0.0)

    def _forget(self, address: str, task: asyncio.Task[Reply]) -> None:
        del self._asking[address]
        if not task.cancelled():
            task.exception()  # marks it as seen, should nobody be left who waits for it
