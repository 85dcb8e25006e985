"""Find the TODO marks of a language: places that its author must fill in."""

import re
from collections.abc import Iterator
from pathlib import Path

from glotsmith.languages.card import Card
from glotsmith.records import Record

_MARK = re.compile(r"\bTODO:\s*(.*)")
_TITLE = re.compile(r"(?:(\w+) = \{|\[(\w+)\])")  #: start of a row of ``verdicts.toml`` and ``hostile.toml``


class TodoMark(Record, frozen=True, kw_only=True):
    """A place that must be filled in."""

    file: Path
    line: int  #: number of the line, from 1
    instruction: str  #: description of the content to write

    @property
    def sentence(self) -> str:
        """A sentence with the place and the instruction."""
        return f"{self.file}:{self.line}: fill in this place: {self.instruction}"


def find_todo_marks(folder: Path) -> list[TodoMark]:
    """Return the TODO marks of a folder by file and line: those of the card, of the driver, and of other files."""
    order = ("card", "driver", "verdicts", "hostile")
    files = [p for p in folder.iterdir() if p.is_file()]
    files.sort(key=lambda p: (order.index(p.stem) if p.stem in order else len(order), p.name))
    return [mark for file in files for mark in _marks_in(file)]


def missing_driver(card: Card) -> str:
    """Return a message if the card needs a driver that is missing; "" otherwise."""
    file = card.card_path.parent / f"driver{card.extension}"
    if card.level != "full" or file.is_file():
        return ""
    return (
        f'{file} is missing: a card of level = "full" needs a driver; write it, or set level = "io" in {card.card_path}'
    )


def _marks_in(file: Path) -> Iterator[TodoMark]:
    title = ""
    for number, line in enumerate(file.read_text("utf-8", errors="replace").splitlines(), 1):
        if begun := _TITLE.match(line):
            title = begun[1] or begun[2]
        if mark := _MARK.search(line):
            in_string = line[: mark.start()].count('"') % 2 == 1
            what = f"the code of row {title!r}: {_until_quote(mark[1])}" if in_string and title else mark[1]
            yield TodoMark(file=file, line=number, instruction=what.strip())


def _until_quote(rest: str) -> str:
    """Return the rest of a line up to the quote that ends a string."""
    return rest.partition('"')[0]
