"""What a pipeline does with its items, and how it stops and resumes."""

import asyncio
import errno
import random
import re
from collections import Counter

import pytest
from small_steps import TIMEOUT_S, Batches, Each, Evens, Numbers, case, kept, run, taken

from glotsmith.drop_reasons import Reason
from glotsmith.errors import TeacherError, UsageError
from glotsmith.execution.base import NoProgress
from glotsmith.execution.pipeline_runner import PipelineRunner
from glotsmith.ledger import Ledger
from glotsmith.ledger_rows import BrokenResult
from glotsmith.records import IoCase
from glotsmith.step import Dropped, Kept, Result, drop, keep


def test_every_item_goes_through_every_step(ledger):
    async def thirds(key, item):
        if int(key) % 3:
            return drop(Reason.TODO)
        kept = Kept(f"{key}a", item), Kept(f"{key}b", item)
        return Result(kept=kept, dropped=(Dropped(Reason.NO_CODE, key=f"{key}c"),), tokens=5, cost=0.25)

    assert run([Numbers(10), Batches(4), Each("thirds", thirds), Each("last")], ledger)
    assert kept(ledger, "last") == ["0a", "0b", "3a", "3b", "6a", "6b", "9a", "9b"]
    rows = {row.step: row for row in ledger.funnel()}
    third = rows["thirds"]
    assert (third.taken, third.kept, third.dropped, third.made) == (10, 4, 6, 8)
    assert (third.reasons, third.losses, third.tokens, third.cost) == ({"todo": 6}, {"no_code": 4}, 20, 1.0)
    assert all(ledger.is_finished(step) for step in ledger.steps)


def test_an_empty_source_ends(ledger):
    assert run([Numbers(0), Batches(4), Evens(), Each("last")], ledger)
    assert taken(ledger) == {"numbers": 0, "batches": 0, "evens": 0, "last": 0}


def test_steps_run_at_the_same_time(ledger):
    async def scenario():
        arrived = asyncio.Event()

        async def last(key, item):
            arrived.set()
            return keep(key, item)

        steps = [Numbers(3, after=arrived.wait), Each("middle"), Each("last", last)]
        return await asyncio.wait_for(PipelineRunner().run(steps, ledger, NoProgress()), TIMEOUT_S)

    assert asyncio.run(scenario())


@pytest.mark.parametrize("concurrency", [1, 3, 16])
def test_a_step_has_as_many_items_in_flight_as_it_wants(ledger, concurrency):
    flying, most = set(), []

    async def fly(key, item):
        flying.add(key)
        most.append(len(flying))
        await asyncio.sleep(0.001)
        flying.remove(key)
        return keep(key, item)

    run([Numbers(100), Each("fly", fly, concurrency)], ledger)
    assert max(most) == concurrency


def test_batches_are_full_but_for_the_last(ledger):
    step = Batches(7)
    run([Numbers(100), Each("before"), step], ledger)
    assert step.sizes == [7] * 14 + [2]


@pytest.mark.parametrize("size", [1, 2000])
def test_a_batch_may_be_larger_than_the_backlog(ledger, size):
    step = Batches(size)
    run([Numbers(2100), step], ledger)
    assert taken(ledger)["batches"] == 2100
    assert max(step.sizes) == size


def test_a_whole_step_sees_everything_in_order_and_waits_for_it(ledger):
    async def slowly(key, item):
        await asyncio.sleep(random.random() / 200)
        return keep(key, item)

    whole, last = Evens(), Each("last")
    run([Numbers(50), Each("slow", slowly, 16), whole, last], ledger)
    assert whole.seen == [str(number) for number in range(50)]
    assert kept(ledger, "last") == [str(number) for number in range(0, 50, 2)]


def test_a_whole_step_may_keep_more_than_the_backlog(ledger):
    last = Each("last")
    run([Numbers(2400), Evens(), last], ledger)
    assert len(kept(ledger, "last")) == 1200


def test_results_do_not_depend_on_timing_or_concurrency(tmp_path):
    def dump(concurrency):
        async def split(key, item):
            await asyncio.sleep(random.random() / 300)
            return Result(kept=tuple(Kept(f"{key}.{i}", case(i)) for i in range(1 + int(key) % 4)), cost=0.1)

        ledger = Ledger(tmp_path / f"{concurrency}.sqlite")
        run([Numbers(60), Each("split", split, concurrency), Each("last", concurrency=concurrency)], ledger)
        seen = list(ledger.kept_items("last", IoCase)), ledger.funnel()
        ledger.close()
        return seen

    assert dump(1) == dump(5) == dump(32)


