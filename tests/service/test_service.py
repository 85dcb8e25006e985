"""What a service answers, and when it refuses: over its ASGI application, in this process."""

import asyncio
import base64
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from glotsmith.records import Job, Limits, Outcome, Program, Verdict
from glotsmith.sandbox.base import ALL_PROMISES
from glotsmith.sandbox.program_json import decode_outcome, decode_program, encode_program
from glotsmith.service.app import ENDPOINTS, build_app
from glotsmith.service.state import Service, ServiceSettings

JOB = {"id": "1", "language": "python", "code": "def f(x):\n    return x", "tests": ["assert f(1) == 1"]}


class Scripted:
    """A sandbox that answers as it is told; ``true`` at once, everything else when it is let."""

    name = "scripted"
    promises = ALL_PROMISES

    def __init__(self) -> None:
        self.seen: list[Program] = []
        self.cancelled = 0
        self.running = 0
        self.go = asyncio.Event()
        self.error: Exception | None = None

    async def run(self, program: Program) -> Outcome:
        self.seen.append(program)
        if self.error:
            raise self.error
        if program.argv[0] == "wait":
            self.running += 1
            try:
                await self.go.wait()
            except asyncio.CancelledError:
                self.cancelled += 1
                raise
            finally:
                self.running -= 1
        return Outcome(ending="exit", stdout=b"\xff\x00out", cpu_s=0.5)

    async def close(self) -> None:
        pass


class Client:
    def __init__(self, **options: Any) -> None:
        self.sandbox = Scripted()
        self.service = Service(self.sandbox, ServiceSettings(**{"jobs": 1, "queue": 1, "body_s": 5.0} | options))
        # What escapes the application is a defect, and must not pass for an answer.
        transport = httpx.ASGITransport(build_app(self.service), raise_app_exceptions=True)
        self.http = httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1")

    async def post(self, path: str, body: Any, **headers: str) -> httpx.Response:
        content = body if isinstance(body, bytes) else msgspec.json.encode(body)
        return await self.http.post(path, content=content, headers={"content-type": "application/json"} | headers)

    async def until(self, running: int) -> None:
        async with asyncio.timeout(5):
            while self.sandbox.running != running:
                await asyncio.sleep(0.001)


@asynccontextmanager
async def client(**options: Any) -> AsyncIterator[Client]:
    made = Client(**options)
    async with made.http:
        yield made


def within(test: Callable[[Client], Awaitable[None]], **options: Any) -> None:
    async def main() -> None:
        async with client(**options) as c:
            await test(c)

    asyncio.run(main())


def message_of(reply: httpx.Response) -> str:
    """The sentence of a refusal, which is all there is in it."""
    assert reply.headers["content-type"] == "application/json"
    refusal = reply.json()
    assert set(refusal) == {"error"}
    return refusal["error"]


# Running


def test_run():
    async def test(c: Client) -> None:
        program = Program(
            files={"a": "é", "b": b"\xff\x00", "half": "\ud800"},
            argv=("true", "@{dir}/a"),
            build=("make",),
            stdin="\udfff in",
            env={"A": "b=c"},
            limits=Limits(cpu_s=1.5, file_mb=2),
        )
        reply = await c.post("/run", encode_program(program))
        assert (reply.status_code, reply.headers["content-type"]) == (200, "application/json")
        assert decode_outcome(reply.content) == Outcome(ending="exit", stdout=b"\xff\x00out", cpu_s=0.5)
        (seen,) = c.sandbox.seen
        assert seen == msgspec.structs.replace(program, files={**program.files, "half": b"\xed\xa0\x80"})

    within(test)


def test_outcomes_are_plain_json():
    async def test(c: Client) -> None:
        reply = (await c.post("/run", {"argv": ["true"]})).json()
        assert reply == {"ending": "exit", "stdout": base64.b64encode(b"\xff\x00out").decode(), "cpu_s": 0.5}

    within(test)


@settings(deadline=None)
@given(
    files=st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), st.text() | st.binary(), max_size=4),
    stdin=st.text(st.characters(exclude_categories=[])),
)
def test_programs_arrive_as_they_were(files: dict[str, str | bytes], stdin: str):
    program = Program(files=files, argv=("x",), stdin=stdin)
    assert decode_program(encode_program(program)) == program


