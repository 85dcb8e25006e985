"""Teachers that wrap another teacher to monitor its health, to cache its replies, or to raise its failures."""

import asyncio
import itertools
import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from typing import Protocol

import msgspec

from glotsmith.drop_reasons import Reason
from glotsmith.errors import OutageError, TeacherError
from glotsmith.records import content_hash
from glotsmith.teachers.base import Reply, Request, Teacher, TeacherLoad, Waiting
from glotsmith.unanswered import RequestPostponed, Unanswered, failures_are_accepted


class ReplyStore(Protocol):
    """The interface of a cache: bytes by kind and content address."""

    def get(self, kind: str, key: str, /) -> bytes | None:
        """Return the stored value, or None."""
        ...

    def put(self, kind: str, key: str, value: bytes, /) -> None:
        """Store ``value``; it is on disk when the method returns."""
        ...


class RequestGate(Protocol):
    """Decides which requests are sent, and counts what they cost (``api/spending.py``)."""

    async def check(self, request: Request, /) -> None:
        """Raise ``BudgetReached`` if the run needs no further reply, not even one from the cache."""
        ...

    async def admit(self, request: Request, address: str, /) -> None:
        """Wait until the request may be sent; raise ``BudgetReached`` if it may not."""
        ...

    def end(self, request: Request, address: str, *, interrupted: bool) -> None:
        """Note the end of an admitted request; ``interrupted``: without an answer."""
        ...

    def postpone(self, request: Request, address: str, /) -> None:
        """Note that the reply to an admitted request arrives later."""
        ...

    def recover(self, address: str, /) -> bool:
        """Return whether the run itself paid for a reply that is in the cache and not yet counted."""
        ...

    def count_reply(self, request: Request, reply: Reply, /) -> None:
        """Count a reply that the run pays for."""
        ...


class OpenGate(RequestGate):
    """Admits every request."""

    async def check(self, request: Request, /) -> None:
        """Do nothing."""

    async def admit(self, request: Request, address: str, /) -> None:
        """Do nothing."""

    def end(self, request: Request, address: str, *, interrupted: bool) -> None:
        """Do nothing."""

    def postpone(self, request: Request, address: str, /) -> None:
        """Do nothing."""

    def recover(self, address: str, /) -> bool:
        """Return False."""
        return False

    def count_reply(self, request: Request, reply: Reply, /) -> None:
        """Do nothing."""


_CONTROL = "control"


class _AnsweredRequests(Protocol):
    """Stores one answered request for each call."""

    def get(self, call: str) -> Request | None: ...
    def put(self, call: str, request: Request) -> None: ...


class _RequestsInMemory:
    def __init__(self) -> None:
        self._requests: dict[str, Request] = {}

    def get(self, call: str) -> Request | None:
        return self._requests.get(call)

    def put(self, call: str, request: Request) -> None:
        self._requests.setdefault(call, request)


class _RequestsInCache(_RequestsInMemory):
    """Also reads the request that an earlier run stored in the cache."""

    def __init__(self, cache: ReplyStore, fingerprint: str) -> None:
        super().__init__()
        self._cache = cache
        self._fingerprint = fingerprint

    def get(self, call: str) -> Request | None:
        data = None if super().get(call) else self._cache.get(_CONTROL, self._key(call))
        try:
            return super().get(call) if data is None else msgspec.json.decode(data, type=Request)
        except msgspec.DecodeError:  # another version wrote it
            return None

    def put(self, call: str, request: Request) -> None:
        if super().get(call) is None:
            super().put(call, request)
            try:
                self._cache.put(_CONTROL, self._key(call), msgspec.json.encode(request))
            except UnicodeEncodeError:  # it has a lone surrogate
                return

    def _key(self, call: str) -> str:
        return content_hash(self._fingerprint, call)


