"""The tables of a dataset card, and its funnel of each language, have the counts of the ledger."""

import re
import sqlite3
from collections import Counter
from pathlib import Path

import pytest
from ledgers import any_run

import glotsmith as gs
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


def table_under(card: str, heading: str) -> list[list[str]]:
    """Return the cells of the first table of a section of a card, without its head."""
    section = card.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    found = re.search(r"(?:^\|.*\|\n)+", section, re.MULTILINE)
    lines = found[0].splitlines()[2:] if found else []
    return [[cell.strip().replace(",", "") for cell in line.strip("|").split("|")] for line in lines]


@pytest.mark.parametrize("seed", range(10))
def test_the_numbers_of_a_card_are_the_ledgers(tmp_path: Path, seed: int) -> None:
    run = any_run(tmp_path / "run", seed)
    gs.export(run, "jsonl", tmp_path / "out")
    card = (tmp_path / "out" / "README.md").read_text("utf-8")
    files = (tmp_path / "out").glob("data/*/train.jsonl")
    written = {file.parent.name: str(len(file.read_text("utf-8").splitlines())) for file in files}
    assert {row[0]: row[1] for row in table_under(card, "Languages")} == written
    if "This dataset is partial" in card:  # its last steps are those of the rows so far, which the ledger has not
        assert table_under(card, "Funnel")[-1][-1] == str(sum(map(int, written.values())))
        return
    database = sqlite3.connect(run / "ledger.sqlite")
    steps = [
        [name, *(str(number or 0) for number in numbers)]
        for name, *numbers in database.execute(
            "SELECT s.name, SUM(ordinal = 0), SUM(ordinal = 0 AND status = 'kept'), SUM(status = 'dropped'), "
            "SUM(status = 'kept') FROM steps AS s LEFT JOIN items AS i ON i.step = s.place GROUP BY s.place"
        )
    ]
    assert table_under(card, "Funnel") == steps
    reasons = database.execute(
        "SELECT s.name, reason, SUM(status = 'dropped'), SUM(status = 'lost') FROM items AS i "
        "JOIN steps AS s ON s.place = i.step WHERE status <> 'kept' GROUP BY s.name, reason"
    )
    assert {tuple(row[:4]) for row in table_under(card, "Why items were dropped")} == {
        tuple(map(str, row)) for row in reasons
    }
    tokens = database.execute(
        "SELECT s.name, SUM(tokens) AS used FROM items AS i JOIN steps AS s ON s.place = i.step GROUP BY s.name "
        "HAVING used > 0"
    )
    assert table_under(card, "Tokens") == [list(map(str, row)) for row in tokens]
    rows = database.execute(
        "SELECT json_extract(CAST(p.data AS TEXT), '$.language') AS language, COUNT(*) FROM items AS i "
        "JOIN steps AS s ON s.place = i.step JOIN payloads AS p ON p.id = i.payload "
        "WHERE s.name = 'dataset' AND status = 'kept' GROUP BY language"
    )
    assert written == {name: str(count) for name, count in rows}
    database.close()
