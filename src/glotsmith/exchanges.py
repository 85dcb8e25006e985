"""The requests of a run to its teacher, by item: for ``show``, and to sum up costs.

They are in two tables of the ledger. Each prompt is stored once; replies are in the cache, under their address.
"""

import sqlite3
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from typing import Any, NamedTuple

from glotsmith.ledger_rows import NANO
from glotsmith.records import printable

RunStatement = Callable[..., list[tuple[Any, ...]]]

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
) WITHOUT ROWID
"""
_INSERT_PROMPT = "INSERT INTO prompts (hash, data) VALUES (?, ?) ON CONFLICT (hash) DO NOTHING"
_INSERT_EXCHANGE = """
INSERT INTO exchanges VALUES (?, ?, ?, ?, (SELECT id FROM prompts WHERE hash = ?), ?, ?, ?)
ON CONFLICT (item, address) DO NOTHING
"""
_SELECT_BY_ITEM = """
SELECT e.item, e.address, e.call, e.sample, p.data FROM exchanges AS e LEFT JOIN prompts AS p ON p.id = e.prompt
WHERE e.item = ? ORDER BY e.call, e.sample, e.address
"""
_SELECT_ALL = """
SELECT e.item, e.address, e.call, e.sample, p.hash, e.cached, e.cost, e.tokens, p.data
FROM exchanges AS e LEFT JOIN prompts AS p ON p.id = e.prompt
WHERE (e.item, e.address) > (?, ?) ORDER BY e.item, e.address LIMIT 500
"""
_SUM_COSTS = """
SELECT cached, COUNT(*), SUM(cost), SUM(tokens)
FROM (SELECT MIN(cached) AS cached, MAX(cost) AS cost, MAX(tokens) AS tokens FROM exchanges GROUP BY address)
GROUP BY cached
"""


class TeacherExchange(NamedTuple):
    """One request and the address of its reply."""

    item: str
    address: str  #: of the reply, in the cache
    call: str
    sample: int
    prompt: str  #: "" if it could not be stored


class ReceivedReply(NamedTuple):
    """A reply that a run reply."""

    address: str
    item: str
    call: str
    sample: int
    prompt: str
    cached: bool  #: whether it was paid for earlier, by this run or another
    cost: float  #: US dollars, at the time of the request
    tokens: int


class ReplyCosts(NamedTuple):
    """The cost of replies: number of requests, US dollars and tokens."""

    requests: int = 0
    cost: float = 0.0
    tokens: int = 0


class Exchanges:
    """The exchanges of one ledger; only ``Ledger`` creates it, as ``Ledger.exchanges``."""

    def __init__(self, run: RunStatement) -> None:
        """Create it; ``run`` runs an SQL statement and returns its rows."""
        self._run = run

    def create_tables(self) -> None:
        """Create the tables if they are missing."""
        for statement in SCHEMA.split(";"):
            self._run(statement)

    def record(self, reply: ReceivedReply, hash_: str) -> None:
        """Store a reply, unless one with the same item and address is stored."""
        with suppress(UnicodeEncodeError):  # a prompt with lone surrogates is not stored
            self._run(_INSERT_PROMPT, hash_, reply.prompt.encode())
        cost = round(reply.cost * NANO)
        self._run(
            _INSERT_EXCHANGE,
            *(printable(reply.item), reply.address, reply.call, reply.sample, hash_),
            *(reply.cached, cost, reply.tokens),
        )

    def copy_from(self, other: "Exchanges") -> Iterator[None]:
        """Copy the exchanges of another ledger, and yield after each page. A transaction must be open."""
        last = ("", "")
        while page := other._read(_SELECT_ALL, *last):
            for *exchange, data in page:
                if data is not None:
                    self._run(_INSERT_PROMPT, exchange[4], data)
                self._run(_INSERT_EXCHANGE, *exchange)
            last = page[-1][0], page[-1][1]
            yield

    def for_items(self, items: Collection[str]) -> list[TeacherExchange]:
        """Return the exchanges of these items, in order of call and sample."""
        rows = [row for item in items for row in self._read(_SELECT_BY_ITEM, item)]
        return [TeacherExchange(row[0], row[1], row[2], row[3], (row[4] or b"").decode()) for row in rows]

    def total_costs(self) -> tuple[ReplyCosts, ReplyCosts] | None:
        """Return the costs of this run, and the earlier costs of its cached replies; None if they are unknown."""
        rows = self._read(_SUM_COSTS)
        found = {cached: ReplyCosts(count, cost / NANO, tokens) for cached, count, cost, tokens in rows}
        return (found.get(0, ReplyCosts()), found.get(1, ReplyCosts())) if found else None

    def _read(self, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
        """Run a query; return [] for a ledger of an older version, which has no such tables."""
        try:
            return self._run(sql, *parameters)
        except sqlite3.OperationalError:
            return []
