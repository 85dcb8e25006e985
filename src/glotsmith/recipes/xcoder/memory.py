"""The memory of xCoder's language agents, and the prompt variables that show it.

An agent remembers the problems that it posed, their outcomes, and the failures of programs in its language. The memory
is not stored: it is computed from the ledger's rows of earlier epochs (``history.py``). Therefore it is the same after
a kill and at any concurrency. ``discussion.py`` passes the variables to the prompts; ``prompts/_agent.j2`` prints them.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Protocol, TypeVar

import msgspec

from glotsmith.records import Record

SimilarityMeasure = Callable[[str, str], float]  #: similarity of two texts, 0 to 1 (ROUGE-L)

KEPT = "kept"  #: the outcome of a session whose problem was kept

T = TypeVar("T")


class RememberedSession(Record, frozen=True, kw_only=True):
    """One discussion, as the agents remember it."""

    key: str  #: key of the session
    number: int
    epoch: int
    agent: str  #: the chair's language
    others: tuple[str, ...] = ()
    target: str = ""
    name: str = ""
    instruction: str = ""
    signature: str = ""
    reference: str = ""
    outcome: str = ""  #: ``kept``, or the drop reason
    passed: tuple[str, ...] = ()  #: languages in which an independent solution passed
    failures: dict[str, dict[str, int]] = {}  #: language → verdict status → number of failing programs
    notes: dict[str, str] = {}  #: agent → its reflection before the session

    @property
    def agents(self) -> tuple[str, ...]:
        """All agents of the discussion."""
        return (self.agent, *self.others)

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages in which solutions were tried."""
        return tuple(dict.fromkeys((*self.passed, *self.failures)))


class SessionHistory(Protocol):
    """The source of remembered sessions (``history.LedgerHistory``)."""

    async def sessions_before(self, epoch: int) -> Sequence[RememberedSession]:
        """Return the sessions of all earlier epochs, in order, as soon as all of them have an outcome."""
        ...


class MemoryLimits(msgspec.Struct, frozen=True, kw_only=True):
    """How much agents remember."""

    size: int = 200  #: sessions that an agent remembers; older ones are forgotten
    shown: int = 20  #: sessions that a prompt shows
    instructions: float = 0.7  #: ROUGE-L above which an instruction repeats a remembered one
    references: float = 0.8  #: ROUGE-L above which a reference repeats a remembered one


class SessionMemory:
    """The memories of all agents at the beginning of an epoch."""

    def __init__(
        self, sessions: Sequence[RememberedSession], similar: SimilarityMeasure, limits: MemoryLimits | None = None
    ) -> None:
        self._sessions = tuple(sessions)
        self._similar = similar
        self._limits = limits or MemoryLimits()

    def prompt_variables(self, agent: str, target: str) -> dict[str, object]:
        """Return the variables by which the memory enters an agent's prompts in a discussion.

        Args:
            agent: language of the agent; ``previous_problems`` lists its problems.
            target: language of the problem under discussion; ``frequent_failures`` counts its failed programs.

        """
        return {
            "previous_problems": self.prompt_lines(agent),
            "frequent_failures": self.frequent_failures(target),
        }

    def prompt_lines(self, agent: str) -> list[str]:
        """Return one line for each remembered problem of an agent: name, first sentence and outcome."""
        made = [s for s in self.sessions_of(agent) if s.name]
        return [f"{s.name}: {first_sentence(s.instruction)} ({s.outcome})" for s in newest(made, self._limits.shown)]

    def sessions_of(self, agent: str) -> list[RememberedSession]:
        """Return the sessions that an agent took part in or was the target of, the latest last; at most ``size``."""
        return newest([s for s in self._sessions if agent in s.agents or agent == s.target], self._limits.size)

    def sessions_of_last_epoch(self, agent: str, epoch: int) -> list[RememberedSession]:
        """Return the agent's sessions of the epoch before ``epoch``, on which it reflects."""
        return [s for s in self.sessions_of(agent) if s.epoch == epoch - 1]

    def frequent_failures(self, language: str) -> dict[str, int]:
        """Return the failures of programs in a language: verdict status → number, the most frequent first."""
        counts = Counter[str]()
        for session in self._sessions:
            counts.update(session.failures.get(language, {}))
        return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))

    def count_kept(self, language: str) -> int:
        """Return the number of kept problems with a passing solution in the language."""
        return sum(s.outcome == KEPT and language in s.passed for s in self._sessions)

    def count_pairings(self, agent: str, language: str) -> int:
        """Return the number of the agent's discussions with the language as their target."""
        return sum(s.agent == agent and s.target == language for s in self._sessions)

    def solve_rate(self, language: str) -> float:
        """Return the smoothed share of problems tried in a language that were solved in it."""
        tried = [s for s in self._sessions if language in s.languages]
        return _smoothed(sum(language in s.passed for s in tried), len(tried))

    def synergy(self, agent: str, language: str) -> float:
        """Return the synergy of an agent with a language, from -1 to 1; 0 without evidence.

        xCoder mentions a "synergy evaluation metric" of knowledge sharing between languages without a definition. This
        one is P(language solves | agent posed) - P(language solves). The second probability is smoothed towards one
        half, the first towards the second, so that little evidence gives a value near 0.
        """
        tried = [s for s in self._sessions if language in s.languages and s.agent == agent]
        overall = self.solve_rate(language)
        return _smoothed(sum(language in s.passed for s in tried), len(tried), overall) - overall

    @cached_property
    def _problems(self) -> list[RememberedSession]:
        """All sessions that some agent remembers, in order."""
        agents = {s.agent for s in self._sessions}
        found = {s.key: s for agent in sorted(agents) for s in self.sessions_of(agent) if s.name}
        return sorted(found.values(), key=lambda s: s.number)

    def find_repeated(self, name: str, signature: str, instruction: str, reference: str) -> RememberedSession | None:
        """Return the first remembered problem with the same name and signature, similar words, or similar code."""
        limits = self._limits
        for problem in self._problems:
            if (problem.name, problem.signature) == (name, signature):
                return problem
            if self._similar(problem.instruction, instruction) > limits.instructions:
                return problem
            if self._similar(problem.reference, reference) > limits.references:
                return problem
        return None

    def copies_any(self, instruction: str, texts: Sequence[str]) -> bool:
        """Return whether an instruction repeats one of ``texts`` in similar words."""
        return any(self._similar(text, instruction) > self._limits.instructions for text in texts)


def newest(items: Sequence[T], count: int) -> list[T]:
    """Return the last ``count`` items, in order; none for 0."""
    return list(items[max(len(items) - count, 0) :])


def _smoothed(successes: int, trials: int, expected: float = 0.5) -> float:
    """Return the success rate with two more trials at the rate ``expected``; 0.5 is Laplace's estimate."""
    return (successes + 2 * expected) / (trials + 2)


def first_sentence(instruction: str, longest: int = 120) -> str:
    """Return the first sentence of an instruction on one line, cut to ``longest`` characters."""
    line = " ".join(instruction.split())
    end = line.find(". ")
    line = line if end < 0 else line[: end + 1]
    return line if len(line) <= longest else f"{line[: longest - 1]}…"
