"""Bound what a run spends: admit requests while its budgets allow them, and end the run at a limit.

Amounts come from the ledger (``exchanges.py``), so they count all starts of a run. A request is admitted while the
amount spent, plus the expected amount of the requests in flight, is below each limit. So a limit is exceeded by no more
than the requests in flight, of which there is at most one for each slot of the teacher.
"""

import asyncio
import logging
import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from glotsmith.budget import BudgetLimit, BudgetUnit, format_amount, of_language
from glotsmith.counts import counted
from glotsmith.errors import BudgetError, RepliesPendingError, UsageError
from glotsmith.exchanges import ReplyCosts, SentRequest
from glotsmith.ledger import Ledger
from glotsmith.teachers.base import Reply, Request, Teacher
from glotsmith.unanswered import BudgetReached, RequestPostponed

_log = logging.getLogger(__name__)
_BYTES_PER_TOKEN = 3  #: at least, in a prompt; tokenisers need about four for a token of code
_MONEY = (BudgetUnit.usd, BudgetUnit.tokens)


class BudgetLeft(NamedTuple):
    """What is left of a limit."""

    text: str  #: the limit as the user wrote it
    unit: BudgetUnit
    left: float  #: US dollars, tokens, seconds or rows


class _Waiter(NamedTuple):
    request: Request
    admitted: asyncio.Future[None]


