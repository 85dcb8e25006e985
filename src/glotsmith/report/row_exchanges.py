"""Find the prompts and replies about a row, and the items that it was made from."""

from collections.abc import Collection, Iterator, Sequence
from typing import Any, NamedTuple

import msgspec

from glotsmith.exchanges import TeacherExchange
from glotsmith.ledger import Ledger, LedgerRow
from glotsmith.run_folder import RunFolder
from glotsmith.sampling_end import SamplingEnd


class StoredReply(NamedTuple):
    """One request about an item, with its reply."""

    exchange: TeacherExchange
    reply: str | None  #: the text of the reply; None if it is not in the cache


def replies_about(folder: RunFolder, items: Sequence[str]) -> Iterator[StoredReply]:
    """Yield the requests about items, with the replies."""
    for exchange in folder.ledger.exchanges.for_items(list(dict.fromkeys(items))):
        yield StoredReply(exchange, _reply_text(folder, exchange))


def _reply_text(folder: RunFolder, exchange: TeacherExchange) -> str | None:
    data = folder.cache.get("reply", exchange.address)
    return str(msgspec.json.decode(data, type=dict[str, Any]).get("text", "")) if data else None


def made_from(ledger: Ledger, row: LedgerRow) -> list[tuple[str, str]]:
    """Return step and key of the items that a row was made from, and of the row, in order of the pipeline."""
    index = ledger.steps.index(row.step)
    if row.status == "kept":
        found = ledger.groups.ancestors(row.step, row.key)
    else:
        found = ledger.groups.ancestors(ledger.steps[index - 1], row.parent) if index else []
        found.append((row.step, row.key))
    return found


def with_first_step(path: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return each key of a path once, with the first step that made it."""
    first: dict[str, str] = {}
    for step, key in path:
        first.setdefault(key, step)
    return [(step, key) for key, step in first.items()]


def sampling_about(ledger: Ledger, path: Sequence[tuple[str, str]], sampled: Collection[str]) -> SamplingEnd | None:
    """Return the end of the sampling that led to a row; None if the row does not result from sampling.

    Args:
        ledger: The ledger of the run.
        path: The items that the row was made from.
        sampled: The steps that sample.

    """
    for step, key in path:
        following = ledger.steps[ledger.steps.index(step) + 1 :][:1]
        if following and following[0] in sampled and (end := ledger.sampling.of_input(following[0], key)):
            return end
    return None
