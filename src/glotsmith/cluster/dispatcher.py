"""A queue of requests that several nodes answer; requests of a node that dies return to the queue.

Delivery is at least once, and the caller gets exactly one answer. The dispatcher finds requests that make workers die:
all requests that a dead worker had are suspects, and a suspect runs alone on its node. A request that was alone on
``MAX_DEATHS`` workers which died is poison, and fails alone. Where workers also die with requests that are answered
later (a machine without memory, an operator), the limit is higher by the number of these deaths, up to ``MOST_DEATHS``.
A worker that dies before it confirms the request, such as one that still starts, counts for ``MOST_DEATHS`` only.
"""

import asyncio
import itertools
from collections import deque
from collections.abc import Sequence
from typing import NamedTuple, Protocol, cast

import msgspec

from glotsmith.cluster.messages import Answer, NodeRequest, NumberedAnswer, NumberedRequest
from glotsmith.errors import GlotsmithError, OutageError
from glotsmith.sandbox.base import SandboxLoad

BATCH = 64  #: requests of one message
MAX_DEATHS = 3  #: deaths of workers that had confirmed the same request, and no other
MOST_DEATHS = 10  #: the highest limit, and the limit for workers that confirmed nothing
MAX_BARREN_DEATHS = 12  #: deaths of workers in a row without an answer, after which a run stops


class NodeLost(Exception):
    """A worker does not answer any more."""

    def __init__(self, why: str, *, removed: bool = False) -> None:
        super().__init__(why)
        self.removed = removed  #: the whole node has left, so none of its requests is suspected


class PoisonedRequest(Exception):
    """The workers of several nodes died while they handled this request."""


class NodeConnection(Protocol):
    """The worker of one node, as the dispatcher sees it."""

    name: str  #: name of the node in messages
    jobs: int  #: programs that it runs at once

    async def submit(self, batch: Sequence[NumberedRequest]) -> None:
        """Send requests. Raises ``NodeLost``."""
        ...

    async def collect(self) -> list[NumberedAnswer]:
        """Wait for answers. Raises ``NodeLost``."""
        ...


class _Request(msgspec.Struct, eq=False):
    number: int
    content: NodeRequest
    answer: "asyncio.Future[Answer]"
    confirmed: bool = False  #: whether the worker that has it confirmed it
    suspected: bool = False  #: a worker died that had it
    deaths: int = 0  #: deaths of workers that had no other request
    confirmed_deaths: int = 0  #: number of these deaths after the worker had confirmed the request


class _ServingNode(NamedTuple):
    """A node, and the requests that it has."""

    node: NodeConnection
    held: dict[int, _Request]


