"""What xCoder lacks: problems held to execution. Opinions of models choose what is tried and rank what has passed.

ground     the reference must give what the problem's own examples state
distinct   a problem in other words is found out by what it does
agree      independent solutions in at least two languages must agree on the tests
score      the nine-point rubric: a gate only for what nothing executed
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence

import msgspec

from glotsmith.datasets.examples import facts, wish_of
from glotsmith.datasets.rows import comment, example, fenced
from glotsmith.languages import get
from glotsmith.languages.docstrings import Wording
from glotsmith.languages.grammar import parses
from glotsmith.ledger import Ledger
from glotsmith.reasons import Reason
from glotsmith.recipes.inverse_instruct.round_trip import flaw
from glotsmith.recipes.xcoder.agent_requests import AgentRequests, ReplyCosts
from glotsmith.recipes.xcoder.history import LedgerHistory, PosedProblem
from glotsmith.recipes.xcoder.memory import MemoryLimits, Similarity, newest
from glotsmith.recipes.xcoder.pipeline_item import PipelineItem
from glotsmith.recipes.xcoder.proposals import Proposal
from glotsmith.recipes.xcoder.rubric import UnusableScore, request_score
from glotsmith.records import Example, Function, Job, Origin, Problem, Verdict, content_hash
from glotsmith.step import Dropped, ItemStep, Kept, Result, Verify, WholeStep, drop, keep
from glotsmith.values import Check, Signature, literal, parse_signature, parse_test

SHOWN_EXAMPLES = 5  #: stated examples that solvers see; of a suite's cases, enough must be hidden from them


class ExecuteReference(ItemStep[Proposal, PipelineItem]):
    """Make a proposal's function, if its reference gives what the examples state: before anything else is spent on it.

    A Ds2 that came with its own suite is run by it: if it fails, it goes; if the suite says too little (few cases, one
    expected value), that it passes proves nothing. Without reference and good suite it passes unexecuted, if it may.
    """

    name = "ground"
    output = PipelineItem

    def __init__(self, verify: Verify, *, unexecuted: bool = True, min_cases: int = 3) -> None:
        self._verify, self._unexecuted, self._min_cases = verify, unexecuted, min_cases

    async def run(self, key: str, item: Proposal) -> Result[PipelineItem]:
        """Ground one proposal."""
        if not item.reference and not item.examples:
            return self._without(key, item, (Reason.UNTESTED, ""))
        language, code = ("python", item.reference) if item.reference else (item.language, item.answer)
        verdict = None
        if item.examples:
            signature = "" if item.reference else item.signature  # a stated one may be wrong; a suite's is not
            job = Job(id=item.id, language=language, code=code, signature=signature, tests=item.examples)
            verdict = await self._verify.verify(job)
            if loss := _contradiction(item, verdict):
                return Result(dropped=(loss,))
        if item.reference:
            return keep(key, PipelineItem(proposal=item, function=_function(item)))
        if fault := flaw(item.examples, self._min_cases):
            return self._without(key, item, fault)
        toolchain, isolation = (verdict.toolchain, verdict.isolation) if verdict else ("", "")
        return keep(key, PipelineItem(proposal=item, toolchain=toolchain, isolation=isolation))

    def _without(self, key: str, item: Proposal, why: tuple[Reason, str]) -> Result[PipelineItem]:
        """Pass on what nothing was proved of if it may, and parses at least (report §4.1), or drop it."""
        if self._unexecuted and parses(item.language, item.answer) is False:
            why = Reason.UNPARSABLE_CODE, item.answer[:200]
        elif self._unexecuted:
            return keep(key, PipelineItem(proposal=item))
        return Result(dropped=drop(*why).dropped)


def _contradiction(item: Proposal, verdict: Verdict) -> Dropped | None:
    """Say why stated examples do not hold, if so."""
    if verdict.passed:
        return None
    if verdict.is_infra:
        refused = verdict.status == "infra:refused"  # a test that the language can't be given
        return Dropped(Reason.UNREPRESENTABLE if refused else Reason.NOT_VERIFIED, verdict.detail)
    if not item.reference:
        return Dropped(Reason.FAILED_VERIFICATION, f"{verdict.status} by the snippet's own suite")
    pairs = zip(item.examples, verdict.cases, strict=False)
    test, case = next(((t, c) for t, c in pairs if c.status != "pass"), ("", None))
    if case is not None and case.status == "fail:wrong":
        return Dropped(Reason.CONTRADICTED, f"{test}; it gives {case.actual}")
    told = case.actual if case else ""
    return Dropped(Reason.SOURCE_FAILS, f"{verdict.status} {test} {told or verdict.detail or verdict.stderr[-300:]}")


def _function(item: Proposal) -> Function:
    """Return the reference as a function, with instruction and the first examples as its docstring."""
    shown = "\n".join(filter(None, map(_doctest, item.examples[:SHOWN_EXAMPLES])))
    docstring = f"{item.instruction}\n\n{shown}" if shown else item.instruction
    session = item.session is not None
    return Function(
        id=content_hash(item.reference, docstring),  # the words are not in the code: others may have the same
        name=item.name,
        code=item.reference,
        docstring=docstring,
        origin=Origin(source="xcoder", path=item.id) if session else item.origin,
    )


def _doctest(test: str) -> str:
    """Write a test as a docstring's example; empty where it does not name its value."""
    call = parse_test(test)
    if isinstance(call.expected, Check):
        return ""
    return f">>> {call.function}({', '.join(map(literal, call.arguments))})\n{literal(call.expected)}"


