"""SandboxFusion's protocol, with programs that really run: as its clients send them, what they look at is there."""

import asyncio
import base64
from collections.abc import Iterator
from typing import Any

import httpx
import msgspec
import pytest

from glotsmith.records import Outcome
from glotsmith.sandbox import open_sandbox
from glotsmith.sandbox.base import Sandbox
from glotsmith.service.app import build_app
from glotsmith.service.sandbox_fusion import LANGUAGES, REFUSED, RunCodeRequest, prepare_program, run_code_response
from glotsmith.service.state import Service, ServiceSettings

#: SandboxFusion's ``Language`` (``sandbox/runners/types.py``), of which verl keeps a copy.
THEIRS = """
python cpp nodejs go go_test java php csharp bash typescript sql rust cuda lua R perl D_ut ruby scala julia pytest junit
kotlin_script jest verilog python_gpu lean swift racket
"""


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    opened = open_sandbox(jobs=2)
    yield opened
    asyncio.run(opened.close())


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def posted(sandbox: Sandbox, body: Any, path: str = "/run_code", **settings: Any) -> httpx.Response:
    async def send() -> httpx.Response:
        app = build_app(Service(sandbox, ServiceSettings(**{"jobs": 2, "queue": 8} | settings)))
        transport = httpx.ASGITransport(app, raise_app_exceptions=True)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            return await client.post(path, json=body, timeout=60)

    return asyncio.run(send())


def run(sandbox: Sandbox, code: str, language: str = "python", **more: Any) -> dict[str, Any]:
    # What verl sends (``call_sandbox_api``), unchanged.
    body = {
        "compile_timeout": 10,
        "run_timeout": 10,
        "code": code,
        "stdin": None,
        "memory_limit_MB": 1024,
        "language": language,
        "files": {},
        "fetch_files": [],
    }
    reply = posted(sandbox, body | more)
    assert reply.status_code == 200
    answer = reply.json()
    assert set(answer) == {"status", "message", "compile_result", "run_result", "executor_pod_name", "files"}
    for result in filter(None, (answer["compile_result"], answer["run_result"])):
        assert set(result) == {"status", "execution_time", "return_code", "stdout", "stderr"}
    return answer


@pytest.mark.parametrize(
    ("code", "more", "status", "ending", "return_code", "stdout"),
    [
        ("print('hi', input())", {"stdin": "x\n"}, "Success", "Finished", 0, "hi x\n"),
        ("print(input())", {}, "Failed", "Finished", 1, ""),
        ("import sys; print(1); sys.exit(7)", {}, "Failed", "Finished", 7, "1\n"),
        ("import os; os.kill(os.getpid(), 11)", {}, "Failed", "Finished", -11, ""),
        ("print(1, flush=True)\nwhile True: pass", {"run_timeout": 0.3}, "Failed", "TimeLimitExceeded", None, "1\n"),
        ("import time; time.sleep(99)", {"run_timeout": 0.1}, "Failed", "TimeLimitExceeded", None, ""),
        ("x = bytearray(2**30)", {"memory_limit_MB": 100}, "Failed", "Finished", None, ""),
        ("print(1)", {"memory_limit_MB": -1, "unknown": "ignored"}, "Success", "Finished", 0, "1\n"),
        ("print('1\\r\\n2')", {}, "Success", "Finished", 0, "1\n2\n"),
        ("import socket; socket.create_connection(('127.0.0.1', 1), 1)", {}, "Failed", "Finished", 1, ""),
    ],
)
def test_a_program(
    sandbox: Sandbox, code: str, more: Any, status: str, ending: str, return_code: int | None, stdout: str
) -> None:
    answer = run(sandbox, code, **more)
    result = answer["run_result"]
    assert (answer["status"], answer["message"], answer["compile_result"]) == (status, "", None)
    assert (result["status"], result["stdout"]) == (ending, stdout), result
    if "bytearray" in code:  # killed, or refused the memory
        assert result["return_code"] not in (0, None)
    else:
        assert result["return_code"] == return_code
    assert result["execution_time"] > 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("code", "status", "compiled", "return_code"),
    [
        ("int main() { return 0; }", "Success", 0, 0),
        ("int main() { return 3; }", "Failed", 0, 3),
        ("int main() { return 3 }", "Failed", 1, None),
        ('#include "given.h"\nint main() { return GIVEN; }', "Failed", 0, 42),
    ],
)
def test_a_compiled_program(sandbox: Sandbox, code: str, status: str, compiled: int, return_code: int | None) -> None:
    answer = run(sandbox, code, "cpp", files={"given.h": b64("#define GIVEN 42")})
    ran = answer["run_result"]
    assert (answer["status"], answer["compile_result"]["return_code"]) == (status, compiled)
    assert (ran and ran["return_code"]) == return_code
    assert ("error" in answer["compile_result"]["stderr"]) == bool(compiled)


