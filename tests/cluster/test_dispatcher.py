"""The queue of a cluster, with workers that are objects of this process and die when a test says so."""

import asyncio
from collections.abc import Callable, Sequence

import pytest

from glotsmith.cluster.dispatcher import (
    BATCH,
    MAX_BARREN_DEATHS,
    MAX_DEATHS,
    MOST_DEATHS,
    Dispatcher,
    NodeLost,
    PoisonedRequest,
)
from glotsmith.cluster.messages import NumberedAnswer, NumberedRequest
from glotsmith.errors import OutageError
from glotsmith.records import Job, Verdict

POISON = "poison"


class InProcessWorker:
    """A worker that answers at once; a job called ``poison`` kills it, and it may die after some answers."""

    def __init__(self, dies_after: int = -1, *, removed: bool = False, error: str = "", confirms: bool = True) -> None:
        self.name, self.jobs = "in-process", 2
        self.handled: list[str] = []
        self.largest_batch = 0
        self._dies_after, self._removed, self._error = dies_after, removed, error
        self._confirms = confirms
        self._answers = asyncio.Queue[NumberedAnswer]()
        self._dead = asyncio.Event()

    async def submit(self, batch: Sequence[NumberedRequest]) -> None:
        self.largest_batch = max(self.largest_batch, len(batch))
        for number, content in batch:
            assert isinstance(content, Job)
            self.handled.append(content.id)
            if content.id == POISON or len(self.handled) == self._dies_after:
                self._dead.set()
            if self._dead.is_set() and not self._confirms:
                raise self._loss()
            if self._dead.is_set():
                return
            verdict = Verdict(id=content.id, language="lua", status="pass")
            self._answers.put_nowait(NumberedAnswer(number, None if self._error else verdict, self._error))

    def _loss(self) -> NodeLost:
        return NodeLost("the worker died", removed=self._removed)

    async def collect(self) -> list[NumberedAnswer]:
        getting, dying = asyncio.create_task(self._answers.get()), asyncio.create_task(self._dead.wait())
        await asyncio.wait((getting, dying), return_when=asyncio.FIRST_COMPLETED)
        if self._dead.is_set() and self._answers.empty() and not getting.done():
            raise self._loss()
        dying.cancel()
        found = [await getting]
        await asyncio.sleep(0)
        while not self._answers.empty():
            found.append(self._answers.get_nowait())
        return found


def job(name: str) -> Job:
    return Job(id=name, language="lua", tests=("assert f(1) == 1",), code="")


async def serve(dispatcher: Dispatcher, start: Callable[[], InProcessWorker | None]) -> None:
    """Serve with one worker after another, as a node whose worker is replaced."""
    while (worker := start()) is not None:
        try:
            await dispatcher.serve(worker)
        except NodeLost:
            continue


async def answers(
    jobs: Sequence[Job], nodes: Sequence[Callable[[], InProcessWorker | None]]
) -> tuple[list[Verdict | BaseException], Dispatcher]:
    dispatcher = Dispatcher()
    serving = [asyncio.create_task(serve(dispatcher, each)) for each in nodes]
    try:
        await asyncio.sleep(0)
        requests = [dispatcher.request(each) for each in jobs]
        found = await asyncio.wait_for(asyncio.gather(*requests, return_exceptions=True), 20)
    finally:
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)
    return found, dispatcher  # type: ignore[return-value]


def in_turn(*workers: InProcessWorker) -> Callable[[], InProcessWorker | None]:
    """Return the workers one after another, and then new ones that do not die by themselves."""
    waiting = list(workers)
    return lambda: waiting.pop(0) if waiting else InProcessWorker()


@pytest.mark.parametrize("count", [1, 2 * BATCH + 1, 1000])
@pytest.mark.parametrize(
    "deaths", [[[]], [[], []], [[1]], [[3, 1, 7]], [[1], [1]], [[50], [], [2, 2]], [[5, 9, 2, 11]]]
)
def test_each_request_has_one_answer_whatever_dies(count: int, deaths: list[list[int]]) -> None:
    async def check() -> None:
        nodes = [in_turn(*(InProcessWorker(number) for number in each)) for each in deaths]
        found, dispatcher = await answers([job(str(i)) for i in range(count)], nodes)
        assert [each.id for each in found if isinstance(each, Verdict)] == [str(i) for i in range(count)]
        assert dispatcher.answered == count

    asyncio.run(check())


