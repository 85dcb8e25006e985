"""The sample of a pilot: its size, its strata, and that every start draws the same items."""

import random

import pytest

from glotsmith.drop_reasons import Reason
from glotsmith.records import IoCase
from glotsmith.sources.pilot_sample import draw_from_strata, pilot_size, sample_pilot


@pytest.mark.parametrize(
    ("items", "share", "size"),
    [(0, 0.05, 0), (7, 0.05, 7), (30, 0.5, 30), (600, 0.05, 30), (601, 0.05, 31), (2000, 0.05, 100), (50, 1.0, 50)],
)
def test_size_of_a_pilot(items: int, share: float, size: int) -> None:
    assert pilot_size(items, share) == size
    drawn = draw_from_strata([("", n, str(n)) for n in range(items)], share)
    assert len(drawn) == size


def test_each_stratum_of_language_and_size_is_in_the_sample_once() -> None:
    items = [(language, n, f"{language}{n}") for language in ("lua", "r") for n in range(300)]
    drawn = draw_from_strata(items, 0.1)
    for language in ("lua", "r"):
        sizes = sorted(int(key.removeprefix(language)) for key in drawn if key.startswith(language))
        assert [size // 10 for size in sizes] == list(range(30))  # one of each ten


def test_the_order_of_the_items_does_not_matter() -> None:
    items = [("", n % 17, str(n)) for n in range(500)]
    assert draw_from_strata(random.Random(1).sample(items, len(items)), 0.2) == draw_from_strata(items, 0.2)


def test_the_step_keeps_the_sample_and_drops_the_others() -> None:
    step = sample_pilot(0.05, IoCase)
    items = [(str(n), IoCase(stdin="x" * n, stdout="")) for n in range(100)]
    results = dict(step.run(lambda: iter(items)))
    kept = [key for key, result in results.items() if result.kept]
    assert (step.name, step.output, len(results), len(kept)) == ("pilot", IoCase, 100, 30)
    assert {loss.reason for result in results.values() for loss in result.dropped} == {Reason.NOT_SAMPLED}
