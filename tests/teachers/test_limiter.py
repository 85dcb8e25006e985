"""The limiter against a simulated server: no time passes, so every run is the same."""

import asyncio
from typing import Any

import pytest

from glotsmith.teachers.limiter import Clock, Limiter


async def simulate(limiter: Limiter, capacity: int, requests: int) -> list[int]:
    """Send requests, each again until it is accepted, to a server that bears ``capacity`` at once."""
    busy = 0
    limits: list[int] = []

    async def one() -> None:
        nonlocal busy
        accepted = False
        while not accepted:
            async with limiter.slot() as epoch:
                busy += 1
                accepted = busy <= capacity
                for _ in range(5):
                    await asyncio.sleep(0)
                busy -= 1
                if accepted:
                    limiter.succeeded()
                else:
                    limiter.congested(epoch)
            limits.append(limiter.limit)

    await asyncio.gather(*(one() for _ in range(requests)))
    return limits


@pytest.mark.parametrize("capacity", [1, 3, 10, 40])
@pytest.mark.parametrize("start", [1, 8, 64])
def test_the_limit_settles_around_the_capacity(capacity: int, start: int) -> None:
    limits = asyncio.run(simulate(Limiter(start, 64), capacity, 1500))
    late = limits[len(limits) // 2 :]
    assert max(late) <= capacity + 2  # it keeps trying higher limits
    assert min(late) >= capacity // 2


def test_the_limit_grows_to_the_maximum_and_no_further() -> None:
    limits = asyncio.run(simulate(Limiter(2, 16), capacity=1000, requests=200))
    assert max(limits) == limits[-1] == 16


def test_the_limit_does_not_grow_while_slots_are_free() -> None:
    assert set(asyncio.run(simulate(Limiter(8, 64), capacity=1000, requests=7))) == {8}


@pytest.mark.parametrize(("start", "maximum", "limit"), [(8, 64, 8), (8, 4, 4), (0, 64, 1), (-1, 0, 1)])
def test_the_limit_begins_between_one_and_the_maximum(start: int, maximum: int, limit: int) -> None:
    assert Limiter(start, maximum).limit == limit


def test_complaints_of_one_burst_cut_once() -> None:
    async def main() -> list[int]:
        limiter = Limiter(16, 64)
        limits: list[int] = []
        for epoch in (0, 0, 0, 1, 0, 2, 3, 4, 5, 6):
            limiter.congested(epoch)
            limits.append(limiter.limit)
        return limits

    assert asyncio.run(main()) == [8, 8, 8, 4, 4, 2, 1, 1, 1, 1]


def test_a_pause_holds_all_slots_back(fake_time: Any) -> None:
    async def main() -> list[float]:
        limiter = Limiter(2, 64, fake_time.clock)
        limiter.pause(30)
        limiter.pause(10)  # does not shorten it
        begun: list[float] = []

        async def one() -> None:
            async with limiter.slot():
                begun.append(fake_time.time)

        await asyncio.gather(*(one() for _ in range(6)))
        return begun

    begin = fake_time.time
    assert all(time >= begin + 30 for time in asyncio.run(main()))


@pytest.mark.parametrize(
    ("waits", "now", "seconds"),
    [
        ([], 50, 0),
        ([(0, 10)], 4, 4),
        ([(0, 10)], 50, 10),
        ([(0, 10), (5, 10)], 50, 15),  # they overlap
        ([(0, 10), (5, 2)], 50, 10),
        ([(0, 10), (20, 5)], 22, 12),
    ],
)
def test_the_time_in_which_the_server_refused_requests_counts_once(
    waits: list[tuple[float, float]], now: float, seconds: float
) -> None:
    moment = 100.0
    limiter = Limiter(2, 64, Clock(now=lambda: moment))
    for begin, wait in waits:
        moment = 100 + begin
        limiter.record_rate_limit_wait(wait)
    moment = 100 + now
    assert limiter.rate_limited_s == pytest.approx(seconds)


def test_a_cancelled_request_gives_its_slot_back() -> None:
    async def main() -> int:
        limiter = Limiter(1, 1, Clock())

        async def hold() -> None:
            async with limiter.slot():
                await asyncio.sleep(60)

        tasks = [asyncio.create_task(hold()) for _ in range(2)]  # one holds, one waits
        await asyncio.sleep(0.01)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        async with limiter.slot():
            return limiter.in_flight

    assert asyncio.run(main()) == 1
