"""Ask a teacher for solutions of a task, verify the candidates, and keep those that pass (MultiPL-T §4.3–4.4)."""

import asyncio
from collections.abc import Mapping, Sequence

import msgspec

from glotsmith.counts import counted
from glotsmith.drop_reasons import Reason
from glotsmith.generation.sampling_plan import SamplingPlan
from glotsmith.generation.suite_outcomes import describe_failure
from glotsmith.languages import Card, get_card, render
from glotsmith.languages.docstrings import Wording, example_calls, translate_docstring, value_forms
from glotsmith.languages.equal_programs import EqualPrograms
from glotsmith.languages.extract_code import extract_code, restore_braces, stops_at_brace
from glotsmith.languages.json_calls import comment_of_request, example_runs, exchanges_json, request_sentences
from glotsmith.prompts import Prompt
from glotsmith.records import Candidate, Job, Lineage, Solution, Task, Verdict, content_hash
from glotsmith.step import Dropped, ItemStep, Kept, Result, Verify
from glotsmith.teachers.base import Reply, Request, RequestStyle, Sampling, Teacher

_SHOWN_TESTS = 3  #: tests in a prompt
_STALE_ROUND = 4  #: sampling stops after a round of at least this many replies without a new program


class TranslationPrompts(msgspec.Struct, frozen=True):
    """The prompts of translation."""

    chat: Prompt
    completion: Prompt
    repair: Prompt

    def of_style(self, style: RequestStyle) -> Prompt:
        """Return the prompt of the first request for a candidate."""
        return self.chat if style == "chat" else self.completion


class TranslationOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How to request translations."""

    sampling_plan: SamplingPlan = SamplingPlan()
    sampling: Sampling = Sampling(temperature=0.8, top_p=0.95, max_tokens=512)
    style: RequestStyle = "chat"
    source_in_prompt: bool = True  #: show the Python source (the paper's setting)
    repairs: int = 0  #: how often a failing candidate is sent back with its failing case
    time_limit_s: float | None = None  #: CPU seconds per candidate; None: the Python original determines them
    all_cases: bool = False  #: run also the cases after the first that fails, to compare failing candidates
    seed: int = 0
    call: str = "translate"  #: as in ``Request.call``
    docstrings: Wording = "target"  #: of completion prompts


class TranslationAttempt(msgspec.Struct, frozen=True):
    """One reply, its program and the verdict on it."""

    sample: int
    reply: Reply
    code: str | None  #: None if the reply contains no program
    lineage: Lineage
    verdict: Verdict | None = None  #: None until the program has run


class Translate(ItemStep[Task, Solution]):
    """Request candidates in rounds, until enough distinct ones pass or more replies are not worth their cost.

    Sampling also stops when the teacher refuses or repeats itself. All passing candidates are kept; every other reply
    is recorded as lost with its reason and, if it contains code, its ``Candidate``.
    """

    name = "translate"
    output = Solution
    concurrency = 32

    def __init__(
        self, teacher: Teacher, verify: Verify, prompts: TranslationPrompts, options: TranslationOptions
    ) -> None:
        self._teacher = teacher
        self._verify = verify
        self._prompts = prompts
        self._options = options

    async def run(self, key: str, item: Task) -> Result[Solution]:
        """Translate one task."""
        search = _SolutionSearch(item, self._options)
        while count := search.next_round():
            samples = range(search.requested, search.requested + count)
            attempts = await asyncio.gather(*(self._request_translation(item, sample) for sample in samples))
            found_new = await self._verify_round(item, search, attempts)
            refused = any(attempt.reply.finish_reason == "refused" for attempt in attempts)
            if refused or (count >= _STALE_ROUND and not found_new):
                break
        return search.result()

    async def _verify_round(
        self, task: Task, search: "_SolutionSearch", attempts: Sequence[TranslationAttempt]
    ) -> bool:
        """Verify the new candidates of a round; return whether there was any."""
        new = [attempt for attempt in attempts if search.is_new(attempt)]
        for chain in await asyncio.gather(*(self._verify_and_repair(task, attempt) for attempt in new)):
            search.add_chain(chain)
        return bool(new)

    async def _verify_and_repair(self, task: Task, attempt: TranslationAttempt) -> list[TranslationAttempt]:
        """Verify a candidate, and request repairs while it fails; return all attempts in order."""
        chain = [await self._verify_attempt(task, attempt)]
        for _ in range(self._options.repairs):
            last = chain[-1]
            if last.verdict is None or last.verdict.passed or last.verdict.is_infra:
                break
            chain.append(await self._verify_attempt(task, await self._request_repair(task, last)))
        return chain

    async def _verify_attempt(self, task: Task, attempt: TranslationAttempt) -> TranslationAttempt:
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
            time_limit_s=self._options.time_limit_s,
            reference_s=task.problem.suite.reference_s,
            stop_at_failure=not self._options.all_cases,
        )

    async def _request_translation(self, task: Task, sample: int) -> TranslationAttempt:
        card, options = get_card(task.language), self._options
        prompt = self._prompts.of_style(options.style)
        variables = prompt_variables(card, task, source=options.source_in_prompt, wording=options.docstrings)
        text = prompt.render(**variables)
        if options.style == "completion":
            text += card.syntax.prompt_end
        return await self._request(options.style, task, sample, prompt, text, call=options.call)

    async def _request_repair(self, task: Task, failed: TranslationAttempt) -> TranslationAttempt:
        prompt, verdict = self._prompts.repair, failed.verdict
        text = prompt.render(
            **prompt_variables(get_card(task.language), task, source=self._options.source_in_prompt),
            code=failed.code,
            failure=describe_failure(task.tests, verdict) if verdict else "",
        )
        repaired = content_hash(failed.code or "")
        return await self._request("chat", task, failed.sample, prompt, text, call="repair", repaired=repaired)

    async def _request(
        self,
        style: RequestStyle,
        task: Task,
        sample: int,
        prompt: Prompt,
        text: str,
        *,
        call: str,
        repaired: str = "",
    ) -> TranslationAttempt:
        stop = () if style == "chat" else get_card(task.language).syntax.stop
        request = Request.for_style(
            style,
            text,
            call=call,
            item=task.id,
            sample=sample,
            sampling=msgspec.structs.replace(self._options.sampling, stop=stop),
            seed=self._options.seed,
            context=_request_context(task),
        )
        reply = await self._teacher.reply(request)
        return TranslationAttempt(
            sample, reply, _extract_program(reply, task, style, stop), self._lineage(prompt, sample, repaired)
        )

    def _lineage(self, prompt: Prompt, sample: int, repaired: str) -> Lineage:
        return Lineage(
            teacher=self._teacher.name,
            model=self._teacher.model,
            prompt_version=prompt.version,
            seed=self._options.seed,
            sample=sample,
            temperature=self._options.sampling.temperature,
            repaired_from=repaired,
        )


def _extract_program(reply: Reply, task: Task, style: RequestStyle, stop: Sequence[str]) -> str | None:
    """Return the program in a reply; a completion continues the task's prefix and may lack its closing brace."""
    card = get_card(task.language)
    code = None
    if reply.finish_reason in ("stop", "length"):
        prefix = "" if style == "chat" or not task.prefix else task.prefix + card.syntax.prompt_end
        name = "" if exchanges_json(task.language) else task.problem.function.name
        code = extract_code(reply.text, card, continues=prefix, name=name)
    return restore_braces(card, code) if code and stops_at_brace(stop) else code


