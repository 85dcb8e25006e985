"""The requests of a run to its teacher, by item: for ``show``, and to sum up costs.

They are in tables of the ledger. Each prompt is stored once; replies are in the cache, under their address.
``sent_requests.py`` stores the requests without a reply.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from glotsmith.database import RunStatement, read_if_stored
from glotsmith.ledger_rows import NANO
from glotsmith.records import printable
from glotsmith.sent_requests import SentRequest, SentRequests
from glotsmith.stored_prompt import StoredPrompt

SCHEMA = """
CREATE TABLE IF NOT EXISTS prompts (id INTEGER PRIMARY KEY, hash TEXT NOT NULL UNIQUE, data BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS exchanges (
    item TEXT NOT NULL,
    address TEXT NOT NULL,
    call TEXT NOT NULL,
    sample INTEGER NOT NULL,
    prompt INTEGER REFERENCES prompts,
    cached INTEGER NOT NULL,
    cost INTEGER NOT NULL,
    tokens INTEGER NOT NULL,
    PRIMARY KEY (item, address)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS prompt_texts (
    version TEXT NOT NULL,
    call TEXT NOT NULL,
    file TEXT NOT NULL,
    name TEXT NOT NULL,
    text TEXT NOT NULL,
    PRIMARY KEY (version, call, name)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS run_time (id INTEGER PRIMARY KEY CHECK (id = 0), seconds REAL NOT NULL)
"""
#: columns that ledgers of earlier versions do not have
_LATER_COLUMNS = (
    "language TEXT NOT NULL DEFAULT ''",
    "priced INTEGER NOT NULL DEFAULT 0",
    "answered_at REAL",
    "model TEXT NOT NULL DEFAULT ''",
)
_INSERT_PROMPT = "INSERT INTO prompts (hash, data) VALUES (?, ?) ON CONFLICT (hash) DO NOTHING"
_INSERT_EXCHANGE = """
INSERT INTO exchanges (
    item, address, call, sample, prompt, cached, cost, tokens, language, priced, answered_at, model
)
VALUES (?, ?, ?, ?, (SELECT id FROM prompts WHERE hash = ?), ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (item, address) DO NOTHING
"""
_SELECT_BY_ITEM = """
SELECT e.item, e.address, e.call, e.sample, p.data FROM exchanges AS e LEFT JOIN prompts AS p ON p.id = e.prompt
WHERE e.item = ? ORDER BY e.call, e.sample, e.address
"""
_SELECT_ALL = """
SELECT e.item, e.address, e.call, e.sample, p.hash, e.cached, e.cost, e.tokens, e.language, e.priced,
    e.answered_at, {model}, p.data
FROM exchanges AS e LEFT JOIN prompts AS p ON p.id = e.prompt
WHERE (e.item, e.address) > (?, ?) ORDER BY e.item, e.address LIMIT 500
"""
_SUM_COSTS = """
SELECT language, cached, COUNT(*), SUM(cost), SUM(tokens), SUM(NOT priced AND NOT cost)
FROM (
    SELECT MAX(language) AS language, MIN(cached) AS cached, MAX(cost) AS cost, MAX(tokens) AS tokens,
        MAX(priced) AS priced
    FROM exchanges GROUP BY address
)
GROUP BY language, cached
"""

_SUM_MODELS = """
SELECT model, call, language, cached, COUNT(*), SUM(cost), SUM(tokens), SUM(NOT priced AND NOT cost)
FROM (
    SELECT MAX(model) AS model, MIN(call) AS call, MAX(language) AS language, MIN(cached) AS cached,
        MAX(cost) AS cost, MAX(tokens) AS tokens, MAX(priced) AS priced
    FROM exchanges GROUP BY address
)
GROUP BY model, call, language, cached ORDER BY model, call, language
"""

_SUM_ITEMS = """
SELECT item, COUNT(*), SUM(cost), SUM(tokens), SUM(NOT priced AND NOT cost)
FROM (
    SELECT MIN(item) AS item, MAX(cost) AS cost, MAX(tokens) AS tokens, MAX(priced) AS priced
    FROM exchanges GROUP BY address
)
GROUP BY item
"""
_ANSWER_TIMES = "SELECT answered_at FROM exchanges WHERE NOT cached AND answered_at IS NOT NULL ORDER BY answered_at"

_SUM_CALLS = """
SELECT call, COUNT(*), SUM(cost), SUM(tokens)
FROM (SELECT MIN(call) AS call, MAX(cost) AS cost, MAX(tokens) AS tokens FROM exchanges GROUP BY address)
GROUP BY call ORDER BY call
"""
_SPAN = "SELECT MIN(answered_at), MAX(answered_at) FROM exchanges WHERE NOT cached"
_COUNT_BY_TIME = """
SELECT call, MIN(CAST((answered_at - ?1) / ?2 AS INTEGER), ?3 - 1) AS part, COUNT(DISTINCT address)
FROM exchanges WHERE answered_at IS NOT NULL AND NOT cached GROUP BY call, part
"""


class TeacherExchange(NamedTuple):
    """One request and the address of its reply."""

    item: str
    address: str  #: address of the reply in the cache
    call: str
    sample: int
    prompt: str  #: "" if it could not be stored


class ReceivedReply(NamedTuple):
    """A reply that a run received."""

    address: str
    item: str
    call: str
    sample: int
    prompt: str
    cached: bool  #: whether it was paid for earlier, by this run or another
    cost: float | None  #: US dollars, at the time of the request; None if the price is unknown
    tokens: int
    language: str = ""  #: target language of the request; "" for none
    answered_at: float | None = None  #: seconds since 1970
    model: str = ""  #: teacher and model that answered (``teachers.base.model_label``)


class ReplyTimes(NamedTuple):
    """When the replies of a run arrived; cached replies are left out."""

    start: float  #: time of the first reply, seconds since 1970
    seconds: float  #: time from the first reply to the last one
    counts: dict[str, list[int]]  #: call → replies in each of equal parts of the time


class ReplyCosts(NamedTuple):
    """The cost of replies."""

    requests: int = 0
    cost: float = 0.0  #: US dollars, of the replies with a known price
    tokens: int = 0
    unpriced: int = 0  #: number of requests whose price is unknown

    def __add__(self, other: object) -> "ReplyCosts":
        """Return the sum of two costs."""
        if not isinstance(other, ReplyCosts):
            return NotImplemented
        requests, cost, tokens = self.requests + other.requests, self.cost + other.cost, self.tokens + other.tokens
        return ReplyCosts(requests, cost, tokens, self.unpriced + other.unpriced)


class ModelCosts(NamedTuple):
    """The costs of the replies of one model."""

    paid: ReplyCosts = ReplyCosts()
    cached: ReplyCosts = ReplyCosts()  #: the earlier costs of replies from a cache
    calls: Mapping[str, int] = {}  #: call → replies


def _costs(requests: int, nano: int, tokens: int, unpriced: int) -> ReplyCosts:
    return ReplyCosts(requests, nano / NANO, tokens, unpriced)


def sum_costs(by_language: Mapping[str, tuple[ReplyCosts, ReplyCosts]]) -> tuple[ReplyCosts, ReplyCosts] | None:
    """Return the sums of ``Exchanges.costs_by_language``; None if it has no language."""
    found = by_language.values()
    if not found:
        return None
    return sum((paid for paid, _ in found), ReplyCosts()), sum((cached for _, cached in found), ReplyCosts())


class Exchanges:
    """The exchanges of one ledger; only ``Ledger`` creates it, as ``Ledger.exchanges``."""

    def __init__(self, run: RunStatement, ledger: Path, former_calls: Mapping[str, str] | None = None) -> None:
        """Create it.

        Args:
            run: Runs an SQL statement of the ledger and returns its rows.
            ledger: The file of the ledger.
            former_calls: Former name of a call that the ledger has → its current name.

        """
        self._run, self._former_calls = run, former_calls or {}
        self.sent_requests = SentRequests(run, ledger)

    def create_tables(self) -> None:
        """Create the tables and columns that are missing."""
        for statement in SCHEMA.split(";"):
            self._run(statement)
        present = self._columns()
        for column in _LATER_COLUMNS:
            if column.split()[0] not in present:
                self._run(f"ALTER TABLE exchanges ADD COLUMN {column}")
        self.sent_requests.open()

    def sent(self) -> list[SentRequest]:
        """Return the requests that were sent and have no reply in the ledger."""
        return self.sent_requests.read()

    def _columns(self) -> set[str]:
        return {row[1] for row in self._run("PRAGMA table_info(exchanges)")}

    def record(self, reply: ReceivedReply, hash_: str) -> None:
        """Store a reply, unless one with the same item and address is stored."""
        with suppress(UnicodeEncodeError):  # a prompt with lone surrogates is not stored
            self._run(_INSERT_PROMPT, hash_, reply.prompt.encode())
        cost = round((reply.cost or 0.0) * NANO)
        self._run(
            _INSERT_EXCHANGE,
            *(printable(reply.item), reply.address, reply.call, reply.sample, hash_),
            *(reply.cached, cost, reply.tokens),
            *(printable(reply.language), reply.cost is not None, reply.answered_at, printable(reply.model)),
        )

    def copy_from(self, other: "Exchanges") -> Iterator[None]:
        """Copy the exchanges of another ledger, and yield after each page. A transaction must be open."""
        self.store_prompts(other.stored_prompts())
        last = ("", "")
        select = _SELECT_ALL.format(model="e.model" if "model" in other._columns() else "''")
        while page := other._read(select, *last):
            for *exchange, data in page:
                if data is not None:
                    self._run(_INSERT_PROMPT, exchange[4], data)
                exchange[2] = other._current(exchange[2])
                self._run(_INSERT_EXCHANGE, *exchange)
            last = page[-1][0], page[-1][1]
            yield

    def for_items(self, items: Collection[str]) -> list[TeacherExchange]:
        """Return the exchanges of these items, in order of call and sample."""
        rows = [row for item in items for row in self._read(_SELECT_BY_ITEM, item)]
        return [
            TeacherExchange(item, address, self._current(call), sample, (prompt or b"").decode())
            for item, address, call, sample, prompt in rows
        ]

    def total_costs(self) -> tuple[ReplyCosts, ReplyCosts] | None:
        """Return the costs of this run, and the earlier costs of its cached replies; None if they are unknown."""
        return sum_costs(self.costs_by_language())

    def costs_by_language(self) -> dict[str, tuple[ReplyCosts, ReplyCosts]]:
        """Return, by language of the request, the costs of this run and the earlier costs of its cached replies."""
        found = dict[str, list[ReplyCosts]]()
        for language, cached, count, cost, tokens, unpriced in self._read(_SUM_COSTS):
            pair = found.setdefault(language, [ReplyCosts(), ReplyCosts()])
            pair[cached] = ReplyCosts(count, cost / NANO, tokens, unpriced)
        return {language: (pair[0], pair[1]) for language, pair in found.items()}

    def costs_by_model_and_language(self) -> dict[tuple[str, str], tuple[ReplyCosts, ReplyCosts]]:
        """Return the costs by model and language, like ``costs_by_language``; older versions stored no model ("")."""
        found = defaultdict[tuple[str, str], list[ReplyCosts]](lambda: [ReplyCosts(), ReplyCosts()])
        for model, _, language, cached, *costs in self._read(_SUM_MODELS):
            found[model, language][cached] += _costs(*costs)
        return {key: (pair[0], pair[1]) for key, pair in found.items()}

    def costs_by_model(self) -> dict[str, ModelCosts]:
        """Return the costs of each model that answered."""
        found = defaultdict[str, ModelCosts](ModelCosts)
        for model, call, _, cached, *costs in self._read(_SUM_MODELS):
            before, added = found[model], _costs(*costs)
            calls = Counter(before.calls)
            calls[self._current(call)] += added.requests
            paid, earlier = (before.paid, before.cached + added) if cached else (before.paid + added, before.cached)
            found[model] = ModelCosts(paid, earlier, calls)
        return dict(found)

    # --- prompt templates -------------------------------------------------------------------------------------------

    def store_prompts(self, prompts: Iterable[StoredPrompt]) -> None:
        """Store the texts of prompts, each version once, also if it is stored under a former name."""
        known = (
            {(prompt.call, prompt.version) for prompt in self.stored_prompts()}
            if self._former_calls
            else set[tuple[str, str]]()
        )
        for prompt in (one for one in prompts if (one.call, one.version) not in known):
            for name, text in prompt.texts.items():
                self._run(
                    "INSERT INTO prompt_texts VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                    *(prompt.version, prompt.call, prompt.file, name, text),
                )

    def stored_prompts(self) -> list[StoredPrompt]:
        """Return the prompts of the run, in order of their names."""
        found = dict[tuple[str, str, str], dict[str, str]]()
        for *key, name, text in self._read("SELECT call, version, file, name, text FROM prompt_texts ORDER BY 1, 2, 4"):
            found.setdefault((self._current(key[0]), key[1], key[2]), {})[name] = text
        return [
            StoredPrompt(version=version, call=call, file=file, texts=texts)
            for (call, version, file), texts in sorted(found.items())
        ]

    # --- time ------------------------------------------------------------------------------------------------------

    def run_seconds(self) -> float:
        """Return how long the run has been running, over all its starts."""
        rows = self._read("SELECT seconds FROM run_time")
        return rows[0][0] if rows else 0.0

    def reply_times(self, parts: int) -> ReplyTimes | None:
        """Return when replies arrived, in ``parts`` equal parts of the time; None if the ledger does not record it."""
        span = self._read(_SPAN)
        if not span or span[0][0] is None:
            return None
        start, end = span[0]
        counts = dict[str, list[int]]()
        for call, part, count in self._read(_COUNT_BY_TIME, start, max(end - start, 1e-6) / parts, parts):
            counts.setdefault(self._current(call), [0] * parts)[part] += count
        return ReplyTimes(start, end - start, counts)

    def add_run_seconds(self, seconds: float) -> None:
        """Add to the running time."""
        add = "INSERT INTO run_time VALUES (0, ?) ON CONFLICT (id) DO UPDATE SET seconds = seconds + excluded.seconds"
        self._run(add, seconds)

    def costs_by_call(self) -> dict[str, ReplyCosts]:
        """Return the costs of all replies, cached ones included, by the name of the call."""
        found = defaultdict[str, ReplyCosts](ReplyCosts)
        for call, count, cost, tokens in self._read(_SUM_CALLS):
            found[self._current(call)] += ReplyCosts(count, cost / NANO, tokens)
        return dict(sorted(found.items()))

    def costs_by_item(self) -> dict[str, ReplyCosts]:
        """Return the costs of all replies, cached ones included, by the item of the request."""
        rows = self._read(_SUM_ITEMS)
        return {item: ReplyCosts(count, cost / NANO, tokens, unpriced) for item, count, cost, tokens, unpriced in rows}

    def answer_times(self) -> list[float]:
        """Return when the replies of a run arrived, in seconds since 1970, in order; cached replies are left out."""
        return [row[0] for row in self._read(_ANSWER_TIMES)]

    def _current(self, call: str) -> str:
        """Return the current name of a call."""
        return self._former_calls.get(call, call)

    def _read(self, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
        """Run a query; return [] for a ledger of an older version, which has no such tables or columns."""
        return read_if_stored(self._run, sql, *parameters)
