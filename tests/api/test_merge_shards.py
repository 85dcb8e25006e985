"""Shards of a real corpus are merged into the dataset of one run; what is no complete set of shards is refused."""

import asyncio
import shutil
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import chdir, closing
from pathlib import Path
from typing import Any

import pytest

import glotsmith as gs
from glotsmith.api.merge import Merger, MergeRequest
from glotsmith.execution.base import NoProgress
from glotsmith.run_folder import RunFolder

RECIPES = Path(__file__).parents[2] / "src/glotsmith/recipes"
sys.path.insert(0, str(Path(__file__).parents[1] / "recipes"))
from small_corpus import SOURCE  # noqa: E402

SHARDS = 8
FUNCTIONS = SOURCE[: SOURCE.index("def backwards(")]
REPEATED = FUNCTIONS[FUNCTIONS.index("def total(") : FUNCTIONS.index("def largest(")]
SIMILAR = REPEATED.replace("def total", "def add_up").replace("total(", "add_up(").replace("result", "total")


def run(folder: Path, shard: str = "", **more: Any) -> gs.RunResult:
    """Run multipl-t on ``src`` in the working directory, in a folder that is called ``run``."""
    options = {"typecheck": False, "suites": 0, "max_functions": 4}
    given: dict[str, Any] = {"sources": ["src"], "languages": ["lua"], "output": folder / "run", **more}
    return gs.run("multipl-t", shard=shard, options=options, **given)


def dataset(folder: Path) -> dict[str, bytes]:
    files = (path for path in (folder / "dataset").rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


class Runs:
    """One run, and the shards of the same run."""

    def __init__(self, folder: Path) -> None:
        (folder / "src").mkdir()
        (folder / "src" / "a.py").write_text(FUNCTIONS)
        (folder / "src" / "b.py").write_text(REPEATED + SIMILAR)
        self.folder, self.one = folder, run(folder / "one")
        self.shards = [run(folder, f"{number}/{SHARDS}").folder for number in range(1, SHARDS + 1)]

    def copy(self, number: int, target: Path) -> Path:
        """Copy a shard, and return the copy."""
        return Path(shutil.copytree(self.shards[number - 1], target))


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    folder = tmp_path_factory.mktemp("shards")
    with chdir(folder):
        yield Runs(folder)


@pytest.mark.slow
def test_eight_shards_merged_equal_one_run(runs: Runs, tmp_path: Path) -> None:
    one, merged = runs.folder / "one" / "run", tmp_path / "run"
    reasons = {reason for row in runs.one.funnel for reason in row.reasons}
    assert {"exact_duplicate", "near_duplicate", "not_sampled"} <= reasons
    assert not any((shard / "dataset").exists() for shard in runs.shards)
    result = gs.merge([*runs.shards[3:], *runs.shards[:3]], merged)
    prompts = {"chat.jinja", "translate.j2", "repair.j2"}
    files = {"README.md", "funnel.svg", "train.jsonl", "train.parquet", *prompts}
    assert {Path(name).name for name in dataset(merged)} == files
    assert dataset(merged) == dataset(one)
    assert result.funnel == runs.one.funnel
    assert [row.parallel_id for row in result.examples()]


@pytest.mark.slow
def test_a_merge_is_a_run(runs: Runs, tmp_path: Path) -> None:
    merged = tmp_path / "run"
    gs.merge(runs.shards, merged)
    before = dataset(merged)
    assert run(tmp_path).funnel == gs.merge(runs.shards, merged).funnel == runs.one.funnel  # both find it finished
    assert dataset(merged) == before
    with RunFolder.open(merged) as folder, RunFolder.open(runs.folder / "one" / "run") as one:
        assert folder.cache.has_entries("reply")
        assert folder.ledger.exchanges.total_costs() is not None
        own, other = folder.config, one.config
        assert {k: v for k, v in own.items() if k not in ("output", "cache")} == {
            k: v for k, v in other.items() if k not in ("output", "cache")
        }


@pytest.mark.slow
def test_a_merge_needs_neither_sources_nor_toolchains(
    runs: Runs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(name: str) -> None:
        raise gs.ToolchainError(name)

    monkeypatch.setattr("glotsmith.languages.toolchain.find_toolchain", missing)
    with chdir(tmp_path):
        gs.merge(runs.shards, tmp_path / "run")
    assert dataset(tmp_path / "run") == dataset(runs.folder / "one" / "run")


@pytest.mark.slow
def test_a_stopped_merge_resumes(runs: Runs, tmp_path: Path) -> None:
    class Stopping(NoProgress):
        def on_step_finished(self, step: str) -> None:
            if step == "validate":
                stopped.stop()

    request = MergeRequest(runs.shards, tmp_path / "run")
    stopped = Merger(request, Stopping())
    assert not asyncio.run(stopped.run())
    with RunFolder.open(request.folder) as folder:
        assert not folder.ledger.is_finished("make_tasks")
    assert not request.folder.joinpath("dataset").exists()
    assert asyncio.run(Merger(request, NoProgress()).run())
    assert dataset(request.folder) == dataset(runs.folder / "one" / "run")


def edited(folder: Path, old: str, new: str) -> Path:
    file = folder / "run.toml"
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new))
    return folder


def changed(folder: Path, sql: str) -> Path:
    with closing(sqlite3.connect(folder / "ledger.sqlite")) as ledger, ledger:
        assert ledger.execute(sql).rowcount
    return folder


