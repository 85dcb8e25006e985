"""Where glotsmith keeps what it can make again: compiled helpers, prepared libraries, calibrations."""

import atexit
import os
import shutil
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path


def cache_home() -> Path:
    """Return the folder, made where it is missing: ``glotsmith`` in ``$XDG_CACHE_HOME`` or ``~/.cache``.

    Where that can't be written, or there is no home, a folder of the user's among the temporary files.
    """
    for folder in (*_configured_folders(), Path(tempfile.gettempdir()) / f"glotsmith-{os.getuid()}"):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            own = os.access(folder, os.W_OK) and folder.stat().st_uid == os.getuid()
        except OSError:
            continue
        if own:
            return folder
    return _process_folder()


def _configured_folders() -> list[Path]:
    """Return the folder that the environment names, if any; as XDG has it, a relative path names none."""
    named = os.environ.get("XDG_CACHE_HOME", "")
    if Path(named).is_absolute():
        return [Path(named) / "glotsmith"]
    if os.environ.get("HOME") == "":  # which pathlib takes for the root folder
        return []
    try:
        return [Path.home() / ".cache" / "glotsmith"]
    except RuntimeError:  # neither HOME nor the list of users says where
        return []


@cache
def _process_folder() -> Path:
    """Return a folder that is removed when this process ends: no other place can be written."""
    made = Path(tempfile.mkdtemp(prefix="glotsmith-"))
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    return made


def make_once(name: str, fill: Callable[[Path], None]) -> Path:
    """Return the folder ``name`` of the cache; ``fill`` makes its content once, in a folder that is renamed when whole.

    Others may read it, since programs may run as another user. What ``fill`` raises is passed on, and nothing is kept.
    """
    folder = cache_home() / name
    if folder.is_dir():
        return folder
    draft = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=folder.parent))
    try:
        fill(draft)
        draft.chmod(0o755)
        draft.rename(folder)
    except OSError:
        if not folder.is_dir():  # else another process was faster
            raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return folder
