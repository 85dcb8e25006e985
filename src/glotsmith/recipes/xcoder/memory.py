"""What the language agents of xCoder remember: what they made, what came of it, and what their language finds hard.

Memory has no store. It is a pure function of what the ledger says of earlier epochs (``RememberedSession``),
so that it is the same after a kill, at any concurrency, and for a person who reads it.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Protocol, TypeVar

import msgspec

from glotsmith.records import Record

Similarity = Callable[[str, str], float]  #: how alike two texts are, 0-1 (ROUGE-L)

KEPT = "kept"

T = TypeVar("T")


class RememberedSession(Record, frozen=True, kw_only=True):
    """What is remembered of one discussion."""

    key: str  #: of its session
    number: int
    epoch: int
    agent: str  #: the chair's language
    others: tuple[str, ...] = ()
    target: str = ""
    name: str = ""
    instruction: str = ""
    signature: str = ""
    reference: str = ""
    outcome: str = ""  #: ``kept``, or the reason for which it was dropped
    passed: tuple[str, ...] = ()  #: languages in which an independent solution passed
    failures: dict[str, dict[str, int]] = {}  #: language → verdict status → failing programs
    notes: dict[str, str] = {}  #: agent → its reflection before the session

    @property
    def agents(self) -> tuple[str, ...]:
        """All agents that took part."""
        return (self.agent, *self.others)

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages in which it was tried."""
        return tuple(dict.fromkeys((*self.passed, *self.failures)))


class SessionHistory(Protocol):
    """Where memories come from (``recipes/xcoder/history.py``: the run's ledger)."""

    async def sessions_before(self, epoch: int) -> Sequence[RememberedSession]:
        """Return the memos of all earlier epochs, in order of session, when all of those have come to their end."""
        ...


class MemoryLimits(msgspec.Struct, frozen=True, kw_only=True):
    """How much is remembered."""

    size: int = 200  #: memos an agent can be reminded of; older ones are forgotten
    shown: int = 20  #: of them in a prompt
    instructions: float = 0.7  #: ROUGE-L of two instructions above which one repeats the other
    references: float = 0.8  #: ROUGE-L of two reference solutions, likewise


class AgentMemory:
    """All agents' memories at the beginning of an epoch."""

    def __init__(
        self, memos: Sequence[RememberedSession], similar: Similarity, limits: MemoryLimits | None = None
    ) -> None:
        self._memos = tuple(memos)
        self._similar = similar
        self._limits = limits or MemoryLimits()

    def sessions_of(self, agent: str) -> list[RememberedSession]:
        """Return what an agent remembers, the latest last: the discussions it took part in, at most ``size``."""
        return newest([m for m in self._memos if agent in m.agents or agent == m.target], self._limits.size)

    def prompt_lines(self, agent: str) -> list[str]:
        """Return what a prompt says of an agent's past: name, gist and outcome, a line each."""
        made = [m for m in self.sessions_of(agent) if m.name]
        return [f"{m.name}: {first_sentence(m.instruction)} ({m.outcome})" for m in newest(made, self._limits.shown)]

    def sessions_of_last_epoch(self, agent: str, epoch: int) -> list[RememberedSession]:
        """Return what the agent has lived through in the epoch before ``epoch``: what it reflects on."""
        return [m for m in self.sessions_of(agent) if m.epoch == epoch - 1]

    def frequent_failures(self, language: str) -> dict[str, int]:
        """Return what a language finds hard: verdict status → failing programs, the most frequent first."""
        found = Counter[str]()
        for memo in self._memos:
            found.update(memo.failures.get(language, {}))
        return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))

    def count_kept(self, language: str) -> int:
        """Return in how many kept problems a solution in the language passed."""
        return sum(m.outcome == KEPT and language in m.passed for m in self._memos)

    def solve_rate(self, language: str) -> float:
        """Return the smoothed share of problems tried in a language that were solved there."""
        tried = [m for m in self._memos if language in m.languages]
        return _smoothed(sum(language in m.passed for m in tried), len(tried))

    def synergy(self, agent: str, language: str) -> float:
        """Return how much better a language does on an agent's problems than on all: -1 to 1, 0 without evidence.

        xCoder names a "synergy evaluation metric", the degree of knowledge sharing between languages, and does not
        define it. This is ours: P(language solves | agent posed) - P(language solves). The latter is smoothed to one
        half, the former to the latter, so that little evidence says little.
        """
        tried = [m for m in self._memos if language in m.languages and m.agent == agent]
        overall = self.solve_rate(language)
        return _smoothed(sum(language in m.passed for m in tried), len(tried), overall) - overall

    def count_pairings(self, agent: str, language: str) -> int:
        """Return how many of the agent's discussions had the language as their target."""
        return sum(m.agent == agent and m.target == language for m in self._memos)

    @cached_property
    def _known(self) -> list[RememberedSession]:
        agents = {m.agent for m in self._memos}
        found = {m.key: m for agent in sorted(agents) for m in self.sessions_of(agent) if m.name}
        return sorted(found.values(), key=lambda m: m.number)

    def find_repeated(self, name: str, signature: str, instruction: str, reference: str) -> RememberedSession | None:
        """Return the first remembered problem that this one repeats: in name and signature, in words, or in code."""
        limits = self._limits
        for memo in self._known:
            if (memo.name, memo.signature) == (name, signature):
                return memo
            if self._similar(memo.instruction, instruction) > limits.instructions:
                return memo
            if self._similar(memo.reference, reference) > limits.references:
                return memo
        return None

    def copies_any(self, instruction: str, texts: Sequence[str]) -> bool:
        """Whether an instruction is one of ``texts`` in much the same words."""
        return any(self._similar(text, instruction) > self._limits.instructions for text in texts)


def newest(items: Sequence[T], count: int) -> list[T]:
    """Return the last ``count`` items, in order; none for 0."""
    return list(items[max(len(items) - count, 0) :])


def _smoothed(successes: int, trials: int, expected: float = 0.5) -> float:
    """Return a rate as if two more trials had come out as ``expected``: Laplace's estimate by default."""
    return (successes + 2 * expected) / (trials + 2)


def first_sentence(instruction: str, longest: int = 120) -> str:
    """Return an instruction's first sentence on one line."""
    line = " ".join(instruction.split())
    end = line.find(". ")
    line = line if end < 0 else line[: end + 1]
    return line if len(line) <= longest else f"{line[: longest - 1]}…"
