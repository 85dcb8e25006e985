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
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from functools import lru_cache
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from glotsmith.drop_reasons import Reason
from glotsmith.records import content_hash
from glotsmith.selection.signatures import SignatureFile, least_agreement
from glotsmith.selection.similarity import rouge_l_above, token_bytes
from glotsmith.selection.text_store import ALL_BANDS, BANDS, EXACT, StoredText, TextIdentity, TextStore
from glotsmith.step import Dropped

if TYPE_CHECKING:
    from glotsmith.selection.band_links import TextLinks

KeepRule = Literal["first", "longest", "best"]  #: which of several similar items is kept


class Thresholds(NamedTuple):
    """ROUGE-L F1 above which two texts are near-duplicates."""

    within: float  #: texts of one group
    across: float | None  #: other texts; None compares within groups only


class IndexSegment(NamedTuple):
    """The place of a run in an index of several runs."""

    folder: Path  #: folder of the index
    name: str  #: name of the run's segment


_CACHED_TEXTS = 1 << 14  #: texts whose tokens are in memory


def segment_of_run(folder: Path, run: Path) -> IndexSegment:
    """Return the segment of a run folder. A preview or a pilot has the segment of its run, which replaces it."""
    place = str(run.resolve()).removesuffix("-preview").removesuffix("-pilot")
    return IndexSegment(folder, content_hash(place))


class _Decision(NamedTuple):
    reason: Reason
    keeper: int  #: place of the kept text
    similarity: float = 1.0


