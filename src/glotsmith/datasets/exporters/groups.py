"""Rows that belong together, brought together without holding them in memory."""

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from itertools import groupby
from typing import TypeVar

import msgspec

from glotsmith.errors import InputError
from glotsmith.records import Example, Preference, content_hash

Item = TypeVar("Item", Example, Preference)

_SCHEMA = """
PRAGMA synchronous = OFF;
CREATE TABLE groups (key TEXT PRIMARY KEY, first INTEGER) WITHOUT ROWID;
CREATE TABLE items (first INTEGER, position INTEGER, data BLOB, PRIMARY KEY (first, position)) WITHOUT ROWID;
"""
_GROUP = "INSERT INTO groups VALUES (?, ?) ON CONFLICT DO NOTHING"
_ITEM = "INSERT INTO items SELECT first, ?, ? FROM groups WHERE key = ?"


def group_items(items: Iterable[Item], key: Callable[[Item], tuple[str, ...]]) -> Iterator[list[Item]]:
    """Yield the items that share a key, groups in order of their first item, items in their own order.

    The items wait in a temporary file of SQLite's; memory holds one group.

    Raises:
        InputError: an item holds text that is not Unicode.

    """
    with closing(sqlite3.connect("")) as database:  # "": a private database on disk, gone when it is closed
        database.executescript(_SCHEMA)
        kind: type[Item] | None = None
        for position, item in enumerate(items):
            name, kind = content_hash(*key(item)), type(item)
            database.execute(_GROUP, (name, position))
            database.execute(_ITEM, (position, _encoded(item), name))
        if kind is None:
            return
        decode = msgspec.json.Decoder(kind).decode
        rows = database.execute("SELECT first, data FROM items ORDER BY first, position")
        for _, group in groupby(rows, key=lambda row: row[0]):
            yield [decode(data) for _, data in group]


def _encoded(item: Example | Preference) -> bytes:
    try:
        return msgspec.json.encode(item)
    except UnicodeEncodeError as error:
        raise not_unicode(item, error) from error


def not_unicode(item: Example | Preference, error: UnicodeEncodeError) -> InputError:
    """Return the error of a row that no file can hold."""
    return InputError(f"row {item.id} ({item.language}) holds text that is not Unicode: {error}")
