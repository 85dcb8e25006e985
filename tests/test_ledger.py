"""The ledger: every input is answered once, in = kept + dropped, order and sums do not depend on timing."""

import random
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glotsmith.drop_reasons import Reason
from glotsmith.errors import StorageError, UsageError
from glotsmith.ledger import Ledger
from glotsmith.ledger_rows import BrokenResult, StepInput, plan_rows, sortable
from glotsmith.records import IoCase
from glotsmith.step import Dropped, Kept, Result, drop, keep


def item(text):
    return IoCase(stdin=text, stdout="")


def dropped(*keys):
    return tuple(Dropped(Reason.TODO, key=key) for key in keys)


@pytest.fixture
def ledger(tmp_path):
    ledger = Ledger(tmp_path / "ledger.sqlite")
    ledger.register_steps(["source", "a", "b"])
    yield ledger
    ledger.close()


def unit(ledger, number, *keys):
    """Record a unit of the source that keeps items of these keys."""
    result = Result(kept=tuple(Kept(key, item(key)) for key in keys)) if keys else drop(Reason.SYNTAX_ERROR, "line 1")
    return ledger.record("source", StepInput(f"unit {number}", sortable(number)), result, ordered=True)


def funnel(ledger, step):
    return next(row for row in ledger.funnel() if row.step == step)


@given(st.lists(st.integers(0, 10**12)))
def test_sortable_texts_sort_as_their_numbers(numbers):
    assert sorted(map(sortable, numbers)) == list(map(sortable, sorted(numbers)))


@pytest.mark.parametrize(
    ("result", "rows"),
    [
        (keep("in", item("x")), [("kept", "in", "a7", "")]),
        (keep("out", item("x")), [("kept", "out", "a7.a0", "")]),
        (
            Result(kept=(Kept("in", item("x")), Kept("y", item("y")))),
            [("kept", "in", "a7.a0", ""), ("kept", "y", "a7.a1", "")],
        ),
        (drop(Reason.TODO), [("dropped", "in", "a7", "todo")]),
        (Result(dropped=dropped("l", "")), [("dropped", "in", "a7", "todo"), ("lost", "l", "a7.a0", "todo")]),
        (
            Result(kept=(Kept("o", item("")),), dropped=dropped("l")),
            [("kept", "o", "a7.a0", ""), ("lost", "l", "a7.a1", "todo")],
        ),
        (
            Result(kept=(Kept("o", item("1")), Kept("o", item("2")))),
            [("kept", "o", "a7.a0", ""), ("lost", "o", "a7.a1", "exact_duplicate")],
        ),
        (
            keep("old", item("x")),
            [("dropped", "in", "a7", "exact_duplicate"), ("lost", "old", "a7.a0", "exact_duplicate")],
        ),
        (keep("in", item("\ud800")), [("dropped", "in", "a7", "unstorable"), ("lost", "in", "a7", "unstorable")]),
        (keep("\udcff", item("x")), [("kept", "\\udcff", "a7.a0", "")]),
        (drop(Reason.TODO, "\udcff"), [("dropped", "in", "a7", "todo")]),
    ],
)
def test_what_a_result_becomes(result, rows):
    planned = plan_rows(StepInput("in", sortable(7)), result, {"old": "earlier"}.get)
    assert [(row.status, row.key, row.position, row.reason) for row in planned] == rows


@pytest.mark.parametrize(
    "result",
    [
        Result(),
        Result(dropped=dropped("only losses")),
        Result(dropped=dropped("", "")),
        Result(kept=(Kept("o", item("x")),), dropped=dropped("")),
    ],
)
def test_a_result_that_breaks_its_contract_is_a_defect_and_leaves_no_trace(ledger, result):
    with pytest.raises(BrokenResult):
        ledger.record("source", StepInput("u", sortable(0)), result)
    assert funnel(ledger, "source").taken == 0


results = st.builds(
    lambda kept, lost, reason, cost: Result(
        kept=tuple(Kept(f"k{key}", item(str(key))) for key in kept),
        dropped=tuple(Dropped(reason, key=f"l{key}") for key in lost) + (() if kept else (Dropped(reason),)),
        cost=cost,
        tokens=len(kept),
    ),
    st.lists(st.integers(0, 30), max_size=4),
    st.lists(st.integers(0, 30), max_size=3, unique=True),
    st.sampled_from([Reason.TODO, Reason.NO_CODE, Reason.EXACT_DUPLICATE]),
    st.floats(0, 1),
)


