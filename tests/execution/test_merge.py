"""Shards that are merged have the ledger of one run, row by row, also if the merge is killed and resumed."""

import asyncio
import multiprocessing
import os
import signal
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest

from glotsmith.drop_reasons import Reason
from glotsmith.errors import InputError, UsageError
from glotsmith.exchanges import ReceivedReply
from glotsmith.execution.base import NoProgress, RecordedResult
from glotsmith.execution.merge import LedgerMerge
from glotsmith.execution.pipeline_runner import PipelineRunner
from glotsmith.languages.lexer import CommentSyntax
from glotsmith.ledger import Ledger
from glotsmith.ledger_rows import BrokenResult
from glotsmith.recipes.inverse_instruct.selection import DeduplicateSnippets
from glotsmith.recipes.shards import steps_of_shard
from glotsmith.records import Origin, Snippet, content_hash
from glotsmith.shard import Shard
from glotsmith.sources.sample import SampleSnippets
from glotsmith.step import Dropped, ItemStep, Kept, Result, SourceStep, Step, WholeStep, drop, keep

UNITS = 120
ROWS = """SELECT s.name, i.key, i.parent, i.ordinal, i.position, i.status, i.reason, i.detail, i.tokens, i.cost, p.data
FROM item_rows AS i JOIN steps AS s ON s.place = i.step LEFT JOIN payloads AS p ON p.id = i.payload
ORDER BY i.step, i.position, i.ordinal"""


def digit(*parts: object, below: int) -> int:
    return int(content_hash(*map(str, parts))[:8], 16) % below


def snippet(code: str) -> Snippet:
    return Snippet(id=content_hash(code), language="lua", code=code, origin=Origin(source="s", path="p"))


def code_of(number: int) -> str:
    """Return one of 30 texts of 20 words, with some words exchanged, so that many are near-duplicates."""
    theme, change = digit("theme", number, below=30), digit("change", number, below=3)
    words = [f"w{digit(theme, place, below=900)}" for place in range(20)]
    for place in range(change * 4):
        words[digit(number, place, below=20)] = f"x{number}y{place}"
    return " ".join(words)


class Source(SourceStep[Snippet]):
    """Units with equal, similar and unreadable items; a unit is yielded twice."""

    name, output = "sources", Snippet

    async def run(self, done: Any) -> Any:
        for number in [*range(UNITS), 3]:
            if digit("bad", number, below=9) == 0:
                yield f"unit {number}", drop(Reason.SYNTAX_ERROR, f"unit {number}")
                continue
            item = snippet(code_of(number))
            yield f"unit {number}", keep(item.id, item)


class Filter(ItemStep[Snippet, Snippet]):
    name, output = "filter", Snippet

    async def run(self, key: str, item: Snippet) -> Any:
        return drop(Reason.TRIVIAL, "short") if digit("filter", key, below=6) == 0 else keep(key, item)


class Ask(ItemStep[Snippet, Snippet]):
    """Makes up to three outputs of an item, loses one, and counts costs."""

    name, output = "ask", Snippet

    async def run(self, key: str, item: Snippet) -> Any:
        await asyncio.sleep(digit("wait", key, below=3) / 1e4)
        made = [snippet(f"{item.code} {'v ' * n}{digit(key, n, below=4)}") for n in range(digit("n", key, below=4))]
        kept = tuple(Kept(f"{key}:{number}", one) for number, one in enumerate(made))
        lost = (Dropped(Reason.FAILED_VERIFICATION, "fail:wrong", f"{key}:lost", item),)
        whole = () if kept else (Dropped(Reason.NO_PASSING_SOLUTION),)
        return Result(kept=kept, dropped=(*whole, *lost), tokens=digit("t", key, below=90), cost=0.000123 * len(kept))


class DeduplicateAnswers(DeduplicateSnippets):
    name = "deduplicate_answers"


class Row(ItemStep[Snippet, Snippet]):
    name, output = "dataset", Snippet

    async def run(self, key: str, item: Snippet) -> Any:
        return keep(key, item)


def steps() -> list[Step[Any, Any]]:
    syntax = {"lua": CommentSyntax()}
    return [
        Source(),
        Filter(),
        SampleSnippets(40),
        DeduplicateSnippets(syntax, within=0.6, across=0.6),
        Ask(),
        DeduplicateAnswers(syntax, within=0.6, across=0.6),
        Row(),
    ]


def run(path: Path, chosen: Sequence[Step[Any, Any]]) -> None:
    with closing(Ledger(path)) as ledger:
        assert asyncio.run(PipelineRunner(backlog=7).run(chosen, ledger, NoProgress()))


def run_shards(folder: Path, count: int) -> list[Path]:
    files = [folder / f"{number}.sqlite" for number in range(1, count + 1)]
    for number, file in enumerate(files, 1):
        run(file, steps_of_shard(steps(), Shard(number, count), "test"))
    return files


def merge(files: Sequence[Path], target: Path, progress: Any = None, chosen: Any = None) -> None:
    with ExitStack() as stack:
        shards = [stack.enter_context(closing(Ledger(file, read_only=True))) for file in files]
        ledger = stack.enter_context(closing(Ledger(target)))
        assert asyncio.run(LedgerMerge(shards, chosen or steps(), ledger, progress or NoProgress()).run())


