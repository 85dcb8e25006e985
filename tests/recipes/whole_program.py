"""What the tests of the whole program share: the command in processes of its own, a server, a corpus, its replies."""

import ctypes
import json
import os
import random
import re
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from small_corpus import LUA, asserts

from glotsmith.teachers.base import Request
from glotsmith.teachers.openai_wire import request_seed

PATIENCE_S = 120.0  #: after which a process that should have ended is a failure
SAMPLES = {request_seed(Request(call="", item="", sample=n)): n for n in range(100)}
#: without the variables that make each start compile all modules again
_LEFT_OUT = ("OPENAI_", "GLOTSMITH_", "PYTHONDONTWRITEBYTECODE")
ENV = {k: v for k, v in os.environ.items() if not k.startswith(_LEFT_OUT)} | {"COLUMNS": "200"}


# ------------------------------------------------------------------------------------------ the command


def start(folder: Path, *arguments: object) -> "subprocess.Popen[str]":
    """Start the command line in a process group of its own; what it says goes to files in ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "stdout").open("w") as out, (folder / "stderr").open("w") as err:
        return subprocess.Popen(
            [sys.executable, "-m", "glotsmith", *map(str, arguments)],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            cwd=folder,
            env=ENV,
            text=True,
            start_new_session=True,
        )


def log_text(folder: Path) -> str:
    """What the last command that was started in ``folder`` said."""
    return (folder / "stdout").read_text() + (folder / "stderr").read_text()


def finish(folder: Path, *arguments: object) -> str:
    """Run a command that must succeed; return what it said."""
    code = start(folder, *arguments).wait(PATIENCE_S)
    assert code == 0, log_text(folder)
    return log_text(folder)


def kill(process: "subprocess.Popen[str]") -> bool:
    """Kill a command's process group; return whether it was still running."""
    alive = process.poll() is None
    if alive:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(PATIENCE_S)
    return alive


def until(condition: Any, process: "subprocess.Popen[str] | None" = None) -> bool:
    """Wait for a condition; False if the process ends before it holds."""
    end = time.monotonic() + PATIENCE_S
    while not condition():
        if process is not None and process.poll() is not None:
            return bool(condition())
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.005)
    return True


def works_in(run: Path, process: "subprocess.Popen[str]") -> bool:
    """Whether the process has opened the run folder."""
    with suppress(OSError):
        return (run / "lock").read_text().strip() == str(process.pid)
    return False


def dataset(run: Path) -> dict[str, bytes]:
    """All files of the dataset, by path."""
    root = run / "dataset"
    return {str(p.relative_to(root)): p.read_bytes() for p in sorted(root.rglob("*")) if p.is_file()}


def answered(run: Path, step: str) -> int:
    """How many inputs a step has answered, according to the ledger; 0 while there is none."""
    with suppress(sqlite3.Error), _reading(run / "ledger.sqlite") as ledger:
        sql = "SELECT COUNT(*) FROM items JOIN steps ON place = step WHERE name = ? AND ordinal = 0"
        return ledger.execute(sql, (step,)).fetchone()[0]
    return 0


def stored_serials(run: Path) -> set[int]:
    """The numbers of the server's replies that the cache holds."""
    with suppress(sqlite3.Error), _reading(run / "cache.sqlite") as cache:
        values = cache.execute("SELECT value FROM entries WHERE kind = 'reply'").fetchall()
        return {int(found[1]) for (value,) in values if (found := re.search(rb"Reply (\d+)\.", value))}
    return set()


@contextmanager
def _reading(path: Path) -> Generator[sqlite3.Connection]:
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=20)
    try:
        yield connection
    finally:
        connection.close()


# ------------------------------------------------------------------------------------------ processes left behind


_OWN = set[int]()  #: children that this process had before; other tests may keep workers


@contextmanager
def adopting_orphans() -> Generator[None]:
    """Be the parent of every process that loses its own (``PR_SET_CHILD_SUBREAPER``), so that none can hide."""
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.prctl(36, 1, 0, 0, 0) == 0
    _OWN.update(_children())
    try:
        yield
    finally:
        libc.prctl(36, 0, 0, 0, 0)
        _OWN.clear()