FILES = {"given.txt": b64("given"), "a/b.py": b64("B = 2"), "/tmp/c/d.txt": b64("absolute"), "nothing": None}
READS = """
import sys, a.b
print(open('given.txt').read(), a.b.B, open('/tmp/c/d.txt').read())
open('made', 'wb').write(b'\\0\\xff')
open('given.txt', 'a').write(' and more')
sys.exit(CODE)
"""


@pytest.mark.parametrize("code", [0, 5])
def test_files_go_in_and_come_out(sandbox: Sandbox, code: int) -> None:
    wanted = ["made", "given.txt", "/tmp/c/d.txt", "missing", "-rf"]
    answer = run(sandbox, READS.replace("CODE", str(code)), files=FILES, fetch_files=wanted)
    assert (answer["run_result"]["stdout"], answer["run_result"]["return_code"]) == ("given 2 absolute\n", code)
    assert {n: base64.b64decode(v) for n, v in answer["files"].items()} == {
        "made": b"\0\xff",
        "given.txt": b"given and more",
        "/tmp/c/d.txt": b"absolute",
    }


@pytest.mark.parametrize(
    "name", ["main.py", 'it\'s "$(true)" `true`.txt', "-n", "./main.py", "glotsmith.place.run", "é\n"]
)
def test_names_of_files_are_only_names(sandbox: Sandbox, name: str) -> None:
    code = f"print(open({name!r}).read())"
    answer = run(sandbox, code, files={name: b64("there")}, fetch_files=[name])
    assert (answer["run_result"]["stdout"], answer["files"]) == ("there\n", {name: b64("there")}), answer


def test_a_forged_file_is_the_programs_own_loss(sandbox: Sandbox) -> None:
    """It may print what looks like files: it could have made them, too."""
    code = "import re\nmark = re.search('glotsmith-\\\\w+', open('/box/program/glotsmith.place.run').read())[0]\n"
    answer = run(sandbox, code + "print(f'\\n{mark} 0 Zm9yZ2Vk\\n{mark} 99 x')", fetch_files=["made"])
    assert set(answer["files"]) <= {"made"}


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({"language": "cobol"}, "no language is named 'cobol'; there are: "),
        ({"run_timeout": 0}, "Expected `float` > 0.0"),
        ({"compile_timeout": 601}, "Expected `float` <= 600.0"),
        ({"code": None}, "Expected `str`, got `null`"),
        ({"files": {"a": "no base64!"}}, "the file 'a' is not base64"),
        ({"files": {"../a": "YQ=="}}, "must stay in its folder"),
        ({"files": {"": "YQ=="}}, "'' is not a file name"),
        ({"fetch_files": ["a/"]}, "'a/' is not a file name"),
        ({"fetch_files": ["a\0b"]}, "is not a file name"),
    ],
)
def test_what_can_not_be_run(sandbox: Sandbox, more: Any, sentence: str) -> None:
    reply = posted(sandbox, {"code": "", "language": "python"} | more)
    assert (reply.status_code, sentence in reply.json()["error"]) == (422, True), reply.text


def test_every_language_of_theirs_is_run_or_refused_with_a_sentence(sandbox: Sandbox) -> None:
    assert set(THEIRS.split()) <= {*LANGUAGES, *REFUSED}
    assert not {*LANGUAGES} & {*REFUSED}
    for language in REFUSED:
        answer = run(sandbox, "", language)
        assert (answer["status"], answer["run_result"]) == ("SandboxError", None)
        assert answer["message"].startswith(f"{language} cannot be run: ")


