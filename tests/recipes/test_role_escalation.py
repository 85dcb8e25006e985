"""Runs of two recipes in which the first model of each role refuses everything, and the next one is good."""

import json
from pathlib import Path
from typing import Any

import pytest

import glotsmith as gs
from glotsmith.drop_reasons import Reason
from glotsmith.recipes import inverse_instruct, xcoder
from glotsmith.run_folder import RunFolder
from glotsmith.teachers.scripted import Scripted, ScriptedOptions

RECIPES: dict[str, Any] = {"inverse-instruct": inverse_instruct, "xcoder": xcoder}
CASES = [
    pytest.param(
        "inverse-instruct",
        "corpus.jsonl",
        {"summaries": 3, "languages": ("lua",)},
        {"generate_instructions": "generate", "score_instructions": "score", "round_trip": "solve"},
        id="inverse-instruct",
    ),
    pytest.param(
        "xcoder",
        "snippets.jsonl",
        {"sessions": 1, "languages": ("python", "lua")},
        {"generate_seeds": "generate", "discuss": "agents.python", "solve": "solve", "score": "score"},
        id="xcoder",
    ),
]


@pytest.fixture(autouse=True)
def named_models(monkeypatch: pytest.MonkeyPatch) -> None:
    """Name the model of a scripted teacher after its file, so that rows and the ledger show which one it was."""
    without_name = Scripted.__init__

    def with_name(self: Scripted, options: ScriptedOptions) -> None:
        without_name(self, options)
        self.model = options.model

    monkeypatch.setattr(Scripted, "__init__", with_name)


@pytest.mark.slow
@pytest.mark.parametrize(("recipe", "source", "options", "steps"), CASES)
def test_what_the_first_model_of_a_role_refuses_is_written_by_the_next(
    tmp_path: Path, recipe: str, source: str, options: dict[str, Any], steps: dict[str, str]
) -> None:
    recorded = Path(RECIPES[recipe].__file__).parent / "recorded"
    good, failing = recorded / "replies.jsonl", tmp_path / "failing.jsonl"
    failing.write_text(json.dumps({"call": "never", "item": "*", "reply": "no"}) + "\n")
    chain = {"model": str(failing), "next": {"model": str(good)}}
    roles: dict[str, Any] = {role: chain for role in steps.values() if "." not in role}
    roles |= {"agents": {role.partition(".")[2]: chain for role in steps.values() if "." in role}}
    result = gs.run(
        recipe,
        sources=[str(recorded / source)],
        output=tmp_path / "run",
        teacher="scripted",
        model=str(good),
        options=options,
        roles={name: table for name, table in roles.items() if table},
        formats=["jsonl"],
    )
    rows = [row for row in result.examples() if row.kind != "original"]
    assert {row.lineage.model for row in rows} == {str(good)}
    with RunFolder.open(result.folder) as opened:
        ledger = opened.ledger
        escalated = {step: list(ledger.dropped_rows(step, Reason.ESCALATED)) for step in ledger.steps}
        models = ledger.exchanges.costs_by_model()
    found = {step: {row.detail.partition(".jsonl failed")[0] for row in lost} for step, lost in escalated.items()}
    # Only the steps of the roles ask a second model, and it is always the first one that failed.
    assert {step for step, details in found.items() if details} == {*steps}
    assert {detail for details in found.values() for detail in details} == {f"scripted {failing.with_suffix('')}"}
    assert all(models[f"scripted {file}"].paid.requests for file in (good, failing))
    assert all(each.paid.cost == 0 for each in models.values())
