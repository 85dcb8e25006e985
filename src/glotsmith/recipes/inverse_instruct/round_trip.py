"""Ground instructions in execution, which the paper lacks: the snippet must pass its own suite, and so must the answer
that the teacher gives afresh to the instruction that was chosen for it.
"""

from collections.abc import Sequence

import msgspec

from glotsmith.generation.structured_replies import UnusableReply, reply_text
from glotsmith.languages import Unrepresentable, get, render
from glotsmith.languages.extract import extract_code
from glotsmith.reasons import Reason
from glotsmith.recipes.inverse_instruct.snippet_requests import SnippetRequest
from glotsmith.recipes.inverse_instruct.summarise import result_with_summaries
from glotsmith.records import Inversion, Job, Snippet, Status, Summary, Verdict, content_hash
from glotsmith.step import Dropped, ItemStep, Result, Verify, drop, keep
from glotsmith.teachers.base import Reply
from glotsmith.values import NotLiteral, literal, parse_signature, parse_test

_WHOLE = 1 << 32


class CheckSnippets(ItemStep[Snippet, Snippet]):
    """Drop snippets whose suite says nothing or that fail it, before a token is spent on them.

    What has no suite passes, unless one is required; originals pass.
    """

    name = "check"
    output = Snippet
    concurrency = 32

    def __init__(self, verify: Verify, min_cases: int = 3, *, required: bool = False) -> None:
        self._verify, self._min_cases, self._required = verify, min_cases, required

    async def run(self, key: str, item: Snippet) -> Result[Snippet]:
        """Check one snippet."""
        if item.kind == "original" or not (item.tests or self._required):
            return keep(key, item)
        if not item.tests:
            return _dropped(Reason.UNTESTED)
        if fault := flaw(item.tests, self._min_cases):
            return _dropped(*fault)
        verdict = await self._verify.verify(job(item, item.code))
        if verdict.passed:
            proved = msgspec.structs.replace(item, toolchain=verdict.toolchain, isolation=verdict.isolation)
            return keep(key, proved)
        reason = Reason.NOT_VERIFIED if verdict.is_infra else Reason.FAILED_VERIFICATION
        return _dropped(reason, failure(item, verdict))


def _dropped(reason: Reason, detail: str = "") -> Result[Snippet]:
    return Result(dropped=drop(reason, detail).dropped)


def flaw(tests: Sequence[str], min_cases: int) -> tuple[Reason, str] | None:
    """Say why a suite proves nothing: a function that returns one value whatever it is given would pass it."""
    try:
        expected = {literal(parse_test(test).expected) for test in tests}
    except NotLiteral as error:
        return Reason.NO_TESTS, str(error)
    if len(set(tests)) < min_cases:
        return Reason.TOO_FEW_CASES, f"{len(set(tests))}, and {min_cases} are required"
    return (Reason.ONE_EXPECTED_VALUE, next(iter(expected))) if len(expected) == 1 else None


class RoundTrip(ItemStep[Inversion, Inversion]):
    """Answer the best summary afresh and run the answer; if it fails, the next best, until one passes.

    A snippet without a suite keeps its best summary. Of a share of snippets, chosen by content hash, every summary is
    answered, so that what P(Yes) is worth can be told without the bias of having looked at the best ones only.
    """

    name = "round_trip"
    output = Inversion
    concurrency = 16

    def __init__(self, question: SnippetRequest, verify: Verify, measured: float = 0.0) -> None:
        self._question, self._verify, self._measured = question, verify, measured

    async def run(self, key: str, item: Inversion) -> Result[Inversion]:
        """Find the best summary that leads back to a program that passes."""
        snippet = item.snippet
        if snippet.kind == "original":
            return keep(key, item)
        if not snippet.tests:
            return _chosen(key, item, item.summaries[:1], (), [])
        measured = int(content_hash(snippet.id, "measured")[:8], 16) < self._measured * _WHOLE
        tried: list[Summary] = []
        lost: list[Dropped] = []
        replies: list[Reply] = []
        passed: list[Summary] = []
        for summary in item.summaries:
            if passed and not measured:
                break
            reply, outcome, fault = await self._answer(snippet, summary)
            replies.append(reply)
            answered = self._question.lineage(summary.sample)
            tried.append(msgspec.structs.replace(summary, round_trip=outcome, answered=answered))
            if fault is None:
                passed.append(tried[-1])
            else:
                lost.append(Dropped(fault.reason, fault.detail, f"{summary.id}:failed", item=tried[-1]))
        made = msgspec.structs.replace(item, tried=tuple(tried), measured=measured)
        return _chosen(key, made, passed[:1], lost, replies)

    async def _answer(self, snippet: Snippet, summary: Summary) -> tuple[Reply, Status | str, UnusableReply | None]:
        """Return the teacher's answer to a summary, what it came to ("" for no verdict), and why it does not count."""
        prefix = _prefix(snippet)
        values = {"instruction": summary.text, "name": snippet.name, "signature": snippet.signature, "prefix": prefix}
        reply = await self._question.ask(snippet, summary.sample, **values)
        said = reply_text(reply)
        if isinstance(said, UnusableReply):
            return reply, "no_code" if said.reason == Reason.EMPTY_REPLY else "", said
        continues = prefix if self._question.continues else ""
        code = extract_code(reply.text, get(snippet.language), continues=continues, name=snippet.name)
        if code is None:
            return reply, "no_code", UnusableReply(Reason.NO_CODE, said[:200])
        verdict = await self._verify.verify(job(snippet, code))
        if verdict.passed:
            return reply, "pass", None
        reason = Reason.NOT_VERIFIED if verdict.is_infra else Reason.FAILED_ROUND_TRIP
        return reply, verdict.status, UnusableReply(reason, failure(snippet, verdict))


def _chosen(
    key: str, item: Inversion, best: Sequence[Summary], lost: Sequence[Dropped], replies: Sequence[Reply]
) -> Result[Inversion]:
    """Keep the best summary alone; the others are losses, for their own reasons or because it ranks higher."""
    gone = {loss.key.partition(":")[0] for loss in lost} | {s.id for s in best}
    others = [Dropped(Reason.NOT_CHOSEN, _told(s), f"{s.id}:passed_over") for s in item.summaries if s.id not in gone]
    left = msgspec.structs.replace(item, summaries=tuple(best))
    return result_with_summaries(key, left, [*lost, *others], replies)


def _told(summary: Summary) -> str:
    return f"P(Yes) {summary.scored.p_yes:.4f}" if summary.scored else ""


def _prefix(snippet: Snippet) -> str:
    """Return the target signature that an answer begins with, "" where it has no form."""
    card = get(snippet.language)
    if not snippet.signature or not card.syntax.signature:
        return ""
    try:
        return render.signature_text(card, card.syntax.signature, parse_signature(snippet.signature))
    except (Unrepresentable, NotLiteral, ValueError):
        return ""


def job(snippet: Snippet, code: str) -> Job:
    """Return the job that puts a program to a snippet's suite."""
    return Job(id=snippet.id, language=snippet.language, code=code, signature=snippet.signature, tests=snippet.tests)


def failure(snippet: Snippet, verdict: Verdict) -> str:
    """Say in a line how a program failed; "" if it did not."""
    if verdict.passed:
        return ""
    for test, case in zip(snippet.tests, verdict.cases, strict=False):
        if case.status != "pass":
            return f"{verdict.status}: {test}; got {case.actual or verdict.detail or verdict.stderr[-300:]}"
    return f"{verdict.status}: {verdict.detail or verdict.stderr[-300:]}"