@pytest.mark.parametrize(
    ("body", "status", "sentence"),
    [
        (b"", 400, "the body is not JSON"),
        (b"{", 400, "the body is not JSON"),
        (b'{"argv": ["\xff"]}', 400, "the body is not JSON"),
        (b"[" * 100_000, 422, "Expected `object`, got `array`"),
        (b'{"argv": ' + b"[" * 100_000, 422, "Expected `str`, got `array`"),
        ({}, 422, "missing required field `argv`"),
        ({"argv": []}, 422, "argv is empty"),
        ({"argv": "true"}, 422, "Expected `array`"),
        ({"argv": ["true"], "warm": None}, 422, "unknown field `warm`"),
        ({"argv": ["true"], "files": {"a": 1}}, 422, "$.files[...]"),
        ({"argv": ["true"], "files_base64": {"a": "?"}}, 422, "base64"),
        ({"argv": ["true"], "files": {"a": ""}, "files_base64": {"a": ""}}, 422, "'a' appears twice"),
        ({"argv": ["true"], "stdin": "a", "stdin_base64": "YQ=="}, 422, "stdin and stdin_base64 cannot be combined"),
        ({"argv": ["true"], "stdin_base64": "/w=="}, 422, "stdin_base64 is not UTF-8"),
        ({"argv": ["true"], "env": {"A=B": ""}}, 422, "'A=B' is not a name"),
        ({"argv": ["true"], "limits": {"cpu_s": 0}}, 422, "limits.cpu_s is 0.0; it must be from 0.001 to 600.0"),
        ({"argv": ["true"], "limits": {"cold_start_s": -1}}, 422, "limits.cold_start_s is -1.0; it must be from 0.0"),
        ({"argv": ["true"], "limits": {"memory_mb": 10**9}}, 422, "limits.memory_mb is 1000000000"),
        ({"argv": ["true"], "limits": {"file_mb": 0}}, 422, "limits.file_mb is 0"),  # no limit at all, for tmpfs
        ({"argv": ["true"], "limits": {"wall_s": -1}}, 422, "limits.wall_s"),
        (b'{"argv": ["true"], "limits": {"wall_s": 1e999}}', 422, "out of range"),
        ({"argv": ["true"], "limits": {"processes": 2.5}}, 422, "Expected `int`"),
    ],
)
def test_what_is_no_program(body: Any, status: int, sentence: str):
    async def test(c: Client) -> None:
        reply = await c.post("/run", body)
        assert reply.status_code == status
        assert sentence in message_of(reply)
        assert c.sandbox.seen == []
        assert c.service.admission.admitted == 0

    within(test)


def test_what_a_sandbox_takes_for_no_program():
    async def test(c: Client) -> None:
        c.sandbox.error = ValueError("a program's file must stay in its folder: '../x'")
        reply = await c.post("/run", {"argv": ["true"], "files": {"../x": ""}})
        assert (reply.status_code, message_of(reply)) == (422, "a program's file must stay in its folder: '../x'")

    within(test)


@pytest.mark.parametrize(
    ("prefix", "shown"),
    [
        ("/shown", True),
        ("/shown/below", True),
        ("/usr/lib/x", True),
        ("/shown-not", False),
        ("/shown/../etc", False),
        ("/root", False),
        ("/", False),
        ("//", False),
        ("relative", False),
        ("", False),
    ],
)
def test_only_toolchains_and_what_is_exposed_can_be_seen(prefix: str, shown: bool):
    async def test(c: Client) -> None:
        reply = await c.post("/run", {"argv": ["true"], "read_only": [prefix]})
        outcome = decode_outcome(reply.content)
        assert (outcome.ending, len(c.sandbox.seen)) == (("exit", 1) if shown else ("infra", 0))
        assert shown or "--expose does not name it" in outcome.detail

    within(test, expose=("/shown",))


# Bodies


def test_bodies_are_bounded():
    async def test(c: Client) -> None:
        async def parts() -> AsyncIterator[bytes]:
            for _ in range(3):
                yield b" " * 2**19

        for body in (b" " * (2**20 + 1), parts()):
            reply = await c.http.post("/run", content=body, headers={"content-type": "application/json"})
            assert (reply.status_code, message_of(reply)) == (413, "the body is larger than 1048576 bytes")
        reply = await c.post("/run", b'{"argv":["true"]}' + b" " * (2**20 - 17))
        assert reply.status_code == 200

    within(test, body_mb=1)


def test_slow_bodies_are_refused():
    async def test(c: Client) -> None:
        async def parts() -> AsyncIterator[bytes]:
            yield b"{"
            await asyncio.sleep(10)

        reply = await c.http.post("/run", content=parts(), headers={"content-type": "application/json"})
        assert (reply.status_code, c.service.admission.admitted) == (408, 0)
        assert "did not arrive" in message_of(reply)

    within(test, body_s=0.05)


