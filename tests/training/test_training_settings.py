"""Presets, splits and rows: what needs no torch."""

import re
from pathlib import Path

import msgspec
import pytest
from training_rows import example, preference

from glotsmith.errors import InputError, UsageError
from glotsmith.installation import install_command
from glotsmith.records import Example, Preference
from glotsmith.training import needs
from glotsmith.training.dataset_files import read_dataset_rows
from glotsmith.training.presets import PRESETS, TrainingSettings, preset_settings
from glotsmith.training.splits import choose_held_out

PAGE = (Path(__file__).parents[2] / "docs" / "training.md").read_text("utf-8")


def table(heading: str) -> list[list[str]]:
    lines = PAGE.partition(f"## {heading}\n")[2].partition("\n## ")[0].splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]


@pytest.mark.parametrize("name", PRESETS)
def test_the_presets_on_the_page_are_the_presets(name: str) -> None:
    titles, _, *rows = table("Presets")
    column = titles.index(f"`{name}`")
    documented = {re.match(r"`(\w+)`", row[0])[1]: row[column] for row in rows}  # type: ignore[index]
    assert documented == {field: shown(getattr(PRESETS[name], field)) for field in documented}
    differing = {
        f
        for f in TrainingSettings.__struct_fields__
        for p in PRESETS.values()
        if getattr(p, f) != getattr(TrainingSettings(), f)
    }
    assert differing <= set(documented)


def shown(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value) or "the model's"


def test_every_setting_is_on_the_page() -> None:
    assert [name for name in TrainingSettings.__struct_fields__ if f"`{name}`" not in PAGE] == []


