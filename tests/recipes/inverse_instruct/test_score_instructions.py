"""P(Yes): a fixed definition, in rows. Against real models: ``test_score.py``."""

import asyncio
import math
from collections.abc import Mapping

import pytest

from glotsmith.drop_reasons import Reason
from glotsmith.generation.structured_replies import UnusableReply
from glotsmith.recipes.inverse_instruct.recipe import prompts_of
from glotsmith.recipes.inverse_instruct.score_instructions import (
    ScoreInstructions,
    score_from_logprobs,
    score_from_votes,
    yes_or_no,
)
from glotsmith.recipes.inverse_instruct.snippet_requests import SnippetRequest
from glotsmith.records import InstructionCandidate, Lineage, Origin, Snippet, SnippetWithInstructions, YesNoScore
from glotsmith.teachers.base import Reply, Request, Sampling


def logs(**shares: float) -> dict[str, float]:
    return {token: math.log(share) for token, share in shares.items()}


@pytest.mark.parametrize(
    ("token", "word"),
    [
        *[(t, "yes") for t in ("Yes", "yes", "YES", " Yes", "ĠYes", "▁yes", "Yes,", '"Yes"', "\nYes", "ĊYes.")],
        *[(t, "no") for t in ("No", "no", "NO", " No", "ĠNo", "▁No", "No.", "`no`")],
        *[(t, "") for t in ("", " ", "Y", "N", "Not", "None", "Yesterday", "As", "Ye", "Noyes", "是", "<s>")],
    ],
)  # fmt: skip
def test_spellings(token: str, word: str) -> None:
    assert yes_or_no(token) == word


@pytest.mark.parametrize(
    ("logprobs", "score", "unseen", "left"),
    [
        (logs(Yes=0.6, No=0.2), 0.75, "", 0.2),
        (logs(Yes=0.3, yes=0.2, ĠYes=0.1, No=0.2), 0.75, "", 0.2),
        (logs(Yes=0.5, No=0.5), 0.5, "", 0.0),
        (logs(Yes=0.9, As=0.06), 0.9 / 0.94, "no", 0.04),  # the published code says 1.0
        (logs(No=0.9, As=0.06), 0.04 / 0.94, "yes", 0.04),  # and 0.0
        (logs(Yes=0.1, As=0.2), 0.5, "no", 0.7),  # the other tokens are unknown: no opinion
        (logs(No=0.1, As=0.2), 0.5, "yes", 0.7),
        ({"Yes": 0.0}, 1.0, "no", 0.0),  # all of the mass: then it is certain
        ({"Yes": math.log(1e-9), "No": math.log(3e-9)}, 0.25, "", 1 - 4e-9),
        ({"Yes": 0.01, "No": -30.0}, 1.0, "", 0.0),  # a probability above 1, as rounding makes
    ],
)
def test_a_score(logprobs: Mapping[str, float], score: float, unseen: str, left: float) -> None:
    found = score_from_logprobs(logprobs)
    assert isinstance(found, YesNoScore)
    assert found.p_yes == pytest.approx(score)
    assert (found.unseen, found.method) == (unseen, "logprobs")
    assert found.left == pytest.approx(left)


@pytest.mark.parametrize("logprobs", [logs(As=0.9, The=0.1), logs(Y=0.9), {"Yes": -math.inf}])
def test_no_score(logprobs: Mapping[str, float]) -> None:
    found = score_from_logprobs(logprobs)
    assert isinstance(found, UnusableReply)
    assert found.reason == Reason.NOT_SCORED


@pytest.mark.parametrize(
    ("texts", "score", "votes"),
    [
        (["Yes", "Yes.", "yes, it is", "No"], 4 / 6, 4),
        (["Yes"] * 5, 6 / 7, 5),  # never 1.0
        (["No"] * 5, 1 / 7, 5),
        (["Yes", "No"], 0.5, 2),
        (["**Yes**", "Maybe", "", "Nothing is wrong", "<think>No</think>Yes"], 3 / 4, 2),
    ],
)
def test_votes(texts: list[str], score: float, votes: int) -> None:
    found = score_from_votes([Reply(text=text) for text in texts])
    assert isinstance(found, YesNoScore)
    assert found.p_yes == pytest.approx(score)
    assert (found.votes, found.method) == (votes, "votes")


@pytest.mark.parametrize(
    ("replies", "reason"),
    [
        ([Reply(text="Perhaps"), Reply(text="")], Reason.NOT_SCORED),
        ([], Reason.NOT_SCORED),
        ([Reply(text="", finish_reason="refused", detail="no")], Reason.TEACHER_REFUSED),
        ([Reply(text="", finish_reason="error", detail="no")], Reason.TEACHER_FAILED),
    ],
)
def test_no_vote(replies: list[Reply], reason: Reason) -> None:
    found = score_from_votes(replies)
    assert isinstance(found, UnusableReply)
    assert found.reason == reason


class Opinion:
    """A teacher that says Yes, with logprobs where it has some."""

    name, model, fingerprint = "opinion", "", ""
    structured = False

    def __init__(self, logprobs: Mapping[str, float]) -> None:
        self.logprobs, self.requests = dict(logprobs), list[Request]()

    async def reply(self, request: Request) -> Reply:
        self.requests.append(request)
        return Reply(text="Yes", logprobs=self.logprobs if request.sampling.logprobs else {})

    async def close(self) -> None: ...


@pytest.mark.parametrize(
    ("wanted", "logprobs", "calls", "method"),
    [
        (True, logs(Yes=0.6, No=0.2), ["score"], "logprobs"),
        (True, {}, ["score", *["vote"] * 3], "votes"),  # the server has none
        (False, logs(Yes=0.6, No=0.2), ["vote"] * 3, "votes"),  # they are not even asked for
    ],
)
def test_who_is_asked_for_what(wanted: bool, logprobs: Mapping[str, float], calls: list[str], method: str) -> None:
    teacher = Opinion(logprobs)

    def question(call: str, sampling: Sampling) -> SnippetRequest:
        return SnippetRequest(call, teacher, prompts_of(call), "chat", sampling)  # type: ignore[arg-type]

    step = ScoreInstructions(question("score", Sampling(logprobs=5)), question("vote", Sampling()), 3, logprobs=wanted)
    snippet = Snippet(id="s", language="lua", code="return 1", origin=Origin(source="s", path="p"))
    summaries = [
        InstructionCandidate(id=str(n), sample=n, text=f"t{n}", lineage=Lineage(teacher="t")) for n in range(2)
    ]
    (kept,) = asyncio.run(step.run("s", SnippetWithInstructions(snippet=snippet, summaries=tuple(summaries)))).kept
    assert sorted(r.call for r in teacher.requests) == sorted(calls * 2)
    assert any(r.sampling.logprobs for r in teacher.requests) is wanted
    assert len({(r.call, r.sample) for r in teacher.requests}) == len(teacher.requests)  # else two votes were one reply
    version = prompts_of("score").chat.version
    assert [(s.id, s.scored.method, s.scored.prompt_version) for s in kept.item.summaries if s.scored] == [
        ("0", method, version),
        ("1", method, version),
    ]
