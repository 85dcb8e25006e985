"""Whole runs on clusters of which workers, nodes and the process of the run itself are killed."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("ray")

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "cluster_bytes.py"


@pytest.fixture
def earlier_cluster() -> Iterator[Path]:
    """A folder of Ray with the address of a cluster that has ended; the names of its sockets must be short."""
    with tempfile.TemporaryDirectory(prefix="gs", ignore_cleanup_errors=True) as folder:
        (Path(folder) / "ray").mkdir()
        (Path(folder) / "ray" / "ray_current_cluster").write_text("127.0.0.1:1")
        yield Path(folder)


@pytest.mark.slow
def test_kills_change_no_byte_of_the_dataset_and_leave_no_process(earlier_cluster: Path) -> None:
    """The script exits with 1 if the datasets differ, if a process is left, or if the run ends before all kills.

    A fast machine ends a run of 14 functions before 20 kills; the script makes them with more functions.
    """
    kinds = ("local", "killed", "driver")
    size = ("--functions", os.environ.get("GLOTSMITH_CLUSTER_FUNCTIONS", "14"), "--pause", "0.5")
    kills = os.environ.get("GLOTSMITH_CLUSTER_KILLS", "8")
    command = [sys.executable, str(SCRIPT), "--kinds", *kinds, *size, "--kills", kills, "--driver-kills", "1"]
    environment = {**os.environ, "RAY_TMPDIR": str(earlier_cluster)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=500, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""  # lost workers are in the log of the run only
    assert f"{kills} kills" in done.stdout
    assert done.stdout.splitlines()[-1].startswith("processes left: 0 of ")
    rows = {line.split()[0]: line.split()[1] for line in done.stdout.splitlines() if " rows " in line}
    assert rows.keys() == set(kinds) and int(rows["local"]) > 0
