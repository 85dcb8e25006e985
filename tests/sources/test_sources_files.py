"""Folders with everything in them that a disk can hold."""

import os
from pathlib import Path

import pytest

from glotsmith.drop_reasons import Reason
from glotsmith.records import printable
from glotsmith.sources.files import FileSelection, decode_utf8, find_source_files, printable_path, read_text
from glotsmith.step import Dropped


def listing(root: Path, scope: FileSelection = FileSelection()) -> dict[str, str]:  # noqa: B008
    """Return path → drop detail, in order."""
    return {
        printable_path(path, root): dropped.detail if dropped else ""
        for path, dropped in find_source_files(root, scope)
    }


def put(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("")


def test_the_order_is_fixed_and_clutter_is_left_out(tmp_path: Path) -> None:
    put(tmp_path, "b.py", "a/z.py", "a/y.py", "a.py", "c.txt", "d.pyc", "e.pyi", "B.py", "ä.py")
    put(tmp_path, ".git/x.py", "__pycache__/x.py", "node_modules/x.py", "venv/x.py", "venv/pyvenv.cfg")
    put(tmp_path, "lib/site-packages/x.py", "tests/x.py", "test_x.py", "x_test.py", "conftest.py", "lib/test/x.py")
    (tmp_path / "folder.py").mkdir()
    put(tmp_path, "folder.py/inside.py", "testing_tools/x.py", "contest.py")
    assert list(listing(tmp_path)) == [
        *["B.py", "a.py", "b.py", "contest.py", "ä.py"],
        *["a/y.py", "a/z.py", "folder.py/inside.py", "testing_tools/x.py"],
    ]


def test_tests_can_be_asked_for(tmp_path: Path) -> None:
    put(tmp_path, "tests/x.py", "test_x.py", "x_test.py", "conftest.py")
    assert list(listing(tmp_path, FileSelection(tests=True))) == ["conftest.py", "test_x.py", "x_test.py", "tests/x.py"]
    assert listing(tmp_path, FileSelection(tests=True, skip_folders=frozenset({"tests"}))).keys() == {
        *("conftest.py", "test_x.py", "x_test.py")
    }


def test_links(tmp_path: Path) -> None:
    root = tmp_path / "root"
    put(tmp_path, "outside.py", "root/real.py", "root/sub/x.py", "elsewhere/x.py")
    (root / "same.py").symlink_to("real.py")
    (root / "out.py").symlink_to("../outside.py")
    (root / "gone.py").symlink_to("nowhere.py")
    (root / "loop.py").symlink_to("loop.py")
    (root / "sub" / "up").symlink_to("..")
    (root / "sub" / "away").symlink_to("../../elsewhere")
    nowhere, out = "a link to a missing file", "a link to a file outside the folder"
    assert listing(root) == {
        **{"gone.py": nowhere, "loop.py": nowhere, "out.py": out, "real.py": "", "same.py": "", "sub/x.py": ""},
    }
    assert listing(root, FileSelection(outward_links=True))["out.py"] == ""


def test_a_folder_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path, "a/x.py", "b/x.py")
    scandir = os.scandir

    def refusing(path: Path) -> object:
        if Path(path).name == "a":
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)  # root may read everything
    assert listing(tmp_path) == {"a": "permission denied", "b/x.py": ""}


def test_a_name_that_is_no_text(tmp_path: Path) -> None:
    put(tmp_path, "a\udcff.py")
    assert list(listing(tmp_path)) == ["a\\udcff.py"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission(tmp_path: Path) -> None:
    put(tmp_path, "x.py")
    (tmp_path / "x.py").chmod(0)
    assert read_text(tmp_path / "x.py", 9) == Dropped(Reason.UNREADABLE, "permission denied")


DECODED: dict[str, tuple[bytes, str | Dropped]] = {
    "ASCII": (b"x", "x"),
    "UTF-8": ("ü\U0001f600".encode(), "ü\U0001f600"),
    "a byte order mark": (b"\xef\xbb\xbfx", "x"),
    "nothing": (b"", ""),
    "a NUL is text": (b"\0", "\0"),
    "Latin-1": (b"x\xfc", Dropped(Reason.UNREADABLE, "byte 1 is not UTF-8")),
    "UTF-16": ("x".encode("utf-16"), Dropped(Reason.UNREADABLE, "byte 0 is not UTF-8")),
    "half a pair": (b"\xed\xa0\x80", Dropped(Reason.UNREADABLE, "byte 0 is not UTF-8")),
    "cut short": (b"\xc3", Dropped(Reason.UNREADABLE, "byte 0 is not UTF-8")),
}


@pytest.mark.parametrize(("data", "text"), DECODED.values(), ids=DECODED)
def test_decoding(tmp_path: Path, data: bytes, text: str | Dropped) -> None:
    (tmp_path / "x.py").write_bytes(data)
    assert decode_utf8(data) == text
    assert read_text(tmp_path / "x.py", 100) == text


def test_sizes(tmp_path: Path) -> None:
    (tmp_path / "x.py").write_bytes(b"x" * 1001)
    assert read_text(tmp_path / "x.py", 1001) == "x" * 1001
    assert read_text(tmp_path / "x.py", 1000) == Dropped(Reason.TOO_LARGE, "over 1,000 bytes")


def test_pipes_devices_and_folders_are_no_files(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.py")
    (tmp_path / "null.py").symlink_to(os.devnull)
    no_file = Dropped(Reason.UNREADABLE, "not a regular file")
    assert read_text(tmp_path / "pipe.py", 9) == no_file
    assert read_text(tmp_path / "null.py", 9) == no_file
    assert read_text(tmp_path, 9) == Dropped(Reason.UNREADABLE, "is a directory") or no_file
    assert read_text(tmp_path / "gone.py", 9) == Dropped(Reason.UNREADABLE, "no such file or directory")


def test_printable() -> None:
    assert printable("ü\ud800x") == "ü\\ud800x"
