"""Request replies, judge them and compute scores."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Protocol

import msgspec

from glotsmith.counts import agreeing, counted
from glotsmith.errors import OutageError
from glotsmith.evaluation.candidate import candidate_program
from glotsmith.evaluation.evaluation_summary import EvaluationSummary, summarise
from glotsmith.evaluation.oracles import apply_oracle
from glotsmith.evaluation.questions import EvaluationSample, ImpossibleProblem, Question, ReplyStyle, StoredCompletion
from glotsmith.records import Job, Record, Verdict, printable
from glotsmith.step import Verify
from glotsmith.teachers.base import Reply, Request, Sampling, Teacher


class LibraryProbe:
    """Checks once for each library of a benchmark whether it is installed."""

    def __init__(self, verify: Verify) -> None:
        self._verify = verify
        self._probes: dict[tuple[str, str], asyncio.Task[str]] = {}

    async def missing(self, question: Question) -> str:
        """Return a message about a missing library of the tests of a question; "" if they can run."""
        if not question.needs:
            return ""
        key = (question.language, question.needs)
        if key not in self._probes:
            self._probes[key] = asyncio.create_task(self._probe(question))
        return await asyncio.shield(self._probes[key])

    async def _probe(self, question: Question) -> str:
        verdict = await self._verify.verify(Job(id="needs", language=question.language, program=question.needs))
        return "" if verdict.passed else verdict.detail if verdict.is_infra else question.hint

    async def close(self) -> None:
        """Cancel unfinished checks."""
        for task in self._probes.values():
            task.cancel()
        await asyncio.gather(*self._probes.values(), return_exceptions=True)


FAILURES = ("infra:teacher", "infra:sandbox")  #: statuses of samples that have no verdict and may get one later
_IN_FLIGHT = 64  #: largest number of samples in flight; teacher and sandbox have their own limits
_STOPS = 4  #: number of stop tokens in a request; completions are truncated at all stop tokens anyway


class EvaluationPlan(Record, frozen=True, kw_only=True):
    """The options of requests to a model; the defaults are those of MultiPL-T (§5: 20 samples at 0.2, top-p 0.95)."""

    samples: int = 20
    temperature: float = 0.2
    top_p: float = 0.95
    max_tokens: int = 1024
    style: ReplyStyle = "chat"
    seed: int = 0
    ks: tuple[int, ...] = (1, 10, 100)
    confidence: float = 0.95


class ReplySource(Protocol):
    """The source of replies: a model or a file."""

    def count(self, question: Question) -> int:
        """Return the number of replies to a question."""
        ...

    def style(self, question: Question, sample: int) -> ReplyStyle:
        """Return the style of a reply."""
        ...

    async def reply(self, question: Question, sample: int) -> Reply:
        """Return a reply."""
        ...


class TeacherReplies:
    """Replies of a teacher. If the teacher has a cache, no request is sent twice."""

    def __init__(self, teacher: Teacher, plan: EvaluationPlan) -> None:
        self._teacher = teacher
        self._plan = plan

    def count(self, question: Question) -> int:
        """Return the number of samples of the plan."""
        return self._plan.samples

    def style(self, question: Question, sample: int) -> ReplyStyle:
        """Return the style of the plan."""
        return self._plan.style

    async def reply(self, question: Question, sample: int) -> Reply:
        """Send one request, and return the reply."""
        return await self._teacher.reply(request(question, sample, self._plan))


def request(question: Question, sample: int, plan: EvaluationPlan) -> Request:
    """Return the request to a teacher. It has no source and no tests, even for rule-based teachers."""
    chat = plan.style == "chat"
    stop = () if chat else question.stop[:_STOPS]
    return Request.for_style(
        "chat" if chat else "completion",
        question.instruction if chat else question.continues or question.prefix,
        call="evaluate",
        item=question.id,
        sample=sample,
        sampling=Sampling(temperature=plan.temperature, top_p=plan.top_p, max_tokens=plan.max_tokens, stop=stop),
        seed=plan.seed,
        context={"name": question.name or question.problem, "language": question.language},
    )


class StoredReplies:
    """Replies from a file of completions, by question id."""

    def __init__(self, completions: Mapping[str, Sequence[StoredCompletion]]) -> None:
        self._completions = completions

    def count(self, question: Question) -> int:
        """Return the number of completions in the file."""
        return len(self._completions.get(question.id, ()))

    def style(self, question: Question, sample: int) -> ReplyStyle:
        """Return the style of the file, or the one that the caller chose."""
        return self._completions[question.id][sample].style

    async def reply(self, question: Question, sample: int) -> Reply:
        """Return a completion verbatim."""
        return Reply(text=self._completions[question.id][sample].text)


class Evaluation(Record, frozen=True, kw_only=True):
    """All samples, in the order of the questions, and their summary."""

    samples: tuple[EvaluationSample, ...]
    summary: EvaluationSummary


async def evaluate(
    questions: Sequence[Question],
    source: ReplySource,
    verify: Verify,
    plan: EvaluationPlan | None = None,
    *,
    impossible: Sequence[ImpossibleProblem] = (),
    on_sample: Callable[[EvaluationSample], None] | None = None,
    max_failures: int = 0,
) -> Evaluation:
    """Request the planned number of replies to each question, judge them, and compute scores.

    Args:
        questions: The questions. ``benchmarks`` read them; ``questions.question_of_task`` makes them of proved tasks.
        source: ``TeacherReplies(teacher, plan)`` or ``StoredReplies(completions)``.
        verify: The verifier (``verification.Verifier``). With a cache, no program runs twice.
        plan: The options of requests, and the k of pass@k.
        impossible: Impossible problems, which the summary lists.
        on_sample: Called with each sample when it is judged, in any order.
        max_failures: Stop after this many failures of teacher or machine in a row; 0: never.

    Raises:
        OutageError: ``max_failures`` samples in a row have no verdict.
        TeacherError: No request can succeed.

    """
    plan = plan or EvaluationPlan()
    run = _EvaluationRun(source, verify, on_sample, max_failures)
    samples = [sample async for sample in run.all(questions)]
    summary = summarise(questions, samples, plan.ks, plan.confidence, impossible)
    return Evaluation(samples=tuple(samples), summary=summary)


def apply_failure_sign(question: Question, verdict: Verdict) -> Verdict:
    """Return the verdict, changed to a failure if the output matches the benchmark's pattern of failure."""
    printed = f"{verdict.stdout}\n{verdict.stderr}"
    if verdict.passed and question.sign and re.search(question.sign, printed):
        return msgspec.structs.replace(verdict, status="fail:wrong", detail=f"the program printed {question.sign!r}")
    return verdict


