"""Former names of steps, roles, prompts and calls, as ledgers and configurations of earlier versions have them."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from glotsmith import recipes
from glotsmith.errors import UsageError
from glotsmith.exchanges import ReceivedReply
from glotsmith.ledger import Ledger
from glotsmith.ledger_rows import StepInput
from glotsmith.records import IoCase
from glotsmith.renames import FORMER_NAMES, with_current_names
from glotsmith.step import keep

STEPS = {
    "multipl-t": ("sources", "filter", "write_tests", "validate", "prove", "translate", "dataset"),
    "inverse-instruct": ("sources", "preprocess", "check", "summarise", "evaluate", "rank", "dataset"),
    "inverse-instruct without scores": ("sources", "preprocess", "check", "summarise", "rank", "dataset"),
    "xcoder": (
        *("sources", "preprocess", "cut", "seed", "convene", "discuss", "ground", "validate", "distinct", "prove"),
        *("solve", "agree", "dataset"),
    ),
}
RECIPE = {name: name.partition(" ")[0] for name in STEPS}


def former_ledger(path: Path, steps: tuple[str, ...]) -> None:
    """Make a ledger in which an item has passed all steps, with these names."""
    with closing(Ledger(path)) as ledger:
        ledger.register_steps([f"step {n}" for n in range(len(steps))])
        for step in ledger.steps:
            ledger.record(step, StepInput("k", "a0"), keep("k", IoCase(stdin="", stdout="")))
            ledger.mark_finished(step)
    with closing(sqlite3.connect(path)) as database, database:
        database.executemany("UPDATE steps SET name = ? WHERE place = ?", [(name, n) for n, name in enumerate(steps)])


@pytest.mark.parametrize("run", STEPS)
@pytest.mark.parametrize("read_only", [True, False])
def test_a_ledger_with_former_names_is_read_with_current_ones(tmp_path: Path, run: str, read_only: bool) -> None:
    former = FORMER_NAMES[RECIPE[run]].steps
    current = tuple(former.get(name, name) for name in STEPS[run])
    assert current != STEPS[run]
    former_ledger(tmp_path / "ledger.sqlite", STEPS[run])
    with closing(Ledger(tmp_path / "ledger.sqlite", read_only=read_only)) as ledger:
        if not read_only:
            ledger.register_steps(current)
        assert ledger.steps == current
        assert [(row.step, row.kept) for row in ledger.funnel()] == [(step, 1) for step in current]
        assert all(ledger.is_finished(step) and ledger.has_result(step, "k") for step in current)
        assert [row.step for row in ledger.lineage("k")] == list(current)


OWN_STEPS = [
    ("sources", "filter", "write_tests", "validate", "prove", "make_tasks", "translate", "dataset"),
    ("sources", "validate", "prove", "translate", "dataset"),
    ("sources", "extract_programs", "check", "summarise", "preprocess", "verify_snippets", "dataset"),
]


@pytest.mark.parametrize("steps", OWN_STEPS)
def test_a_step_of_the_user_keeps_a_former_name(tmp_path: Path, steps: tuple[str, ...]) -> None:
    for _ in range(2):  # a start and a resume
        with closing(Ledger(tmp_path / "ledger.sqlite")) as ledger:
            ledger.register_steps(steps)
            assert ledger.steps == steps


def test_a_ledger_with_former_names_refuses_other_steps(tmp_path: Path) -> None:
    former_ledger(tmp_path / "ledger.sqlite", STEPS["multipl-t"])
    with closing(Ledger(tmp_path / "ledger.sqlite")) as ledger, pytest.raises(UsageError, match="make_tasks"):
        ledger.register_steps(("sources", "validate", "translate", "dataset"))


def test_steps_of_a_user_keep_their_names(tmp_path: Path) -> None:
    steps = ("sources", "check", "prove", "cut", "dataset")
    former_ledger(tmp_path / "ledger.sqlite", steps)
    with closing(Ledger(tmp_path / "ledger.sqlite")) as ledger:
        ledger.register_steps(steps)
        assert ledger.steps == steps


def test_former_names_of_calls_are_counted_under_the_current_ones(tmp_path: Path) -> None:
    former_ledger(tmp_path / "ledger.sqlite", STEPS["inverse-instruct"])
    with closing(Ledger(tmp_path / "ledger.sqlite")) as ledger:
        ledger.exchanges.create_tables()
        for number, call in enumerate(("evaluate", "score", "answer")):
            reply = ReceivedReply(str(number), "k", call, 0, "prompt", False, 1.0, 5, answered_at=float(number))
            ledger.record_reply(reply)
        ledger.flush()
        assert {call: costs.requests for call, costs in ledger.exchanges.costs_by_call().items()} == {
            "score": 2,
            "solve": 1,
        }
        assert ledger.exchanges.costs_by_model()[""].calls == {"score": 2, "solve": 1}
        assert [one.call for one in ledger.exchanges.for_items(["k"])] == ["solve", "score", "score"]
        times = ledger.exchanges.reply_times(1)
        assert times is not None and times.counts == {"score": [2], "solve": [1]}
        with closing(Ledger(tmp_path / "merged.sqlite")) as merged:
            merged.register_steps([FORMER_NAMES["inverse-instruct"].steps.get(s, s) for s in ledger.steps])
            with merged.atomically():
                list(merged.exchanges.copy_from(ledger.exchanges))
            assert merged.exchanges.costs_by_call().keys() == {"score", "solve"}


@pytest.mark.parametrize("recipe", FORMER_NAMES)
def test_the_current_names_of_requests_are_names_of_roles_and_prompts(recipe: str) -> None:
    options: dict[str, Any] = {"sources": ("x",)}
    made = recipes.get(recipe)(**options)
    names = FORMER_NAMES[recipe].requests
    assert {*names.values()} <= {*made.roles, *made.prompts()}
    assert not names.keys() & {*made.roles, *made.prompts()}


def test_a_configuration_gets_the_current_names() -> None:
    by_call = {"evaluate": {"evaluate": 1}, "vote": {}}
    former = {
        "recipe": "inverse-instruct",
        "teacher": {"options": {"by_call": by_call}},
        "roles": {"summarise": {"model": "m", "next": {"options": {"by_call": by_call}}}, "score": {"model": "n"}},
        "prompts": {"answer": "a.j2"},
        "prompt_versions": {"answer": "1"},
        "relative_to": {"prompts.answer": "/f", "roles.summarise.model": "/g", "options.sources": "/h"},
        "options": {"prompts": {"answer": 1}},
    }
    named = {"score": {"evaluate": 1}, "vote": {}}
    assert with_current_names(former) == {
        "recipe": "inverse-instruct",
        "teacher": {"options": {"by_call": named}},
        "roles": {"generate": {"model": "m", "next": {"options": {"by_call": named}}}, "score": {"model": "n"}},
        "prompts": {"solve": "a.j2"},
        "prompt_versions": {"solve": "1"},
        "relative_to": {"prompts.solve": "/f", "roles.generate.model": "/g", "options.sources": "/h"},
        "options": {"prompts": {"answer": 1}},
    }
    assert with_current_names(with_current_names(former)) == with_current_names(former)
    assert with_current_names({**former, "recipe": "multipl-t"}) == {**former, "recipe": "multipl-t"}


@pytest.mark.parametrize(
    "config",
    [
        {"recipe": "inverse-instruct", "roles": {"summarise": {"model": "a"}, "generate": {"model": "b"}}},
        {"recipe": "inverse-instruct", "teacher": {"by_call": {"score": {}, "evaluate": {}}}},
    ],
)
def test_a_former_and_the_current_name_in_one_table_are_refused(config: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=r"remove (summarise|evaluate)"):
        with_current_names(config)
