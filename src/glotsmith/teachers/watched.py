"""Whether a teacher works: how much it has answered in this process, and a request that it has answered before."""

from collections import Counter
from typing import Protocol

import msgspec

from glotsmith.records import content_hash
from glotsmith.teachers.base import Reply, Request, Teacher


class Store(Protocol):
    """What of a cache is needed here: bytes by kind and content address."""

    def get(self, kind: str, key: str, /) -> bytes | None:
        """Return what was put, or None."""
        ...

    def put(self, kind: str, key: str, value: bytes, /) -> None:
        """Keep ``value``; it is on disk when this returns."""
        ...


_KIND = "control"


class _Known(Protocol):
    """A store of one request a call, which the server has answered."""

    def get(self, call: str) -> Request | None: ...
    def put(self, call: str, request: Request) -> None: ...


class _InMemory:
    def __init__(self) -> None:
        self._requests: dict[str, Request] = {}

    def get(self, call: str) -> Request | None:
        return self._requests.get(call)

    def put(self, call: str, request: Request) -> None:
        self._requests.setdefault(call, request)


class _InCache(_InMemory):
    """Also knows the request that an earlier run left in the cache."""

    def __init__(self, cache: Store, fingerprint: str) -> None:
        super().__init__()
        self._cache = cache
        self._fingerprint = fingerprint

    def get(self, call: str) -> Request | None:
        data = None if super().get(call) else self._cache.get(_KIND, self._key(call))
        try:
            return super().get(call) if data is None else msgspec.json.decode(data, type=Request)
        except msgspec.DecodeError:  # written by another version
            return None

    def put(self, call: str, request: Request) -> None:
        if super().get(call) is None:
            super().put(call, request)
            try:
                self._cache.put(_KIND, self._key(call), msgspec.json.encode(request))
            except UnicodeEncodeError:  # it holds a lone surrogate
                return

    def _key(self, call: str) -> str:
        return content_hash(self._fingerprint, call)


class Watched(Teacher):
    """Another teacher, asked without a cache between; counts what it answers, and knows a request that it answered."""

    def __init__(self, teacher: Teacher, cache: Store | None = None) -> None:
        self.teacher = teacher
        self.name = teacher.name
        self.model = teacher.model
        self.fingerprint = teacher.fingerprint
        self.answered = Counter[str]()  #: by call
        self._known: _Known = _InCache(cache, teacher.fingerprint) if cache else _InMemory()

    def address(self, request: Request) -> str:
        """Return the inner teacher's address."""
        return self.teacher.address(request)

    async def reply(self, request: Request) -> Reply:
        """Ask, and count."""
        reply = await self.teacher.reply(request)
        if reply.finish_reason != "error":
            self.answered[request.call] += 1
            self._known.put(request.call, request)
        return reply

    async def works(self, call: str) -> bool:
        """Ask once more what was answered before; return whether it is again."""
        request = self._known.get(call)
        return request is not None and (await self.reply(request)).finish_reason != "error"

    async def close(self) -> None:
        """Close the inner teacher."""
        await self.teacher.close()


class CallHealth:
    """The health of a teacher for one kind of call (``unanswered.Health``)."""

    def __init__(self, teacher: Watched, call: str) -> None:
        self.name = f"the teacher ({call})"
        self._teacher = teacher
        self._call = call

    @property
    def answered(self) -> int:
        """How many requests of the call were answered."""
        return self._teacher.answered[self._call]

    async def works(self) -> bool:
        """Return whether a request of the call is answered now."""
        return await self._teacher.works(self._call)
