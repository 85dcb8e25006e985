import pytest

from glotsmith.generation.adaptive_rule import AdaptiveRule, LearnedLanguage
from glotsmith.generation.row_expectation import DEFAULT_EXPECTATION, ProblemOutcome
from glotsmith.generation.sampling_plan import SamplingEvidence
from glotsmith.sampling_end import StopReason

HARD = DEFAULT_EXPECTATION.learned({ProblemOutcome(0, 20, 0): 500, ProblemOutcome(15, 5, 3): 5})
LANGUAGES = {
    "lua": LearnedLanguage(DEFAULT_EXPECTATION, 500.0, 0.01),
    "ocaml": LearnedLanguage(HARD, 500.0, 0.01),
    "r": LearnedLanguage(DEFAULT_EXPECTATION, 1000.0, 0.2),
}
RULE = AdaptiveRule(0.01, lambda language: 60, LANGUAGES, 500.0)


def seen(requested: int, passed: int = 0, rows: int = 0, *, answered: int | None = None, each: int = 500):
    found = requested if answered is None else answered
    return SamplingEvidence(requested, found - passed, found, passed, rows, rows, requested * each)


@pytest.mark.parametrize(
    ("language", "evidence", "decision"),
    [
        ("lua", seen(0), 1),
        ("lua", seen(1), 1),
        ("lua", seen(8, 1, 1), 2),  # a quarter of the replies so far
        ("lua", seen(40, 20, 18), 10),
        ("lua", seen(59, 50, 45), 1),  # not more than the maximum
        ("lua", seen(60, 50, 45), StopReason.LIMIT),
        ("lua", seen(59), StopReason.LOW_PASS_RATE),
        ("lua", seen(40, 40, 1), StopReason.FEW_NEW_ROWS),
        ("ocaml", seen(0), 1),  # one reply at least
        ("ocaml", seen(3), StopReason.LOW_PASS_RATE),  # what other problems have shown decides
        ("ocaml", seen(3, 1, 1), 1),  # a pass shows that the problem is not a hard one
        ("julia", seen(3), 1),  # nothing is known about the language
        ("r", seen(3, each=1000), StopReason.BUDGET),
        ("r", seen(3, 2, 2, each=20), 1),  # replies about this problem are cheap
        ("lua", seen(3, 1, 1, each=100_000), StopReason.FEW_NEW_ROWS),  # and about this one too expensive
        ("lua", seen(8, answered=0), 2),  # failures of the server say nothing about the problem
    ],
)
def test_a_reply_is_requested_while_it_promises_enough(
    language: str, evidence: SamplingEvidence, decision: int | StopReason
) -> None:
    assert RULE.next_round(language, evidence) == decision


def test_the_value_of_a_reply_is_divided_by_the_relative_cost() -> None:
    cheap, dear = (RULE.reply_value("lua", seen(9, 1, 1, each=each)) for each in (500, 1000))
    assert cheap == pytest.approx(dear * 1.9, rel=1e-6)  # the mean of the language counts as a tenth reply
