from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from glotsmith.cli.stop_reasons import print_stop_reasons, stop_sentence
from glotsmith.drop_reasons import Reason
from glotsmith.ledger import Ledger
from glotsmith.ledger_ranges import LAST
from glotsmith.ledger_rows import StepInput, sortable
from glotsmith.records import IoCase
from glotsmith.sampling_end import SamplingEnd, StopReason
from glotsmith.step import Dropped, Kept, Result, keep

STEPS = ("source", "translate", "dataset")
ITEM = IoCase(stdin="", stdout="")


def end(reason: StopReason, passed: int = 0, language: str = "lua") -> SamplingEnd:
    return SamplingEnd(
        language=language, reason=reason, replies=4, failed=4 - passed, passed=passed, rows=passed, tokens=40, cost=0.25
    )


ENDS = {
    "t0": end(StopReason.LOW_PASS_RATE),
    "t1": end(StopReason.BUDGET, 2),
    "t2": end(StopReason.BUDGET),
    "t3": end(StopReason.FEW_NEW_ROWS, 3, "ocaml"),
    "t4": end(StopReason.LOW_PASS_RATE),
}


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    """Return a ledger in which ``translate`` has ended for five inputs, and ``dataset`` for what it kept."""
    with closing(Ledger(tmp_path / "ledger.sqlite")) as made:
        made.register_steps(STEPS)
        for number, (key, ending) in enumerate(ENDS.items()):
            made.record("source", StepInput(key, sortable(number)), keep(key, ITEM))
            taken = made.find_input("source", key)
            assert taken is not None
            kept = tuple(Kept(f"{key}-{n}", ITEM) for n in range(ending.rows))
            lost = () if kept else (Dropped(Reason.NO_PASSING_SOLUTION),)
            made.record("translate", taken, Result(kept=kept, dropped=lost, tokens=40, sampling=ending))
            for each in kept:
                output = made.find_input("translate", each.key)
                assert output is not None
                made.record("dataset", output, keep(each.key, ITEM))
        for step in STEPS:
            made.mark_finished(step)
        yield made


def test_an_end_is_stored_with_the_result_of_its_input(ledger: Ledger) -> None:
    assert {key: ledger.sampling.of_input("translate", key) for key in ENDS} == ENDS
    assert ledger.sampling.of_input("source", "t1") is None
    assert [(c.language, c.reason, c.problems, c.replies, c.rows) for c in ledger.sampling.counts()] == [
        ("lua", "budget", 2, 8, 2),
        ("lua", "low_pass_rate", 2, 8, 0),
        ("ocaml", "few_new_rows", 1, 4, 3),
    ]


@pytest.mark.parametrize(
    ("before", "counts", "replies"),
    [
        (sortable(0), {}, 0),
        (sortable(2), {(0, 4, 0): 1, (2, 2, 2): 1}, 8),
        (LAST, {(0, 4, 0): 3, (2, 2, 2): 1}, 16),
    ],
)
def test_outcomes_are_those_before_a_position(
    ledger: Ledger, before: str, counts: dict[tuple[int, int, int], int], replies: int
) -> None:
    found = ledger.sampling.outcomes("translate", before).get("lua")
    assert (dict(found.counts), found.replies, found.tokens) == (counts, replies, 10 * replies) if found else not counts
    assert ledger.ranges.spent_before("source", "dataset", before)[0] == sum(
        40 for number in range(5) if sortable(number) < before
    )


def test_another_budget_opens_the_inputs_that_the_last_one_stopped_and_all_later_steps(ledger: Ledger) -> None:
    for budget, opened in (("5tok", 0), ("5tok", 0), ("9tok", 2), ("9tok", 0)):
        with ledger.atomically():
            assert ledger.sampling.plan_for_budget(budget) == opened
    assert [ledger.has_result("translate", key) for key in ENDS] == [True, False, False, True, True]
    assert ledger.count_kept("dataset") == 0
    assert [ledger.is_finished(step) for step in STEPS] == [True, False, False]
    assert ledger.sampling.of_input("translate", "t1") is None
    assert ledger.sampling.of_input("translate", "t3") == ENDS["t3"]


def test_a_retry_forgets_the_ends_of_the_inputs_that_it_opens(ledger: Ledger) -> None:
    assert ledger.reopen(str(Reason.NO_PASSING_SOLUTION), set()) == 3
    assert [key for key in ENDS if ledger.sampling.of_input("translate", key)] == ["t1", "t3"]


def test_a_merge_copies_the_ends_of_the_results_that_it_copies(ledger: Ledger, tmp_path: Path) -> None:
    with closing(Ledger(tmp_path / "merged.sqlite")) as merged:
        merged.register_steps(STEPS)
        with merged.atomically():
            for result in ledger.transfer.results("translate"):
                if result.parent != "t3":
                    merged.transfer.insert("translate", result, 0)
            merged.sampling.copy_step(ledger.sampling, "translate")
            merged.sampling.forget_unanswered()
        assert {key: merged.sampling.of_input("translate", key) for key in ENDS} == {**ENDS, "t3": None}


def test_a_ledger_without_sampling_has_no_ends(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with closing(Ledger(tmp_path / "other.sqlite")) as other:
        other.register_steps(STEPS)
        assert (other.sampling.counts(), other.sampling.outcomes("translate", LAST)) == ([], {})
        assert stop_sentence(other, "translate", "t1") == ""
        print_stop_reasons(other)
    assert capsys.readouterr().out == ""


def test_the_reasons_are_printed_by_language_and_for_one_input(
    ledger: Ledger, capsys: pytest.CaptureFixture[str]
) -> None:
    print_stop_reasons(ledger)
    lines = [" ".join(line.strip("│").replace("│", " ").split()) for line in capsys.readouterr().out.splitlines()]
    assert "lua 4 16 2 budget 2, low_pass_rate 2" in lines
    assert "ocaml 1 4 3 few_new_rows 1" in lines
    assert stop_sentence(ledger, "translate", "t3") == (
        "ocaml: sampling stopped after 4 replies, because another reply is too unlikely to give a new distinct row "
        "(few_new_rows). 3 passed, 3 distinct rows, 40 tokens."
    )
