"""Runs of ``inverse-instruct`` and ``xcoder`` with three priced models on local servers: failing, slow and good.

The good model gives the recorded replies of the recipe. The slow one gives some of them, and the failing one none.
"""

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from model_server import ModelServer, model_servers

import glotsmith as gs
from glotsmith.drop_reasons import Reason
from glotsmith.recipes import inverse_instruct, xcoder
from glotsmith.records import Example
from glotsmith.run_folder import RunFolder
from glotsmith.teachers.base import Reply, Request
from glotsmith.teachers.openai_wire import request_seed
from glotsmith.teachers.scripted import Scripted

Command = Callable[..., tuple[int, str, str]]
MODELS = ("failing", "slow", "good")
PRICES = {"failing": 0.03, "slow": 0.06, "good": 0.09}  #: US dollars of a reply, which has 30 tokens
PROSE = "I am sorry, but I have no idea."


class Case(NamedTuple):
    recipe: str
    folder: Path  #: of the recorded replies
    source: str
    options: Mapping[str, Any]
    roles: Mapping[str, str]  #: call of the recorded replies → role
    slow: frozenset[str]  #: calls that the slow model can answer
    steps: frozenset[str]  #: those that ask the next model
    writers: Mapping[tuple[str, str], int]  #: kind and model → rows


CASES = [
    Case(
        recipe="inverse-instruct",
        folder=Path(inverse_instruct.__file__).parent / "recorded",
        source="corpus.jsonl",
        options={"summaries": 3, "languages": ["lua"]},
        roles={"generate": "generate", "score": "score", "solve": "solve"},
        slow=frozenset({"score"}),
        steps=frozenset({"generate_instructions", "score_instructions", "round_trip"}),
        writers={("inverse", "good"): 4},
    ),
    Case(
        recipe="xcoder",
        folder=Path(xcoder.__file__).parent / "recorded",
        source="snippets.jsonl",
        options={"sessions": 2, "epoch": 1, "languages": ["python", "lua"]},
        roles={
            **{"ds1": "generate", "ds2": "generate", "solve": "solve", "rubric": "score"},
            **dict.fromkeys(("propose", "advise", "revise", "reflect"), "agents"),
        },
        slow=frozenset({"ds1", "propose", "rubric"}),
        steps=frozenset({"generate_seeds", "discuss", "solve", "score"}),
        writers={("ds1", "slow"): 2, ("ds2", "good"): 3, ("ds3", "good"): 4},
    ),
]


class RecordedReply(NamedTuple):
    call: str
    reply: Reply


