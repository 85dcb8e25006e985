"""What memory is worth: a simulated teacher that repeats itself unless told of its past, with and without it."""

import asyncio
from pathlib import Path

import msgspec
import pytest
from simulated_agents import FAVOURITES, KNOWN, Simulated
from small_corpus import SOURCE

from glotsmith.cache import Cache
from glotsmith.errors import ToolchainError
from glotsmith.execution.base import NoProgress
from glotsmith.execution.pipeline_runner import PipelineRunner
from glotsmith.languages import toolchain
from glotsmith.recipes.base import RecipeServices
from glotsmith.recipes.comparison import RunFigures, compute_figures
from glotsmith.recipes.xcoder.history import remembered_sessions
from glotsmith.recipes.xcoder.recipe import XCoder
from glotsmith.records import Example
from glotsmith.run_folder import RunFolder
from glotsmith.sandbox import open_sandbox
from glotsmith.teachers.wrappers import CachedTeacher
from glotsmith.verification import Verifier

pytestmark = pytest.mark.slow


async def carry(chosen: XCoder, folder: Path, cache: Path) -> list[str]:
    """Run the recipe with the simulated teacher; return the calls that reached it."""
    sandbox, simulated = open_sandbox(), Simulated()
    try:
        with RunFolder.create_or_resume(folder, msgspec.to_builtins(chosen), cache) as run:
            own = CachedTeacher(
                simulated, Cache(folder / "own.sqlite")
            )  # replies are not shared between the runs compared
            tools = RecipeServices(sandbox, Verifier(sandbox, run.cache), own, 0, run.ledger)
            assert await PipelineRunner().run(chosen.steps(tools), run.ledger, NoProgress())
    finally:
        await sandbox.close()
    return simulated.requests


def made(folder: Path) -> tuple[RunFigures, set[str]]:
    """Return a run's figures and the discussed problems of which it has rows."""
    with RunFolder.open(folder) as run:
        rows = [e for _, e in run.ledger.kept_items("dataset", Example) if e.kind == "ds3"]
        return compute_figures(folder.name, "xcoder", run.ledger), {e.name for e in rows}


def test_memory_yields_twice_the_distinct_problems_at_no_fewer_requests_without_it(tmp_path: Path) -> None:
    for language in ("python", "lua"):
        try:
            toolchain.find_toolchain(language)
        except ToolchainError as error:
            pytest.skip(str(error))
    (tmp_path / "seed.py").write_text(SOURCE.partition("\n\n\ndef total")[0])
    common = {"sources": (str(tmp_path / "seed.py"),), "languages": ("python", "lua"), "samples": 3, "wanted": 1}
    common |= {"ds1": False, "self_evaluation": "off"}
    cache = tmp_path / "cache.sqlite"
    with_memory = asyncio.run(carry(XCoder(**common, sessions=7, epoch=1), tmp_path / "on", cache))
    off_recipe = XCoder(
        **common, sessions=20, epoch=20, memory="off"
    )  # epochs are only faster where nothing is remembered
    without = asyncio.run(carry(off_recipe, tmp_path / "off", cache))
    assert len(without) >= len(with_memory)
    (on, on_names), (off, off_names) = made(tmp_path / "on"), made(tmp_path / "off")
    summary = f"{len(with_memory)} requests, {sorted(on_names)}; without: {len(without)} requests, {sorted(off_names)}"
    print(summary)
    assert len(on_names) >= 2 * len(off_names), summary
    assert on.distinct >= 2 * off.distinct - 1  # the seed is a problem of both
    assert 1 <= len(off_names) <= FAVOURITES < len(on_names) <= len(KNOWN)
    with RunFolder.open(tmp_path / "off") as run:
        lived = remembered_sessions(run.ledger, 2)
        assert len(lived) == 20
        assert not any(session.notes for session in lived)
    assert "reflect" in with_memory
    assert "reflect" not in without
