"""The steps of xCoder that verify problems by execution, which the paper does not do, and the step that makes rows.

``execute_reference``: the reference must return the values of the stated examples (``ExecuteReference``).
``deduplicate_problems``: a problem must not repeat an earlier one in similar words or by its behaviour
(``DeduplicateProblems``).
``cross_check_languages``: independent solutions in several languages must agree on the tests (``CrossCheckLanguages``).
``dataset``: ``Example.kind`` distinguishes Ds1, Ds2 and Ds3 (``MakeXCoderExamples``).
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence

import msgspec

from glotsmith.datasets.examples import comment, fenced, instruction_of, make_example, row_syntax
from glotsmith.drop_reasons import Reason
from glotsmith.generation.suite_outcomes import find_suite_flaw
from glotsmith.languages import get_card
from glotsmith.languages.docstrings import Wording
from glotsmith.languages.grammar import parses
from glotsmith.recipes.xcoder.history import LedgerHistory, PosedProblem
from glotsmith.recipes.xcoder.memory import MemoryLimits, SimilarityMeasure, newest
from glotsmith.recipes.xcoder.pipeline_item import PipelineItem
from glotsmith.recipes.xcoder.proposals import Proposal
from glotsmith.records import Example, Function, Job, Origin, Problem, Verdict, content_hash
from glotsmith.step import Dropped, ItemStep, Result, ShardRule, Verify, WholeStep, drop, keep
from glotsmith.values import Check, Signature, literal, parse_signature, parse_test

SHOWN_EXAMPLES = 5  #: stated examples that solvers see; the other cases of a suite stay hidden from them


class ExecuteReference(ItemStep[Proposal, PipelineItem]):
    """Execute a proposal's reference on its stated examples, before any further costs, and make its function.

    A Ds2 with its own suite must pass this suite. A pass proves nothing if the suite has few cases or one expected
    value. If ``unexecuted`` is true, a proposal that has neither a reference nor a good suite is kept.
    """

    name = "execute_reference"
    output = PipelineItem

    def __init__(self, verify: Verify, *, unexecuted: bool = True, min_cases: int = 3) -> None:
        self._verify, self._unexecuted, self._min_cases = verify, unexecuted, min_cases

    async def run(self, key: str, item: Proposal) -> Result[PipelineItem]:
        """Execute one proposal."""
        if not item.reference and not item.examples:
            return self._pass_unexecuted(key, item, (Reason.UNTESTED, ""))
        toolchain = isolation = ""
        if item.examples:
            verdict = await self._verify.verify(_examples_job(item))
            if contradiction := _contradiction(item, verdict):
                return Result(dropped=(contradiction,))
            toolchain, isolation = verdict.toolchain, verdict.isolation
        if item.reference:
            return keep(key, PipelineItem(proposal=item, function=_reference_function(item)))
        if flaw := find_suite_flaw(item.examples, self._min_cases):
            return self._pass_unexecuted(key, item, flaw)
        return keep(key, PipelineItem(proposal=item, toolchain=toolchain, isolation=isolation))

    def _pass_unexecuted(self, key: str, item: Proposal, why: tuple[Reason, str]) -> Result[PipelineItem]:
        """Keep a proposal that was not executed if ``unexecuted`` is true and its answer parses (report §4.1)."""
        if self._unexecuted and parses(item.language, item.answer) is False:
            why = Reason.UNPARSABLE_CODE, item.answer[:200]
        elif self._unexecuted:
            return keep(key, PipelineItem(proposal=item))
        return Result(dropped=drop(*why).dropped)


def _examples_job(item: Proposal) -> Job:
    """Return the job that runs the reference, or the answer, on the stated examples."""
    if item.reference:  # without the stated signature, which may be wrong
        return Job(id=item.id, language="python", code=item.reference, signature="", tests=item.examples)
    return Job(id=item.id, language=item.language, code=item.answer, signature=item.signature, tests=item.examples)


def _contradiction(item: Proposal, verdict: Verdict) -> Dropped | None:
    """Return the drop of a proposal whose stated examples do not hold; None if they do."""
    if verdict.passed:
        return None
    if verdict.is_infra:
        refused = verdict.status == "infra:refused"  # the language has no form for a test
        return Dropped(Reason.UNREPRESENTABLE if refused else Reason.NOT_VERIFIED, verdict.detail)
    if not item.reference:
        return Dropped(Reason.FAILED_VERIFICATION, f"{verdict.status} by the snippet's own suite")
    pairs = zip(item.examples, verdict.cases, strict=False)
    test, case = next(((t, c) for t, c in pairs if c.status != "pass"), ("", None))
    if case is not None and case.status == "fail:wrong":
        return Dropped(Reason.CONTRADICTED, f"{test}; it gives {case.actual}")
    actual = case.actual if case else ""
    return Dropped(Reason.SOURCE_FAILS, f"{verdict.status} {test} {actual or verdict.detail or verdict.stderr[-300:]}")


def _reference_function(item: Proposal) -> Function:
    """Return the reference as a function whose docstring is the instruction with the first stated examples."""
    shown = "\n".join(filter(None, map(_doctest, item.examples[:SHOWN_EXAMPLES])))
    docstring = f"{item.instruction}\n\n{shown}" if shown else item.instruction
    return Function(
        id=content_hash(item.reference, docstring),  # other problems may have the same code
        name=item.name,
        code=item.reference,
        docstring=docstring,
        origin=Origin(source="xcoder", path=item.id) if item.session is not None else item.origin,
    )


def _doctest(test: str) -> str:
    """Return a test as a doctest; "" if it does not state a value."""
    call = parse_test(test)
    if isinstance(call.expected, Check):
        return ""
    return f">>> {call.function}({', '.join(map(literal, call.arguments))})\n{literal(call.expected)}"


class DeduplicateProblems(ItemStep[PipelineItem, PipelineItem]):
    """Drop a discussed problem that an earlier session posed, in similar words or with the same behaviour.

    Two problems have the same behaviour if each reference passes all tests of the other, and their arguments and
    results are of the same kinds. Problems are compared in the order of their sessions, not in the order of their
    arrival.
    """

    name = "deduplicate_problems"
    output = PipelineItem

    def __init__(
        self, history: LedgerHistory, verify: Verify, similar: SimilarityMeasure, limits: MemoryLimits, epoch: int
    ) -> None:
        """Wait for at most ``epoch`` sessions at a time, and let other items pass meanwhile."""
        self._history, self._verify, self._similar, self._limits = history, verify, similar, limits
        self.concurrency = epoch + 8

    async def run(self, key: str, item: PipelineItem) -> Result[PipelineItem]:
        """Compare one problem with the problems of earlier sessions."""
        session, problem = item.proposal.session, item.problem
        if session is None or problem is None:
            return keep(key, item)
        earlier = [p for p in await self._history.posed_problems(session.epoch) if p.number < session.number]
        recent = newest(earlier, self._limits.size)
        repetition = self._find_similar(problem, recent) or await self._find_same_behaviour(problem, recent)
        return Result(dropped=(repetition,)) if repetition else keep(key, item)

    def _find_similar(self, problem: Problem, earlier: Sequence[PosedProblem]) -> Dropped | None:
        text, code = problem.function.docstring, problem.function.code
        for posed in earlier:
            other = posed.problem.function
            if other.code == code:
                return Dropped(Reason.EXACT_DUPLICATE, f"the same reference as {posed.key}'s")
            similarity = self._similar(other.docstring, text), self._similar(other.code, code)
            if similarity[0] > self._limits.instructions or similarity[1] > self._limits.references:
                return Dropped(Reason.NEAR_DUPLICATE, f"ROUGE-L {max(similarity):.3f} with {posed.key}, {other.name}")
        return None

    async def _find_same_behaviour(self, problem: Problem, earlier: Sequence[PosedProblem]) -> Dropped | None:
        kinds = _kinds(parse_signature(problem.suite.signature))
        for posed in earlier:
            if _kinds(parse_signature(posed.problem.suite.signature)) != kinds:
                continue
            if await self._passes(problem, posed.problem) and await self._passes(posed.problem, problem):
                return Dropped(Reason.SAME_BEHAVIOUR, f"as {posed.problem.function.name} of {posed.key}")
        return None

    async def _passes(self, problem: Problem, other: Problem) -> bool:
        """Return whether the reference of ``problem`` passes all tests of ``other``."""
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


class CrossCheckLanguages(WholeStep[PipelineItem, PipelineItem]):
    """Keep the solutions of a discussed problem if solutions in enough languages pass its tests.

    The reference counts as the solution in Python, because its execution gave the expected values. The authors of all
    other solutions saw the instruction only, so that agreement is evidence for the problem and not for its author.
    """

    name = "cross_check_languages"
    output = PipelineItem
    in_shard: ShardRule = "run"  #: all solutions of a problem are in one shard

    def __init__(self, languages: int = 2) -> None:
        self._languages = languages

    def run(
        self, items: Callable[[], Iterator[tuple[str, PipelineItem]]]
    ) -> "Iterator[tuple[str, Result[PipelineItem]]]":
        """Count the languages of each problem in a first pass, and decide in a second pass."""
        languages: defaultdict[str, set[str]] = defaultdict(lambda: {"python"})
        for _, item in items():
            languages[item.proposal.id].add(item.language)
        for key, item in items():
            found = languages[item.proposal.id]
            if item.proposal.session is None or len(found) >= self._languages:
                yield key, keep(key, item)
            else:
                detail = f"{', '.join(sorted(found))} alone, of {self._languages} languages"
                yield key, Result(dropped=(Dropped(Reason.NO_AGREEMENT, detail),))


class MakeXCoderExamples(ItemStep[PipelineItem, Example]):
    """Make a dataset row of each item."""

    name = "dataset"
    output = Example

    def __init__(self, wording: Wording = "target") -> None:
        """Write the examples of instructions in this wording."""
        self._wording: Wording = wording

    async def run(self, key: str, item: PipelineItem) -> Result[Example]:
        """Make one row; this step drops nothing."""
        if item.solution is None:
            row = _row_of_answer(item)
        else:
            instruction = instruction_of(item.solution.task, self._wording)
            row = make_example(item.solution, row_syntax(item.language), instruction)
        return keep(key, msgspec.structs.replace(row, kind=item.proposal.kind, score=item.score))


def _row_of_answer(item: PipelineItem) -> Example:
    """Return the row of an answer without a Python reference; its tests are the snippet's own, if it has any."""
    proposal, language = item.proposal, row_syntax(item.language)
    instruction = proposal.instruction.strip()
    request = f"{instruction}\n\nWrite it in {get_card(item.language).display}."
    return Example(
        id=content_hash(proposal.id, proposal.answer),
        parallel_id=proposal.id,
        language=item.language,
        name=proposal.name,
        messages=(
            {"role": "user", "content": request},
            {"role": "assistant", "content": fenced(proposal.answer, language.fence)},
        ),
        prompt=comment(instruction, language),
        completion=proposal.answer,
        source="",
        signature=proposal.signature if item.toolchain else "",
        tests=proposal.examples if item.toolchain else (),
        origin=proposal.origin,
        lineage=msgspec.structs.replace(proposal.lineage, toolchain=item.toolchain, isolation=item.isolation),
        pass_rate=1.0 if item.toolchain else 0.0,
    )
