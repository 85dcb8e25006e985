"""The item of xCoder's pipeline, and the adapter that runs steps of ``multipl-t`` on its current payload.

A proposal keeps its kind, session and instruction while it becomes a function, a draft, a problem, a task and a
solution. ``AdaptedStep`` passes the current payload to a step of a shared stage. So both recipes make the same checks.
"""

from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

import msgspec

from glotsmith.drop_reasons import Reason
from glotsmith.generation.translate import Translate
from glotsmith.recipes.xcoder.proposals import Proposal
from glotsmith.records import Candidate, Function, Job, Problem, Record, Solution, Task, content_hash
from glotsmith.selection.benchmark_behaviour import ProgramUnderTest
from glotsmith.selection.decontaminate import Decontaminate, DecontaminateBehaviour, ItemText
from glotsmith.selection.deduplicate import ComparedText, Deduplicate
from glotsmith.sources.filters import Filter
from glotsmith.step import Dropped, ItemStep, Kept, Result, Verify, keep
from glotsmith.suites.draft import DraftSuite
from glotsmith.suites.make_tasks import MakeTasks
from glotsmith.suites.validate import Validate
from glotsmith.suites.write import WriteTests

ItemPayload = Function | DraftSuite | Problem | Task | Solution
In = TypeVar("In", bound=ItemPayload)
Out = TypeVar("Out", bound=ItemPayload)


class PipelineItem(Record, frozen=True, kw_only=True):
    """A proposal with its current payload: at most one of the fields ``function`` to ``solution``.

    If an item has no payload, no suite can verify its answer.
    """

    proposal: Proposal
    function: Function | None = None
    draft: DraftSuite | None = None
    problem: Problem | None = None
    task: Task | None = None
    solution: Solution | None = None
    toolchain: str = ""  #: toolchain with which the answer passed the snippet's suite; "" if it did not run
    isolation: str = ""
    score: float = 0.0  #: score of the rubric, 1 to 5; 0 without a score

    @property
    def payload(self) -> ItemPayload | None:
        """The current payload."""
        return self.function or self.draft or self.problem or self.task or self.solution

    def with_payload(self, payload: ItemPayload) -> "PipelineItem":
        """Return the item with ``payload`` in place of its current payload."""
        return msgspec.structs.replace(
            self,
            function=payload if isinstance(payload, Function) else None,
            draft=payload if isinstance(payload, DraftSuite) else None,
            problem=payload if isinstance(payload, Problem) else None,
            task=payload if isinstance(payload, Task) else None,
            solution=payload if isinstance(payload, Solution) else None,
        )

    @property
    def language(self) -> str:
        """The language of the program."""
        return self.solution.task.language if self.solution else self.proposal.language

    @property
    def code(self) -> str:
        """The program."""
        return self.solution.code if self.solution else self.proposal.answer

    @property
    def executed(self) -> bool:
        """Whether the program passed a suite."""
        return bool(self.solution or self.toolchain)

    @property
    def instruction_is_verified(self) -> bool:
        """Whether the program passed a suite that belongs to the instruction.

        The suite of a Ds2 belongs to its snippet, and a teacher writes the instruction afterwards. So a pass does not
        show that the instruction describes the snippet.
        """
        return self.executed and self.proposal.kind != "ds2"

    @property
    def group(self) -> str:
        """The id of the problem, which the programs of all languages share."""
        return self.solution.task.problem.id if self.solution else self.proposal.id


class AdaptedStep(ItemStep[PipelineItem, PipelineItem], Generic[In, Out]):
    """Run a step of a shared stage on the current payload of each item; items with another payload pass unchanged."""

    output = PipelineItem

    def __init__(self, takes: type[In], step_for: Callable[[PipelineItem], ItemStep[In, Out]]) -> None:
        """Run ``step_for(item)`` on payloads of the type ``takes``."""
        self._takes, self._step_for = takes, step_for

    def output_key(self, key: str, made: Out) -> str:
        """Return the key of an output; steps with several outputs for one item override this."""
        return key

    async def run(self, key: str, item: PipelineItem) -> Result[PipelineItem]:
        """Replace the payload of one item by the outputs of the step."""
        payload = item.payload
        if not isinstance(payload, self._takes):
            return keep(key, item)
        result = await self._step_for(item).run(key, payload)
        kept = tuple(Kept(self.output_key(key, made.item), item.with_payload(made.item)) for made in result.kept)
        return Result(
            kept=kept, dropped=result.dropped, cost=result.cost, tokens=result.tokens, sampling=result.sampling
        )


