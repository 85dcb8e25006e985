"""Lists that are longer than the queue: they wait inside their request, and do not hold up others."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import pytest
from test_service import JOB, Client, message_of, within

from glotsmith.records import Job, Outcome, Program, Verdict
from glotsmith.service import admission
from glotsmith.service.app import build_app

LINES = {"content-type": "application/x-ndjson"}


class Paced:
    """A verifier that judges one job for each permit, and records the order."""

    def __init__(self, c: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        self.begun: list[str] = []
        self.permits = asyncio.Semaphore(0)
        self.under_way = self.most = 0
        monkeypatch.setattr(c.service.verifier, "verify", self.verify)

    async def verify(self, job: Job) -> Verdict:
        self.begun.append(job.id)
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            await self.permits.acquire()
        finally:
            self.under_way -= 1
        return Verdict(id=job.id, language=job.language, status="pass")

    def permit(self, jobs: int) -> None:
        for _ in range(jobs):
            self.permits.release()


def named(prefix: str, count: int) -> list[dict[str, Any]]:
    return [JOB | {"id": f"{prefix}{i}"} for i in range(count)]


def ids(verdicts: list[dict[str, Any]]) -> list[str]:
    return [verdict["id"] for verdict in verdicts]


def lines(count: int) -> bytes:
    item = {"test_cases": [{"input": "", "output": "1"}], "timeout_s": 5.0}
    return b"".join(msgspec.json.encode({"code": f"{i}", **item}) + b"\n" for i in range(count))


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.001)


def paced(test: Callable[[Client, Paced], Awaitable[None]], monkeypatch: pytest.MonkeyPatch, **options: Any) -> None:
    async def main(c: Client) -> None:
        await test(c, Paced(c, monkeypatch))
        assert (c.service.admission.admitted, c.service.admission.listed) == (0, 0)

    within(main, **options)


@pytest.mark.parametrize(
    ("jobs", "queue", "items", "most"), [(1, 8, 40, 2), (2, 3, 25, 4), (1, 0, 7, 1), (4, 1, 64, 5)]
)
def test_a_list_longer_than_the_queue_is_answered_in_order(
    jobs: int, queue: int, items: int, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def test(c: Client, verifier: Paced) -> None:
        sent = asyncio.create_task(c.post("/verify", [*named("", items), {"id": "bad"}]))
        await until(lambda: verifier.under_way == most)
        verifier.permit(items)
        reply = await sent
        assert reply.status_code == 200, reply.text
        assert ids(reply.json()) == [*(str(i) for i in range(items)), "bad"]
        assert (reply.json()[-1]["status"], reply.json()[-1]["line"]) == ("infra:refused", items + 1)
        assert verifier.most == most

    paced(test, monkeypatch, jobs=jobs, queue=queue)


@pytest.mark.parametrize("count", [3, 10, 50])
def test_lines_longer_than_the_queue_are_answered_in_order(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(c: Client) -> None:
        async def run(program: Program) -> Outcome:
            await asyncio.sleep(0)
            code = next(str(text) for name, text in program.files.items() if name.endswith(".lua"))
            return Outcome(ending="exit", code=0, stdout=code.encode())

        monkeypatch.setattr(c.service.sandbox, "run", run)
        reply = await c.http.post("/agnostics?language=lua", content=lines(count), headers=LINES)
        assert reply.status_code == 200, reply.text
        got = [msgspec.json.decode(line) for line in reply.content.splitlines()]
        assert [answer["result"] for answer in got].count("success") == 1
        assert [answer.get("got", "1").strip() for answer in got] == [str(i) for i in range(count)]

    within(test)


@pytest.mark.parametrize("lists_first", [1, 2])
def test_a_job_that_comes_during_long_lists_is_judged_before_their_end(
    lists_first: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def test(c: Client, verifier: Paced) -> None:
        long = [asyncio.create_task(c.post("/verify", named(f"{n}-", 20))) for n in range(lists_first)]
        await until(lambda: verifier.under_way == 2)
        single = asyncio.create_task(c.post("/verify", JOB | {"id": "single"}))
        await until(lambda: "single" in verifier.begun)
        verifier.permit(3)
        assert (await single).json()["id"] == "single"
        assert not any(task.done() for task in long)
        verifier.permit(20 * lists_first)
        for number, task in enumerate(long):
            assert ids((await task).json()) == [f"{number}-{i}" for i in range(20)]

    paced(test, monkeypatch, jobs=1, queue=2)


@pytest.mark.parametrize(("long", "short"), [(40, 4), (30, 2), (60, 10)])
def test_a_short_list_that_comes_later_is_answered_first(
    long: int, short: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def test(c: Client, verifier: Paced) -> None:
        first = asyncio.create_task(c.post("/verify", named("a", long)))
        await until(lambda: verifier.under_way == 2)
        second = asyncio.create_task(c.post("/verify", named("b", short)))
        await until(lambda: c.service.admission.listed == long + short)
        verifier.permit(2 * short + 4)  # equal shares, and what is under way
        assert ids((await second).json()) == [f"b{i}" for i in range(short)]
        assert not first.done()
        verifier.permit(long)
        assert ids((await first).json()) == [f"a{i}" for i in range(long)]

    paced(test, monkeypatch, jobs=1, queue=2)


@pytest.mark.parametrize(
    ("path", "body", "headers"),
    [
        ("/verify", msgspec.json.encode([JOB] * 6), {}),
        ("/verify", msgspec.json.encode([1] * 6), {}),
        ("/agnostics?language=lua", lines(6), LINES),
    ],
)
def test_beyond_the_bound_a_list_is_refused(path: str, body: bytes, headers: dict[str, str]) -> None:
    async def test(c: Client) -> None:
        reply = await c.post(path, body, **headers)
        assert reply.status_code == 413
        assert message_of(reply) == "6 jobs; at most 5 may be sent at once: send the list in parts"
        assert (c.sandbox.seen, c.service.admission.admitted, c.service.admission.listed) == ([], 0, 0)

    within(test, list_items=5, queue=64)


def test_lists_that_exceed_the_bound_together_must_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(c: Client, verifier: Paced) -> None:
        first = asyncio.create_task(c.post("/verify", named("a", 7)))
        await until(lambda: verifier.under_way > 0)
        reply = await c.post("/verify", named("b", 4))
        assert (reply.status_code, int(reply.headers["retry-after"]) >= 1) == (429, True)
        assert c.service.admission.listed == 7
        verifier.permit(7 + 4)
        assert (await first).status_code == 200
        assert (await c.post("/verify", named("b", 4))).status_code == 200

    paced(test, monkeypatch, list_items=10, queue=64)


def test_many_requests_are_told_to_come_again_whatever_they_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(c: Client, verifier: Paced) -> None:
        held = [asyncio.create_task(c.post("/verify", named(f"{n}-", 5))) for n in range(2)]
        await until(lambda: c.service.admission.listed == 10)
        for body in (JOB, [JOB], [JOB] * 9):
            assert (await c.post("/verify", body)).status_code == 429
        verifier.permit(10)
        assert [(await task).status_code for task in held] == [200, 200]

    paced(test, monkeypatch)


def test_a_client_that_leaves_takes_its_list_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(c: Client, verifier: Paced) -> None:
        app, messages = build_app(c.service), asyncio.Queue[dict[str, Any]]()
        headers = [(b"host", b"localhost"), (b"content-type", b"application/json")]
        scope = {"type": "http", "method": "POST", "path": "/verify", "headers": headers, "query_string": b""}
        body = msgspec.json.encode(named("gone", 50))
        messages.put_nowait({"type": "http.request", "body": body, "more_body": False})

        async def send(_: Any) -> None:
            pass

        task = asyncio.create_task(app(scope, messages.get, send))
        await until(lambda: verifier.under_way == 2)
        waiting = asyncio.create_task(c.post("/verify", named("b", 10)))
        await until(lambda: c.service.admission.listed == 60)
        messages.put_nowait({"type": "http.disconnect"})
        await task
        assert (c.service.admission.admitted, c.service.admission.listed) == (1, 10)
        verifier.permit(10)
        assert ids((await waiting).json()) == [f"b{i}" for i in range(10)]
        assert [name for name in verifier.begun if name.startswith("gone")] == ["gone0", "gone1"]

    paced(test, monkeypatch)


def test_answers_of_a_list_have_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(c: Client) -> None:
        async def verify(job: Job) -> Verdict:
            return Verdict(id=job.id, language=job.language, status="pass", stdout="x" * 300_000)

        monkeypatch.setattr(c.service.verifier, "verify", verify)
        monkeypatch.setattr(admission, "ANSWERS_MB", 1)
        verdicts = (await c.post("/verify", named("", 6))).json()
        assert [v["status"] for v in verdicts] == ["pass"] * 4 + ["infra:refused"] * 2
        assert ids(verdicts) == [str(i) for i in range(6)]
        assert "the answers before item 6 have 1 MiB" in verdicts[5]["detail"]

    within(test, queue=0)


@pytest.mark.parametrize("most", [7, 100_000])
def test_the_description_says_how_long_a_list_may_be(most: int) -> None:
    async def test(c: Client) -> None:
        described = (await c.http.get("/openapi.json")).json()["paths"]
        schema = described["/verify"]["post"]["requestBody"]["content"]["application/json"]["schema"]
        assert [one["maxItems"] for one in schema["anyOf"] if one.get("type") == "array"] == [most]
        assert f"A request may have up to {most} lines." in described["/agnostics"]["post"]["description"]

    within(test, list_items=most)