@pytest.mark.parametrize("kind", ["", "text/plain", "application/x-www-form-urlencoded", "application/jsonp"])
def test_a_browser_can_not_post_from_another_page(kind: str):
    async def test(c: Client) -> None:
        reply = await c.http.post("/run", content=b'{"argv":["true"]}', headers={"content-type": kind})
        assert (reply.status_code, c.sandbox.seen) == (415, [])
        assert "must be application/json" in message_of(reply)

    within(test)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/run", 405), ("PUT", "/verify", 405), ("POST", "/health", 405), ("GET", "/", 404), ("GET", "/x", 404)],
)
def test_other_paths_and_methods(method: str, path: str, status: int):
    async def test(c: Client) -> None:
        reply = await c.http.request(method, path)
        assert reply.status_code == status
        assert message_of(reply)

    within(test)


# Judging


def test_verify(monkeypatch: pytest.MonkeyPatch):
    async def test(c: Client) -> None:
        async def verify(job: Job) -> Verdict:
            await asyncio.sleep(0.001 * (9 - int(job.id)))
            return Verdict(id=job.id, language=job.language, status="pass")

        monkeypatch.setattr(c.service.verifier, "verify", verify)
        one = await c.post("/verify", JOB)
        assert (one.status_code, one.json()) == (200, {"id": "1", "language": "python", "status": "pass"})
        many = await c.post("/verify", [JOB | {"id": str(i)} for i in range(8)])
        assert [v["id"] for v in many.json()] == [str(i) for i in range(8)]
        assert (await c.post("/verify", [])).json() == []
        assert c.service.admission.admitted == 0

    within(test, queue=8)


@pytest.mark.parametrize(
    ("body", "status", "sentence"),
    [
        (b"[", 400, "the body is not JSON"),
        (b"null", 422, "got `null`"),
        ({}, 422, "missing required field"),
        (JOB | {"language": "klingon"}, 422, "no language is named 'klingon'"),
        (JOB | {"language": "../python"}, 422, "no language is named"),
        (JOB | {"id": "both", "program": "x"}, 422, "job 'both': it has tests and program: write one job for each"),
        (JOB | {"id": "second", "tests": []}, 422, "job 'second': it has no tests: set one of tests, io, program"),
        (b"[1, ", 400, "the body is not JSON"),
        (b'[1] {"id": 2}', 400, "the body is not JSON"),
        (b"3", 422, "Expected `object`, got `int`"),
        (JOB | {"time_limit_s": 0}, 422, "time_limit_s is 0.0"),
        (JOB | {"time_limit_s": 1e9}, 422, "time_limit_s is 1000000000.0"),
        (JOB | {"memory_limit_mb": -5}, 422, "memory_limit_mb is -5"),
        (JOB | {"output_limit_kb": 0}, 422, "output_limit_kb is 0"),
        (JOB | {"output_limit_kb": 10**9}, 422, "output_limit_kb is 1000000000"),
        (JOB | {"file_limit_mb": 10**9}, 422, "file_limit_mb is 1000000000"),
        (JOB | {"tests": [], "io": [{"stdin": "", "stdout": "x" * 20_000_000}]}, 422, "expect an output"),
        (JOB | {"tolerance": -1}, 422, "tolerance is -1.0"),
        (JOB | {"extra": 1}, 422, "unknown field `extra`"),
        ([JOB] * 11, 413, "11 jobs; at most 10 may be sent at once"),
    ],
)
def test_what_is_no_job(body: Any, status: int, sentence: str):
    async def test(c: Client) -> None:
        reply = await c.post("/verify", body)
        assert reply.status_code == status
        assert sentence in message_of(reply)
        assert c.service.admission.admitted == 0

    within(test, list_items=10)


