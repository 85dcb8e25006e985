"""What files outside the package import from glotsmith exists: the type checker does not read them."""

import re
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
_FROM = re.compile(r"^\s*from (glotsmith[\w.]*) import (\([^)]*\)|[^\n#]*)", re.MULTILINE)
_FOLDERS = ("benchmarks", "examples", "src/glotsmith/datasets/exporters/templates")


def imports(text: str) -> Iterator[tuple[str, str]]:
    """Return module and name of each ``from glotsmith… import …``."""
    for module, names in _FROM.findall(text):
        for name in names.strip("()").split(","):
            if word := name.partition(" as ")[0].strip():
                yield module, word


def files() -> list[Path]:
    found = (file for folder in _FOLDERS for kind in ("*.py", "*.py.j2") for file in (ROOT / folder).rglob(kind))
    return sorted(file for file in found if "from glotsmith" in file.read_text("utf-8"))


def missing(text: str) -> list[str]:
    """Return the imported names that do not exist."""
    return [f"{module}.{name}" for module, name in imports(text) if not exists(module, name)]


def exists(module: str, name: str) -> bool:
    """Return whether a module has an attribute or a submodule of this name."""
    found = import_module(module)
    return hasattr(found, name) or (hasattr(found, "__path__") and find_spec(f"{module}.{name}") is not None)


@pytest.mark.parametrize("file", files(), ids=lambda file: str(file.relative_to(ROOT)))
def test_imported_names_exist(file: Path) -> None:
    assert missing(file.read_text("utf-8")) == []


def test_there_are_files_of_each_folder() -> None:
    assert {str(f.relative_to(ROOT)).split("/")[0] for f in files()} == {"benchmarks", "examples", "src"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("from glotsmith.records import Job, Nothing", ["glotsmith.records.Nothing"]),
        ("from glotsmith.records import (\n    Job,\n    Nothing,\n)\n", ["glotsmith.records.Nothing"]),
        ("    from glotsmith import records as r  # a module", []),
        ("from glotsmith import Verifier", []),
    ],
)
def test_a_missing_name_is_found(text: str, expected: list[str]) -> None:
    assert missing(text) == expected