def test_only_the_poisoned_request_fails() -> None:
    async def check() -> None:
        jobs = [job(POISON if i == 70 else str(i)) for i in range(200)]
        found, dispatcher = await answers(jobs, [in_turn(), in_turn()])
        assert [i for i, each in enumerate(found) if isinstance(each, PoisonedRequest)] == [70]
        assert sum(isinstance(each, Verdict) for each in found) == 199
        assert dispatcher.deaths == MAX_DEATHS + 1  # the first with other requests

    asyncio.run(check())


@pytest.mark.parametrize(
    ("killed", "poison", "deaths"),
    [
        pytest.param([2, 1, 1, 1], False, 4, id="programs that were alone once are not poison"),
        pytest.param([2], True, 1 + MAX_DEATHS, id="the first death counts for no program"),
        pytest.param([2, 1, 1, 1], True, 4 + 3 + MAX_DEATHS, id="three programs were answered after a death"),
        pytest.param([2, *[1] * 9], True, 10 + MOST_DEATHS, id="the limit has a limit"),
    ],
)
def test_deaths_for_other_reasons_need_more_evidence(killed: list[int], poison: bool, deaths: int) -> None:
    """Workers die at their first or second request, whatever it is; later workers die only of poison."""

    async def check() -> None:
        jobs = [*(job(str(i)) for i in range(12)), *([job(POISON)] if poison else [])]
        found, dispatcher = await answers(jobs, [in_turn(*(InProcessWorker(each) for each in killed))])
        assert [each.id for each in found if isinstance(each, Verdict)] == [str(i) for i in range(12)]
        assert sum(isinstance(each, PoisonedRequest) for each in found) == poison
        assert dispatcher.deaths == deaths

    asyncio.run(check())


@pytest.mark.parametrize(("confirms", "deaths"), [(True, MAX_DEATHS), (False, MOST_DEATHS)])
def test_a_worker_that_confirmed_nothing_is_weak_evidence(confirms: bool, deaths: int) -> None:
    async def check() -> None:
        [found], dispatcher = await answers([job(POISON)], [lambda: InProcessWorker(confirms=confirms)])
        assert isinstance(found, PoisonedRequest)
        assert dispatcher.deaths == deaths

    asyncio.run(check())


def test_a_removed_node_makes_no_request_suspect() -> None:
    async def check() -> None:
        lost = [InProcessWorker(5, removed=True) for _ in range(MAX_BARREN_DEATHS + 1)]
        found, dispatcher = await answers([job(str(i)) for i in range(100)], [in_turn(*lost)])
        assert all(isinstance(each, Verdict) for each in found)
        assert dispatcher.deaths == 0

    asyncio.run(check())


def test_workers_that_always_die_end_the_run() -> None:
    async def check() -> None:
        found, dispatcher = await answers([job(str(i)) for i in range(100)], [lambda: InProcessWorker(1)])
        assert {type(each) for each in found} <= {OutageError, PoisonedRequest}
        assert any("died without a result in between" in str(each) for each in found)
        with pytest.raises(OutageError, match="died without a result in between"):
            await dispatcher.request(job("later"))

    asyncio.run(check())


def test_an_error_on_a_node_is_raised_where_the_request_was_made() -> None:
    async def check() -> None:
        found, _ = await answers([job("a")], [lambda: InProcessWorker(error="ValueError: no")])
        assert [type(each) for each in found] == [RuntimeError]
        assert str(found[0]) == "on the node in-process: ValueError: no"

    asyncio.run(check())


@pytest.mark.slow
def test_nodes_share_a_short_queue_and_batches_are_bounded() -> None:
    async def check() -> None:
        workers = [InProcessWorker(), InProcessWorker()]
        await answers([job(str(i)) for i in range(40)], [in_turn(workers[0]), in_turn(workers[1])])
        assert min(len(each.handled) for each in workers) > 0
        await answers([job(str(i)) for i in range(1000)], [in_turn(many := InProcessWorker())])
        assert many.largest_batch <= BATCH

    asyncio.run(check())


def test_a_cancelled_request_leaves_the_queue() -> None:
    async def check() -> None:
        dispatcher, worker = Dispatcher(), InProcessWorker()
        request = asyncio.create_task(dispatcher.request(job("gone")))
        await asyncio.sleep(0)
        request.cancel()
        await asyncio.gather(request, return_exceptions=True)
        serving = asyncio.create_task(dispatcher.serve(worker))
        await dispatcher.request(job("next"))
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)
        assert worker.handled == ["next"]

    asyncio.run(check())
