"""Private temporary folders for the files of programs, in memory if possible, removed even after a killed session.

The name of a session's folder identifies its owner (PID namespace, process, start time), so that the next session can
remove the folders of killed sessions.
"""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from glotsmith.sandbox.process_tree import read_stat

_PREFIX = "glotsmith-sandbox"
_NAME = re.compile(rf"{_PREFIX}-(?P<namespace>\d+)-(?P<pid>\d+)-(?P<start>\d+)-")
_MIN_FREE = 256 * 2**20  #: bytes that must be free in /dev/shm for it to be used


class SessionFolders:
    """The folder of a session, with one folder per running program in it."""

    root: Path

    def __init__(self, parent: Path | None = None) -> None:
        """Create the session's folder in ``parent``; remove the folders of dead sessions in ``parent``.

        Raises:
            OSError: no folder can be created.

        """
        parent = parent or _parent()
        remove_stale_folders(parent)
        self.root = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}-{_session(os.getpid())}-", dir=parent))

    def create_folder(self) -> Path:
        """Create a private folder that exists until ``close``."""
        return Path(tempfile.mkdtemp(dir=self.root))

    @contextmanager
    def temporary_folder(self) -> Generator[Path]:
        """Yield a new private folder and remove it afterwards."""
        folder = self.create_folder()
        try:
            yield folder
        finally:
            remove_folder(folder)

    def close(self) -> None:
        """Remove all folders of the session; idempotent."""
        remove_folder(self.root)


def remove_folder(folder: Path) -> None:
    """Remove a folder, even if a (dead) program has removed permissions or nested thousands of folders in it.

    This never follows symlinks. The next session retries what cannot be removed.
    """
    try:
        shutil.rmtree(folder)
    except FileNotFoundError:
        pass
    except (OSError, RecursionError):
        for argv in (["chmod", "-R", "u+rwx", "--", folder], ["rm", "-rf", "--one-file-system", "--", folder]):
            subprocess.run(argv, check=False, stdin=subprocess.DEVNULL, capture_output=True)


def remove_stale_folders(parent: Path) -> None:
    """Remove the folders of this user's dead sessions."""
    for folder in parent.glob(f"{_PREFIX}-*"):
        if not belongs_to_dead_session(folder.name):
            continue
        try:
            status = folder.lstat()
        except OSError:
            continue
        if status.st_uid == os.geteuid():
            remove_folder(folder)


def belongs_to_dead_session(name: str) -> bool:
    """Return whether the name of a folder or container belongs to a dead session; False if that is unknown."""
    match = _NAME.match(name)
    if match is None or match["namespace"] != _namespace():
        return False  # of another program, or of another PID namespace
    return _start_time(int(match["pid"])) != match["start"]


def _parent() -> Path:
    memory = Path("/dev/shm")  # noqa: S108 - mkdtemp creates a private folder
    if os.access(memory, os.W_OK | os.X_OK) and shutil.disk_usage(memory).free >= _MIN_FREE:
        return memory
    return Path(tempfile.gettempdir())


def _session(pid: int) -> str:
    return f"{_namespace()}-{pid}-{_start_time(pid)}"


def _namespace() -> str:
    """Return the number of the PID namespace: process numbers are unique only within one."""
    return "".join(c for c in str(Path("/proc/self/ns/pid").readlink()) if c.isdigit())


def _start_time(pid: int) -> str:
    """Return the start time of a process in ticks since boot; "" if it has ended."""
    stat = read_stat(pid)
    return stat[19].decode() if stat else ""
