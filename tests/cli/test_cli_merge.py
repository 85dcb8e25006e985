"""``run --shard`` and ``merge`` on the command line, and the Slurm script that uses them."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Command = Callable[..., tuple[int, str, str]]
SCRIPT = Path(__file__).parents[2] / "examples" / "slurm_array.sbatch"
#: options of sbatch that the script uses (https://slurm.schedmd.com/sbatch.html)
OPTIONS = {"job-name", "array", "cpus-per-task", "mem", "time", "requeue", "open-mode", "signal"}
TOML = """recipe = "multipl-t"
output = "runs/small"

[options]
sources = ["src"]
languages = ["lua"]
"""


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "small.py").write_text("def f(x):\n    return x\n\n\ndef g(x):\n    return 2 * x\n")
    (tmp_path / "run.toml").write_text(TOML)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.slow
def test_the_slurm_script_makes_all_shards_and_its_advice_merges_them(glotsmith: Command) -> None:
    text = SCRIPT.read_text()
    assert set(re.findall(r"(?m)^#SBATCH --([\w-]+)", text)) == OPTIONS
    shards = re.search(r"--array=1-(\d+)", text)
    assert shards is not None
    assert f"SHARDS:-{shards[1]}}}" in text
    assert f"-*-of-{shards[1]} " in text
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    for number in ("1", "2"):
        environment = {**os.environ, "PATH": path, "SHARDS": "2", "SLURM_ARRAY_TASK_ID": number}
        done = subprocess.run(
            ["bash", str(SCRIPT), "run.toml"], env=environment, capture_output=True, text=True, check=True
        )
        assert f"Shard {number}/2 is finished: runs/small-{number}-of-2" in done.stdout
        assert "  glotsmith merge runs/small-*-of-2 -o runs/small\n" in done.stdout
    code, out, err = glotsmith("merge", "runs/small-1-of-2", "runs/small-2-of-2", "-o", "runs/small")
    assert (code, "0 verified programs are in runs/small/dataset" in out) == (0, True), err
    assert "undocumented 2" in out


def test_a_missing_shard_is_a_sentence(glotsmith: Command) -> None:
    assert glotsmith("run", "run.toml", "--shard", "1/2")[0] == 0
    code, _, err = glotsmith("merge", "runs/small-1-of-2", "-o", "runs/small")
    assert code == 2
    assert "missing shards: 2/2. Run the command with --shard 2/2, and give the folders of all shards" in " ".join(
        err.split()
    )
    assert not Path("runs/small").exists()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--shard", "3/2"), "must be NUMBER/TOTAL, such as 2/8"),
        (("--shard", "1/2", "--preview", "1"), "--preview and --shard cannot be combined"),
    ],
)
def test_an_impossible_shard_is_refused(glotsmith: Command, options: tuple[str, ...], sentence: str) -> None:
    code, _, err = glotsmith("run", "run.toml", *options)
    assert code == 2
    assert sentence in " ".join(err.split())
    assert not Path("runs").exists()
