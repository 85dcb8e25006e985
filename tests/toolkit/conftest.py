import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from glotsmith.languages import card, toolchain
from glotsmith.languages import proof_rows as row_tables
from glotsmith.toolkit import new_language

Copy = Callable[..., Path]


def forget() -> None:
    card.clear_card_caches()
    for function in (row_tables.read_proof_rows, toolchain.find_toolchain, toolchain.prepare_toolchain):
        function.cache_clear()


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder for languages, which the environment names."""
    folder = tmp_path / "own"
    folder.mkdir()
    monkeypatch.setenv(card.LANGUAGES_VARIABLE, str(folder))
    forget()
    yield folder
    monkeypatch.undo()
    forget()


@pytest.fixture
def changed(own: Path) -> Copy:
    """Make a copy of a language with one text changed in one file; returns its folder."""

    def make(name: str, like: str, file: str, old: str, new: str) -> Path:
        folder = new_language.create_language(name, own, like)
        text = (folder / file).read_text("utf-8")
        assert old in text
        (folder / file).write_text(text.replace(old, new), "utf-8")
        forget()
        return folder

    return make


@pytest.fixture
def clear_caches() -> Callable[[], None]:
    """Read the files of languages again."""
    return forget


@pytest.fixture
def fill_by_examples(own: Path) -> Callable[[Path], None]:
    """Fill each place with a TODO mark by the example that its comment gives."""
    return _fill_by_examples


def _fill_by_examples(folder: Path) -> None:
    """Fill each place with a TODO mark by the example that its comment gives."""
    card_file = folder / "card.toml"
    text = card_file.read_text("utf-8")
    card_file.write_text(re.sub(r"# TODO: `(\w+)`.*Example: (.*)\n\1 = .*", r"\1 = \2", text), "utf-8")
    row = re.compile(r"# Example in \w+: (.*)\n((?:\w+ = \{|\[\w+\](?:.*\n){4}).*)code = \"TODO: .*?\"")
    for name in ("verdicts.toml", "hostile.toml"):
        text = (folder / name).read_text("utf-8")
        (folder / name).write_text(row.sub(lambda m: f"{m[2]}code = '''{m[1]}'''", text), "utf-8")
    forget()
