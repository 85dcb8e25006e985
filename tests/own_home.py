"""A home of the test session's own: no test reads or writes the user's home, cache, configuration or keys.

Importing this module changes the environment. ``conftest.py`` imports it before anything of glotsmith, so that the
programs that tests start, and the workers of pytest-xdist, inherit the change. All processes of a session share one
cache: what is expensive to make (the compiled fork server, prepared libraries, calibrations) is made once a session.

Set ``GLOTSMITH_TEST_HOME`` to a folder to keep it, and so what is in the cache, for the next session.
"""

import atexit
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

VARIABLE = "GLOTSMITH_TEST_HOME"
_KEPT = ("GLOTSMITH_TEST_", "GLOTSMITH_ENGINE", "GLOTSMITH_IMAGE")  #: begin the names of what says how to test
#: Begin the names of variables that lead to the user's files, keys or settings.
_USERS = (
    *("GLOTSMITH_", "OPENAI_", "HF_", "HUGGINGFACE_", "HUGGING_FACE_", "TRANSFORMERS_", "TORCH_HOME", "TRITON_"),
    *("TORCHINDUCTOR_", "XDG_CACHE", "XDG_CONFIG", "XDG_DATA", "XDG_STATE", "NETRC", "MPLCONFIGDIR"),
)
_FOLDERS = {
    "XDG_CACHE_HOME": ".cache",
    "XDG_CONFIG_HOME": ".config",
    "XDG_DATA_HOME": ".local/share",
    "XDG_STATE_HOME": ".local/state",
}


def environment(home: Path, users: Mapping[str, str]) -> dict[str, str]:
    """Return the user's variables with ``home`` in place of all that is the user's."""
    left = {name: value for name, value in users.items() if name.startswith(_KEPT) or not name.startswith(_USERS)}
    return left | {VARIABLE: str(home), "HOME": str(home), **{k: str(home / v) for k, v in _FOLDERS.items()}}


def _enter() -> None:
    given = os.environ.get(VARIABLE)
    home = Path(given).absolute() if given else Path(tempfile.mkdtemp(prefix="glotsmith-tests-"))
    if not given:
        atexit.register(_remove, home, os.getpid())
    for folder in _FOLDERS.values():
        (home / folder).mkdir(parents=True, exist_ok=True)
    changed = environment(home, os.environ)
    for name in os.environ.keys() - changed.keys():
        del os.environ[name]
    os.environ.update(changed)


def _remove(home: Path, owner: int) -> None:
    if os.getpid() == owner:  # and not a process that a test has forked
        shutil.rmtree(home, ignore_errors=True)


_enter()