def record_replies(case: Case, folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[tuple[str, int], RecordedReply]:
    """Run the recipe with its recorded replies; return each reply by the prompt and the seed that a server sees."""
    found, answer = dict[tuple[str, int], RecordedReply](), Scripted.reply

    async def reply(self: Scripted, request: Request) -> Reply:
        got = await answer(self, request)
        if got.finish_reason == "stop":
            prompt = "\n".join(message.content for message in request.messages)
            found[prompt, request_seed(request)] = RecordedReply(request.call, got)
        return got

    with monkeypatch.context() as patch:
        patch.setattr(Scripted, "reply", reply)
        gs.run(
            case.recipe,
            sources=[str(case.folder / case.source)],
            output=folder / "recorded",
            teacher="scripted",
            model=str(case.folder / "replies.jsonl"),
            languages=case.options["languages"],
            options={name: value for name, value in case.options.items() if name != "languages"},
            formats=["jsonl"],
        )
    return found


class ModelThatKnows:
    """Answers with recorded replies to some calls, and with prose to the others."""

    def __init__(self, recorded: Mapping[tuple[str, int], RecordedReply], knows: Callable[[str], bool]) -> None:
        self._recorded, self._knows = recorded, knows
        self._any_seed = {prompt: found for (prompt, _), found in recorded.items()}
        self.delay_s = 0.0
        self.requests = Counter[tuple[str, int]]()
        self.answered = Counter[str]()  #: by call
        self._lock = threading.Lock()

    def choose(self, body: dict[str, Any]) -> dict[str, Any]:
        """Return the choice of the response to a request."""
        key = "\n".join(message["content"] for message in body["messages"]), body["seed"]
        with self._lock:
            self.requests[key] += 1
        time.sleep(self.delay_s)
        found = self._recorded.get(key) or self._any_seed.get(key[0])
        if found is None or not self._knows(found.call):
            return {"message": {"role": "assistant", "content": PROSE}, "finish_reason": "content_filter"}
        self.answered[found.call] += 1
        choice = {"message": {"role": "assistant", "content": found.reply.text}, "finish_reason": "stop"}
        if body.get("logprobs"):
            top = [{"token": token, "logprob": logprob} for token, logprob in found.reply.logprobs.items()]
            choice["logprobs"] = {"content": [{"token": found.reply.text, "logprob": 0.0, "top_logprobs": top}]}
        return choice


@pytest.fixture
def servers() -> Iterator[dict[str, ModelServer]]:
    with model_servers(MODELS) as made:
        yield made


def write_config(case: Case, folder: Path, servers: Mapping[str, ModelServer]) -> None:
    """Write a configuration in which each role asks the three models in turn."""

    def teacher(name: str) -> dict[str, Any]:
        price = PRICES[name] / 30e-6
        options = {"attempts": 1, "input_price": price, "output_price": price, "max_concurrency": 2}
        return {"name": "openai", "model": name, "base_url": servers[name].url, "options": options}

    chain = teacher("failing") | {"next": teacher("slow") | {"next": teacher("good")}}
    names = set(case.roles.values())
    roles: dict[str, Any] = dict.fromkeys(names - {"agents"}, chain)
    if "agents" in names:
        roles["agents"] = dict.fromkeys(case.options["languages"], chain)
    options = {"sources": [str(case.folder / case.source)], **case.options}
    config = {"recipe": case.recipe, "output": "run", "formats": ["jsonl"], "options": options, "roles": roles}
    (folder / "run.toml").write_text(toml({**config, "teacher": teacher("good")}))


def toml(table: Mapping[str, Any], prefix: str = "") -> str:
    lines = [f"{key} = {json.dumps(value)}" for key, value in table.items() if not isinstance(value, dict)]
    for key, value in table.items():
        if isinstance(value, dict):
            lines += [f"[{prefix}{key}]", toml(value, f"{prefix}{key}.")]
    return "\n".join(lines)


def check_ledger(case: Case, folder: Path, models: Mapping[str, ModelThatKnows]) -> None:
    """Check the costs of each model, the losses by escalation, and the models that wrote the rows."""
    with RunFolder.open(folder / "run") as opened:
        ledger = opened.ledger
        costs, total = ledger.exchanges.costs_by_model(), ledger.exchanges.total_costs()
        escalated = {step: [row.detail for row in ledger.dropped_rows(step, Reason.ESCALATED)] for step in ledger.steps}
        rows = [item for _, item in ledger.kept_items("dataset", Example) if item.kind != "original"]
    replies = {name: model.requests.total() for name, model in models.items()}
    assert {name: found.paid.requests for name, found in costs.items()} == {
        f"openai {name}": count for name, count in replies.items()
    }
    for name, count in replies.items():
        assert costs[f"openai {name}"].paid.cost == pytest.approx(count * PRICES[name])
        assert set(costs[f"openai {name}"].calls) <= set(case.roles)
    assert set(costs["openai failing"].calls) == set(costs["openai slow"].calls)
    assert set(models["slow"].answered) == case.slow
    assert set(models["good"].answered) >= set(case.roles) - case.slow
    prompts = {name: {prompt for prompt, _ in model.requests} for name, model in models.items()}
    assert prompts["good"] < prompts["slow"] == prompts["failing"]
    assert total is not None
    assert total[0].cost == pytest.approx(sum(count * PRICES[name] for name, count in replies.items()))
    assert {step for step, details in escalated.items() if details} == case.steps
    pairs = {detail.partition(".")[0] for details in escalated.values() for detail in details}
    assert pairs == {
        "openai failing failed, so openai slow was asked",
        "openai slow failed, so openai good was asked",
    }
    assert Counter((row.kind, row.lineage.model) for row in rows) == case.writers


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.recipe)
def test_three_priced_models_answer_what_they_can_and_the_ledger_says_so(
    glotsmith: Command, servers: dict[str, ModelServer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: Case
) -> None:
    monkeypatch.chdir(tmp_path)
    recorded = record_replies(case, tmp_path, monkeypatch)
    knows: dict[str, Callable[[str], bool]] = {
        "failing": lambda call: False,
        "slow": case.slow.__contains__,
        "good": lambda call: True,
    }
    models = {name: ModelThatKnows(recorded, knows[name]) for name in MODELS}
    models["slow"].delay_s = 0.05
    for name, server in servers.items():
        server.chooses = models[name].choose
    write_config(case, tmp_path, servers)
    code, _, err = glotsmith("run", "run.toml", "--budget", "0.5usd")
    assert code == 4, err
    code, out, err = glotsmith("run", "run.toml")
    assert code == 0, err
    assert [name for name in MODELS if f"openai {name}" not in out] == []
    sent = {name: dict(model.requests) for name, model in models.items()}
    assert {count for counts in sent.values() for count in counts.values()} == {1}  # also after the budget
    check_ledger(case, tmp_path, models)
    assert glotsmith("run", "run.toml")[0] == 0  # a finished run asks nothing again
    assert {name: dict(model.requests) for name, model in models.items()} == sent
