"""The weighted score of the rubric; the step ``score`` is in ``test_xcoder_steps.py``."""

from glotsmith.recipes.xcoder.rubric import WEIGHTS, RubricPoints, weighted_score


def test_the_score_is_the_weighted_mean_of_nine_points() -> None:
    assert len(WEIGHTS) == 9
    assert weighted_score(RubricPoints(*[3.0] * 9)) == 3.0
    high = dict.fromkeys(WEIGHTS, 1.0) | {"correctness": 5.0}
    assert weighted_score(RubricPoints(**high)) == 1 + 4 * 2 / 10
