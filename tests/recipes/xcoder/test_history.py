"""When an epoch may begin: the ledger says so, and nothing else."""

import asyncio
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from glotsmith.drop_reasons import Reason
from glotsmith.ledger import Ledger, StepInput
from glotsmith.recipes.xcoder.history import LedgerHistory, remembered_sessions
from glotsmith.recipes.xcoder.pipeline_item import PipelineItem
from glotsmith.recipes.xcoder.proposals import Proposal
from glotsmith.recipes.xcoder.schedule import SessionPlan, session_key
from glotsmith.records import Lineage, Origin
from glotsmith.step import Dropped, Kept, Result

SESSION_STEPS = (
    *("discuss", "execute_reference", "filter", "write_tests", "validate", "deduplicate_problems", "make_tasks"),
    "solve",
)
INSERTED = ("decontaminate_problems", "users_step")  #: steps that an option and a user insert
PLAN = SessionPlan(agents=("lua", "python"), sessions=4, epoch=2)
ORIGIN, LINEAGE = Origin(source="s", path="p"), Lineage(teacher="t")


def seat(number: int) -> Proposal:
    session = PLAN.all_sessions()[number]
    return Proposal(id=session_key(number), kind="ds3", origin=ORIGIN, lineage=LINEAGE, session=session)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    made = Ledger(tmp_path / "ledger.sqlite")
    made.register_steps(["schedule_sessions", *SESSION_STEPS])
    kept = tuple(Kept(session_key(n), seat(n)) for n in range(4))
    made.record("schedule_sessions", StepInput("u", "a0"), Result(kept=kept), ordered=True)
    yield made
    made.close()


def answer(ledger: Ledger, before: str, step: str, number: int, *, kept: bool) -> None:
    key = session_key(number)
    taken = ledger.find_input(before, key)
    assert taken
    item = seat(number) if step == SESSION_STEPS[0] else PipelineItem(proposal=seat(number))
    result = (
        Result(kept=(Kept(key, item),)) if kept else Result(dropped=(Dropped(Reason.EMPTY_REPLY, item=seat(number)),))
    )
    ledger.record(step, taken, result)


def began(ledger: Ledger, epoch: int) -> bool:
    """Whether the epoch begins within a moment."""

    async def wait() -> None:
        await LedgerHistory(ledger, PLAN, 2).sessions_before(epoch)

    try:
        asyncio.run(asyncio.wait_for(wait(), 0.05))
    except TimeoutError:
        return False
    return True


def test_the_first_epoch_waits_for_nothing(ledger: Ledger) -> None:
    assert began(ledger, 1)


def test_an_epoch_waits_until_all_sessions_before_it_have_gone_all_the_way(ledger: Ledger) -> None:
    answer(ledger, "schedule_sessions", "discuss", 0, kept=False)
    assert not began(ledger, 2)
    answer(ledger, "schedule_sessions", "discuss", 1, kept=True)
    for before, step in pairwise(SESSION_STEPS):
        assert not began(ledger, 2), step
        answer(ledger, before, step, 1, kept=step != "solve")
    assert began(ledger, 2)
    assert not began(ledger, 3)


def test_an_epoch_remembers_earlier_ones_alone(ledger: Ledger) -> None:
    for number in (0, 1, 2):
        answer(ledger, "schedule_sessions", "discuss", number, kept=False)
    found = asyncio.run(LedgerHistory(ledger, PLAN, 2).sessions_before(2))
    assert [session.number for session in found] == [0, 1]


def test_problems_are_known_in_the_order_of_sessions_when_all_are_validated(ledger: Ledger) -> None:
    answer(ledger, "schedule_sessions", "discuss", 1, kept=True)
    for before, step in pairwise(SESSION_STEPS[: SESSION_STEPS.index("validate") + 1]):
        answer(ledger, before, step, 1, kept=True)

    async def posed() -> int:
        return len(await LedgerHistory(ledger, PLAN, 2).posed_problems(1))

    with pytest.raises(TimeoutError):
        asyncio.run(asyncio.wait_for(posed(), 0.05))
    answer(ledger, "schedule_sessions", "discuss", 0, kept=False)
    assert asyncio.run(posed()) == 0  # these works hold no problem


@pytest.mark.parametrize("after", SESSION_STEPS[:-1])
@pytest.mark.parametrize("inserted", INSERTED)
def test_a_session_that_an_inserted_step_drops_is_not_waited_for(tmp_path: Path, after: str, inserted: str) -> None:
    place = SESSION_STEPS.index(after) + 1
    chain = (*SESSION_STEPS[:place], inserted, *SESSION_STEPS[place:])
    made = Ledger(tmp_path / "ledger.sqlite")
    made.register_steps(["schedule_sessions", *chain])
    kept = tuple(Kept(session_key(n), seat(n)) for n in range(4))
    made.record("schedule_sessions", StepInput("u", "a0"), Result(kept=kept), ordered=True)
    answer(made, "schedule_sessions", "discuss", 0, kept=False)
    answer(made, "schedule_sessions", "discuss", 1, kept=True)
    for before, step in pairwise(chain[: chain.index(inserted) + 1]):
        assert not began(made, 2), step
        answer(made, before, step, 1, kept=step != inserted)
    assert began(made, 2)
    assert [session.outcome for session in remembered_sessions(made, 2)] == ["empty_reply", "empty_reply"]
    made.close()


def test_a_problem_that_is_dropped_before_the_comparison_is_not_posed(tmp_path: Path) -> None:
    place = SESSION_STEPS.index("validate") + 1
    chain = (*SESSION_STEPS[:place], INSERTED[0], *SESSION_STEPS[place:])
    made = Ledger(tmp_path / "ledger.sqlite")
    made.register_steps(["schedule_sessions", *chain])
    kept = tuple(Kept(session_key(n), seat(n)) for n in range(4))
    made.record("schedule_sessions", StepInput("u", "a0"), Result(kept=kept), ordered=True)
    answer(made, "schedule_sessions", "discuss", 0, kept=False)
    answer(made, "schedule_sessions", "discuss", 1, kept=True)
    for before, step in pairwise(chain[:place]):
        answer(made, before, step, 1, kept=True)
    history = LedgerHistory(made, PLAN, 2)
    with pytest.raises(TimeoutError):
        asyncio.run(asyncio.wait_for(history.posed_problems(1), 0.05))
    answer(made, "validate", INSERTED[0], 1, kept=False)
    assert asyncio.run(LedgerHistory(made, PLAN, 2).posed_problems(1)) == []
    made.close()


def test_a_session_that_a_step_before_the_discussion_drops_is_not_waited_for(tmp_path: Path) -> None:
    made = Ledger(tmp_path / "ledger.sqlite")
    made.register_steps(["schedule_sessions", "users_step", *SESSION_STEPS])
    kept = tuple(Kept(session_key(n), seat(n)) for n in range(4))
    made.record("schedule_sessions", StepInput("u", "a0"), Result(kept=kept), ordered=True)
    for number in (0, 1):
        assert not began(made, 2)
        taken = made.find_input("schedule_sessions", session_key(number))
        assert taken
        passed = Result(kept=(Kept(session_key(number), seat(number)),)) if number else Result(dropped=(Dropped("x"),))
        made.record("users_step", taken, passed)
    assert not began(made, 2)
    answer(made, "users_step", "discuss", 1, kept=False)
    assert began(made, 2)
    made.close()
