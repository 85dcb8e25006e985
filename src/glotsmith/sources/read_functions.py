"""Read functions: the first step of multipl-t, which yields each top-level function of the sources as a unit."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import ClassVar

from glotsmith.drop_reasons import Reason
from glotsmith.errors import UsageError
from glotsmith.records import Function, Origin, Record, content_hash, printable
from glotsmith.sources.corpus import SOURCE_EXAMPLES, Corpus, ReadOptions, locate_corpus
from glotsmith.sources.extract import FoundFunction, SourceModule
from glotsmith.sources.files import SourceText
from glotsmith.sources.parse import Unparsable
from glotsmith.step import Dropped, Kept, Result, SourceStep, internal_error

_READ_AHEAD = 4  #: number of texts that are read at once


class ReadFunctions(SourceStep[Function]):
    """Reads functions from files, packages, the standard library and datasets (MultiPL-T §4.1).

    A unit is a function, a text that cannot be read or parsed, or a dataset row without a function. A unit's key is its
    source, path and line. A kept function's key is its id, so that equal functions have equal keys.

    Raises:
        UsageError: A specification has no known form, or names something that does not exist.

    """

    name: ClassVar[str] = "sources"
    output: ClassVar[type[Record]] = Function

    def __init__(self, specs: Sequence[str], options: ReadOptions | None = None, *, locate: bool = True) -> None:
        """Create the step, and find the sources.

        Args:
            specs: The specifications of the sources.
            options: The options for reading them.
            locate: Whether to find the sources on this machine. Without them, the step cannot run.

        """
        if not specs:
            raise UsageError(f"no source given. Pass at least one with -s: {SOURCE_EXAMPLES}")
        self._options = options or ReadOptions()
        self._corpora = [locate_corpus(spec, self._options) for spec in dict.fromkeys(specs) if locate]

    async def run(self, done: Callable[[str], bool]) -> "AsyncIterator[tuple[str, Result[Function]]]":
        """Yield units in the order of specifications, paths and lines.

        Raises:
            InputError: A folder has no Python file, or a table has a malformed line or no column with code.

        """
        for corpus in self._corpora:
            texts = corpus.texts()
            # Read in a thread, because disk or network may block; parse in the main thread, for its stack (``parse``).
            while chunk := await asyncio.to_thread(_next_texts, texts):
                for text in chunk:
                    for key, result in self._units_or_error(corpus, text):
                        if not done(key):
                            yield key, result
                    await asyncio.sleep(0)

    def _units_or_error(self, corpus: Corpus, text: SourceText) -> "Iterator[tuple[str, Result[Function]]]":
        """Yield the units of a text. An unexpected error drops the rest of the text."""
        try:
            yield from self._units(corpus, text)
        except Exception as error:
            key = f"{corpus.spec}:{text.path}"
            yield key, Result[Function](dropped=(internal_error(self.name, key, error),))

    def _units(self, corpus: Corpus, text: SourceText) -> "Iterator[tuple[str, Result[Function]]]":
        key = f"{corpus.spec}:{text.path}"
        try:
            if isinstance(text.content, Dropped):
                yield key, Result[Function](dropped=(text.content,))
                return
            o = self._options
            found = SourceModule(text.content).functions(
                helpers=o.helpers, imports=o.imports, max_helper_lines=o.max_helper_lines
            )
        except Unparsable as error:
            yield key, Result[Function](dropped=(Dropped(error.reason, printable(error.detail)),))
            return
        line = 0
        for function in found:
            line = function.line
            yield f"{key}:{line}", _unit_result(corpus, text, function)
        if not line and text.is_unit:
            yield key, Result[Function](dropped=(Dropped(Reason.NOT_A_FUNCTION),))


def _next_texts(texts: Iterable[SourceText]) -> list[SourceText]:
    return list(islice(texts, _READ_AHEAD))


def _unit_result(corpus: Corpus, text: SourceText, found: FoundFunction) -> Result[Function]:
    if found.decorators:
        names = ", ".join(f"@{d}" for d in found.decorators)
        return Result(dropped=(Dropped(Reason.DECORATED, printable(names)),))
    licence = text.licence or corpus.licence
    origin = Origin(source=corpus.spec, path=text.path, line=found.line, version=corpus.version, licence=licence)
    function = Function(
        id=content_hash(found.code, found.helpers),
        name=found.name,
        code=found.code,
        docstring=printable(found.docstring),
        helpers=found.helpers,
        origin=origin,
    )
    return Result(kept=(Kept(function.id, function),))
