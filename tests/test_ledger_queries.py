"""The queries of the ledger use its indexes, and the indexes grow at their ends: a transaction writes few pages."""

import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from glotsmith.drop_reasons import Reason
from glotsmith.errors import StorageError
from glotsmith.ledger import Ledger
from glotsmith.ledger_ranges import LAST
from glotsmith.ledger_rows import BrokenResult, StepInput, sortable
from glotsmith.records import IoCase, content_hash
from glotsmith.sampling_end import SamplingEnd, StopReason
from glotsmith.step import Dropped, Kept, Result, drop, keep

STEPS = ("source", "a", "b")
ITEM = IoCase(stdin="", stdout="")
END = SamplingEnd(language="lua", reason=StopReason.BUDGET, replies=1, failed=0, passed=1, rows=1, tokens=0, cost=0)
#: searches by the text of a key, and by its number, as the planner calls them
BY_TEXT = "INDEX sqlite_autoindex_keys_1 (key=?)"
BY_KEY = "INDEX items_by_key (step=? AND key_id=?)"
BY_PARENT = "INDEX items_answered (step=? AND parent_id=?)"
BY_ORDINAL = "INDEX items_answered (step=? AND parent_id=? AND ordinal=?)"

#: a read or a change → the searches that its statements make in keys and items, each once, in order
QUERIES: dict[str, tuple[Callable[[Ledger], object], list[str]]] = {
    "pending": (
        lambda ledger: ledger.pending("source", "a", 0, 9),
        ["INDEX items_to_take (step=? AND rowid>?)", BY_PARENT],
    ),
    "find_input": (lambda ledger: ledger.find_input("source", "x"), [BY_TEXT, BY_KEY]),
    "has_result": (lambda ledger: ledger.has_result("a", "x"), [BY_TEXT, BY_PARENT]),
    "count_kept": (lambda ledger: ledger.count_kept("a"), ["INDEX items_to_take (step=?)"]),
    "kept_items": (
        lambda ledger: list(ledger.kept_items("a", IoCase)),
        ["INDEX items_in_order (step=? AND status=? AND position>?)"],
    ),
    "lineage": (lambda ledger: ledger.lineage("x"), [BY_TEXT, BY_KEY, BY_ORDINAL, BY_PARENT]),
    "ancestors": (lambda ledger: ledger.groups.ancestors("b", "x:0"), [BY_TEXT, BY_KEY]),
    "keys_with_prefix": (
        lambda ledger: ledger.groups.keys_with_prefix("x"),
        ["INDEX sqlite_autoindex_keys_1 (key>? AND key<?)", BY_KEY],
    ),
    "position_of_input": (lambda ledger: ledger.ranges.position_of_input("a", "x"), [BY_TEXT, BY_KEY]),
    "first_pending": (
        lambda ledger: ledger.ranges.first_pending("source", "a", "", LAST, ()),
        ["INDEX items_in_order (step=? AND status=? AND position>? AND position<?)", BY_PARENT],
    ),
    "results": (
        lambda ledger: list(ledger.transfer.results("a")),
        ["INDEX items_answered (step=? AND (parent_id,ordinal)>(?,?))"],
    ),
    "keeps": (lambda ledger: ledger.transfer.keeps("a", "x"), [BY_TEXT, BY_KEY]),
    "record": (
        lambda ledger: ledger.record("a", ledger.pending("source", "a", 0, 1)[0], keep("y", ITEM)),
        ["INDEX items_to_take (step=? AND rowid>?)", BY_PARENT, BY_KEY],
    ),
    "reopen": (
        lambda ledger: [
            ledger.record("a", ledger.pending("source", "a", 0, 1)[0], drop(Reason.TRIVIAL)),
            ledger.reopen(Reason.TRIVIAL, ()),
        ],
        [
            "INDEX items_to_take (step=? AND rowid>?)",
            BY_PARENT,
            "INDEX items_in_order (step=?) LEFT-JOIN",
            "INDEX items_answered (step>?)",
            BY_TEXT,
        ],
    ),
    "outcomes": (lambda ledger: ledger.sampling.outcomes("a", LAST), [BY_TEXT, BY_ORDINAL]),
    "plan_for_budget": (
        lambda ledger: [ledger.sampling.plan_for_budget(budget) for budget in ("1usd", "2usd")],
        [BY_PARENT, BY_TEXT, "INDEX items_answered (step>?)"],
    ),
}


