"""The words that ``docs/glossary.md`` forbids are in no name, docstring, comment, message or page.

Of the tests only the names of variables, functions and classes are checked.
"""

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
#: Uses of a forbidden word that are names of others: of operating systems, languages, trainers, formats, build tools.
ALLOWED = re.compile(
    r"ground_truths?|Apache Arrow|Arrow|\.arrow|NOBODY|user (?:``|`|\")?nobody|\[tool\.hatch\b|reverse room rotatef"
)


class Word(NamedTuple):
    """A forbidden word or phrase."""

    text: str
    where: str  #: ``names``, ``prose`` or ``everywhere``


def forbidden() -> list[Word]:
    """Return the rows of the glossary's last table."""
    rows = GLOSSARY.read_text("utf-8").partition(HEADING)[2].splitlines()
    cells = [[cell.strip(" `") for cell in row.strip("|").split("|")] for row in rows if row.startswith("| `")]
    return [Word(text, where) for text, where, _ in cells]


@cache
def split(name: str) -> list[str]:
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
    for line, text in values_of_names(ast.parse(file.read_text("utf-8"))):
        yield "names", Place(name, line, text)
    for token in tokenize.generate_tokens(io.StringIO(file.read_text("utf-8")).readline):
        kind = tokenize.tok_name[token.type]
        if kind == "NAME":
            yield "names", Place(name, token.start[0], token.string)
        elif kind in ("COMMENT", "STRING", "FSTRING_MIDDLE"):
            for number, line in enumerate(token.string.splitlines()):
                yield "prose", Place(name, token.start[0] + number, line)


def values_of_names(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield line and text of the strings that are assigned to ``name``: the names of steps, teachers and exporters."""
    for node in ast.walk(tree):
        match node:
            case ast.Assign(targets=[ast.Name(id="name")], value=ast.Constant(value=str(text))):
                yield node.lineno, text
            case ast.Assign(targets=[ast.Tuple(elts=targets)], value=ast.Tuple(elts=values)):
                for target, value in zip(targets, values, strict=False):
                    match target, value:
                        case ast.Name(id="name"), ast.Constant(value=str(text)):
                            yield node.lineno, text
            case ast.AnnAssign(target=ast.Name(id="name"), value=ast.Constant(value=str(text))):
                yield node.lineno, text


def names_in_tests(file: Path) -> Iterator[tuple[str, Place]]:
    """Yield the names of a file of tests, without those of its tests, which are sentences."""
    return (found for found in python_places(file) if found[0] == "names" and not found[1].text.startswith("test_"))


def page_places(file: Path) -> Iterator[tuple[str, Place]]:
    """Yield the lines of a page or a script; of the glossary, those before its list of forbidden words."""
    text = file.read_text("utf-8").partition(HEADING)[0]
    for number, line in enumerate(text.splitlines(), 1):
        yield "prose", Place(str(file.relative_to(ROOT)), number, line)


def template_places(file: Path) -> Iterator[tuple[str, Place]]:
    """Yield the lines of a template, and the names in its expressions and statements."""
    name = str(file.relative_to(ROOT))
    for number, line in enumerate(file.read_text("utf-8").splitlines(), 1):
        yield "prose", Place(name, number, line)
        for code in re.findall(r"{[{%](.*?)[%}]}", line):
            for identifier in re.findall(r"[A-Za-z_]\w*", re.sub(r"\"[^\"]*\"", "", code)):
                yield "names", Place(name, number, identifier)


@cache
def places() -> dict[str, list[Place]]:
    """Return all names and all prose."""
    found = defaultdict[str, list[Place]](list)
    python = [f for folder in ("src", "scripts", "examples", "benchmarks") for f in (ROOT / folder).rglob("*.py")]
    tests = (ROOT / "tests").rglob("*.py")
    pages = [
        *(page for page in ROOT.glob("*.md") if page.name != "CHANGELOG.md"),
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / "benchmarks").rglob("*.md"),
        *(ROOT / "scripts").glob("*.sh"),
    ]
    others = [f for f in PACKAGE.rglob("*.*") if f.is_file() and f.suffix not in (".py", ".pyc", ".jsonl")]
    templates = [file for file in others if file.suffix in (".j2", ".jinja")]
    pages += [file for file in others if file not in templates]
    readers = {python_places: python, names_in_tests: tests, page_places: pages, template_places: templates}
    for file, read in ((file, read) for read, files in readers.items() for file in files):
        for kind, place in read(file):
            found[kind].append(place._replace(text=ALLOWED.sub("", place.text)))
    for folder in PACKAGE.rglob("*/"):
        found["names"].append(Place(str(folder.relative_to(ROOT)), 0, folder.name))
    return found


@cache
def names_by_word() -> dict[str, list[Place]]:
    """Return the names that contain a word, by word."""
    found = defaultdict[str, list[Place]](list)
    for place in places()["names"]:
        for word in split(place.text):
            found[word].append(place)
    return found


@cache
def prose() -> list[tuple[str, Place]]:
    """Return all prose, with its text in lower case."""
    return [(place.text.lower(), place) for place in places()["prose"]]


def uses(word: Word) -> list[str]:
    """Return where a forbidden word is used."""
    found = list[Place]()
    if word.where in ("names", "everywhere"):
        found += names_by_word().get(word.text, [])
    if word.where in ("prose", "everywhere"):
        pattern = re.compile(rf"\b{re.escape(word.text)}\b")
        found += [place for text, place in prose() if word.text in text and pattern.search(text)]
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
    assert split(name) == expected


def test_names_and_prose_are_found_in_every_kind_of_file() -> None:
    assert {p.text for p in places()["names"]} >= {"fork_server", "ForkServer", "verdict"}
    files = {p.file for p in places()["prose"]}
    assert {"README.md", "docs/glossary.md", "scripts/check.sh", "examples/add_language.py"} <= files
    assert {"benchmarks/README.md", "benchmarks/rates.py"} <= files
    package = "src/glotsmith"
    assert f"{package}/recipes/xcoder/prompts/_agent.j2" in files
    assert {f"{package}/languages/{file}" for file in ("racket/driver.rkt", "r/driver.R", "lua/card.toml")} <= files
    assert {Path(file).suffix for file in files} >= {".c", ".jl", ".js", ".lisp", ".ml", ".html", ".rs"}
    assert {p.text for p in places()["names"]} >= {"schedule_sessions", "frequent_failures"}
    assert "tests/own_home.py" in {p.file for p in places()["names"]}
    assert len(forbidden()) > 10


def type_name(node: ast.stmt) -> str:
    """Return the name of a class or of a type alias at the top level of a module; "" for other statements."""
    match node:
        case ast.ClassDef(name=name):
            return name
        case (
            ast.Assign(targets=[ast.Name(id=name)], value=value) | ast.AnnAssign(target=ast.Name(id=name), value=value)
        ):
            is_variable = isinstance(value, ast.Call) and ast.unparse(value.func) == "TypeVar"
            return "" if is_variable or name == name.upper() or name == name.lower() else name
        case _:
            return ""


def test_a_public_type_has_a_name_that_is_unique() -> None:
    files = defaultdict[str, list[str]](list)
    for file in PACKAGE.rglob("*.py"):
        for name in map(type_name, ast.parse(file.read_text("utf-8")).body):
            if name and name[0] != "_":
                files[name].append(str(file.relative_to(PACKAGE)))
    assert {"Job", "KeepRule", "RunStatement"} <= files.keys()
    shared = {name: found for name, found in files.items() if len(found) > 1}
    assert shared == {}