class _SolutionSearch:
    """The state of one task's search: the candidates so far, which of them passed, and what was lost."""

    def __init__(self, task: Task, options: TranslationOptions) -> None:
        self._task = task
        self._options = options
        self._programs = EqualPrograms(task.language)
        self._passes: dict[str, bool] = {}  #: program → whether it passed
        self._passed: list[TranslationAttempt] = []
        self._lost: list[Dropped] = []
        self._replies: list[Reply] = []
        self.requested = 0
        self._failures = 0  #: replies without a passing program
        self._repeated_passes = 0  #: replies that repeat a passing program

    def next_round(self) -> int:
        """Return how many replies to request next; 0 to stop."""
        return self._options.sampling_plan.next_round(
            self._task.language, self.requested, self._failures, len(self._passed)
        )

    def is_new(self, attempt: TranslationAttempt) -> bool:
        """Count a reply, and return whether its program must be verified."""
        self.requested += 1
        self._replies.append(attempt.reply)
        if attempt.reply.finish_reason == "refused" and self._passes:
            return False  # the teacher has no more candidates: the end of sampling, and not a loss
        if attempt.code is None:
            self._failures += attempt.reply.finish_reason != "error"
            self._lose(attempt, *_why_no_code(attempt.reply))
            return False
        program = self._programs.representative(attempt.code)
        if (passed := self._passes.get(program)) is not None:
            self._failures += not passed
            self._repeated_passes += passed
            self._lose(attempt, Reason.DUPLICATE_CANDIDATE, "")
            return False
        self._passes[program] = False
        return True

    def add_chain(self, chain: Sequence[TranslationAttempt]) -> None:
        """Add a verified candidate and its repairs, the last of which may have passed."""
        self._replies += [attempt.reply for attempt in chain[1:]]
        for attempt in chain:
            verdict = attempt.verdict
            if verdict is None:
                self._lose(attempt, *_why_no_code(attempt.reply))
            elif verdict.passed:
                self._passed.append(attempt)
                self._passes[self._programs.representative(attempt.code or "")] = True
            else:
                self._failures += not verdict.is_infra
                reason = Reason.NOT_VERIFIED if verdict.is_infra else Reason.FAILED_VERIFICATION
                self._lose(attempt, reason, describe_failure(self._task.tests, verdict))

    def _lose(self, attempt: TranslationAttempt, reason: Reason, detail: str) -> None:
        has_candidate = attempt.code is not None and reason != Reason.DUPLICATE_CANDIDATE
        candidate = Candidate(
            task=self._task.id,
            language=self._task.language,
            code=attempt.code or "",
            verdict=attempt.verdict,
            lineage=attempt.lineage,
        )
        key = f"{self._task.id}:{len(self._lost)}"
        self._lost.append(Dropped(reason, detail, key, candidate if has_candidate else None))

    def result(self) -> Result[Solution]:
        """Return the solutions and the losses of this task."""
        kept = tuple(self._solution(attempt, self._pass_rate()) for attempt in self._passed)
        lost = tuple(self._lost)
        if not kept:
            lost = (*lost, self._task_drop())
        cost = sum(r.cost or 0.0 for r in self._replies)
        tokens = sum(r.input_tokens + r.output_tokens for r in self._replies)
        return Result(kept=kept, dropped=lost, cost=cost, tokens=tokens)

    def _pass_rate(self) -> float:
        """Return the share of replies with a passing program; refused and failed requests do not count."""
        answered = self.requested - sum(r.finish_reason in ("refused", "error") for r in self._replies)
        return min(1.0, (len(self._passed) + self._repeated_passes) / answered) if answered else 0.0

    def _task_drop(self) -> Dropped:
        """Return the drop of the task: with the only reason of its losses, or as without a passing solution."""
        reasons = {loss.reason for loss in self._lost if loss.reason != Reason.DUPLICATE_CANDIDATE}
        first = self._lost[0]
        if len(reasons) == 1 and first.reason != Reason.FAILED_VERIFICATION:
            return Dropped(first.reason, first.detail)
        return Dropped(Reason.NO_PASSING_SOLUTION, f"{counted(self.requested, 'reply')}; first: {first.detail}")

    def _solution(self, attempt: TranslationAttempt, pass_rate: float) -> Kept[Solution]:
        code = attempt.code or ""
        identity = content_hash(self._task.id, code)
        return Kept(
            identity,
            Solution(id=identity, task=self._task, code=code, lineage=attempt.lineage, pass_rate=round(pass_rate, 4)),
        )


