"""A failed request is raised, and what a teacher has answered before shows whether it works now."""

import asyncio

import pytest

from glotsmith.cache import Cache
from glotsmith.drop_reasons import Reason
from glotsmith.teachers.base import Reply, Request
from glotsmith.teachers.wrappers import CachedTeacher, FailureRaisingTeacher
from glotsmith.unanswered import Unanswered, accepting_failures

FAILED = Reply(text="", finish_reason="error", detail="500 Internal Server Error: boom")


class Server:
    name, model, fingerprint = "server", "m", "f"
    structured = False

    def __init__(self, up=True, poison=(), finish_reason="stop"):
        self.up, self.poison, self.finish_reason, self.requests = up, poison, finish_reason, []

    def address(self, request):
        return request.item + request.call

    async def reply(self, request):
        self.requests.append(request.item)
        return (
            Reply(text=request.item, finish_reason=self.finish_reason)
            if self.up and request.item not in self.poison
            else FAILED
        )

    async def close(self):
        pass


def request(item="a", call="translate"):
    return Request(call=call, item=item, prompt=item)


@pytest.fixture(params=["bare", "cached"])
def answering(request, tmp_path):
    made = []

    def make(server):
        if request.param == "bare":
            return FailureRaisingTeacher(server)
        made.append(Cache(tmp_path / "cache.sqlite"))
        return FailureRaisingTeacher(CachedTeacher(server, made[-1]))

    yield make
    for cache in made:
        cache.close()


@pytest.mark.parametrize("finish_reason", ["stop", "length", "refused"])
def test_answers_and_refusals_pass(answering, finish_reason):
    teacher = answering(Server(finish_reason=finish_reason))
    assert asyncio.run(teacher.reply(request())).finish_reason == finish_reason


def test_a_failure_is_raised_with_the_servers_words(answering):
    teacher = answering(Server(up=False))
    with pytest.raises(Unanswered, match="500 Internal Server Error: boom") as raised:
        asyncio.run(teacher.reply(request()))
    assert (raised.value.reason, raised.value.health.name) == (Reason.TEACHER_FAILED, "the teacher (translate)")


def test_a_failure_that_is_accepted_passes(answering):
    async def ask():
        with accepting_failures():
            return await asyncio.gather(teacher.reply(request()), teacher.reply(request("b")))

    teacher = answering(Server(up=False))
    assert asyncio.run(ask()) == [FAILED, FAILED]


async def health(teacher, item, call="translate"):
    with pytest.raises(Unanswered) as raised:
        await teacher.reply(request(item, call))
    return raised.value.health


def test_a_teacher_works_if_it_answers_again_what_it_answered(answering):
    async def scenario():
        server = Server(poison=("x",))
        teacher = answering(server)
        found = await health(teacher, "x")
        assert (found.answered, await found.works()) == (0, False)  # it has never answered anything
        await teacher.reply(request("a"))
        assert (found.answered, await found.works()) == (1, True)
        server.up = False
        assert not await found.works()
        assert server.requests == ["x", "a", "a", "a"]

    asyncio.run(scenario())


def test_another_call_is_no_evidence(answering):
    async def scenario():
        teacher = answering(Server(poison=("x",)))
        await teacher.reply(request("a", "write_tests"))
        found = await health(teacher, "x", "translate")
        assert (found.answered, await found.works()) == (0, False)

    asyncio.run(scenario())


def test_what_an_earlier_run_was_answered_is_known_from_the_cache(tmp_path):
    async def scenario():
        cache = Cache(tmp_path / "cache.sqlite")
        await FailureRaisingTeacher(CachedTeacher(Server(), cache)).reply(request("a"))
        server = Server(poison=("x",))
        teacher = FailureRaisingTeacher(CachedTeacher(server, cache))
        assert (await teacher.reply(request("a"))).text == "a"
        found = await health(teacher, "x")
        assert (found.answered, server.requests) == (0, ["x"])  # what comes from the cache does not count
        assert await found.works()
        assert server.requests == ["x", "a"]
        cache.close()

    asyncio.run(scenario())


def test_a_failure_is_not_cached(answering):
    async def scenario():
        server = Server(up=False)
        teacher = answering(server)
        await health(teacher, "a")
        server.up = True
        assert (await teacher.reply(request("a"))).text == "a"

    asyncio.run(scenario())


def test_a_prompt_with_a_lone_surrogate_is_no_fault(tmp_path):
    async def scenario():
        cache = Cache(tmp_path / "cache.sqlite")
        reply = await FailureRaisingTeacher(CachedTeacher(Server(), cache)).reply(
            Request(call="c", item="i", prompt="\ud800")
        )
        assert reply.text == "i"
        cache.close()

    asyncio.run(scenario())
