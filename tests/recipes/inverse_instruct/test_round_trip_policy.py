"""Why the step ``round_trip`` stops trying the summaries of a snippet, with answers of a simulated teacher."""

import asyncio
from typing import Any

import pytest

from glotsmith.generation.sampling_plan import SamplingEvidence
from glotsmith.recipes.inverse_instruct.round_trip import ALL_SUMMARIES, RoundTrip
from glotsmith.records import InstructionCandidate, Job, Lineage, Origin, Snippet, SnippetWithInstructions, Verdict
from glotsmith.sampling_end import SamplingEnd, StopReason
from glotsmith.teachers.base import Reply

SNIPPET = Snippet(
    id="s", language="lua", name="f", code="function f(x) return x end", signature="def f(x: int) -> int",
    tests=("assert f(1) == 1",), origin=Origin(source="s", path="a.lua"),
)  # fmt: skip


class Answers:
    """Answers to the summaries; the text of each is the status of its program, or ``refused``."""

    continues = False

    def __init__(self, statuses: list[str]) -> None:
        self.statuses = statuses

    async def send(self, snippet: Snippet, sample: int, **variables: Any) -> Reply:
        status = self.statuses[sample]
        if status == "refused":
            return Reply(text="", finish_reason="refused", input_tokens=7)
        return Reply(text=f"```lua\nfunction f(x) return x end -- {status}\n```", input_tokens=7, output_tokens=3)

    def lineage(self, sample: int) -> Lineage:
        return Lineage(teacher="simulated", sample=sample)


class ByStatus:
    """Returns the verdict that a program states."""

    async def verify(self, job: Job) -> Verdict:
        return Verdict(id=job.id, language="lua", status=job.code.split()[-1])  # type: ignore[arg-type]


class GiveUp:
    """A policy that gives a snippet up after two answers."""

    learns = True

    def is_ready(self, position: str) -> bool:
        return position < "b"

    def rule(self, key: str) -> "GiveUp":
        return self

    def next_round(self, language: str, evidence: SamplingEvidence) -> int | StopReason:
        return StopReason.LOW_PASS_RATE if evidence.answered >= 2 else 1


def round_trip(statuses: list[str], policy: Any, measured: float = 0.0) -> SamplingEnd:
    lineage = Lineage(teacher="simulated")
    summaries = (InstructionCandidate(id=str(n), sample=n, text=str(n), lineage=lineage) for n in range(len(statuses)))
    step = RoundTrip(Answers(statuses), ByStatus(), measured, policy)  # type: ignore[arg-type]
    result = asyncio.run(step.run("s", SnippetWithInstructions(snippet=SNIPPET, summaries=tuple(summaries))))
    assert result.sampling is not None
    assert bool(result.kept) == ("pass" in statuses[: result.sampling.replies])
    return result.sampling


@pytest.mark.parametrize(
    ("statuses", "policy", "measured", "replies", "failed", "reason"),
    [
        (["pass", "pass"], ALL_SUMMARIES, 0, 1, 0, "enough"),
        (["fail:wrong", "pass", "pass"], ALL_SUMMARIES, 0, 2, 1, "enough"),
        (["fail:wrong"] * 4, ALL_SUMMARIES, 0, 4, 4, "limit"),
        (["fail:wrong"] * 4, GiveUp(), 0, 2, 2, "low_pass_rate"),
        (["fail:wrong", "pass", "pass"], GiveUp(), 0, 2, 1, "enough"),
        (["refused", "infra:sandbox", "fail:wrong", "pass"], GiveUp(), 0, 4, 1, "enough"),  # two say nothing
        (["pass"], ALL_SUMMARIES, 0, 1, 0, "enough"),
        (["fail:wrong", "pass"], ALL_SUMMARIES, 0, 2, 1, "enough"),  # the last one
        (["fail:wrong", "pass"], GiveUp(), 0, 2, 1, "enough"),
        (["refused", "infra:sandbox"], GiveUp(), 0, 2, 0, "limit"),
        (["pass", "pass"], ALL_SUMMARIES, 1, 2, 0, "limit"),
        (["fail:wrong"] * 4, GiveUp(), 1, 4, 4, "limit"),  # all summaries are measured
    ],
)
def test_a_snippet_is_tried_until_an_answer_passes_or_the_policy_gives_it_up(
    statuses: list[str], policy: Any, measured: float, replies: int, failed: int, reason: str
) -> None:
    end = round_trip(statuses, policy, measured)
    assert (end.language, end.replies, end.failed, end.reason) == ("lua", replies, failed, reason)
    assert end.tokens == 10 * replies - 3 * statuses[:replies].count("refused")


def test_a_policy_that_learns_decides_which_snippets_are_ready() -> None:
    step = RoundTrip(Answers([]), ByStatus(), 0.0, GiveUp())  # type: ignore[arg-type]
    assert (step.learns, step.is_ready("a1"), step.is_ready("b1")) == (True, True, False)
    assert not RoundTrip(Answers([]), ByStatus()).learns  # type: ignore[arg-type]
