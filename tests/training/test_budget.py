"""Durations in progress lines."""

import pytest

from glotsmith.training.budget import format_duration


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (59.4, "59 s"), (60, "1 min"), (3540, "59 min"), (3600, "1 h 0 min"), (90000, "25 h 0 min")],
)
def test_durations(seconds: float, words: str) -> None:
    assert format_duration(seconds) == words
