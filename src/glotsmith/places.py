"""Where glotsmith keeps what it can make again: compiled helpers, prepared libraries, calibrations."""

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path


def cache_home() -> Path:
    """Return the folder, made where it is missing: ``glotsmith`` in ``$XDG_CACHE_HOME`` or ``~/.cache``.

    Where that can't be written, a folder of the user's among the temporary files.
    """
    wanted = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "glotsmith"
    for folder in (wanted, Path(tempfile.gettempdir()) / f"glotsmith-{os.getuid()}"):
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        if os.access(folder, os.W_OK) and folder.stat().st_uid == os.getuid():
            return folder
    return Path(tempfile.mkdtemp(prefix="glotsmith-"))


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