class Dispatcher:
    """Distributes requests over the nodes that are connected at the moment."""

    def __init__(self) -> None:
        self._waiting = deque[_Request]()
        self._suspects = deque[_Request]()
        self._numbers = itertools.count()
        self._changed = asyncio.Condition()
        self._serving: list[_ServingNode] = []
        self._barren_deaths = 0
        self._innocent_deaths = 0  #: deaths of workers that had one request, which was answered later
        self._failure: GlotsmithError | None = None
        self.answered = 0  #: requests with an answer
        self.deaths = 0  #: number of dead workers

    async def request(self, content: NodeRequest) -> Answer:
        """Return the answer of some node.

        Raises:
            PoisonedRequest: several workers died with this request.
            OutageError: the cluster has no node left, or all its workers die.
            RuntimeError: an unexpected error occurred on the node.

        """
        if self._failure is not None:
            raise self._failure
        request = _Request(next(self._numbers), content, asyncio.get_running_loop().create_future())
        self._waiting.append(request)
        await self._notify()
        try:
            return await request.answer
        finally:
            if request.answer.cancelled() and request in self._waiting:
                self._waiting.remove(request)

    async def serve(self, node: NodeConnection) -> None:
        """Give requests to a node until it is lost.

        Raises:
            NodeLost: always at the end, unless cancelled. Its requests are in the queue again.

        """
        held = dict[int, _Request]()
        sending, receiving = asyncio.create_task(self._send(node, held)), asyncio.create_task(self._receive(node, held))
        lost = NodeLost("its worker was stopped", removed=True)
        self._serving.append(serving := _ServingNode(node, held))
        try:
            await asyncio.gather(sending, receiving)
        except NodeLost as error:
            lost = error
        finally:
            self._serving = [each for each in self._serving if each is not serving]
            sending.cancel()
            receiving.cancel()
            await asyncio.gather(sending, receiving, return_exceptions=True)
            await self._requeue(list(held.values()), lost)
        raise lost

    def fail(self, error: GlotsmithError) -> None:
        """Answer all requests, also later ones, with an error."""
        self._failure = error
        for request in (*self._waiting, *self._suspects):
            _raise_in(request, error)
        self._waiting.clear()
        self._suspects.clear()

    def load(self) -> SandboxLoad:
        """Return how many requests the nodes handle: each at most as many as the programs that it runs at once."""
        busy = sum(min(len(each.held), each.node.jobs) for each in self._serving)
        return SandboxLoad(busy, sum(each.node.jobs for each in self._serving), self.answered)

    async def _notify(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def _send(self, node: NodeConnection, held: dict[int, _Request]) -> None:
        while True:
            async with self._changed:
                while not (batch := self._take(node, held)):
                    await self._changed.wait()
                held.update({request.number: request for request in batch})
            for request in batch:
                request.confirmed = False
            await node.submit([NumberedRequest(request.number, request.content) for request in batch])
            for request in batch:
                request.confirmed = True

    def _take(self, node: NodeConnection, held: dict[int, _Request]) -> list[_Request]:
        """Take the next requests for a node from the queue: its share of them, or a suspect for a node without any."""
        if self._suspects and not held:
            return [self._suspects.popleft()]
        if any(request.suspected for request in held.values()):
            return []
        open_requests = len(self._waiting) + sum(len(each.held) for each in self._serving)
        share = min(-(-open_requests // len(self._serving)), _capacity(node)) - len(held)
        return [self._waiting.popleft() for _ in range(max(0, min(share, BATCH, len(self._waiting))))]

    async def _receive(self, node: NodeConnection, held: dict[int, _Request]) -> None:
        while True:
            for number, answer, error in await node.collect():
                request = held.pop(number)
                self._barren_deaths = 0
                self._innocent_deaths += request.deaths
                self.answered += 1
                if request.answer.done():  # the caller was cancelled
                    continue
                if error:
                    request.answer.set_exception(RuntimeError(f"on the node {node.name}: {error}"))
                else:
                    request.answer.set_result(cast(Answer, answer))
            await self._notify()

    async def _requeue(self, requests: Sequence[_Request], lost: NodeLost) -> None:
        """Return the requests of a dead worker to the queues, or fail those that are poison."""
        if not lost.removed:
            self.deaths += 1
            self._barren_deaths += 1
        if self._failure is None and self._barren_deaths >= MAX_BARREN_DEATHS:
            self.fail(
                OutageError(
                    f"{self._barren_deaths} worker processes of the cluster died without a result in between; the last "
                    f"one: {lost}. Repair the nodes, then run the same command again"
                )
            )
        for request in requests:
            request.suspected |= not lost.removed
            if not lost.removed and len(requests) == 1:
                request.deaths += 1
                request.confirmed_deaths += request.confirmed
            if self._failure is not None:
                _raise_in(request, self._failure)
            elif self._is_poison(request):
                _raise_in(request, PoisonedRequest(f"{request.deaths} workers died with this program: {lost}"))
        waiting = [request for request in requests if not request.answer.done()]
        self._suspects.extend(request for request in waiting if request.suspected)  # after other suspects
        self._waiting.extendleft(request for request in reversed(waiting) if not request.suspected)
        await self._notify()

    def _is_poison(self, request: _Request) -> bool:
        limit = min(MAX_DEATHS + self._innocent_deaths, MOST_DEATHS)
        return request.confirmed_deaths >= limit or request.deaths >= MOST_DEATHS


def _capacity(node: NodeConnection) -> int:
    """Return how many requests a node holds: two batches of those that it runs at once, but no less than two of 64."""
    return max(2 * BATCH, 4 * node.jobs)


def _raise_in(request: _Request, error: Exception) -> None:
    if not request.answer.done():
        request.answer.set_exception(error)
