"""``glotsmith run --teacher batch``: exit code 5 while replies are missing, and the same command resumes the run."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from model_server import SOURCE, translate

from batch_server import BatchState, answer_file, batch_server, say
from glotsmith.run_folder import RunFolder

Command = Callable[..., tuple[int, str, str]]
PRICES = ("--set", "teacher.input_price=1000", "--set", "teacher.output_price=1000")  # a reply of the server: 0.03
RUN = ("run", "multipl-t", "-s", "src", "-l", "lua", "-o", "run", "--set", "suites=0", "--set", "typecheck=false")


@pytest.fixture
def server() -> Iterator[BatchState]:
    with batch_server() as state:
        state.answer = lambda body: say(translate(body["messages"][0]["content"]))
        yield state


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "small.py").write_text(SOURCE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_run_resumes_around_its_batches(glotsmith: Command, server: BatchState, folder: Path) -> None:
    command = (*RUN, "--teacher", "batch", "--model", "m", "--base-url", server.url, *PRICES, "--set", "samples=2")
    code, _, err = glotsmith(*command, "--budget", "20usd")
    assert (code, len(server.batches)) == (5, 1), err
    assert f"3 requests wait in 1 batch at {server.url}" in " ".join(err.split())
    server.finish()
    files = server.files
    code, _, err = glotsmith(*command, "--set", "teacher.submit=manual")  # the second samples, by hand
    assert (code, len(server.batches)) == (5, 1), err
    lines = answer_file((folder / "run" / "batches" / "requests-0002.jsonl").read_bytes(), server.answer)
    (folder / "run" / "batches" / "results" / "mine.jsonl").write_text("\n".join(lines))
    code, _, err = glotsmith(*command)
    assert (code, server.files) == (0, files), err
    with RunFolder.open(folder / "run") as run:
        costs, made = run.ledger.exchanges.total_costs(), run.ledger.funnel()[-1].made
        assert not run.ledger.exchanges.sent()  # no request is counted as unanswered
    assert costs is not None
    assert (made, costs[0].requests, costs[1].requests, round(costs[0].cost, 6)) == (3, 6, 0, 0.18)
