"""An inverse-instruct run killed at any moment ends with the same bytes, and the teacher is asked nothing twice."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import whole_program
from test_resume import Killing, Whole, check_log, killed_and_resumed, orphans, rows
from whole_program import (
    SAMPLES,
    ReceivedRequest,
    Server,
    dataset,
    finish,
    serving,
    stored_serials,
)

from glotsmith.errors import ToolchainError
from glotsmith.languages import toolchain
from glotsmith.recipes.inverse_instruct import recipe as inverse_instruct

__all__ = ["orphans"]
pytestmark = pytest.mark.slow

RECORDED = Path(inverse_instruct.__file__).parent / "recorded"
CORPUS, REPLIES = RECORDED / "corpus.jsonl", RECORDED / "replies.jsonl"
RUN = ("run", "inverse-instruct", "-s", CORPUS, "-o", "run", "--set", "summaries=3", "--set", "measured=0.5")
REPLY_ROWS = {(r["call"], r["item"], r["sample"]): r for r in map(json.loads, REPLIES.read_text().splitlines())}
NAMES = {r["call"] + r["item"]: r["item"] for r in REPLY_ROWS.values()}.values()


class Inverter(whole_program._Handler):
    """Says what the hand-written replies say; the number of a reply is in a thought, which no row ever shows."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        request = json.loads(body)
        text, sample = request["messages"][0]["content"], SAMPLES[request["seed"]]
        call = next((c for c, mark in MARKS.items() if mark in text), "solve")
        name = next(
            n for n in NAMES if f"function {n}(" in text or f"def {n}(" in text or f"function named `{n}`" in text
        )
        with self.server._lock:
            received = ReceivedRequest(self.server.life, len(self.server.log), call, name, sample, body)
            self.server.log.append(received)
        if self._fails(received):
            return
        row: dict[str, Any] = REPLY_ROWS.get((call, name, sample), {"reply": ""})
        message = {"role": "assistant", "content": f"<think>Reply {received.serial}.</think>{row['reply']}"}
        choice: dict[str, Any] = {"message": message, "finish_reason": "stop"}
        if request.get("logprobs"):
            top = [{"token": token, "logprob": value} for token, value in row["logprobs"].items()]
            choice["logprobs"] = {"content": [{**top[0], "top_logprobs": top}]}
        self._send(200, {"choices": [choice], "usage": {"prompt_tokens": len(body), "completion_tokens": 10}})


MARKS = {"generate": "please give the problem description", "score": "Is the answer correct?"}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    for language in ("python", "lua"):
        try:
            toolchain.find_toolchain(language)
        except ToolchainError as error:
            pytest.skip(str(error))
    with serving() as made:
        made.RequestHandlerClass = Inverter
        yield made


@pytest.fixture(scope="module")
def whole(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Whole:
    """An unbroken run, four programs at a time, with a server that answers at once."""
    server.slowest_s = 0.0
    folder = tmp_path_factory.mktemp("whole")
    begun = time.monotonic()
    finish(folder, *RUN, *server.options, "-j", "4")
    return Whole(dataset(folder / "run"), time.monotonic() - begun, {a.body for a in server.log}, folder)


def test_a_killed_run_ends_with_the_same_bytes_and_asks_nothing_twice(
    tmp_path: Path, server: Server, whole: Whole
) -> None:
    """It works at one program a time, and replies come late and in any order: neither counts."""
    assert {a.call for a in server.log} == {"generate", "score", "solve"}
    arguments = [*map(str, RUN), *server.options, "-j", "1"]
    killed_and_resumed(server, Killing(tmp_path, arguments, whole.seconds, seed=11))

    assert dataset(tmp_path / "run") == whole.dataset
    assert {a.body for a in server.log} == whole.questions
    check_log(server.log, stored_serials(tmp_path / "run"))
    assert rows(tmp_path / "run")[0] == rows(whole.folder / "run")[0]
