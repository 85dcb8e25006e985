"""One bad item costs itself, one bad hour costs nothing: what the pipeline runner makes of a step's exceptions."""

import asyncio
import errno
import logging

import pytest
from small_steps import TIMEOUT_S, Each, Evens, Numbers, case, kept, run, taken

from glotsmith.drop_reasons import Reason
from glotsmith.errors import BudgetError, DefectsError, OutageError, RepliesPendingError
from glotsmith.execution.base import FaultLimits, NoProgress
from glotsmith.execution.pipeline_runner import PipelineRunner
from glotsmith.ledger import Ledger
from glotsmith.records import IoCase
from glotsmith.step import BatchStep, Dropped, ItemStep, Kept, Result, WholeStep, drop, keep
from glotsmith.unanswered import BudgetReached, RequestPostponed, Unanswered, failures_are_accepted


def limited(steps, ledger, **limits):
    async def execute():
        runner = PipelineRunner(limits=FaultLimits(**limits))
        return await asyncio.wait_for(runner.run(steps, ledger, NoProgress()), TIMEOUT_S)

    return asyncio.run(execute())


def dropped(ledger, step):
    return {row.key: row.reason for row in ledger.dropped_rows(step) if row.status == "dropped"}


def raising(error, *keys):
    async def fails(key, item):
        if key in keys:
            raise error
        return keep(key, item)

    return fails


# --- internal errors ------------------------------------------------------------------------------------------------

ERRORS = [
    OverflowError("cannot convert float infinity to integer"),
    RecursionError("maximum recursion depth exceeded"),
    UnicodeEncodeError("utf-8", "\ud800", 0, 1, "surrogates not allowed"),
    ValueError("Exceeds the limit (4300 digits)"),
    KeyError("x"),
    AssertionError(),
    TypeError("unhashable type"),
    ExceptionGroup("several", [ZeroDivisionError("oh")]),
    OSError(errno.ENAMETOOLONG, "File name too long"),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda e: type(e).__name__)
def test_an_internal_error_drops_its_item_and_the_run_goes_on(ledger, error, caplog):
    assert run([Numbers(20), Each("fails", raising(error, "7")), Each("last")], ledger)
    assert dropped(ledger, "fails") == {"7": Reason.INTERNAL_ERROR}
    assert [*kept(ledger, "last")] == [str(n) for n in range(20) if n != 7]
    [row] = ledger.dropped_rows("fails")
    assert type(error).__name__ in row.detail and "test_pipeline_faults.py:" in row.detail
    [record] = [r for r in caplog.records if r.levelno == logging.ERROR]
    assert "step fails, item 7" in record.getMessage() and record.exc_info[1] is error


def test_a_step_that_cancels_itself_drops_its_item(ledger):
    async def cancels(key, item):
        if key == "1":
            raise asyncio.CancelledError
        return keep(key, item)

    assert run([Numbers(3), Each("s", cancels)], ledger)
    assert dropped(ledger, "s") == {"1": Reason.INTERNAL_ERROR}


class FussyBatches(BatchStep):
    name, output, size = "fussy", IoCase, 16

    def __init__(self, bad):
        self.bad, self.sizes = bad, []

    async def run(self, keys, items):
        self.sizes.append(len(keys))
        if self.bad & set(keys):
            raise ZeroDivisionError
        return [keep(key, item) for key, item in zip(keys, items, strict=True)]


@pytest.mark.parametrize("bad", [{"0"}, {"31"}, {"3", "4", "20"}])
def test_of_a_batch_the_culprits_alone_are_dropped(ledger, bad):
    step = FussyBatches(bad)
    assert run([Numbers(32), step], ledger)
    assert dropped(ledger, "fussy") == dict.fromkeys(bad, Reason.INTERNAL_ERROR)
    assert len(step.sizes) < 32


class FussyWhole(WholeStep):
    name, output = "fussy", IoCase

    def __init__(self, bad, on_pass=1):
        self.bad, self.on_pass = bad, on_pass

    def run(self, items):
        for key, _ in items():
            if self.on_pass == 1 and key in self.bad:
                raise ZeroDivisionError
        for key, item in items():
            if self.on_pass == 2 and key in self.bad:
                raise ZeroDivisionError
            yield key, keep(key, item)