def _children() -> dict[int, str]:
    """The state of each child of this process."""
    found: dict[int, str] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            state, parent = stat.read_text().rpartition(")")[2].split()[:2]
            if int(parent) == os.getpid():
                found[int(stat.parent.name)] = state
    return found


def remaining_processes() -> list[str]:
    """The command lines of all orphans that are alive."""
    found: list[str] = []
    for pid, state in _children().items():
        if pid in _OWN:
            continue
        with suppress(OSError):
            if state == "Z":
                os.waitpid(pid, os.WNOHANG)
            else:
                found.append(Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")[:200] or str(pid))
    return found


def no_process_remains() -> bool:
    """Whether all orphans end; those of a process killed a moment ago get time to."""
    end = time.monotonic() + 20
    while orphans := remaining_processes():
        if time.monotonic() > end:
            raise AssertionError(f"still running: {orphans}")
        time.sleep(0.02)
    return True


# ------------------------------------------------------------------------------------------ the server


@dataclass(frozen=True)
class ReceivedRequest:
    """One request that the server received."""

    life: int  #: of the command, as the test counts
    serial: int
    call: str  #: ``write_tests`` or ``translate``
    name: str  #: of the function
    sample: int
    body: bytes


class Server(ThreadingHTTPServer):
    """Speaks the OpenAI chat API and says what ``small_corpus`` says, each reply under a number of its own."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.log: list[ReceivedRequest] = []
        self.life = 0
        self.slowest_s = 0.05
        self.status = 200  #: of every answer
        self.fails: Callable[[ReceivedRequest], bool] = lambda _: False  #: which requests meet a 500
        self._random = random.Random(7)
        self._lock = threading.Lock()

    @property
    def options(self) -> Sequence[str]:
        """What tells the command to ask this server."""
        return ("--teacher", "openai", "--model", "m", "--base-url", f"http://127.0.0.1:{self.server_port}/v1")

    def note(self, body: bytes) -> ReceivedRequest:
        """Enter a request into the log."""
        request = json.loads(body)
        text, sample = request["messages"][0]["content"], SAMPLES[request["seed"]]
        call = "write_tests" if "Write unit tests" in text else "translate"
        found = re.search(r"Write unit tests for `(\w+)`|function named `(\w+)`", text)
        assert found
        with self._lock:
            received = ReceivedRequest(self.life, len(self.log), call, found[1] or found[2], sample, body)
            self.log.append(received)
        return received

    def delay(self) -> float:
        """Seconds to wait before the next answer."""
        with self._lock:
            return self._random.uniform(0, self.slowest_s)

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of clients that are killed."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_POST(self) -> None:
        received = self.server.note(self.rfile.read(int(self.headers["Content-Length"])))
        if self._fails(received):
            return
        message = {"role": "assistant", "content": f"Reply {received.serial}.\n\n{answer(received)}"}
        usage = {"prompt_tokens": len(received.body), "completion_tokens": 10}
        self._send(200, {"choices": [{"message": message, "finish_reason": "stop"}], "usage": usage})

    def _fails(self, received: ReceivedRequest) -> bool:
        """Wait, and return whether the server failed, in which case the error is sent."""
        time.sleep(self.server.delay())
        if self.server.status != 200:
            self._send(self.server.status, {"error": {"message": "no"}})
        elif self.server.fails(received):
            self._send(500, {"error": {"message": f"out of order: {received.call}"}})
        else:
            return False
        return True

    def do_GET(self) -> None:
        self._send(200, {"data": [{"id": "another"}]})

    def _send(self, status: int, value: object) -> None:
        data = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def answer(received: ReceivedRequest) -> str:
    """What the hand-written replies say; the last one is repeated."""
    if received.call == "write_tests":
        return f"```python\n{asserts(received.name, received.sample)}\n```"
    replies = LUA[received.name]
    return f"```lua\n{replies[min(received.sample, len(replies) - 1)]}\n```"


@contextmanager
def serving() -> Iterator[Server]:
    """A server in threads of this process."""
    server = Server()
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
