"""Real trainings of a tiny model on the CPU: stages, checkpoints, resuming, adapters, packing, preferences."""

import gc
import json
import math
import signal
import subprocess
import sys
import time
import weakref
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from training_rows import QUICK, ROWS, WORDS, Train, example, preference

import tiny_model
from glotsmith.errors import UsageError
from glotsmith.records import Example
from glotsmith.training import loop, sft
from glotsmith.training.dataset_files import read_dataset_rows
from glotsmith.training.presets import preset_settings
from glotsmith.training.training_report import TrainingReport

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")]


def weights(folder: Path) -> dict[str, Any]:
    from safetensors.torch import load_file

    return load_file(folder / "model.safetensors")


def same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    import torch

    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def loss_on(model: Path, rows: Sequence[Example], tokens_of: Path | None = None) -> float:
    """Return the loss of each reply's tokens, computed here: nats a token, as the model's own loss is."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    network = AutoModelForCausalLM.from_pretrained(model).eval()
    tokenizer = AutoTokenizer.from_pretrained(tokens_of or model)
    nats = tokens = 0.0
    for row in rows:
        head = tokenizer.apply_chat_template([row.messages[0]], add_generation_prompt=True, return_dict=False)
        whole = tokenizer.apply_chat_template(list(row.messages), return_dict=False)
        assert whole[: len(head)] == head
        labels = [-100] * len(head) + whole[len(head) :]
        with torch.no_grad():
            loss = network(input_ids=torch.tensor([whole]), labels=torch.tensor([labels])).loss
        nats, tokens = nats + float(loss) * (len(whole) - len(head)), tokens + len(whole) - len(head)
    return nats / tokens


# ----------------------------------------------------------------------------------- stages and choice


def test_each_stage_starts_from_what_the_one_before_kept(
    train: Train, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[tuple[int, dict[str, Any]]] = []
    make = sft._make_trainer

    def observed(trainee: Any, *arguments: Any) -> Any:
        begun.append((len(trainee.rows), {k: v.clone() for k, v in trainee.model.state_dict().items()}))
        return make(trainee, *arguments)

    monkeypatch.setattr(sft, "_make_trainer", observed)
    own, original = [example(n, 1) for n in range(8)], [example(n, 2) for n in range(4)]
    report = train([*original, *own], epochs=[1, 2], held_out=0.25)
    assert [stage.stage for stage in report.stages] == [1, 2]  # whatever the order of the rows
    apart = {WORDS.index(problem) for problem in report.data.held_out}
    assert [count for count, _ in begun] == [len({*range(8)} - apart), len({*range(4)} - apart)]
    assert [stage.steps for stage in report.stages] == [math.ceil(begun[0][0] / 4), 2 * math.ceil(begun[1][0] / 4)]
    first = weights(tmp_path / "out/stages/1/model")
    assert same(first, {name: value for name, value in begun[1][1].items() if name in first})
    assert same(weights(tmp_path / "out/model"), weights(tmp_path / "out/stages/2/model"))
    assert not same(weights(tmp_path / "out/model"), first)


def test_a_stage_gives_its_memory_free(train: Train, monkeypatch: pytest.MonkeyPatch) -> None:
    models: list[weakref.ref[Any]] = []
    make = sft._make_trainer

    def observed(trainee: Any, *arguments: Any) -> Any:
        assert [model for model in models if model() is not None] == [], "an earlier stage's model is still there"
        models.append(weakref.ref(trainee.model))
        return make(trainee, *arguments)

    monkeypatch.setattr(sft, "_make_trainer", observed)
    gc.disable()
    try:
        train([*(example(n, 1) for n in range(4)), *(example(n, 2) for n in range(4))], max_steps=1, held_out=0)
    finally:
        gc.enable()
    assert len(models) == 2


def test_a_stage_alone_has_the_epochs_of_its_number(train: Train) -> None:
    report = train([example(n, 2) for n in range(4)], epochs=[1, 3], held_out=0)
    assert [(stage.stage, stage.steps) for stage in report.stages] == [(2, 3)]


def test_preferences_hold_out_what_the_model_was_not_trained_on(train: Train, tmp_path: Path) -> None:
    first = train(max_steps=1, held_out=0.5).data.held_out
    messages: list[str] = []
    some = sorted({WORDS.index(word) for word in first[:3]} | {n for n, word in enumerate(WORDS) if word not in first})
    pairs, how = [preference(n) for n in some], {"method": "dpo", "max_steps": 1, "seed": 1, "messages": messages}
    again = train(pairs, "dpo", model=tmp_path / "out/model", held_out=0.3, **how).data.held_out
    assert again == first[:3]
    assert "Held out again: 3 of 3 problems, on which" in messages[0]
    fresh = train(pairs, "fresh", held_out=0.3, **how).data.held_out
    assert len(fresh) == 3 and fresh != again  # else this would show nothing


def test_the_checkpoint_is_the_best_on_held_out_problems(train: Train, tmp_path: Path) -> None:
    report = train(epochs=25, held_out=0.25, learning_rate=1e-2, schedule="constant")  # long enough to learn too much
    (stage,) = report.stages
    assert len(report.data.held_out) == 3 and report.data.validation_rows == 3
    best = min(stage.held_out, key=lambda loss: loss.loss)
    assert (stage.chosen_step, stage.chosen_loss) == (best.step, pytest.approx(best.loss))
    assert stage.chosen_step < stage.steps  # else this would show nothing
    apart = [row for row in ROWS if row.parallel_id in report.data.held_out]
    assert loss_on(tmp_path / "out/model", apart) == pytest.approx(best.loss, rel=0.02)


@pytest.mark.parametrize(
    ("max_steps", "checkpoints", "steps"),
    [(7, 1, [3, 6, 7]), (7, 2, [2, 4, 6, 7]), (3, 1, [3]), (2, 1, [2]), (4, 9, [1, 2, 3, 4])],
)
def test_with_a_limit_of_steps_checkpoints_keep_their_share_of_an_epoch(
    max_steps: int, checkpoints: int, steps: list[int], train: Train
) -> None:
    (stage,) = train(epochs=100, max_steps=max_steps, checkpoints=checkpoints, held_out=0.25).stages
    assert [loss.step for loss in stage.held_out] == steps  # an epoch has 3 steps


def test_without_held_out_problems_the_last_weights_are_kept(train: Train) -> None:
    (stage,) = train(held_out=0, epochs=2).stages
    assert (stage.steps, stage.chosen_step, stage.chosen_loss, stage.held_out) == (6, 6, None, ())


def test_the_record_says_what_was_done(train: Train, tmp_path: Path) -> None:
    messages: list[str] = []
    report = train(max_steps=3, held_out=0.25, messages=messages, max_length=40, loss="all")
    stored = msgspec.json.decode((tmp_path / "out/model/training.json").read_bytes(), type=TrainingReport)
    assert stored == report
    assert {"torch", "transformers", "trl", "peft", "glotsmith"} <= set(stored.versions)
    assert stored.data.stages[0].rows == 9 and stored.data.stages[0].problems == 9
    assert (stored.stages[0].steps, stored.stages[0].stopped) == (3, "max_steps = 3")
    assert stored.stages[0].too_long == 9  # each is longer than 40 tokens, and says so
    assert "9 rows were truncated at max_length" in messages[-1]
    assert stored.stages[0].held_out[-1].step == 3


def test_time_is_a_budget(train: Train) -> None:
    (stage,) = train(max_minutes=1e-6, held_out=0.25).stages
    assert (stage.steps, stage.stopped) == (1, "max_minutes = 1e-06")


# -------------------------------------------------------------------------------------------- resuming


def command(tiny: Path, rows: Path, out: Path) -> list[str]:
    changes = [f"--set={name}={json.dumps(value)}" for name, value in QUICK.items()]
    changes += ["--set=epochs=8", "--set=checkpoints=2", "--held-out=0.25"]
    where = ["train", "sft", str(rows), "-m", str(tiny), "-o", str(out)]
    return [sys.executable, "-m", "glotsmith", *where, *changes]


def test_a_killed_training_ends_with_the_same_weights(train: Train, tiny: Path, tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_bytes(b"".join(msgspec.json.encode(row) + b"\n" for row in ROWS))
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    train(list(read_dataset_rows(file, Example)), "whole", epochs=8, checkpoints=2, held_out=0.25)
    process = subprocess.Popen(command(tiny, file, killed), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: len(list(killed.glob("stages/1/checkpoints/checkpoint-*/trainer_state.json"))) >= 2)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert not (killed / "model").exists(), "it was too fast to be killed"
    torn = killed / "stages/1/checkpoints/checkpoint-999"  # a checkpoint that a kill cut short
    torn.mkdir()
    (torn / "trainer_state.json").write_text('{"global_step": 99')
    done = subprocess.run(command(tiny, file, killed), check=True, capture_output=True, text=True, timeout=200)
    assert "Resuming from step" in done.stderr
    assert "[transformers]" not in done.stderr  # it would tell of tied weights as if they were missing
    assert same(weights(whole / "model"), weights(killed / "model"))
    records = [json.loads((f / "model/training.json").read_text())["stages"] for f in (whole, killed)]
    for (stage,) in records:
        stage.pop("seconds")
        del stage["training"][1:-1]  # a loss is a mean since the one before it, or since the process began
    assert records[0] == records[1]


def test_a_training_killed_between_its_last_checkpoint_and_its_weights(
    train: Train, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = train(folder="whole", max_steps=3, held_out=0.25)
    store = loop._Stage._store_weights
    monkeypatch.setattr(loop._Stage, "_store_weights", lambda *_: pytest.fail("killed"))
    with pytest.raises(pytest.fail.Exception, match="killed"):
        train(max_steps=3, held_out=0.25)
    monkeypatch.setattr(loop._Stage, "_store_weights", store)
    messages: list[str] = []
    resumed = train(max_steps=3, held_out=0.25, messages=messages)
    assert "Resuming from step 3 of stage 1" in messages
    assert same(weights(tmp_path / "whole/model"), weights(tmp_path / "out/model"))
    (one,), (other,) = whole.stages, resumed.stages
    assert (one.stopped, one.chosen_step, one.held_out) == (other.stopped, other.chosen_step, other.held_out)
    assert other.stopped == "max_steps = 3"


def test_two_processes_end_with_one_model(train: Train, tiny: Path, tmp_path: Path) -> None:
    (one,) = train(folder="alone", epochs=3, checkpoints=2, held_out=0.25).stages
    file = tmp_path / "rows.jsonl"
    file.write_bytes(b"".join(msgspec.json.encode(row) + b"\n" for row in ROWS))
    launch = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--standalone"]
    changes = ["--set=micro_batch=2", "--set=max_minutes=9", "--set=epochs=3"]
    both = [*launch, *command(tiny, file, tmp_path / "both")[1:], *changes]
    done = subprocess.run(both, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("Trained on 9 rows") == done.stderr.count("Stage 1 of 1") == 1
    report = msgspec.json.decode((tmp_path / "both/model/training.json").read_bytes(), type=TrainingReport)
    (two,) = report.stages
    assert (report.device, two.steps, two.chosen_step) == ("2 x CPU", one.steps, one.chosen_step)
    assert [loss.loss for loss in two.held_out] == pytest.approx([loss.loss for loss in one.held_out], rel=0.05)


def wait_for(there: Callable[[], bool], seconds: float = 200) -> None:
    end = time.monotonic() + seconds
    while not there():
        assert time.monotonic() < end
        time.sleep(0.002)


def test_a_finished_training_is_not_done_again(train: Train, tmp_path: Path) -> None:
    first = train(max_steps=2, held_out=0.25)
    stamp = (tmp_path / "out/model/model.safetensors").stat().st_mtime_ns
    assert train(max_steps=2, held_out=0.25) == first
    assert (tmp_path / "out/model/model.safetensors").stat().st_mtime_ns == stamp


def test_another_training_in_the_same_folder_is_refused(train: Train, tmp_path: Path) -> None:
    train(max_steps=1, held_out=0.25)
    with pytest.raises(UsageError, match=r"how\.batch was 4 and is now 2"):
        train(max_steps=1, held_out=0.25, batch=2, micro_batch=2)
    with pytest.raises(UsageError, match="the dataset has changed since the start of this training"):
        train(ROWS[:-1], max_steps=1, held_out=0.25)
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "thesis.tex").write_text("")
    with pytest.raises(UsageError, match="taken: the folder contains other files"):
        train(folder="taken")


# ---------------------------------------------------------------------------------- adapters, packing


def test_adapters_are_merged_and_go_on_through_stages(train: Train, tiny: Path, tmp_path: Path) -> None:
    rows = [*(example(n, 1) for n in range(6)), *(example(n, 2) for n in range(6))]
    report = train(rows, lora_rank=4, epochs=4, held_out=0, learning_rate=2e-2)
    out = tmp_path / "out"
    adapters = [out / f"stages/{n}/model/adapter_model.safetensors" for n in (1, 2)]
    assert all(file.is_file() for file in adapters) and adapters[0].read_bytes() != adapters[1].read_bytes()
    assert report.stages[0].training[-1].loss < report.stages[0].training[0].loss
    assert report.stages[1].training[0].loss < report.stages[0].training[0].loss  # it does not start afresh
    base, merged = weights(tiny), weights(out / "model")
    assert base.keys() == merged.keys()
    changed = {name for name in base if not same({"": base[name]}, {"": merged[name]})}
    assert changed == {name for name in base if "_proj.weight" in name}
    trained = report.stages[1].training[-1].loss
    assert loss_on(out / "model", rows[6:]) < (loss_on(tiny, rows[6:], out / "model") + trained) / 2


@pytest.mark.parametrize(("packing", "apart"), [("none", True), ("bfd", True), ("wrapped", False)])
def test_whole_rows_packed_together_do_not_see_each_other(
    packing: str, apart: bool, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, train: Train
) -> None:
    losses: list[float] = []
    make = sft._make_trainer

    def observed(*arguments: Any) -> Any:
        trainer = make(*arguments)
        losses.append(trainer.evaluate(trainer.train_dataset)["eval_loss"])
        return trainer

    monkeypatch.setattr(sft, "_make_trainer", observed)
    trained = tmp_path / "out/model"
    train(epochs=3, held_out=0, loss="all")  # a random model would not care who its neighbours are
    losses.clear()
    train(folder=packing, model=trained, packing=packing, loss="all", held_out=0, max_steps=1, batch=16, micro_batch=16)
    expected = loss_of_texts(trained)
    assert (losses[0] == pytest.approx(expected, abs=2e-3)) is apart


def loss_of_texts(model: Path) -> float:
    """Return the loss on whole conversations, each alone, computed here."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    network = AutoModelForCausalLM.from_pretrained(model).eval()
    tokenizer = AutoTokenizer.from_pretrained(model)
    nats = tokens = 0.0
    for row in ROWS:
        ids = torch.tensor([tokenizer.apply_chat_template(list(row.messages), return_dict=False)])
        with torch.no_grad():
            loss = float(network(input_ids=ids, labels=ids).loss)
        nats, tokens = nats + loss * (ids.numel() - 1), tokens + ids.numel() - 1
    return nats / tokens