@pytest.mark.parametrize("on_pass", [1, 2])
@pytest.mark.parametrize("bad", [{"0"}, {"9"}, {"3", "4"}])
def test_of_a_whole_step_the_culprits_alone_are_dropped(ledger, bad, on_pass):
    assert run([Numbers(10), FussyWhole(bad, on_pass), Each("last")], ledger)
    assert dropped(ledger, "fussy") == dict.fromkeys(bad, Reason.INTERNAL_ERROR)
    assert kept(ledger, "last") == [str(n) for n in range(10) if str(n) not in bad]


class BrokenAtTheEnd(Evens):
    def run(self, items):
        yield from super().run(items)
        raise ZeroDivisionError("of no item")


def test_an_error_of_a_whole_step_that_is_no_items_ends_the_run(ledger):
    with pytest.raises(ZeroDivisionError):
        run([Numbers(4), BrokenAtTheEnd()], ledger)
    assert taken(ledger)["evens"] == 0


@pytest.mark.parametrize(
    ("bad", "limit", "stops"),
    [
        (range(1000), 20, True),  # all
        (range(0), 20, False),
        (range(21, 42), 20, True),  # 21 in a row
        (range(0, 1000, 25), 20, False),  # 4 %
        (range(0, 1000, 10), 20, True),  # 10 %
        (range(0, 1000, 50), 0, True),  # the first is too many
        (range(3), 3, False),
        (range(4), 3, True),
    ],
)
def test_many_internal_errors_stop_the_run_with_a_sentence(ledger, bad, limit, stops):
    steps = [Numbers(1000), Each("fails", raising(ZeroDivisionError("oh"), *map(str, bad)), 1), Each("last")]
    if not stops:
        assert limited(steps, ledger, internal_errors=limit)
        return
    with pytest.raises(DefectsError, match=r"internal errors in step fails: .*ZeroDivisionError: oh.*log"):
        limited(steps, ledger, internal_errors=limit)


def everything(ledger):
    rows = [(row.step, row.position, row.key, row.data) for step in ledger.steps for row in ledger.kept_rows(step)]
    return rows, [(row.step, row.position, row.key, row.reason) for row in ledger.dropped_rows()], ledger.funnel()


@pytest.mark.parametrize("bad", [("7",), ("0", "19"), tuple(map(str, range(0, 20, 3)))])
def test_items_can_be_tried_again_after_a_fix_and_the_result_is_that_of_a_right_run(tmp_path, bad):
    async def halves(key, item):
        parts = Kept(f"{key}a", case(f"{key}a")), Kept(f"{key}b", case(f"{key}b"))
        return drop(Reason.TODO) if int(key) % 5 == 0 else Result(kept=parts)

    class Sevens(Evens):
        name = "sevens"

        def run(self, items):
            self.seen = [key for key, _ in items()]
            for key, item in items():
                yield key, keep(key, item) if len(self.seen) % 2 or "7" not in key else drop(Reason.NEAR_DUPLICATE)

    def steps(bad):
        return [Numbers(20), Each("fails", raising(ZeroDivisionError(), *bad)), Each("halves", halves), Sevens(),
                Each("last")]  # fmt: skip

    right, reopened = Ledger(tmp_path / "right.sqlite"), Ledger(tmp_path / "reopened.sqlite")
    run(steps(()), right)
    run(steps(bad), reopened)
    assert everything(reopened) != everything(right)
    assert reopened.reopen(Reason.INTERNAL_ERROR, {"sevens"}) == len(bad)
    assert reopened.reopen(Reason.INTERNAL_ERROR, {"sevens"}) == 0
    run(steps(()), reopened)
    assert everything(reopened) == everything(right)
    right.close()
    reopened.close()


# --- failures of teacher and machine --------------------------------------------------------------------------------


