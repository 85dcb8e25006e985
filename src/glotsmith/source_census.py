"""The census of a shard: what its source step has read, so that a merge can compare the shards."""

from typing import NamedTuple

from glotsmith.database import RunStatement, read_if_stored

_CREATE = "CREATE TABLE IF NOT EXISTS census (one INTEGER PRIMARY KEY CHECK (one = 1), units INTEGER, digest TEXT)"


class SourceCensus(NamedTuple):
    """The units of all sources that a shard has read, also those of other shards."""

    units: int  #: number of different units
    digest: str  #: digest of the keys of all units and of their items, in order


def record_census(run: RunStatement, census: SourceCensus) -> None:
    """Store the census in a ledger; ``run`` runs an SQL statement. A transaction must be open."""
    run(_CREATE)
    run("INSERT OR REPLACE INTO census VALUES (1, ?, ?)", *census)


def read_census(run: RunStatement) -> SourceCensus | None:
    """Return the census of a ledger; None if it has none."""
    return next((SourceCensus(*row) for row in read_if_stored(run, "SELECT units, digest FROM census")), None)
