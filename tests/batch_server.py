"""A simulated server of the OpenAI Batch API: real HTTP, with files and batches, and no model.

It checks each line of an uploaded file against the schema of the API, as OpenAI does. A test decides when the server
answers a batch. The server counts its answers.
"""

import json
import threading
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import contextmanager
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import jsonschema

SCHEMA = Path(__file__).parent / "teachers" / "batch_line.schema.json"
MAX_REQUESTS, MAX_BYTES = 50_000, 200_000_000

#: Makes the answer of one line: a status and a body.
Answer = Callable[[dict[str, Any]], tuple[int, Any]]


def check_file(content: bytes) -> list[dict[str, Any]]:
    """Return the lines of a file of requests.

    Raises:
        ValueError: the API does not accept the file.

    """
    validator = jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text("utf-8")))
    lines = [json.loads(line) for line in content.decode("utf-8").splitlines()]
    for line in lines:
        if error := next(validator.iter_errors(line), None):
            raise ValueError(error.message)
    ids = Counter(line["custom_id"] for line in lines)
    if not lines or len(lines) > MAX_REQUESTS or len(content) > MAX_BYTES:
        raise ValueError("the file is empty or too large")
    if max(ids.values()) > 1 or len({line["url"] for line in lines}) > 1:
        raise ValueError("a custom_id is repeated, or the URLs differ")
    return lines


def say(text: str) -> tuple[int, Any]:
    """Return the answer of a chat or completion with this text."""
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "text": text, "finish_reason": "stop"}
    return 200, {"choices": [choice], "usage": {"prompt_tokens": 10, "completion_tokens": 20}}


def result_line(custom_id: str, status: int, body: Any) -> str:
    """Return a line of a file of results."""
    if status == 0:
        return json.dumps({"id": "r", "custom_id": custom_id, "response": None, "error": body})
    response = {"status_code": status, "request_id": "q", "body": body}
    return json.dumps({"id": "r", "custom_id": custom_id, "response": response, "error": None})


def answer_file(content: bytes, answer: Answer) -> list[str]:
    """Return a line of results for each line of requests, as a program that is run by hand."""
    return [result_line(line["custom_id"], *answer(line["body"])) for line in check_file(content)]


class BatchState:
    """The state of the server, which a test reads and sets."""

    def __init__(self) -> None:
        self.url = ""
        self.answer: Answer = lambda body: say("a reply")
        self.files: dict[str, bytes] = {}
        self.batches: dict[str, dict[str, Any]] = {}
        self.answered = Counter[str]()  #: body of a request → how often it was answered, and so paid for
        self.fail: Callable[[str, str], int] = lambda method, path: (
            0
        )  #: status of a request that fails; 0 if it does not
        self.lose_response_of = ""  #: path of a request that is done, but whose response breaks off, once
        self.log: list[str] = []  #: methods and paths
        self.keys: set[str] = set()

    def finish(self, status: str = "completed", keep: Callable[[list[str]], list[str]] = lambda lines: lines) -> None:
        """Answer all batches that are in progress; ``keep`` changes the lines of their results."""
        for batch in self.batches.values():
            if batch["status"] != "in_progress":
                continue
            batch["status"] = status
            if status == "failed":
                batch["errors"] = {
                    "data": [{"code": "token_limit_exceeded", "message": "Enqueued token limit reached"}]
                }
                continue
            lines = check_file(self.files[batch["input_file_id"]])
            outputs, errors = list[str](), list[str]()
            for line in lines:
                code, body = self.answer(line["body"])
                text = result_line(line["custom_id"], code, body)
                (outputs if code == 200 else errors).append(text)
            kept = keep(outputs)
            for text in kept:
                fields = json.loads(text) if text.endswith("}") else {}
                body = next((x["body"] for x in lines if x["custom_id"] == fields.get("custom_id")), None)
                self.answered[json.dumps(body)] += body is not None
            for name, found in (("output_file_id", kept), ("error_file_id", errors)):
                if found:
                    batch[name] = self.add_file("\n".join(found).encode())
            batch["request_counts"] = {"total": len(lines), "completed": len(outputs), "failed": len(errors)}

    def add_file(self, content: bytes) -> str:
        """Store a file and return its id."""
        name = f"file-{len(self.files)}"
        self.files[name] = content
        return name

    @property
    def requests(self) -> list[dict[str, Any]]:
        """The lines of all batches."""
        return [line for batch in self.batches.values() for line in check_file(self.files[batch["input_file_id"]])]


def _handler(state: BatchState) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["Content-Length"]))
            if self.begin():
                return
            if self.path == "/v1/files":
                parts = self.parts(content)
                if parts.get("purpose") != b"batch":
                    return self.send(400, {"error": {"message": "purpose must be batch"}})
                try:
                    check_file(parts["file"])
                except (ValueError, KeyError) as error:
                    return self.send(400, {"error": {"message": f"invalid file: {error}"}})
                return self.send(200, {"id": state.add_file(parts["file"]), "object": "file"})
            if self.path == "/v1/batches":
                fields = json.loads(content)
                assert fields["completion_window"] == "24h"
                lines = check_file(state.files[fields["input_file_id"]])
                if {line["url"] for line in lines} != {fields["endpoint"]}:
                    return self.send(400, {"error": {"message": "the URLs differ from the endpoint"}})
                batch = {"id": f"batch-{len(state.batches)}", "status": "in_progress", **fields}
                state.batches[batch["id"]] = batch
                return self.send(200, batch)
            return self.send(404, {"error": {"message": "Not Found"}})

        def do_GET(self) -> None:
            if self.begin():
                return
            path, _, query = self.path.partition("?")
            if path == "/v1/batches":  # pages of one batch, the latest first
                ids = [*reversed(state.batches)]
                after = dict(p.split("=") for p in query.split("&")).get("after", "")
                place = ids.index(after) + 1 if after else 0
                page = [state.batches[one] for one in ids[place : place + 1]]
                return self.send(200, {"data": page, "has_more": place + 1 < len(ids)})
            if path.startswith("/v1/batches/") and (found := state.batches.get(path.rpartition("/")[2])):
                return self.send(200, found)
            if path.endswith("/content") and (content := state.files.get(path.split("/")[-2])) is not None:
                return self.reply(200, content)
            return self.send(404, {"error": {"message": "Not Found"}})

        def begin(self) -> bool:
            state.log.append(f"{self.command} {self.path}")
            state.keys.add(self.headers.get("Authorization", ""))
            if status := state.fail(self.command, self.path):
                self.send(status, {"error": {"message": f"status {status}"}})
            return bool(status)

        def parts(self, content: bytes) -> dict[str, bytes]:
            header = f"Content-Type: {self.headers['Content-Type']}\r\n\r\n".encode()
            message = BytesParser(EmailMessage, policy=HTTP).parsebytes(header + content)
            found = {}
            for part in message.iter_parts():
                name = part.get_param("name", header="content-disposition")
                found[name] = part.get_payload(decode=True)
            return found

        def send(self, status: int, value: Any) -> None:
            self.reply(status, json.dumps(value).encode())

        def reply(self, status: int, data: bytes) -> None:
            if state.lose_response_of == f"{self.command} {self.path}":
                state.lose_response_of = ""
                self.close_connection = True
                return
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: object) -> None:
            pass

    return Handler


@contextmanager
def batch_server() -> Generator[BatchState]:
    """Serve on a free port of the loopback."""
    state = BatchState()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(state))
    server.daemon_threads = True
    state.url = f"http://127.0.0.1:{server.server_port}/v1"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