@pytest.mark.slow
@given(st.lists(results, max_size=12))
@settings(max_examples=100, deadline=None)
def test_in_is_kept_and_dropped_whatever_steps_say(tmp_path_factory, random_results):
    ledger = Ledger(tmp_path_factory.mktemp("ledger") / "l.sqlite")
    ledger.register_steps(["s"])
    made = [ledger.record("s", StepInput(f"u{i}", sortable(i)), r, ordered=True) for i, r in enumerate(random_results)]
    (row,) = ledger.funnel()
    losses = Counter(loss.reason for loss in ledger.dropped_rows() if loss.status == "lost")
    outputs = sum(len(r.kept) for r in random_results) + sum(bool(d.key) for r in random_results for d in r.dropped)
    kept = list(ledger.kept_items("s", IoCase))
    ledger.close()

    assert row.taken == len(random_results) == row.kept + row.dropped
    assert row.kept == sum(map(bool, made))
    assert row.made == sum(made) == len(kept) == len({key for key, _ in kept})
    assert row.dropped == sum(row.reasons.values())
    assert row.losses == losses
    assert row.made + sum(losses.values()) == outputs
    assert row.tokens == sum(r.tokens for r in random_results)
    assert row.cost == pytest.approx(sum(r.cost for r in random_results), abs=1e-7)


def test_order_and_funnel_do_not_depend_on_timing(tmp_path):
    def answer(taken):
        number = int(taken.key)
        if number % 5 == 0:
            return Result(dropped=(Dropped(Reason.TODO),), cost=0.1 * number)
        outputs = tuple(Kept(f"{number}:{i}", item(taken.key)) for i in range(number % 13))
        return Result(kept=outputs, cost=0.1 * number) if outputs else drop(Reason.NO_CODE)

    def run(seed):
        ledger = Ledger(tmp_path / f"{seed}.sqlite")
        ledger.register_steps(["source", "a"])
        for number in range(300):
            unit(ledger, number, str(number))
        inputs = ledger.pending("source", "a", 0, 1000)
        random.Random(seed).shuffle(inputs)
        for taken in inputs:
            ledger.record("a", taken, answer(taken))
        dump = list(ledger.kept_items("a", IoCase)), [d.key for d in ledger.dropped_rows()], ledger.funnel()
        ledger.close()
        return dump

    assert run(1) == run(2)
    assert [key for key, _ in run(3)[0]][:8] == ["1:0", "2:0", "2:1", "3:0", "3:1", "3:2", "4:0", "4:1"]


def test_pending_is_what_was_kept_and_not_answered(ledger):
    for number in range(10):
        unit(ledger, number, str(number))
    unit(ledger, 10)
    first = ledger.pending("source", "a", 0, 4)
    assert [taken.key for taken in first] == ["0", "1", "2", "3"]
    ledger.record("a", first[1], drop(Reason.TODO))
    ledger.record("a", first[3], keep("3", item("3")))
    assert [t.key for t in ledger.pending("source", "a", 0, 4)] == ["0", "2", "4", "5"]
    assert [t.key for t in ledger.pending("source", "a", first[-1].id, 99)] == ["4", "5", "6", "7", "8", "9"]
    assert [t.key for t in ledger.pending("a", "b", 0, 99)] == ["3"]
    assert (ledger.has_result("a", "1"), ledger.has_result("a", "2")) == (True, False)


def test_an_input_cannot_be_answered_twice(ledger):
    unit(ledger, 0, "x")
    (taken,) = ledger.pending("source", "a", 0, 1)
    ledger.record("a", taken, drop(Reason.TODO))
    ledger.flush()
    with pytest.raises(Exception, match="UNIQUE"):
        ledger.record("a", taken, drop(Reason.TODO))
    assert funnel(ledger, "a").taken == 1
    with pytest.raises(StorageError, match="an earlier write failed"):  # inputs may have been undone
        unit(ledger, 1, "y")


def test_one_text_in_two_files_is_an_exact_duplicate(ledger):
    assert unit(ledger, 0, "same", "own") == 2
    assert unit(ledger, 1, "same") == 0
    row = funnel(ledger, "source")
    assert (row.taken, row.kept, row.dropped, row.made) == (2, 1, 1, 2)
    assert row.reasons == row.losses == {"exact_duplicate": 1}
    assert [d.detail for d in ledger.dropped_rows()] == ["kept before, from unit 0"] * 2


