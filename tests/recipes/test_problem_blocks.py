from pathlib import Path

import pytest

from glotsmith.drop_reasons import Reason
from glotsmith.ledger import Ledger
from glotsmith.ledger_rows import StepInput, sortable
from glotsmith.recipes.problem_blocks import ProblemBlocks
from glotsmith.records import IoCase
from glotsmith.step import Kept, Result, drop, keep

STEPS = ("source", "whole", "make_tasks", "translate")
ITEM = IoCase(stdin="", stdout="")


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    """Return a ledger with forty problems."""
    made = Ledger(tmp_path / "ledger.sqlite")
    made.register_steps(STEPS)
    for number in range(40):
        taken = StepInput(f"p{number}", sortable(number))
        for step in STEPS[:2]:
            made.record(step, taken, keep(taken.key, ITEM))
    return made


def answer(ledger: Ledger, step: str, key: str, languages: tuple[str, ...] = ()) -> None:
    """Answer an item: drop it, or make an output for each language."""
    taken = ledger.find_input(STEPS[STEPS.index(step) - 1], key)
    assert taken is not None
    kept = tuple(Kept(f"{key}-{name}", ITEM) for name in languages)
    ledger.record(step, taken, Result(kept=kept) if kept else drop(Reason.NO_TESTS))


def test_blocks_double_the_number_of_problems_up_to_a_limit() -> None:
    sizes = [ProblemBlocks.size(number) for number in range(10)]
    assert sizes == [8, 8, 16, 32, 64, 64, 64, 64, 64, 64]


def test_an_item_belongs_to_the_block_of_the_problem_that_it_was_made_from(ledger: Ledger) -> None:
    blocks = ProblemBlocks(ledger, "whole", "translate")
    found = [blocks.block_of(f"{sortable(number)}.a1.b10") for number in range(40)]
    assert found == [0] * 8 + [1] * 8 + [2] * 16 + [3] * 8
    assert [blocks.problems_before(number) for number in (0, 1, 3)] == [0, 8, 32]
    assert blocks.count() == 40


@pytest.mark.parametrize("left", range(8))
@pytest.mark.parametrize("step", ["make_tasks", "translate"])
def test_a_block_is_complete_when_no_step_has_one_of_its_items(ledger: Ledger, step: str, left: int) -> None:
    blocks = ProblemBlocks(ledger, "whole", "translate")
    assert blocks.block_of(sortable(39)) == 3
    for number in [n for n in range(7, -1, -1) if step == "translate" or n != left]:
        answer(ledger, "make_tasks", f"p{number}", ("lua",))
    for number in [n for n in range(8) if n != left]:
        answer(ledger, "translate", f"p{number}-lua")
    assert not blocks.are_complete(1)
    if step == "make_tasks":
        answer(ledger, "make_tasks", f"p{left}")  # dropped: nothing to translate
    else:
        answer(ledger, "translate", f"p{left}-lua", ("x",))
    assert (blocks.are_complete(1), blocks.are_complete(2)) == (True, False)


@pytest.mark.parametrize(("by_budget", "complete"), [(True, True), (False, False)])
def test_only_items_that_a_budget_leaves_open_do_not_count(ledger: Ledger, by_budget: bool, complete: bool) -> None:
    blocks = ProblemBlocks(ledger, "whole", "translate")
    blocks.block_of(sortable(39))
    for number in range(8):
        answer(ledger, "make_tasks", f"p{number}", ("lua", "ocaml"))
        answer(ledger, "translate", f"p{number}-lua")
        ledger.open_items.leave_open("translate", f"p{number}-ocaml", by_budget=by_budget)
    assert blocks.are_complete(1) is complete
