"""What a run may spend: requests wait and are refused at a limit, and killed runs know what they may have paid."""

import asyncio
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import cast

import pytest

from glotsmith.api.budget_watch import RowCounter, counting_time
from glotsmith.api.run_teachers import reply_recorder
from glotsmith.api.spending import RunSpending, check_prices
from glotsmith.budget import BudgetUnit, parse_budget
from glotsmith.cache import Cache
from glotsmith.errors import BudgetError, RepliesPendingError, TeacherError, TeacherOutage, UsageError
from glotsmith.exchanges import ReplyCosts
from glotsmith.execution.base import NoProgress, RecordedResult
from glotsmith.ledger import Ledger
from glotsmith.records import FunnelRow
from glotsmith.teachers import open_teacher
from glotsmith.teachers.base import Reply, Request, Sampling, Teacher
from glotsmith.teachers.batch import BatchOptions, BatchRounds
from glotsmith.teachers.batch.server import BatchServer
from glotsmith.teachers.limiter import Clock
from glotsmith.teachers.prices import ModelPrice
from glotsmith.teachers.wrappers import CachedTeacher
from glotsmith.unanswered import BudgetReached, RequestPostponed

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "budget.py"


class Priced(Teacher):
    """Each reply has 100 tokens and costs a dollar; it comes when the gate is open."""

    name, model, fingerprint, slots = "priced", "m", "f", 4
    price = ModelPrice(10_000, 10_000, "here")

    def __init__(self) -> None:
        self.sent = Counter[str]()
        self.open = asyncio.Event()
        self.finish = "stop"
        self.refuses = asyncio.Event()
        self.refusal: TeacherError | None = None  #: of the first request

    async def reply(self, request: Request) -> Reply:
        self.sent[request.prompt] += 1
        if self.refusal is not None and self.sent.total() == 1:
            await self.refuses.wait()
            raise self.refusal
        await self.open.wait()
        if self.finish == "error":
            return Reply(text="", finish_reason="error")
        return Reply(text="a", input_tokens=40, output_tokens=60, cost=1.0)

    async def close(self) -> None:
        pass


def request(number: int, language: str = "lua") -> Request:
    sampling = Sampling(max_tokens=90)
    return Request(
        call="c", item=f"i{number}", prompt=f"{number:030}", sampling=sampling, context={"language": language}
    )


class Run:
    """A run without steps: a ledger, a cache and a teacher with a budget."""

    def __init__(self, folder: Path, *budget: str, languages: tuple[str, ...] = ()) -> None:
        self.ledger = Ledger(folder / "ledger.sqlite")
        self.ledger.register_steps(["one"])
        self.cache = Cache(folder / "cache.sqlite")
        self.teacher = Priced()
        self.ended: list[BudgetError] = []
        limits = parse_budget(budget, str)
        self.spending = RunSpending(limits, self.ledger, self.teacher, self.ended.append, languages)
        self.cached = CachedTeacher(self.teacher, self.cache, reply_recorder(self.ledger), self.spending)

    async def ask(self, *requests: Request) -> list[Reply | BaseException]:
        return await asyncio.gather(*(self.cached.reply(each) for each in requests), return_exceptions=True)

    async def close(self) -> None:
        await self.cached.close()
        self.ledger.close()
        self.cache.close()

    def kill(self) -> None:
        """End as a process that is killed: what is not committed is lost."""
        self.ledger._rollback()
        self.ledger.close()
        self.cache.close()


def refused(found: list[Reply | BaseException]) -> int:
    assert all(isinstance(each, Reply | BudgetReached) for each in found), found
    return sum(isinstance(each, BudgetReached) for each in found)


async def turns() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("budget", "answered"),
    [("3usd", 3), ("2.5usd", 3), ("250tok", 3), ("0.1usd", 1), ("1tok", 1), ("1ktok", 10), ("1000usd", 12)],
)
def test_requests_end_at_the_limit(tmp_path: Path, budget: str, answered: int) -> None:
    async def main() -> None:
        run = Run(tmp_path, budget)
        run.teacher.open.set()
        found = await run.ask(*(request(number) for number in range(12)))
        assert (12 - refused(found), len(run.ended)) == (answered, answered < 12)
        await run.close()

    asyncio.run(main())


def test_no_more_requests_are_in_flight_than_slots_and_all_that_are_get_their_replies(tmp_path: Path) -> None:
    async def main() -> None:
        run = Run(tmp_path, "100Mtok")
        asking = asyncio.create_task(run.ask(*(request(number) for number in range(9))))
        await turns()
        assert run.teacher.sent.total() == 4
        run.teacher.open.set()
        assert refused(await asking) == 0
        await run.close()

    asyncio.run(main())


