"""Private folders for programs' files: in memory where possible, and never left behind.

The name of a session's folder tells whose it is (PID namespace, process, its start time), so that the next session
can remove what a killed one left.
"""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

_PREFIX = "glotsmith-sandbox"
_NAME = re.compile(rf"{_PREFIX}-(?P<namespace>\d+)-(?P<pid>\d+)-(?P<started>\d+)-")
_ENOUGH = 256 * 2**20  #: bytes that must be free in /dev/shm for it to be used


class SessionFolders:
    """A session's folder, with one folder per running program in it."""

    root: Path

    def __init__(self, parent: Path | None = None) -> None:
        """Make the session's folder, in ``parent`` if given; sweep those of dead sessions beside it.

        Raises:
            OSError: no folder can be made.

        """
        parent = parent or _parent()
        remove_stale_folders(parent)
        self.root = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}-{_session(os.getpid())}-", dir=parent))

    def make(self) -> Path:
        """Make a new, empty, private folder that stays until all are removed."""
        return Path(tempfile.mkdtemp(dir=self.root))

    @contextmanager
    def fresh(self) -> Generator[Path]:
        """Give a new, empty, private folder, gone when the context ends."""
        folder = self.make()
        try:
            yield folder
        finally:
            remove_folder(folder)

    def close(self) -> None:
        """Remove everything; idempotent."""
        remove_folder(self.root)


def remove_folder(folder: Path) -> None:
    """Remove a folder whatever a (dead) program made of it: without rights, or thousands of levels deep.

    Neither way follows symlinks. What can't be removed is left to the next sweep.
    """
    try:
        shutil.rmtree(folder)
    except FileNotFoundError:
        pass
    except (OSError, RecursionError):
        for argv in (["chmod", "-R", "u+rwx", "--", folder], ["rm", "-rf", "--one-file-system", "--", folder]):
            subprocess.run(argv, check=False, stdin=subprocess.DEVNULL, capture_output=True)


def remove_stale_folders(parent: Path) -> None:
    """Remove the folders of sessions of ours that have died."""
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
    """Whether a name that begins like a session's folder is of a session that has died; False where nobody can tell."""
    match = _NAME.match(name)
    if match is None or match["namespace"] != _namespace():
        return False  # not one of ours, or of another container
    return _started(int(match["pid"])) != match["started"]


def _parent() -> Path:
    memory = Path("/dev/shm")  # noqa: S108 - mkdtemp makes the folder private
    if os.access(memory, os.W_OK | os.X_OK) and shutil.disk_usage(memory).free >= _ENOUGH:
        return memory
    return Path(tempfile.gettempdir())


def _session(pid: int) -> str:
    return f"{_namespace()}-{pid}-{_started(pid)}"


def _namespace() -> str:
    """Name the PID namespace: the same process number means another process in another container."""
    return "".join(c for c in str(Path("/proc/self/ns/pid").readlink()) if c.isdigit())


def _started(pid: int) -> str:
    """Return when a process started, in ticks since boot; empty when it is gone."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return ""
    return stat[stat.rindex(b")") + 2 :].split()[19].decode()
