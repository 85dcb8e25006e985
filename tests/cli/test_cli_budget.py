"""``glotsmith run --budget``: it ends with exit code 4 at the limit, and the same command with a larger one resumes."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from model_server import SOURCE, ModelServer, model_server, translate

from glotsmith.run_folder import RunFolder

Command = Callable[..., tuple[int, str, str]]
PRICES = ("--set", "teacher.input_price=1000", "--set", "teacher.output_price=1000")  # a reply of the server: 0.03
RUN = ("run", "multipl-t", "-s", "src", "-l", "lua", "-o", "run", "--set", "suites=0", "--set", "typecheck=false")
ONE = (*RUN, "--set", "samples=1", "--set", "teacher.max_concurrency=1")


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
@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--budget", "ocaml=5rows"), "names no language of the run: the run has only the language lua"),
        (("--budget", "5usd"), "the price of 'small' is unknown"),
    ],
)
def test_a_budget_that_cannot_be_kept_is_refused_before_any_request(
    glotsmith: Command, server: ModelServer, folder: Path, options: tuple[str, ...], words: str
) -> None:
    code, _, err = glotsmith(*ONE, *server.options, *options)
    assert (code, server.requests, (folder / "run").exists()) == (2, 0, False), err
    assert words in err


@pytest.mark.slow
def test_a_run_ends_at_its_budget_and_a_larger_one_resumes_it(
    glotsmith: Command, server: ModelServer, folder: Path
) -> None:
    command = (*ONE, *server.options, *PRICES)
    code, _, err = glotsmith(*command, "--budget", "0.05usd", "--budget", "3h")
    assert (code, server.requests) == (4, 2), err
    assert "the budget 0.05usd is reached: 0.06 US dollars. All results are saved" in err
    code, _, err = glotsmith(*command, "--budget", "lua=4rows", "--budget", "1usd")
    assert (code, server.requests) == (0, 3), err
    again = tuple("again" if word == "run" and n > 0 else word for n, word in enumerate(command))
    code, _, err = glotsmith(*again, "--budget", "0.01usd", "--cache", "run/cache.sqlite")
    assert (code, server.requests) == (0, 3), err
    for run, counts in (("run", (3, 0)), ("again", (0, 3))):
        with RunFolder.open(folder / run) as opened:
            costs = opened.ledger.exchanges.total_costs()
        assert costs is not None
        assert (costs[0].requests, costs[1].requests) == counts
        assert round(costs[0].cost + costs[1].cost, 6) == 0.09


@pytest.mark.slow
def test_a_finished_run_continues_problems_while_its_budget_of_rows_is_not_reached(
    glotsmith: Command, server: ModelServer, folder: Path
) -> None:
    wrong = "```lua\nlocal function {name}() return {{}} end -- {number}\n```"
    names = ("shout", "total", "clamp")

    def answer(text: str) -> str:
        """Write two wrong programs for each function first."""
        name = next(each for each in names if f"def {each}" in text)
        earlier.append(name)
        count = earlier.count(name)
        return translate(text) if count > 2 else wrong.format(name=name, number=count)

    earlier = list[str]()
    server.says = answer
    command = (*RUN, *server.options, "--policy", "adaptive", "--set", "teacher.max_concurrency=1")
    code, out, err = glotsmith(*command, "--budget", "lua=3rows")
    assert code in (0, 4), err
    assert "3 problems continued, because the budget allows more replies" in out + err
    with RunFolder.open(folder / "run") as opened:
        assert sum(count.rows for count in opened.ledger.sampling.counts()) == 3
        assert server.requests == opened.ledger.exchanges.costs_by_model()["openai small"].paid.requests >= 9
    before = server.requests
    glotsmith(*command, "--budget", "lua=3rows")
    assert server.requests == before