def test_one_key_from_two_inputs_of_an_unordered_step_is_a_defect(ledger):
    unit(ledger, 0, "x")
    unit(ledger, 1, "y")
    x, y = ledger.pending("source", "a", 0, 2)
    ledger.record("a", x, keep("same", item("")))
    with pytest.raises(BrokenResult, match="same was made before, from x"):
        ledger.record("a", y, keep("same", item("")))
    ledger.flush()
    assert [taken.key for taken in ledger.pending("source", "a", 0, 2)] == ["y"]


def test_what_passes_a_filter_is_stored_once(ledger):
    unit(ledger, 0, "x")
    (taken,) = ledger.pending("source", "a", 0, 1)
    ledger.record("a", taken, keep("x", item("x")))
    (again,) = ledger.pending("a", "b", 0, 1)
    assert again.payload == taken.payload
    ledger.record("b", again, keep("x", item("changed")))
    assert list(ledger.kept_items("b", IoCase)) == [("x", item("changed"))]


def test_atomically_is_all_or_nothing(ledger):
    unit(ledger, 0, "before")
    with pytest.raises(KeyError), ledger.atomically():
        unit(ledger, 1, "inside")
        ledger.flush()
        ledger.mark_finished("source")
        raise KeyError
    assert [key for key, _ in ledger.kept_items("source", IoCase)] == ["before"]
    assert not ledger.is_finished("source")


def test_what_was_flushed_is_there_when_opened_again(tmp_path):
    ledger = Ledger(tmp_path / "l.sqlite")
    ledger.register_steps(["source", "a"])
    unit(ledger, 0, "x")
    ledger.mark_finished("source")
    ledger.close()
    ledger.close()
    again = Ledger(tmp_path / "l.sqlite")
    again.register_steps(["source", "a"])
    assert again.is_finished("source")
    assert not again.is_finished("a")
    assert [key for key, _ in again.kept_items("source", IoCase)] == ["x"]
    with pytest.raises(UsageError, match=r"steps source, a.*has the steps source, z.*--cache"):
        again.register_steps(["source", "z"])
    again.close()


def test_two_steps_of_one_name_are_a_defect(ledger):
    with pytest.raises(ValueError, match="must be unique"):
        ledger.register_steps(["a", "a"])


def test_pages_join_without_gaps(ledger):
    keys = [f"{n:04}" for n in range(1000)]
    for number, key in enumerate(keys):
        unit(ledger, number, key)
    assert [key for key, _ in ledger.kept_items("source", IoCase)] == keys


def test_dropped_by_step_and_reason(ledger):
    unit(ledger, 0)
    unit(ledger, 1, "x", "y")
    x, y = ledger.pending("source", "a", 0, 2)
    ledger.record("a", x, drop(Reason.TODO, "line 3"))
    ledger.record(
        "a", y, Result(kept=(Kept("y", item("y")),), dropped=(Dropped(Reason.NO_CODE, key="l", item=item("?")),))
    )
    assert [(d.step, d.key, d.reason) for d in ledger.dropped_rows()] == [
        ("source", "unit 0", "syntax_error"),
        ("a", "x", "todo"),
        ("a", "l", "no_code"),
    ]
    assert [d.key for d in ledger.dropped_rows(step="a")] == ["x", "l"]
    (todo,) = ledger.dropped_rows(reason=Reason.TODO)
    assert (todo.detail, todo.data) == ("line 3", b'{"stdin":"x","stdout":""}')
    (loss,) = ledger.dropped_rows(reason="no_code")
    assert loss.data == b'{"stdin":"?","stdout":""}'


def test_lineage_goes_back_to_the_source_and_forward_to_the_end(ledger):
    unit(ledger, 0, "x", "stranger")
    (x, _) = ledger.pending("source", "a", 0, 2)
    ledger.record("a", x, Result(kept=(Kept("x1", item("1")), Kept("x2", item("2"))), dropped=dropped("x3")))
    one, two = ledger.pending("a", "b", 0, 2)
    ledger.record("b", one, drop(Reason.TODO))
    ledger.record("b", two, keep("x2", item("2")))
    rows = {
        "x2": [("source", "x"), ("a", "x2"), ("b", "x2")],
        "x": [("source", "x"), ("a", "x1"), ("a", "x2"), ("a", "x3"), ("b", "x1"), ("b", "x2")],
        "x3": [("source", "x"), ("a", "x3")],
        "unit 0": [],
        "unknown": [],
    }
    assert {key: [(row.step, row.key) for row in ledger.lineage(key)] for key in rows} == rows


def test_a_damaged_ledger_is_a_sentence(tmp_path):
    path = tmp_path / "ledger.sqlite"
    path.write_bytes(b"no database" * 1000)
    with pytest.raises(StorageError, match=f"{path}.*damaged"):
        Ledger(path)