#: MultiPL-T's training scripts; InverseCoder §5 and Magicoder's train.py; mCoder's train.sh
PUBLISHED = {
    "multipl-t-1b": {
        "learning_rate": 3e-5, "schedule": "cosine", "warmup": 10, "batch": 8, "max_length": 2048, "epochs": (7,),
        "weight_decay": 0.001, "max_grad_norm": 1.0, "loss": "all", "packing": "wrapped", "style": "plain",
    },
    "multipl-t-15b": {
        "learning_rate": 2e-5, "schedule": "linear", "warmup": 10, "batch": 32, "max_length": 2048, "epochs": (10,),
        "weight_decay": 0.05, "loss": "all", "packing": "wrapped", "style": "plain",
    },
    "inverse-coder": {
        "learning_rate": 5e-5, "schedule": "linear", "warmup": 15, "optimizer": "adafactor", "batch": 512,
        "max_length": 1024, "epochs": (1, 2), "max_grad_norm": 0, "loss": "completion", "template": "magicoder",
    },
    "xcoder": {
        "learning_rate": 2e-5, "schedule": "cosine", "warmup": 0.03, "batch": 512, "max_length": 5000, "epochs": (2,),
    },
}  # fmt: skip


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_papers_numbers(name: str) -> None:
    assert {field: getattr(PRESETS[name], field) for field in PUBLISHED[name]} == PUBLISHED[name]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"learning_rat": 1}, r"no setting is named 'learning_rat'; do you mean 'learning_rate'\? There are: style"),
        ({"learning_rate": 0}, "--set learning_rate is 0; it must be a number above 0"),
        ({"learning_rate": "fast"}, r"invalid setting: --set learning_rate is .fast.; it must be a number"),
        ({"schedule": "square"}, r"--set schedule is 'square'; it must be one of "),
        ({"epochs": []}, r"--set epochs is \[\]; it must be a list; each item is a number above 0 \(at least 1\)"),
        ({"epochs": [1, 0]}, r"--set epochs is \[1, 0\]; it must be a list; each item is a number above 0"),
        ({"held_out": 1}, "--set held_out is 1; it must be a number from 0 to below 1"),
        ({"batch": 10, "micro_batch": 4}, r"batch \(10\) must be a multiple of micro_batch \(4\)"),
        ({"packing": "wrapped"}, "wrapped cuts rows at any token, also in a prompt: it needs loss = all"),
        ({"packing": "wrapped", "style": "plain"}, "wrapped cuts rows at any token"),
        ({"epochs": [float("inf")]}, "--set epochs is .*inf.*; it must be a list"),
        ({"dpo_epochs": 0}, "--set dpo_epochs is 0; it must be a number above 0"),
        ({"dpo_learning_rate": -1}, "--set dpo_learning_rate is -1; it must be a number above 0"),
        ({"beta": 0}, "--set beta is 0; it must be a number above 0"),
        ({"seed": -1}, "--set seed is -1; it must be a whole number from 0 to below 4294967296"),
        ({"seed": 2**32}, "--set seed is 4294967296; it must be a whole number from 0 to below 4294967296"),
        ({"lora_rank": 4, "lora_dropout": 1}, "--set lora_dropout is 1; it must be a number from 0 to below 1"),
        ({"lora_rank": 4, "lora_alpha": -1}, "--set lora_alpha is -1; it must be a whole number of 0 or more"),
        ({"lora_alpha": 16}, "lora_alpha and lora_dropout are settings of adapters: set lora_rank"),
    ],
)
def test_settings_that_can_not_be(changes: dict, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        preset_settings("general", changes)


def test_changes_lie_over_the_preset() -> None:
    changed = preset_settings("inverse-coder", {"epochs": 3, "batch": 12})
    assert (changed.epochs, changed.batch, changed.learning_rate) == ((3.0,), 12, 5e-5)
    assert [preset_settings("inverse-coder", {}).epochs_of(stage) for stage in range(4)] == [1, 1, 2, 2]
    with pytest.raises(UsageError, match="no preset is named 'gpt'; there are: general"):
        preset_settings("gpt", {})


@pytest.mark.parametrize(
    ("method", "name", "value", "sentence"),
    [
        ("dpo", "learning_rate", 1e-5, "learning_rate is not a setting of dpo: set dpo_learning_rate"),
        ("dpo", "epochs", 2, "epochs is not a setting of dpo: set dpo_epochs"),
        ("dpo", "packing", "none", "packing is not a setting of dpo$"),
        ("dpo", "loss", "completion", "loss is not a setting of dpo$"),
        ("sft", "dpo_epochs", 2, "dpo_epochs is not a setting of sft: set epochs"),
        ("sft", "beta", 0.2, "beta is not a setting of sft$"),
    ],
)
def test_a_setting_that_would_be_ignored_is_refused(method: str, name: str, value: object, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        preset_settings("general", {name: value}, method)  # type: ignore[arg-type]
    other = "sft" if method == "dpo" else "dpo"
    preset_settings("general", {name: value}, other)  # type: ignore[arg-type]


@pytest.mark.parametrize(("batch", "micro"), [(1, 1), (8, 8), (12, 6), (7, 7), (11, 1), (512, 8)])
def test_the_sequences_at_once(batch: int, micro: int) -> None:
    assert TrainingSettings(batch=batch).micro == micro


PROBLEMS = [f"p{n}" for n in range(40)]


def test_problems_are_held_out_whatever_their_order_and_number_of_rows() -> None:
    chosen = choose_held_out(PROBLEMS, 0.1)
    assert len(chosen) == 4 and chosen <= set(PROBLEMS)
    assert choose_held_out(reversed(PROBLEMS * 3), 0.1) == chosen
    assert choose_held_out(PROBLEMS, 0.1, seed=1) != chosen
    assert choose_held_out(PROBLEMS, 0) == choose_held_out([], 0.5) == frozenset()
    assert chosen < choose_held_out(PROBLEMS, 0.3)


def test_what_an_earlier_training_held_out_is_held_out_again() -> None:
    earlier = choose_held_out(PROBLEMS, 0.2)
    some = sorted(earlier)[:3] + sorted(set(PROBLEMS) - earlier)[:20]  # of these there are pairs
    assert choose_held_out(some, 0.2, before=earlier) == set(some) & earlier  # 3 are more than half of 5
    one = sorted(earlier)[:1] + sorted(set(PROBLEMS) - earlier)[:20]
    assert (
        set(one) & earlier < choose_held_out(one, 0.2, before=earlier)
        and len(choose_held_out(one, 0.2, before=earlier)) == 5
    )
    assert choose_held_out(some, 0, before=earlier) == frozenset()
    fresh = [f"q{n}" for n in range(40)]
    assert choose_held_out(fresh, 0.1, before=earlier) == choose_held_out(fresh, 0.1)
    with pytest.raises(UsageError, match="holds out all"):
        choose_held_out(earlier, 0.2, before=earlier)


def test_a_share_is_no_problem_more_than_it_says() -> None:
    assert [len(choose_held_out(map(str, range(100)), n / 100)) for n in range(100)] == list(range(100))


@pytest.mark.parametrize(("problems", "share"), [(["a"], 0.5), (PROBLEMS, 0.99), (PROBLEMS, 1.0), (PROBLEMS, -0.1)])
def test_a_share_that_leaves_nothing(problems: list[str], share: float) -> None:
    with pytest.raises(UsageError, match=r"holds out all|must be from 0"):
        choose_held_out(problems, share)


def write(file: Path, *rows: object) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(b"".join(msgspec.json.encode(row) + b"\n" for row in rows))
    return file


def test_rows_are_read_from_what_export_writes(tmp_path: Path) -> None:
    from glotsmith.datasets.exporters.row_files import write_language_files

    rows = [example(n) for n in range(3)]
    for name in ("jsonl", "parquet"):
        write_language_files(rows, tmp_path / name, name)
        assert list(read_dataset_rows(tmp_path / name, Example)) == rows
    pairs = [preference(n) for n in range(3)]
    assert list(read_dataset_rows(write(tmp_path / "pairs.jsonl", *pairs), Preference)) == pairs


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"id": 3}\n', r"rows\.jsonl:2: not a valid row of a dataset \(Example\)"),
        ("\xff\n", r"rows\.jsonl:2: not a valid row"),
    ],
)
def test_a_row_that_is_none_is_named(text: str, message: str, tmp_path: Path) -> None:
    file = write(tmp_path / "rows.jsonl", example(1))
    file.write_bytes(file.read_bytes() + text.encode("latin-1"))
    with pytest.raises(InputError, match=message):
        list(read_dataset_rows(file, Example))


