"""A shard: the part of a run that one of several machines processes (``--shard 2/8``), without any communication.

A unit of the sources belongs to a shard by a hash of the item that it yields, so that equal items are in one shard.
"""

import re
from typing import NamedTuple

from glotsmith.errors import UsageError
from glotsmith.records import content_hash

_HASH_DIGITS = 15  #: hexadecimal digits of a content hash that choose the shard
MAX_SHARDS = 10_000


class Shard(NamedTuple):
    """One of ``total`` parts of a run; parts are numbered from 1."""

    number: int
    total: int

    def __str__(self) -> str:
        return f"{self.number}/{self.total}"

    def holds(self, key: str) -> bool:
        """Return whether the item with this key belongs to the shard; it belongs to exactly one of ``total``."""
        return int(content_hash(key)[:_HASH_DIGITS], 16) % self.total == self.number - 1


def parse_shard(text: str) -> Shard | None:
    """Return the shard that a text like ``2/8`` names; None for an empty text.

    Raises:
        UsageError: the text has another form, or there is no such part.

    """
    if not text:
        return None
    match = re.fullmatch(r"0*(\d{1,6})/0*(\d{1,6})", text, re.ASCII)
    shard = Shard(int(match[1]), int(match[2])) if match else Shard(0, 0)
    if not 1 <= shard.number <= shard.total <= MAX_SHARDS:
        raise UsageError(
            f"--shard is {text[:40]!r}; it must be NUMBER/TOTAL, such as 2/8: the second of eight parts. NUMBER is "
            f"from 1 to TOTAL, and TOTAL is at most {MAX_SHARDS:,}"
        )
    return shard
