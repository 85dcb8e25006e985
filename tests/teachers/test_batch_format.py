"""The lines of batches, by the types of the Python package ``openai`` and by the input fields of ``vllm run-batch``.

Both are independent of the schema in ``batch_line.schema.json``. vLLM is not installed: the tables below state the
fields of its model ``BatchRequestInput`` and the shapes of its results (``vllm/entrypoints/openai/run_batch.py``,
commit 0056ae7b).
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest

from glotsmith.teachers.base import Message, Reply, Request, Sampling
from glotsmith.teachers.batch.request_files import FileLimits, RequestFolder, RequestId
from glotsmith.teachers.batch.results import BatchOutcome, OutcomeStore
from glotsmith.teachers.openai_wire import endpoint_path, read_reply, request_body
from glotsmith.teachers.retries import TransientError
from glotsmith.teachers.server_errors import read_server_error

USER = Message(role="user", content="question é 中")
SCHEMA = '{"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": false}'
REQUESTS = {
    "chat": Request(call="translate", item="i", messages=(USER,)),
    "system": Request(call="discuss", item="i", messages=(Message(role="system", content="Be terse."), USER)),
    "stop": Request(call="translate", item="i", messages=(USER,), sampling=Sampling(stop=("\n\n", "```"))),
    "logprobs": Request(call="score", item="i", messages=(USER,), sampling=Sampling(logprobs=20, max_tokens=1)),
    "schema": Request(call="score", item="i", messages=(USER,), schema=SCHEMA),
    "greedy": Request(call="solve", item="i", sample=99, seed=7, messages=(USER,), sampling=Sampling(temperature=0.0)),
    "completion": Request(call="translate", item="i", prompt="-- é\n", sampling=Sampling(stop=("\n\n",), logprobs=5)),
}
#: fields of a line (``BatchRequestInput``) and their types
VLLM_LINE = {"custom_id": str, "method": str, "url": str, "body": dict}
#: the endpoints that answer text requests; others are for embeddings and scores
VLLM_TEXT_URLS = ("/v1/chat/completions",)


def written_line(request: Request, folder: Path) -> dict[str, Any]:
    """Return the line of a request, as a run writes it."""
    files = RequestFolder(folder, FileLimits(10, 10**6))
    files.add("0" * 32, 0, f"/v1{endpoint_path(request)}", request_body(request, "m", {}, {}))
    files.finish_drafts()
    return json.loads((folder / "requests-0001.jsonl").read_text("utf-8"))


def check_openai(line: Mapping[str, Any]) -> None:
    """Check a line by the types of the package ``openai``.

    Raises:
        ValueError: the package has other types.

    """
    batches = pytest.importorskip("openai.types.batch_create_params")
    from openai.types.chat.completion_create_params import CompletionCreateParamsNonStreaming as Chat
    from openai.types.completion_create_params import CompletionCreateParamsNonStreaming as Completion
    from pydantic import TypeAdapter

    urls = get_args(get_type_hints(batches.BatchCreateParams)["endpoint"])
    kinds: dict[str, Any] = {"/v1/chat/completions": Chat, "/v1/completions": Completion}
    if line["url"] not in urls or line["url"] not in kinds:
        raise ValueError(f"{line['url']} is not an endpoint for batches")
    kind, body = kinds[line["url"]], line["body"]
    if unknown := body.keys() - get_type_hints(kind).keys():
        raise ValueError(f"unknown fields: {unknown}")
    valid = TypeAdapter(kind).validate_python(body, strict=True)
    list(valid.get("messages", ()))  # an iterable is checked as it is read


def check_vllm(line: Mapping[str, Any]) -> None:
    """Check a line by the fields that ``vllm run-batch`` reads.

    Raises:
        ValueError: it would not answer the line.

    """
    if {name: type(value) for name, value in line.items()} != VLLM_LINE:
        raise ValueError("other fields or types")
    if line["url"] not in VLLM_TEXT_URLS:
        raise ValueError(f"{line['url']} is not answered")


@pytest.mark.parametrize("name", REQUESTS)
def test_the_package_of_openai_accepts_each_line(name: str, tmp_path: Path) -> None:
    check_openai(written_line(REQUESTS[name], tmp_path))


@pytest.mark.parametrize("name", REQUESTS)
def test_vllm_accepts_each_line_of_a_chat(name: str, tmp_path: Path) -> None:
    line = written_line(REQUESTS[name], tmp_path)
    if REQUESTS[name].messages:
        check_vllm(line)
    else:
        with pytest.raises(ValueError, match="is not answered"):
            check_vllm(line)


@pytest.mark.parametrize(
    ("check", "change"),
    [
        pytest.param(check_openai, {"url": "/v1/chat"}, id="url"),
        pytest.param(check_openai, {"body": {"messages": [{"role": "user", "content": "x"}]}}, id="no-model"),
        pytest.param(check_openai, {"body": {"model": "m", "messages": [{"role": "x", "content": "x"}]}}, id="role"),
        pytest.param(check_openai, {"body": {"model": "m", "messages": [], "max_tokens": "5"}}, id="type"),
        pytest.param(check_openai, {"body": {"model": "m", "messages": [], "best": 1}}, id="unknown"),
        pytest.param(check_vllm, {"url": "/v1/completions"}, id="vllm-completions"),
        pytest.param(check_vllm, {"custom_id": 5}, id="vllm-type"),
        pytest.param(check_vllm, {"priority": 1}, id="vllm-unknown"),
    ],
)
def test_the_checks_refuse_other_lines(
    check: Callable[[Mapping[str, Any]], None], change: dict[str, Any], tmp_path: Path
) -> None:
    line = written_line(REQUESTS["chat"], tmp_path)
    check(line)
    with pytest.raises(ValueError):  # pydantic's, too
        check(line | change)


# --- results of vllm run-batch -------------------------------------------------------------------------------------

ID = RequestId("a" * 16, 1, 0, "0" * 32)
CHOICE = {
    "index": 0,
    "message": {"role": "assistant", "content": "a reply", "refusal": None, "tool_calls": [], "reasoning": None},
    "logprobs": None,
    "finish_reason": "stop",
    "stop_reason": None,
    "token_ids": None,
}
USAGE = {"prompt_tokens": 10, "total_tokens": 30, "completion_tokens": 20, "prompt_tokens_details": None}
ANSWER = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "m", "choices": [CHOICE]}


def vllm_result(folder: Path, status: int, body: Any, error: Any) -> BatchOutcome:
    """Return the outcome that is read from a result as vLLM writes it."""
    response = {"status_code": status, "request_id": "vllm-batch-1", "body": body}
    line = {"id": "vllm-1", "custom_id": str(ID), "response": response, "error": error}
    (folder / "results").mkdir()
    (folder / "results" / "r.jsonl").write_text(json.dumps(line) + "\n")
    store = OutcomeStore(folder / "outcomes.sqlite", ID.run)
    try:
        assert store.read_folder(folder / "results").new == 1
        found = store.get(ID.address, 0)
    finally:
        store.close()
    assert found is not None
    return found


def test_a_reply_of_vllm_is_read(tmp_path: Path) -> None:
    found = vllm_result(tmp_path, 200, {**ANSWER, "usage": USAGE, "prompt_logprobs": None}, None)
    assert found.status == 200
    reply = read_reply(found.body, REQUESTS["chat"])
    assert reply == Reply(text="a reply", input_tokens=10, output_tokens=20)


@pytest.mark.parametrize(
    ("status", "error"),
    [
        pytest.param(400, {"error": {"message": "too long", "type": "BadRequestError", "code": 400}}, id="object"),
        pytest.param(400, {"object": "error", "message": "too long", "code": 400}, id="object-of-earlier-versions"),
        pytest.param(400, "too long", id="text"),
    ],
)
def test_an_error_of_vllm_is_read(tmp_path: Path, status: int, error: Any) -> None:
    found = vllm_result(tmp_path, status, None, error)
    assert found.status == status
    assert read_server_error(found.body).message == "too long"
    with pytest.raises(TransientError):
        read_reply(found.body, REQUESTS["chat"])
