"""Decide which of many texts are duplicates, in bounded memory: texts, marks and links are in files.

The texts are decided one after another. A text is a duplicate of an earlier one that was kept: an equal one, one of its
group, or one that shares a MinHash band, if the exact similarity (ROUGE-L) is above a threshold. An index of earlier
runs is a folder of segments. Each run writes one segment, once, and never changes that of another run, so that several
runs and machines may share the folder.
"""

import mmap
import shutil
import tempfile
from array import array
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Literal, NamedTuple

from glotsmith.drop_reasons import Reason
from glotsmith.records import content_hash
from glotsmith.selection.band_links import read_links, write_links
from glotsmith.selection.similarity import TokenEncoder, rouge_l_above
from glotsmith.selection.text_store import ALL_BANDS, EXACT, StoredText, TextStore
from glotsmith.step import Dropped

Preference = Literal["first", "longest", "best"]  #: which of several similar items is kept


class Thresholds(NamedTuple):
    """ROUGE-L F1 above which two texts are near-duplicates."""

    within: float  #: texts of one group
    across: float | None  #: other texts; None compares within groups only


class IndexSegment(NamedTuple):
    """The place of a run in an index of several runs."""

    folder: Path  #: of the index
    name: str  #: of the run's segment


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
            key: of its item.
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
        self._own.flush()
        stores = [*self._earlier, self._own]
        first, count = sum(map(len, self._earlier)), sum(map(len, stores))
        texts = _Texts(stores)
        order = self._decision_order(first)
        for band in range(ALL_BANDS):
            write_links(self._links(band), (piece for store in stores for piece in store.band(band)), order)
        self._decide_all(texts, order, first, count)
        places = array("I", range(count)) if order is None else _inverse(order)
        for number in range(len(self._own)):
            decision = self._decisions.get(places[first + number])
            self._own.kept[number] = decision is None
            yield None if decision is None else self._dropped(decision, texts, order)
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
        rank = own.length if self._prefer == "longest" else scores.__getitem__
        return array("I", [*range(first), *(first + n for n in sorted(range(len(own)), key=rank, reverse=True))])

    def _links(self, band: int) -> Path:
        return self._folder / f"links-{band}"

    def _decide_all(self, texts: "_Texts", order: "array[int] | None", first: int, count: int) -> None:
        chains = _Chains(self._folder / "chains", count)
        try:
            for place, links in enumerate(read_links(map(self._links, range(ALL_BANDS)), count)):
                number = place if order is None else order[place]
                candidates = chains.link(place, links)
                if place < first:
                    kept = texts.kept(number)
                else:
                    kept = not candidates or self._decide(place, number, candidates, texts, order)
                chains.set_kept(place, kept=kept)
        finally:
            chains.close()

    def _decide(
        self, place: int, number: int, found: "dict[int, set[int]]", texts: "_Texts", order: "array[int] | None"
    ) -> bool:
        """Compare a text with kept ones that share a band; return whether it is kept, too."""
        exact, group, language = texts.exact(number), texts.group(number), texts.language(number)
        similar, others = list[int](), list[int]()
        for other in sorted(found):
            other_number = other if order is None else order[other]
            if EXACT in found[other] and texts.exact(other_number) == exact:
                self._decisions[place] = _Decision(Reason.EXACT_DUPLICATE, other)
                return False
            if texts.group(other_number) == group:
                similar.append(other)
            elif texts.language(other_number) == language:
                others.append(other)
        limits = [(similar, self._thresholds.within), (others, self._thresholds.across)]
        for places, limit in limits:
            for other in places if limit is not None else ():
                other_number = other if order is None else order[other]
                if score := texts.similarity_above(other_number, number, limit or 1.0):
                    self._decisions[place] = _Decision(Reason.NEAR_DUPLICATE, other, score)
                    return False
        return True

    def _dropped(self, decision: _Decision, texts: "_Texts", order: "array[int] | None") -> Dropped:
        keeper = texts.key(decision.keeper if order is None else order[decision.keeper])
        if decision.reason == Reason.EXACT_DUPLICATE:
            return Dropped(decision.reason, f"the same as {keeper}")
        return Dropped(decision.reason, f"ROUGE-L {decision.score:.3f} with {keeper}")


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
    """The texts of several stores, numbered one after another."""

    def __init__(self, stores: Iterable[TextStore]) -> None:
        self._stores = list(stores)
        self._encoder = TokenEncoder()
        self._encoded = lru_cache(_CACHED_TEXTS)(self._encode)

    def _find(self, number: int) -> tuple[TextStore, int]:
        for store in self._stores:
            if number < len(store):
                return store, number
            number -= len(store)
        raise IndexError(number)

    def similarity_above(self, number: int, other: int, threshold: float) -> float:
        """Return ROUGE-L F1 of two texts if it is above a threshold, else 0; long and short texts are not read."""
        sizes = self.length(number), self.length(other)
        if 2 * min(sizes) <= threshold * sum(sizes):
            return 0.0
        return rouge_l_above(self._encoded(number), self._encoded(other), threshold)

    def _encode(self, number: int) -> str:
        store, at = self._find(number)
        return self._encoder.encode(store.text(at))

    def length(self, number: int) -> int:
        store, at = self._find(number)
        return store.length(at)

    def key(self, number: int) -> str:
        store, at = self._find(number)
        return store.key(at)

    def exact(self, number: int) -> bytes:
        store, at = self._find(number)
        return store.exact(at)

    def group(self, number: int) -> bytes:
        store, at = self._find(number)
        return store.group(at)

    def language(self, number: int) -> int:
        store, at = self._find(number)
        return store.language(at)

    def kept(self, number: int) -> bool:
        store, at = self._find(number)
        return bool(store.kept[at])


class _Chains:
    """For each text and band the last kept text before it with the same mark, in a sparse file."""

    def __init__(self, path: Path, count: int) -> None:
        self._kept = bytearray(count)
        self._file = path.open("w+b")
        self._file.truncate(max(4 * ALL_BANDS * count, 4))
        self._map = mmap.mmap(self._file.fileno(), 0)
        self._last = memoryview(self._map).cast("I")  #: place + 1 of a text; 0: there is none

    def link(self, place: int, links: list[tuple[int, int]]) -> dict[int, set[int]]:
        """Store the links of a text; return the kept texts that share bands with it, with these bands."""
        found = dict[int, set[int]]()
        base = place * ALL_BANDS
        last, kept = self._last, self._kept
        for band, before in links:
            at = before + 1 if kept[before] else last[before * ALL_BANDS + band]
            last[base + band] = at
            while at:
                found.setdefault(at - 1, set()).add(band)
                at = last[(at - 1) * ALL_BANDS + band]
        return found

    def set_kept(self, place: int, *, kept: bool) -> None:
        """Set whether a text was kept."""
        self._kept[place] = kept

    def close(self) -> None:
        """Close the file."""
        self._last.release()
        self._map.close()
        self._file.close()
