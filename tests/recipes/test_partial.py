"""The rows of a run that is not finished: those that a finished run would have made of what is there."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest

from glotsmith import recipes
from glotsmith.api.run_config import RunConfig
from glotsmith.api.run_rows import is_finished, rows_so_far
from glotsmith.errors import UsageError
from glotsmith.execution.base import NoProgress
from glotsmith.execution.pipeline_runner import PipelineRunner
from glotsmith.recipes.base import RecipeServices
from glotsmith.records import Example
from glotsmith.run_folder import RunFolder
from glotsmith.sandbox import open_sandbox
from glotsmith.teachers import open_teacher
from glotsmith.verification import Verifier

pytestmark = pytest.mark.slow

RECIPES = Path(recipes.__file__).parent
SOURCE = '''
def double(x: int) -> int:
    """Return twice the number.

    >>> double(2)
    4
    """
    result = x + x
    return result


def triple(x: int) -> int:
    """Return the number three times.

    >>> triple(2)
    6
    """
    result = 3 * x
    return result


def twofold(y: int) -> int:
    """Return the number, and the number again, in one sum.

    >>> twofold(3)
    6
    """
    total = y + y
    return total
'''


def config(recipe: str, folder: Path) -> RunConfig:
    """Return the configuration of a small run of a recipe."""
    if recipe == "multipl-t":
        (folder / "src").mkdir(exist_ok=True)
        (folder / "src" / "small.py").write_text(SOURCE)
        options: dict[str, Any] = {"sources": [str(folder / "src")], "languages": ["lua"], "suites": 0}
        return RunConfig(recipe=recipe, options={**options, "typecheck": False})
    teacher = {"name": "scripted", "model": str(RECIPES / recipe.replace("-", "_") / "recorded/replies.jsonl")}
    options = {
        "inverse-instruct": {"sources": [str(RECIPES / "inverse_instruct/recorded/corpus.jsonl")], "summaries": 3},
        "xcoder": {
            **{"sources": [str(RECIPES / "xcoder/recorded/snippets.jsonl")], "languages": ["python", "lua"]},
            **{"sessions": 10, "epoch": 5, "samples": 4, "wanted": 1},
        },
    }[recipe]
    return msgspec.convert({"recipe": recipe, "teacher": teacher, "options": options}, RunConfig)


async def finish(chosen: RunConfig, folder: Path) -> None:
    sandbox = open_sandbox()
    try:
        with RunFolder.create_or_resume(folder, msgspec.to_builtins(chosen)) as run:
            teacher = open_teacher(chosen.teacher.name, model=chosen.teacher.model, cache=run.cache)
            tools = RecipeServices(sandbox, Verifier(sandbox, run.cache), teacher, 0, run.ledger)
            assert await PipelineRunner().run(chosen.build_recipe().steps(tools), run.ledger, NoProgress())
            await teacher.close()
    finally:
        await sandbox.close()


def forget_from(folder: Path, step: str, every: int = 0) -> None:
    """Make a run unfinished: without the answers from a step on, and of the step itself without each so-manieth."""
    with closing(sqlite3.connect(folder / "ledger.sqlite")) as ledger, ledger:
        place = ledger.execute("SELECT place FROM steps WHERE name = ?", (step,)).fetchone()[0]
        ledger.execute("DELETE FROM items WHERE step > ?", (place,))
        if every:
            parents = ledger.execute("SELECT DISTINCT parent FROM item_rows WHERE step = ?", (place,)).fetchall()
            for (parent,) in sorted(parents)[::every]:
                sql = "DELETE FROM items WHERE step = ? AND parent_id = (SELECT id FROM keys WHERE key = ?)"
                ledger.execute(sql, (place, parent))
        ledger.execute("UPDATE steps SET finished = 0 WHERE place >= ?", (place,))


async def read(folder: Path) -> tuple[list[Example], bool]:
    with RunFolder.open(folder) as run:
        async with rows_so_far(run) as rows:
            assert all(row.taken == row.kept + row.dropped for row in rows.ledger.funnel()[-2:])
            assert rows.findings() is not None
            list(rows.preferences())
            return list(rows.examples()), rows.partial


LAST = {"multipl-t": "translate", "inverse-instruct": "round_trip", "xcoder": "solve"}


@pytest.mark.parametrize("recipe", LAST)
def test_what_is_finished_so_far_is_what_the_finished_run_has_of_it(recipe: str, tmp_path: Path) -> None:
    folder, chosen = tmp_path / "run", config(recipe, tmp_path)
    asyncio.run(finish(chosen, folder))
    whole, partial = asyncio.run(read(folder))
    assert (len(whole) > 1, partial) == (True, False)
    forget_from(folder, LAST[recipe])
    unscored = {e.id for e in whole if recipe == "xcoder" and (e.kind == "ds2" or not e.lineage.toolchain)}
    found, partial = asyncio.run(read(folder))
    assert partial
    assert {e.id for e in found} == {e.id for e in whole} - unscored
    if recipe != "xcoder":
        assert found == whole
    forget_from(folder, LAST[recipe], every=2)
    fewer, partial = asyncio.run(read(folder))
    assert 0 < len(fewer) < len(whole)
    before = (folder / "ledger.sqlite").read_bytes()
    assert asyncio.run(read(folder))[0] == fewer
    assert (folder / "ledger.sqlite").read_bytes() == before
    asyncio.run(finish(chosen, folder))  # the run continues as if no process had read it
    with RunFolder.open(folder) as run:
        assert is_finished(run)
    assert asyncio.run(read(folder)) == (whole, False)


def test_near_duplicates_are_those_among_what_is_there(tmp_path: Path) -> None:
    folder, chosen = tmp_path / "run", config("multipl-t", tmp_path)
    asyncio.run(finish(chosen, folder))
    with RunFolder.open(folder) as run:
        lost = {row.reason for row in run.ledger.dropped_rows("deduplicate_solutions")}
        assert lost, "two of the functions are the same in Lua"
        whole = run.ledger.count_kept("dataset")
    forget_from(folder, "deduplicate_solutions")
    assert len(asyncio.run(read(folder))[0]) == whole


def test_a_run_that_has_not_begun_has_nothing(tmp_path: Path) -> None:
    chosen = config("multipl-t", tmp_path)
    RunFolder.create_or_resume(tmp_path / "run", msgspec.to_builtins(chosen)).close()
    with pytest.raises(UsageError, match="It has not started"):
        asyncio.run(read(tmp_path / "run"))
