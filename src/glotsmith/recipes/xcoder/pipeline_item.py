"""What flows through ``xcoder`` once a problem is posed, and the steps of ``multipl-t`` that it flows through.

A proposal keeps its kind, its session and its instruction while it becomes function, draft, problem, task and solution.
``Through`` lets a stage's own step see just its part, so that both recipes have the same gates by construction.
"""

from abc import abstractmethod
from collections.abc import Iterator
from typing import Any, ClassVar

import msgspec

from glotsmith.generation.translate import Translate
from glotsmith.reasons import Reason
from glotsmith.recipes.xcoder.proposals import Proposal
from glotsmith.records import Candidate, Function, Job, Problem, Record, Solution, Task, content_hash
from glotsmith.selection.decontaminate import Decontaminate, Part
from glotsmith.selection.deduplicate import Deduplicate, Text
from glotsmith.sources.filters import Filter
from glotsmith.step import Dropped, ItemStep, Kept, Result, Verify, keep
from glotsmith.suites.draft import DraftSuite
from glotsmith.suites.prove import Prove
from glotsmith.suites.validate import Validate
from glotsmith.suites.write import WriteTests


class PipelineItem(Record, frozen=True, kw_only=True):
    """A proposal and what has become of it so far: one of the other fields, or none where nothing can be executed."""

    proposal: Proposal
    function: Function | None = None
    draft: DraftSuite | None = None
    problem: Problem | None = None
    task: Task | None = None
    solution: Solution | None = None
    toolchain: str = ""  #: with which an answer passed the snippet's own suite, where it came with one
    isolation: str = ""
    score: float = 0.0  #: of the rubric, 1-5; 0 for none

    @property
    def language(self) -> str:
        """The language of its program."""
        return self.solution.task.language if self.solution else self.proposal.language

    @property
    def code(self) -> str:
        """Its program."""
        return self.solution.code if self.solution else self.proposal.answer

    @property
    def executed(self) -> bool:
        """Whether its program passed a suite."""
        return bool(self.solution or self.toolchain)

    @property
    def group(self) -> str:
        """The problem's id, which all languages share."""
        return self.solution.task.problem.id if self.solution else self.proposal.id


class Through(ItemStep[PipelineItem, PipelineItem]):
    """A stage's step, on the part ``takes`` of the work, from which it makes the part ``makes``.

    Work without that part passes unchanged.
    """

    output = PipelineItem
    takes: ClassVar[str]
    makes: ClassVar[str]

    @abstractmethod
    def inner(self, work: PipelineItem) -> ItemStep[Any, Any]:
        """Return the step that the work goes through."""

    def key(self, key: str, item: Any) -> str:
        """Return the key of an output; a step that makes several of one must tell them apart."""
        return key

    async def run(self, key: str, item: PipelineItem) -> Result[PipelineItem]:
        """Let the part through the inner step."""
        part = getattr(item, self.takes)
        if part is None:
            return keep(key, item)
        result = await self.inner(item).run(key, part)
        kept = tuple(
            Kept(self.key(key, k.item), msgspec.structs.replace(item, **{self.takes: None, self.makes: k.item}))
            for k in result.kept
        )
        return Result(kept=kept, dropped=result.dropped, cost=result.cost, tokens=result.tokens)


class FilterReference(Through):
    """``sources.filters``: documented, stands alone, returns a value, is not trivial …"""

    name = "filter"
    takes = makes = "function"

    def __init__(self, filter_: Filter) -> None:
        self._filter = filter_

    def inner(self, work: PipelineItem) -> Filter:
        """Return the filter."""
        return self._filter


class WriteProblemTests(Through):
    """``suites.write``: the stated examples are the docstring's, so that their arguments are tried first."""

    name = "write_tests"
    takes, makes = "function", "draft"

    def __init__(self, write: WriteTests) -> None:
        self._write = write

    def inner(self, work: PipelineItem) -> WriteTests:
        """Return the writer."""
        return self._write


class ValidateProblem(Through):
    """``suites.validate``: expected values by execution of the reference, coverage, mutants."""

    name = "validate"
    takes, makes = "draft", "problem"

    def __init__(self, validate: Validate) -> None:
        self._validate = validate

    def inner(self, work: PipelineItem) -> Validate:
        """Return the validation."""
        return self._validate


class ProveProblem(Through):
    """``suites.prove`` in the languages that the work is wanted in: its values have forms there, and a stub fails."""

    name = "prove"
    takes, makes = "problem", "task"

    def __init__(self, verify: Verify, min_cases: int) -> None:
        self._verify, self._min_cases = verify, min_cases

    def inner(self, work: PipelineItem) -> Prove:
        """Return the proof in the work's languages."""
        return Prove(work.proposal.languages, self._verify, self._min_cases)

    def key(self, key: str, item: Any) -> str:
        """Tell the languages apart."""
        return f"{key}:{item.language}"


class SolveProblem(Through):
    """``generation.translate``: solutions by those who did not see the reference; or the answer that came with it."""

    name = "solve"
    takes, makes = "task", "solution"
    concurrency = Translate.concurrency

    def __init__(self, solve: Translate, verify: Verify) -> None:
        self._solve, self._verify = solve, verify

    def inner(self, work: PipelineItem) -> ItemStep[Task, Solution]:
        """Return who solves it."""
        return _Answer(self._verify, work.proposal) if work.proposal.answer else self._solve

    def key(self, key: str, item: Any) -> str:
        """Tell the solutions apart."""
        return f"{key}:{item.id[:12]}"


class _Answer(ItemStep[Task, Solution]):
    """The answer that a Ds1 or Ds2 came with, run by the suite."""

    name = "answer"
    output = Solution

    def __init__(self, verify: Verify, proposal: Proposal) -> None:
        self._verify, self._proposal = verify, proposal

    async def run(self, key: str, item: Task) -> Result[Solution]:
        code, lineage = self._proposal.answer, self._proposal.lineage
        verdict = await self._verify.verify(
            Job(id=item.id, language=item.language, code=code, signature=item.signature, tests=item.tests)
        )
        lineage = msgspec.structs.replace(lineage, toolchain=verdict.toolchain, isolation=verdict.isolation)
        if verdict.passed:
            identity = content_hash(item.id, code)
            return keep(identity, Solution(id=identity, task=item, code=code, lineage=lineage))
        reason = Reason.NOT_VERIFIED if verdict.is_infra else Reason.FAILED_VERIFICATION
        failed = Candidate(task=item.id, language=item.language, code=code, verdict=verdict, lineage=lineage)
        detail = verdict.detail or verdict.stderr[-300:] or verdict.status
        return Result(dropped=(Dropped(reason, detail, f"{key}:0", failed), Dropped(reason, detail)))


class DeduplicateItems(Deduplicate[PipelineItem]):
    """``selection.deduplicate``, on the programs."""

    name = "deduplicate_solutions"
    output = PipelineItem

    def text(self, item: PipelineItem) -> Text:
        """Compare the program within its problem and language."""
        return Text(item.language, item.group, item.code)


class DecontaminateItems(Decontaminate[PipelineItem]):
    """``selection.decontaminate``, on program, reference and instruction."""

    name = "decontaminate_solutions"
    output = PipelineItem

    def parts(self, item: PipelineItem) -> Iterator[Part]:
        """Look at all that a model is trained on, and at the reference."""
        yield Part("program", item.code, item.language)
        yield Part("instruction", item.proposal.instruction)
        if item.proposal.reference:
            yield Part("reference", item.proposal.reference, "python")