@pytest.mark.parametrize(
    ("item", "name", "sentence"),
    [
        (b"1", "", "Expected `object`, got `int`"),
        (b"null", "", "got `null`"),
        (b"[]", "", "got `array`"),
        (b"{}", "", "missing required field `id`"),
        (b'{"id": 5}', "", "Expected `str`, got `int`"),
        (b'{"id": "b", "language": "lua", "extra": 1}', "b", "unknown field `extra`"),
        (b'{"id": "b", "language": "lua", "tests": "assert f(1) == 1"}', "b", "Expected `array`, got `str`"),
        (b'{"id": "b", "language": "klingon", "tests": ["assert f(1) == 1"]}', "b", "no language is named 'klingon'"),
        (b'{"id": "b", "language": "lua"}', "b", "it has no tests: set one of tests, io, program"),
        (b'{"id": "b", "language": "lua", "tests": ["assert f(1) == 1"], "tolerance": -1}', "b", "tolerance is -1.0"),
        (b'{"id": "b", "language": "lua", "program": "x", "memory_limit_mb": 0}', "b", "memory_limit_mb is 0"),
        (b'{"id": "b", "language": "lua", "code": "\\ud800"}', "", "it is not JSON"),
        (
            b'{"id": "b", "language": "lua", "code": "\xff"}',
            "b",
            "it is not JSON: the byte 0xff at offset 40 is not UTF-8",
        ),
        (b'{"id": "b", "language": "lua", "tests": ["x"], "program": "x"}', "b", "it has tests and program: write"),
        (b'{"id": "b", "language": "lua", "program": "x", "tolerance": 1e999}', "", "out of range"),
        (b'{"id": "b", "language": "lua", "program": "x", "tolerance": NaN}', "", "it is not JSON"),
    ],
)
def test_an_item_that_is_no_job_has_its_own_verdict(
    item: bytes, name: str, sentence: str, monkeypatch: pytest.MonkeyPatch
):
    async def test(c: Client) -> None:
        async def verify(job: Job) -> Verdict:
            return Verdict(id=job.id, language=job.language, status="pass")

        monkeypatch.setattr(c.service.verifier, "verify", verify)
        good = msgspec.json.encode(JOB)
        reply = await c.post("/verify", b" [" + b",".join((good, item, good)) + b"]")
        assert reply.status_code == 200, reply.text
        assert [(v["status"], v.get("line", 0)) for v in reply.json()] == [
            ("pass", 0),
            ("infra:refused", 2),
            ("pass", 0),
        ]
        refused = reply.json()[1]
        assert (refused["id"], refused["detail"].startswith("item 2 of the list is not a job: ")) == (name, True)
        assert sentence in refused["detail"]
        alone = await c.post("/verify", b"[" + item + b"]")
        assert [v["line"] for v in alone.json()] == [1]
        assert c.service.admission.admitted == 0

    within(test, queue=8)


def test_one_lines_defect_is_not_the_others(monkeypatch: pytest.MonkeyPatch):
    async def test(c: Client) -> None:
        async def run(program: Program) -> Outcome:
            if "bad" in str(program.files):
                raise RuntimeError("a defect")
            return Outcome(ending="exit", code=0, stdout=b"1")

        monkeypatch.setattr(c.service.sandbox, "run", run)
        lines = [
            {"code": code, "test_cases": [{"input": "", "output": "1"}], "timeout_s": 5.0} for code in ("a", "bad", "b")
        ]
        body = b"".join(msgspec.json.encode(line) + b"\n" for line in lines)
        reply = await c.http.post(
            "/agnostics?language=lua", content=body, headers={"content-type": "application/x-ndjson"}
        )
        found = [msgspec.json.decode(line) for line in reply.content.splitlines()]
        assert [a["result"] for a in found] == ["success", "fail:other", "success"]
        assert "RuntimeError" in found[1]["details"]["message"]

    within(test, queue=8)


def test_one_jobs_defect_is_not_the_others(monkeypatch: pytest.MonkeyPatch):
    async def test(c: Client) -> None:
        async def verify(job: Job) -> Verdict:
            if job.id == "bad":
                raise RuntimeError("a defect")
            return Verdict(id=job.id, language=job.language, status="pass")

        monkeypatch.setattr(c.service.verifier, "verify", verify)
        reply = await c.post("/verify", [JOB, JOB | {"id": "bad"}])
        assert [v["status"] for v in reply.json()] == ["pass", "infra:refused"]
        assert "RuntimeError" in reply.json()[1]["detail"]

    within(test)


def test_a_client_that_leaves_does_not_take_anothers_verdict():
    """The verifier runs equal jobs once; who cancels the run is not all who wait for it."""

    async def test(c: Client) -> None:
        job = msgspec.convert(JOB, Job)
        calls = 0
        go = asyncio.Event()

        async def judged(_: Job) -> Verdict:
            nonlocal calls
            calls += 1
            await go.wait()
            return Verdict(id="", language="python", status="pass")

        c.service.verifier._judge = judged  # type: ignore[method-assign]
        from glotsmith.service.jobs import verify_jobs

        first, second = (asyncio.create_task(verify_jobs(c.service, [job])) for _ in range(2))
        await asyncio.sleep(0.1)
        first.cancel()
        await asyncio.sleep(0.1)
        go.set()
        assert [v.status for v in await second] == ["pass"]
        with pytest.raises(asyncio.CancelledError):
            await first

    within(test)


