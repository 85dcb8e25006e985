"""Bound what a run spends: admit requests while its budgets allow them, and end the run at a limit.

Amounts come from the ledger (``exchanges.py``), so they count all starts of a run. A request is admitted while the
amount spent, plus the expected amount of the requests in flight, is below each limit. So the excess over a limit is at
most the cost of the requests in flight, at most one for each slot of the teacher.
"""

import asyncio
import logging
import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable, Sequence
from itertools import product
from typing import NamedTuple

from glotsmith.budget import BudgetLimit, BudgetUnit, format_amount, of_language
from glotsmith.counts import counted
from glotsmith.errors import BudgetError, RepliesPendingError, UsageError
from glotsmith.exchanges import ReplyCosts
from glotsmith.ledger import Ledger
from glotsmith.sent_requests import SentRequest
from glotsmith.teachers.base import Reply, Request, Teacher, model_label
from glotsmith.unanswered import BudgetReached, RequestPostponed

_log = logging.getLogger(__name__)
_BYTES_PER_TOKEN = 3  #: least number in a prompt; tokenisers need about four bytes for a token of code
_MONEY = (BudgetUnit.usd, BudgetUnit.tokens)


class BudgetLeft(NamedTuple):
    """The rest of a limit."""

    text: str  #: the limit as the user wrote it
    unit: BudgetUnit
    left: float  #: US dollars, tokens, seconds or rows


class _Waiter(NamedTuple):
    request: Request
    teacher: Teacher
    admitted: asyncio.Future[None]


