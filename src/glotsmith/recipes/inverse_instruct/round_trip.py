"""Verify snippets and instructions by execution. The paper does not do this.

A snippet must pass its own suite. The teacher then answers the instructions, best first, until an answer passes it.
"""

import sys
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec

from glotsmith.drop_reasons import Reason
from glotsmith.generation.sampling_plan import SamplingEvidence, SamplingPlan, SamplingPolicy
from glotsmith.generation.structured_replies import UnusableReply, reply_text
from glotsmith.generation.suite_outcomes import describe_failure, find_suite_flaw
from glotsmith.languages import Unrepresentable, get_card, render
from glotsmith.languages.docstrings import value_forms
from glotsmith.languages.extract_code import extract_code
from glotsmith.recipes.inverse_instruct.generate_instructions import result_with_summaries
from glotsmith.recipes.inverse_instruct.snippet_requests import SnippetRequest
from glotsmith.records import InstructionCandidate, Job, Snippet, SnippetWithInstructions, Status, content_hash
from glotsmith.sampling_end import StopReason
from glotsmith.step import Dropped, ItemStep, Result, Verify, drop, keep
from glotsmith.teachers.base import Reply
from glotsmith.values import NotLiteral, parse_signature

_HASH_RANGE = 1 << 32
#: reasons for which an answer does not count, and which show nothing about its snippet
_UNJUDGED = (Reason.TEACHER_REFUSED, Reason.TEACHER_FAILED, Reason.NOT_VERIFIED)

#: the policy without a limit: every summary, until the answer to one passes
ALL_SUMMARIES = SamplingPlan(samples=sys.maxsize, wanted=1, min_pass_chance=0)


class VerifySnippets(ItemStep[Snippet, Snippet]):
    """Drop snippets that fail their suite or whose suite is too weak, before any request about them.

    Original pairs pass. Snippets without a suite pass unless a suite is required.
    """

    name = "verify_snippets"
    output = Snippet
    concurrency = 32

    def __init__(self, verify: Verify, min_cases: int = 3, *, required: bool = False) -> None:
        self._verify, self._min_cases, self._required = verify, min_cases, required

    async def run(self, key: str, item: Snippet) -> Result[Snippet]:
        """Check one snippet."""
        if item.kind == "original" or not (item.tests or self._required):
            return keep(key, item)
        if not item.tests:
            return _drop_snippet(Reason.UNTESTED)
        if flaw := find_suite_flaw(item.tests, self._min_cases):
            return _drop_snippet(*flaw)
        verdict = await self._verify.verify(_snippet_job(item, item.code))
        if verdict.passed:
            proved = msgspec.structs.replace(item, toolchain=verdict.toolchain, isolation=verdict.isolation)
            return keep(key, proved)
        reason = Reason.NOT_VERIFIED if verdict.is_infra else Reason.FAILED_VERIFICATION
        return _drop_snippet(reason, describe_failure(item.tests, verdict))


def _drop_snippet(reason: Reason, detail: str = "") -> Result[Snippet]:
    return Result(dropped=drop(reason, detail).dropped)


class _Answer(NamedTuple):
    """The teacher's new answer to a summary."""

    reply: Reply
    outcome: Status | str  #: the verdict's status, ``no_code``, or "" without a verdict
    fault: UnusableReply | None  #: why the answer does not count; None for a pass