def test_an_estimate_of_the_first_requests_keeps_them_below_a_small_limit(tmp_path: Path) -> None:
    async def main() -> None:
        run = Run(tmp_path, "150tok")
        asking = asyncio.create_task(run.ask(*(request(number) for number in range(4))))
        await turns()
        assert run.teacher.sent.total() == 2  # each may cost 101 tokens: 30 bytes of prompt and 90 tokens
        run.teacher.open.set()
        await asking
        await run.close()

    asyncio.run(main())


def test_a_limit_of_one_language_stops_only_this_language(tmp_path: Path) -> None:
    async def main() -> None:
        run = Run(tmp_path, "ocaml=2usd", languages=("lua", "ocaml"))
        run.teacher.open.set()
        ocaml = await run.ask(*(request(number, "ocaml") for number in range(5)))
        lua = await run.ask(*(request(number, "lua") for number in range(5, 10)))
        assert (refused(ocaml), refused(lua), run.ended) == (3, 0, [])
        await run.close()

    asyncio.run(main())


def test_a_run_ends_when_each_language_has_reached_its_limit(tmp_path: Path) -> None:
    async def main() -> None:
        run = Run(tmp_path, "ocaml=2usd", "lua=1usd", languages=("lua", "ocaml"))
        run.teacher.open.set()
        await run.ask(*(request(number, "ocaml") for number in range(5)))
        assert run.ended == []
        await run.ask(*(request(number, "lua") for number in range(5, 10)))
        assert len(run.ended) == 1
        await run.close()

    asyncio.run(main())


def test_replies_from_the_cache_cost_nothing_and_come_also_after_the_limit(tmp_path: Path) -> None:
    async def main() -> None:
        for budget, count in (("3usd", 3), ("5usd", 5)):
            run = Run(tmp_path, budget)
            run.teacher.open.set()
            found = await run.ask(*(request(number) for number in range(count + 4)))
            again = await run.ask(*(request(number) for number in range(count)))
            assert (refused(found), refused(again)) == (4, 0)
            assert run.spending.amount(BudgetUnit.usd) == count
            await run.close()
        assert run.teacher.sent.total() == 2  # three were stored by the first run

    asyncio.run(main())


@pytest.mark.parametrize("finish", ["stop", "error"])
def test_what_a_kill_interrupts_counts_until_its_reply_is_found(tmp_path: Path, finish: str) -> None:
    async def main() -> None:
        run = Run(tmp_path, "1000tok")
        asking = asyncio.create_task(run.ask(request(1), request(2)))
        await turns()
        run.kill()
        asking.cancel()
        again = Run(tmp_path, "1000tok")
        assert again.spending.amount(BudgetUnit.tokens) == 2 * 101  # at most that
        assert again.spending.received() == ReplyCosts()
        assert [(left.text, left.left) for left in again.spending.budgets()] == [("1000tok", 1000 - 2 * 101)]
        again.teacher.open.set()
        again.teacher.finish = finish
        await again.ask(request(1), request(2))
        assert again.spending.amount(BudgetUnit.tokens) == 2 * 101 + (200 if finish == "stop" else 0)
        await again.close()

    asyncio.run(main())


def test_a_reply_that_was_stored_before_the_kill_counts_once_with_its_price(tmp_path: Path) -> None:
    async def main() -> None:
        run = Run(tmp_path, "1000tok")
        run.teacher.open.set()
        await run.ask(request(1))
        run.kill()  # the ledger loses what the cache holds
        again = Run(tmp_path, "1000tok")
        assert again.spending.amount(BudgetUnit.tokens) == 101
        await again.ask(request(1))
        assert (again.spending.amount(BudgetUnit.tokens), again.teacher.sent.total()) == (100, 0)
        costs = again.ledger.exchanges.total_costs()
        assert costs is not None
        assert (costs[0].requests, costs[1].requests) == (1, 0)
        assert again.spending.received() == costs[0]
        await again.close()
        last = Run(tmp_path, "1000tok")
        assert last.spending.amount(BudgetUnit.tokens) == 100
        await last.close()

    asyncio.run(main())


def test_a_request_that_fails_costs_nothing(tmp_path: Path) -> None:
    async def main() -> None:
        run = Run(tmp_path, "1000tok")
        run.teacher.open.set()
        run.teacher.finish = "error"
        await run.ask(request(1))
        await run.close()
        again = Run(tmp_path, "1000tok")
        assert again.spending.amount(BudgetUnit.tokens) == 0
        await again.close()

    asyncio.run(main())


