"""Ray's processes as a user meets them: nothing unasked on the terminal, and Ctrl-C."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from glotsmith.cluster.ray_start import start_ray
from glotsmith.errors import UsageError
from glotsmith.sandbox.process_tree import walk_tree

pytest.importorskip("ray")

PATIENCE_S = 300
GLOTSMITH = (sys.executable, "-m", "glotsmith")
SOURCE = '''def area_{n}(width: int, height: int) -> int:
    """Return an area.

    >>> area_{n}(2, 3)
    {first}
    >>> area_{n}(-4, 5)
    0
    """
    if width < 0:
        return 0
    return width * height + {n}
'''
TOKENS = ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH")


@pytest.fixture
def empty_home(tmp_path: Path) -> dict[str, str]:
    """Return an environment whose home has no token of Ray."""
    (home := tmp_path / "home").mkdir()
    return {name: value for name, value in os.environ.items() if name not in TOKENS} | {"HOME": str(home)}


def started_by(process: int) -> set[int]:
    return {each.pid for each in walk_tree(process)}


def running(processes: set[int]) -> set[int]:
    """Return the processes that still run, without zombies."""
    found = set[int]()
    for number in processes:
        with suppress(OSError):
            if Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] != "Z":
                found.add(number)
    return found


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("127.0.0.1:1", r"cannot connect to a Ray cluster at 127\.0\.0\.1:1: "),
        ("ray://127.0.0.1:1", r"cannot connect to a Ray cluster at ray://127\.0\.0\.1:1: "),
        ("[::1]:1", r"cannot connect to a Ray cluster at \[::1\]:1: "),
        ("localhost", r"is 'localhost'; it must be HOST:PORT or auto"),
        (":6379", r"is ':6379'; it must be HOST:PORT or auto"),
        ("localhost:", r"is 'localhost:'; it must be HOST:PORT or auto"),
        ("localhost:six", r"is 'localhost:six'; it must be HOST:PORT or auto"),
    ],
)
def test_no_cluster_at_the_address(address: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        start_ray(address)


def test_no_address_starts_a_cluster_here(monkeypatch: pytest.MonkeyPatch) -> None:
    started = list[str]()
    monkeypatch.setattr("glotsmith.cluster.ray_start._start_local", lambda: started.append("here"))
    start_ray("")
    assert started == ["here"]


@pytest.mark.parametrize("source", ["environment", "file of a cluster that has ended", "none"])
def test_no_cluster_on_this_machine(source: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Ray itself tries such an address for minutes and prints each failure."""
    monkeypatch.setattr("ray._private.services.find_gcs_addresses", set)  # clusters of other tests
    monkeypatch.setenv("RAY_TMPDIR", str(tmp_path))
    if source == "environment":
        monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")
    elif source != "none":
        (tmp_path / "ray").mkdir()
        (tmp_path / "ray" / "ray_current_cluster").write_text("127.0.0.1:1")
    expected = {"none": "no Ray cluster runs on this machine"}.get(
        source, r"127\.0\.0\.1:1 \(the address that Ray finds for auto"
    )
    with pytest.raises(UsageError, match=expected):
        start_ray("auto")


@pytest.mark.slow
def test_ctrl_c_ends_a_run_and_all_its_processes(tmp_path: Path, empty_home: dict[str, str]) -> None:
    """SIGINT reaches the whole process group, as from a terminal. Before it, nothing is on stderr."""
    functions = "\n\n".join(SOURCE.format(n=n, first=6 + n) for n in range(400))
    (tmp_path / "many.py").write_text(f'"""Many functions."""\n\n\n{functions}')
    command = [*GLOTSMITH, "run", "multipl-t", "-s", "many.py", "-l", "lua", "--teacher", "offline", "-o", "run"]
    command += ["--executor", "ray", "--progress", "off", "--set", "typecheck=false"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    run = subprocess.Popen(command, cwd=tmp_path, env=empty_home, text=True, start_new_session=True, **pipes)
    seen, end = set[int](), time.monotonic() + PATIENCE_S
    while not (tmp_path / "run" / "ledger.sqlite").exists() and time.monotonic() < end:
        seen |= started_by(run.pid)
        time.sleep(0.1)
    time.sleep(1)
    seen |= started_by(run.pid)
    assert run.poll() is None, run.communicate()
    assert len(seen) > 3
    os.killpg(run.pid, signal.SIGINT)
    sent = time.monotonic()
    _, stderr = run.communicate(timeout=PATIENCE_S)
    while (left := running(seen)) and time.monotonic() < sent + PATIENCE_S:
        time.sleep(0.1)
    print(f"{time.monotonic() - sent:.1f} s from Ctrl-C to the end of all {len(seen)} processes")
    assert (run.returncode, left) == (130, set())
    assert [line for line in stderr.splitlines() if line] == [
        "Stopping. All results are saved. Run the same command again to resume. A second signal quits at once.",
        "Stopped; run contains all results so far. Run the same command again to resume.",
    ]
