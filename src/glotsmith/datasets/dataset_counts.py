"""Count the rows of a dataset while they are written."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from glotsmith.records import Example


class LicensedSource(NamedTuple):
    """A source of rows, with its licence."""

    licence: str  #: "" for unknown
    source: str
    version: str


class DatasetCounts:
    """The counts of a dataset. Their size does not grow with the rows, except the set of problems."""

    def __init__(self) -> None:
        self.languages: Counter[str] = Counter()  #: language → number of rows
        self.problems: dict[str, set[str]] = {}  #: language → parallel ids
        self.sources: Counter[LicensedSource] = Counter()  #: source → number of rows
        self.teachers: Counter[str] = Counter()  #: teacher and model → number of rows
        self.toolchains: Counter[tuple[str, str]] = Counter()  #: language and toolchain → number of rows
        self.kinds: Counter[tuple[int, str]] = Counter()  #: training stage and kind → number of rows

    @property
    def rows(self) -> int:
        """The number of rows."""
        return self.languages.total()

    @property
    def parallel(self) -> int:
        """The number of problems; a problem counts once for all languages."""
        return len(set[str]().union(*self.problems.values()))

    def add(self, example: Example) -> None:
        """Count one row."""
        origin, lineage = example.origin, example.lineage
        self.languages[example.language] += 1
        self.problems.setdefault(example.language, set()).add(example.parallel_id)
        self.sources[LicensedSource(origin.licence, origin.source, origin.version)] += 1
        self.teachers[" ".join(filter(None, (lineage.teacher, lineage.model)))] += 1
        self.toolchains[example.language, lineage.toolchain] += 1
        self.kinds[example.stage, example.kind] += 1

    def count_rows(self, rows: Iterable[Example]) -> Iterator[Example]:
        """Yield the rows and count them."""
        for example in rows:
            self.add(example)
            yield example
