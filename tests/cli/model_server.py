"""A small server that speaks the OpenAI API, counts what it is asked, and answers as a test tells it to."""

import json
import threading
from collections.abc import Callable, Generator, Iterable
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SOURCE = '''
def shout(text: str) -> str:
    """Return the text in capitals with a mark.

    >>> shout("hi")
    'HI!'
    >>> shout("")
    '!'
    """
    result = text.upper()
    return result + "!"


def total(numbers: list[int]) -> int:
    """Add up the positive ones.

    >>> total([1, -2, 3])
    4
    """
    result = 0
    for number in numbers:
        if number > 0:
            result += number
    return result


def clamp(x: int, low: int, high: int) -> int:
    """Return the number nearest to x from low to high.

    >>> clamp(5, 1, 3)
    3
    >>> clamp(-5, 1, 3)
    1
    """
    if x < low:
        return low
    return high if x > high else x
'''
LUA = {
    "shout": "local function shout(text) return string.upper(text) .. '!' end",
    "total": """local function total(numbers)
  local s = 0
  for _, n in ipairs(numbers) do if n > 0 then s = s + n end end
  return s
end""",
    "clamp": """local function clamp(x, low, high)
  if x < low then return low end
  if x > high then return high end
  return x
end""",
}


def translate(text: str) -> str:
    """Translate the function that a prompt is about."""
    name = next(name for name in LUA if f"def {name}" in text)
    return f"```lua\n{LUA[name]}\n```"


class ModelServer:
    """The state that a test sets and reads."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.model = "small"  #: any other is unknown
        self.requests = 0  #: requests for replies
        self.says: Callable[[str], str] = translate
        self.chooses: Callable[[dict[str, Any]], dict[str, Any]] | None = None  #: request → choice, instead of ``says``
        self.holding: threading.Event | None = None  #: requests wait for it
        self.held_after = 0  #: from this request on
        self.busy = False  #: answer 429
        self.status = 0  #: of every answer to a request for a reply; 0 for a reply
        self.models_status = 200  #: of every answer to ``/models``
        self.keys = set[str]()  #: the values of the header Authorization

    @property
    def options(self) -> tuple[str, ...]:
        """What a command needs to ask here."""
        return ("--teacher", "openai", "--model", self.model, "--base-url", self.url)


def _handler(state: ModelServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if body["model"] != state.model:
                self._send(404, {"error": {"message": f"no model {body['model']}", "code": "model_not_found"}})
                return
            state.requests += 1
            state.keys.add(self.headers.get("Authorization", ""))
            if state.status:
                self._send(state.status, {"error": {"message": "out of order"}})
                return
            if state.holding is not None and state.requests > state.held_after:
                state.holding.wait(60)
            if state.busy:
                self._send(429, {"error": {"message": "slow down"}}, {"Retry-After": "1"})
                return
            usage = {"prompt_tokens": 10, "completion_tokens": 20}
            self._send(200, {"choices": [self._choice(body)], "usage": usage})

        def _choice(self, body: dict[str, Any]) -> dict[str, Any]:
            if state.chooses is not None:
                return state.chooses(body)
            key = self.headers.get("Authorization", "")
            text = state.says(body["messages"][0]["content"]).replace("@{key}", key)
            return {"message": {"role": "assistant", "content": text}, "finish_reason": "stop"}

        def do_GET(self) -> None:
            state.keys.add(self.headers.get("Authorization", ""))
            self._send(state.models_status, {"data": [{"id": state.model}]})

        def _send(self, status: int, answer: dict[str, Any], headers: dict[str, str] | None = None) -> None:
            data = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: object) -> None:
            pass

    return Handler


@contextmanager
def model_server() -> Generator[ModelServer]:
    """Serve on a free port of the loopback."""
    state = ModelServer("")
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(state))
    server.daemon_threads = True
    state.url = f"http://127.0.0.1:{server.server_port}/v1"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield state
    finally:
        if state.holding is not None:
            state.holding.set()
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def model_servers(names: Iterable[str]) -> Generator[dict[str, ModelServer]]:
    """Serve several models, each on a free port; name → server."""
    with ExitStack() as stack:
        made = {name: stack.enter_context(model_server()) for name in names}
        for name, server in made.items():
            server.model = name
        yield made
