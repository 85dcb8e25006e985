"""Paired differences of two evaluations, and their bootstrap intervals, checked against simulation."""

import random
from collections.abc import Sequence

import pytest

from glotsmith.errors import UsageError
from glotsmith.evaluation.paired_difference import (
    PairedDifference,
    bootstrap_interval,
    paired_differences,
    scored_samples,
)
from glotsmith.evaluation.questions import EvaluationSample


def samples(**statuses: str) -> list[EvaluationSample]:
    """Return samples in Lua: ``p`` passes, ``w`` is wrong, ``c`` does not compile, ``i`` has no verdict."""
    names = {"p": "pass", "w": "fail:wrong", "c": "fail:compile", "i": "infra:sandbox"}
    return [
        EvaluationSample(question=f"b/lua/{question}", sample=n, status=names[letter])
        for question, letters in statuses.items()
        for n, letter in enumerate(letters)
    ]


def differences(
    one: Sequence[EvaluationSample], two: Sequence[EvaluationSample], ks: Sequence[int] = (1,)
) -> dict[str, PairedDifference]:
    found = paired_differences(scored_samples(one), scored_samples(two), ks)
    return {row.figure: row for row in found}


def test_each_figure_is_the_mean_over_problems_of_both() -> None:
    found = differences(samples(x="ccww", y="pwww", z="cccc"), samples(x="pppp", y="pwww", z="cwcw"))
    assert list(found) == ["pass@1", "fail:wrong", "fail:compile"]
    row = found["pass@1"]
    assert (row.benchmark, row.language, row.problems) == ("b", "lua", 3)
    assert (row.baseline, row.other) == (pytest.approx(1 / 12), pytest.approx(5 / 12))
    assert row.difference == pytest.approx(1 / 3)
    assert row.low < row.difference < row.high
    assert (found["fail:compile"].baseline, found["fail:compile"].other) == (pytest.approx(0.5), pytest.approx(1 / 6))


@pytest.mark.parametrize(
    ("one", "two", "problems", "difference"),
    [
        (samples(x="p", y="w"), samples(x="p"), 1, 0.0),  # y is in one evaluation only
        (samples(x="pi", y="ii"), samples(x="ww", y="pp"), 1, -1.0),  # the machine failed on y
        (samples(x="iip"), samples(x="wwi"), 1, -1.0),
        (samples(x="p" * 20), samples(x="p" * 5 + "w" * 5), 1, -0.5),  # other numbers of samples
    ],
)
def test_what_has_no_verdict_in_both_is_left_out(
    one: list[EvaluationSample], two: list[EvaluationSample], problems: int, difference: float
) -> None:
    row = differences(one, two)["pass@1"]
    assert (row.problems, row.difference) == (problems, difference)


def test_pass_at_k_is_over_problems_with_k_samples_in_both() -> None:
    found = differences(samples(x="pw", y="p"), samples(x="ww", y="ww"), (1, 2, 5))
    assert (found["pass@2"].problems, found["pass@2"].baseline) == (1, 1.0)
    assert "pass@5" not in found


def test_languages_and_benchmarks_are_apart() -> None:
    rows = [EvaluationSample(question=q, sample=0, status="pass") for q in ("a/lua/1", "a/r/1", "b/lua/1", "b/lua/x/y")]
    found = paired_differences(scored_samples(rows), scored_samples(rows))
    assert [(r.benchmark, r.language, r.problems) for r in found] == [("a", "lua", 1), ("a", "r", 1), ("b", "lua", 2)]


@pytest.mark.parametrize("other", [[], samples(y="p"), samples(x="i")])
def test_evaluations_without_a_common_question_are_refused(other: list[EvaluationSample]) -> None:
    with pytest.raises(UsageError, match="no question in common"):
        differences(samples(x="p"), other)


def test_the_same_samples_give_the_same_interval() -> None:
    values = [0.0, 0.25, -0.5, 1.0] * 5
    assert bootstrap_interval(values) == bootstrap_interval(values)
    assert bootstrap_interval(values, 0.8)[0] > bootstrap_interval(values, 0.95)[0]


@pytest.mark.parametrize(("value", "low", "high"), [(0.0, -0.06, 0.06), (1.0, 0.88, 1.0), (-1.0, -1.0, -0.88)])
def test_equal_differences_do_not_give_an_empty_interval(value: float, low: float, high: float) -> None:
    found = bootstrap_interval([value] * 50)
    assert found == (pytest.approx(low, abs=0.02), pytest.approx(high, abs=0.02))
    assert found[1] - found[0] > 0.03


#: name → (share of problems that a model passes at times, their mean rate), before and after
WORLDS = {
    "rare": ((0.0, 0.5), (0.06, 0.5)),
    "middle": ((0.5, 0.5), (0.6, 0.5)),
    "no effect": ((0.1, 0.6), (0.1, 0.6)),
    "nothing passes": ((0.0, 0.5), (0.0, 0.5)),
}


def passes(draw: random.Random, share: float, rate: float) -> float:
    """The share of ten samples of one problem that pass."""
    p = draw.betavariate(4 * rate, 4 * (1 - rate)) if draw.random() < share else 0.0
    return sum(draw.random() < p for _ in range(10)) / 10


@pytest.mark.slow
@pytest.mark.parametrize("problems", [30, 120])
@pytest.mark.parametrize("name", WORLDS)
def test_the_interval_holds_the_truth_at_its_rate(name: str, problems: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("glotsmith.evaluation.paired_difference._RESAMPLES", 400)
    draw, (before, after) = random.Random(3), WORLDS[name]
    truth = after[0] * after[1] - before[0] * before[1]
    held = 0
    for _ in range(200):
        values = [passes(draw, *after) - passes(draw, *before) for _ in range(problems)]
        low, high = bootstrap_interval(values)
        held += low <= truth <= high
    assert held >= 184  # of 200: two standard deviations below the expected 190
