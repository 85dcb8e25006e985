"""The funnel of each language in a card has the counts of the ledger."""

import sqlite3
from collections import Counter
from pathlib import Path

import pytest
from ledgers import any_run

from glotsmith.api.language_funnel import language_funnel
from glotsmith.run_folder import RunFolder


@pytest.mark.parametrize("seed", range(10))
def test_the_counts_of_the_languages_add_up_to_the_ledger(tmp_path: Path, seed: int) -> None:
    run = any_run(tmp_path / "run", seed)
    with RunFolder.open(run) as folder:
        found, funnel = language_funnel(folder.ledger), folder.ledger.funnel()
    sums = {row.step: [0, 0, 0] for row in funnel}
    for count in found:
        sums[count.step] = [a + b for a, b in zip(sums[count.step], count[2:], strict=True)]
    assert {row.step: [row.taken, row.made, row.dropped] for row in funnel} == sums
    database = sqlite3.connect(run / "ledger.sqlite")
    rows = database.execute(
        "SELECT json_extract(CAST(p.data AS TEXT), '$.language') FROM items AS i JOIN steps AS s ON s.place = i.step "
        "JOIN payloads AS p ON p.id = i.payload WHERE s.name = 'dataset' AND i.status = 'kept'"
    )
    assert Counter(name for (name,) in rows) == {c.language: c.kept for c in found if c.step == "dataset" and c.kept}
    database.close()
