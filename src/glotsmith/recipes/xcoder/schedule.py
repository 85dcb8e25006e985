"""Plan the discussions: choose the agents of each session and the target language of its problem.

Sessions form epochs. The chair of a session is the agent that writes the draft. Agents are chairs in turn, and the
seeds of the language of the chair inspire its session.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Literal

import msgspec

from glotsmith.recipes.xcoder.memory import SessionMemory
from glotsmith.recipes.xcoder.proposals import DiscussionSession, Proposal
from glotsmith.records import Lineage
from glotsmith.step import Kept, Result, ShardRule, WholeStep

TargetPolicy = Literal["balance", "weakness", "transfer"]
_Assigned = Counter[tuple[str, str]]  #: (chair, target) → sessions of this epoch


class SessionPlan(msgspec.Struct, frozen=True, kw_only=True):
    """The number of discussions, and their participants."""

    agents: tuple[str, ...]  #: languages with an agent, in the order of their turns
    sessions: int = 64
    epoch: int = 16  #: sessions in an epoch
    others: int = 2  #: agents in addition to the chair
    inspirations: int = 3  #: seeds that a session is shown
    reflection: bool = True

    def session(self, number: int) -> DiscussionSession:
        """Return a session without its inspirations."""
        epoch, place = divmod(number, self.epoch)
        agents, turn = self.agents, number % len(self.agents)
        rest = [agents[(turn + i) % len(agents)] for i in range(1, len(agents))]
        shift = epoch % len(rest) if rest else 0  # over the epochs, a chair meets all others
        chair, others = agents[turn], tuple((rest[shift:] + rest[:shift])[: self.others])
        return DiscussionSession(number=number, epoch=epoch + 1, place=place, chair=chair, others=others)

    def chairs_up_to(self, session: DiscussionSession) -> list[str]:
        """Return the chairs of a session's epoch, from its first session to this one."""
        first = session.number - session.place
        return [self.agents[n % len(self.agents)] for n in range(first, session.number + 1)]

    def all_sessions(self) -> list[DiscussionSession]:
        """Return all sessions. The first session of an agent in an epoch counts the costs of its reflection."""
        found: list[DiscussionSession] = []
        charged: set[tuple[int, str]] = set()
        for session in map(self.session, range(self.sessions)):
            agents = [a for a in (session.chair, *session.others) if (session.epoch, a) not in charged]
            charged |= {(session.epoch, a) for a in agents}
            reflects = tuple(agents) if self.reflection and session.epoch > 1 else ()
            found.append(msgspec.structs.replace(session, reflects=reflects))
        return found


def session_key(number: int) -> str:
    """Return the key of a session, which scripted replies and ``show`` use."""
    return f"session-{number}"


class ScheduleSessions(WholeStep[Proposal, Proposal]):
    """Keep the seeds, and insert the sessions at equal distances, so that discussions start as seeds arrive.

    The ledger records a session as made from the seed before it, which is its first inspiration.
    """

    name = "schedule_sessions"
    output = Proposal

    shard_advice = (
        "the agents remember earlier discussions. Leave --shard out, or make seeds only with --set sessions=0"
    )

    def __init__(self, plan: SessionPlan) -> None:
        self._plan = plan
        self.in_shard: ShardRule = "refuse" if plan.sessions else "run"

    def run(self, items: Callable[[], Iterator[tuple[str, Proposal]]]) -> Iterator[tuple[str, Result[Proposal]]]:
        """Count the seeds in a first pass, and spread the sessions over them in a second pass."""
        by_language: defaultdict[str, list[str]] = defaultdict(list)
        count = 0
        for _, seed in items():
            by_language[seed.language].append(seed.instruction)
            count += 1
        sessions, scheduled = self._plan.all_sessions(), 0
        for place, (key, seed) in enumerate(items(), start=1):
            until = len(sessions) * place // count
            added = [self._session_item(s, seed, by_language[s.chair]) for s in sessions[scheduled:until]]
            scheduled = until
            yield key, Result(kept=(Kept(key, seed), *(Kept(item.id, item) for item in added)))

    def _session_item(self, session: DiscussionSession, seed: Proposal, own: Sequence[str]) -> Proposal:
        """Return a session as an item, inspired by the seed and by seeds of the chair's language, in turn."""
        shown = self._plan.inspirations
        start = session.number // len(self._plan.agents) * (shown - 1)  # after the seeds of the chair's last turn
        more = [own[(start + i) % len(own)] for i in range(shown)] if own else []
        inspirations = tuple(dict.fromkeys([seed.instruction, *more]))[:shown]
        return Proposal(
            id=session_key(session.number),
            kind="ds3",
            session=msgspec.structs.replace(session, inspirations=inspirations),
            origin=seed.origin,
            lineage=Lineage(teacher=seed.lineage.teacher),
        )


def choose_target_language(
    policy: TargetPolicy, memory: SessionMemory, chairs: Sequence[str], languages: Sequence[str]
) -> str:
    """Return the language for which the last of an epoch's sessions makes its problem.

    xCoder mentions instructions "from knowledge gaps between languages" and gives no rule. Each policy is a pure
    function of the memory at the beginning of the epoch and of the targets of the epoch's earlier sessions:

    - ``balance``: the language with the fewest kept problems.
    - ``weakness``: languages in proportion to their failure rates (D'Hondt).
    - ``transfer``: the language that gains most from the chair's problems (``SessionMemory.synergy``). Pairs of chair
      and language without a session come first.

    Args:
        policy: the rule.
        memory: at the beginning of the epoch.
        chairs: languages of the chairs of the epoch's sessions up to this one, in order.
        languages: candidates, with or without an agent; the first one wins a tie.

    """
    assigned = _Assigned()
    for chair in chairs[:-1]:
        assigned[chair, _choose(policy, memory, chair, languages, assigned)] += 1
    return _choose(policy, memory, chairs[-1], languages, assigned)


def _choose(
    policy: TargetPolicy, memory: SessionMemory, chair: str, languages: Sequence[str], assigned: _Assigned
) -> str:
    score = _POLICIES[policy]
    return max(languages, key=lambda language: (score(memory, chair, language, assigned), -languages.index(language)))


def _balance(memory: SessionMemory, chair: str, language: str, assigned: _Assigned) -> float:
    return -(memory.count_kept(language) + _session_count(language, assigned))


def _weakness(memory: SessionMemory, chair: str, language: str, assigned: _Assigned) -> float:
    return (1 - memory.solve_rate(language)) / (1 + _session_count(language, assigned))


def _transfer(memory: SessionMemory, chair: str, language: str, assigned: _Assigned) -> float:
    if language == chair:
        return -2.0  # below every other score, as an agent cannot transfer to its own language
    sessions = memory.count_pairings(chair, language) + assigned[chair, language]
    return memory.synergy(chair, language) + 1 / (1 + sessions)


def _session_count(language: str, assigned: _Assigned) -> int:
    return sum(count for (_, target), count in assigned.items() if target == language)


_POLICIES: dict[TargetPolicy, Callable[[SessionMemory, str, str, _Assigned], float]] = {
    "balance": _balance,
    "weakness": _weakness,
    "transfer": _transfer,
}
