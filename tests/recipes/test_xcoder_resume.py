"""An xcoder run killed at any moment ends with the same bytes, asks nothing twice, and remembers the same."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import whole_program
from simulated_agents import call_of, say
from small_corpus import SOURCE
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

__all__ = ["orphans"]
pytestmark = pytest.mark.slow

RUN = (
    *("run", "xcoder", "-s", "src", "-l", "python", "-l", "lua", "-o", "run", "--set", "ds1=false"),
    *("--set", "sessions=4", "--set", "epoch=2", "--set", "samples=3", "--set", "wanted=1"),
)


class Agents(whole_program._Handler):
    """Says what the simulated teacher says."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        request = json.loads(body)
        text, seed = request["messages"][0]["content"], request["seed"]
        with self.server._lock:
            received = ReceivedRequest(self.server.life, len(self.server.log), call_of(text), "", seed, body)
            self.server.log.append(received)
        if self._fails(received):
            return
        content = f"Reply {received.serial}.\n\n{say(text, seed, SAMPLES.get(seed, 0))}"
        message = {"role": "assistant", "content": content}
        usage = {"prompt_tokens": len(body), "completion_tokens": 10}
        self._send(200, {"choices": [{"message": message, "finish_reason": "stop"}], "usage": usage})


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    for language in ("python", "lua"):
        try:
            toolchain.find_toolchain(language)
        except ToolchainError as error:
            pytest.skip(str(error))
    with serving() as made:
        made.RequestHandlerClass = Agents
        yield made


def corpus(folder: Path) -> Path:
    """Make a folder with the sources, two functions, and return it."""
    (folder / "src").mkdir(parents=True)
    (folder / "src" / "small.py").write_text(SOURCE.partition("\n\n\ndef largest")[0])
    return folder


@pytest.fixture(scope="module")
def whole(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Whole:
    """An unbroken run, four programs at a time, with a server that answers at once."""
    server.slowest_s = 0.0
    folder = corpus(tmp_path_factory.mktemp("whole") / "one")
    begun = time.monotonic()
    finish(folder, *RUN, *server.options, "-j", "4")
    return Whole(dataset(folder / "run"), time.monotonic() - begun, {a.body for a in server.log}, folder)


def remembered(folder: Path) -> list[Any]:
    """What the agents remember, as the command line tells it."""
    return [finish(folder, "show", "run", "--memory", agent, "--json") for agent in ("python", "lua")]


def test_a_killed_run_ends_with_the_same_bytes_and_memory_and_asks_nothing_twice(
    tmp_path: Path, server: Server, whole: Whole
) -> None:
    """It works at one program a time, and replies come late and in any order: neither counts."""
    assert {a.call for a in server.log} >= {"ds2", "propose", "advise", "reflect", "rubric", "solve"}
    folder = corpus(tmp_path / "killed")
    killed_and_resumed(server, Killing(folder, (*RUN, *server.options, "-j", "1"), whole.seconds, seed=46))

    assert dataset(folder / "run") == whole.dataset
    assert {a.body for a in server.log} == whole.questions
    check_log(server.log, stored_serials(folder / "run"))
    assert remembered(folder) == remembered(whole.folder)
    assert rows(folder / "run")[0] == rows(whole.folder / "run")[0]
