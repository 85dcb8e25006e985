"""Seeds: an instruction inspired by a snippet (Ds1, as OSS-Instruct), and one to which it is the answer (Ds2).

xCoder has both from snippets of at most 1,024 tokens (Qwen2.5-Coder report §4.1; ``sources/cut.py``).
"""

import asyncio

import msgspec

from glotsmith.generation.structured_replies import UnusableReply, read_sections
from glotsmith.languages import get
from glotsmith.recipes.xcoder.agent_requests import AgentRequests, ReplyCosts
from glotsmith.recipes.xcoder.proposals import (
    PROBLEM_SECTIONS,
    DraftProblem,
    Proposal,
    canonical_assert,
    only_function_name,
    read_problem,
    unreadable_examples,
    unreadable_tests,
)
from glotsmith.records import Lineage, Snippet
from glotsmith.step import Dropped, ItemStep, Kept, Result
from glotsmith.teachers.base import Reply

_OPENING = f"[{PROBLEM_SECTIONS[0]}]\n"
_ENDS = {"ds2": ("\n[", "\n```", "\n\n\n")}  #: of a base model's reply: nothing follows an instruction


class MakeSeeds(ItemStep[Snippet, Proposal]):
    """Ask for the Ds1 and the Ds2 of each snippet; each is kept, or a loss with the reason."""

    name = "seed"
    output = Proposal
    concurrency = 32

    def __init__(self, voice: AgentRequests, kinds: tuple[str, ...] = ("ds1", "ds2")) -> None:
        """Ask by ``voice`` for each of ``kinds``."""
        self._voice = voice
        self._kinds = kinds

    async def run(self, key: str, item: Snippet) -> Result[Proposal]:
        """Ask for one snippet's seeds."""
        bill, unread = ReplyCosts(), list[Dropped]()
        answers = await asyncio.gather(*(self._seed(kind, key, item, bill, unread) for kind in self._kinds))
        kept = tuple(Kept(a.id, a) for a in answers if isinstance(a, Proposal))
        lost = tuple(
            Dropped(a.reason, a.detail, f"{kind}-{key}")
            for kind, a in zip(self._kinds, answers, strict=True)
            if isinstance(a, UnusableReply)
        )
        if not kept:
            lost = (*lost, Dropped(lost[0].reason, lost[0].detail))
        lost = (*lost, *sorted(unread, key=lambda drop: drop.key))
        return Result(kept=kept, dropped=lost, tokens=bill.tokens, cost=bill.cost)

    async def _seed(
        self, kind: str, key: str, snippet: Snippet, bill: ReplyCosts, unread: list[Dropped]
    ) -> Proposal | UnusableReply:
        card = get(snippet.language)
        values: dict[str, object] = {"language": card.display, "fence": card.fences[0], "snippet": snippet.code}
        values["python"] = snippet.language == "python"
        context = {"name": _name(snippet), "language": snippet.language, "source": snippet.code}
        ends = _ENDS.get(kind, ())
        reply = bill.add(await self._voice.ask(kind, key, values, opening=_OPENING, ends=ends, context=context))
        problem = _inspired(reply, snippet) if kind == "ds1" else _inferred(reply, snippet)
        if isinstance(problem, UnusableReply):
            return problem
        left = (
            unreadable_examples(reply, problem)
            if kind == "ds1"
            else unreadable_tests(snippet.tests, problem.name or snippet.name)
        )
        unread += [Dropped(why.reason, why.detail, f"{kind}-{key}:example:{n}") for n, why in enumerate(left)]
        return _proposal(kind, key, snippet, problem, self._voice.lineage(kind))


def _name(snippet: Snippet) -> str:
    """Name a snippet as hand-written replies do: the function that it is, else where it stands."""
    return snippet.name or only_function_name(snippet.code) or f"{snippet.origin.path}:{snippet.origin.line}"


def _inspired(reply: Reply, snippet: Snippet) -> DraftProblem | UnusableReply:
    """Read a Ds1: in Python, the reference is the answer."""
    if snippet.language != "python":
        return read_problem(reply, snippet.language)
    found = read_problem(reply)
    return found if isinstance(found, UnusableReply) else msgspec.structs.replace(found, answer=found.reference)


def _inferred(reply: Reply, snippet: Snippet) -> DraftProblem | UnusableReply:
    """Read a Ds2: the snippet is the answer, and where it is one Python function, the reference too."""
    found = read_sections(reply, PROBLEM_SECTIONS[:1])
    if isinstance(found, UnusableReply):
        return found
    name = only_function_name(snippet.code) if snippet.language == "python" else ""
    tests = (canonical_assert(test, name or snippet.name) for test in snippet.tests)
    return DraftProblem(
        instruction=found[PROBLEM_SECTIONS[0]].strip(),
        name=name,
        signature=snippet.signature,
        reference=snippet.code if name else "",
        examples=tuple(filter(None, tests)),
        answer=snippet.code,
    )


def _proposal(kind: str, key: str, snippet: Snippet, problem: DraftProblem, lineage: Lineage) -> Proposal:
    return Proposal(
        id=f"{kind}-{key}",
        kind="ds1" if kind == "ds1" else "ds2",
        language=snippet.language,
        languages=(snippet.language,),
        instruction=problem.instruction,
        name=problem.name or _name(snippet),
        signature=problem.signature,
        reference=problem.reference,
        examples=problem.examples,
        answer=problem.answer,
        origin=snippet.origin,
        lineage=lineage,
    )
