"""Make seeds from snippets: instructions inspired by a snippet (Ds1) or answered by it (Ds2).

Ds1 follows OSS-Instruct. xCoder makes both from snippets of at most 1,024 tokens (Qwen2.5-Coder report §4.1;
``sources/split_snippets.py``).
"""

import asyncio

import msgspec

from glotsmith.generation.structured_replies import UnusableReply, read_sections
from glotsmith.languages import get_card
from glotsmith.recipes.xcoder.agent_requests import AgentRequests, RequestCosts
from glotsmith.recipes.xcoder.proposals import (
    ANSWERED_PROBLEM_SCHEMA,
    INSTRUCTION_SCHEMA,
    PROBLEM_SCHEMA,
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
_STOPS = {"ds2": ("\n[", "\n```", "\n\n\n")}  #: stop sequences of base models, as nothing follows an instruction


class GenerateSeeds(ItemStep[Snippet, Proposal]):
    """Request a Ds1 and a Ds2 for each snippet; each of them is kept, or lost with its reason."""

    name = "generate_seeds"
    output = Proposal
    concurrency = 32

    def __init__(self, requests: AgentRequests, kinds: tuple[str, ...] = ("ds1", "ds2")) -> None:
        self._requests = requests
        self._kinds = kinds

    async def run(self, key: str, item: Snippet) -> Result[Proposal]:
        """Request the seeds of one snippet."""
        costs, unread = RequestCosts(), list[Dropped]()
        seeds = await asyncio.gather(*(self._request_seed(kind, key, item, costs, unread) for kind in self._kinds))
        kept = tuple(Kept(a.id, a) for a in seeds if isinstance(a, Proposal))
        lost = tuple(
            Dropped(a.reason, a.detail, f"{kind}-{key}")
            for kind, a in zip(self._kinds, seeds, strict=True)
            if isinstance(a, UnusableReply)
        )
        if not kept:
            lost = (*lost, Dropped(lost[0].reason, lost[0].detail))
        lost = (*lost, *sorted(unread, key=lambda drop: drop.key))
        return Result(kept=kept, dropped=lost, tokens=costs.tokens, cost=costs.cost)

    async def _request_seed(
        self, kind: str, key: str, snippet: Snippet, costs: RequestCosts, unread: list[Dropped]
    ) -> Proposal | UnusableReply:
        card = get_card(snippet.language)
        variables: dict[str, object] = {
            "language": card.display,
            "fence": card.fences[0],
            "snippet": snippet.code,
            "python": snippet.language == "python",
        }
        context = {"name": _name(snippet), "language": snippet.language, "source": snippet.code}
        stops, schema = _STOPS.get(kind, ()), _schema(kind, snippet)

        def read(reply: Reply) -> DraftProblem | UnusableReply:
            problem = _read_ds1(reply, snippet) if kind == "ds1" else _read_ds2(reply, snippet)
            return self._requests.original(kind, problem)

        found = await self._requests.send(
            kind, key, variables, read, opening=_OPENING, stops=stops, context=context, schema=schema
        )
        unread += found.losses(f"{kind}-{key}")
        reply = costs.add(found.reply)
        problem = read(reply)
        if isinstance(problem, UnusableReply):
            return problem
        left = (
            unreadable_examples(reply, problem)
            if kind == "ds1"
            else unreadable_tests(snippet.tests, problem.name or snippet.name)
        )
        unread += [Dropped(why.reason, why.detail, f"{kind}-{key}:example:{n}") for n, why in enumerate(left)]
        return _proposal(kind, key, snippet, problem, found.lineage)


def _schema(kind: str, snippet: Snippet) -> str:
    if kind == "ds2":
        return INSTRUCTION_SCHEMA
    return PROBLEM_SCHEMA if snippet.language == "python" else ANSWERED_PROBLEM_SCHEMA


def _name(snippet: Snippet) -> str:
    """Return the name by which scripted replies find a snippet: its function's, or its path and line."""
    return snippet.name or only_function_name(snippet.code) or f"{snippet.origin.path}:{snippet.origin.line}"


def _read_ds1(reply: Reply, snippet: Snippet) -> DraftProblem | UnusableReply:
    """Return the problem of a Ds1; in Python, the reference is the answer."""
    if snippet.language != "python":
        return read_problem(reply, snippet.language)
    found = read_problem(reply)
    return found if isinstance(found, UnusableReply) else msgspec.structs.replace(found, answer=found.reference)


def _read_ds2(reply: Reply, snippet: Snippet) -> DraftProblem | UnusableReply:
    """Return the problem of a Ds2: the snippet is the answer, and also the reference if it is one Python function."""
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