# -------------------------------------------------------------------------------- preferences, errors


@pytest.mark.parametrize("rank", [0, 4])
def test_preferences_move_the_model_apart(rank: int, train: Train) -> None:
    pairs = [preference(n) for n in range(len(WORDS))]
    report = train(
        pairs, method="dpo", lora_rank=rank, dpo_learning_rate=1e-2 if rank else 1e-3, dpo_epochs=6, held_out=0.25
    )
    (stage,) = report.stages
    assert stage.training[0].loss == pytest.approx(math.log(2), abs=0.02)  # the model is its own reference
    assert stage.training[-1].loss < 0.3
    assert stage.chosen_loss is not None and stage.chosen_loss < 0.5  # on problems that it never saw
    assert len(report.data.held_out) == 3


@pytest.mark.parametrize("template", ["chatml", "magicoder"])
def test_a_template_ends_a_reply_and_nothing_else_with_the_end_token(template: str, tiny: Path) -> None:
    from glotsmith.training.models import tokenizer

    found = tokenizer(str(tiny), preset_settings("general", {"template": template}))
    question, whole = list(ROWS[0].messages[:1]), list(ROWS[0].messages)
    head = found.apply_chat_template(question, add_generation_prompt=True, tokenize=False)
    text = found.apply_chat_template(whole, tokenize=False)
    assert text.startswith(head) and text.rstrip("\n").endswith(whole[1]["content"] + tiny_model.END)
    assert text.count(tiny_model.END) == 1
    assert question[0]["content"] in head
