"""The report of a run in progress: it equals that of a file, and reads only the rows that are new."""

import json
import random
from pathlib import Path
from typing import Any

import pytest
from ledgers import RunMaker, add_any
from pages import read, rows_of

from glotsmith.ledger_changes import LedgerChanges
from glotsmith.report import LiveRuns, write_report
from glotsmith.report.listed_rows import ListLimits
from glotsmith.report.live_pages import LivePages
from glotsmith.report.live_run import ThinnedRows
from glotsmith.run_folder import RunFolder

ALL = ListLimits(0, 0)


def canonical(value: Any) -> Any:
    """Return a value without what depends on the order of reading."""
    if isinstance(value, dict):
        return {name: canonical(one) for name, one in value.items() if name not in ("index", "example")}
    return sorted(map(canonical, value), key=json.dumps) if isinstance(value, list) else value


def content(page: dict[str, Any], details: Any) -> tuple[Any, list[Any]]:
    """Return the summary of the only run of a page, and its rows with their details."""
    rows = []
    for row in rows_of(page, details=False):
        detail = details(row)
        rows.append({name: row[name] for name in row if name not in ("block", "place")} | {"detail": detail})
    return canonical(page["summary"]["runs"][0]), sorted(rows, key=lambda row: (row["step"], row["status"], row["key"]))


def check_equal(run: Path, folder: Path, live: LiveRuns) -> None:
    """Check that the page of a run in progress has what a file has."""
    file = read(write_report([run], folder / "file.html", ALL))
    page = read(write_report([run], folder / "live.html", ALL, "1", live))
    pages = LivePages([run])
    pages._live = live
    assert content(page, lambda row: json.loads(pages.details(0, row["place"]) or b"")) == content(
        file, lambda row: file[f"r0b{row['block']}"][row["place"]]
    )
    pages.close()
    assert not [name for name in page if name.startswith("r0b")]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.slow
def test_the_page_of_a_run_in_progress_has_what_a_file_has(tmp_path: Path, seed: int) -> None:
    chance, run, live, number = random.Random(seed), RunMaker(tmp_path / "run"), LiveRuns(), 0
    for _ in range(3):
        with run.open() as folder:
            for _ in range(2):
                for _ in range(chance.randint(0, 4)):
                    number += 1
                    add_any(run, folder, number, chance)
                folder.ledger.flush()
                check_equal(run.path, tmp_path, live)
    with run.open() as folder:
        run.finish(folder)
    check_equal(run.path, tmp_path, live)


def test_rows_that_a_start_deletes_are_left_out(tmp_path: Path) -> None:
    chance, run, live = random.Random(1), RunMaker(tmp_path / "run"), LiveRuns()
    with run.open() as folder:
        for number in range(12):
            add_any(run, folder, number, chance)
    check_equal(run.path, tmp_path, live)
    with run.open() as folder:
        assert folder.ledger.reopen("teacher_refused", ()) > 0
        check_equal(run.path, tmp_path, live)
        for number in range(12, 20):
            add_any(run, folder, number, chance)
    check_equal(run.path, tmp_path, live)


def test_an_update_reads_only_the_rows_that_are_new(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read_ids, added = list[int](), LedgerChanges.added

    def counting(self: LedgerChanges, after: int, until: int) -> Any:
        for one in added(self, after, until):
            read_ids.append(one.id)
            yield one

    monkeypatch.setattr(LedgerChanges, "added", counting)
    chance, run, live = random.Random(2), RunMaker(tmp_path / "run"), LiveRuns()
    with run.open() as folder:
        for number in range(30):
            add_any(run, folder, number, chance)
            folder.ledger.flush()
            if number % 10 == 9:
                write_report([run.path], tmp_path / "live.html", ALL, "1", live)
    with RunFolder.open(run.path) as folder:
        assert read_ids == list(range(1, folder.ledger.changes.state().rows + 1))


@pytest.mark.parametrize(
    ("limit", "added", "kept"),
    [
        (0, 5, [0, 1, 2, 3, 4]),
        (4, 4, [0, 1, 2, 3]),
        (4, 5, [0, 2, 4]),
        (4, 7, [0, 2, 4, 6]),
        (4, 9, [0, 4, 8]),
        (3, 4, [0, 2]),
        (3, 7, [0, 4]),
        (1, 3, [0]),
    ],
)
def test_rows_are_thinned_at_even_distances(limit: int, added: int, kept: list[int]) -> None:
    rows, made = ThinnedRows(limit), list[int]()

    def entry(number: int) -> Any:
        made.append(number)
        return number

    for number in range(added):
        rows.add(lambda number=number: entry(number))
    assert rows.entries == kept
    assert limit == 0 or len(made) < 2 * limit * (added / limit)
