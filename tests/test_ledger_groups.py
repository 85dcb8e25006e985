"""Counts of ledger rows by a label, and the keys that an item was made from."""

import json
from pathlib import Path

from glotsmith.ledger import Ledger
from glotsmith.ledger_groups import RowGroup
from glotsmith.ledger_rows import StepInput
from glotsmith.records import Record
from glotsmith.step import Dropped, Kept, Result


class Word(Record, frozen=True):
    text: str = ""


def ledger(path: Path) -> Ledger:
    found = Ledger(path / "ledger.sqlite")
    found.register_steps(("sources", "double", "last"))
    for unit, text in (("a0", "x"), ("a1", "y"), ("a2", "z")):
        found.record("sources", StepInput(unit, unit), Result(kept=(Kept(text, Word(text=text)),)))
    taken = found.find_input("sources", "x")
    assert taken is not None
    outputs = (Kept("x1", Word(text="one")), Kept("x2", Word(text="two")))
    found.record("double", taken, Result(kept=outputs, dropped=(Dropped("no_code", "", "x3"),)))  # type: ignore[arg-type]
    found.record("double", StepInput("y", "a1.a0", data=b'{"text": "y"}'), Result(dropped=(Dropped("no_code", ""),)))  # type: ignore[arg-type]
    one = found.find_input("double", "x2")
    assert one is not None
    found.record("last", one, Result(kept=(Kept("x2", Word(text="two")),)))
    return found


def test_rows_are_counted_by_a_label_of_key_item_and_input(tmp_path: Path) -> None:
    store = ledger(tmp_path)

    def label(data: bytes | None, key: str, made_from: bytes | None) -> str:
        return json.loads(data).get("text", "") if data else f"{key} of {json.loads(made_from or b'{}')}"

    assert sorted(store.groups.count_by_label(label)) == sorted(
        [
            RowGroup("sources", "kept", "", "x", 1, 1),
            RowGroup("sources", "kept", "", "y", 1, 1),
            RowGroup("sources", "kept", "", "z", 1, 1),
            RowGroup("double", "kept", "", "one", 1, 1),
            RowGroup("double", "kept", "", "two", 1, 0),
            RowGroup("double", "lost", "no_code", "x3 of {'text': 'one'}", 1, 0),
            RowGroup("double", "dropped", "no_code", "y", 1, 1),
            RowGroup("last", "kept", "", "two", 1, 1),
        ]
    )
    store.close()


def test_losses_without_an_item_are_counted_by_their_own_label(tmp_path: Path) -> None:
    store = Ledger(tmp_path / "ledger.sqlite")
    store.register_steps(("sources",))
    lost = tuple(Dropped("no_code", "", key) for key in ("a:lua", "b:lua", "c:r"))  # type: ignore[arg-type]
    store.record("sources", StepInput("a0", "a0"), Result(kept=(Kept("x", Word(text="x")),), dropped=lost))
    counted = store.groups.count_by_label(lambda data, key, made_from: key.partition(":")[2])
    assert sorted((g.label, g.rows) for g in counted if g.status == "lost") == [("lua", 2), ("r", 1)]
    store.close()


def test_the_ancestors_of_an_item_are_its_own_only(tmp_path: Path) -> None:
    store = ledger(tmp_path)
    assert store.groups.ancestors("last", "x2") == [("sources", "x"), ("double", "x2"), ("last", "x2")]
    assert store.groups.ancestors("double", "x1") == [("sources", "x"), ("double", "x1")]
    assert store.groups.ancestors("double", "y") == []
    store.close()
