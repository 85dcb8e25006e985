"""Runs with several models, which are simulated by local servers: one fails, one is slow, and one is good."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from model_server import SOURCE, ModelServer, model_servers, translate

from glotsmith.api.run_config import load
from glotsmith.cli.models import check_teachers
from glotsmith.drop_reasons import Reason
from glotsmith.records import Solution
from glotsmith.run_folder import RunFolder

Command = Callable[..., tuple[int, str, str]]
MODELS = ("failing", "slow", "good")
KEYS = {
    "FAILING_KEY": "key-of-the-first-4711",
    "SLOW_KEY": "key-of-the-second-4712",
    "GOOD_KEY": "key-of-the-third-4713",
}
PRICES = {"failing": 0.03, "slow": 0.06, "good": 0.09}  #: US dollars of a reply, which has 30 tokens

CONFIG = """
recipe = "multipl-t"
output = "run"
formats = ["jsonl"]
[options]
sources = ["src"]
languages = ["lua"]
suites = 0
typecheck = false
samples = 1
[teacher]
name = "openai"
model = "failing"
base_url = "{failing}"
options = {{ attempts = 1, input_price = 1000, output_price = 1000, api_key_env = "FAILING_KEY", max_concurrency = 2 }}
[roles.translate.next]
model = "slow"
base_url = "{slow}"
options = {{ input_price = 2000, output_price = 2000, api_key_env = "SLOW_KEY", max_concurrency = 1 }}
[roles.translate.next.next]
model = "good"
base_url = "{good}"
options = {{ input_price = 3000, output_price = 3000, api_key_env = "GOOD_KEY" }}
"""


def wrong(text: str) -> str:
    return (
        "```lua\nlocal function " + next(n for n in ("shout", "total", "clamp") if n in text) + "() return {} end\n```"
    )


def slow(text: str) -> str:
    """Translate one of the functions."""
    time.sleep(0.2)
    return translate(text) if "def shout" in text else wrong(text)


@pytest.fixture
def servers() -> Iterator[dict[str, ModelServer]]:
    with model_servers(MODELS) as made:
        made["slow"].says = slow
        yield made


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "small.py").write_text(SOURCE)
    monkeypatch.chdir(tmp_path)
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    return tmp_path


def write_config(folder: Path, servers: dict[str, ModelServer], more: str = "") -> None:
    urls = {name: server.url for name, server in servers.items()}
    (folder / "run.toml").write_text(CONFIG.format(**urls) + more)


def check_lineage(folder: Path) -> None:
    """Check that each solution names the model that wrote it, and each loss by escalation both models."""
    with RunFolder.open(folder / "run") as opened:
        solved = [item for _, item in opened.ledger.kept_items("translate", Solution)]
        models = {item.task.problem.function.name: item.lineage.model for item in solved}
        assert models == {"shout": "slow", "total": "good", "clamp": "good"}
        escalated = opened.ledger.dropped_rows("translate", Reason.ESCALATED)
        assert Counter(row.detail.partition(".")[0] for row in escalated) == {
            "openai failing failed, so openai slow was asked": 3,
            "openai slow failed, so openai good was asked": 2,
        }


def check_costs(folder: Path, replies: dict[str, int]) -> None:
    """Check the replies and the costs of each model."""
    with RunFolder.open(folder / "run") as opened:
        costs = opened.ledger.exchanges.costs_by_model()
        total = opened.ledger.exchanges.total_costs()
    assert {name: found.paid.requests for name, found in costs.items()} == {
        f"openai {n}": c for n, c in replies.items()
    }
    for name, count in replies.items():
        assert costs[f"openai {name}"].paid.cost == pytest.approx(count * PRICES[name])
        assert costs[f"openai {name}"].calls == {"translate": count}
    assert total is not None
    assert total[0].cost == pytest.approx(sum(count * PRICES[name] for name, count in replies.items()))


@pytest.mark.slow
def test_what_a_model_fails_is_asked_of_the_next_and_the_ledger_says_so(
    glotsmith: Command, servers: dict[str, ModelServer], folder: Path
) -> None:
    servers["failing"].says = wrong
    write_config(folder, servers)
    # A budget of which each model spends a part ends the run, and a larger one resumes it.
    code, _, err = glotsmith("run", "run.toml", "--budget", "0.2usd")
    assert code == 4, err
    code, out, err = glotsmith("run", "run.toml", "--budget", "1usd")
    assert code == 0, err
    replies = {"failing": 3, "slow": 3, "good": 2}
    assert {name: server.requests for name, server in servers.items()} == replies  # none was sent twice
    check_lineage(folder)
    check_costs(folder, replies)
    assert [name for name in replies if f"openai {name}" not in out] == []

    assert glotsmith("run", "run.toml")[0] == 0  # a finished run asks nothing again
    assert {name: server.requests for name, server in servers.items()} == replies
    keys = {name: server.keys for name, server in servers.items()}
    assert keys == {name: {f"Bearer {KEYS[f'{name.upper()}_KEY']}"} for name in MODELS}
    stored = b"".join(file.read_bytes() for file in (folder / "run").rglob("*") if file.is_file())
    assert [key for key in KEYS.values() if key.encode() in stored or key in out + err] == []


@pytest.mark.slow
@pytest.mark.parametrize("status", [500, 503])
def test_a_server_that_fails_costs_no_item_if_another_model_follows(
    glotsmith: Command, servers: dict[str, ModelServer], folder: Path, status: int
) -> None:
    servers["failing"].status = status
    write_config(folder, servers)
    code, _, err = glotsmith("run", "run.toml")
    assert code == 0, err
    check_lineage(folder)
    check_costs(folder, {"slow": 3, "good": 2})


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "words"),
    [
        pytest.param(
            lambda servers: setattr(servers["good"], "models_status", 401),
            ("roles.translate.next.next: ", "refuses the key in the environment variable GOOD_KEY"),
            id="key",
        ),
        pytest.param(
            lambda servers: setattr(servers["good"], "url", "http://127.0.0.1:9/v1"),
            ("roles.translate.next.next: http://127.0.0.1:9/v1: cannot reach the server", "is the server running?"),
            id="unreachable",
        ),
    ],
)
def test_the_teachers_of_all_roles_are_checked_before_the_first_request(
    glotsmith: Command,
    servers: dict[str, ModelServer],
    folder: Path,
    change: Callable[[dict[str, ModelServer]], None],
    words: tuple[str, ...],
) -> None:
    change(servers)
    write_config(folder, servers)
    code, _, err = glotsmith("run", "run.toml")
    assert (code, sum(server.requests for server in servers.values())) == (2, 0), err
    assert [word for word in words if word not in err] == []
    table, works = check_teachers(load("run.toml", {}))
    assert not works
    states = dict(zip(table.columns[0].cells, table.columns[3].cells, strict=True))
    assert all(word in f"roles.translate.next.next: {states['roles.translate.next.next']}" for word in words)
    assert states["roles.translate.next"] == "no fault found"
    assert [key for key in KEYS.values() if key in f"{states}{err}"] == []


@pytest.mark.slow
def test_a_model_that_a_server_does_not_list_is_reported_and_asked(
    glotsmith: Command, servers: dict[str, ModelServer], folder: Path
) -> None:
    servers["failing"].says = translate
    write_config(folder, servers, '[roles.write_tests]\nmodel = "other"\n')
    code, _, err = glotsmith("run", "run.toml")
    assert code == 0, err
    assert "roles.write_tests: " in err
    assert "does not list the model 'other'. It lists: failing" in err


@pytest.mark.slow
def test_a_role_of_a_run_keeps_its_model_and_may_change_its_server(
    glotsmith: Command, servers: dict[str, ModelServer], folder: Path
) -> None:
    servers["failing"].says = translate
    write_config(folder, servers)
    assert glotsmith("run", "run.toml")[0] == 0
    free = ("roles.translate.next.base_url=http://localhost:1/v1", "roles.translate.next.next.timeout_s=7")
    code, _, err = glotsmith("run", "run.toml", *(word for one in free for word in ("--set", one)))
    assert code == 0, err
    code, _, err = glotsmith("run", "run.toml", "--set", "roles.translate.next.model=better")
    assert code == 2
    assert 'roles.translate.next.model was "slow" and is now "better"' in err
