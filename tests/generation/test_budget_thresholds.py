import pytest

from glotsmith.budget import BudgetUnit
from glotsmith.generation.budget_thresholds import LanguageOutlook, RemainingBudget, YieldCurve, thresholds
from glotsmith.generation.row_expectation import DEFAULT_EXPECTATION, ProblemOutcome

FLOOR = 0.02
CURVE = YieldCurve(DEFAULT_EXPECTATION, 100, FLOOR / 2, "seed")
COST = {BudgetUnit.tokens: 500.0, BudgetUnit.usd: 0.001}
OUTLOOKS = {"lua": LanguageOutlook(100, CURVE, 1.0, COST), "ocaml": LanguageOutlook(100, CURVE, 1.0, COST)}


def test_a_higher_threshold_needs_fewer_replies_for_each_row() -> None:
    found = [CURVE.at(threshold) for threshold in (0.02, 0.05, 0.1, 0.3, 0.9)]
    assert [each.replies for each in found] == sorted((each.replies for each in found), reverse=True)
    per_row = [each.replies / each.rows for each in found[:4]]
    assert per_row == sorted(per_row, reverse=True)
    assert CURVE.at(1.0).replies >= 1


def test_the_same_seed_gives_the_same_curve() -> None:
    assert YieldCurve(DEFAULT_EXPECTATION, 100, FLOOR, "a").at(0.05) == YieldCurve(
        DEFAULT_EXPECTATION, 100, FLOOR, "a"
    ).at(0.05)


def test_problems_that_have_replies_continue_where_they_stopped() -> None:
    begun = [ProblemOutcome(0, 3, 0), ProblemOutcome(2, 2, 1)]
    curve = YieldCurve(DEFAULT_EXPECTATION, 20, FLOOR, "seed", begun)
    expected = [DEFAULT_EXPECTATION.new_rows(outcome) for outcome in begun]
    assert curve.at(max(expected) * 1.01) == (0, 0)  # none of them continues
    one, all_of_them = curve.at(max(expected) * 0.99), curve.at(FLOOR)
    assert 0 < one.replies < all_of_them.replies <= 17
    assert 0 < one.rows < all_of_them.rows < all_of_them.replies


@pytest.mark.parametrize(
    ("limits", "raised"),
    [
        ([], set()),
        ([RemainingBudget(BudgetUnit.tokens, 1e9)], set()),
        ([RemainingBudget(BudgetUnit.tokens, 600_000)], {"lua", "ocaml"}),
        ([RemainingBudget(BudgetUnit.usd, 1.2)], {"lua", "ocaml"}),
        ([RemainingBudget(BudgetUnit.tokens, 300_000, "ocaml")], {"ocaml"}),
        ([RemainingBudget(BudgetUnit.rows, 60)], {"lua", "ocaml"}),
        ([RemainingBudget(BudgetUnit.rows, 30, "lua")], {"lua"}),
        ([RemainingBudget(BudgetUnit.rows, 5000)], set()),  # more than there are: all are wanted
    ],
)
def test_a_budget_raises_the_threshold_of_the_languages_that_it_limits(
    limits: list[RemainingBudget], raised: set[str]
) -> None:
    found = thresholds(OUTLOOKS, limits, FLOOR)
    assert {name for name, threshold in found.items() if threshold > FLOOR} == raised


def test_the_expected_cost_is_within_the_budget_and_close_to_it() -> None:
    limit = 600_000
    threshold = thresholds(OUTLOOKS, [RemainingBudget(BudgetUnit.tokens, limit)], FLOOR)["lua"]
    needed, before = (200 * CURVE.at(each).replies * 500 for each in (threshold, threshold / 1.2))
    assert 0.7 * limit <= needed <= limit < before


@pytest.mark.parametrize("left", [-5.0, 0.0, 10.0])
def test_a_budget_that_is_spent_leaves_one_reply_for_each_problem(left: float) -> None:
    found = thresholds(OUTLOOKS, [RemainingBudget(BudgetUnit.tokens, left)], FLOOR)
    assert found == {"lua": 1.0, "ocaml": 1.0}


def test_of_two_languages_the_more_expensive_one_needs_a_higher_expectation() -> None:
    hard = YieldCurve(DEFAULT_EXPECTATION.learned({ProblemOutcome(0, 9, 0): 99}), 100, FLOOR / 2, "b")
    outlooks = {
        "lua": LanguageOutlook(100, CURVE, 1.0, COST),
        "ocaml": LanguageOutlook(100, hard, 3.0, {**COST, BudgetUnit.tokens: 1500.0}),
    }
    found = thresholds(outlooks, [RemainingBudget(BudgetUnit.tokens, 200_000)], FLOOR)
    assert found["lua"] == found["ocaml"] > FLOOR  # of the value of a reply, which is divided by the cost
