"""Nothing is asked twice, and nothing is lost that was paid for."""

import asyncio
from collections import Counter
from pathlib import Path

import msgspec
import pytest

from glotsmith.cache import Cache
from glotsmith.teachers.base import Message, Reply, Request, Sampling, Teacher
from glotsmith.teachers.wrappers import CachedTeacher, ReplyStore


class Memory:
    """A cache in a dict."""

    def __init__(self) -> None:
        self.entries: dict[tuple[str, str], bytes] = {}

    def get(self, kind: str, key: str) -> bytes | None:
        return self.entries.get((kind, key))

    def put(self, kind: str, key: str, value: bytes) -> None:
        self.entries.setdefault((kind, key), value)


class Counting(Teacher):
    """Counts how often it is asked for each prompt, and answers when the gate is open."""

    name = "counting"
    model = "m"

    def __init__(self, fingerprint: str = "f", finish: str = "stop") -> None:
        self.fingerprint = fingerprint
        self.requests: Counter[str] = Counter()
        self.gate = asyncio.Event()
        self.finish = finish
        self.closed = 0

    async def reply(self, request: Request) -> Reply:
        self.requests[request.prompt] += 1
        await self.gate.wait()
        if self.finish == "raise":
            raise RuntimeError("a defect")
        return msgspec.convert(
            {"text": request.prompt.upper(), "finish_reason": self.finish, "cost": 0.5, "output_tokens": 3}, Reply
        )

    async def close(self) -> None:
        self.closed += 1


def prompt(text: str, **more: object) -> Request:
    return msgspec.structs.replace(Request(call="c", item="i", prompt=text), **more)


async def all_of(store: ReplyStore, teacher: Counting, *requests: Request) -> list[Reply]:
    cached = CachedTeacher(teacher, store)
    teacher.gate.set()
    replies = [await cached.reply(request) for request in requests]
    await cached.close()
    return replies


@pytest.mark.parametrize("finish", ["stop", "length", "refused"])
def test_an_answer_is_paid_once_and_survives(tmp_path: Path, finish: str) -> None:
    async def main() -> None:
        for cost, count in ((0.5, 1), (0.0, 0)):
            cache = Cache(tmp_path / "cache.sqlite")
            teacher = Counting(finish=finish)
            first, second = await all_of(cache, teacher, prompt("a"), prompt("a"))
            cache.close()
            assert (first.text, first.finish_reason, first.cost) == ("A", finish, cost)
            assert second == msgspec.structs.replace(first, cost=0.0)
            assert teacher.requests["a"] == count

    asyncio.run(main())


def test_an_error_is_asked_again() -> None:
    async def main() -> None:
        store = Memory()
        teacher = Counting(finish="error")
        await all_of(store, teacher, prompt("a"), prompt("a"))
        assert teacher.requests["a"] == 2
        assert store.entries == {}

    asyncio.run(main())


SAMPLING = Sampling(temperature=0.8)
DIFFERENT = [
    prompt("a"),
    prompt("b"),
    prompt("a", sample=1),
    prompt("a", seed=1),
    prompt("a", sampling=SAMPLING),
    prompt("", messages=(Message(role="user", content="a"),)),
    prompt("", messages=(Message(role="system", content="a"),)),
]


def test_requests_that_differ_have_addresses_that_differ() -> None:
    cached = CachedTeacher(Counting(), Memory())
    assert len({cached.address(request) for request in DIFFERENT}) == len(DIFFERENT)
    assert cached.address(prompt("a")) != CachedTeacher(Counting("other"), Memory()).address(prompt("a"))


def test_a_server_does_not_hear_of_the_item() -> None:
    cached = CachedTeacher(Counting(), Memory())
    other = prompt("a", call="other", item="other", context={"name": "other"})
    assert cached.address(other) == cached.address(prompt("a"))


def test_equal_requests_at_one_time_share_one_question() -> None:
    async def main() -> None:
        teacher = Counting()
        cached = CachedTeacher(teacher, Memory())
        asking = [asyncio.create_task(cached.reply(prompt(text))) for text in "aabab"]
        await asyncio.sleep(0.01)
        teacher.gate.set()
        replies = await asyncio.gather(*asking)
        await cached.close()
        assert teacher.requests == {"a": 1, "b": 1}
        assert [r.text for r in replies] == list("AABAB")
        assert sorted(r.cost for r in replies) == [0.0, 0.0, 0.0, 0.5, 0.5]

    asyncio.run(main())


def test_who_asked_may_go_while_others_wait() -> None:
    async def main() -> None:
        teacher, store = Counting(), Memory()
        cached = CachedTeacher(teacher, store)
        first, second = (asyncio.create_task(cached.reply(prompt("a"))) for _ in range(2))
        await asyncio.sleep(0.01)
        first.cancel()
        await asyncio.sleep(0.01)
        assert first.cancelled()
        teacher.gate.set()
        assert (await second).text == "A"
        assert teacher.requests["a"] == 1
        await cached.close()

    asyncio.run(main())


def test_a_defect_reaches_everyone_and_is_not_kept() -> None:
    async def main() -> None:
        teacher, store = Counting(finish="raise"), Memory()
        cached = CachedTeacher(teacher, store)
        teacher.gate.set()
        results = await asyncio.gather(*(cached.reply(prompt("a")) for _ in range(2)), return_exceptions=True)
        assert [type(r) for r in results] == [RuntimeError, RuntimeError]
        assert store.entries == {}
        await cached.close()

    asyncio.run(main())


def test_a_reply_is_stored_before_it_is_handed_out() -> None:
    class Full(Memory):
        def put(self, kind: str, key: str, value: bytes) -> None:
            raise OSError("disk full")

    async def main() -> None:
        with pytest.raises(OSError, match="disk full"):
            await all_of(Full(), Counting(), prompt("a"))

    asyncio.run(main())


def test_an_entry_that_cannot_be_read_is_asked_again() -> None:
    async def main() -> None:
        store = Memory()
        store.put("reply", CachedTeacher(Counting(), store).address(prompt("a")), b"{")
        [reply] = await all_of(store, Counting(), prompt("a"))
        assert reply.text == "A"

    asyncio.run(main())


def test_close_gives_up_and_closes_the_teacher() -> None:
    async def main() -> None:
        teacher = Counting()
        cached = CachedTeacher(teacher, Memory())
        waiting = asyncio.create_task(cached.reply(prompt("a")))
        await asyncio.sleep(0.01)
        await cached.close()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await cached.close()
        assert teacher.closed == 2

    asyncio.run(main())
