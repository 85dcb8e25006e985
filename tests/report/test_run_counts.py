"""What a report counts of the rows of a run."""

import msgspec
import pytest
from ledgers import LINEAGE, example, task

from glotsmith.records import Example, Solution
from glotsmith.report.run_counts import QualityCounts


def row(mutation_score: float, line_coverage: float = 1.0) -> Example:
    made = example(Solution(id="s", task=task(1, "lua"), code="", lineage=LINEAGE, pass_rate=1.0))
    return msgspec.structs.replace(made, mutation_score=mutation_score, line_coverage=line_coverage)


@pytest.mark.parametrize(
    ("rows", "weakest"),
    [
        ({"a": row(0.5), "b": row(0.49)}, ["b", "a"]),
        ({"a": row(0.509), "b": row(0.501)}, ["a", "b"]),  # equal percents: in order of position
        ({"a": row(0.5), "b": row(0.5, line_coverage=0.9)}, ["b", "a"]),
        ({"a": row(0.0, line_coverage=0.0), "b": row(0.9)}, ["b"]),  # a row without measures
    ],
)
def test_the_weakest_row_is_the_first_one_of_the_list(rows: dict[str, Example], weakest: list[str]) -> None:
    for names in (list(rows), list(rows)[::-1]):
        quality = QualityCounts()
        for name in names:
            quality.add(name, name, rows[name])
        assert [one["key"] for one in quality.weakest()] == weakest
