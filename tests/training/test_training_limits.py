"""What a training makes of unusual rows, settings and machines: it works, or says why not."""

import os
import resource
import signal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from training_rows import ROWS, WORDS, Train, example, preference

from glotsmith.errors import StorageError, UsageError
from glotsmith.records import Example
from glotsmith.training import sft
from glotsmith.training.needs import load
from glotsmith.training.training_folder import hold_folder

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")]


def long_row(number: int, *, prompt: bool) -> Example:
    row = example(number)
    question, answer = row.messages
    longer = {**(question if prompt else answer), "content": "x y " * 200}
    return msgspec.structs.replace(row, messages=(longer, answer) if prompt else (question, longer))


@pytest.mark.parametrize(
    ("changes", "too_long", "lost"),
    [
        ({"packing": "none"}, 3, 1),
        ({"packing": "bfd"}, 3, 1),
        ({"packing": "none", "loss": "all"}, 3, 0),
        ({"packing": "wrapped", "loss": "all"}, 0, 0),  # what is over the end of a sequence begins the next
    ],
)
def test_what_is_cut_is_counted_whatever_the_packing(
    changes: dict[str, Any], too_long: int, lost: int, train: Train
) -> None:
    rows = [*ROWS[:6], long_row(6, prompt=True), long_row(7, prompt=False), long_row(8, prompt=False)]
    answer: list[str] = []
    (stage,) = train(rows, max_steps=1, held_out=0, messages=answer, **changes).stages
    assert (stage.too_long, stage.lost) == (too_long, lost)
    assert ("were truncated at max_length" in answer[-1]) is bool(too_long)


def test_a_pair_that_loses_its_replies_is_counted(train: Train) -> None:
    pairs = [preference(n) for n in range(6)]
    pairs[2] = msgspec.structs.replace(pairs[2], prompt="x y " * 200)
    (stage,) = train(pairs, method="dpo", max_steps=1, held_out=0).stages
    assert (stage.too_long, stage.lost) == (1, 1)


def test_held_out_rows_that_are_all_too_long_are_a_sentence(train: Train) -> None:
    apart = train(max_steps=1, held_out=0.25).data.held_out
    rows = [long_row(n, prompt=True) if word in apart else example(n) for n, word in enumerate(WORDS)]
    with pytest.raises(UsageError, match="none of the held-out rows has tokens to learn within max_length = 128"):
        train(rows, "other", max_steps=1, held_out=0.25)


@pytest.mark.parametrize(
    "changes",
    [
        {"dtype": "bfloat16"},
        {"dtype": "bfloat16", "lora_rank": 4},
        {"gradient_checkpointing": True},
        {"optimizer": "adafactor"},
        {"style": "plain", "loss": "all", "packing": "wrapped"},
        {"style": "plain"},
    ],
    ids=str,
)
def test_settings_of_presets_work_on_a_cpu(changes: dict[str, Any], train: Train) -> None:
    (stage,) = train(max_steps=2, held_out=0.25, **changes).stages
    assert stage.steps == 2 and 0 < stage.training[-1].loss < 10


@pytest.mark.parametrize("method", ["sft", "dpo"])
def test_one_row_is_enough(method: str, train: Train) -> None:
    rows = [example(0)] if method == "sft" else [preference(0)]
    (stage,) = train(rows, method=method, held_out=0, max_steps=1).stages
    assert stage.steps == 1


def test_a_tokenizer_without_padding(train: Train, tiny: Path, tmp_path: Path) -> None:
    tokenizer = load("transformers").AutoTokenizer.from_pretrained(tiny)
    tokenizer.pad_token = None  # as StarCoder's
    bare = tmp_path / "bare"
    load("transformers").AutoModelForCausalLM.from_pretrained(tiny).save_pretrained(bare)
    tokenizer.save_pretrained(bare)
    for method, rows in (("sft", ROWS), ("dpo", [preference(n) for n in range(4)])):
        (stage,) = train(rows, method, method=method, model=bare, held_out=0, max_steps=1).stages
        assert stage.steps == 1


def test_an_invalid_setting_is_corrected_in_the_same_folder(train: Train) -> None:
    with pytest.raises(UsageError, match="cannot load a model from '/nowhere'"):
        train(model=Path("/nowhere"), max_steps=1, held_out=0)
    with pytest.raises(
        UsageError, match="no row has tokens to learn within max_length = 8 tokens: increase max_length"
    ):
        train(max_length=8, max_steps=1, held_out=0)
    assert train(max_steps=1, held_out=0).stages[0].steps == 1


def test_two_trainings_at_once_in_one_folder_are_refused(train: Train, tmp_path: Path) -> None:
    with hold_folder(tmp_path / "out"), pytest.raises(UsageError, match=f"process {os.getpid()} uses this folder"):
        train(max_steps=1, held_out=0)
    assert not (tmp_path / "out/data").exists()


def test_a_full_memory_is_a_sentence(train: Train, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise load("torch").OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB")

    monkeypatch.setattr(sft, "_make_trainer", full)
    with pytest.raises(UsageError, match=r"memory is full: set a smaller micro_batch \(it is 4\) or max_length"):
        train(max_steps=1, held_out=0)


def test_a_full_disk_is_a_sentence(train: Train) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))  # less than the weights take
    try:
        with pytest.raises(StorageError, match=r"out: the training cannot be stored: .+"):
            train(max_steps=1, held_out=0)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model": Path("/nowhere")}, "cannot load a model from '/nowhere': give a folder with weights, a GGUF file"),
        ({"rows": []}, "the dataset has no row"),
        ({"max_length": 8}, "no row has tokens to learn within max_length = 8 tokens"),
        ({"max_length": 8, "packing": "bfd"}, "no row has tokens to learn within max_length = 8 tokens"),
        ({"template": "alpaca"}, "no chat template is named 'alpaca'; there are: chatml, magicoder"),
    ],
)
def test_what_can_not_be_trained_is_a_sentence(changes: dict[str, Any], message: str, train: Train) -> None:
    with pytest.raises(UsageError, match=message):
        train(**changes)
