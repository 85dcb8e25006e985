"""``glotsmith run --teacher batch``: exit code 5 while replies are missing, and the same command resumes the run."""

import json
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


@pytest.mark.slow
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


@pytest.mark.slow
def test_a_request_that_always_fails_does_not_end_the_wait_for_the_others(
    glotsmith: Command, server: BatchState, folder: Path
) -> None:
    server.answer = lambda body: (
        (500, {"error": "down"})
        if "def total" in (prompt := body["messages"][0]["content"])
        else say(f"```lua\nreturn {body['seed']}\n```" if "def clamp" in prompt else translate(prompt))
    )
    own = ("--set", "samples=2", "--policy", "early_stop", "--set", "teacher.again=0")
    command = (*RUN, "--teacher", "batch", "--model", "m", "--base-url", server.url, *own)
    for batches in (1, 2):  # the second sample of clamp is in the second batch
        code, _, err = glotsmith(*command)
        assert (code, len(server.batches)) == (5, batches), err
        server.finish()
    code, _, err = glotsmith(*command)
    assert (code, len(server.batches)) == (3, 2), err
    assert "an error in each of 1 batch; the last: 500" in " ".join(err.split())


@pytest.mark.slow
@pytest.mark.parametrize("trial", [("--preview", "1"), ("--estimate",)])
def test_a_run_does_not_send_what_waits_in_a_trial(
    glotsmith: Command, server: BatchState, folder: Path, trial: tuple[str, ...]
) -> None:
    one = ("--set", "samples=1", "--set", "teacher.input_price=1", "--set", "teacher.output_price=1")
    command = (*RUN, "--teacher", "batch", "--model", "m", "--base-url", server.url, *one)
    assert glotsmith(*command, *trial)[0] == 5
    code, _, err = glotsmith(*command)
    words = " ".join(err.split())
    assert (code, len(server.batches), (folder / "run").exists()) == (2, 1, False), err
    assert (
        "would send the requests again, and pay twice. Run the preview or pilot of that folder again until it ends"
        in words
    )
    server.finish()
    if trial == ("--estimate",):
        code, out, err = glotsmith(*command, *trial, "--json")
        assert code == 0, err
        assert json.loads(out.splitlines()[-1])["time_unknown"] == "the server decides when it answers a batch"
        code, _, err = glotsmith(*command)
        assert (code, len(server.requests)) == (0, 3), err