class RunSpending:
    """The spending of a run, and its limits (``teachers.wrappers.RequestGate``)."""

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
            limits: the limits of the run.
            ledger: the ledger of the run.
            teacher: the teacher that answers if no other is named, with its price and its slots.
            on_reached: called once, when the whole run must end.
            languages: the languages of the run; it ends when each language has reached its own limit.

        """
        self.limits = limits
        self._ledger, self._teacher, self._on_reached = ledger, teacher, on_reached
        self._languages = frozenset(languages)
        self._is_stored = any(limit.unit in _MONEY for limit in limits)
        #: (model of the teacher, language of the request) → paid costs; "" for all models, and for all languages
        self._paid = defaultdict[tuple[str, str], ReplyCosts](ReplyCosts)
        #: address → requests that the end of a start interrupted
        self._lost = defaultdict[str, list[SentRequest]](list)
        for (model, language), (paid, _) in ledger.exchanges.costs_by_model_and_language().items():
            self._add_paid(model, language, paid)
        #: language → costs of requests that are answered later
        self._postponed = defaultdict[str, ReplyCosts](ReplyCosts)
        self._arrives_later = getattr(teacher, "rounds", None) is not None  # a user's own teacher may not have it
        for sent in ledger.exchanges.sent():
            self._add_lost(sent)
        self._rows = Counter[str]()
        self._seconds = ledger.exchanges.run_seconds()
        self._in_flight = Counter[tuple[Teacher, str]]()  #: (teacher, language) → number of requests
        self._teachers = {teacher}
        self._sent = dict[str, SentRequest]()  #: address → its request in flight
        self._waiting = deque[_Waiter]()
        self._reached = dict[str, BudgetError]()  #: language → its reached limit; "" for the whole run
        self._is_noted = False  #: whether ``_reached`` has the limits that the amounts have reached
        self._counted = asyncio.Event()  #: whether the rows are counted
        self._counted.set()

    # --- amounts ---------------------------------------------------------------------------------------------------

    def amount(self, unit: BudgetUnit, language: str = "") -> float:
        """Return what is spent so far, by the whole run or for one language, with requests that were interrupted."""
        if unit == BudgetUnit.seconds:
            return self._seconds
        if unit == BudgetUnit.rows:
            return self._rows[language] if language else self._rows.total()
        paid = self._paid["", language]
        return paid.cost if unit == BudgetUnit.usd else paid.tokens

    def received(self) -> ReplyCosts:
        """Return the costs of the replies that the run has paid for, as the ledger states them."""
        lost = [sent for requests in self._lost.values() for sent in requests]
        paid = self._paid["", ""]
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

    def _add_paid(self, model: str, language: str, costs: ReplyCosts) -> None:
        self._is_noted = False
        for scope in product({"", model}, {"", language}):
            self._paid[scope] += costs

    def _add_lost(self, sent: SentRequest) -> None:
        """Count a request that has no reply at the most that it may cost."""
        self._lost[sent.address].append(sent)
        self._add_paid("", sent.language, ReplyCosts(0, sent.cost, sent.tokens))
        if self._arrives_later:
            self._add_postponed(sent.language, ReplyCosts(0, sent.cost, sent.tokens))

    def _add_postponed(self, language: str, costs: ReplyCosts) -> None:
        self._is_noted = False
        for scope in {"", language}:
            self._postponed[scope] += costs

    def _expected(self, unit: BudgetUnit, language: str, request: Request, teacher: Teacher) -> float:
        """Return the mean cost of a request to a teacher; before its first reply, the highest cost of this request."""
        model = model_label(teacher)
        paid = self._paid[model, language if self._paid[model, language].requests else ""]
        if paid.requests:
            return (paid.cost if unit == BudgetUnit.usd else paid.tokens) / paid.requests
        tokens, cost = self._at_most(request, teacher)
        return cost if unit == BudgetUnit.usd else tokens

    def _at_most(self, request: Request, teacher: Teacher) -> tuple[int, float]:
        """Return about how many tokens and US dollars a request to a teacher may cost at most."""
        inputs = request.prompt_bytes // _BYTES_PER_TOKEN + 1
        outputs, price = request.sampling.max_tokens, teacher.price
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

    def add_teacher(self, teacher: Teacher) -> None:
        """Add a teacher, which ``admit``, ``end`` and ``count_reply`` may name."""
        self._teachers.add(teacher)

    async def admit(self, request: Request, address: str, teacher: Teacher | None = None) -> None:
        """Wait until the budgets allow a request, and count it as one in flight.

        Raises:
            BudgetReached: a limit is reached.

        """
        teacher = teacher or self._teacher
        if self._arrives_later and self._lost.get(address):  # it was sent: its reply, if it has arrived, is paid for
            self._in_flight[teacher, _language(request)] += 1
            return
        self._refuse(request)
        if self._waiting or not self._fits(request, teacher):
            await self._wait(request, teacher)
        else:
            self._in_flight[teacher, _language(request)] += 1
        if not self._is_stored:
            return
        try:
            self._store_sent(request, address, teacher)
        except BaseException:  # it is not sent
            self.end(request, address, interrupted=False, teacher=teacher)
            raise

    def end(self, request: Request, address: str, *, interrupted: bool, teacher: Teacher | None = None) -> None:
        """Note that a request has ended; ``interrupted``: it has no answer, but the server may charge for it."""
        self._in_flight[teacher or self._teacher, _language(request)] -= 1
        sent = self._sent.pop(address, None)
        if sent is not None and not interrupted:
            self._ledger.update_exchanges(lambda exchanges: exchanges.sent_requests.forget(sent))
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
        self._add_paid("", lost.language, ReplyCosts(0, -lost.cost, -lost.tokens))
        if self._arrives_later:
            self._add_postponed(lost.language, ReplyCosts(0, -lost.cost, -lost.tokens))
        self._ledger.update_exchanges(lambda exchanges: exchanges.sent_requests.forget(lost))
        return True

    def count_reply(self, request: Request, reply: Reply, teacher: Teacher | None = None) -> None:
        """Count a reply that this run pays for."""
        costs = ReplyCosts(1, reply.cost or 0.0, reply.input_tokens + reply.output_tokens, reply.cost is None)
        self._add_paid(model_label(teacher or self._teacher), _language(request), costs)
        self._note_reached()

    def _store_sent(self, request: Request, address: str, teacher: Teacher) -> None:
        tokens, cost = self._at_most(request, teacher)
        sent = SentRequest(address, time.time_ns(), _language(request), cost, tokens)
        self._sent[address] = sent
        self._ledger.store_sent(sent)

    def _has_slot(self, teacher: Teacher) -> bool:
        return sum(count for (one, _), count in self._in_flight.items() if one is teacher) < teacher.slots

    def _fits(self, request: Request, teacher: Teacher) -> bool:
        """Return whether a request may be sent now."""
        if not self._has_slot(teacher):
            return False
        for limit in of_language(self.limits, _language(request)):
            if limit.unit in _MONEY:
                expected = sum(
                    count * self._expected(limit.unit, limit.language, request, one)
                    for (one, language), count in self._in_flight.items()
                    if count and limit.language in ("", language)
                )
                if self.amount(limit.unit, limit.language) + expected >= limit.amount:
                    return False
        return True

    async def _wait(self, request: Request, teacher: Teacher) -> None:
        waiter = _Waiter(request, teacher, asyncio.get_running_loop().create_future())
        self._waiting.append(waiter)
        self._admit_waiting()
        try:
            await waiter.admitted
        except asyncio.CancelledError:
            if waiter.admitted.done() and not waiter.admitted.cancelled() and waiter.admitted.exception() is None:
                self._in_flight[teacher, _language(request)] -= 1
                self._admit_waiting()
            raise

    def _admit_waiting(self) -> None:
        """Admit requests that wait, in their order for each teacher; refuse those that a limit ends."""
        kept, stopped = deque[_Waiter](), set[Teacher]()
        while self._waiting and not stopped >= self._teachers:
            waiter = self._waiting.popleft()
            if waiter.admitted.done():
                continue
            if waiter.teacher in stopped or not self._has_slot(waiter.teacher):
                stopped.add(waiter.teacher)
                kept.append(waiter)
                continue
            try:
                self._refuse(waiter.request)
            except RequestPostponed as reached:
                waiter.admitted.set_exception(reached)
                continue
            if self._fits(waiter.request, waiter.teacher):
                self._in_flight[waiter.teacher, _language(waiter.request)] += 1
                waiter.admitted.set_result(None)
            else:
                kept.append(waiter)
                if all(not limit.language for limit in self.limits):
                    stopped.add(waiter.teacher)  # the other requests to this teacher would also be stopped
        self._waiting.extendleft(reversed(kept))

    def _refuse(self, request: Request) -> None:
        self._note_reached()
        for language in ("", _language(request)):
            if (error := self._reached.get(language)) is not None:
                raise BudgetReached(error)
        for limit in of_language(self.limits, _language(request)):
            if limit.unit in _MONEY and self.amount(limit.unit, limit.language) >= limit.amount:
                raise RequestPostponed(RepliesPendingError(f"open requests may use up the budget {limit.text}"))

    # --- limits ----------------------------------------------------------------------------------------------------

    def _is_reached(self, unit: BudgetUnit, language: str) -> bool:
        return any(
            limit.unit == unit and limit.language == language and self.amount(unit, language) >= limit.amount
            for limit in self.limits
        )

    def _note_reached(self) -> None:
        """Note the limits that are reached, and end the run if one of them, or all languages, stop it."""
        if self._is_noted:
            return
        self._is_noted = True
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
        self._is_noted = False
        self._ledger.update_exchanges(lambda exchanges: exchanges.add_run_seconds(seconds))
        self._note_reached()
        self._admit_waiting()

    def begin_count(self) -> None:
        """Let requests wait until ``end_count`` is called."""
        self._counted.clear()

    def set_rows(self, rows: Counter[str]) -> None:
        """Set the number of rows by language."""
        self._rows = rows
        self._is_noted = False
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


def check_prices(limits: Sequence[BudgetLimit], teacher: Teacher, key: str = "teacher") -> None:
    """Check that the price of a model is known where a budget limits US dollars; ``key`` is that of its settings.

    Raises:
        UsageError: it is unknown.

    """
    money = next((limit for limit in limits if limit.unit == BudgetUnit.usd), None)
    if money is None or teacher.price is not None:
        return
    if "input_price" in getattr(getattr(teacher, "Options", None), "__struct_fields__", ()):
        raise UsageError(
            f"the price of {teacher.model!r} is unknown, so the budget {money.text} cannot be enforced. State it in US "
            f"dollars per million tokens: --set {key}.input_price=X --set {key}.output_price=Y. "
            "Or limit tokens: --budget 5Mtok"
        )
    raise UsageError(
        f"the teacher {teacher.name} has no price, so the budget {money.text} cannot be enforced. "
        "Limit tokens, time or rows: --budget 5Mtok, --budget 3h, --budget 2000rows"
    )


def _language(request: Request) -> str:
    return request.context.get("language", "")
