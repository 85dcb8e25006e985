import math
import random
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glotsmith.generation.row_expectation import (
    CONCENTRATIONS,
    DEFAULT_EXPECTATION,
    PASS_RATES,
    ProblemOutcome,
    RowExpectation,
)


def certain(rate: float, concentration: float) -> RowExpectation:
    """Return priors that know the pass rate and the concentration."""
    return RowExpectation(
        tuple(float(value == rate) for value in PASS_RATES),
        tuple(float(value == concentration) for value in CONCENTRATIONS),
    )


@pytest.mark.parametrize(
    ("rate", "concentration", "outcome", "expected"),
    [
        (0.5, 1.0, (0, 9, 0), 0.5),  # the first pass is always a new row
        (0.5, 1.0, (1, 0, 1), 0.5 * 1 / 2),
        (0.5, 1.0, (4, 0, 2), 0.5 * 1 / 5),
        (1.0, 3.0, (6, 0, 4), 3 / 9),
        (1.0, 0.0, (1, 0, 1), 0.0),  # all programs are near-duplicates
        (0.0, 1.0, (0, 5, 0), 0.0),
    ],
)
def test_known_rates_give_the_chance_of_a_pass_times_that_of_a_new_group(
    rate: float, concentration: float, outcome: tuple[int, int, int], expected: float
) -> None:
    assert certain(rate, concentration).new_rows(ProblemOutcome(*outcome)) == pytest.approx(expected)


def test_the_default_pass_rates_are_those_of_the_beta_distribution() -> None:
    edges = [0.0, *((a + b) / 2 for a, b in pairwise(PASS_RATES)), 1.0]
    grid = [(i + 0.5) / 20000 for i in range(20000)]
    density = [x**-0.7 * (1 - x) ** -0.3 for x in grid]
    shares = [
        sum(d for x, d in zip(grid, density, strict=True) if low <= x < high) / sum(density)
        for low, high in pairwise(edges)
    ]
    assert DEFAULT_EXPECTATION.pass_rates == pytest.approx(shares, abs=0.005)


outcomes = st.integers(0, 5000).flatmap(
    lambda passed: st.builds(ProblemOutcome, st.just(passed), st.integers(0, 5000), st.integers(min(passed, 1), passed))
)


@settings(max_examples=60, deadline=None)
@given(outcomes)
def test_an_expectation_is_a_probability_and_falls_with_failures_and_repeats(outcome: ProblemOutcome) -> None:
    now = DEFAULT_EXPECTATION.new_rows(outcome)
    assert 0 <= now <= 1
    assert DEFAULT_EXPECTATION.new_rows(outcome._replace(failed=outcome.failed + 1)) <= now + 1e-12
    if outcome.rows > 1:
        assert DEFAULT_EXPECTATION.new_rows(outcome._replace(rows=outcome.rows - 1)) <= now + 1e-12


@settings(max_examples=20, deadline=None)
@given(st.lists(outcomes, min_size=1, max_size=12), st.randoms())
def test_what_is_learned_does_not_depend_on_the_order(found: list[ProblemOutcome], source: random.Random) -> None:
    shuffled = source.sample(found, len(found))
    first, second = ({each: order.count(each) for each in order} for order in (found, shuffled))
    assert DEFAULT_EXPECTATION.learned(first) == DEFAULT_EXPECTATION.learned(second)


@pytest.mark.parametrize(
    ("found", "wanted", "low", "high"),
    [
        ({ProblemOutcome(0, 10, 0): 200}, (0, 1, 0), 0.0, 0.01),  # a language in which nothing passes
        ({ProblemOutcome(9, 1, 1): 200}, (1, 0, 1), 0.0, 0.02),  # passes repeat the first
        ({ProblemOutcome(9, 1, 9): 200}, (1, 0, 1), 0.7, 1.0),  # each pass is new
        ({ProblemOutcome(0, 20, 0): 100, ProblemOutcome(20, 0, 5): 100}, (0, 1, 0), 0.0, 0.1),  # a failure decides
        ({ProblemOutcome(0, 20, 0): 100, ProblemOutcome(20, 0, 5): 100}, (0, 0, 0), 0.4, 0.6),
        ({}, (0, 0, 0), 0.25, 0.35),  # nothing learned: the default
    ],
)
def test_the_priors_become_those_of_the_language(
    found: dict[ProblemOutcome, int], wanted: tuple[int, int, int], low: float, high: float
) -> None:
    assert low <= DEFAULT_EXPECTATION.learned(found).new_rows(ProblemOutcome(*wanted)) <= high


def test_few_problems_change_the_priors_little() -> None:
    one = DEFAULT_EXPECTATION.learned({ProblemOutcome(0, 10, 0): 1}).new_rows(ProblemOutcome(0, 0, 0))
    many = DEFAULT_EXPECTATION.learned({ProblemOutcome(0, 10, 0): 500}).new_rows(ProblemOutcome(0, 0, 0))
    assert many < 0.02 < 0.2 < one


def test_learned_expectations_are_calibrated() -> None:
    """Among simulated problems with one pass and three failures, the share that gives a row is the expected one."""
    source, found, after = random.Random(1), dict[ProblemOutcome, int](), list[bool]()
    for _ in range(6000):
        rate, concentration = source.betavariate(0.4, 1.2), math.exp(source.gauss(-1, 1))
        outcome = ProblemOutcome(0, 0, 0)
        for reply in range(5):
            passes = source.random() < rate
            new = passes and (not outcome.passed or source.random() < concentration / (concentration + outcome.passed))
            if reply == 4 and outcome == (1, 3, 1):
                after.append(new)
            outcome = ProblemOutcome(outcome.passed + passes, outcome.failed + (not passes), outcome.rows + new)
        found[outcome] = found.get(outcome, 0) + 1
    expected = DEFAULT_EXPECTATION.learned(found).new_rows(ProblemOutcome(1, 3, 1))
    assert expected == pytest.approx(sum(after) / len(after), abs=3.5 * math.sqrt(expected / len(after)))