Case = Callable[[Runs, Path], list[Path]]
UNFINISHED = "UPDATE steps SET finished = 0 WHERE name = 'dataset'"
REFUSED: dict[str, tuple[Case, str]] = {
    "none": (lambda runs, tmp: [], "no shard given"),
    "missing": (lambda runs, tmp: runs.shards[:-2], "missing shards: 7/8, 8/8. Run the command with --shard 7/8"),
    "the same folder twice": (
        lambda runs, tmp: [*runs.shards, runs.shards[2]],
        "run-3-of-8 and .*run-3-of-8 are both shard 3/8: give",
    ),
    "a copy": (
        lambda runs, tmp: [*runs.shards, runs.copy(3, tmp / "copy")],
        "copy and .*run-3-of-8 are both shard 3/8: give",
    ),
    "unfinished": (
        lambda runs, tmp: [*runs.shards[1:], changed(runs.copy(1, tmp / "early"), UNFINISHED)],
        "early: shard 1/8 is not finished: run its command again",
    ),
    "another seed": (
        lambda runs, tmp: [*runs.shards[:-1], edited(runs.copy(8, tmp / "seeded"), "recipe =", "seed = 1\nrecipe =")],
        "run-1-of-8 and .*seeded have different configurations: seed is not set in the first and 1 in the second",
    ),
    "an option": (
        lambda runs, tmp: [
            *runs.shards[:-1],
            edited(runs.copy(8, tmp / "o"), "max_functions = 4", "max_functions = 6"),
        ],
        "run-1-of-8 and .*o have different configurations: options.max_functions is 4 in the first and 6 in the second",
    ),
    "another total": (
        lambda runs, tmp: [*runs.shards[:3], edited(runs.copy(4, tmp / "quarter"), '"4/8"', '"4/4"')],
        "quarter is shard 4/4, but .*run-1-of-8 is one of 8 shards",
    ),
    "a whole run": (lambda runs, tmp: [*runs.shards, runs.folder / "one" / "run"], "run: this run is not a shard"),
    "no run": (lambda runs, tmp: [*runs.shards, runs.folder / "src"], "src: not a run folder"),
    "another step": (
        lambda runs, tmp: [
            *runs.shards[1:],
            changed(runs.copy(1, tmp / "old"), "UPDATE steps SET name = 'checks' WHERE name = 'validate'"),
        ],
        "old has the steps .*checks.*: merge with the version that made the shards",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_complete_set_of_shards_is_refused(runs: Runs, tmp_path: Path, name: str) -> None:
    case, sentence = REFUSED[name]
    with pytest.raises(gs.UsageError, match=sentence):
        gs.merge(case(runs, tmp_path), tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_a_shard_of_other_sources_is_refused(runs: Runs, tmp_path: Path) -> None:
    shutil.copytree(runs.folder / "src", tmp_path / "src")
    (tmp_path / "src" / "a.py").write_text(FUNCTIONS.replace("aeiou", "aeiouy"))
    with chdir(tmp_path):
        other = run(tmp_path, f"1/{SHARDS}").folder
    with pytest.raises(gs.UsageError, match="has not read the same sources as"):
        gs.merge([other, *runs.shards[1:]], tmp_path / "run")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("sql", "sentence"),
    [
        ("", "contains a run that is not a merge"),
        ("UPDATE census SET units = 1", "contains a merge of other shards"),
        (
            "UPDATE steps SET finished = 0 WHERE name = 'translate'",
            "'glotsmith run' continued at the step 'translate'",
        ),
    ],
)
def test_a_folder_that_holds_something_else_is_refused(runs: Runs, tmp_path: Path, sql: str, sentence: str) -> None:
    target = tmp_path / "run"
    if sql:
        gs.merge(runs.shards, target)
        changed(target, sql)
    else:
        shutil.copytree(runs.folder / "one" / "run", target)
    before = dataset(target)
    with pytest.raises(gs.UsageError, match=sentence):
        gs.merge(runs.shards, target)
    assert dataset(target) == before


@pytest.mark.parametrize(
    ("recipe", "more", "sentence"),
    [
        ("multipl-t", {"shard": "9/8"}, "--shard is '9/8'; it must be NUMBER/TOTAL"),
        (
            "xcoder",
            {},
            "xcoder cannot run in shards, .* its step 'schedule_sessions': the agents .* --set sessions=0",
        ),
    ],
)
def test_a_recipe_or_a_number_that_has_no_shards_is_refused(
    tmp_path: Path, recipe: str, more: dict[str, Any], sentence: str
) -> None:
    folder = RECIPES / "xcoder" / "recorded"
    given = {"teacher": "scripted", "model": str(folder / "replies.jsonl"), "shard": "1/2", **more}
    with pytest.raises(gs.UsageError, match=sentence):
        gs.run(recipe, sources=[str(folder / "snippets.jsonl")], languages=["lua"], output=tmp_path / "run", **given)
    assert not [*tmp_path.iterdir()]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("recipe", "source", "options"),
    [
        ("inverse-instruct", "inverse_instruct/recorded/corpus.jsonl", {"summaries": 3}),
        ("xcoder", "xcoder/recorded/snippets.jsonl", {"sessions": 0, "samples": 2}),
    ],
)
def test_shards_of_the_other_recipes_merged_equal_one_run(
    tmp_path: Path, recipe: str, source: str, options: dict[str, Any]
) -> None:
    def start(shard: str = "") -> Path:
        model = str((RECIPES / source).with_name("replies.jsonl"))
        own = {"languages": ["python", "lua"]} if recipe == "xcoder" else {}
        given: dict[str, Any] = {"teacher": "scripted", "model": model, "options": options, "shard": shard, **own}
        return gs.run(recipe, sources=[str(RECIPES / source)], output=tmp_path / "run", **given).folder

    whole = dataset(start())
    (tmp_path / "run").rename(tmp_path / "whole")
    gs.merge([start("1/2"), start("2/2")], tmp_path / "run")
    assert dataset(tmp_path / "run") == whole
    assert b'"id"' in whole["dataset/jsonl/data/lua/train.jsonl"]