def test_the_machines_faults_are_its_own() -> None:
    posed = prepare_program(RunCodeRequest(code="", language="python"))
    answer = run_code_response(Outcome(ending="infra", detail="no memory"), posed)
    assert (answer.status, answer.message, answer.run_result) == ("SandboxError", "no memory", None)


def test_tests_in_the_code_are_built_in(sandbox: Sandbox) -> None:
    """D's unittest blocks count: without the option they would be left out, and anything would pass."""
    assert prepare_program(RunCodeRequest(code="", language="D_ut")).program.build[-1] == "-unittest"
    assert "-unittest" not in prepare_program(RunCodeRequest(code="", language="d")).program.build


@pytest.mark.parametrize(
    ("header", "status"),
    [
        (f"Basic {b64('anyone:s3cret')}", 200),  # http://anyone:s3cret@host:8707/run_code
        (f"Basic {b64('s3cret')}", 401),
        (f"Basic {b64('s3cret:wrong')}", 401),
        ("Basic !", 401),
        ("bearer s3cret", 200),
        ("Digest s3cret", 401),
    ],
)
def test_a_token_in_the_url(sandbox: Sandbox, header: str, status: int) -> None:
    async def send() -> int:
        app = build_app(Service(sandbox, ServiceSettings(jobs=1, token="s3cret")))
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://10.0.0.1") as client:
            return (await client.get("/v1/ping", headers={"authorization": header})).status_code

    assert asyncio.run(send()) == status


@pytest.mark.slow
def test_agnostics(sandbox: Sandbox) -> None:
    """Its executors' protocol: what its harnesses answer (``executors/lua``), line for line."""

    def item(code: str, *cases: tuple[str, str], **more: Any) -> dict[str, Any]:
        tests = [{"input": i, "output": o} for i, o in cases]
        return {"code": code, "test_cases": tests, "timeout_s": 5, "lang": None} | more

    add = "print(io.read('n') + 1)"
    items = [
        item(add, ("1", "2"), ("2\n", "3\n\n ")),
        item(add, ("1", "2"), ("2", "2"), ("x", "")),  # the first that fails counts
        item("io.stderr:write('why'); os.exit(3)", ("", "")),
        item("print(1) while true do end", ("", "1"), timeout_s=0.5),
        item("if", ("", "")),
        item(add),
        item(add, ("1", "2"), timeout_s=0),
    ]
    lines = b"\n".join([*map(msgspec.json.encode, items), b"{", b"", b"[]"])

    async def send(language: str, body: bytes, media: str = "application/x-ndjson") -> httpx.Response:
        app = build_app(Service(sandbox, ServiceSettings(jobs=2, queue=10, list_items=12)))
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1") as client:
            where = f"/agnostics?language={language}"
            return await client.post(where, content=body, headers={"content-type": media}, timeout=60)

    reply = asyncio.run(send("lua", lines))
    answers = [msgspec.json.decode(line) for line in reply.content.splitlines()]
    assert [a["result"] for a in answers] == [
        "success",
        "fail:wrong-output",
        "fail:error",
        "fail:timeout",
        "fail:error",
        *["fail:other"] * 4,
    ]
    assert answers[0] == {"result": "success", "stderr": ""}
    assert answers[1] == {"result": "fail:wrong-output", "expected": "2", "got": "3\n", "stderr": ""}
    assert answers[2] == {"result": "fail:error", "stdout": "", "stderr": "why", "exit_code": 3}
    assert answers[3]["stdout"] in ("", "1\n")
    assert [a["details"]["type"] for a in answers[5:]] == ["no test cases", *["malformed line"] * 3]
    for language, body, media, status in (
        ("klingon", b"", "application/x-ndjson", 422),
        ("", b"", "application/x-ndjson", 422),
        ("lua", b"{}", "application/json", 415),
        ("lua", b"{}\n" * 13, "application/x-ndjson", 413),
        ("lua", b"", "application/x-ndjson", 200),
    ):
        assert asyncio.run(send(language, body, media)).status_code == status