@pytest.mark.slow
def test_reading_pauses_while_too_much_waits(ledger):
    async def scenario():
        async def never(key, item):
            await asyncio.Event().wait()

        source = Numbers(100_000)
        running = asyncio.create_task(PipelineRunner().run([source, Each("never", never)], ledger, NoProgress()))
        before = -1
        while len(source.yielded) > before:
            before = len(source.yielded)
            await asyncio.sleep(0.3)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        return before

    assert 0 < asyncio.run(scenario()) < 5000


@pytest.mark.parametrize(
    "error", [TeacherError("wrong key"), BrokenResult("two keys"), OSError(errno.ENOSPC, "the disk is full")]
)
def test_an_exception_ends_the_run_and_says_where(ledger, error):
    async def fails(key, item):
        await asyncio.sleep(0)
        if key == "7":
            raise error
        return keep(key, item)

    steps = [Numbers(20), Each("fails", fails, 1), Each("last")]
    with pytest.raises(type(error), match=re.escape(str(error))) as raised:
        run(steps, ledger)
    assert "in step 'fails', item 7" in raised.value.__notes__
    assert kept(ledger, "fails") == [str(number) for number in range(7)]

    again = [Numbers(20), Each("fails"), Each("last")]
    assert run(again, ledger)
    assert sorted(again[1].seen, key=int) == [str(number) for number in range(7, 20)]
    assert not set(steps[2].seen) & set(again[2].seen)
    assert kept(ledger, "last") == [str(number) for number in range(20)]


async def _says_nothing(key, item):
    return Result()


async def _cancels_itself(key, item):
    raise asyncio.CancelledError


async def _one_for_all(key, item):
    return keep("same", item)


class Stranger(Evens):
    def run(self, items):
        yield "stranger", drop(Reason.TODO)


class Bursting(Numbers):
    async def run(self, done):
        yield "unit 0", keep("0", case(0))
        raise OSError("the world is gone")


@pytest.mark.parametrize(
    ("steps", "error", "note"),
    [
        ([Numbers(3), Each("s", _says_nothing, 1)], BrokenResult, "in step 's', item 0"),
        ([Numbers(3), Each("s", _one_for_all, 1)], BrokenResult, "in step 's', item 1"),
        ([Numbers(3), Batches(3, short=1)], BrokenResult, "in step 'batches', item 0, 1, 2"),
        ([Numbers(3), Evens(forget=1)], BrokenResult, "2 results for 3 items"),
        ([Numbers(3), Stranger()], BrokenResult, "stranger is not an item of 'numbers'"),
        ([Bursting(1), Each("s")], OSError, "in step 'numbers', item after unit 0"),
        ([Each("s")], TypeError, "a pipeline is a SourceStep followed by"),
        ([Numbers(3), Numbers(3)], ValueError, "step names must be unique"),
    ],
)
def test_a_step_that_breaks_its_contract_is_a_defect(ledger, steps, error, note):
    with pytest.raises(error) as raised:
        run(steps, ledger)
    assert note in "\n".join([str(raised.value), *getattr(raised.value, "__notes__", ())])
    assert not ledger.steps or not ledger.is_finished(ledger.steps[-1])


def test_a_broken_whole_step_leaves_nothing(ledger):
    with pytest.raises(BrokenResult):
        run([Numbers(600), Evens(forget=1), Each("last")], ledger)
    assert taken(ledger) == {"numbers": 600, "evens": 0, "last": 0}
    assert run([Numbers(600), Evens(), Each("last")], ledger)
    assert taken(ledger) == {"numbers": 600, "evens": 600, "last": 300}


def test_stop_keeps_what_was_answered_and_the_same_run_goes_on(ledger):
    stop, cancelled = [], []

    async def stops(key, item):
        try:
            if key == "30":
                stop[0]()
            await asyncio.sleep(0.001)
        except asyncio.CancelledError:
            cancelled.append(key)
            raise
        return keep(key, item)

    first = [Numbers(200), Each("stops", stops, 4), Each("last")]
    assert run(first, ledger, stopping=stop) is False
    assert "30" in cancelled
    answered = kept(ledger, "stops")
    assert 20 < len(answered) < 35

    second = [Numbers(200), Each("stops"), Each("last")]
    assert run(second, ledger) is True
    assert Counter(second[1].seen) == Counter(set(map(str, range(200))) - set(answered))
    assert kept(ledger, "last") == [str(number) for number in range(200)]


