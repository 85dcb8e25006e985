"""A training's folder: one process at a time, one training for good, and nothing of others is touched."""

import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from glotsmith.errors import InputError, UsageError
from glotsmith.training.data import PreparedData, StageData
from glotsmith.training.loop import TrainingJob
from glotsmith.training.presets import TrainingSettings, preset_settings
from glotsmith.training.training_folder import PREPARED, SETTINGS, claim_data, claim_settings, hold_folder, read_record


def job(**changes: object) -> TrainingJob:
    return TrainingJob(method="sft", model="some/model", preset="general", how=preset_settings("general", changes))


def prepared(hash_: str = "a", **changes: str) -> PreparedData:
    return PreparedData(stages=(StageData(stage=1, train="stage-1.arrow", rows=1, problems=1, hash=hash_),), **changes)


def test_a_folder_is_held_by_one_process(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "out"
    other = (
        "import sys, pathlib; from glotsmith.training.training_folder import hold_folder\n"
        "with hold_folder(pathlib.Path(sys.argv[1])): pass"
    )
    with hold_folder(folder):
        done = subprocess.run([sys.executable, "-c", other, folder], capture_output=True, text=True, check=False)
        assert f"UsageError: {folder}: process {os.getpid()} uses this folder: wait until it ends" in done.stderr
    subprocess.run([sys.executable, "-c", other, folder], check=True)


def test_a_folder_of_something_else_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("")
    with pytest.raises(UsageError, match=r"the folder contains other files \(thesis\.tex\)"), hold_folder(tmp_path):
        pass
    with (
        pytest.raises(UsageError, match=r"thesis\.tex: this is a file, but a training needs a folder"),
        hold_folder(tmp_path / "thesis.tex"),
    ):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def begin(folder: Path, what: str) -> None:
    (folder / what).mkdir(parents=True)
    (folder / what / "x").write_text("")


BEGUN = ["stages/1/checkpoints/checkpoint-5", "stages/2/model", "model"]


@pytest.mark.parametrize("begun", BEGUN)
def test_what_has_begun_keeps_its_settings_and_its_data(begun: str, tmp_path: Path) -> None:
    with hold_folder(tmp_path):
        claim_settings(tmp_path, job(batch=4))
        (tmp_path / "data").mkdir()
        claim_data(tmp_path, prepared())
        begin(tmp_path, begun)
    with hold_folder(tmp_path):
        claim_settings(tmp_path, job(batch=4))
        with pytest.raises(UsageError, match=r"how\.batch was 4 and is now 8\. Restore them, or train in another"):
            claim_settings(tmp_path, job(batch=8))
        claim_data(tmp_path, prepared())
        for changed in (prepared("b"), prepared(validation_hash="b")):
            with pytest.raises(UsageError, match="the dataset has changed since the start of this training"):
                claim_data(tmp_path, changed)


@pytest.mark.parametrize("begun", BEGUN)
@pytest.mark.parametrize(
    "changes",
    [
        {"max_minutes": 30.0},
        {"max_minutes": 0.0},
        {"micro_batch": 2},
        {"gradient_checkpointing": True},
        {"micro_batch": 1, "gradient_checkpointing": True, "max_minutes": 1.5},
    ],
    ids=str,
)
def test_what_determines_no_weights_may_change_on_a_resume(
    changes: dict[str, object], begun: str, tmp_path: Path
) -> None:
    with hold_folder(tmp_path):
        claim_settings(tmp_path, job(batch=4, max_minutes=5.0))
        begin(tmp_path, begun)
        claim_settings(tmp_path, job(**{"batch": 4, "max_minutes": 5.0, **changes}))
    how = read_record(tmp_path / SETTINGS, TrainingJob).how
    assert {name: getattr(how, name) for name in changes} == changes


def test_a_preset_of_another_name_with_the_same_settings_is_the_same_training(tmp_path: Path) -> None:
    with hold_folder(tmp_path):
        claim_settings(tmp_path, job())
        begin(tmp_path, "model")
        claim_settings(tmp_path, msgspec.structs.replace(job(), preset="ours"))


FREE_SETTINGS = {"micro_batch", "max_minutes", "gradient_checkpointing"}
OTHER = {"style": "plain", "boundary": "newline", "template": "chatml", "loss": "all", "packing": "none"} | {
    "max_length": 99, "batch": 7, "epochs": [9], "learning_rate": 9e-5, "schedule": "linear", "warmup": 9,
    "optimizer": "adafactor", "weight_decay": 0.9, "max_grad_norm": 9, "beta": 0.9, "dpo_learning_rate": 9e-5,
    "dpo_epochs": 9, "lora_rank": 9, "seed": 9, "held_out": 0.9, "checkpoints": 9, "max_steps": 9, "dtype": "float32",
    "trained_share": 0.9,
}  # fmt: skip


@pytest.mark.parametrize("name", [n for n in TrainingSettings.__struct_fields__ if n not in FREE_SETTINGS])
def test_every_other_setting_is_kept(name: str, tmp_path: Path) -> None:
    lora = {"lora_rank": 4} if name.startswith("lora_") and name != "lora_rank" else {}
    value = {"lora_alpha": 9, "lora_dropout": 0.5}.get(name) or OTHER[name]
    with hold_folder(tmp_path):
        claim_settings(tmp_path, job(**lora))
        begin(tmp_path, "model")
        with pytest.raises(UsageError, match=rf"how\.{name} was "):
            claim_settings(tmp_path, job(**lora, **{name: value}))


def test_settings_can_be_corrected_in_a_folder_where_nothing_was_trained(tmp_path: Path) -> None:
    with hold_folder(tmp_path):
        for batch in (4, 8):
            claim_settings(tmp_path, job(batch=batch))
            (tmp_path / "data").mkdir(exist_ok=True)
            claim_data(tmp_path, prepared(str(batch)))
    assert read_record(tmp_path / SETTINGS, TrainingJob).how.batch == 8
    assert read_record(tmp_path / PREPARED, PreparedData) == prepared("8")


def test_files_that_someone_broke_are_named(tmp_path: Path) -> None:
    for text in ("{", "[]", "\xff"):
        (tmp_path / SETTINGS).write_bytes(text.encode("latin-1"))
        with pytest.raises(InputError, match=r"settings\.json: the file is not a valid settings file of a training"):
            claim_settings(tmp_path, job())
    (tmp_path / "data").mkdir()
    (tmp_path / PREPARED).write_text("{}")
    with pytest.raises(InputError, match=r"prepared\.json: the file is not a valid record of a training"):
        claim_data(tmp_path, prepared())
