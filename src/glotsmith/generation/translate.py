"""Translate a problem into its target language, and keep the candidates that pass (MultiPL-T §4.3–4.4)."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from glotsmith.generation.sampling_plan import SamplingPlan
from glotsmith.languages import Card, get, render
from glotsmith.languages.braces import closed, cuts_braces
from glotsmith.languages.docstrings import Wording, docstring_for
from glotsmith.languages.extract import extract_code
from glotsmith.prompts import Prompt
from glotsmith.reasons import Reason
from glotsmith.records import Candidate, Job, Lineage, Solution, Task, Verdict, content_hash
from glotsmith.step import Dropped, ItemStep, Kept, Result, Verify
from glotsmith.teachers.base import Message, Reply, Request, Sampling, Teacher

_STALE = 4  #: a round of so many replies that brings no new program is the last


class TranslationPrompts(msgspec.Struct, frozen=True):
    """The prompts of translation, by name: ``chat``, ``completion``, ``repair``."""

    chat: Prompt
    completion: Prompt
    repair: Prompt


class TranslationOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How to ask."""

    sampling_plan: SamplingPlan = SamplingPlan()
    sampling: Sampling = Sampling(temperature=0.8, top_p=0.95, max_tokens=512)
    style: Literal["chat", "completion"] = "chat"
    source_in_prompt: bool = True  #: show the Python source (the paper's setting; an ablation without)
    repairs: int = 0  #: how often a failing candidate is sent back with its failing case
    time_limit_s: float | None = None  #: CPU seconds a candidate may use; None for its language's own limit
    seed: int = 0
    call: str = "translate"  #: as in ``Request.call``
    docstrings: Wording = "target"  #: of completion prompts


class TranslationAttempt(msgspec.Struct, frozen=True):
    """One reply on its way."""

    sample: int
    reply: Reply
    code: str | None
    lineage: Lineage
    verdict: Verdict | None = None