@pytest.mark.slow
@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-(2**70), 2**70)
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    ["argv", "files", "stdin", "env", "limits", "read_only", "id", "language", "tests", "io", "code"]
                ),
                inner,
                max_size=5,
            )
        ),
    )
)
@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
def test_no_body_is_an_internal_error(body: Any):
    async def test(c: Client) -> None:
        for path in ("/run", "/verify"):
            reply = await c.post(path, body)
            assert reply.status_code in {200, 400, 413, 422}
            if reply.status_code != 200:
                assert message_of(reply)

    within(test)


@pytest.mark.parametrize(
    "tests",
    [
        ["assert f(" + "(" * 5000 + "1" + ")" * 5000 + ") == 1"],
        ["assert f(" + "[" * 3000 + "]" * 3000 + ") == 1"],
        ["assert f(" + "-" * 20000 + "1) == 1"],
        ["assert f(" + "9" * 10_000 + ") == 1"],
        ["assert f(1e999) == 1"],
        ["assert f('\\ud800') == 1"],
        ["assert f(\x00) == 1"],
        ["", "assert", "import os"],
        ["assert f(1) == 1", "assert g(1, 2) == 1"],
    ],
)
@pytest.mark.parametrize("signature", ["", "def f(x: int) -> int", "def (", "x" * 100_000, "def f(" + "[" * 5000])
def test_no_test_is_an_internal_error(tests: list[str], signature: str, caplog: pytest.LogCaptureFixture):
    async def test(c: Client) -> None:
        reply = await c.post("/verify", JOB | {"tests": tests, "signature": signature})
        assert reply.status_code == 200
        assert reply.json()["status"] != "pass"

    within(test)
    assert [r for r in caplog.records if r.levelname == "ERROR"] == []


# Tokens


@pytest.mark.parametrize(
    ("given_", "status"),
    [
        ("", 401),
        ("Bearer", 401),
        ("Bearer wrong", 401),
        ("secret", 401),
        ("Bearer secret", 200),
    ],
)
@pytest.mark.parametrize("path", ["/run", "/metrics", "/no-such-path"])
def test_tokens(given_: str, status: int, path: str):
    async def test(c: Client) -> None:
        headers = {"authorization": given_} if given_ else {}
        reply = await c.post(path, {"argv": ["true"]}, **headers)
        if status == 401:
            assert (reply.status_code, reply.headers["www-authenticate"]) == (401, "Bearer")
            assert "Authorization: Bearer" in message_of(reply)
            assert c.sandbox.seen == []
        else:
            assert reply.status_code == {"/run": 200, "/metrics": 405, "/no-such-path": 404}[path]
        assert (await c.http.get("/health")).status_code == 200
        assert (await c.http.get("/ready")).status_code == 200

    within(test, token="secret")


def test_the_token_is_nowhere_to_be_seen():
    async def test(c: Client) -> None:
        pages = [
            await c.http.get(p, headers={"authorization": "Bearer s3cret"}) for p in ("/health", "/metrics", "/ready")
        ]
        assert all("s3cret" not in page.text for page in pages)
        assert "s3cret" not in repr(c.service.settings)

    within(test, token="s3cret")


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:8707", 200),
        ("localhost", 200),
        ("[::1]:8707", 200),
        ("127.0.0.1.evil.example", 403),
        ("evil.example:8707", 403),
        ("10.0.0.1", 403),
        ("[", 403),
        ("", 403),
    ],
)
def test_without_a_token_only_this_machines_names_are_answered(host: str, status: int):
    async def test(c: Client) -> None:
        assert (await c.http.get("/health", headers={"host": host})).status_code == status

    within(test)


# Room


def test_more_than_fits_is_told_to_come_again():
    async def test(c: Client) -> None:
        waiting = [asyncio.create_task(c.post("/run", {"argv": ["wait"]})) for _ in range(2)]
        await c.until(2)
        refused = await c.post("/run", {"argv": ["true"]})
        assert refused.status_code == 429
        assert 1 <= int(refused.headers["retry-after"]) <= 60
        assert "retry later" in message_of(refused)
        refused = await c.post("/verify", JOB)
        assert refused.status_code == 429
        c.sandbox.go.set()
        assert [(await w).status_code for w in waiting] == [200, 200]
        assert (await c.post("/run", {"argv": ["true"]})).status_code == 200

    within(test)