class DropRepeatedProblems(ItemStep[PipelineItem, PipelineItem]):
    """Drop a discussed problem that an earlier session has posed: in much the same words, or in others.

    In other words: either reference passes all the other's tests, and the arguments and results are of the same kinds.
    Sessions are compared in their own order, so that it does not matter which was ready first.
    """

    name = "distinct"
    output = PipelineItem

    def __init__(
        self, history: LedgerHistory, verify: Verify, similar: Similarity, limits: MemoryLimits, epoch: int
    ) -> None:
        """Wait for up to ``epoch`` sessions at a time: as many may be here at once, and others must pass."""
        self._history, self._verify, self._similar, self._limits = history, verify, similar, limits
        self.concurrency = epoch + 8

    async def run(self, key: str, item: PipelineItem) -> Result[PipelineItem]:
        """Compare one problem with those of earlier sessions."""
        session, problem = item.proposal.session, item.problem
        if session is None or problem is None:
            return keep(key, item)
        earlier = [p for p in await self._history.posed_problems(session.epoch) if p.number < session.number]
        recent = newest(earlier, self._limits.size)
        loss = self._in_words(problem, recent) or await self._in_behaviour(problem, recent)
        return Result(dropped=(loss,)) if loss else keep(key, item)

    def _in_words(self, problem: Problem, earlier: Sequence[PosedProblem]) -> Dropped | None:
        text, code = problem.function.docstring, problem.function.code
        for posed in earlier:
            other = posed.problem.function
            if other.code == code:
                return Dropped(Reason.EXACT_DUPLICATE, f"the same reference as {posed.key}'s")
            likeness = self._similar(other.docstring, text), self._similar(other.code, code)
            if likeness[0] > self._limits.instructions or likeness[1] > self._limits.references:
                return Dropped(Reason.NEAR_DUPLICATE, f"ROUGE-L {max(likeness):.3f} with {posed.key}, {other.name}")
        return None

    async def _in_behaviour(self, problem: Problem, earlier: Sequence[PosedProblem]) -> Dropped | None:
        kinds = _kinds(parse_signature(problem.suite.signature))
        for posed in earlier:
            if _kinds(parse_signature(posed.problem.suite.signature)) != kinds:
                continue
            if await self._passes(problem, posed.problem) and await self._passes(posed.problem, problem):
                return Dropped(Reason.SAME_BEHAVIOUR, f"as {posed.problem.function.name} of {posed.key}")
        return None

    async def _passes(self, problem: Problem, other: Problem) -> bool:
        """Whether the problem's reference passes all tests of the other."""
        function = problem.function
        job = Job(
            id=problem.id,
            language="python",
            code=function.program,
            signature=other.suite.signature,
            tests=other.suite.tests,
            entry_point=function.name,
        )
        return (await self._verify.verify(job)).passed


def _kinds(signature: Signature) -> tuple[str, ...]:
    return (*(p.type.kind for p in signature.parameters), signature.returns.kind)