class Translate(ItemStep[Task, Solution]):
    """Ask the teacher in rounds until enough distinct candidates pass, it refuses, repeats itself, or there is no hope.

    Passing candidates are kept, up to ``SamplingPlan.wanted`` unless the plan is the paper's. Every other reply is a
    loss with its reason and, where there is code, the ``Candidate``.
    """

    name = "translate"
    output = Solution
    concurrency = 32

    def __init__(self, teacher: Teacher, verify: Verify, prompts: TranslationPrompts, plan: TranslationOptions) -> None:
        self._teacher = teacher
        self._verify = verify
        self._prompts = prompts
        self._plan = plan

    async def run(self, key: str, item: Task) -> Result[Solution]:
        """Translate one task."""
        search = _Search(item, self._plan)
        while count := search.next_round():
            numbers = range(search.asked, search.asked + count)
            attempts = await asyncio.gather(*(self._attempt(item, n) for n in numbers))
            fresh = await self._judge(item, search, attempts)
            if any(a.reply.finish_reason == "refused" for a in attempts) or (count >= _STALE and not fresh):
                break
        return search.result()

    async def _judge(self, task: Task, search: "_Search", attempts: Sequence[TranslationAttempt]) -> bool:
        """Verify the new ones among a round's candidates; return whether there was any."""
        fresh = [a for a in attempts if search.is_new(a)]
        judged = await asyncio.gather(*(self._settle(task, a, self._plan.repairs) for a in fresh))
        for chain in judged:
            search.add(chain)
        return bool(fresh)

    async def _settle(self, task: Task, attempt: TranslationAttempt, repairs: int) -> list[TranslationAttempt]:
        """Verify one candidate, and repair it while it fails and repairs are left."""
        chain = [await self._verified(task, attempt)]
        for _ in range(repairs):
            last = chain[-1]
            if last.verdict is None or last.verdict.passed or last.verdict.is_infra:
                break
            chain.append(await self._verified(task, await self._repair(task, last)))
        return chain

    async def _verified(self, task: Task, attempt: TranslationAttempt) -> TranslationAttempt:
        if attempt.code is None:
            return attempt
        verdict = await self._verify.verify(self._job(task, attempt.code))
        lineage = msgspec.structs.replace(attempt.lineage, toolchain=verdict.toolchain, isolation=verdict.isolation)
        return msgspec.structs.replace(attempt, verdict=verdict, lineage=lineage)

    def _job(self, task: Task, code: str) -> Job:
        return Job(
            id=task.id,
            language=task.language,
            code=code,
            signature=task.signature,
            tests=task.tests,
            time_limit_s=self._plan.time_limit_s,
        )

    async def _attempt(self, task: Task, sample: int) -> TranslationAttempt:
        chat, plan = self._plan.style == "chat", self._plan
        prompt = self._prompts.chat if chat else self._prompts.completion
        text = prompt.render(**values(get(task.language), task, source=plan.source_in_prompt, wording=plan.docstrings))
        text += "" if chat else get(task.language).syntax.prompt_end
        return await self._ask(self._plan.call, task, sample, prompt, text, "")

    async def _repair(self, task: Task, failed: TranslationAttempt) -> TranslationAttempt:
        prompt, verdict = self._prompts.repair, failed.verdict
        card = get(task.language)
        text = prompt.render(
            **values(card, task, source=self._plan.source_in_prompt),
            code=failed.code,
            failure=failure(task, verdict) if verdict else "",
        )
        return await self._ask("repair", task, failed.sample, prompt, text, content_hash(failed.code or ""))

    async def _ask(
        self, call: str, task: Task, sample: int, prompt: Prompt, text: str, repaired: str
    ) -> TranslationAttempt:
        card, plan = get(task.language), self._plan
        chat = plan.style == "chat" or call == "repair"
        stop = () if chat else card.syntax.stop
        request = Request(
            call=call,
            item=task.id,
            sample=sample,
            messages=(Message(role="user", content=text),) if chat else (),
            prompt="" if chat else text,
            sampling=msgspec.structs.replace(plan.sampling, stop=stop),
            seed=plan.seed,
            context=_context(task),
        )
        reply = await self._teacher.reply(request)
        code = None
        if reply.finish_reason in ("stop", "length"):
            prefix = "" if chat else task.prefix + card.syntax.prompt_end
            code = extract_code(reply.text, card, continues=prefix, name=task.problem.function.name)
        if code and cuts_braces(stop):
            code = closed(card, code)
        return TranslationAttempt(sample, reply, code, self._lineage(prompt, sample, repaired))

    def _lineage(self, prompt: Prompt, sample: int, repaired: str) -> Lineage:
        return Lineage(
            teacher=self._teacher.name,
            model=self._teacher.model,
            prompt_version=prompt.version,
            seed=self._plan.seed,
            sample=sample,
            temperature=self._plan.sampling.temperature,
            repaired_from=repaired,
        )