def _why_no_code(reply: Reply) -> tuple[Reason, str]:
    match reply.finish_reason:
        case "refused":
            return Reason.TEACHER_REFUSED, reply.detail
        case "error":
            return Reason.TEACHER_FAILED, reply.detail
        case _:
            return Reason.NO_CODE, reply.text[:200]


def _request_context(task: Task) -> dict[str, str]:
    function = task.problem.function
    return {
        "name": function.name,
        "source": function.program,
        "signature": task.signature,
        "language": task.language,
        "prefix": task.prefix,
    }


def prompt_variables(card: Card, task: Task, *, source: bool, wording: Wording = "target") -> Mapping[str, object]:
    """Return the variables of a translation prompt."""
    function = task.problem.function
    docstring = translate_docstring(task.language, function.docstring, task.signature, wording)
    comment = comment_of_request(task.language, function.name, task.signature, docstring)
    return {
        "language": card.display,
        "fence": card.fences[0],
        "name": function.name,
        "source": function.program if source else "",
        "source_comment": render.render_comment(card, function.program) if source else "",
        "docstring": function.docstring,
        "docstring_comment": render.render_comment(card, comment),
        "heading": render.render_comment(card, "## Canonical Python Solution ##"),
        "signature": task.signature,
        "prefix": task.prefix,
        "prelude": card.syntax.prelude,
        "tests": "\n".join(task.tests[:_SHOWN_TESTS]),
        "forms": "\n".join(f"- {form}" for form in value_forms(task.language, task.signature)),
        "calls": "\n".join(example_calls(task.language, task.tests[:_SHOWN_TESTS], task.signature)),
        "request": " ".join(request_sentences(task.language, function.name, task.signature)),
        "runs": example_runs(task.language, task.tests[:_SHOWN_TESTS], task.signature),
        "whole_program": exchanges_json(task.language),
    }
