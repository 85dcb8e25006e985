"""Runs whose teacher answers later: they end while replies are missing, resume when some arrive, and stop."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from glotsmith.api.reply_rounds import run_in_rounds
from glotsmith.errors import BudgetError, GlotsmithError, OutageError, RepliesPendingError, UsageError
from glotsmith.teachers.base import ReplyRounds
from glotsmith.teachers.scripted import Scripted, ScriptedOptions
from glotsmith.teachers.wrappers import CachedTeacher


class Rounds(ReplyRounds):
    """Replies arrive as often as a test says."""

    def __init__(self, arrivals: int, *, is_endless: bool = False) -> None:
        self.log: list[str] = []
        self._arrivals, self._is_endless = arrivals, is_endless

    async def open(self, folder: Path) -> None:
        self.log.append(f"open {folder.name}")

    async def send(self) -> None:
        self.log.append("send")

    async def wait(self) -> bool:
        self.log.append("wait")
        if self._is_endless:
            await asyncio.Event().wait()
        self._arrivals -= 1
        return self._arrivals >= 0

    def has_replies(self) -> bool:
        return False

    def pending_sentence(self) -> str:
        return "2 requests wait"


class Store:
    """A cache that holds nothing."""

    def get(self, kind: str, key: str) -> bytes | None:
        return None

    def put(self, kind: str, key: str, value: bytes) -> None:
        pass


def run(
    rounds: Rounds | None, outcomes: Iterator[bool | GlotsmithError], folder: Path, stop_s: float | None = None
) -> bool:
    """Run steps with these outcomes, one for each round; stop after ``stop_s``."""

    async def run_steps() -> bool:
        outcome = next(outcomes)
        if isinstance(outcome, GlotsmithError):
            raise outcome
        return outcome

    async def main() -> bool:
        stopped = asyncio.Event()
        if stop_s is not None:
            asyncio.get_running_loop().call_later(stop_s, stopped.set)
        replies = folder / "replies.jsonl"
        replies.write_text("")
        cached = CachedTeacher(Scripted(ScriptedOptions(model=str(replies))), Store())
        return await run_in_rounds(rounds, folder, cached, run_steps, stopped)

    return asyncio.run(main())


LATER = RepliesPendingError("later")


@pytest.mark.parametrize(
    ("arrivals", "outcomes", "found", "log"),
    [
        (0, [True], True, []),
        (0, [False], False, []),  # stopped by the user
        (0, [LATER], "2 requests wait", ["send", "wait"]),
        (1, [LATER, True], True, ["send", "wait"]),
        (2, [LATER, LATER, True], True, ["send", "wait"] * 2),
        (1, [LATER, LATER], "2 requests wait", ["send", "wait"] * 2),
        (9, [BudgetError("a budget")], "a budget", ["send"]),
        (9, [OutageError("an outage")], "an outage", ["send"]),
        (9, [UsageError("a wrong option")], "a wrong option", []),
    ],
)
def test_rounds(
    tmp_path: Path, arrivals: int, outcomes: list[bool | GlotsmithError], found: bool | str, log: list[str]
) -> None:
    rounds = Rounds(arrivals)
    try:
        result: bool | str = run(rounds, iter(outcomes), tmp_path)
    except GlotsmithError as error:
        result = str(error)
    assert (result, rounds.log) == (found, ["open batches", *log])


def test_a_teacher_that_answers_at_once_has_no_rounds(tmp_path: Path) -> None:
    assert run(None, iter([True]), tmp_path)
    with pytest.raises(RepliesPendingError):
        run(None, iter([LATER]), tmp_path)


def test_a_run_that_waits_can_be_stopped(tmp_path: Path) -> None:
    rounds = Rounds(0, is_endless=True)
    assert run(rounds, iter([LATER]), tmp_path, stop_s=0.01) is False
    assert rounds.log == ["open batches", "send", "wait"]
