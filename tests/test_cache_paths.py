"""Where the cache lies, also where there is no home, or none that can be written."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SHOW = (
    "from glotsmith.cache_paths import cache_home as c; "
    "import os; assert c() == c() and os.access(c(), os.W_OK); print(c())"
)


def shown(environment: dict[str, str], code: str = SHOW) -> Path:
    left = {"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(sys.path)}
    argv = [sys.executable, "-c", code]
    return Path(subprocess.run(argv, env=left | environment, capture_output=True, text=True, check=True).stdout.strip())


@pytest.mark.parametrize(
    ("environment", "found"),
    [
        ({"XDG_CACHE_HOME": "{}/cache", "HOME": "{}"}, "{}/cache/glotsmith"),
        ({"HOME": "{}"}, "{}/.cache/glotsmith"),
        ({"XDG_CACHE_HOME": "", "HOME": "{}"}, "{}/.cache/glotsmith"),
        ({"XDG_CACHE_HOME": "relative", "HOME": "{}"}, "{}/.cache/glotsmith"),
        ({"HOME": ""}, "{}/tmp/glotsmith-UID"),
        ({"HOME": "/proc/none"}, "{}/tmp/glotsmith-UID"),
        ({"XDG_CACHE_HOME": "{}/file", "HOME": "{}"}, "{}/tmp/glotsmith-UID"),
        ({"XDG_CACHE_HOME": "/proc/none", "HOME": "{}"}, "{}/tmp/glotsmith-UID"),
    ],
)
def test_the_cache_is_where_it_can_be_written(tmp_path: Path, environment: dict[str, str], found: str) -> None:
    (tmp_path / "tmp").mkdir()
    (tmp_path / "file").touch()
    filled = {name: value.format(tmp_path) for name, value in environment.items()}
    wanted = found.format(tmp_path).replace("UID", str(os.getuid()))
    assert shown(filled | {"TMPDIR": str(tmp_path / "tmp")}) == Path(wanted)


def test_a_user_without_a_home(tmp_path: Path) -> None:
    """As in a container that runs as a number that no list of users has."""
    unknown = "import pwd\ndef unknown(_): raise KeyError\npwd.getpwuid = unknown\n"
    assert shown({"TMPDIR": str(tmp_path)}, unknown + SHOW) == tmp_path / f"glotsmith-{os.getuid()}"


def test_a_folder_of_last_resort_ends_with_its_process(tmp_path: Path) -> None:
    (tmp_path / f"glotsmith-{os.getuid()}").touch()
    folder = shown({"TMPDIR": str(tmp_path), "HOME": "/proc/none"})
    assert folder.parent == tmp_path
    assert not folder.exists()
