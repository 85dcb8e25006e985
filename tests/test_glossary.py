"""The words that ``docs/glossary.md`` forbids are in no name, docstring, comment, message or page."""

import ast
import io
import re
import tokenize
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "glotsmith"
GLOSSARY = ROOT / "docs" / "glossary.md"
HEADING = "## Words that are not used"
#: Uses of a forbidden word that are names of others: of operating systems, trainers, formats and recorded steps.
ALLOWED = re.compile(r"ground_truths?|Apache Arrow|Arrow|\.arrow|NOBODY|user (?:``|`|\")?nobody")


class Word(NamedTuple):
    """A forbidden word or phrase."""

    text: str
    where: str  #: ``names``, ``prose`` or ``everywhere``


def forbidden() -> list[Word]:
    """Return the rows of the glossary's last table."""
    rows = GLOSSARY.read_text("utf-8").partition(HEADING)[2].splitlines()
    cells = [[cell.strip(" `") for cell in row.strip("|").split("|")] for row in rows if row.startswith("| `")]
    return [Word(text, where) for text, where, _ in cells]


def words(name: str) -> list[str]:
    """Return the words of an identifier, in lower case: ``HTTPServer_name`` is http, server, name."""
    return [word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)]


class Place(NamedTuple):
    """One line of a file, and its names or its prose."""

    file: str
    line: int
    text: str


def python_places(file: Path) -> Iterator[tuple[str, Place]]:
    """Yield the names, and the comments and strings, of a Python file."""
    name = str(file.relative_to(ROOT))
    yield "names", Place(name, 0, file.stem)
    for token in tokenize.generate_tokens(io.StringIO(file.read_text("utf-8")).readline):
        kind = tokenize.tok_name[token.type]
        if kind == "NAME":
            yield "names", Place(name, token.start[0], token.string)
        elif kind in ("COMMENT", "STRING", "FSTRING_MIDDLE"):
            for number, line in enumerate(token.string.splitlines()):
                yield "prose", Place(name, token.start[0] + number, line)


def page_places(file: Path) -> Iterator[tuple[str, Place]]:
    """Yield the lines of a page or a script; of the glossary, those before its list of forbidden words."""
    text = file.read_text("utf-8").partition(HEADING)[0]
    for number, line in enumerate(text.splitlines(), 1):
        yield "prose", Place(str(file.relative_to(ROOT)), number, line)


@cache
def places() -> dict[str, list[Place]]:
    """Return all names and all prose."""
    found = defaultdict[str, list[Place]](list)
    python = [file for folder in ("src", "scripts", "examples") for file in (ROOT / folder).rglob("*.py")]
    pages = [
        *(page for page in ROOT.glob("*.md") if page.name != "CHANGELOG.md"),
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / "scripts").glob("*.sh"),
        *PACKAGE.rglob("*.c"),
    ]
    for file, read in [*((f, python_places) for f in python), *((f, page_places) for f in pages)]:
        for kind, place in read(file):
            found[kind].append(place._replace(text=ALLOWED.sub("", place.text)))
    for folder in PACKAGE.rglob("*/"):
        found["names"].append(Place(str(folder.relative_to(ROOT)), 0, folder.name))
    return found


def uses(word: Word) -> list[str]:
    """Return where a forbidden word is used."""
    found = list[Place]()
    if word.where in ("names", "everywhere"):
        found += [p for p in places()["names"] if word.text in words(p.text)]
    if word.where in ("prose", "everywhere"):
        pattern = re.compile(rf"\b{re.escape(word.text)}\b", re.IGNORECASE)
        found += [p for p in places()["prose"] if pattern.search(p.text)]
    return sorted({f"{p.file}:{p.line}: {p.text.strip()}" for p in found})


@pytest.mark.parametrize("word", forbidden(), ids=lambda word: word.text)
def test_a_forbidden_word_is_not_used(word: Word) -> None:
    assert word.where in ("names", "prose", "everywhere")
    assert uses(word) == []


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("hand_on", ["hand", "on"]),
        ("ForkServer", ["fork", "server"]),
        ("HTTPServer", ["http", "server"]),
        ("_WORK2", ["work"]),
    ],
)
def test_a_name_is_split_into_its_words(name: str, expected: list[str]) -> None:
    assert words(name) == expected


def test_names_and_prose_are_found_in_every_kind_of_file() -> None:
    assert {p.text for p in places()["names"]} >= {"fork_server", "ForkServer", "verdict"}
    files = {p.file for p in places()["prose"]}
    assert {"README.md", "docs/glossary.md", "scripts/check.sh", "examples/add_language.py"} <= files
    assert len(forbidden()) > 10


def test_a_public_class_has_a_name_that_is_unique() -> None:
    files = defaultdict[str, list[str]](list)
    for file in PACKAGE.rglob("*.py"):
        for node in ast.parse(file.read_text("utf-8")).body:
            if isinstance(node, ast.ClassDef) and node.name[0] != "_":
                files[node.name].append(str(file.relative_to(PACKAGE)))
    shared = {name: found for name, found in files.items() if len(found) > 1}
    assert shared == {}
