"""Plan the discussions: epochs of sessions, chairs in turn, each inspired by its chair's seed data."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence

import msgspec

from glotsmith.recipes.xcoder.proposals import DiscussionSession, Proposal
from glotsmith.records import Lineage
from glotsmith.step import Kept, Result, WholeStep


class SessionPlan(msgspec.Struct, frozen=True, kw_only=True):
    """How many discussions, and who takes part."""

    agents: tuple[str, ...]  #: languages with an agent, in turn
    sessions: int = 64
    epoch: int = 16  #: sessions of one epoch
    others: int = 2  #: agents beside the first one
    inspirations: int = 3  #: seeds that a session is shown
    reflection: bool = True

    def session(self, number: int) -> DiscussionSession:
        """Return a session without its inspirations."""
        epoch, place = divmod(number, self.epoch)
        agents, turn = self.agents, number % len(self.agents)
        rest = [agents[(turn + i) % len(agents)] for i in range(1, len(agents))]
        shift = epoch % len(rest) if rest else 0  # so that a chair meets all others in time
        chair, others = agents[turn], tuple((rest[shift:] + rest[:shift])[: self.others])
        return DiscussionSession(number=number, epoch=epoch + 1, place=place, chair=chair, others=others)

    def chairs_up_to(self, session: DiscussionSession) -> list[str]:
        """Return the chairs of a session's epoch, up to its own."""
        first = session.number - session.place
        return [self.agents[n % len(self.agents)] for n in range(first, session.number + 1)]

    def all_sessions(self) -> list[DiscussionSession]:
        """Return all sessions; of an epoch, the first in which an agent sits is charged with its reflection."""
        found: list[DiscussionSession] = []
        charged: set[tuple[int, str]] = set()
        for session in map(self.session, range(self.sessions)):
            who = [a for a in (session.chair, *session.others) if (session.epoch, a) not in charged]
            charged |= {(session.epoch, a) for a in who}
            charge = tuple(who) if self.reflection and session.epoch > 1 else ()
            found.append(msgspec.structs.replace(session, reflects=charge))
        return found


def session_key(number: int) -> str:
    """Return a session's key, by which hand-written replies and ``show`` name it."""
    return f"session-{number}"


class ScheduleSessions(WholeStep[Proposal, Proposal]):
    """Pass the seeds on, and among them the sessions, in order: the first agents speak when their seeds are known.

    A session is entered as made from the seed beside which it stands, which is its first inspiration.
    """

    name = "convene"
    output = Proposal

    def __init__(self, plan: SessionPlan) -> None:
        self._plan = plan

    def run(self, items: Callable[[], Iterator[tuple[str, Proposal]]]) -> Iterator[tuple[str, Result[Proposal]]]:
        """Spread the sessions over the seeds."""
        by_language: defaultdict[str, list[str]] = defaultdict(list)
        count = 0
        for _, seed in items():
            by_language[seed.language].append(seed.instruction)
            count += 1
        sessions, given = self._plan.all_sessions(), 0
        for place, (key, seed) in enumerate(items(), start=1):
            until = len(sessions) * place // count
            seats = [self._seat(s, seed, by_language[s.chair]) for s in sessions[given:until]]
            given = until
            yield key, Result(kept=(Kept(key, seed), *(Kept(seat.id, seat) for seat in seats)))

    def _seat(self, session: DiscussionSession, seed: Proposal, own: Sequence[str]) -> Proposal:
        """Return a session as an item: with the seed beside it and further ones in the chair's language, in turn."""
        shown = self._plan.inspirations
        start = session.number // len(self._plan.agents) * (shown - 1)  # where the chair's last turn ended
        more = [own[(start + i) % len(own)] for i in range(shown)] if own else []
        inspirations = tuple(dict.fromkeys([seed.instruction, *more]))[:shown]
        return Proposal(
            id=session_key(session.number),
            kind="ds3",
            session=msgspec.structs.replace(session, inspirations=inspirations),
            origin=seed.origin,
            lineage=Lineage(teacher=seed.lineage.teacher),
        )
