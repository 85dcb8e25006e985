"""The program's user, as programs look it up: what ``/etc/passwd`` and ``/etc/group`` say in a sandbox."""

import os
import pwd
from pathlib import Path

from glotsmith.sandbox.nobody import USER

NAME = "sandbox"
HOME = "/tmp"  # noqa: S108 - the sandbox's own
_FILES = {
    "passwd": f"root:x:0:0::/:/bin/sh\n{NAME}:x:{USER}:{USER}::{HOME}:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n",
    "group": f"root:x:0:\n{NAME}:x:{USER}:\nnogroup:x:65534:\n",
}


def write_accounts(folder: Path) -> list[tuple[str, str]]:
    """Write the files into a new folder ``etc`` in ``folder``; return (path here, path inside) of each."""
    etc = folder / "etc"
    etc.mkdir()
    for name, text in _FILES.items():
        (etc / name).write_text(text)
        (etc / name).chmod(0o644)
    etc.chmod(0o755)
    return [(str(etc / name), f"/etc/{name}") for name in _FILES]


def variables(name: str = NAME) -> dict[str, str]:
    """Return the variables that name a user."""
    return {"USER": name, "LOGNAME": name}


def own_name() -> str:
    """Return the name of the user that this process belongs to; its number where it has no name."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())
