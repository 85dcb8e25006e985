"""From a folder of Python to a model that solves it: the instrument tells what was learnt from what was not."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

import tiny_model
from glotsmith.records import Example
from glotsmith.training.dataset_files import read_dataset_rows
from glotsmith.training.splits import choose_held_out

pytestmark = pytest.mark.slow
CORPUS = Path(__file__).parents[1] / "recipes" / "small_corpus.py"  #: fourteen functions with doctests
SHARE = 0.3
HOW = {"batch": 5, "epochs": 60, "learning_rate": 3e-3, "warmup": 10, "packing": "none", "max_length": 512}


def run(*command: object, cwd: Path, **environment: str) -> str:
    quiet = {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1", "COLUMNS": "160"} | environment
    done = subprocess.run(
        [sys.executable, *map(str, command)], cwd=cwd, env=os.environ | quiet, capture_output=True, text=True,
        timeout=550,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def glotsmith(*arguments: object, cwd: Path) -> str:
    return run("-m", "glotsmith", *arguments, cwd=cwd)


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Path:
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


def pass_at_1(room: Path, model: str, rows: str) -> float:
    asked = ("--teacher", "transformers", "--model", model, "--greedy", "--max-tokens", 300)
    folder = f"evaluated-{Path(model).name}-{rows}"
    glotsmith("evaluate", f"rows={rows}.jsonl", *asked, "-o", folder, cwd=room)
    summary = json.loads((room / folder / "summary.json").read_text())["summary"]
    (score,) = summary["scores"]
    return next(figure["value"]["mean"] for figure in score["figures"] if figure["k"] == 1)


def test_the_instrument_tells_what_was_learnt_from_what_was_not(room: Path) -> None:
    # a model that has learnt nothing has no chat template of its own: it is asked with the trained one's
    template = room / "out/model/chat_template.jinja"
    (room / "tiny/chat_template.jinja").write_text(template.read_text())
    before = pass_at_1(room, "tiny", "seen")
    after, elsewhere = pass_at_1(room, "out/model", "seen"), pass_at_1(room, "out/model", "unseen")
    assert before == 0
    assert after >= 0.9
    assert elsewhere <= 0.2


def test_the_reward_of_a_grpo_step_is_what_the_model_can_do(room: Path) -> None:
    """The exported rows, configuration and reward, and a policy that solves them: the reward really runs programs."""
    glotsmith("export", "run", "-f", "trl-grpo", "-o", "grpo", "--held-out", SHARE, "--model", "out/model", cwd=room)
    trained = {json.loads(line)["parallel_id"] for line in (room / "grpo/train.jsonl").read_text().splitlines()}
    assert trained == {row.parallel_id for row in read_dataset_rows(room / "seen.jsonl", Example)}
    step = ("--max_steps", 1, "--use_cpu", "true", "--bf16", "false", "--logging_steps", 1, "--save_strategy", "no")
    size = ("--num_generations", 2, "--per_device_train_batch_size", 4, "--gradient_accumulation_steps", 1)
    short = ("--max_completion_length", 200, "--temperature", 0.1, "--eval_strategy", "no", "--disable_tqdm", "true")
    where = ("--model_name_or_path", room / "out/model", "--output_dir", room / "policy")
    said = run("-m", "trl.scripts.grpo", "--config", "grpo.yaml", *step, *size, *short, *where, cwd=room / "grpo")
    reward = re.search(r"'rewards/code_reward/mean': '([\d.]+)'", said)
    assert reward and float(reward[1]) >= 0.5, said
    assert (room / "policy/model.safetensors").is_file()