class _Search:
    """What is known about one task: the distinct candidates so far and what became of them."""

    def __init__(self, task: Task, plan: TranslationOptions) -> None:
        self._task = task
        self._plan = plan
        self._seen: dict[str, bool] = {}  #: code → whether it passed
        self._passed: list[TranslationAttempt] = []
        self._lost: list[Dropped] = []
        self._replies: list[Reply] = []
        self.asked = 0
        self._failed = 0  #: replies without a passing program
        self._again = 0  #: replies that repeat one

    def next_round(self) -> int:
        return self._plan.sampling_plan.next_round(self._task.language, self.asked, self._failed, len(self._passed))

    def is_new(self, attempt: TranslationAttempt) -> bool:
        """Count a reply, and tell whether its code is worth a run."""
        self.asked += 1
        self._replies.append(attempt.reply)
        if attempt.reply.finish_reason == "refused" and self._seen:
            return False  # the teacher has no more to say: the end of sampling, and no loss
        if attempt.code is None:
            self._failed += attempt.reply.finish_reason != "error"
            self._lose(attempt, *_why_no_code(attempt.reply))
            return False
        if (passed := self._seen.get(attempt.code)) is not None:
            self._failed += not passed
            self._again += passed
            self._lose(attempt, Reason.DUPLICATE_CANDIDATE, "")
            return False
        self._seen[attempt.code] = False
        return True

    def add(self, chain: Sequence[TranslationAttempt]) -> None:
        """Take in a candidate with its repairs; the last may have passed."""
        self._replies += [a.reply for a in chain[1:]]
        for attempt in chain:
            verdict = attempt.verdict
            if verdict is None:
                self._lose(attempt, *_why_no_code(attempt.reply))
            elif verdict.passed:
                self._passed.append(attempt)
                self._seen[attempt.code or ""] = True
            else:
                self._failed += not verdict.is_infra
                reason = Reason.NOT_VERIFIED if verdict.is_infra else Reason.FAILED_VERIFICATION
                self._lose(attempt, reason, failure(self._task, verdict))

    def _lose(self, attempt: TranslationAttempt, reason: Reason, detail: str) -> None:
        candidate = attempt.code is not None and reason != Reason.DUPLICATE_CANDIDATE
        item = Candidate(
            task=self._task.id,
            language=self._task.language,
            code=attempt.code or "",
            verdict=attempt.verdict,
            lineage=attempt.lineage,
        )
        key = f"{self._task.id}:{len(self._lost)}"
        self._lost.append(Dropped(reason, detail, key, item if candidate else None))

    def result(self) -> Result[Solution]:
        """Return what is kept and lost of this task."""
        judged = self.asked - sum(r.finish_reason in ("refused", "error") for r in self._replies)
        rate = min(1.0, (len(self._passed) + self._again) / judged) if judged else 0.0
        kept = tuple(self._solution(a, rate) for a in self._passed)
        lost = tuple(self._lost)
        if not kept:
            lost = (*lost, self._overall())
        cost = sum(r.cost for r in self._replies)
        tokens = sum(r.input_tokens + r.output_tokens for r in self._replies)
        return Result(kept=kept, dropped=lost, cost=cost, tokens=tokens)

    def _overall(self) -> Dropped:
        """Say why the task as a whole is dropped: the one reason of all losses, or that nothing passed."""
        reasons = {loss.reason for loss in self._lost if loss.reason != Reason.DUPLICATE_CANDIDATE}
        first = self._lost[0]
        if len(reasons) == 1 and first.reason != Reason.FAILED_VERIFICATION:
            return Dropped(first.reason, first.detail)
        return Dropped(Reason.NO_PASSING_SOLUTION, f"{self.asked} replies; first: {first.detail}")

    def _solution(self, attempt: TranslationAttempt, rate: float) -> Kept[Solution]:
        code = attempt.code or ""
        identity = content_hash(self._task.id, code)
        return Kept(
            identity,
            Solution(id=identity, task=self._task, code=code, lineage=attempt.lineage, pass_rate=round(rate, 4)),
        )


def _why_no_code(reply: Reply) -> tuple[Reason, str]:
    match reply.finish_reason:
        case "refused":
            return Reason.TEACHER_REFUSED, reply.detail
        case "error":
            return Reason.TEACHER_FAILED, reply.detail
        case _:
            return Reason.NO_CODE, reply.text[:200]


def failure(task: Task, verdict: Verdict) -> str:
    """Say in a line how a candidate failed: its status, and the first failing case with what came back."""
    for test, case in zip(task.tests, verdict.cases, strict=False):
        if case.status != "pass":
            return f"{verdict.status}: {test}; got {case.actual or verdict.detail or verdict.stderr[-300:]}"
    return f"{verdict.status}: {verdict.detail or verdict.stderr[-300:]}"


def _context(task: Task) -> dict[str, str]:
    function = task.problem.function
    return {
        "name": function.name,
        "source": function.program,
        "signature": task.signature,
        "language": task.language,
        "prefix": task.prefix,
    }


def values(card: Card, task: Task, *, source: bool, wording: Wording = "target") -> Mapping[str, str]:
    """Return what a translation prompt may use."""
    function = task.problem.function
    docstring = docstring_for(task.language, function.docstring, task.signature, wording)
    return {
        "language": card.display,
        "fence": card.fences[0],
        "name": function.name,
        "source": function.program if source else "",
        "source_comment": render.comment(card, function.program) if source else "",
        "docstring": function.docstring,
        "docstring_comment": render.comment(card, docstring),
        "heading": render.comment(card, "## Canonical Python Solution ##"),
        "signature": task.signature,
        "prefix": task.prefix,
        "prelude": card.syntax.prelude,
        "tests": "\n".join(task.tests[:3]),
    }