def test_a_client_that_leaves_takes_its_program_with_it():
    async def test(c: Client) -> None:
        app, messages = build_app(c.service), asyncio.Queue[dict[str, Any]]()
        body = encode_program(Program(files={}, argv=("wait",)))
        headers = [(b"host", b"localhost"), (b"content-type", b"application/json")]
        scope = {"type": "http", "method": "POST", "path": "/run", "headers": headers, "query_string": b""}
        messages.put_nowait({"type": "http.request", "body": body, "more_body": False})
        sent: list[Any] = []

        async def send(message: Any) -> None:
            sent.append(message)

        task = asyncio.create_task(app(scope, messages.get, send))
        await c.until(1)
        messages.put_nowait({"type": "http.disconnect"})
        await task
        assert (c.sandbox.cancelled, c.sandbox.running, c.service.admission.admitted) == (1, 0, 0)

    within(test)


def test_draining():
    async def test(c: Client) -> None:
        accepted = asyncio.create_task(c.post("/run", {"argv": ["wait"]}))
        await c.until(1)
        assert (await c.http.get("/ready")).status_code == 200
        c.service.admission.drain()
        assert (await c.http.get("/ready")).status_code == 503
        assert (await c.http.get("/health")).json()["status"] == "draining"
        for path, body in (("/run", {"argv": ["true"]}), ("/verify", JOB)):
            refused = await c.post(path, body)
            assert (refused.status_code, message_of(refused)) == (
                503,
                "the service is shutting down and accepts no new requests",
            )
        idle = asyncio.create_task(c.service.admission.wait_until_idle())
        await asyncio.sleep(0.01)
        assert not idle.done()
        c.sandbox.go.set()
        assert (await accepted).status_code == 200
        await idle

    within(test)


# Probes


def test_health_and_metrics():
    async def test(c: Client) -> None:
        health = (await c.http.get("/health")).json()
        assert health["isolation"] == "scripted"
        assert set(health["promises"]) == ALL_PROMISES
        assert (health["jobs"], health["queue"], health["list_items"], health["status"]) == (1, 1, 100_000, "ok")
        await c.post("/run", {"argv": ["true"]})
        await c.post("/run", {})
        await c.http.get("/a/path/of/a/strangers%0Amaking")
        page = await c.http.get("/metrics")
        assert page.headers["content-type"].startswith("text/plain; version=")
        lines = page.text.splitlines()
        assert 'glotsmith_requests_total{path="/run",status="200"} 1.0' in lines
        assert 'glotsmith_requests_total{path="/run",status="422"} 1.0' in lines
        assert 'glotsmith_requests_total{path="other",status="404"} 1.0' in lines
        assert 'glotsmith_programs_total{ending="exit"} 1.0' in lines
        assert "glotsmith_cpu_seconds_total 0.5" in lines
        assert "glotsmith_admitted 0.0" in lines
        assert "glotsmith_list_items 0.0" in lines
        assert "glotsmith_capacity 2.0" in lines
        assert "glotsmith_program_seconds_count 1.0" in lines

    within(test)


def test_every_endpoint_has_a_path_of_its_own():
    service = Service(Scripted(), ServiceSettings(jobs=1))
    paths = [route.path for routes in ENDPOINTS for route in routes(service)]
    assert len(set(paths)) == len(paths)


@pytest.mark.parametrize("language", ["Python", "py", "python3", " PY "])
def test_a_job_may_write_its_language_as_people_do(language: str) -> None:
    async def test(c: Client) -> None:
        reply = await c.post("/verify", JOB | {"language": language})
        assert (reply.status_code, reply.json()["language"]) == (200, "python")

    within(test)


@pytest.mark.parametrize(
    ("path", "body", "sentence"),
    [
        ("/verify", JOB | {"language": "pyhton"}, "do you mean 'python'? There are: bash"),
        ("/verify", JOB | {"language": "klingon"}, "no language is named 'klingon'; there are: bash"),
        ("/run_code", {"code": "", "language": "javscript"}, "do you mean 'javascript'?"),
    ],
)
def test_a_typo_of_a_language_gets_a_suggestion(path: str, body: dict[str, Any], sentence: str) -> None:
    async def test(c: Client) -> None:
        reply = await c.post(path, body)
        assert reply.status_code == 422
        assert sentence in message_of(reply)

    within(test)