class Server:
    """A service, and its health."""

    name = "the teacher (ask)"

    def __init__(self, up=True, poison=()):
        self.up, self.poison, self.answered, self.requests, self.ever = up, poison, 0, [], False

    async def reply(self, key):
        self.requests.append(key)
        await asyncio.sleep(0)
        if self.up and key not in self.poison:
            self.answered, self.ever = self.answered + 1, True
            return "yes"
        if failures_are_accepted():
            return None
        raise Unanswered(Reason.TEACHER_FAILED, f"500: no {key}", self)

    async def works(self):
        return self.up and self.ever


class Ask(ItemStep):
    name, output = "ask", IoCase

    def __init__(self, server, concurrency=4):
        self.server, self.concurrency = server, concurrency

    async def run(self, key, item):
        reply = await self.server.reply(key)
        return drop(Reason.TEACHER_FAILED) if reply is None else keep(key, item)


def asking(server, count=30, concurrency=4):
    return [Numbers(count), Ask(server, concurrency), Evens(), Each("last")]


def test_a_broken_service_stops_the_run_and_leaves_all_open(ledger):
    server = Server(up=False)
    for _ in range(5):  # however often it is started
        with pytest.raises(OutageError, match=r"the teacher \(ask\) failed 10 times in a row.*500: no"):
            limited(asking(server), ledger)
        assert (taken(ledger)["ask"], dropped(ledger, "ask")) == (0, {})
    server.up = True
    assert run(asking(server), ledger)
    assert taken(ledger) == {"numbers": 30, "ask": 30, "evens": 30, "last": 15}


@pytest.mark.parametrize("count", [1, 4, 6])
def test_fewer_items_than_the_limit_stay_open_too(ledger, count):
    server = Server(up=False)
    for _ in range(5):
        with pytest.raises(OutageError, match=f"stay open .ask {count}.*500: no"):
            limited(asking(server, count), ledger)
    server.up = True
    assert run(asking(server, count), ledger)
    assert kept(ledger, "ask") == [str(n) for n in range(count)]


@pytest.mark.parametrize("limit", [1, 3, 12])
def test_the_number_of_failures_in_a_row_can_be_set(ledger, limit):
    server = Server(up=False)
    with pytest.raises(OutageError, match=f"failed {limit} time{'s' if limit > 1 else ''} in a row"):
        limited(asking(server, concurrency=1), ledger, failures=limit)
    assert len(server.requests) == limit


@pytest.mark.parametrize("after", [0, 1, 7, 22])
def test_a_service_that_breaks_in_midst_of_a_run_costs_nothing(tmp_path, after):
    class Breaking(Server):
        async def reply(self, key):
            self.up = self.up and self.answered < after
            return await super().reply(key)

    right, ledger = Ledger(tmp_path / "right.sqlite"), Ledger(tmp_path / "broken.sqlite")
    run(asking(Server()), right)
    server = Breaking()
    for _ in range(4):
        with pytest.raises(OutageError):
            limited(asking(server), ledger)
    assert run(asking(Server()), ledger)
    assert everything(ledger) == everything(right)


@pytest.mark.parametrize("poison", [("3",), ("29",), ("0", "14", "15", "29")])
def test_an_item_that_fails_by_itself_is_dropped_after_so_many_runs(ledger, poison):
    server = Server(poison=poison)
    for _ in range(2):
        with pytest.raises(OutageError, match=f"stay open .ask {len(poison)}"):
            limited(asking(server), ledger)
        assert dropped(ledger, "ask") == {}
        assert taken(ledger)["evens"] == 0
    assert run(asking(server), ledger)
    assert dropped(ledger, "ask") == dict.fromkeys(poison, Reason.TEACHER_FAILED)
    assert kept(ledger, "ask") == [str(n) for n in range(30) if str(n) not in poison]


