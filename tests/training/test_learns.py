"""From a folder of Python to a model that solves it: the evaluation distinguishes trained problems from others."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

import tiny_model
from glotsmith.cli import main
from glotsmith.records import Example
from glotsmith.training.dataset_files import read_dataset_rows
from glotsmith.training.splits import choose_held_out

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")]
CORPUS = Path(__file__).parents[1] / "recipes" / "small_corpus.py"  #: fourteen functions with doctests
SHARE = 0.3
HOW = {"batch": 5, "epochs": 60, "learning_rate": 3e-3, "warmup": 10, "packing": "none", "max_length": 512}


def run(*command: object, cwd: Path) -> str:
    """Run a Python program, and return its stdout."""
    env = os.environ | {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    argv = [sys.executable, *map(str, command)]
    done = subprocess.run(argv, cwd=cwd, env=env, capture_output=True, text=True, timeout=550)
    assert done.returncode == 0, done.stderr
    return done.stdout


def glotsmith(*arguments: object, cwd: Path) -> None:
    """Run the command line in this process, which imports the libraries for training once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(cwd)
        patch.setattr(sys, "argv", ["glotsmith", *map(str, arguments)])
        with pytest.raises(SystemExit) as stop:
            main()
    assert not stop.value.code


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A verified dataset by the offline teacher, split by problem, and a model trained on one part of it."""
    here = tmp_path_factory.mktemp("learns")
    source = re.search(r"SOURCE = '''(.*?)'''", CORPUS.read_text("utf-8"), re.DOTALL)
    assert source
    (here / "corpus.py").write_text(source[1])
    made = ("run", "multipl-t", "-s", "corpus.py", "-l", "lua", "-o", "run")
    glotsmith(*made, "--set", "typecheck=false", "--set", "max_similarity=1", cwd=here)
    rows = list(read_dataset_rows(here / "run/dataset/jsonl", Example))
    apart = choose_held_out((row.parallel_id for row in rows), SHARE)
    seen = [row for row in rows if row.parallel_id not in apart]
    for name, part in (("seen", seen), ("unseen", [row for row in rows if row.parallel_id in apart])):
        (here / f"{name}.jsonl").write_bytes(b"".join(msgspec.json.encode(row) + b"\n" for row in part))
    texts = [message["content"] for row in seen for message in row.messages]
    tiny_model.make(here / "tiny", texts, hidden=128, vocabulary=768)
    changes = [f"--set={name}={value}" for name, value in HOW.items()]
    glotsmith("train", "sft", "seen.jsonl", "-m", "tiny", "-o", "out", "--held-out", 0, *changes, cwd=here)
    return here


def pass_at_1(folder: Path, model: str, rows: str) -> float:
    teacher = ("--teacher", "transformers", "--model", model, "--greedy", "--max-tokens", 300)
    output = folder / f"evaluated-{Path(model).name}-{rows}"
    glotsmith("evaluate", f"rows={rows}.jsonl", *teacher, "-o", output, cwd=folder)
    summary = json.loads((output / "summary.json").read_text())["summary"]
    (score,) = summary["scores"]
    return next(figure["value"]["mean"] for figure in score["figures"] if figure["k"] == 1)


def test_only_the_trained_model_solves_the_problems_of_its_training(folder: Path) -> None:
    # The untrained model has no chat template, so it gets that of the trained one.
    template = folder / "out/model/chat_template.jinja"
    (folder / "tiny/chat_template.jinja").write_text(template.read_text())
    before = pass_at_1(folder, "tiny", "seen")
    after, elsewhere = pass_at_1(folder, "out/model", "seen"), pass_at_1(folder, "out/model", "unseen")
    assert before == 0
    assert after >= 0.9
    assert elsewhere <= 0.2


def test_the_reward_of_a_grpo_step_is_what_the_model_can_do(folder: Path) -> None:
    """The exported rows, configuration and reward, and a policy that solves them: the reward really runs programs."""
    glotsmith("export", "run", "-f", "trl-grpo", "-o", "grpo", "--held-out", SHARE, "--model", "out/model", cwd=folder)
    trained = {json.loads(line)["parallel_id"] for line in (folder / "grpo/train.jsonl").read_text().splitlines()}
    assert trained == {row.parallel_id for row in read_dataset_rows(folder / "seen.jsonl", Example)}
    step = ("--max_steps", 1, "--use_cpu", "true", "--bf16", "false", "--logging_steps", 1, "--save_strategy", "no")
    size = ("--num_generations", 2, "--per_device_train_batch_size", 4, "--gradient_accumulation_steps", 1)
    short = ("--max_completion_length", 200, "--temperature", 0.1, "--eval_strategy", "no", "--disable_tqdm", "true")
    where = ("--model_name_or_path", folder / "out/model", "--output_dir", folder / "policy")
    output = run("-m", "trl.scripts.grpo", "--config", "grpo.yaml", *step, *size, *short, *where, cwd=folder / "grpo")
    reward = re.search(r"'rewards/code_reward/mean': '([\d.]+)'", output)
    assert reward and float(reward[1]) >= 0.5, output
    assert (folder / "policy/model.safetensors").is_file()