class RequireAgreement(WholeStep[PipelineItem, PipelineItem]):
    """Keep the solutions of a discussed problem if enough languages agree on its tests by execution.

    The reference counts for Python: its execution gave the expected values. All others were written by those who saw
    the instruction alone, so that agreement is evidence for the problem, not for its author.
    """

    name = "agree"
    output = PipelineItem

    def __init__(self, languages: int = 2) -> None:
        self._languages = languages

    def run(
        self, items: Callable[[], Iterator[tuple[str, PipelineItem]]]
    ) -> "Iterator[tuple[str, Result[PipelineItem]]]":
        """Count languages in one pass, decide in a second."""
        agreeing: defaultdict[str, set[str]] = defaultdict(lambda: {"python"})
        for _, work in items():
            agreeing[work.proposal.id].add(work.language)
        for key, work in items():
            found = agreeing[work.proposal.id]
            if work.proposal.session is None or len(found) >= self._languages:
                yield key, keep(key, work)
            else:
                detail = f"{', '.join(sorted(found))} alone, of {self._languages} languages"
                yield key, Result(dropped=(Dropped(Reason.NO_AGREEMENT, detail),))


class ScoreByRubric(ItemStep[PipelineItem, PipelineItem]):
    """Score by the rubric. What passed execution is kept whatever its score; else the score must reach ``least``."""

    name = "score"
    output = PipelineItem
    concurrency = 32

    def __init__(self, voice: AgentRequests, least: float) -> None:
        self._voice, self._least = voice, least

    async def run(self, key: str, item: PipelineItem) -> Result[PipelineItem]:
        """Score one row."""
        bill, p = ReplyCosts(), item.proposal
        lost: tuple[Dropped, ...] = ()
        score = 0.0
        try:
            score = await request_score(self._voice, key, p.name, item.language, p.instruction, item.code, bill)
            if score < self._least and not item.executed:
                lost = (Dropped(Reason.LOW_SCORE, f"{score} of {self._least}"),)
        except UnusableScore as error:
            loss = Dropped(error.why.reason, error.why.detail, f"{key}:rubric" if item.executed else "")
            lost = (loss,)
        dropped = any(not loss.key for loss in lost)
        kept = () if dropped else (Kept(key, msgspec.structs.replace(item, score=score)),)
        return Result(kept=kept, dropped=lost, tokens=bill.tokens, cost=bill.cost)


class ReuseScores(ItemStep[PipelineItem, PipelineItem]):
    """``ScoreByRubric`` for a run that is not finished: the scores that its ledger has, and nobody is asked.

    What passed execution is kept; what nothing executed is left out until it has a score that suffices.
    """

    name = ScoreByRubric.name
    output = PipelineItem

    def __init__(self, ledger: Ledger) -> None:
        known = self.name in ledger.steps
        self._scores = {key: work.score for key, work in ledger.kept(self.name, PipelineItem)} if known else {}

    async def run(self, key: str, item: PipelineItem) -> Result[PipelineItem]:
        """Give one row its score."""
        if key not in self._scores and not item.executed:
            return Result(dropped=drop(Reason.LOW_SCORE, "it has no score so far, or too low a one").dropped)
        return keep(key, msgspec.structs.replace(item, score=self._scores.get(key, 0.0)))


class MakeXCoderExamples(ItemStep[PipelineItem, Example]):
    """Make a dataset row of each: Ds1, Ds2 and Ds3 are told apart by ``Example.kind``."""

    name = "dataset"
    output = Example

    def __init__(self, wording: Wording = "target") -> None:
        """Write the examples of instructions in this wording."""
        self._wording: Wording = wording

    async def run(self, key: str, item: PipelineItem) -> Result[Example]:
        """Make one row; nothing is dropped here."""
        return keep(key, _row(item, self._wording))


def _row(work: PipelineItem, wording: Wording) -> Example:
    kind, score = work.proposal.kind, work.score
    if work.solution is not None:
        made = example(work.solution, facts(work.language), wish_of(work.solution.task, wording))
        return msgspec.structs.replace(made, kind=kind, score=score)
    return msgspec.structs.replace(_unproved(work), kind=kind, score=score)


def _unproved(work: PipelineItem) -> Example:
    """Return the row of an answer without a Python reference; its tests are the snippet's own, if it has any."""
    p, language = work.proposal, facts(work.language)
    wish = p.instruction.strip()
    asked = f"{wish}\n\nWrite it in {get(work.language).display}."
    lineage = msgspec.structs.replace(p.lineage, toolchain=work.toolchain, isolation=work.isolation)
    return Example(
        id=content_hash(p.id, p.answer),
        parallel_id=p.id,
        language=work.language,
        name=p.name,
        messages=(
            {"role": "user", "content": asked},
            {"role": "assistant", "content": fenced(p.answer, language.fence)},
        ),
        prompt=comment(wish, language),
        completion=p.answer,
        source="",
        signature=p.signature if work.toolchain else "",
        tests=p.examples if work.toolchain else (),
        origin=p.origin,
        lineage=lineage,
        pass_rate=1.0 if work.toolchain else 0.0,
    )
