"""Which failures a table of figures names."""

import pytest

from glotsmith.evaluation.result_files import commonest


@pytest.mark.parametrize(
    ("statuses", "named"),
    [
        ({}, "–"),
        ({"pass": 20}, "–"),
        ({"fail:no_code": 20}, "fail:no_code 20"),
        ({"pass": 1, "fail:wrong": 2, "fail:compile": 7}, "fail:compile 7, fail:wrong 2"),
        ({"fail:wrong": 2, "fail:compile": 2, "infra:teacher": 5}, "infra:teacher 5, fail:compile 2, fail:wrong 2"),
        ({"fail:a": 4, "fail:b": 3, "fail:c": 2, "fail:d": 1, "fail:e": 1}, "fail:a 4, fail:b 3, fail:c 2, 2 more"),
    ],
)
def test_the_commonest_failures_are_named_with_counts(statuses: dict[str, int], named: str) -> None:
    assert commonest(statuses) == named