class RoundTrip(ItemStep[SnippetWithInstructions, SnippetWithInstructions]):
    """Request a new answer to each summary, best first, and execute it, until an answer passes.

    A snippet without a suite keeps its best summary. For a share of the snippets, chosen by content hash, the step
    tries every summary. P(Yes) can then be compared with execution without the bias of only the best summaries.
    A policy may stop before the last summary of a snippet.
    """

    name = "round_trip"
    output = SnippetWithInstructions
    concurrency = 16

    def __init__(
        self, request: SnippetRequest, verify: Verify, measured: float = 0.0, policy: SamplingPolicy = ALL_SUMMARIES
    ) -> None:
        self._request, self._verify, self._measured, self._policy = request, verify, measured, policy
        self.learns = policy.learns

    def is_ready(self, position: str) -> bool:
        """Return whether the policy has a rule for a snippet at this position."""
        return self._policy.is_ready(position)

    def continue_for_budget(self, rows: Mapping[str, int]) -> int:
        """Make the snippets open again for which the policy allows more replies; return their number."""
        return self._policy.continue_for_budget(rows)

    async def run(self, key: str, item: SnippetWithInstructions) -> Result[SnippetWithInstructions]:
        """Find the best summary of one snippet whose answer passes."""
        snippet = item.snippet
        if snippet.kind == "original":
            return keep(key, item)
        if not snippet.tests:
            return _keep_best(key, item, item.summaries[:1], (), [])
        measured = int(content_hash(snippet.id, "measured")[:8], 16) < self._measured * _HASH_RANGE
        tried: list[InstructionCandidate] = []
        lost: list[Dropped] = []
        replies: list[Reply] = []
        passed: list[InstructionCandidate] = []
        rule, stop, unjudged = self._policy.rule(key), StopReason.LIMIT, 0
        for summary in item.summaries:
            evidence = _sampling_evidence(tried, len(passed), unjudged, replies)
            decision = StopReason.ENOUGH if passed else rule.next_round(snippet.language, evidence)
            if not measured and isinstance(decision, StopReason):
                stop = decision
                break
            answer = await self._request_answer(snippet, summary)
            replies.append(answer.reply)
            answered = self._request.lineage(summary.sample)
            tried.append(msgspec.structs.replace(summary, round_trip=answer.outcome, answered=answered))
            if answer.fault is None:
                passed.append(tried[-1])
            else:
                unjudged += answer.fault.reason in _UNJUDGED
                lost.append(Dropped(answer.fault.reason, answer.fault.detail, f"{summary.id}:failed", item=tried[-1]))
        else:
            stop = StopReason.ENOUGH if passed and not measured else stop
        made = msgspec.structs.replace(item, tried=tuple(tried), measured=measured)
        result = _keep_best(key, made, passed[:1], lost, replies)
        evidence = _sampling_evidence(tried, len(passed), unjudged, replies)
        return msgspec.structs.replace(result, sampling=evidence.end(snippet.language, stop, result.cost))

    async def _request_answer(self, snippet: Snippet, summary: InstructionCandidate) -> _Answer:
        """Request an answer to a summary, and verify it by the snippet's suite."""
        prefix = _signature_prefix(snippet)
        reply = await self._request.send(
            snippet,
            summary.sample,
            instruction=summary.text,
            name=snippet.name,
            signature=snippet.signature,
            prefix=prefix,
            forms=_value_forms(snippet),
        )
        text = reply_text(reply)
        if isinstance(text, UnusableReply):
            return _Answer(reply, "no_code" if text.reason == Reason.EMPTY_REPLY else "", text)
        continues = prefix if self._request.continues else ""
        code = extract_code(reply.text, get_card(snippet.language), prefix=continues, name=snippet.name)
        if code is None:
            return _Answer(reply, "no_code", UnusableReply(Reason.NO_CODE, text[:200]))
        verdict = await self._verify.verify(_snippet_job(snippet, code))
        if verdict.passed:
            return _Answer(reply, "pass", None)
        reason = Reason.NOT_VERIFIED if verdict.is_infra else Reason.FAILED_ROUND_TRIP
        return _Answer(reply, verdict.status, UnusableReply(reason, describe_failure(snippet.tests, verdict)))


def _sampling_evidence(
    tried: Sequence[InstructionCandidate], passed: int, unjudged: int, replies: Sequence[Reply]
) -> SamplingEvidence:
    """Return the results of the answers to a snippet's summaries. At most one summary becomes a row."""
    return SamplingEvidence(
        requested=len(tried),
        failures=len(tried) - passed,
        answered=len(tried) - unjudged,
        passed=passed,
        programs=passed,
        rows=min(passed, 1),
        tokens=sum(reply.input_tokens + reply.output_tokens for reply in replies),
    )


def _keep_best(
    key: str,
    item: SnippetWithInstructions,
    best: Sequence[InstructionCandidate],
    lost: Sequence[Dropped],
    replies: Sequence[Reply],
) -> Result[SnippetWithInstructions]:
    """Keep the best summary only; the others are lost for their recorded reason, or because they were not chosen."""
    explained = {loss.key.partition(":")[0] for loss in lost} | {summary.id for summary in best}
    others = [
        Dropped(
            Reason.NOT_CHOSEN,
            f"P(Yes) {summary.scored.p_yes:.4f}" if summary.scored else "",
            f"{summary.id}:passed_over",
        )
        for summary in item.summaries
        if summary.id not in explained
    ]
    inversion = msgspec.structs.replace(item, summaries=tuple(best))
    return result_with_summaries(key, inversion, [*lost, *others], replies)


def _signature_prefix(snippet: Snippet) -> str:
    """Return the signature with which a program begins in the snippet's language; "" if it has no such form."""
    card = get_card(snippet.language)
    if not snippet.signature or not card.syntax.signature:
        return ""
    try:
        return render.render_signature(card, card.syntax.signature, parse_signature(snippet.signature))
    except (Unrepresentable, NotLiteral, ValueError):
        return ""


def _value_forms(snippet: Snippet) -> str:
    """Return the lines of a prompt on how the language writes the values of the snippet's signature."""
    try:
        forms = value_forms(snippet.language, snippet.signature) if snippet.signature else []
    except NotLiteral:
        return ""
    return "\n".join(f"- {form}" for form in forms)


def _snippet_job(snippet: Snippet, code: str) -> Job:
    """Return the job that runs a program against a snippet's suite."""
    return Job(
        id=snippet.id,
        language=snippet.language,
        code=code,
        signature=snippet.signature,
        tests=snippet.tests,
        reference_s=snippet.reference_s,
    )