@pytest.mark.parametrize(
    ("error", "counted"), [(TeacherError("the key is wrong"), False), (TeacherOutage("no server answers"), True)]
)
def test_requests_that_a_refusal_interrupts_cost_nothing(tmp_path: Path, error: TeacherError, counted: bool) -> None:
    async def main() -> None:
        run = Run(tmp_path, "1000tok")
        run.teacher.refusal = error
        asking = asyncio.gather(*(run.cached.reply(request(n)) for n in range(3)), return_exceptions=True)
        await turns()
        run.teacher.refuses.set()
        await turns()
        await run.close()
        await asking
        again = Run(tmp_path, "1000tok")
        assert bool(again.spending.amount(BudgetUnit.tokens)) == counted
        await again.close()

    asyncio.run(main())


def test_no_request_tests_the_teacher_after_the_limit(tmp_path: Path) -> None:
    async def main() -> None:
        run = Run(tmp_path, "1usd")
        run.teacher.open.set()
        await run.ask(request(1))
        assert not await run.cached.monitored.works("c")
        assert run.teacher.sent.total() == 1
        await run.close()

    asyncio.run(main())


def test_a_request_that_tests_the_teacher_costs_too(tmp_path: Path) -> None:
    async def main() -> None:
        run = Run(tmp_path, "5usd")
        run.teacher.open.set()
        await run.ask(request(1))
        assert await run.cached.monitored.works("c")
        assert run.spending.amount(BudgetUnit.usd) == 2
        await run.close()
        again = Run(tmp_path, "5usd")
        assert again.spending.amount(BudgetUnit.usd) == 2
        await again.close()

    asyncio.run(main())


def test_a_cancelled_request_that_waits_frees_its_place(tmp_path: Path) -> None:
    async def main() -> None:
        run = Run(tmp_path, "100usd")
        asking = asyncio.create_task(run.ask(*(request(number) for number in range(4))))
        await turns()
        waiting = asyncio.create_task(run.spending.admit(request(5), "a"))
        await turns()
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        run.teacher.open.set()
        await asking
        assert refused(await run.ask(*(request(number) for number in range(10, 20)))) == 0
        await run.close()

    asyncio.run(main())


def test_running_time_counts_over_all_starts(tmp_path: Path) -> None:
    async def main() -> None:
        for starts, ended in ((1, 0), (2, 1)):
            run = Run(tmp_path, "90s")
            async with counting_time(run.spending, 999, iter((0.0, 50.0)).__next__):
                pass
            assert (run.spending.amount(BudgetUnit.seconds), len(run.ended)) == (50 * starts, ended)
            if ended:
                run.teacher.open.set()
                assert refused(await run.ask(request(1))) == 1
            await run.close()

    asyncio.run(main())