@pytest.mark.parametrize(
    ("postponed", "poison", "expected"),
    [
        (RequestPostponed(RepliesPendingError("later")), (), RepliesPendingError),
        (RequestPostponed(RepliesPendingError("later")), ("3",), RepliesPendingError),
        (BudgetReached(BudgetError("a budget")), (), BudgetError),
        (BudgetReached(BudgetError("a budget")), ("3",), OutageError),
    ],
)
def test_a_failure_is_reported_when_no_reply_arrives_later(ledger, postponed, poison, expected):
    class Later(Server):
        later = True

        async def reply(self, key):
            if self.later and key == "5":
                raise postponed
            return await super().reply(key)

    server = Later(poison=poison)
    with pytest.raises(expected):
        limited(asking(server), ledger)
    server.later = False
    if poison:
        with pytest.raises(OutageError, match="500: no 3"):
            limited(asking(server), ledger)
    else:
        assert run(asking(server), ledger)


def test_outages_do_not_count_as_failures_of_the_item(ledger):
    server = Server(poison=("3",))
    for up in (True, False, False, False, False):
        server.up = up
        with pytest.raises(OutageError):
            limited(asking(server), ledger)
    server.up, server.poison = True, ()
    assert run(asking(server), ledger)
    assert dropped(ledger, "ask") == {}


def test_more_poisoned_items_than_the_limit_are_dropped_in_time(ledger):
    server = Server(poison=tuple(map(str, range(5, 30))))
    for _ in range(20):
        try:
            done = limited(asking(server), ledger)
        except OutageError:
            continue
        break
    assert done and len(dropped(ledger, "ask")) == 25


def test_a_short_outage_is_made_up_for_in_the_same_run(ledger):
    class Shaky(Server):
        async def reply(self, key):
            self.up = not 8 <= len(self.requests) < 14
            return await super().reply(key)

    assert run(asking(Shaky()), ledger)
    assert dropped(ledger, "ask") == {}


@pytest.mark.parametrize("error", [MemoryError(), OSError(errno.EMFILE, "Too many open files")])
def test_a_machine_without_memory_or_files_leaves_items_open(ledger, error):
    with pytest.raises(OutageError, match="this machine failed 10 times in a row"):
        limited([Numbers(30), Each("s", raising(error, *map(str, range(30))))], ledger)
    assert taken(ledger)["s"] == 0
    assert run([Numbers(30), Each("s")], ledger)
    assert dropped(ledger, "s") == {}


def test_what_runs_beside_an_open_item_goes_on_to_its_end(ledger):
    server, last = Server(poison=("0",)), Each("after")
    with pytest.raises(OutageError):
        limited([Numbers(30), Ask(server), last], ledger)
    assert sorted(last.seen, key=int) == [str(n) for n in range(1, 30)]
    assert not ledger.is_finished("ask") and not ledger.is_finished("after")


def test_a_batch_stays_open_whole(ledger):
    class AskAll(BatchStep):
        name, output, size = "all", IoCase, 8

        def __init__(self, server):
            self.server = server

        async def run(self, keys, items):
            await self.server.reply(keys[0])
            return [keep(key, item) for key, item in zip(keys, items, strict=True)]

    server = Server(up=False)
    with pytest.raises(OutageError):
        limited([Numbers(20), AskAll(server)], ledger)
    assert taken(ledger)["all"] == 0
    server.up = True
    assert run([Numbers(20), AskAll(server)], ledger)
    assert taken(ledger)["all"] == 20


def test_a_ledger_from_before_the_count_of_runs_can_be_read_and_written(ledger):
    ledger.register_steps(["source", "ask"])
    assert ledger.open_items.failed_runs("ask", "x") == 0
    ledger.count_failed_run("ask", "x")
    ledger.count_failed_run("ask", "x")  # once a run
    ledger.flush()
    again = Ledger(ledger.path)
    assert again.open_items.failed_runs("ask", "x") == 1
    again.count_failed_run("ask", "x")
    again.flush()
    assert again.open_items.failed_runs("ask", "x") == 2
    again.close()


def test_losses_of_one_item_do_not_count_as_internal_errors_of_it(ledger):
    async def loses(key, item):
        return Result(kept=(Kept(key, item),), dropped=(Dropped(Reason.INTERNAL_ERROR, key=f"{key}x"),))

    assert limited([Numbers(30), Each("s", loses)], ledger, internal_errors=0)
