"""Find and read source files below a folder, in a fixed order.

Pipes, devices, circular links, folders without permission and files that disappear are handled: a file that cannot be
used becomes a ``Dropped``.
"""

import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import msgspec

from glotsmith.drop_reasons import Reason
from glotsmith.records import printable
from glotsmith.step import Dropped

TEST_FOLDERS = frozenset({"test", "tests", "testing"})
_SKIPPED_FOLDERS = frozenset({"__pycache__", "node_modules", "site-packages", "dist-packages"})


class FileSelection(msgspec.Struct, frozen=True, kw_only=True):
    """The rules that select files in a folder and its subfolders."""

    suffixes: tuple[str, ...] = (".py",)  #: suffixes of the selected files
    skip_folders: frozenset[str] = frozenset()  #: names of folders to skip, at any depth
    tests: bool = False  #: whether test folders and test files are selected
    outward_links: bool = False  #: whether links may lead outside the folder, such as the links of package managers


class SourceText(msgspec.Struct, frozen=True):
    """One text of a source, or the reason why it cannot be read."""

    path: str  #: path in the source, with ``/``, as printable text (also if the name of the file is not UTF-8)
    content: "str | Dropped"
    licence: str = ""  #: licence of the row of the text; "" for the licence of the source
    is_unit: bool = False  #: whether the text is a unit even if it has no functions, such as a dataset row


def find_source_files(root: Path, scope: FileSelection) -> "Iterator[tuple[Path, Dropped | None]]":
    """Yield the selected files, and unreadable folders and links, below ``root``: depth first, by name."""
    stack: list[Path] = [root]
    while stack:
        folder = stack.pop()
        try:
            with os.scandir(folder) as entries:
                found = sorted(entries, key=lambda e: e.name)
        except OSError as error:
            yield folder, Dropped(Reason.UNREADABLE, _error_text(error))
            continue
        stack.extend(Path(e.path) for e in reversed(found) if _is_wanted_folder(e, scope))
        for entry in found:
            if _is_wanted_file(entry, scope):
                yield Path(entry.path), _drop_link(entry, root, scope)


def read_text(path: Path, max_bytes: int) -> "str | Dropped":
    """Return a regular file as text (UTF-8, with or without a byte order mark). Never wait for a pipe or device."""
    try:
        data = _read_bytes(path, max_bytes)
    except OSError as error:
        return Dropped(Reason.UNREADABLE, _error_text(error))
    if len(data) > max_bytes:
        return Dropped(Reason.TOO_LARGE, f"over {max_bytes:,} bytes")
    return decode_utf8(data)


def decode_utf8(data: bytes) -> "str | Dropped":
    """Decode UTF-8. For an invalid byte, return a drop with its position."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return Dropped(Reason.UNREADABLE, f"byte {error.start} is not UTF-8")


def printable_path(path: Path, root: Path) -> str:
    """Return a path below ``root`` as printable text, the same on every machine."""
    return printable(path.relative_to(root).as_posix())


def _read_bytes(path: Path, max_bytes: int) -> bytes:
    # O_NONBLOCK: opening a pipe without a writer would block. fstat examines the opened file, which cannot be replaced.
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    with os.fdopen(fd, "rb") as file:
        status = os.fstat(fd)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "not a regular file")
        return file.read(max_bytes + 1)


def _is_wanted_folder(entry: "os.DirEntry[str]", scope: FileSelection) -> bool:
    name = entry.name
    if not entry.is_dir(follow_symlinks=False) or name.startswith(".") or name in _SKIPPED_FOLDERS | scope.skip_folders:
        return False
    if not scope.tests and name in TEST_FOLDERS:
        return False
    return not Path(entry.path, "pyvenv.cfg").exists()


def _is_wanted_file(entry: "os.DirEntry[str]", scope: FileSelection) -> bool:
    name = entry.name
    if not name.endswith(scope.suffixes) or entry.is_dir(follow_symlinks=False):
        return False
    return scope.tests or not (name == "conftest.py" or name.startswith("test_") or name.endswith("_test.py"))


def _drop_link(entry: "os.DirEntry[str]", root: Path, scope: FileSelection) -> Dropped | None:
    if not entry.is_symlink() or scope.outward_links:
        return None
    try:
        inside = Path(entry.path).resolve(strict=True).is_relative_to(root.resolve())
    except (OSError, RuntimeError):
        return Dropped(Reason.UNREADABLE, "a link to a missing file")
    return None if inside else Dropped(Reason.UNREADABLE, "a link to a file outside the folder")


def _error_text(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
