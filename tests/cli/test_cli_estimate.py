"""``glotsmith run --estimate``: a pilot in a folder of its own, a forecast, and a run that reuses its replies."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from model_server import SOURCE, ModelServer, model_server

from glotsmith.run_folder import RunFolder

Command = Callable[..., tuple[int, str, str]]
PRICES = ("--set", "teacher.input_price=1000", "--set", "teacher.output_price=1000")  # a reply of the server: 0.03
RUN = ("run", "multipl-t", "-s", "src", "-l", "lua", "-o", "run", "--set", "suites=0", "--set", "typecheck=false")
ONE = (*RUN, "--set", "samples=1")


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with model_server() as made:
        yield made


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "small.py").write_text(SOURCE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.slow
def test_a_forecast_of_a_whole_pilot_is_what_the_run_does(
    glotsmith: Command, server: ModelServer, folder: Path
) -> None:
    command = (*ONE, *server.options)
    code, stdout, err = glotsmith(*command, *PRICES, "--estimate", "--json")
    assert (code, server.requests, (folder / "run").exists()) == (0, 3, False), err
    found = json.loads(stdout.splitlines()[-1])
    assert (found["population"], found["sampled"]) == (3, 3)
    assert (found["requests"], found["rows"]) == (dict.fromkeys(("value", "low", "high"), 3.0),) * 2
    assert found["tokens"]["high"] == 90
    assert found["cost"]["low"] == pytest.approx(0.09)
    assert found["hours_left"] is None  # three replies measure no rate
    code, _, err = glotsmith(*command, *PRICES)
    assert (code, server.requests) == (0, 3), err
    with RunFolder.open(folder / "run") as run:
        costs = run.ledger.exchanges.total_costs()
    assert costs is not None
    assert (costs[0].requests, costs[1].requests, round(costs[1].cost, 6)) == (0, 3, 0.09)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--estimate", "--preview", "2"), "--preview and --estimate cannot be combined"),
        (("--estimate", "--shard", "1/2"), "--estimate and --shard cannot be combined"),
        (("--estimate", "--pilot-share", "0"), "Invalid value for '--pilot-share'"),
        (("--estimate", "--pilot-share", "1.5"), "Invalid value for '--pilot-share'"),
        (("--pilot-share", "0.5"), "--pilot-share needs --estimate: add --estimate, or remove --pilot-share"),
        (("--json",), "--json needs --estimate: add --estimate, or remove --json"),
    ],
)
def test_a_pilot_that_predicts_nothing_is_refused(
    glotsmith: Command, server: ModelServer, options: tuple[str, ...], words: str
) -> None:
    code, _, err = glotsmith(*ONE, *server.options, *options)
    assert (code, server.requests) == (2, 0), err
    assert words in " ".join(err.split())
