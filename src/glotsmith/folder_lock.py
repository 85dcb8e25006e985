"""Lock a folder, so that only one process writes to it."""

import fcntl
import os
from pathlib import Path

from glotsmith.errors import StorageError, UsageError

LOCK = "lock"  #: file that is locked while a process uses the folder; it holds the process ID


def lock_folder(folder: Path, what: str, token: str) -> int:
    """Create a folder and lock it for this process; return the file descriptor, which must be closed to release it.

    An existing folder must hold the file ``token``, or only the lock and drafts of the token, which remain if a process
    is killed at its start. The lock is released when the process exits.

    Args:
        folder: the folder.
        what: the kind of the folder, for messages: ``run``, ``training``.
        token: the name of a file that marks a folder of this kind.

    Raises:
        UsageError: it holds other files, is a file, or another process uses it.
        StorageError: it cannot be created, read or locked.

    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        names = [path.name for path in folder.iterdir()]
    except (FileExistsError, NotADirectoryError) as error:
        raise UsageError(f"{folder}: this is a file, but a {what} needs a folder: choose another path") from error
    except OSError as error:
        raise StorageError(f"{folder}: the folder cannot be created or read ({error.strerror})") from error
    strange = sorted(name for name in names if name != LOCK and token not in name)
    if strange and token not in names:
        raise UsageError(
            f"{folder}: the folder contains other files ({', '.join(strange[:3])}) and no {token}: "
            "choose a new or empty one"
        )
    return _lock_file(folder)


def _lock_file(folder: Path) -> int:
    try:
        lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise StorageError(f"{folder / LOCK}: it cannot be written ({error.strerror})") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.ftruncate(lock, 0)
        os.write(lock, f"{os.getpid()}\n".encode())
    except OSError as error:
        pid = os.read(lock, 20).decode("ascii", "replace").strip() or "unknown"
        os.close(lock)
        if not isinstance(error, BlockingIOError):
            raise StorageError(f"{folder / LOCK}: it cannot be written ({error.strerror})") from error
        raise UsageError(
            f"{folder}: process {pid} uses this folder: wait until it ends, stop it, or choose another folder"
        ) from error
    return lock
