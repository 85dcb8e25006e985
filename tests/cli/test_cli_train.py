"""What a person sees who exports for a trainer or trains: sentences, exit code 2 where it cannot be done."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from glotsmith.installation import install_command
from glotsmith.ledger import StepInput
from glotsmith.records import Example
from glotsmith.run_folder import RunFolder
from glotsmith.step import Kept, Result
from glotsmith.training import needs
from glotsmith.training.presets import PRESETS, TrainingSettings

Command = Callable[..., tuple[int, str, str]]
ROW = (
    b'{"id":"a","parallel_id":"a","language":"lua","name":"f","messages":[],"prompt":"","completion":"","source":"",'
    b'"origin":{"source":"s","path":"p"},"lineage":{"teacher":"t"}}\n'
)


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    file = tmp_path / "rows.jsonl"
    file.write_bytes(ROW)
    return file


def test_the_presets_are_listed_with_every_setting(glotsmith: Command) -> None:
    code, stdout, _ = glotsmith("train", "presets")
    assert code == 0
    assert [name for name in (*PRESETS, *TrainingSettings.__struct_fields__) if name not in stdout] == []


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["-p", "gpt"], "no preset is named 'gpt'; there are: general, multipl-t-1b"),
        (["--set", "rate=3"], "no setting is named 'rate'"),
        (["--set", "batch"], "not of the form NAME=VALUE"),
        (["--set", "batch=many"], "invalid setting"),
        (["--held-out", "1.5"], "held-out"),
        (["--seed", "-1"], "--set seed is -1; it must be a whole number from 0"),
        (["--set", "lora_dropout=2"], "--set lora_dropout is 2; it must be a number from 0 to below 1"),
    ],
)
@pytest.mark.parametrize("method", ["sft", "dpo"])
def test_a_mistake_gets_a_sentence(
    glotsmith: Command, rows: Path, tmp_path: Path, method: str, arguments: list[str], sentence: str
) -> None:
    code, _, stderr = glotsmith("train", method, rows, "-m", "model", "-o", tmp_path / "out", *arguments)
    assert (code, bool(re.search(sentence, stderr))) == (2, True), stderr
    assert not (tmp_path / "out").exists()


def test_what_is_no_dataset_gets_a_sentence(glotsmith: Command, rows: Path, tmp_path: Path) -> None:
    code, _, stderr = glotsmith("train", "sft", tmp_path / "nowhere", "-m", "model", "-o", tmp_path / "out")
    assert (code, "a run folder, a dataset that 'glotsmith export' wrote" in stderr) == (2, True), stderr
    code, _, stderr = glotsmith("train", "dpo", rows, "-m", "model", "-o", tmp_path / "out")
    assert (code, f"{rows}:1: not a valid row of a dataset (Preference)" in stderr) == (2, True), stderr
    rows.write_bytes(b"\n")
    code, _, stderr = glotsmith("train", "dpo", rows, "-m", "model", "-o", tmp_path / "out")
    assert (code, "there is no preference pair to train on" in stderr) == (2, True), stderr


@pytest.mark.parametrize(
    ("method", "setting", "sentence"),
    [
        ("dpo", "learning_rate=1e-5", "learning_rate is not a setting of dpo: set dpo_learning_rate"),
        ("sft", "beta=0.2", "beta is not a setting of sft"),
    ],
)
def test_a_setting_of_the_other_method_gets_a_sentence(
    glotsmith: Command, rows: Path, tmp_path: Path, method: str, setting: str, sentence: str
) -> None:
    code, _, stderr = glotsmith("train", method, rows, "-m", "model", "-o", tmp_path / "out", "--set", setting)
    assert (code, sentence in stderr) == (2, True), stderr


def run_of_stages(folder: Path) -> Path:
    """A finished run with a row of each of two stages for each of three problems."""
    example = msgspec.json.decode(ROW, type=Example)
    messages = ({"role": "user", "content": "Write."}, {"role": "assistant", "content": "x"})
    rows = [
        msgspec.structs.replace(example, id=f"{p}{s}", parallel_id=p, stage=s, messages=messages) for s in (2, 1)
        for p in "abc"
    ]  # fmt: skip
    with RunFolder.create_or_resume(folder, {"recipe": "inverse-instruct"}) as run:
        run.ledger.register_steps(["dataset"])
        kept = tuple(Kept(row.id, row) for row in rows)
        run.ledger.record("dataset", StepInput("unit", "a0"), Result(kept=kept), ordered=True)
        run.ledger.mark_finished("dataset")
    return folder


def test_a_stage_is_exported_alone_and_the_same_problems_are_held_out(glotsmith: Command, tmp_path: Path) -> None:
    run = run_of_stages(tmp_path / "run")
    code, stdout, _ = glotsmith("export", run, "-f", "trl-sft")
    assert (code, "the files contain stages 1 and 2" in stdout) == (0, True), stdout
    found = {}
    for stage in (1, 2):
        out = tmp_path / str(stage)
        code, stdout, err = glotsmith("export", run, "-f", "trl-sft", "--stage", stage, "--held-out", 0.3, "-o", out)
        assert (code, "the files contain" in stdout) == (0, False), err
        found[stage] = [
            [json.loads(line) for line in (out / f"{split}.jsonl").read_text().splitlines()]
            for split in ("train", "validation")
        ]
    assert {row["stage"] for splits in found.items() for row in splits[1][0]} == {1, 2}
    assert [[row["parallel_id"] for row in split] for split in found[1]] == [
        [row["parallel_id"] for row in split] for split in found[2]
    ]
    for arguments, sentence in (
        (["-f", "trl-sft", "--stage", "3"], "has no row of stage 3; there are: 1, 2"),
        (["-f", "trl-dpo", "--stage", "1"], "trl-dpo contains preference pairs, which have no stage"),
        (["-f", "jsonl", "--stage", "1"], "--model, --held-out and --stage are for trainers' formats"),
        (["-f", "trl-sft", "--seed", "1"], "--seed chooses the held-out problems: add --held-out, or"),
        (["-f", "alpaca", "--model", "m"], "the configuration of alpaca contains no model: remove --model"),
    ):
        code, _, stdout = glotsmith("export", run, *arguments)
        assert (code, sentence in stdout) == (2, True), stdout


def test_a_missing_extra_gets_a_sentence(
    glotsmith: Command, rows: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(name: str) -> None:
        raise ImportError(name="trl")

    monkeypatch.setattr(needs, "import_module", missing)
    code, _, stderr = glotsmith("train", "sft", rows, "-m", "model", "-o", tmp_path / "out")
    assert code == 2
    assert f"the module trl is missing. Install the extra train: {install_command('train')}" in stderr


@pytest.mark.slow
def test_a_run_is_exported_for_trainers(glotsmith: Command, tmp_path: Path) -> None:
    (tmp_path / "corpus.py").write_text(
        'def total(numbers):\n    """Add up the positive ones.\n\n    >>> total([1, -2, 3])\n    4\n    """\n'
        "    result = 0\n    for number in numbers:\n        if number > 0:\n            result += number\n"
        "    return result\n"
    )
    run = tmp_path / "run"
    code, _, stderr = glotsmith(
        "run", "multipl-t", "-s", tmp_path / "corpus.py", "-l", "lua", "-o", run, "--set", "typecheck=false"
    )
    assert code == 0, stderr
    code, stderr, err = glotsmith("export", run, "-f", "trl-grpo", "--model", "some/model")
    assert code == 0, err
    assert "1 row in train.jsonl" in stderr
    assert 'model_name_or_path: "some/model"' in (run / "dataset/trl-grpo/grpo.yaml").read_text()
    for arguments, sentence in (
        (["-f", "trl-dpo"], "nothing to export as trl-dpo: there is no preference pair"),
        (["-f", "trl-sft", "--held-out", "0.5"], "holds out all 1 problem of the dataset"),
        (["-f", "csv"], "no format is named 'csv'; there are: jsonl, parquet, trl-sft"),
        (["-f", "jsonl", "--held-out", "0.5"], "--model, --held-out and --stage are for trainers' formats"),
        (["-f", "jsonl", "-o", tmp_path], f"{tmp_path}: the folder contains other files (corpus.py, run)"),
        (["-f", "trl-sft", "-o", tmp_path], f"{tmp_path}: the folder contains other files (corpus.py, run)"),
    ):
        code, _, stderr = glotsmith("export", run, *arguments)
        assert (code, sentence in stderr) == (2, True), stderr