class MonitoredTeacher(Teacher):
    """Wraps a teacher: counts its replies by call, and can repeat an answered request to test whether it works."""

    def __init__(
        self, teacher: Teacher, cache: ReplyStore | None = None, now: Callable[[], float] = time.monotonic
    ) -> None:
        """Wrap a teacher. ``now`` returns seconds and is for tests."""
        self.teacher = teacher
        self._now = now
        self._open: dict[int, float] = {}  #: number of a request → time at which it was sent
        self._requests = 0
        self._last_reply = now()
        self.on_repeated: Callable[[Request, Reply], None] = lambda request, reply: None
        self.admit_repeat: Callable[[Request], AbstractAsyncContextManager[None]] = lambda _: nullcontext()
        self.name = teacher.name
        self.model = teacher.model
        self.fingerprint = teacher.fingerprint
        self.structured = teacher.structured
        self.answered = Counter[str]()  #: number of replies, by call
        self._answered_requests: _AnsweredRequests = (
            _RequestsInCache(cache, teacher.fingerprint) if cache else _RequestsInMemory()
        )

    def address(self, request: Request) -> str:
        """Return the address of the wrapped teacher."""
        return self.teacher.address(request)

    async def reply(self, request: Request) -> Reply:
        """Return the reply of the wrapped teacher, and count it."""
        number = self._requests = self._requests + 1
        self._open[number] = self._now()
        try:
            reply = await self.teacher.reply(request)
        finally:
            del self._open[number]
        if reply.cost is None and getattr(self.teacher, "is_free", False):  # a user's own teacher may not state it
            reply = msgspec.structs.replace(reply, cost=0.0)
        self._last_reply = self._now()
        if reply.finish_reason != "error":
            self.answered[request.call] += 1
            self._answered_requests.put(request.call, request)
        return reply

    def waiting(self) -> Waiting | None:
        """Return the requests that have no reply yet; None if every request has one."""
        if not self._open:
            return None
        since = max(min(self._open.values()), self._last_reply)
        return Waiting(len(self._open), self._now() - since, self.teacher.failed_attempt())

    def load(self) -> TeacherLoad:
        """Return the load of the wrapped teacher; by default all its open requests are in flight."""
        return self.teacher.load() or TeacherLoad(len(self._open), self.teacher.slots)

    async def works(self, call: str) -> bool:
        """Repeat a request that was answered before; return whether it is answered again. A budget may forbid it.

        If replies arrive later, nothing is repeated: return whether the run has received any.
        """
        rounds = getattr(self.teacher, "rounds", None)  # a user's own teacher may not have it
        if rounds is not None:
            return rounds.has_replies()
        request = self._answered_requests.get(call)
        if request is None:
            return False
        try:
            async with self.admit_repeat(request):
                reply = await self.reply(request)
        except RequestPostponed:
            return False
        if reply.finish_reason == "error":
            return False
        self.on_repeated(request, reply)
        return True

    async def close(self) -> None:
        """Close the wrapped teacher."""
        await self.teacher.close()


class CallHealth:
    """The health of a teacher for one kind of call (``unanswered.ServiceHealth``)."""

    def __init__(self, teacher: MonitoredTeacher, call: str) -> None:
        self.name = f"the teacher ({call})"
        self._teacher = teacher
        self._call = call

    @property
    def answered(self) -> int:
        """The number of answered requests of the call."""
        return self._teacher.answered[self._call]

    async def works(self) -> bool:
        """Return whether the teacher answers a request of the call now."""
        return await self._teacher.works(self._call)


_REPLY = "reply"

#: Takes a request, its address, its original reply, and whether the reply came from the cache.
OnReply = Callable[[Request, str, Reply, bool], None]


