"""Requests start so far apart that no minute has more of them, or more tokens, than the limit."""

import asyncio
from typing import Any

import pytest

from glotsmith.teachers.base import Request
from glotsmith.teachers.limiter import Limiter
from glotsmith.teachers.openai import OpenAI
from glotsmith.teachers.openai_options import OpenAIOptions
from glotsmith.teachers.pace import RequestPace


def starts(fake_time: Any, requests: float, tokens: float, sizes: list[tuple[int, int]]) -> list[float]:
    """Send requests of these sizes (expected, actual), all at once; return when each starts."""
    pace = RequestPace(requests, tokens, fake_time.clock)
    found = [fake_time.time + pace.reserve(expected) for expected, _ in sizes]
    for expected, actual in sizes:
        pace.correct(expected, actual)
    return found


def most_in_a_minute(times: list[float], weights: list[int]) -> int:
    return max(sum(w for t, w in zip(times, weights, strict=True) if a <= t < a + 60) for a in times)


@pytest.mark.parametrize("limit", [1, 7, 60, 600, 0.5])
def test_a_minute_has_at_most_the_limit_of_requests(fake_time: Any, limit: float) -> None:
    times = starts(fake_time, limit, 0, [(10, 10)] * 900)
    assert most_in_a_minute(times, [1] * 900) <= max(1, limit) + 1
    assert times[-1] - times[0] == pytest.approx(899 * 60 / limit)  # and no less than that


@pytest.mark.parametrize("limit", [1000, 30_000])
def test_a_minute_has_at_most_the_limit_of_tokens(fake_time: Any, limit: int) -> None:
    sizes = [100 + 97 * n % 500 for n in range(400)]
    times = starts(fake_time, 0, limit, [(size, size) for size in sizes])
    assert most_in_a_minute(times, sizes) <= limit + max(sizes)
    assert times[-1] - times[0] == pytest.approx((sum(sizes) - sizes[-1]) * 60 / limit)


def test_both_limits_hold_and_no_limit_waits_for_nothing(fake_time: Any) -> None:
    assert starts(fake_time, 60, 600, [(20, 20)] * 3) == [1000, 1002, 1004]
    assert starts(fake_time, 10, 6000, [(20, 20)] * 3) == [1000, 1006, 1012]
    assert starts(fake_time, 0, 0, [(20, 20)] * 3) == [1000, 1000, 1000]


@pytest.mark.parametrize(("actual", "next_s"), [(100, 10), (300, 30), (0, 0), (10, 1)])
def test_the_tokens_of_a_reply_correct_those_that_were_expected(fake_time: Any, actual: int, next_s: float) -> None:
    pace = RequestPace(0, 600, fake_time.clock)
    assert pace.reserve(100) == 0
    pace.correct(100, actual)
    assert pace.reserve(1) == pytest.approx(next_s)
    assert pace.expected_tokens(7) == (actual or 7)


def test_an_idle_time_gives_no_burst(fake_time: Any) -> None:
    pace = RequestPace(60, 0, fake_time.clock)
    pace.reserve(1)
    fake_time.time += 600
    assert [pace.reserve(1) for _ in range(3)] == [0, 1, 2]


def test_the_limit_does_not_grow_while_requests_wait_for_their_turn(fake_time: Any) -> None:
    async def main(delay_s: float) -> int:
        limiter = Limiter(2, 64, fake_time.clock)
        sent = asyncio.Event()

        async def waits() -> None:
            async with limiter.slot():
                await limiter.delay(delay_s)
                await sent.wait()

        async def succeeds() -> None:
            async with limiter.slot():
                await asyncio.sleep(0)
                limiter.succeeded()
            sent.set()

        await asyncio.gather(waits(), succeeds())
        return limiter.limit

    async def forever(seconds: float) -> None:
        await asyncio.sleep(0.01)

    fake_time.sleep = forever
    assert (asyncio.run(main(5)), asyncio.run(main(0))) == (2, 3)


def test_the_state_shows_what_is_in_flight_and_what_waits(fake_time: Any) -> None:
    async def main() -> None:
        limiter = Limiter(2, 64, fake_time.clock)
        gate = asyncio.Event()

        async def one() -> None:
            async with limiter.slot():
                await gate.wait()

        tasks = [asyncio.create_task(one()) for _ in range(5)]
        for _ in range(5):
            await asyncio.sleep(0)
        limiter.pause(9)
        assert limiter.state() == (2, 2, 3, 9.0)
        gate.set()
        await asyncio.gather(*tasks)
        assert limiter.state()[1:3] == (0, 0)

    asyncio.run(main())


def seconds(server: Any, fake_time: Any, headers: dict[str, str], **options: Any) -> float:
    """Ask a server that states these headers three times; return how long that takes."""
    body = {"choices": [{"text": "a"}], "usage": {"prompt_tokens": 40, "completion_tokens": 60}}
    server.answers = [lambda handler: handler.send_json(200, body, **headers)]

    async def main() -> None:
        settings = OpenAIOptions(model="small", base_url=server.url, max_wait_s=90.0, **options)
        teacher = OpenAI(settings, clock=fake_time.clock)
        for number in range(3):
            await teacher.reply(Request(call="c", item="i", prompt=f"{number}"))
        await teacher.close()

    before = fake_time.time
    asyncio.run(main())
    return fake_time.time - before


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, 0),
        ({"requests_per_minute": 30}, 4),
        ({"tokens_per_minute": 600}, 20),
        ({"requests_per_minute": 1, "tokens_per_minute": 600}, 120),
    ],
)
def test_the_teacher_keeps_the_limits_of_an_account(
    server: Any, fake_time: Any, options: dict[str, float], expected: float
) -> None:
    assert seconds(server, fake_time, {}, **options) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"x_ratelimit_remaining_requests": "0", "x_ratelimit_reset_requests": "20s"}, 40),
        ({"x_ratelimit_remaining_tokens": "0", "x_ratelimit_reset_tokens": "1m0s"}, 120),
        ({"x_ratelimit_remaining_requests": "1", "x_ratelimit_reset_requests": "20s"}, 0),
        ({"x_ratelimit_reset_requests": "20s"}, 0),
        ({"x_ratelimit_remaining_requests": "0"}, 0),
        ({"x_ratelimit_remaining_requests": "0", "x_ratelimit_reset_requests": "soon"}, 0),
        ({"x_ratelimit_remaining_requests": "0", "x_ratelimit_reset_requests": "9h"}, 180),  # at most max_wait_s
        ({"anthropic_ratelimit_tokens_remaining": "0", "anthropic_ratelimit_tokens_reset": "5s"}, 10),
    ],
)
def test_a_reply_that_states_an_exhausted_limit_pauses_the_requests(
    server: Any, fake_time: Any, headers: dict[str, str], expected: float
) -> None:
    assert seconds(server, fake_time, headers) == pytest.approx(expected)
