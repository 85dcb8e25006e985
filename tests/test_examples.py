"""Every script in ``examples`` is executed as a user would, offline."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"
MAXIMUM = 40  #: lines of a script


def output_of(script: str, *arguments: Path, **environment: str) -> list[str]:
    """Return the lines that a script prints."""
    command = [sys.executable, str(EXAMPLES / script), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | environment)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_there_are_six_scripts_each_short_and_each_named_here() -> None:
    scripts = sorted(EXAMPLES.glob("*.py"))
    tests = Path(__file__).read_text("utf-8")
    assert len(scripts) == 6
    assert [s.name for s in scripts if f'"{s.name}"' not in tests] == []
    assert [s.name for s in scripts if len(s.read_text("utf-8").splitlines()) > MAXIMUM] == []


def test_verify_programs() -> None:
    assert output_of("verify_programs.py") == ["python pass", "lua pass", "perl fail:wrong 2 -1"]


def test_evaluate_completions(tmp_path: Path) -> None:
    assert output_of("evaluate_completions.py", tmp_path)[0].startswith("pass@1 = 0.50, interval 0.")


def test_add_language(tmp_path: Path) -> None:
    assert output_of("add_language.py", tmp_path) == ["pass"]


@pytest.mark.slow
def test_custom_filter(tmp_path: Path) -> None:
    step, *_ = (line.split() for line in output_of("custom_filter.py", tmp_path / "run") if "few_parameters" in line)
    assert (int(step[1]) > 0, int(step[3]) > 0) == (True, True)  # it keeps some functions and drops others


@pytest.mark.slow
def test_make_data(tmp_path: Path) -> None:
    lines = output_of("make_data.py", tmp_path)
    assert lines[0].startswith("sources ")
    assert any(line.startswith("lua: ") for line in lines)
    assert (tmp_path / "trl-sft" / "train.jsonl").is_file()


@pytest.mark.slow  # GRPO of TRL, with a model of random weights
def test_reward_in_grpo(tmp_path: Path) -> None:
    code = (
        "import sys, tiny_model; tiny_model.make(__import__('pathlib').Path(sys.argv[1]), ['def add(x): return x + 1'])"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "model")], cwd=EXAMPLES.parent / "tests", check=True)
    lines = output_of("reward_in_grpo.py", tmp_path / "model", tmp_path / "out", HF_HUB_OFFLINE="1")
    assert lines[-1] == "rewards [0.0, 0.0]"  # the model writes random text