@pytest.fixture
def two_units(tmp_path: Path) -> Iterator[Ledger]:
    """Return a ledger with two units."""
    with closing(Ledger(tmp_path / "two.sqlite")) as made:
        made.register_steps(STEPS)
        for number, key in enumerate("xy"):
            made.record("source", StepInput(f"unit {number}", sortable(number)), keep(key, ITEM), ordered=True)
        yield made


@pytest.fixture
def ledger(two_units: Ledger) -> Ledger:
    """Return a ledger with two units; ``a`` makes two items of the first, and ``b`` passes them on."""
    outputs = tuple(Kept(f"x:{number}", ITEM) for number in range(2))
    lost = (Dropped(Reason.NO_CODE, key="x:lost"),)
    taken = two_units.pending("source", "a", 0, 1)[0]
    two_units.record("a", taken, Result(kept=outputs, dropped=lost, sampling=END))
    for taken in two_units.pending("a", "b", 0, 9):
        two_units.record("b", taken, keep(taken.key, ITEM))
    return two_units


def searches(connection: sqlite3.Connection, statements: list[str]) -> list[str]:
    """Return the plans of the statements for keys and items, without repetitions and without searches by row."""
    plans = [
        row[3]
        for sql in statements
        if re.match(r"\s*(SELECT|WITH|DELETE|UPDATE)", sql) and re.search(r"\b(keys|items|item_rows)\b", sql)
        for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}")
    ]
    found = (
        re.match(r"(?:SEARCH|SCAN) \w+ USING (?:COVERING )?(INDEX (?:items|sqlite_autoindex_keys).*)", plan)
        for plan in plans
    )
    assert not [plan for plan in plans if re.fullmatch(r"SCAN (i|a|k|keys|items)", plan)]
    return list(dict.fromkeys(match[1] for match in found if match))


@pytest.mark.parametrize("name", QUERIES)
def test_a_query_uses_the_indexes(ledger: Ledger, name: str) -> None:
    act, expected = QUERIES[name]
    statements = list[str]()
    ledger.flush()
    ledger._connection.set_trace_callback(statements.append)
    with ledger.atomically():
        act(ledger)
    ledger._connection.set_trace_callback(None)
    assert searches(ledger._connection, statements) == expected


def pages_of_256_results(ledger: Ledger) -> int:
    """Pass on the next 256 items of the source in one transaction, and return the pages that it writes."""
    inputs = ledger.pending("source", "a", 0, 256)
    ledger.flush()
    with closing(sqlite3.connect(ledger.path)) as other:
        assert other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0
    with ledger.atomically():
        for taken in inputs:
            ledger.record("a", taken, keep(taken.key, ITEM))
    return ledger.path.with_name(f"{ledger.path.name}-wal").stat().st_size // 4096


def test_a_transaction_writes_few_pages_although_keys_are_hashes(tmp_path: Path) -> None:
    with closing(Ledger(tmp_path / "ledger.sqlite")) as ledger:
        ledger.register_steps(STEPS)
        with ledger.atomically():
            for number in range(4000):
                unit = StepInput(f"unit {number}", sortable(number))
                ledger.record("source", unit, keep(content_hash(str(number)), ITEM), ordered=True)
        pages = [pages_of_256_results(ledger) for _ in range(15)]
    assert max(pages) <= 30


@pytest.mark.parametrize("first", [0, 1])
def test_a_key_that_one_input_passes_on_cannot_be_made_from_another(two_units: Ledger, first: int) -> None:
    inputs = two_units.pending("source", "a", 0, 2)
    two_units.record("a", inputs[first], keep("x", ITEM))
    with pytest.raises(BrokenResult, match=f"x was made before, from {inputs[first].key}"):
        two_units.record("a", inputs[1 - first], keep("x", ITEM))


def test_a_key_that_one_step_drops_can_be_made_again_by_a_later_one(two_units: Ledger) -> None:
    x, y = two_units.pending("source", "a", 0, 2)
    two_units.record("a", x, drop(Reason.TODO))
    two_units.record("a", y, keep("y", ITEM))
    two_units.record("b", two_units.pending("a", "b", 0, 1)[0], keep("x", ITEM))
    assert two_units.groups.ancestors("b", "x") == [("source", "y"), ("a", "y"), ("b", "x")]
    assert [two_units.find_input(step, "x") is not None for step in STEPS] == [True, False, True]
    assert [row.parent for row in two_units.kept_rows("b")] == ["y"]


def test_a_ledger_of_the_former_format_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 1")
    for read_only in (False, True):
        with pytest.raises(
            StorageError, match="has format 1, but this version of glotsmith writes format 2: use the version"
        ):
            Ledger(path, read_only=read_only)
