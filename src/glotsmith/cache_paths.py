"""The cache folder for files that can be made again: compiled helpers, prepared libraries, calibrations."""

import atexit
import os
import shutil
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

from glotsmith.write_aside import write_aside


def cache_home() -> Path:
    """Return the cache folder, ``glotsmith`` in ``$XDG_CACHE_HOME`` or ``~/.cache``; create it if it is missing.

    If it cannot be written or the user has no home folder, return a folder of the user in the temporary folder.
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
    """Return the folder that the environment names, or []; XDG ignores relative paths."""
    named = os.environ.get("XDG_CACHE_HOME", "")
    if Path(named).is_absolute():
        return [Path(named) / "glotsmith"]
    if os.environ.get("HOME") == "":  # pathlib takes it as the root folder
        return []
    try:
        return [Path.home() / ".cache" / "glotsmith"]
    except RuntimeError:  # neither HOME nor the user database has a home folder
        return []


@cache
def _process_folder() -> Path:
    """Return a folder that is removed when this process exits, for when no other folder can be written."""
    made = Path(tempfile.mkdtemp(prefix="glotsmith-"))
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    return made


def make_once(name: str, fill: Callable[[Path], None]) -> Path:
    """Return the folder ``name`` of the cache. If it is missing, call ``fill`` on a draft folder, which replaces it.

    All users may read it, since programs may run as another user. If ``fill`` raises, the draft is removed.
    """
    folder = cache_home() / name
    if folder.is_dir():
        return folder
    try:
        with write_aside(folder, shared=True) as draft:
            draft.mkdir(0o700)
            fill(draft)
            draft.chmod(0o755)
    except OSError:
        if not folder.is_dir():  # else another process made it first
            raise
    return folder
