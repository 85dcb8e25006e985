"""A folder in which one process at a time works."""

import fcntl
import os
from pathlib import Path

from glotsmith.errors import StorageError, UsageError

LOCK = "lock"  #: held, with the process's number, while one is at work


def lock_folder(folder: Path, what: str, token: str) -> int:
    """Make the folder of a run, a training … and hold it for this process; return the descriptor to close at the end.

    It is one of ours where it holds the file ``token``, or nothing but what one left that was killed in its first
    moment: the lock, and drafts of the token. The lock ends with the process, however it ends.

    Raises:
        UsageError: it holds something else, is a file, or another process is at work in it.
        StorageError: it can't be made, read or locked.

    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        names = [path.name for path in folder.iterdir()]
    except (FileExistsError, NotADirectoryError) as error:
        raise UsageError(f"{folder}: a {what} needs a folder, and this is a file: choose another path") from error
    except OSError as error:
        raise StorageError(f"{folder}: the folder can't be made or read ({error.strerror})") from error
    strange = sorted(name for name in names if name != LOCK and token not in name)
    if strange and token not in names:
        raise UsageError(
            f"{folder}: the folder holds something else ({', '.join(strange[:3])}) and no {token}: "
            "choose a new or empty one"
        )
    return _lock_file(folder)


def _lock_file(folder: Path) -> int:
    try:
        lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise StorageError(f"{folder / LOCK}: it can't be written ({error.strerror})") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.ftruncate(lock, 0)
        os.write(lock, f"{os.getpid()}\n".encode())
    except OSError as error:
        pid = os.read(lock, 20).decode("ascii", "replace").strip() or "unknown"
        os.close(lock)
        if not isinstance(error, BlockingIOError):
            raise StorageError(f"{folder / LOCK}: it can't be written ({error.strerror})") from error
        raise UsageError(
            f"{folder}: process {pid} is at work in this folder: wait for its end, stop it, or choose another folder"
        ) from error
    return lock