class FilterReference(AdaptedStep[Function, Function]):
    """``sources.filters``: the reference has a docstring, is standalone, returns a value and is not trivial."""

    name = "filter"

    def __init__(self, step: Filter) -> None:
        super().__init__(Function, lambda item: step)


class WriteProblemTests(AdaptedStep[Function, DraftSuite]):
    """``suites.write``: it first tries the arguments of the examples, which are in the docstring."""

    name = "write_tests"

    def __init__(self, step: WriteTests) -> None:
        super().__init__(Function, lambda item: step)


class ValidateProblem(AdaptedStep[DraftSuite, Problem]):
    """``suites.validate``: execute the reference to get expected values, and check coverage and mutants."""

    name = "validate"

    def __init__(self, step: Validate) -> None:
        super().__init__(DraftSuite, lambda item: step)


class MakeProblemTasks(AdaptedStep[Problem, Task]):
    """``suites.make_tasks``: the languages of the proposal can represent all values, and a stub fails the suite."""

    name = "make_tasks"

    def __init__(self, verify: Verify, min_cases: int) -> None:
        super().__init__(Problem, lambda item: MakeTasks(item.proposal.languages, verify, min_cases))

    def output_key(self, key: str, made: Task) -> str:
        """Append the language."""
        return f"{key}:{made.language}"


class SolveProblem(AdaptedStep[Task, Solution]):
    """``generation.translate`` without the reference in its prompts. An answer of the proposal is verified instead."""

    name = "solve"
    concurrency = Translate.concurrency

    def __init__(self, step: ItemStep[Task, Solution], verify: Verify) -> None:
        super().__init__(Task, lambda item: _VerifyAnswer(verify, item.proposal) if item.proposal.answer else step)

    def output_key(self, key: str, made: Solution) -> str:
        """Append the start of the solution's id."""
        return f"{key}:{made.id[:12]}"


class _VerifyAnswer(ItemStep[Task, Solution]):
    """Verify the answer of a Ds1 or Ds2 with the suite of its task."""

    name = "answer"
    output = Solution

    def __init__(self, verify: Verify, proposal: Proposal) -> None:
        self._verify, self._proposal = verify, proposal

    async def run(self, key: str, item: Task) -> Result[Solution]:
        code, lineage = self._proposal.answer, self._proposal.lineage
        job = Job(id=item.id, language=item.language, code=code, signature=item.signature, tests=item.tests)
        job = msgspec.structs.replace(job, reference_s=item.problem.suite.reference_s)
        verdict = await self._verify.verify(job)
        lineage = msgspec.structs.replace(lineage, toolchain=verdict.toolchain, isolation=verdict.isolation)
        if verdict.passed:
            identity = content_hash(item.id, code)
            return keep(identity, Solution(id=identity, task=item, code=code, lineage=lineage))
        reason = Reason.NOT_VERIFIED if verdict.is_infra else Reason.FAILED_VERIFICATION
        failed = Candidate(task=item.id, language=item.language, code=code, verdict=verdict, lineage=lineage)
        detail = verdict.detail or verdict.stderr[-300:] or verdict.status
        return Result(dropped=(Dropped(reason, detail, f"{key}:0", failed), Dropped(reason, detail)))


class DeduplicateItems(Deduplicate[PipelineItem]):
    """``selection.deduplicate`` on the programs."""

    name = "deduplicate_solutions"
    output = PipelineItem

    def compared_text(self, item: PipelineItem) -> ComparedText:
        """Return the program, with its language and its problem as the groups of the comparison."""
        return ComparedText(item.language, item.group, item.code)


class DecontaminateReferences(DecontaminateBehaviour[PipelineItem]):
    """Drop problems whose Python reference behaves like a problem of a benchmark, before they are solved."""

    name = "decontaminate_problems"
    output = PipelineItem

    def program_of(self, item: PipelineItem) -> ProgramUnderTest | None:
        """Return the reference, if the item is a problem with a suite."""
        problem = item.problem
        return ProgramUnderTest("python", problem.function.program, problem.suite.signature) if problem else None


class DecontaminateItems(Decontaminate[PipelineItem]):
    """``selection.decontaminate`` on program, instruction and reference."""

    name = "decontaminate_solutions"
    output = PipelineItem

    def texts_to_check(self, item: PipelineItem) -> Iterator[ItemText]:
        """Yield the texts that a model is trained on, and the reference."""
        yield ItemText("program", item.code, item.language)
        yield ItemText("instruction", item.proposal.instruction)
        if item.proposal.reference:
            yield ItemText("reference", item.proposal.reference, "python")
