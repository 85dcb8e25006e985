from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from glotsmith.kit import start
from glotsmith.languages import card, prepared, toolchain
from glotsmith.languages import rows as row_tables

Copy = Callable[..., Path]


def forget() -> None:
    card.forget()
    for function in (row_tables.rows, toolchain.resolve, prepared.ready):
        function.cache_clear()


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder for languages, which the environment names."""
    folder = tmp_path / "own"
    folder.mkdir()
    monkeypatch.setenv(card.VARIABLE, str(folder))
    forget()
    yield folder
    monkeypatch.undo()
    forget()


@pytest.fixture
def changed(own: Path) -> Copy:
    """Make a copy of a language with one text changed in one file; returns its folder."""

    def make(name: str, like: str, file: str, old: str, new: str) -> Path:
        folder = start.start(name, own, like)
        text = (folder / file).read_text("utf-8")
        assert old in text
        (folder / file).write_text(text.replace(old, new), "utf-8")
        forget()
        return folder

    return make