class RunSpending:
    """What a run has spent, and its limits (``teachers.wrappers.RequestGate``)."""

    def __init__(
        self,
        limits: Sequence[BudgetLimit],
        ledger: Ledger,
        teacher: Teacher,
        on_reached: Callable[[BudgetError], None],
        languages: Iterable[str] = (),
    ) -> None:
        """Read what earlier starts spent.

        Args:
            limits: of the run.
            ledger: of the run.
            teacher: the teacher that answers, with its price and its slots.
            on_reached: called once, when the whole run must end.
            languages: of the run; it ends when each of them has reached a limit of its own.

        """
        self.limits = limits
        self._ledger, self._teacher, self._on_reached = ledger, teacher, on_reached
        self._languages = frozenset(languages)
        self._is_stored = any(limit.unit in _MONEY for limit in limits)
        self._paid = defaultdict[str, ReplyCosts](ReplyCosts)  #: by language of the request; "" for all
        self._lost = defaultdict[str, list[SentRequest]](list)  #: by address: those that the end of a start interrupted
        for language, (paid, _) in ledger.exchanges.costs_by_language().items():
            self._add_paid(language, paid)
        self._postponed = defaultdict[str, ReplyCosts](ReplyCosts)  #: by language: of requests that are answered later
        self._arrives_later = getattr(teacher, "rounds", None) is not None  # a user's own teacher may not have it
        for sent in ledger.exchanges.sent():
            self._add_lost(sent)
        self._rows = Counter[str]()
        self._seconds = ledger.exchanges.run_seconds()
        self._in_flight = Counter[str]()  #: by language of the request
        self._sent = dict[str, SentRequest]()  #: by address
        self._waiting = deque[_Waiter]()
        self._reached = dict[str, BudgetError]()  #: by language; "" for the whole run
        self._counted = asyncio.Event()  #: whether the rows are counted
        self._counted.set()

    # --- amounts ---------------------------------------------------------------------------------------------------

    def amount(self, unit: BudgetUnit, language: str = "") -> float:
        """Return what is spent so far, by the whole run or for one language, with requests that were interrupted."""
        if unit == BudgetUnit.seconds:
            return self._seconds
        if unit == BudgetUnit.rows:
            return self._rows[language] if language else self._rows.total()
        return self._paid[language].cost if unit == BudgetUnit.usd else self._paid[language].tokens

    def received(self) -> ReplyCosts:
        """Return the costs of the replies that the run has paid for, as the ledger states them."""
        lost = [sent for requests in self._lost.values() for sent in requests]
        paid = self._paid[""]
        cost, tokens = paid.cost - sum(sent.cost for sent in lost), paid.tokens - sum(sent.tokens for sent in lost)
        return ReplyCosts(paid.requests, max(0.0, cost), tokens, paid.unpriced)

    def budgets(self) -> tuple[BudgetLeft, ...]:
        """Return each limit of the run and what is left of it."""
        return tuple(
            BudgetLeft(limit.text, limit.unit, max(0.0, limit.amount - self.amount(limit.unit, limit.language)))
            for limit in self.limits
        )

    def _later(self, unit: BudgetUnit, language: str) -> float:
        """Return the part of an amount that requests with later replies may cost."""
        if unit not in _MONEY:
            return 0.0
        return self._postponed[language].cost if unit == BudgetUnit.usd else self._postponed[language].tokens

    def _add_paid(self, language: str, costs: ReplyCosts) -> None:
        for scope in {"", language}:
            self._paid[scope] += costs

    def _add_lost(self, sent: SentRequest) -> None:
        """Count a request that has no reply at the most that it may cost."""
        self._lost[sent.address].append(sent)
        self._add_paid(sent.language, ReplyCosts(0, sent.cost, sent.tokens))
        if self._arrives_later:
            self._add_postponed(sent.language, ReplyCosts(0, sent.cost, sent.tokens))

    def _add_postponed(self, language: str, costs: ReplyCosts) -> None:
        for scope in {"", language}:
            self._postponed[scope] += costs

    def _expected(self, unit: BudgetUnit, language: str, request: Request) -> float:
        """Return what one request costs on average; before the first reply, what this request costs at most."""
        paid = self._paid[language if self._paid[language].requests else ""]
        if paid.requests:
            return (paid.cost if unit == BudgetUnit.usd else paid.tokens) / paid.requests
        tokens, cost = self._at_most(request)
        return cost if unit == BudgetUnit.usd else tokens

    def _at_most(self, request: Request) -> tuple[int, float]:
        """Return about how many tokens and US dollars a request may cost at most."""
        inputs = request.prompt_bytes // _BYTES_PER_TOKEN + 1
        outputs, price = request.sampling.max_tokens, self._teacher.price
        return inputs + outputs, price.cost(inputs, outputs) if price else 0.0

    # --- requests --------------------------------------------------------------------------------------------------

    async def check(self, request: Request) -> None:
        """Wait while rows are counted.

        Raises:
            BudgetReached: there are enough rows. Not even a reply from the cache may add one.

        """
        await self._counted.wait()
        for language in ("", _language(request)):
            if (error := self._reached.get(language)) is not None and self._is_reached(BudgetUnit.rows, language):
                raise BudgetReached(error)

    async def admit(self, request: Request, address: str) -> None:
        """Wait until the budgets allow a request, and count it as one in flight.

        Raises:
            BudgetReached: a limit is reached.

        """
        if self._arrives_later and self._lost.get(address):  # it was sent: its reply, if it has arrived, is paid for
            self._in_flight[_language(request)] += 1
            return
        self._refuse(request)
        if self._waiting or not self._fits(request):
            await self._wait(request)
        else:
            self._in_flight[_language(request)] += 1
        if self._is_stored:
            self._store_sent(request, address)

    def end(self, request: Request, address: str, *, interrupted: bool) -> None:
        """Note that a request has ended; ``interrupted``: without an answer, so that it may have been paid for."""
        self._in_flight[_language(request)] -= 1
        sent = self._sent.pop(address, None)
        if sent is not None and not interrupted:
            self._ledger.update_exchanges(lambda exchanges: exchanges.forget_sent(sent))
        self._admit_waiting()

    def postpone(self, request: Request, address: str, /) -> None:
        """Count a request whose reply arrives later, once, until ``recover`` is called."""
        sent = self._sent.pop(address, None)
        if sent is not None:
            self._add_lost(sent)

    def recover(self, address: str) -> bool:
        """Return whether this run paid for a reply that is in the cache, although a kill kept it from the ledger."""
        if not self._lost.get(address):
            return False
        lost = self._lost[address].pop()
        self._add_paid(lost.language, ReplyCosts(0, -lost.cost, -lost.tokens))
        if self._arrives_later:
            self._add_postponed(lost.language, ReplyCosts(0, -lost.cost, -lost.tokens))
        self._ledger.update_exchanges(lambda exchanges: exchanges.forget_sent(lost))
        return True

    def count_reply(self, request: Request, reply: Reply) -> None:
        """Count a reply that this run pays for."""
        tokens = reply.input_tokens + reply.output_tokens
        self._add_paid(_language(request), ReplyCosts(1, reply.cost or 0.0, tokens, reply.cost is None))
        self._note_reached()

    def _store_sent(self, request: Request, address: str) -> None:
        tokens, cost = self._at_most(request)
        sent = SentRequest(address, time.time_ns(), _language(request), cost, tokens)
        self._sent[address] = sent
        self._ledger.update_exchanges(lambda exchanges: exchanges.store_sent(sent), commit=True)

    def _fits(self, request: Request) -> bool:
        """Return whether a request may be sent now."""
        if self._in_flight.total() >= self._teacher.slots:
            return False
        for limit in of_language(self.limits, _language(request)):
            if limit.unit in _MONEY:
                count = self._in_flight[limit.language] if limit.language else self._in_flight.total()
                expected = count * self._expected(limit.unit, limit.language, request)
                if self.amount(limit.unit, limit.language) + expected >= limit.amount:
                    return False
        return True

    async def _wait(self, request: Request) -> None:
        waiter = _Waiter(request, asyncio.get_running_loop().create_future())
        self._waiting.append(waiter)
        self._admit_waiting()
        try:
            await waiter.admitted
        except asyncio.CancelledError:
            if waiter.admitted.done() and not waiter.admitted.cancelled() and waiter.admitted.exception() is None:
                self._in_flight[_language(request)] -= 1
                self._admit_waiting()
            raise

    def _admit_waiting(self) -> None:
        """Admit requests that wait, in their order; refuse those that a limit ends."""
        kept = deque[_Waiter]()
        while self._waiting and self._in_flight.total() < self._teacher.slots:
            waiter = self._waiting.popleft()
            if waiter.admitted.done():
                continue
            try:
                self._refuse(waiter.request)
            except RequestPostponed as reached:
                waiter.admitted.set_exception(reached)
                continue
            if self._fits(waiter.request):
                self._in_flight[_language(waiter.request)] += 1
                waiter.admitted.set_result(None)
            else:
                kept.append(waiter)
                if all(not limit.language for limit in self.limits):
                    break  # what stops this request stops the others
        self._waiting.extendleft(reversed(kept))

    def _refuse(self, request: Request) -> None:
        self._note_reached()
        for language in ("", _language(request)):
            if (error := self._reached.get(language)) is not None:
                raise BudgetReached(error)
        for limit in of_language(self.limits, _language(request)):
            if limit.unit in _MONEY and self.amount(limit.unit, limit.language) >= limit.amount:
                raise RequestPostponed(RepliesPendingError(f"the budget {limit.text} waits for replies"))

    # --- limits ----------------------------------------------------------------------------------------------------

    def _is_reached(self, unit: BudgetUnit, language: str) -> bool:
        return any(
            limit.unit == unit and limit.language == language and self.amount(unit, language) >= limit.amount
            for limit in self.limits
        )

    def _note_reached(self) -> None:
        """Note the limits that are reached, and end the run if one of them, or all languages, stop it."""
        for limit in self.limits:
            certain = self.amount(limit.unit, limit.language) - self._later(limit.unit, limit.language)
            if limit.language in self._reached or certain < limit.amount:
                continue
            error = BudgetError(self._sentence(limit))
            self._reached[limit.language] = error
            _log.info("%s", error)
            done = self._languages and self._languages <= self._reached.keys()
            if not limit.language or done:
                self._on_reached(error)

    def _sentence(self, limit: BudgetLimit) -> str:
        spent = format_amount(limit.unit, self.amount(limit.unit, limit.language))
        cached = self._ledger.exchanges.total_costs()
        free = cached[1].requests if cached else 0
        apart = f" ({counted(free, 'reply')} from a cache cost nothing)" if free and limit.unit in _MONEY else ""
        return (
            f"the budget {limit.text} is reached: {spent}{apart}. All results are saved. "
            "Run the same command with a larger --budget to resume"
        )

    # --- time and rows ---------------------------------------------------------------------------------------------

    def add_seconds(self, seconds: float) -> None:
        """Count running time."""
        self._seconds += seconds
        self._ledger.update_exchanges(lambda exchanges: exchanges.add_run_seconds(seconds))
        self._note_reached()
        self._admit_waiting()

    def begin_count(self) -> None:
        """Let requests wait until ``end_count`` is called."""
        self._counted.clear()

    def set_rows(self, rows: Counter[str]) -> None:
        """Set the number of rows by language."""
        self._rows = rows
        self._note_reached()

    def end_count(self) -> None:
        """Let requests begin again."""
        self._counted.set()
        self._admit_waiting()

    def rows_left(self) -> int | None:
        """Return the number of rows until the next limit of rows that is not reached; None if there is none."""
        left = [
            round(limit.amount - self.amount(BudgetUnit.rows, limit.language))
            for limit in self.limits
            if limit.unit == BudgetUnit.rows and limit.language not in self._reached
        ]
        return min(left, default=None)


def check_prices(limits: Sequence[BudgetLimit], teacher: Teacher) -> None:
    """Check that the price of a model is known where a budget limits US dollars.

    Raises:
        UsageError: it is unknown.

    """
    money = next((limit for limit in limits if limit.unit == BudgetUnit.usd), None)
    if money is None or teacher.price is not None:
        return
    if "input_price" in getattr(getattr(teacher, "Options", None), "__struct_fields__", ()):
        raise UsageError(
            f"the price of {teacher.model!r} is unknown, so the budget {money.text} cannot be kept. State it in US "
            "dollars per million tokens: --set teacher.input_price=X --set teacher.output_price=Y. "
            "Or limit tokens: --budget 5Mtok"
        )
    raise UsageError(
        f"the teacher {teacher.name} has no price, so the budget {money.text} cannot be kept. "
        "Limit tokens, time or rows: --budget 5Mtok, --budget 3h, --budget 2000rows"
    )


def _language(request: Request) -> str:
    return request.context.get("language", "")
