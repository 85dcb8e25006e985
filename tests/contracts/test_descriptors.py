"""Programs run with any set of open or closed descriptors in glotsmith's process, as root and as another user."""

import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("occupied.py")
SOURCE = Path(__file__).parents[2] / "src"
PYTHON = "/usr/bin/python3"  #: the interpreter of this process may be in root's home
USER = 12_345  #: an ordinary user without a name
ALL = range(3, 64)


def pattern(taken: object = (), closed: object = (), most: int | None = None) -> dict[str, list[int]]:
    return {"taken": [*taken], "closed": [*closed], "most": [most] if most else []}  # type: ignore[misc]


PATTERNS = {
    "all": pattern(ALL),
    "odd": pattern(range(3, 64, 2)),
    "even": pattern(range(4, 64, 2)),
    "only 9": pattern([9]),
    "all but 9": pattern(set(ALL) - {9}),
    "below 9": pattern(range(3, 9)),
    "streams closed": pattern(closed=range(3)),
    "streams closed, odd": pattern(range(3, 64, 2), range(3)),
    "stdin closed": pattern(range(3, 12), [0]),
    "streams closed but stdin": pattern(range(3, 9), [1, 2]),
    "above 1023": pattern(range(3, 1100), most=4096),
    "few": pattern(range(3, 20, 2), most=200),
    **{f"{free} free below 9": pattern(range(3 + free, 9)) for free in range(2, 7)},
    **{f"random {seed}": pattern(random.Random(seed).sample(ALL, 40)) for seed in range(3)},
}


@pytest.fixture
def folder() -> Iterator[Path]:
    """Create a folder that an ordinary user can access, unlike those of pytest."""
    made = Path(tempfile.mkdtemp())
    yield made
    shutil.rmtree(made)


def start(folder: Path, *words: str, root: bool) -> "subprocess.CompletedProcess[bytes]":
    """Run Python with this source and these packages, without the user's environment."""
    path = ":".join([str(SOURCE), *(place for place in sys.path if place.endswith("-packages"))])
    env = {"PATH": os.environ["PATH"], "HOME": str(folder), "XDG_CACHE_HOME": str(folder), "PYTHONPATH": path}
    if root or os.geteuid():
        return subprocess.run([sys.executable, *words], env=env, cwd="/", capture_output=True, check=False)
    os.chown(folder, USER, USER)
    return subprocess.run(
        [PYTHON, *words], env=env, cwd="/", capture_output=True, check=False, user=USER, group=USER, extra_groups=[]
    )


@pytest.fixture(scope="module")
def user_imports() -> bool:
    """Return whether an ordinary user's Python can import this source and its packages."""
    made = Path(tempfile.mkdtemp())
    try:
        return start(made, "-c", "import glotsmith.sandbox", root=False).returncode == 0
    finally:
        shutil.rmtree(made)


@pytest.mark.slow
@pytest.mark.parametrize("root", [True, False], ids=["root", "user"])
@pytest.mark.parametrize("name", PATTERNS)
def test_programs_run_with_any_open_descriptors(folder: Path, user_imports: bool, name: str, root: bool) -> None:
    if root and os.geteuid():
        pytest.skip("this test needs root")
    if not root and not user_imports:
        pytest.skip(f"an ordinary user's {PYTHON} cannot import this source and its packages")
    done = start(folder, str(SCRIPT), json.dumps(PATTERNS[name]), str(folder / "found"), root=root)
    assert done.returncode == 0, done.stderr.decode()
    found = json.loads((folder / "found").read_text())
    assert len(found) == 6
    for back_end, results in found.items():
        if isinstance(results, str):
            assert "cannot isolate programs on this machine" in results, f"{back_end}: {results}"
            pytest.skip(results)
        temperature = "warm" if back_end in ("bubblewrap warm", "unshare warm") else "cold"
        wanted = {"interpreter": f"in {temperature} 0 1 2 3", "server": f"{temperature} 0 1 2 3"}
        for kind, ending, printed, detail in results:
            if kind == "server" and temperature == "warm":
                printed = printed.replace("cold", "warm")  # there are fewer compile servers than programs
            assert (ending, detail, printed) == ("exit", "", wanted.get(kind, "in 0 1 2 3")), (back_end, kind)
        if temperature == "warm":
            assert any(printed.startswith("warm") for kind, _, printed, _ in results if kind == "server")
