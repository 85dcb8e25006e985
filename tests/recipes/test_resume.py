"""Killed at any moment and resumed, a run ends with the same bytes, and the teacher is asked nothing twice."""

import json
import random
import shutil
import sqlite3
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest
from small_corpus import LUA, SOURCE, asserts
from whole_program import (
    ReceivedRequest,
    Server,
    adopting_orphans,
    dataset,
    finish,
    kill,
    no_process_remains,
    serving,
    start,
    stored_serials,
    until,
    works_in,
)

pytestmark = pytest.mark.slow

KILLS = 20
#: typecheck off: a batch of Pyright's takes longer than a life here; ``test_signals`` stops it
RUN = (
    *("run", "multipl-t", "-s", "src", "-l", "lua", "-o", "run", "--set", "typecheck=false"),
    *("--set", "suites=2", "--set", "samples=6", "--set", "wanted=2"),
)


@pytest.fixture(autouse=True)
def orphans() -> Iterator[None]:
    """No process outlives a test."""
    with adopting_orphans():
        yield
        assert no_process_remains()


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving() as made:
        yield made


class Whole(NamedTuple):
    """An unbroken run."""

    dataset: dict[str, bytes]
    seconds: float
    questions: set[bytes]
    folder: Path


@pytest.fixture(scope="module")
def whole(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Whole:
    """An unbroken run, one program at a time, with a server that answers at once."""
    server.slowest_s = 0.0
    folder = tmp_path_factory.mktemp("whole") / "one"
    files, seconds = unbroken(folder, (*RUN, *server.options, "-j", "1"))
    return Whole(files, seconds, {a.body for a in server.log}, folder)


def corpus(folder: Path) -> Path:
    """Make a folder with the sources, and return it."""
    (folder / "src").mkdir(parents=True)
    (folder / "src" / "small.py").write_text(SOURCE)
    return folder


def unbroken(folder: Path, arguments: Sequence[str]) -> tuple[dict[str, bytes], float]:
    """Run without a break; return the dataset and the seconds that took."""
    begun = time.monotonic()
    finish(corpus(folder), *arguments)
    files = dataset(folder / "run")
    names = {Path(f).name for f in files}
    assert {name for name in names if Path(name).suffix in (".j2", ".jinja")} >= {"translate.j2", "repair.j2"}
    others = {name for name in names if Path(name).suffix not in (".j2", ".jinja", ".svg")}
    assert others == {"README.md", "train.jsonl", "train.parquet"}
    assert "funnel.svg" in names
    assert all(files.values())
    return files, time.monotonic() - begun


class Killing:
    """Kills a run again and again at moments of its working life, and resumes it."""

    def __init__(self, folder: Path, arguments: Sequence[str], seconds: float, seed: int) -> None:
        self.folder, self.arguments = folder, arguments
        self._random = random.Random(seed)
        moments = [0.0, *sorted(self._random.uniform(0, seconds) for _ in range(KILLS))]
        self._lives = [b - a for a, b in pairwise(moments)]
        self.kills = 0

    def live(self) -> bool:
        """Start the run and kill it after the next life, which every fifth time ends in the start itself."""
        process = start(self.folder, *self.arguments)
        seconds = self._lives[self.kills]
        if self.kills % 5 == 4:
            seconds = self._random.uniform(0, 1)
        else:
            until(lambda: works_in(self.folder / "run", process), process)
        time.sleep(seconds)
        killed = kill(process)
        assert killed or process.returncode == 0, (self.folder / "stderr").read_text()
        self.kills += killed
        return killed

    def begin_again(self) -> None:
        """Forget a run that ended before its last kill, as the unbroken one was slower, and live shorter lives."""
        shutil.rmtree(self.folder / "run")
        self._lives = [0.7 * life for life in self._lives]
        self.kills = 0


def killed_and_resumed(server: Server, killing: Killing) -> None:
    """Kill a run ``KILLS`` times and let it end; no kill may lose a reply, and none is asked for that was stored."""
    server.slowest_s = 0.05
    server.log.clear()
    stored: set[int] = set()
    last = server.life + 4 * KILLS
    while killing.kills < KILLS:
        assert server.life < last, "the run ends before it can be killed"
        server.life += 1
        killed = killing.live()
        assert no_process_remains()
        if not killed:
            killing.begin_again()
            server.log.clear()
            stored = set()
            continue
        now = stored_serials(killing.folder / "run")
        assert stored <= now, "a kill lost replies that were stored"
        known = {a.body for a in server.log if a.serial in stored}
        assert not [a for a in server.log if a.life == server.life and a.body in known], "asked for what was stored"
        stored = now
    server.life += 1
    finish(killing.folder, *killing.arguments)


def test_a_killed_run_ends_with_the_same_bytes_and_asks_nothing_twice(
    tmp_path: Path, server: Server, whole: Whole
) -> None:
    folder = corpus(tmp_path / "killed")
    killed_and_resumed(server, Killing(folder, (*RUN, *server.options), whole.seconds, seed=2024))
    assert dataset(folder / "run") == whole.dataset
    assert {a.body for a in server.log} == whole.questions
    check_log(server.log, stored_serials(folder / "run"))


def check_log(log: Sequence[ReceivedRequest], stored: set[int]) -> None:
    """A question was asked again only in a later life, and only if its answer was in flight at the kill."""
    requests = defaultdict[bytes, list[ReceivedRequest]](list)
    for each in log:
        requests[each.body].append(each)
    for times in requests.values():
        assert len({a.life for a in times}) == len(times), "asked twice in one life"
        assert [a.serial for a in times if a.serial in stored] == [times[-1].serial], "not the last reply is stored"
    # What follows from a reply is done after it was stored: the second round after the first round's reply.
    for later in (a for a in log if a.call == "translate" and a.sample > 0):
        firsts = [a for a in log if (a.call, a.name, a.sample) == ("translate", later.name, 0)]
        assert all(first.life <= later.life for first in firsts)


def test_the_check_sees_a_question_asked_twice() -> None:
    def ask(life: int, serial: int, sample: int = 0) -> ReceivedRequest:
        return ReceivedRequest(life, serial, "translate", "f", sample, str(sample).encode())

    check_log([ask(1, 0), ask(2, 1), ask(2, 2, sample=1)], {1, 2})
    for log, stored in (
        ([ask(1, 0), ask(1, 1)], {1}),
        ([ask(1, 0), ask(2, 1)], {0}),
        ([ask(1, 0), ask(1, 1, sample=1), ask(2, 2)], {1, 2}),
    ):
        with pytest.raises(AssertionError):
            check_log(log, stored)


def test_the_bytes_do_not_depend_on_concurrency_or_timing(tmp_path: Path, server: Server, whole: Whole) -> None:
    server.slowest_s = 0.3
    assert unbroken(tmp_path / "four", (*RUN, *server.options, "-j", "4"))[0] == whole.dataset


def test_a_killed_run_with_the_scripted_teacher_decides_the_same(tmp_path: Path) -> None:
    replies = tmp_path / "replies.jsonl"
    with replies.open("w") as file:
        for name, codes in LUA.items():
            fenced = [f"```lua\n{code}\n```" for code in codes]
            file.write(json.dumps({"call": "translate", "item": name, "language": "lua", "replies": fenced}) + "\n")
            suites = [asserts(name, 0), asserts(name, 1)]
            file.write(json.dumps({"call": "write_tests", "item": name, "replies": suites}) + "\n")
    arguments = (*RUN, "--teacher", "scripted", "--model", str(replies))
    expected, seconds = unbroken(tmp_path / "unbroken", arguments)
    killing = Killing(corpus(tmp_path / "killed"), arguments, seconds, seed=7)
    for _ in range(6):
        killing.live()
    finish(killing.folder, *arguments)
    assert dataset(killing.folder / "run") == expected
    decisions, verdicts = rows(tmp_path / "unbroken" / "run")
    assert rows(killing.folder / "run") == (decisions, verdicts)
    assert decisions
    assert verdicts


def rows(run: Path) -> tuple[list[tuple[object, ...]], list[tuple[object, ...]]]:
    """What the ledger decided on every item, and the status of every reply and verdict in the cache."""
    ledger, cache = (sqlite3.connect(run / f"{name}.sqlite") for name in ("ledger", "cache"))
    try:
        decided = "SELECT step, position, ordinal, key, parent, status, reason FROM item_rows ORDER BY 1, 2, 3, 6, 4"
        kept = "SELECT kind, key, json_extract(value, '$.status', '$.text') FROM entries ORDER BY 1, 2"
        return ledger.execute(decided).fetchall(), cache.execute(kept).fetchall()
    finally:
        ledger.close()
        cache.close()