class CachedTeacher(Teacher):
    """Wraps a teacher: caches its replies, so that no request is sent twice.

    A reply is stored before it is returned. Errors are not stored, since they may be temporary. Concurrent requests
    with the same address share one request; all but the first get the reply as if from the cache.
    """

    def __init__(
        self, teacher: Teacher, cache: ReplyStore, on_reply: OnReply | None = None, gate: RequestGate | None = None
    ) -> None:
        """Wrap ``teacher``; ``on_reply`` is called with every reply, and ``gate`` decides what is requested."""
        self.monitored = MonitoredTeacher(teacher, cache)  #: receives the requests
        self.monitored.on_repeated = self._record_repeated
        self._gate = gate or OpenGate()
        self.monitored.admit_repeat = self._admit_repeat
        self.name = teacher.name
        self.model = teacher.model
        self.fingerprint = teacher.fingerprint
        self.structured = teacher.structured
        self._arrives_later = getattr(teacher, "rounds", None) is not None
        self._cache = cache
        self._on_reply = on_reply
        self._in_flight: dict[str, asyncio.Task[Reply]] = {}
        self._repeats = itertools.count()
        self._is_refused = False  #: whether the teacher says that it can answer no request

    def address(self, request: Request) -> str:
        """Return the address of the wrapped teacher."""
        return self.monitored.address(request)

    async def reply(self, request: Request) -> Reply:
        """Return the reply from the cache at no cost, or request and store it."""
        address = self.address(request)
        await self._gate.check(request)
        if (task := self._in_flight.get(address)) is not None:
            return self._reply_at_no_cost(request, address, await asyncio.shield(task))
        if (stored := self._load(address)) is not None:
            return self._reply_at_no_cost(request, address, stored)
        # A separate task, because the caller may be cancelled while others wait for the same reply, which costs money
        # in any case.
        task = asyncio.create_task(self._request_and_store(address, request))
        self._in_flight[address] = task
        task.add_done_callback(lambda done: self._remove_in_flight(address, done))
        return await asyncio.shield(task)

    async def wait_in_flight(self) -> None:
        """Wait for the requests in flight, also if no item waits for them, and store their replies."""
        await asyncio.gather(*self._in_flight.values(), return_exceptions=True)

    async def close(self) -> None:
        """Cancel the requests in flight and close the teacher; idempotent."""
        pending = list(self._in_flight.values())
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)
        await self.monitored.close()

    def _load(self, address: str) -> Reply | None:
        data = self._cache.get(_REPLY, address)
        try:
            return None if data is None else msgspec.json.decode(data, type=Reply)
        except msgspec.DecodeError:  # another version wrote it
            return None

    async def _request_and_store(self, address: str, request: Request) -> Reply:
        await self._gate.admit(request, address)
        interrupted = False
        try:
            reply = await self.monitored.reply(request)
            if self._arrives_later:
                self._gate.recover(address)  # it was counted when it was postponed
            if reply.finish_reason != "error":
                self._cache.put(_REPLY, address, msgspec.json.encode(reply))
                self._record(request, address, reply, cached=False)
        except TeacherError as error:
            self._is_refused = not isinstance(error, OutageError)
            raise
        except RequestPostponed:
            self._gate.postpone(request, address)
            raise
        except asyncio.CancelledError:
            # A wrong key or an unknown model: the requests that were cancelled for it cost nothing.
            interrupted = not self._is_refused or bool(self.monitored.answered)
            raise
        finally:
            self._gate.end(request, address, interrupted=interrupted)
        return reply

    def _reply_at_no_cost(self, request: Request, address: str, reply: Reply) -> Reply:
        """Return a reply that is already paid for, with cost 0."""
        if reply.finish_reason != "error":
            self._record(request, address, reply, cached=not self._gate.recover(address))
        return msgspec.structs.replace(reply, cost=0.0)

    def _record(self, request: Request, address: str, reply: Reply, *, cached: bool) -> None:
        if self._on_reply:
            self._on_reply(request, address, reply, cached)
        if not cached:
            self._gate.count_reply(request, reply)

    @asynccontextmanager
    async def _admit_repeat(self, request: Request) -> AsyncGenerator[None]:
        """Wait until a request may be sent once more, under a separate address."""
        address = f"{self.address(request)}:{next(self._repeats)}"
        await self._gate.admit(request, address)
        try:
            yield
        finally:
            self._gate.end(request, address, interrupted=False)

    def _record_repeated(self, request: Request, reply: Reply) -> None:
        """Record a request that was repeated to test the teacher, under a separate address, because it costs again."""
        address = f"{self.address(request)}:{time.time_ns()}"
        self._record(request, address, reply, cached=False)

    def _remove_in_flight(self, address: str, task: asyncio.Task[Reply]) -> None:
        del self._in_flight[address]
        if not task.cancelled():
            task.exception()  # marks the exception as retrieved, in case no caller waits for the task


class FailureRaisingTeacher(Teacher):
    """Wraps a teacher: raises failed requests as ``Unanswered``, so that their items stay open, unless accepted."""

    def __init__(self, teacher: Teacher) -> None:
        self._monitored = teacher.monitored if isinstance(teacher, CachedTeacher) else MonitoredTeacher(teacher)
        self._teacher = teacher if isinstance(teacher, CachedTeacher) else self._monitored
        self._health: dict[str, CallHealth] = {}
        self.name = teacher.name
        self.model = teacher.model
        self.fingerprint = teacher.fingerprint
        self.structured = teacher.structured

    def address(self, request: Request) -> str:
        """Return the address of the wrapped teacher."""
        return self._teacher.address(request)

    async def reply(self, request: Request) -> Reply:
        """Return a reply or a refusal.

        Raises:
            Unanswered: the request failed.

        """
        reply = await self._teacher.reply(request)
        if reply.finish_reason == "error" and not failures_are_accepted():
            health = self._health.setdefault(request.call, CallHealth(self._monitored, request.call))
            raise Unanswered(Reason.TEACHER_FAILED, reply.detail, health)
        return reply

    async def close(self) -> None:
        """Close the wrapped teacher."""
        await self._teacher.close()
