"""Find overlaps of texts with benchmarks, by four rules from the strictest to the loosest.

- ``exact``: one text contains the other, character for character (MultiPL-T §4.3, for HumanEval and MBPP).
- ``normalised``: one text contains the other after case, white space, punctuation and comments are removed.
- ``tree``: a definition has the syntax tree of one of the benchmark in the same language, without names, comments and
  types (``languages.grammar.tree_digests``).
- ``10-gram``: ten consecutive words in common (Qwen2.5-Coder report, §4.1); ``n`` is an option.

Short and common texts are not evidence of an overlap. An n-gram therefore counts only if two in ten of its words, each
counted once, are distinctive: they have two letters or more and are not keywords. For example,
``for i in range(len(a)): for j in range(i + 1, len(a))`` has no distinctive word. A whole text needs one distinctive
word. A text shorter than an n-gram needs two in ten, and at least ``shortest`` words: the docstring "Return the sum of
two numbers." does not count.

The cost is one hash look-up per word of the text, and does not depend on the size of the benchmarks.
"""

import keyword
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from glotsmith.errors import UsageError
from glotsmith.languages.grammar import tree_digests
from glotsmith.languages.lexer import CommentSyntax
from glotsmith.selection.benchmark_files import BenchmarkRow, read_benchmark
from glotsmith.selection.normalise import strip_comments

_TREE_RANK, _GRAM_RANK = 2, 3  #: ranks of the looser rules; 0 and 1 are ``exact`` and ``normalised``
_WORD = re.compile(r"\w+")
_COMMON = frozenset(map(str.casefold, keyword.kwlist)) | {"len", "range", "self"}


def split_words(text: str) -> list[str]:
    """Split a text into words in lower case; a name with underscores is one word."""
    return _WORD.findall(text.casefold())


class _BenchmarkText(NamedTuple):
    """A text of a benchmark."""

    row: str
    raw: str
    folded: str  #: its words, with one space before, between and after


class BenchmarkIndex:
    """An index of benchmark texts."""

    def __init__(
        self, rows: Iterable[BenchmarkRow], syntax: Mapping[str, CommentSyntax], *, n: int = 10, shortest: int = 8
    ) -> None:
        """Index the rows.

        Args:
            rows: the rows of all benchmarks.
            syntax: language → comment syntax; a row without a language is read as Python.
            n: the number of consecutive common words that are an overlap.
            shortest: the number of words that a text shorter than ``n`` words needs to count as a whole.

        """
        if n < 2 or shortest < 2:
            raise UsageError(f"n is {n} and shortest is {shortest}; both must be 2 words or more")
        self._syntax, self._n, self._shortest = dict(syntax), n, min(shortest, n)
        self._benchmark_texts: list[_BenchmarkText] = []
        self._grams: dict[int, int] = {}  #: hash of a distinctive n-gram → a text that contains it
        self._anchors: dict[int, dict[int, list[int]]] = {}  #: length → hash of a text's first words → texts
        self._trees: dict[tuple[str, str], str] = {}  #: language and hash of a definition's syntax tree → row
        for row in rows:
            self._add_trees(row)
            for text in row.texts:
                for variant in self._variants(text, row.language or "python"):
                    self._add(row.name, variant)

    @classmethod
    def from_files(
        cls, files: Iterable[Path], syntax: Mapping[str, CommentSyntax], *, n: int = 10, shortest: int = 8
    ) -> "BenchmarkIndex":
        """Index benchmark files (see ``read_benchmark``).

        Raises:
            InputError: a file cannot be read.

        """
        return cls((row for file in files for row in read_benchmark(file)), syntax, n=n, shortest=shortest)

    def find_overlap(self, text: str, language: str = "") -> str:
        """Return the row that the text overlaps with and the rule, as a message; "" for no overlap.

        Args:
            text: a program or prose.
            language: the language of the program, which is then checked without comments, too; "" for prose.

        """
        found = [match for variant in self._variants(text, language) for match in self._matches(variant)]
        if self._trees and language and (not found or min(found)[0] == _GRAM_RANK):
            found += self._tree_matches(text, language)
        return min(found)[1] if found else ""

    def _add_trees(self, row: BenchmarkRow) -> None:
        """Index the syntax trees of the programs of a row."""
        language = row.language or "python"
        for program in row.programs if language in self._syntax else ():
            for digest in tree_digests(language, program):
                self._trees.setdefault((language, digest), row.name)

    def _tree_matches(self, text: str, language: str) -> list[tuple[int, str]]:
        digests = tree_digests(language, text) if language in self._syntax else []
        rows = (self._trees.get((language, digest)) for digest in digests)
        return [(_TREE_RANK, f"tree overlap with {row}") for row in rows if row]

    def _variants(self, text: str, language: str) -> tuple[str, ...]:
        """Return the text, and the text without comments if that has other words."""
        if (syntax := self._syntax.get(language)) is None:
            return (text,)
        stripped = strip_comments(text, syntax)
        return (text,) if split_words(stripped) == split_words(text) else (text, stripped)

    def _add(self, row: str, text: str) -> None:
        found = split_words(text)
        if len(found) < self._shortest or not (
            self._is_distinctive(found) if len(found) < self._n else _distinctive_words(found)
        ):
            return
        number = len(self._benchmark_texts)
        self._benchmark_texts.append(_BenchmarkText(row, text.strip(), f" {' '.join(found)} "))
        grams = [" ".join(gram) for gram in _windows(found, self._n) if self._is_distinctive(gram)]
        for gram in grams:
            self._grams.setdefault(hash(gram), number)
        if not grams:  # too short, or no distinctive n-gram: indexed as a whole, by its first words
            first = found[: self._n]
            self._anchors.setdefault(len(first), {}).setdefault(hash(" ".join(first)), []).append(number)

    def _is_distinctive(self, gram: Sequence[str]) -> bool:
        return 5 * len(_distinctive_words(gram)) >= self._n

    def _matches(self, text: str) -> Iterator[tuple[int, str]]:
        """Yield the rank of the rule and a message for each benchmark text that the text overlaps with."""
        found = split_words(text)
        folded, raw = f" {' '.join(found)} ", text.strip()
        for number, gram in dict(self._hits(found)).items():
            known = self._benchmark_texts[number]
            if f" {gram} " not in known.folded:  # two n-grams with one hash
                continue
            if known.folded in folded or folded in known.folded:
                rank = 0 if known.raw in raw or raw in known.raw else 1
                yield rank, f"{('exact', 'normalised')[rank]} overlap with {known.row}"
            elif gram.count(" ") == self._n - 1 and self._is_distinctive(gram.split()):
                yield _GRAM_RANK, f'{self._n}-gram overlap with {known.row}: "{gram}"'

    def _hits(self, found: list[str]) -> Iterator[tuple[int, str]]:
        """Yield the number of each benchmark text that may overlap, with the common words."""
        for length in {self._n, *self._anchors}:
            anchors = self._anchors.get(length, {})
            for gram in map(" ".join, _windows(found, length)):
                code = hash(gram)
                yield from ((number, gram) for number in anchors.get(code, ()))
                if length == self._n and (number := self._grams.get(code)) is not None:
                    yield number, gram


def _distinctive_words(found: Iterable[str]) -> set[str]:
    return {word for word in found if len(word) > 1 and not word[0].isdigit()} - _COMMON


def _windows(found: list[str], length: int) -> Iterator[list[str]]:
    return (found[start : start + length] for start in range(len(found) - length + 1))