def test_stop_before_the_start_begins_nothing(ledger):
    async def scenario():
        runner = PipelineRunner()
        runner.stop()
        return await runner.run([Numbers(3), Each("s")], ledger, NoProgress())

    assert asyncio.run(scenario()) is False
    assert taken(ledger) == {"numbers": 0, "s": 0}


def test_a_finished_run_does_nothing(ledger):
    assert run([Numbers(5), Evens(), Each("last")], ledger)
    again = [Numbers(5), Evens(), Each("last")]
    assert run(again, ledger)
    assert (again[0].yielded, again[1].seen, again[2].seen) == ([], [], [])


def test_other_steps_than_before_are_refused(ledger):
    run([Numbers(5), Each("a")], ledger)
    with pytest.raises(UsageError, match="this run has the steps numbers, a"):
        run([Numbers(5), Each("b")], ledger)


def test_equal_texts_and_repeated_units_of_a_source(ledger):
    class Repeating(Numbers):
        async def run(self, done):
            for key, text in [("f1", "x"), ("f2", "x"), ("f1", "ignored: the same unit"), ("f3", "y"), ("\udcff", "z")]:
                yield key, keep(text, case(text))

    assert run([Repeating(0), Each("last")], ledger)
    assert kept(ledger, "last") == ["x", "y", "z"]
    row = ledger.funnel()[0]
    assert (row.taken, row.kept, row.dropped, row.reasons) == (4, 3, 1, {"exact_duplicate": 1})


def test_progress_adds_up_to_the_funnel(ledger):
    class Watching(NoProgress):
        def __init__(self):
            self.counts, self.ended, self.first, self.last = Counter(), [], None, None

        def on_run_started(self, funnel):
            self.first = [(row.step, row.taken) for row in funnel]

        def on_result(self, step, result):
            self.counts.update({(step, "taken"): 1, (step, "made"): result.made, (step, "tokens"): result.tokens})

        def on_step_finished(self, step):
            self.ended.append(step)

        def on_run_ended(self, funnel):
            self.last = list(funnel)

    async def twice(key, item):
        return Result(kept=(Kept(f"{key}a", item), Kept(f"{key}b", item)), tokens=3)

    watching = Watching()
    run([Numbers(30), Each("twice", twice), Evens2(), Each("last")], ledger, watching)
    assert watching.first == [("numbers", 0), ("twice", 0), ("evens", 0), ("last", 0)]
    assert watching.ended == ["numbers", "twice", "evens", "last"]
    for row in ledger.funnel():
        reported = tuple(watching.counts[row.step, what] for what in ("taken", "made", "tokens"))
        assert reported == (row.taken, row.made, row.tokens)
    assert watching.last == ledger.funnel()
    again = Watching()
    run([Numbers(30), Each("twice", twice), Evens2(), Each("last")], ledger, again)
    assert (again.ended, again.counts) == (watching.ended, Counter())


def test_progress_of_a_step_that_starts_again_adds_up_to_the_funnel(ledger):
    class Counting(NoProgress):
        def __init__(self):
            self.counts, self.restarts = Counter(), []

        def on_result(self, step, result):
            self.counts[step] += 1

        def on_step_restarted(self, step):
            self.restarts.append(step)
            self.counts[step] = 0

    class Broken(Evens2):
        def run(self, items):
            for key, item in items():
                if key == "7a":
                    raise KeyError(key)
                yield key, keep(key, item)

    async def named(key, item):
        return keep(f"{key}a", item)

    counting = Counting()
    run([Numbers(30), Each("named", named), Broken(), Each("last")], ledger, counting)
    assert counting.restarts == ["evens"]
    assert {row.step: row.taken for row in ledger.funnel()} == dict(counting.counts)


class Evens2(Evens):
    def run(self, items):
        for key, item in items():
            yield key, keep(key, item) if key.endswith("a") else drop(Reason.NEAR_DUPLICATE)
