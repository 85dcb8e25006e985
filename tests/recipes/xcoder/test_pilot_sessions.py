"""A pilot of ``xcoder`` holds the first discussions, and the run reuses them."""

import asyncio
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest
from simulated_agents import Simulated
from small_corpus import SOURCE

from glotsmith.api.forecast import forecast
from glotsmith.api.pilot import PilotOutcomes, read_outcomes, with_pilot
from glotsmith.api.run_config import RunConfig
from glotsmith.api.run_teachers import reply_recorder
from glotsmith.cache import Cache
from glotsmith.drop_reasons import Reason
from glotsmith.errors import ToolchainError
from glotsmith.execution.base import NoProgress
from glotsmith.execution.pipeline_runner import PipelineRunner
from glotsmith.languages import toolchain
from glotsmith.recipes.base import RecipeServices
from glotsmith.recipes.xcoder import pilot_sessions
from glotsmith.recipes.xcoder.recipe import XCoder
from glotsmith.run_folder import RunFolder
from glotsmith.sandbox import open_sandbox
from glotsmith.step import Step
from glotsmith.teachers.wrappers import CachedTeacher
from glotsmith.verification import Verifier

OPTIONS: dict[str, Any] = {
    **{"languages": ("python", "lua"), "samples": 3, "wanted": 1, "ds1": False, "self_evaluation": "off"},
    **{"sessions": 8, "epoch": 2},
}


async def carry(options: dict[str, Any], folder: Path, *, pilot: bool) -> tuple[Sequence[str], PilotOutcomes | None]:
    """Run the recipe or its pilot; return the calls that reached the teacher, and what the pilot did."""
    chosen, sandbox, simulated = XCoder(**options), open_sandbox(), Simulated()
    name = "pilot" if pilot else "run"
    try:
        with RunFolder.create_or_resume(folder / name, msgspec.to_builtins(chosen)) as run:
            run.ledger.exchanges.create_tables()
            with closing(Cache(folder / "replies.sqlite")) as replies:
                teacher = CachedTeacher(simulated, replies, reply_recorder(run.ledger, teacher=simulated))
                tools = RecipeServices(sandbox, Verifier(sandbox, run.cache), teacher, 0, run.ledger)
                steps: list[Step[Any, Any]] = list(chosen.steps(tools))
                if pilot:
                    steps = with_pilot(steps, RunConfig(recipe="xcoder", options=options, pilot=0.05))
                assert await PipelineRunner().run(steps, run.ledger, NoProgress())
            return simulated.requests, read_outcomes(run.ledger) if pilot else None
    finally:
        await sandbox.close()


@pytest.mark.slow
def test_the_run_reuses_the_discussions_of_a_pilot_with_all_seeds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for language in ("python", "lua"):
        try:
            toolchain.find_toolchain(language)
        except ToolchainError as error:
            pytest.skip(str(error))
    monkeypatch.setattr(pilot_sessions, "MIN_ITEMS", 3)
    (tmp_path / "seed.py").write_text(SOURCE.partition("\n\n\ndef total")[0])
    options = {**OPTIONS, "sources": (str(tmp_path / "seed.py"),)}
    in_pilot, outcomes = asyncio.run(carry(options, tmp_path, pilot=True))
    assert outcomes is not None
    assert outcomes.sessions is not None
    assert outcomes.sessions == (8, ("session-0", "session-1"), ("session-2", "session-3"))
    assert outcomes.total("requests") == len(in_pilot)
    assert outcomes.shared_costs.requests == in_pilot.count("reflect") > 0
    assert all(outcomes.costs[key].requests for key in outcomes.sessions.keys)
    assert Reason.NOT_SAMPLED not in {reason for _, reason in outcomes.dropped}
    found = forecast("xcoder", outcomes, ["python", "lua"])
    in_run, _ = asyncio.run(carry(options, tmp_path, pilot=False))
    assert {"propose", "reflect"} <= set(in_run)  # of the later epochs
    assert found.requests.low is not None
    assert found.requests.high is not None
    assert len(in_pilot) <= found.requests.low <= len(in_pilot) + len(in_run) <= found.requests.high
    with RunFolder.open(tmp_path / "run") as run:
        costs = run.ledger.exchanges.total_costs()
    assert costs is not None
    assert (costs[0].requests, costs[1].requests) == (len(in_run), len(in_pilot))  # each reply of the pilot is used