class Rows:
    """Counts rows: of each two items that a step keeps, one becomes a row."""

    def __init__(self, run: Run) -> None:
        self.counts: list[int] = []
        self.kept = 0
        self.counter = RowCounter(NoProgress(), run.spending, "last", self.count)

    async def count(self) -> Counter[str]:
        await asyncio.sleep(0)
        self.counts.append(self.kept)
        return Counter(lua=self.kept // 2)

    async def keep(self, count: int) -> None:
        for _ in range(count):
            self.kept += 1
            self.counter.on_result("last", RecordedResult(1))
            await turns()


@pytest.mark.parametrize("budget", ["50rows", "lua=50rows"])
def test_rows_are_counted_so_rarely_that_the_limit_is_not_missed(tmp_path: Path, budget: str) -> None:
    async def main() -> None:
        run = Run(tmp_path, budget, languages=("lua",))
        run.teacher.open.set()
        rows = Rows(run)
        rows.counter.on_run_started([FunnelRow(step="last", taken=0, kept=0, dropped=0, made=0)])
        await rows.keep(99)
        assert run.ended == []
        await rows.keep(1)
        assert (len(run.ended), rows.counts[-1]) == (1, 100)
        assert len(rows.counts) < 12
        assert refused(await run.ask(request(1))) == 1
        await rows.counter.close()
        await run.close()

    asyncio.run(main())


def test_no_reply_comes_while_rows_are_counted_or_after_there_are_enough(tmp_path: Path) -> None:
    async def main() -> None:
        run = Run(tmp_path, "1rows")
        run.teacher.open.set()
        await run.ask(request(1))
        run.spending.begin_count()
        waiting = asyncio.create_task(run.ask(request(1)))
        await turns()
        assert not waiting.done()
        run.spending.set_rows(Counter(lua=1))
        run.spending.end_count()
        assert refused(await waiting) == 1  # also of the cache
        await run.close()

    asyncio.run(main())


@pytest.mark.parametrize(
    ("teacher", "budget", "words"),
    [
        ("openai", "5usd", "the price of 'm' is unknown.*teacher.input_price"),
        ("offline", "5usd", "the teacher offline has no price"),
        ("openai", "5Mtok", ""),
        ("offline", "3h", ""),
    ],
)
def test_dollars_need_a_price(teacher: str, budget: str, words: str) -> None:
    options = {"model": "m", "base_url": "http://localhost/v1"} if teacher == "openai" else {}
    limits = parse_budget([budget], str)
    if not words:
        check_prices(limits, open_teacher(teacher, **options))
        return
    with pytest.raises(UsageError, match=words):
        check_prices(limits, open_teacher(teacher, **options))


@pytest.mark.slow
def test_killed_and_resumed_runs_keep_their_limits_and_send_nothing_twice() -> None:
    command = [sys.executable, BENCHMARK, "--runs", "1", "--seed", "4"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 run, " in done.stdout
    assert ", 2 budgets reached" in done.stdout


# --- replies that arrive later -------------------------------------------------------------------------------------


class Later(Priced):
    """A teacher whose replies arrive when a later start asks."""

    rounds = BatchRounds(BatchOptions(model="m"), cast(BatchServer, None), str, Clock())  # no method is called

    def __init__(self, arrived: set[str]) -> None:
        super().__init__()
        self.open.set()
        self._arrived = arrived

    async def reply(self, request: Request) -> Reply:
        if request.prompt not in self._arrived:
            raise RequestPostponed(RepliesPendingError("later"))
        return await super().reply(request)


class LaterRun(Run):
    """A start of a run whose replies arrive later."""

    def __init__(self, folder: Path, budget: str, arrived: set[str]) -> None:
        self.ledger, self.cache = Ledger(folder / "ledger.sqlite"), Cache(folder / "cache.sqlite")
        self.ledger.exchanges.create_tables()
        self.teacher = Later(arrived)
        self.ended = []
        self.spending = RunSpending(parse_budget([budget], str), self.ledger, self.teacher, self.ended.append)
        self.cached = CachedTeacher(self.teacher, self.cache, reply_recorder(self.ledger), self.spending)


async def outcomes_of_start(
    folder: Path, budget: str, arrived: set[str], requests: list[Request]
) -> tuple[list[str], float, int]:
    """Start once; return what each request ends with, the dollars counted, and how often the budget ended the run."""
    run = LaterRun(folder, budget, arrived)
    found = await run.ask(*requests)
    names = [one.text if isinstance(one, Reply) else type(one).__name__ for one in found]
    amount, ended = run.spending.amount(BudgetUnit.usd), len(run.ended)
    await run.close()
    run.ledger.close()
    run.cache.close()
    return names, amount, ended


async def later_starts(folder: Path) -> None:
    requests = [request(n) for n in range(6)]  # each may cost a dollar: 10 tokens of prompt, 90 of reply
    names, amount, ended = await outcomes_of_start(folder, "3.2usd", set(), requests)
    assert (names, ended) == (["RequestPostponed"] * 6, 0)
    assert 3.2 <= amount <= 3.2 + 1.1  # a request that does not fit is not sent, and the budget is not reached
    assert await outcomes_of_start(folder, "3.2usd", set(), requests) == (names, amount, 0)  # nothing counts twice
    sent = LaterRun(folder, "9usd", set()).ledger.exchanges.sent()
    assert len(sent) == 4
    arrived = {one.prompt for one in requests if any(Later(set()).address(one) == s.address for s in sent)}
    names, amount, ended = await outcomes_of_start(folder, "3.2usd", arrived, requests)
    assert (names.count("a"), amount, ended) == (4, pytest.approx(4.0), 1)  # what they cost, not what they may cost
    names, amount, ended = await outcomes_of_start(folder, "9usd", {one.prompt for one in requests}, requests)
    assert (names, amount, ended) == (["a"] * 6, pytest.approx(6.0), 0)


def test_requests_with_later_replies_count_at_the_most_that_they_may_cost(tmp_path: Path) -> None:
    asyncio.run(later_starts(tmp_path))
