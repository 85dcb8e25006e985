"""The holes of a language's folder: places that its author still has to fill in, each with what belongs there."""

import re
from collections.abc import Iterator
from pathlib import Path

from glotsmith.languages.card import Card
from glotsmith.records import Record

_MARK = re.compile(r"\bTODO:\s*(.*)")
_TITLE = re.compile(r"(?:(\w+) = \{|\[(\w+)\])")  #: begins a row of ``verdicts.toml`` and ``hostile.toml``


class TodoMark(Record, frozen=True, kw_only=True):
    """A place that is still to be filled in."""

    file: Path
    line: int  #: from 1
    instruction: str  #: what belongs there

    @property
    def sentence(self) -> str:
        """Where the hole is, and what belongs there."""
        return f"{self.file}:{self.line}: fill in this place: {self.instruction}"


def find_todo_marks(folder: Path) -> list[TodoMark]:
    """Return the holes of each file of a folder, by file and line; the card comes first and the driver second."""
    order = ("card", "driver", "verdicts", "hostile")
    files = [p for p in folder.iterdir() if p.is_file()]
    files.sort(key=lambda p: (order.index(p.stem) if p.stem in order else len(order), p.name))
    return [hole for file in files for hole in _marked(file)]


def missing_driver(card: Card) -> str:
    """Return a sentence if the card needs a driver and its folder has none, else nothing."""
    file = card.card_path.parent / f"driver{card.extension}"
    if card.level != "full" or file.is_file():
        return ""
    return (
        f'{file} is missing: a card of level = "full" needs a driver; write it, or set level = "io" in {card.card_path}'
    )


def _marked(file: Path) -> Iterator[TodoMark]:
    title = ""
    for number, line in enumerate(file.read_text("utf-8", errors="replace").splitlines(), 1):
        if begun := _TITLE.match(line):
            title = begun[1] or begun[2]
        if mark := _MARK.search(line):
            in_string = line[: mark.start()].count('"') % 2 == 1
            what = f"the code of row {title!r}: {_text(mark[1])}" if in_string and title else mark[1]
            yield TodoMark(file=file, line=number, instruction=what.strip())


def _text(rest: str) -> str:
    """Return the rest of a line up to the quote that ends a string."""
    return rest.partition('"')[0]
