"""Decide which of many texts are duplicates, in bounded memory: texts, marks and links are in files.

The search decides about one text after another. A text is a duplicate of an earlier kept text that is equal. It is also
a duplicate of one that is in its group or shares a MinHash band, if their exact similarity (ROUGE-L) is above a
threshold. An index of earlier runs is a folder of segments. Each run writes one segment, once, and never changes that
of another run, so that several runs and machines may share the folder.
"""

import mmap
import shutil
import tempfile
from array import array
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import closing
from functools import lru_cache
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from glotsmith.drop_reasons import Reason
from glotsmith.records import content_hash
from glotsmith.selection.similarity import TokenEncoder, rouge_l_above
from glotsmith.selection.text_store import ALL_BANDS, StoredText, TextIdentity, TextStore
from glotsmith.step import Dropped

if TYPE_CHECKING:
    from glotsmith.selection.band_links import TextLinks

Preference = Literal["first", "longest", "best"]  #: which of several similar items is kept


class Thresholds(NamedTuple):
    """ROUGE-L F1 above which two texts are near-duplicates."""

    within: float  #: texts of one group
    across: float | None  #: other texts; None compares within groups only


class IndexSegment(NamedTuple):
    """The place of a run in an index of several runs."""

    folder: Path  #: folder of the index
    name: str  #: name of the run's segment


_CACHED_TEXTS = 1 << 14  #: encoded texts in memory


def segment_of_run(folder: Path, run: Path) -> IndexSegment:
    """Return the segment of a run folder. A preview or a pilot has the segment of its run, which replaces it."""
    place = str(run.resolve()).removesuffix("-preview").removesuffix("-pilot")
    return IndexSegment(folder, content_hash(place))


class _Decision(NamedTuple):
    reason: Reason
    keeper: int  #: place of the kept text
    score: float = 1.0


class DuplicateSearch:
    """Collects texts, and then decides about all of them."""

    def __init__(self, thresholds: Thresholds, prefer: Preference = "first", index: IndexSegment | None = None) -> None:
        """Create a temporary folder; ``close`` removes it."""
        self._thresholds, self._prefer, self._index = thresholds, prefer, index
        self._folder = Path(tempfile.mkdtemp(prefix="glotsmith-duplicates-"))
        self._own = TextStore(self._folder / "own", similar=thresholds.across is not None)
        self._earlier = [TextStore(place, saved=True) for place in _segments(index)]
        self._scores = array("d")
        self._decisions: dict[int, _Decision] = {}  #: place → why the text is dropped
        self._order = array("I")  #: place → number of the text

    def add(self, key: str, language: str, group: str, code: str, words: list[str], score: float = 0.0) -> None:
        """Add a text.

        Args:
            key: the key of its item.
            language: texts of different languages are never duplicates.
            group: all texts of a group are compared.
            code: the normalised program; equal ones are exact duplicates.
            words: tokens that are compared.
            score: with the preference ``best``, texts with a higher score are decided first.

        """
        exact = content_hash(language, code, group if self._thresholds.across is None else "")
        self._own.add(StoredText(key, words, exact, content_hash(language, group), language))
        self._scores.append(score)

    def decide(self) -> Iterator[Dropped | None]:
        """Decide about all texts; then yield for each one, in the order of ``add``, why it is dropped."""
        from glotsmith.selection.band_links import write_links  # imports NumPy, which only a search needs

        self._own.flush()
        first = sum(map(len, self._earlier))
        order = self._decision_order(first)
        texts = _Texts([*self._earlier, self._own], order)
        for band in range(ALL_BANDS):
            write_links(self._links(band), texts.band(band), order)
        self._decide_all(texts, first)
        places = range(len(texts)) if order is None else _inverse(order)
        for number in range(len(self._own)):
            decision = self._decisions.get(places[first + number])
            self._own.kept[number] = decision is None
            yield None if decision is None else self._dropped(decision, texts)
        if self._index is not None:
            self._index.folder.mkdir(parents=True, exist_ok=True)
            self._own.save(self._index.folder / self._index.name)

    def close(self) -> None:
        """Close and remove the temporary files; idempotent."""
        for store in (*self._earlier, self._own):
            store.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _decision_order(self, first: int) -> "array[int] | None":
        """Return the numbers of the texts in the order of decision: earlier runs first. None for the given order."""
        if self._prefer == "first":
            return None
        own, scores = self._own, self._scores
        rank = own.lengths.__getitem__ if self._prefer == "longest" else scores.__getitem__
        return array("I", [*range(first), *(first + n for n in sorted(range(len(own)), key=rank, reverse=True))])

    def _links(self, band: int) -> Path:
        return self._folder / f"links-{band}"

    def _decide_all(self, texts: "_Texts", first: int) -> None:
        """Decide about the texts that share a mark with an earlier one; all others are kept."""
        from glotsmith.selection.band_links import read_links

        kept = bytearray().join(store.kept for store in self._earlier) + b"\1" * len(self._own)
        with closing(_Chains(self._folder / "chains", kept)) as chains:
            for links in read_links(map(self._links, range(ALL_BANDS)), len(texts)):
                if (similar := chains.link(links)) and links.place >= first:
                    kept[links.place] = self._decide(links.place, similar, texts)

    def _decide(self, place: int, earlier: set[int], texts: "_Texts") -> bool:
        """Compare a text with kept ones that share a band; return whether it is kept, too."""
        own = texts.identity(place)
        within, across = list[int](), list[int]()
        for other in sorted(earlier):
            identity = texts.identity(other)
            if identity.exact == own.exact:
                self._decisions[place] = _Decision(Reason.EXACT_DUPLICATE, other)
                return False
            if identity.group == own.group:
                within.append(other)
            elif identity.language == own.language:
                across.append(other)
        for places, limit in (within, self._thresholds.within), (across, self._thresholds.across):
            for other in places if limit is not None else ():
                if score := texts.similarity_above(other, place, limit or 1.0):
                    self._decisions[place] = _Decision(Reason.NEAR_DUPLICATE, other, score)
                    return False
        return True

    def _dropped(self, decision: _Decision, texts: "_Texts") -> Dropped:
        store, number = texts.find(decision.keeper)
        if decision.reason == Reason.EXACT_DUPLICATE:
            return Dropped(decision.reason, f"the same as {store.key(number)}")
        return Dropped(decision.reason, f"ROUGE-L {decision.score:.3f} with {store.key(number)}")