def rows(path: Path) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(ROWS).fetchall()


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Any, ...]]:
    file = tmp_path_factory.mktemp("one") / "one.sqlite"
    run(file, steps())
    found = rows(file)
    reasons = {row[6] for row in found}
    assert {"exact_duplicate", "near_duplicate", "not_sampled", "syntax_error", "trivial"} <= reasons
    assert {row[0] for row in found if row[6] == "near_duplicate"} == {"deduplicate_snippets", "deduplicate_answers"}
    return found


@pytest.mark.parametrize("count", [1, 2, 8])
def test_merged_shards_have_the_rows_of_one_run(tmp_path: Path, one: list[tuple[Any, ...]], count: int) -> None:
    merge(run_shards(tmp_path, count), tmp_path / "merged.sqlite")
    assert rows(tmp_path / "merged.sqlite") == one


def test_a_step_that_drops_similar_items_in_shards_would_change_the_rows(
    tmp_path: Path, one: list[tuple[Any, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(DeduplicateSnippets, "in_shard", "run")
    files = run_shards(tmp_path, 3)
    try:
        merge(files, tmp_path / "merged.sqlite")
    except InputError:  # an item that only a shard dropped has no results
        return
    assert rows(tmp_path / "merged.sqlite") != one


class Killed(NoProgress):
    """Kills the process after some results."""

    def __init__(self, results: int) -> None:
        self.left = results

    def on_result(self, step: str, result: RecordedResult) -> None:
        self.left -= 1
        if not self.left:
            os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.slow
def test_a_killed_merge_resumes_with_the_same_rows(tmp_path: Path, one: list[tuple[Any, ...]]) -> None:
    files, target = run_shards(tmp_path, 3), tmp_path / "merged.sqlite"
    fork, killed = multiprocessing.get_context("fork"), 0
    for results in (5, UNITS + 1, 70, 60, 30, 20, 10):
        process = fork.Process(target=merge, args=(files, target, Killed(results)))
        process.start()
        process.join()
        killed += process.exitcode == -signal.SIGKILL
    assert killed >= 4
    merge(files, target)
    assert rows(target) == one


@pytest.mark.parametrize("step", [0, 1, 4])
def test_a_ledger_without_some_results_is_refused(tmp_path: Path, step: int) -> None:
    files = run_shards(tmp_path, 2)
    with closing(sqlite3.connect(files[1])) as connection, connection:
        connection.execute("DELETE FROM items WHERE step = ? AND id % 2", (step,))
    with pytest.raises(InputError, match=f"results of the step '{steps()[step].name}'"):
        merge(files, tmp_path / "merged.sqlite")


def test_a_shard_that_is_stopped_resumes_at_the_positions_of_one_run(tmp_path: Path) -> None:
    shard = Shard(2, 3)
    run(tmp_path / "whole.sqlite", steps_of_shard(steps(), shard, "test"))
    file, first = tmp_path / "stopped.sqlite", steps_of_shard(steps(), shard, "test")
    with closing(Ledger(file)) as ledger:
        runner = PipelineRunner()

        class Stopping(NoProgress):
            def on_result(self, step: str, result: RecordedResult) -> None:
                if step == "sources" and ledger.transfer.count_results("sources") > 9:
                    runner.stop()

        assert not asyncio.run(runner.run(first, ledger, Stopping()))
        assert ledger.census is None
    run(file, steps_of_shard(steps(), shard, "test"))
    assert rows(file) == rows(tmp_path / "whole.sqlite")
    with closing(Ledger(file)) as ledger, closing(Ledger(tmp_path / "whole.sqlite")) as whole:
        assert ledger.census == whole.census != None  # noqa: E711


def test_exchanges_are_copied_once_each(tmp_path: Path) -> None:
    files = run_shards(tmp_path, 2)
    for number, file in enumerate(files):
        with closing(Ledger(file)) as ledger:
            for item in ("shared", f"own {number}"):
                ledger.record_reply(ReceivedReply(f"at {item}", item, "ask", 0, f"prompt {item}", False, 0.25, 10))
    for _ in range(2):
        merge(files, tmp_path / "merged.sqlite")
    with closing(Ledger(tmp_path / "merged.sqlite")) as ledger:
        found = ledger.exchanges.for_items(["shared", "own 0", "own 1"])
        assert [(e.item, e.prompt) for e in found] == [(i, f"prompt {i}") for i in ("shared", "own 0", "own 1")]
        spent = ledger.exchanges.total_costs()
        assert spent is not None
        assert (spent[0].requests, spent[0].cost, spent[0].tokens) == (3, 0.75, 30)


class OwnWhole(WholeStep[Snippet, Snippet]):
    """A step of a user, of which nothing is known."""

    name, output = "own", Snippet

    def run(self, items: Any) -> Iterator[Any]:
        for key, item in items():
            yield key, keep(key, item)


def test_an_unknown_step_over_all_items_is_refused() -> None:
    with pytest.raises(UsageError, match="test cannot run in shards, because later steps depend on its step 'own'"):
        steps_of_shard([Source(), OwnWhole()], Shard(1, 2), "test")


def test_a_unit_with_two_items_is_refused(tmp_path: Path) -> None:
    class Pairs(Source):
        async def run(self, done: Any) -> Any:
            yield "unit", Result(kept=(Kept("a", snippet("a")), Kept("b", snippet("b"))))

    with pytest.raises(BrokenResult, match="at most one item"):
        run(tmp_path / "ledger.sqlite", steps_of_shard([Pairs()], Shard(1, 2), "test"))