class DuplicateSearch:
    """Collects texts, and then decides about all of them."""

    def __init__(self, thresholds: Thresholds, prefer: KeepRule = "first", index: IndexSegment | None = None) -> None:
        """Create a temporary folder; ``close`` removes it."""
        self._thresholds, self._prefer, self._index = thresholds, prefer, index
        self._folder = Path(tempfile.mkdtemp(prefix="glotsmith-duplicates-"))
        self._own = TextStore(self._folder / "own", similar=thresholds.across is not None)
        self._earlier = [TextStore(place, saved=True) for place in _segments(index)]
        self._ranks = array("d")
        self._decisions: dict[int, _Decision] = {}  #: place → why the text is dropped
        self._order = array("I")  #: place → number of the text

    def add(self, key: str, language: str, group: str, code: str, preference_rank: float = 0.0) -> None:
        """Add a text.

        Args:
            key: the key of its item.
            language: texts of different languages are never duplicates.
            group: all texts of a group are compared.
            code: the normalised program; equal ones are exact duplicates, and the tokens of others are compared.
            preference_rank: with the rule ``best``, texts with a higher rank are decided first.

        """
        exact = content_hash(language, code, group if self._thresholds.across is None else "")
        text = StoredText(key, token_bytes(code), exact, content_hash(language, group), language)
        self._own.add(text)
        self._ranks.append(preference_rank)

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
        own, ranks = self._own, self._ranks
        rank = own.lengths.__getitem__ if self._prefer == "longest" else ranks.__getitem__
        return array("I", [*range(first), *(first + n for n in sorted(range(len(own)), key=rank, reverse=True))])

    def _links(self, band: int) -> Path:
        return self._folder / f"links-{band}"

    def _decide_all(self, texts: "_Texts", first: int) -> None:
        """Decide about the texts that share a mark with an earlier one; all others are kept."""
        from glotsmith.selection.band_links import read_links

        kept = bytearray().join(store.kept for store in self._earlier) + b"\1" * len(self._own)
        with closing(_Chains(self._folder / "chains", kept)) as chains, closing(self._signatures(texts)) as signatures:
            for links in read_links(map(self._links, range(ALL_BANDS)), len(texts)):
                if any(earlier := chains.link(links)) and links.place >= first:
                    kept[links.place] = self._decide(links.place, earlier, texts, signatures)

    def _signatures(self, texts: "_Texts") -> SignatureFile:
        return SignatureFile(self._folder / "signatures", texts.signatures(), texts.order)

    def _decide(self, place: int, earlier: "_EarlierTexts", texts: "_Texts", signatures: SignatureFile) -> bool:
        """Compare a text with kept ones that share a band; return whether it is kept, too."""
        own, (within, across) = texts.identity(place), self._thresholds
        if equal := [other for other in earlier.equal if texts.identity(other).exact == own.exact]:
            self._decisions[place] = _Decision(Reason.EXACT_DUPLICATE, min(equal))
            return False
        group = {other for other in earlier.group if texts.identity(other).group == own.group}
        if self._is_similar(place, group, within, texts):
            return False
        if across is None:
            return True
        near = signatures.near(place, earlier.similar - group, least_agreement(across))
        same_language = (other for other in near if texts.identity(other).language == own.language)
        return not self._is_similar(place, same_language, across, texts)

    def _is_similar(self, place: int, others: Iterable[int], threshold: float, texts: "_Texts") -> bool:
        """Return whether a text is similar to one of others, and store the first one that it is similar to."""
        for other in sorted(others):
            if similarity := texts.similarity_above(other, place, threshold):
                self._decisions[place] = _Decision(Reason.NEAR_DUPLICATE, other, similarity)
                return True
        return False

    def _dropped(self, decision: _Decision, texts: "_Texts") -> Dropped:
        store, number = texts.find(decision.keeper)
        if decision.reason == Reason.EXACT_DUPLICATE:
            return Dropped(decision.reason, f"the same as {store.key(number)}")
        return Dropped(decision.reason, f"ROUGE-L {decision.similarity:.3f} with {store.key(number)}")


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
        self._stores, self.order = stores, order
        self._ends = list(accumulate(map(len, stores)))
        self._words = lru_cache(_CACHED_TEXTS)(self._read_words)

    def __len__(self) -> int:
        return self._ends[-1]

    def band(self, number: int) -> Iterator[bytes]:
        """Yield the marks of a band, in the order of the stores."""
        return (piece for store in self._stores for piece in store.band(number))

    def signatures(self) -> Iterator[bytes]:
        """Yield the signatures in the order of the stores, in pieces."""
        return (piece for store in self._stores for piece in store.signatures())

    def find(self, place: int) -> tuple[TextStore, int]:
        """Return the store of a text, and its number in it."""
        number = place if self.order is None else self.order[place]
        index = bisect_right(self._ends, number)
        return self._stores[index], number - (self._ends[index - 1] if index else 0)

    def identity(self, place: int) -> TextIdentity:
        """Return the digests of a text. They are compared before its words."""
        store, number = self.find(place)
        return store.identity(number)

    def similarity_above(self, place: int, other: int, threshold: float) -> float:
        """Return ROUGE-L F1 of two texts if it is above a threshold, else 0.

        The words are not read if the lengths alone rule out the threshold.
        """
        sizes = [store.lengths[number] for store, number in map(self.find, (place, other))]
        if 2 * min(sizes) <= threshold * sum(sizes):
            return 0.0
        return rouge_l_above(self._words(place), self._words(other), threshold)

    def _read_words(self, place: int) -> "array[int]":
        store, number = self.find(place)
        return store.text(number)


class _EarlierTexts(NamedTuple):
    """Places of kept texts that share a mark with a text."""

    similar: set[int]  #: a mark of the bands for similar texts
    equal: set[int]  #: the mark of equal texts
    group: set[int]  #: the mark of the group


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

    def link(self, links: "TextLinks") -> "_EarlierTexts":
        """Store the links of a text; return the kept texts before it that share a mark with it."""
        found, last, kept = _EarlierTexts(set(), set(), set()), self._last, self._kept
        base, add = links.place * ALL_BANDS, found.similar.add
        for band, before in zip(links.bands, links.earlier, strict=True):
            at = before + 1 if kept[before] else last[before * ALL_BANDS + band]
            if not at:
                continue
            last[base + band] = at
            if band >= BANDS:  # the last ones
                add = (found.equal if band == EXACT else found.group).add
            while at:
                add(before := at - 1)
                at = last[before * ALL_BANDS + band]
        return found

    def close(self) -> None:
        """Close the file."""
        self._last.release()
        self._map.close()
        self._file.close()