def _segments(index: IndexSegment | None) -> list[Path]:
    """Return the segments of other runs, in the order of their names."""
    if index is None or not index.folder.is_dir():
        return []
    return sorted(p for p in index.folder.iterdir() if p.name != index.name and not p.name.startswith("."))


def _inverse(order: "array[int]") -> "array[int]":
    places = array("I", bytes(order.itemsize * len(order)))
    for place, number in enumerate(order):
        places[number] = place
    return places


class _Texts:
    """The texts of several stores, one after another. A place is that of a text in the order of decision."""

    def __init__(self, stores: Sequence[TextStore], order: "array[int] | None") -> None:
        self._stores, self._order = stores, order
        self._ends = list(accumulate(map(len, stores)))
        self._encoder = TokenEncoder()
        self._encoded = lru_cache(_CACHED_TEXTS)(self._encode)

    def __len__(self) -> int:
        return self._ends[-1]

    def band(self, number: int) -> Iterator[bytes]:
        """Yield the marks of a band, in the order of the stores."""
        return (piece for store in self._stores for piece in store.band(number))

    def find(self, place: int) -> tuple[TextStore, int]:
        """Return the store of a text, and its number in it."""
        number = place if self._order is None else self._order[place]
        index = bisect_right(self._ends, number)
        return self._stores[index], number - (self._ends[index - 1] if index else 0)

    def identity(self, place: int) -> TextIdentity:
        """Return the digests of two texts, which are compared before their words."""
        store, number = self.find(place)
        return store.identity(number)

    def similarity_above(self, place: int, other: int, threshold: float) -> float:
        """Return ROUGE-L F1 of two texts if it is above a threshold, else 0; long and short texts are not read."""
        sizes = [store.lengths[number] for store, number in map(self.find, (place, other))]
        if 2 * min(sizes) <= threshold * sum(sizes):
            return 0.0
        return rouge_l_above(self._encoded(place), self._encoded(other), threshold)

    def _encode(self, place: int) -> str:
        store, number = self.find(place)
        return self._encoder.encode(store.text(number))


class _Chains:
    """For each text and band the last kept text before it with the same mark, in a sparse file."""

    def __init__(self, path: Path, kept: bytearray) -> None:
        """Create the file; ``kept`` has 1 for the place of each kept or undecided text, and changes during the
        search."""
        self._kept = kept
        self._file = path.open("w+b")
        self._file.truncate(max(4 * ALL_BANDS * len(kept), 4))
        self._map = mmap.mmap(self._file.fileno(), 0)
        self._last = memoryview(self._map).cast("I")  #: place + 1 of a text; 0: there is none

    def link(self, links: "TextLinks") -> set[int]:
        """Store the links of a text; return the kept texts before it that share a mark with it."""
        found, last, kept = set[int](), self._last, self._kept
        base = links.place * ALL_BANDS
        for band, before in zip(links.bands, links.earlier, strict=True):
            at = before + 1 if kept[before] else last[before * ALL_BANDS + band]
            if at:
                last[base + band] = at
            while at:
                found.add(at - 1)
                at = last[(at - 1) * ALL_BANDS + band]
        return found

    def close(self) -> None:
        """Close the file."""
        self._last.release()
        self._map.close()
        self._file.close()
