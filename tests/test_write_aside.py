"""Files and folders that are written aside appear whole or not at all."""

from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path

import pytest

from glotsmith.write_aside import Drafts, draft_path, write_aside

Contents = dict[str, str]  #: path in the test's folder → text
WriteDraft = Callable[[Path, str], None]
Writer = Callable[[Path], AbstractContextManager[Path]]


def write_file(draft: Path, text: str) -> None:
    draft.write_text(text)


def write_folder(draft: Path, text: str) -> None:
    draft.mkdir()
    (draft / "model").write_text(text)


synced = partial(write_aside, sync=True)
shared = partial(write_aside, shared=True)


@contextmanager
def collected(target: Path) -> Generator[Path, None, None]:
    with Drafts() as drafts:
        yield drafts.add(target)
        drafts.replace_targets()


def contents(folder: Path) -> Contents:
    return {str(f.relative_to(folder)): f.read_text() for f in sorted(folder.rglob("*")) if f.is_file()}


FILE, FOLDER = "file", "folder/model"


@pytest.mark.parametrize(
    ("writer", "write", "before", "expected"),
    [
        (write_aside, write_file, {}, {FILE: "new"}),
        (write_aside, write_file, {FILE: "old"}, {FILE: "new"}),
        (write_aside, write_file, {FILE: "old", ".file.part": "half"}, {FILE: "new"}),
        (synced, write_file, {FILE: "old"}, {FILE: "new"}),
        (shared, write_file, {FILE: "old"}, {FILE: "new"}),
        (shared, write_file, {".file.part": "another's"}, {".file.part": "another's", FILE: "new"}),
        (collected, write_file, {FILE: "old"}, {FILE: "new"}),
        (write_aside, write_folder, {}, {FOLDER: "new"}),
        (write_aside, write_folder, {".folder.part/stale": "half"}, {FOLDER: "new"}),
        (shared, write_folder, {}, {FOLDER: "new"}),
    ],
)
def test_the_target_is_replaced(
    tmp_path: Path,
    writer: Writer,
    write: WriteDraft,
    before: Contents,
    expected: Contents,
) -> None:
    arrange(tmp_path, before)
    with writer(tmp_path / ("folder" if write is write_folder else FILE)) as draft:
        assert not draft.exists()
        write(draft, "new")
    assert contents(tmp_path) == expected


@pytest.mark.parametrize("error", [ValueError, OSError, KeyboardInterrupt])
@pytest.mark.parametrize(
    ("writer", "write", "before"),
    [
        (write_aside, write_file, {}),
        (write_aside, write_file, {FILE: "old"}),
        (synced, write_file, {FILE: "old"}),
        (shared, write_file, {FILE: "old"}),
        (collected, write_file, {FILE: "old"}),
        (write_aside, write_folder, {}),
        (shared, write_folder, {}),
    ],
)
def test_an_error_leaves_the_target_and_no_draft(
    tmp_path: Path,
    writer: Writer,
    write: WriteDraft,
    before: Contents,
    error: type[BaseException],
) -> None:
    arrange(tmp_path, before)
    with (
        pytest.raises(error),
        writer(tmp_path / ("folder" if write is write_folder else FILE)) as draft,
    ):
        write(draft, "new")
        raise error
    assert contents(tmp_path) == before
    assert {path.name for path in tmp_path.iterdir()} == set(before)


def test_a_target_that_cannot_be_replaced_leaves_no_draft(tmp_path: Path) -> None:
    arrange(tmp_path, {FOLDER: "old"})
    with pytest.raises(OSError), write_aside(tmp_path / "folder") as draft:
        write_folder(draft, "new")
    assert contents(tmp_path) == {FOLDER: "old"}


def test_a_file_of_several_that_fails_leaves_all_targets(tmp_path: Path) -> None:
    arrange(tmp_path, {"one": "old", "two": "old"})
    with pytest.raises(OSError, match="full"), Drafts() as drafts:
        for name in ("one", "two"):
            drafts.add(tmp_path / name).write_text("new")
        raise OSError("the disk is full")
    assert contents(tmp_path) == {"one": "old", "two": "old"}


def test_a_discarded_file_is_not_replaced(tmp_path: Path) -> None:
    with Drafts() as drafts:
        for name in ("one", "two"):
            drafts.add(tmp_path / name).write_text("new")
        drafts.discard(tmp_path / "one")
        drafts.replace_targets()
    assert contents(tmp_path) == {"two": "new"}


def test_a_draft_is_hidden_and_in_the_folder_of_its_target(tmp_path: Path) -> None:
    assert draft_path(tmp_path / "README.md") == tmp_path / ".README.md.part"


def arrange(folder: Path, files: Contents) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
