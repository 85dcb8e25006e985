"""Compiling ``nest.c``, once a machine."""

import hashlib
import shutil
import subprocess
import sys
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from glotsmith.places import make_once

_SOURCE = Path(__file__).with_name("nest.c")
_FLAGS = ("-O2", "-Wall", "-Wl,-z,now")  # now: else each program looks up each function anew
MISSING = "warm workers need a C compiler (apt install gcc libc6-dev): programs start cold"


@cache
def compiled() -> Path | None:
    """Return the folder with ``nest`` and ``nest.so``; None where there is no C compiler that works."""
    compiler = _compiler()
    if compiler is None:
        return None
    digest = hashlib.blake2b(_SOURCE.read_bytes() + repr(compiler).encode(), digest_size=8).hexdigest()
    try:
        return make_once(f"nest-{digest}", lambda folder: _compile(compiler, folder))
    except (OSError, subprocess.SubprocessError):
        return None


def _compiler() -> list[str] | None:
    found = next(filter(None, map(shutil.which, ("cc", "gcc", "clang"))), None)
    if found is not None:
        return [found]
    return [sys.executable, "-m", "ziglang", "cc"] if find_spec("ziglang") else None


def _compile(compiler: list[str], folder: Path) -> None:
    for name, flags in (("nest", ()), ("nest.so", ("-DPRELOAD", "-shared", "-fPIC"))):
        argv = [*compiler, *_FLAGS, *flags, str(_SOURCE), "-o", str(folder / name), "-ldl"]
        subprocess.run(argv, check=True, capture_output=True, timeout=120)