class _EvaluationRun:
    """The state of one evaluation: samples in flight and installed libraries."""

    def __init__(
        self,
        source: ReplySource,
        verify: Verify,
        on_sample: Callable[[EvaluationSample], None] | None,
        max_failures: int,
    ) -> None:
        self._source = source
        self._verify = verify
        self._on_sample = on_sample
        self._needs = LibraryProbe(verify)
        self._max_failures = max_failures
        self._failed = 0  #: number of failures of teacher or machine in a row

    async def all(self, questions: Sequence[Question]) -> AsyncIterator[EvaluationSample]:
        """Yield the samples in order; up to 64 are in flight."""
        running = list[asyncio.Task[EvaluationSample]]()
        try:
            for question in questions:
                for number in range(self._source.count(question)):
                    running.append(asyncio.create_task(self._sample(question, number)))
                    if len(running) >= _IN_FLIGHT:
                        yield self._count_failure(await running.pop(0))
            while running:
                yield self._count_failure(await running.pop(0))
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)  # ignore the errors after the first one
            await self._needs.close()

    async def _sample(self, question: Question, number: int) -> EvaluationSample:
        reply = await self._source.reply(question, number)
        sample = await self._judge(question, number, reply)
        if self._on_sample is not None:
            self._on_sample(sample)
        return sample

    def _count_failure(self, sample: EvaluationSample) -> EvaluationSample:
        """Count failures of teacher and machine in a row, and return the sample."""
        self._failed = self._failed + 1 if sample.status in FAILURES else 0
        if self._max_failures and self._failed >= self._max_failures:
            raise OutageError(
                f"{counted(self._failed, 'sample')} in a row {agreeing(self._failed, 'has')} no verdict "
                f"({sample.status}); the last one: {sample.detail}. "
                "The other results are kept. Run the same command again to resume (--max-failures sets the limit)"
            )
        return sample

    async def _judge(self, question: Question, number: int, reply: Reply) -> EvaluationSample:
        evaluated = EvaluationSample(question=question.id, sample=number, status="infra:teacher", detail=reply.detail)
        if reply.finish_reason == "error":
            return evaluated
        text = printable(reply.text)
        evaluated = msgspec.structs.replace(evaluated, completion=text, status="fail:refused")
        if reply.finish_reason == "refused":
            return evaluated
        code = candidate_program(question, text, self._source.style(question, number))
        if code is None:
            return msgspec.structs.replace(evaluated, status="fail:no_code", detail="the reply contains no code")
        return await self._verify_program(question, msgspec.structs.replace(evaluated, code=code))

    async def _verify_program(self, question: Question, evaluated: EvaluationSample) -> EvaluationSample:
        missing = await self._needs.missing(question)
        if missing:
            return msgspec.structs.replace(evaluated, status="infra:toolchain", detail=missing)
        verdict = await self._verify.verify(question.job(evaluated.code))
        verdict = apply_failure_sign(question, apply_oracle(question.oracle, question.tests, verdict))
        detail = verdict.detail or ("" if verdict.passed else verdict.stderr[-300:])
        return msgspec.structs.replace(evaluated, status=verdict.status, detail=detail, verdict=verdict)
