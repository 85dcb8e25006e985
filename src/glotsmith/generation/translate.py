"""Ask a teacher for solutions of a task, verify the candidates, and keep those that pass (MultiPL-T §4.3–4.4)."""

import asyncio
from collections.abc import Callable, Mapping, Sequence

import msgspec

from glotsmith.generation.sampling_plan import SamplingPlan, SamplingPolicy
from glotsmith.generation.solution_search import RowCheck, SolutionSearch, TranslationAttempt
from glotsmith.generation.suite_outcomes import describe_failure
from glotsmith.languages import Card, get_card, render
from glotsmith.languages.docstrings import Wording, example_calls, translate_docstring, value_forms
from glotsmith.languages.extract_code import extract_code, restore_braces, stops_at_brace
from glotsmith.languages.json_calls import comment_of_request, example_runs, exchanges_json, request_sentences
from glotsmith.prompts import Prompt
from glotsmith.records import Job, Lineage, Solution, Task, content_hash
from glotsmith.sampling_end import StopReason
from glotsmith.step import ItemStep, Result, Verify
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
    docstrings: Wording = "target"  #: wording of docstrings in completion prompts


class Translate(ItemStep[Task, Solution]):
    """Request candidates in rounds, until enough distinct ones pass or more replies are not worth their cost.

    Sampling also stops when the teacher refuses or repeats itself. All distinct passing candidates are kept. Other
    replies are lost with their reason, and with their ``Candidate`` if they contain a new program. A refusal after a
    program ends sampling and is not a loss.
    """

    name = "translate"
    output = Solution
    concurrency = 32

    def __init__(
        self,
        teacher: Teacher,
        verify: Verify,
        prompts: TranslationPrompts,
        options: TranslationOptions,
        policy: SamplingPolicy | None = None,
        row_check: Callable[[str], RowCheck] | None = None,
        repairers: Sequence[Teacher] = (),
    ) -> None:
        """Create the step.

        Args:
            teacher: the teacher.
            verify: the verifier.
            prompts: the prompts of the requests.
            options: the options of the requests.
            policy: decides how many replies to request; by default the sampling plan of the options.
            row_check: returns, for the language of a task, what counts as a row; by default every distinct program.
            repairers: receive the requests for repairs, one after another; by default ``teacher``.

        """
        self._teacher = teacher
        self._repairers = repairers or (teacher,)
        self._verify = verify
        self._prompts = prompts
        self._options = options
        self._policy: SamplingPolicy = policy or options.sampling_plan
        self._row_check = row_check
        self.learns = self._policy.learns
        if self.learns:
            self.concurrency = max(self.concurrency, teacher.slots)  # rounds are small

    def is_ready(self, position: str) -> bool:
        """Return whether the policy has a rule for a task at this position."""
        return self._policy.is_ready(position)

    def continue_for_budget(self, rows: Mapping[str, int]) -> int:
        """Make the tasks open again for which the policy allows more replies; return their number."""
        return self._policy.continue_for_budget(rows)

    async def run(self, key: str, item: Task) -> Result[Solution]:
        """Translate one task."""
        row_check = self._row_check(item.language) if self._row_check else None
        search = SolutionSearch(item, self._policy.rule(key), row_check)
        while count := search.next_round():
            samples = range(search.requested, search.requested + count)
            attempts = await asyncio.gather(*(self._request_translation(item, sample) for sample in samples))
            found_new = await self._verify_round(item, search, attempts)
            if any(attempt.reply.finish_reason == "refused" for attempt in attempts):
                search.stop(StopReason.NO_FURTHER_REPLY if search.has_programs else StopReason.REFUSED)
            elif count >= _STALE_ROUND and not found_new:
                search.stop(StopReason.REPETITION)
        return search.result()

    async def _verify_round(self, task: Task, search: "SolutionSearch", attempts: Sequence[TranslationAttempt]) -> bool:
        """Verify the new candidates of a round; return whether there was any."""
        new = [attempt for attempt in attempts if search.record_reply(attempt)]
        for verified in await asyncio.gather(*(self._verify_and_repair(task, attempt) for attempt in new)):
            search.add_attempts(verified)
        return bool(new)

    async def _verify_and_repair(self, task: Task, attempt: TranslationAttempt) -> list[TranslationAttempt]:
        """Verify a candidate, and request repairs while it fails; return all attempts in order."""
        attempts = [await self._verify_attempt(task, attempt)]
        failed = attempts[0]
        for number in range(self._options.repairs):
            if failed.verdict is None or failed.verdict.passed or failed.verdict.is_infra:
                break
            repairer = self._repairers[min(number, len(self._repairers) - 1)]
            attempts.append(await self._verify_attempt(task, await self._request_repair(repairer, task, failed)))
            has_next = number + 1 < len(self._repairers)
            failed = failed if attempts[-1].verdict is None and has_next else attempts[-1]
        return attempts

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
        return await self._request(self._teacher, options.style, task, sample, prompt, text, call=options.call)

    async def _request_repair(self, teacher: Teacher, task: Task, failed: TranslationAttempt) -> TranslationAttempt:
        prompt, verdict = self._prompts.repair, failed.verdict
        text = prompt.render(
            **prompt_variables(get_card(task.language), task, source=self._options.source_in_prompt),
            code=failed.code,
            failure=describe_failure(task.tests, verdict) if verdict else "",
        )
        repaired = content_hash(failed.code or "")
        return await self._request(teacher, "chat", task, failed.sample, prompt, text, call="repair", repaired=repaired)

    async def _request(
        self,
        teacher: Teacher,
        style: RequestStyle,
        task: Task,
        sample: int,
        prompt: Prompt,
        text: str,
        *,
        call: str,
        repaired: str = "",
    ) -> TranslationAttempt:
        stop = () if style == "chat" else get_card(task.language).syntax.function_stops
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
        reply = await teacher.reply(request)
        code, lineage = _extract_program(reply, task, style, stop), self._lineage(teacher, prompt, sample, repaired)
        return TranslationAttempt(sample, reply, code, lineage)

    def _lineage(self, teacher: Teacher, prompt: Prompt, sample: int, repaired: str) -> Lineage:
        return Lineage(
            teacher=teacher.name,
            model=teacher.model,
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
        code = extract_code(reply.text, card, prefix=prefix, name=name)
    return restore_braces(card, code) if code and stops_at_brace(stop) else code


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
