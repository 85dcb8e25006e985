"""Pairs from ledgers of any shape: near-misses first, bounded, and the same every time."""

import random
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest

from glotsmith.datasets.preferences import PER_TASK, pairs
from glotsmith.drop_reasons import Reason
from glotsmith.ledger import Ledger, StepInput
from glotsmith.records import Candidate, CaseVerdict, IoCase, Lineage, Record, Verdict
from glotsmith.step import Dropped, Kept, Result

RIGHT = "local function f(x)\n  return x\nend"


class Holder(Record, frozen=True, kw_only=True):
    """As xcoder's ``PipelineItem``: a solution among other fields."""

    solution: Any
    score: float = 0.0


def miss(code: str, *cases: str, status: str = "fail:wrong", task: str = "task") -> Candidate:
    verdict = Verdict(id=task, language="lua", status=status, cases=tuple(CaseVerdict(status=c) for c in cases))  # type: ignore[arg-type]
    return Candidate(task=task, language="lua", code=code, verdict=verdict, lineage=Lineage(teacher="scripted"))


MISSES = {
    "two cases": miss("return 2", "pass", "pass", "fail:wrong"),
    "near in text": miss(RIGHT.replace("return x", "return -x"), "pass", "fail:wrong", "fail:wrong"),
    "far in text": miss("f = 1", "pass", "fail:wrong", "fail:wrong"),
    "none": miss("((", "fail:compile", status="fail:compile"),
}


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    made = Ledger(tmp_path / "ledger.sqlite")
    made.register_steps(["sources", "translate", "deduplicate_solutions", "dataset"])
    yield made
    made.close()


def fill(
    ledger: Ledger, solutions: list[Any], losses: list[Candidate], *, hold: bool = False, dedup: bool = True
) -> None:
    item = IoCase(stdin="", stdout="")
    ledger.record("sources", StepInput("unit", "a0"), Result(kept=(Kept("t", item),)), ordered=True)
    kept = tuple(Kept(s.id + s.code, Holder(solution=msgspec.to_builtins(s)) if hold else s) for s in solutions)
    lost = tuple(Dropped(Reason.FAILED_VERIFICATION, "", f"l{n}", c) for n, c in enumerate(losses))
    taken = ledger.find_input("sources", "t")
    assert taken
    ledger.record("translate", taken, Result(kept=kept, dropped=lost))
    for k in kept if dedup else ():
        taken = ledger.find_input("translate", k.key)
        assert taken
        ledger.record("deduplicate_solutions", taken, Result(kept=(k,)))
    ledger.flush()


@pytest.mark.parametrize("hold", [False, True])
def test_near_misses_come_first_whatever_the_order_they_were_made_in(
    ledger: Ledger, make_solution: Any, hold: bool
) -> None:
    losses = list(MISSES.values())
    random.Random(3).shuffle(losses)
    fill(ledger, [make_solution(RIGHT)], losses, hold=hold)
    found = list(pairs(ledger))
    assert [p.rejected for p in found] == [f"```lua\n{c.code}\n```" for c in MISSES.values()]
    assert [p.passed_cases for p in found] == [2, 1, 1, 0]
    assert [p.status for p in found][-1] == "fail:compile"
    assert all(
        p.chosen == f"```lua\n{RIGHT}\n```" and p.prompt.startswith("Write a function `f` in Lua.") for p in found
    )
    assert {(p.parallel_id, p.language, p.chosen_lineage.seed) for p in found} == {("pid", "lua", 3)}
    assert found == list(pairs(ledger))
    assert len({p.id for p in found}) == 4


def test_a_failing_program_is_set_against_the_passing_one_that_it_resembles(ledger: Ledger, make_solution: Any) -> None:
    other = "function f(y) return y * 1 end"
    fill(ledger, [make_solution(RIGHT), make_solution(other)], [miss("function f(y) return y * 2 end", "fail:wrong")])
    [pair] = pairs(ledger)
    assert other in pair.chosen
    assert 0.9 < pair.similarity < 1


def test_pairs_are_bounded(ledger: Ledger, make_solution: Any) -> None:
    losses = [miss(f"return {n}", *["pass"] * (n % 5), "fail:wrong") for n in range(50)]
    fill(ledger, [make_solution(RIGHT)], losses)
    assert [p.passed_cases for p in pairs(ledger)] == [4] * PER_TASK
    assert len(list(pairs(ledger, per_task=1))) == 1


class Row(NamedTuple):
    data: bytes


def test_memory_does_not_grow_with_the_programs_that_failed(make_solution: Any) -> None:
    class Rows:
        """A ledger of one task's solution and any number of failures, made as they are read."""

        steps = ("translate",)

        def __init__(self, solution: Any, count: int) -> None:
            self._solution, self._count = solution, count

        def kept_rows(self, step: str, /) -> Iterator[Any]:
            for n in range(self._count):
                task = msgspec.structs.replace(self._solution.task, id=f"task-{n}")
                yield Row(msgspec.json.encode(msgspec.structs.replace(self._solution, task=task)))

        def dropped_rows(self, step: str | None = None, reason: str | None = None, /) -> Iterator[Any]:
            for n in range(self._count):
                yield Row(msgspec.json.encode(miss(f"return {n} -- {'x' * 2000}", "fail:wrong", task=f"task-{n}")))

    def peak(count: int) -> int:
        tracemalloc.start()
        assert sum(1 for _ in pairs(Rows(solution, count))) == count
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    solution = make_solution(RIGHT)
    assert peak(900) < peak(300) + 600 * 500  # ids, and no programs


def test_what_gives_no_pair(ledger: Ledger, make_solution: Any) -> None:
    losses = [
        miss(RIGHT, "fail:wrong"),  # flaky: it passed another time
        miss("other", "fail:wrong", task="another task"),
        miss("machine", "infra:sandbox", status="infra:sandbox"),
        miss("  ", "fail:compile", status="fail:compile"),
        msgspec.structs.replace(miss("unjudged"), verdict=None),
    ]
    fill(ledger, [make_solution(RIGHT)], losses)
    assert list(pairs(ledger)) == []


def test_a_solution_that_selection_dropped_is_in_no_pair(ledger: Ledger, make_solution: Any) -> None:
    fill(ledger, [make_solution(RIGHT), make_solution("function f(y) return y end")], [MISSES["none"]], dedup=False)
    taken = ledger.find_input("translate", "sid" + RIGHT)
    assert taken
    ledger.record("deduplicate_solutions", taken, Result(kept=(Kept("s", make_solution(RIGHT)),)))
    [pair] = pairs(ledger)
    assert RIGHT in pair.chosen


def test_a_run_without_solutions_has_no_pairs(ledger: Ledger) -> None:
    assert list(pairs(ledger)) == []
