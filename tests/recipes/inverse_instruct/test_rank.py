import asyncio
import random

import msgspec
import pytest

from glotsmith.recipes.inverse_instruct.selection import RankSummaries, auc, compare_with_round_trips, describe_scores
from glotsmith.records import InstructionCandidate, Lineage, Origin, Snippet, SnippetWithInstructions, YesNoScore

SNIPPET = Snippet(id="s", language="lua", code="x", origin=Origin(source="x", path="1"))


def summary(sample: int, p_yes: float | None, round_trip: str = "") -> InstructionCandidate:
    scored = None if p_yes is None else YesNoScore(yes=p_yes, no=1 - p_yes, left=0.0, p_yes=p_yes, method="logprobs")
    return InstructionCandidate(
        id=str(sample), sample=sample, text="t", lineage=Lineage(teacher="x"), scored=scored,
        round_trip=round_trip,  # type: ignore[arg-type]
    )  # fmt: skip


@pytest.mark.parametrize(
    ("scores", "order", "ties"),
    [
        ([0.2, 0.9, 0.5], [1, 2, 0], 0),
        ([0.9, 0.9, 0.9], [0, 1, 2], 2),  # a tie is broken by sample, and told
        ([0.1, 0.9, 0.9], [1, 2, 0], 1),
        ([None, None], [0, 1], 0),  # without self-evaluation the first
        ([], [], 0),
    ],
)
@pytest.mark.parametrize("argmax", [True, False])
def test_summaries_are_ranked(scores: list[float | None], order: list[int], ties: int, argmax: bool) -> None:
    item = SnippetWithInstructions(snippet=SNIPPET, summaries=tuple(summary(n, p) for n, p in enumerate(scores)))
    result = asyncio.run(RankSummaries(argmax=argmax).run("s", item))
    (kept,) = result.kept
    assert [s.sample for s in kept.item.summaries] == (order[:1] if argmax else order)
    assert kept.item.ties == ties
    assert sorted(loss.key for loss in result.dropped) == sorted(f"{n}:passed_over" for n in order[1:] if argmax)


@pytest.mark.parametrize(
    ("pairs", "expected"),
    [
        ([(0.9, True), (0.1, False)], 1.0),
        ([(0.1, True), (0.9, False)], 0.0),
        ([(0.5, True), (0.5, False)], 0.5),
        ([(0.9, True), (0.8, False), (0.7, True), (0.6, False)], 0.75),
        ([(0.9, True)], None),
        ([(0.9, False)], None),
        ([], None),
    ],
)
def test_auc(pairs: list[tuple[float, bool]], expected: float | None) -> None:
    assert auc(pairs) == expected


def test_auc_is_the_share_of_pairs_in_the_right_order() -> None:
    draw = random.Random(3)
    pairs = [(draw.choice([0.1, 0.3, 0.5, 0.9]), draw.random() < 0.4) for _ in range(200)]
    wins = [(a > b) + (a == b) / 2 for a, good in pairs if good for b, bad in pairs if not bad]
    assert auc(pairs) == pytest.approx(sum(wins) / len(wins))


def tried(*summaries: InstructionCandidate, measured: bool = False) -> SnippetWithInstructions:
    return SnippetWithInstructions(snippet=SNIPPET, tried=summaries, measured=measured)


def test_first_choices_alone_are_compared_unless_all_were_tried() -> None:
    items = [
        tried(summary(0, 0.9, "fail:wrong"), summary(1, 0.8, "pass")),  # the second was tried because the first failed
        tried(summary(0, 0.7, "pass")),
        tried(summary(0, 0.95, "pass"), summary(1, 0.2, "no_code"), measured=True),
        tried(summary(0, 0.1, "infra:sandbox"), summary(1, 0.1, "pass")),  # nobody knows of the first
        tried(summary(0, 0.1)),  # the teacher refused
        tried(summary(0, None, "pass")),
        tried(),
    ]
    first, every = compare_with_round_trips(items)
    assert (first.passed, first.failed, first.auc) == (2, 1, 0.5)
    assert (every.passed, every.failed, every.auc) == (1, 1, 1.0)
    assert str(first).startswith("AUC 0.500 (standard error ")
    assert "over 3 round trips, of which 2 passed" in str(first)


def test_what_scores_rest_on_is_told() -> None:
    def ranked(ties: int = 0, **fields: object) -> SnippetWithInstructions:
        scored = YesNoScore(**{"yes": 0.6, "no": 0.2, "left": 0.2, "p_yes": 0.75, "method": "logprobs", **fields})  # type: ignore[arg-type]
        best = InstructionCandidate(id="0", sample=0, text="t", lineage=Lineage(teacher="x"), scored=scored)
        return SnippetWithInstructions(snippet=SNIPPET, summaries=(best,), ties=ties)

    items = [ranked(), ranked(ties=2, no=0.0, unseen="no"), ranked(method="votes", votes=5, yes=1.0, no=0.0)]
    unscored = [
        SnippetWithInstructions(snippet=SNIPPET),
        SnippetWithInstructions(snippet=SNIPPET, summaries=(summary(0, None),)),
    ]
    assert describe_scores(items + unscored) == (
        "2 by logprobs, 1 by votes; 1 tied with another; Yes and No had 0.70 of the probability on average, "
        "and 1 times one was not seen"
    )
    assert describe_scores(items[2:]) == "0 by logprobs, 1 by votes; 0 tied with another"
    assert describe_scores(unscored) == ""


def test_where_all_pass_there_is_no_auc_and_it_is_said() -> None:
    (found,) = compare_with_round_trips([tried(summary(0, 0.9, "pass"))])
    assert found.auc is None
    assert "no AUC: 1 of 1 round trips passed" in str(found)
    assert msgspec.json.decode(msgspec.json.encode(found), type=type(found)) == found