def test_files_that_are_no_dataset(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="a run folder, a dataset that 'glotsmith export' wrote"):
        list(read_dataset_rows(tmp_path, Example))
    (tmp_path / "x.parquet").write_bytes(b"no")
    with pytest.raises(InputError, match=r"x\.parquet: not a dataset"):
        list(read_dataset_rows(tmp_path / "x.parquet", Example))


def test_a_parquet_file_that_is_broken_or_of_something_else_is_named(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    from glotsmith.datasets.exporters.row_files import write_language_files

    (file,) = write_language_files([example(n) for n in range(12)], tmp_path, "parquet")
    whole = file.read_bytes()
    file.write_bytes(whole[:4] + b"\xff" * 200 + whole[204:])
    with pytest.raises(InputError, match=r"train\.parquet: not a dataset"):
        list(read_dataset_rows(file, Example))
    file.write_bytes(whole)
    other = pq.read_table(file, partitioning=None).to_pylist()
    other[7]["parallel_id"] = None
    pq.write_table(pa.Table.from_pylist(other), file)
    with pytest.raises(InputError, match=r"train\.parquet: row 8 is not a valid row of a dataset \(Example\)"):
        list(read_dataset_rows(file, Example))


def test_a_missing_library_is_a_sentence() -> None:
    with pytest.raises(UsageError, match=rf"no_such_library is missing.*{re.escape(install_command('train'))}"):
        needs.load("no_such_library")
