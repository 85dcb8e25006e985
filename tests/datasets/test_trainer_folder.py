"""Each trainer's folder: fields, files, what is held out, and that another export takes its place whole."""

import json
import os
import re
import subprocess
import sys
import tracemalloc
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml

from glotsmith.datasets.exporters.formats import FORMATS
from glotsmith.datasets.exporters.row_files import group_items
from glotsmith.datasets.exporters.trainer_folder import MANIFEST, ExportContent, export
from glotsmith.errors import InputError, StorageError, UsageError
from glotsmith.records import Lineage, Preference

USER, REPLY = {"role": "user", "content": "Write."}, {"role": "assistant", "content": 'x\n"é😀"'}
TRUTH = '{"language":"lua","signature":"def f(x: int) -> int","tests":["assert f(1) == 1"]}'
OURS = {"id": "lua-1", "parallel_id": "p1", "language": "lua"}
STAGED = {**OURS, "stage": 1}
PAIR = {"id": "pair-1", "parallel_id": "p1", "language": "lua"}
QUESTION = {"role": "user", "content": "Do."}
GOOD, BAD = {"role": "assistant", "content": "good"}, {"role": "assistant", "content": "bad"}

OF_TASK = {**OURS, "target_pass_rate": -1.0}

#: format → its first row for problem 1 in Lua
ROWS = {
    "trl-sft": {"prompt": [USER], "completion": [REPLY], **STAGED},
    "trl-dpo": {"prompt": [QUESTION], "chosen": [GOOD], "rejected": [BAD], **PAIR},
    "trl-kto": {"prompt": [QUESTION], "completion": [GOOD], "label": True, "parallel_id": "p1", "language": "lua"},
    "trl-grpo": {
        "prompt": [USER],
        "signature": "def f(x: int) -> int",
        "tests": ["assert f(1) == 1"],
        "reference_s": 0.0,
        **OF_TASK,
    },
    "axolotl": {"messages": [USER, REPLY], **STAGED},
    "llamafactory": {"messages": [USER, REPLY], **STAGED},
    "verl": {
        "data_source": "glotsmith/lua",
        "prompt": [USER],
        "ability": "code",
        "reward_model": {"style": "rule", "ground_truth": TRUTH},
        "extra_info": {"split": "train", "index": 0, **OF_TASK},
    },
    "openrlhf": {"prompt": [USER], "label": TRUTH, **OF_TASK},
    "open-instruct": {"messages": [USER], "ground_truth": json.dumps([TRUTH]), "dataset": "code", **OF_TASK},
    "verifiers": {
        "prompt": [USER],
        "signature": "def f(x: int) -> int",
        "tests": ["assert f(1) == 1"],
        "reference_s": 0.0,
        **OF_TASK,
    },
    "alpaca": {"instruction": "Write.", "input": "", "output": REPLY["content"]},
    "sharegpt": {"conversations": [{"from": "human", "value": "Write."}, {"from": "gpt", "value": REPLY["content"]}]},
    "openai-ft": {"messages": [USER, REPLY]},
    "text": {"text": "-- Keep.\nreturn x", **STAGED},
    "parallel": {
        "parallel_id": "p1",
        "name": "f",
        "source": "def f(x): return x",
        "programs": [
            {
                "id": f"{language}-1",
                "language": language,
                "code": "-- Keep.\nreturn x",
                "signature": "def f(x: int) -> int",
                "tests": ["assert f(1) == 1"],
                "reference_s": 0.0,
                "toolchain": f"{language} 1",
            }
            for language in ("lua", "r")
        ],
    },
}


def pair(number=1, **changes):
    lineage = Lineage(teacher="scripted")
    fields = {
        "id": f"pair-{number}", "parallel_id": f"p{number}", "language": "lua", "prompt": "Do.", "chosen": "good",
        "rejected": "bad", "status": "fail:wrong", "chosen_lineage": lineage, "rejected_lineage": lineage,
    }  # fmt: skip
    return Preference(**(fields | changes))


@pytest.fixture
def content(make_example):
    """Problems 1, 4 and 7 in two languages, with one test each, and a pair for each."""
    numbers = (1, 4, 7)
    examples = [make_example(n, language) for n in numbers for language in ("lua", "r")]
    return ExportContent(lambda: iter(examples), lambda: map(pair, numbers))


def read(file):
    if file.suffix == ".parquet":
        return pq.read_table(file).to_pylist()
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()]


def data_file(folder, name, split="train"):
    return folder / f"{split}.{FORMATS[name].extension}"


def files(folder):
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def test_every_format_has_its_row_here():
    assert list(ROWS) == list(FORMATS)


@pytest.mark.parametrize("name", FORMATS)
def test_the_fields_are_the_trainers(name, content, tmp_path):
    written = export(name, content, tmp_path)
    rows = read(data_file(tmp_path, name))
    assert rows[0] == ROWS[name]
    assert written.rows[data_file(tmp_path, name).name] == len(rows)
    for file in FORMATS[name].files:
        assert (tmp_path / file).read_text().strip(), file
    readme = (tmp_path / "README.md").read_text()
    assert FORMATS[name].command in readme
    assert yaml.safe_load(readme.split("---\n")[1])["configs"][0]["config_name"] == "default"


@pytest.mark.parametrize("name", FORMATS)
def test_the_same_rows_are_the_same_bytes(name, content, tmp_path):
    first, second = tmp_path / "1" / "out", tmp_path / "2" / "out"
    export(name, content, first)
    export(name, content, second)
    export(name, content, first)
    assert files(first) == files(second)
    assert not [name for name in files(first) if name.endswith(".part")]


@pytest.mark.parametrize("name", FORMATS)
def test_what_is_held_out_is_whole_problems(name, content, tmp_path):
    export(name, content._replace(held_out=frozenset({"p4"})), tmp_path)
    splits = {split: read(data_file(tmp_path, name, split)) for split in ("train", "validation")}
    everything = tmp_path / "all"
    export(name, content, everything)
    assert sum(map(len, splits.values())) == len(read(data_file(everything, name)))
    assert splits["train"] and splits["validation"]
    if "parallel_id" in splits["train"][0]:
        assert {row["parallel_id"] for row in splits["train"]} == {"p1", "p7"}
        assert {row["parallel_id"] for row in splits["validation"]} == {"p4"}
    configuration = "".join((tmp_path / f).read_text() for f in FORMATS[name].files if not f.startswith("reward"))
    assert not configuration or "validation" in configuration
    for part in FORMATS[name].parts if configuration else ():
        assert f"{part.held_out}.{FORMATS[name].extension}" in configuration or "split: validation" in configuration


@pytest.mark.parametrize("name", FORMATS)
def test_a_failure_leaves_the_files_as_they_were(name, content, tmp_path):
    def broken():
        yield from content.examples()
        raise RuntimeError("no more rows")

    def broken_pairs():
        yield from content.preferences()
        raise RuntimeError("no more rows")

    export(name, content, tmp_path)
    before = files(tmp_path)
    with pytest.raises(RuntimeError, match="no more rows"):
        export(name, ExportContent(broken, broken_pairs), tmp_path)
    assert files(tmp_path) == before


def test_an_export_replaces_the_one_before_and_nothing_else(content, tmp_path):
    for name in FORMATS:
        export(name, content, tmp_path)
        listed = (tmp_path / MANIFEST).read_text().splitlines()
        assert {*listed, MANIFEST} == set(files(tmp_path)), name
    (tmp_path / "mine.txt").write_text("stays")
    export("alpaca", content, tmp_path)
    assert set(files(tmp_path)) == {"README.md", "train.jsonl", "mine.txt", MANIFEST}


def test_a_folder_of_something_else_is_left_alone(content, tmp_path):
    (tmp_path / "pyproject.toml").write_text("mine")
    with pytest.raises(UsageError, match=r"contains other files \(pyproject\.toml\)"):
        export("verifiers", content, tmp_path)
    assert set(files(tmp_path)) == {"pyproject.toml"}


def test_a_task_is_asked_once_however_many_programs_pass(make_example, tmp_path):
    rows = [make_example(1), make_example(1, id="again"), make_example(3, "r"), make_example(1, id="and again")]
    written = export("trl-grpo", ExportContent(lambda: rows), tmp_path)
    assert [row["id"] for row in read(tmp_path / "train.jsonl")] == ["lua-1"]
    assert written.left_out == {"without tests": 1}
    assert str(written) == "1 row in train.jsonl; left out: 1 row without tests"
    assert "Left out: 1 rows without tests." in (tmp_path / "README.md").read_text()


def test_a_problem_is_one_row_however_its_programs_are_strewn(make_example, tmp_path):
    rows = [make_example(n, language) for language in ("lua", "r", "ocaml") for n in (2, 1)]
    export("parallel", ExportContent(lambda: rows), tmp_path)
    found = read(tmp_path / "train.jsonl")
    assert [row["parallel_id"] for row in found] == ["p2", "p1"]
    assert [[p["language"] for p in row["programs"]] for row in found] == [["lua", "r", "ocaml"]] * 2


def test_a_program_in_many_pairs_is_one_row_for_kto(tmp_path):
    pairs = [pair(), pair(id="b", rejected="worse"), pair(id="c", chosen="better")]
    export("trl-kto", ExportContent(tuple, lambda: pairs), tmp_path)
    found = [(row["completion"][0]["content"], row["label"]) for row in read(tmp_path / "train.jsonl")]
    assert found == [("good", True), ("bad", False), ("worse", False), ("better", True)]


@pytest.mark.parametrize("name", ["axolotl", "llamafactory"])
def test_pairs_come_along_where_there_are_any(name, content, tmp_path):
    export(name, content, tmp_path / "with")
    export(name, content._replace(preferences=tuple), tmp_path / "without")
    assert read(tmp_path / "with" / "preferences.jsonl")[0] == {
        "messages": [QUESTION], "chosen": GOOD, "rejected": BAD, **PAIR,
    }  # fmt: skip
    assert (tmp_path / "with" / f"{name}-dpo.yaml").exists()
    assert not [file for file in files(tmp_path / "without") if "dpo" in file or "preferences" in file]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("trl-sft", "nothing to export as trl-sft: there is no row$"),
        ("verl", "there is no row$"),
        ("trl-dpo", "there is no preference pair, which needs a program that passed and one that failed the same task"),
        ("csv", "no format of a trainer is named 'csv'; there are: trl-sft, trl-dpo"),
    ],
)
def test_nothing_to_export_is_a_sentence(name, message, tmp_path):
    with pytest.raises(UsageError, match=message):
        export(name, ExportContent(tuple), tmp_path)
    assert files(tmp_path) == {}


def test_only_rows_that_a_format_can_not_take_are_nothing_to_export(make_example, tmp_path):
    rows = [make_example(n, tests=(), kind="original") for n in range(2)]
    for name, message in (("verl", "only 2 rows without tests$"), ("text", "2 rows of the instruction corpus")):
        with pytest.raises(UsageError, match=message):
            export(name, ExportContent(lambda: rows), tmp_path / name)
        assert files(tmp_path / name) == {}


def original(make_example, number=1):
    question, answer = {"role": "user", "content": "Why?"}, {"role": "assistant", "content": "Because."}
    changes = {"kind": "original", "stage": 2, "lineage": Lineage(teacher=""), "tests": (), "id": f"original-{number}"}
    return make_example(number, prompt="Why?\n\n", completion="Because.", messages=(question, answer), **changes)


def test_a_conversation_is_no_program(make_example, tmp_path):
    rows = [original(make_example), make_example(1), original(make_example, 2)]
    for name in ("text", "parallel"):
        written = export(name, ExportContent(lambda: rows), tmp_path / name)
        assert "Because" not in (tmp_path / name / "train.jsonl").read_text()
        assert str(written) == "1 row in train.jsonl; left out: 2 rows of the instruction corpus, which are unchanged"
    export("trl-sft", ExportContent(lambda: rows), tmp_path / "sft")
    assert "Because" in (tmp_path / "sft" / "train.jsonl").read_text()


def test_what_was_not_run_is_not_said_to_have_passed(make_example, content, tmp_path):
    export("axolotl", ExportContent(lambda: [make_example(1), original(make_example)]), tmp_path)
    readme = (tmp_path / "README.md").read_text()
    assert "1 of the programs came without tests and were not run; each other one passed its tests." in readme
    export("axolotl", content, tmp_path)
    assert "Each program passed its tests when it was run.\n" in (tmp_path / "README.md").read_text()


def test_stages_in_one_file_are_told(make_example, content, tmp_path):
    written = export("trl-sft", ExportContent(lambda: [make_example(1), original(make_example, 2)]), tmp_path)
    assert "the files contain stages 1 and 2, which a trainer would mix: --stage exports one of them" in str(written)
    assert "export each alone, `--stage 1` first" in (tmp_path / "README.md").read_text()
    assert "stage" not in str(export("trl-sft", content, tmp_path))
    assert "--stage" not in (tmp_path / "README.md").read_text()


def test_a_model_is_named_where_it_can_be(content, tmp_path):
    for name, format_ in FORMATS.items():
        if not format_.model:
            with pytest.raises(UsageError, match=f"the configuration of {name} contains no model: remove --model"):
                export(name, content, tmp_path / name, model="some/model")
            continue
        export(name, content, tmp_path / name, model="some/model")
        texts = [(tmp_path / name / file).read_text() for file in (*format_.files, "README.md")]
        assert any("some/model" in text for text in texts), name
        assert not any(format_.model in text for text in texts), name


#: stands for OpenAI's package, which is not installed here: prints what it is asked for
OPENAI = """
class OpenAI:
    def __init__(self):
        self.files = self.fine_tuning = self.jobs = self
        self.id = "job"

    def create(self, **asked):
        if "file" not in asked:
            print(asked)
            return self
        made = OpenAI()
        made.id = f"{asked['purpose']}:{asked['file'].name.rpartition('/')[2]}:{len(asked['file'].readlines())}"
        return made
"""


@pytest.mark.parametrize(
    ("held_out", "files_"),
    [
        (set(), {"training_file": "fine-tune:train.jsonl:6"}),
        ({"p4"}, {"training_file": "fine-tune:train.jsonl:4", "validation_file": "fine-tune:validation.jsonl:2"}),
    ],
)
def test_openais_script_uploads_the_rows_and_begins_a_job(held_out, files_, content, tmp_path):
    (tmp_path / "openai.py").write_text(OPENAI)
    for model, named in (("", "gpt-4.1-mini-2025-04-14"), ('ft:"mine"', 'ft:"mine"')):
        export("openai-ft", content._replace(held_out=frozenset(held_out)), tmp_path / "ft", model=model)
        command = [sys.executable, tmp_path / "ft" / "fine_tune.py"]
        environment = os.environ | {"PYTHONPATH": str(tmp_path)}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        assert done.stdout == f"{ {'model': named} | files_ }\njob\n"


def test_open_instruct_packs_what_it_generates(content, tmp_path):
    """Its own check, ``StreamingDataLoaderConfig.__post_init__``; its defaults are 256, 256 and 512."""
    export("open-instruct", content, tmp_path)
    words = (tmp_path / "train.sh").read_text().split()
    prompt, response, packed = (
        int(words[words.index(f"--{name}") + 1])
        for name in ("max_prompt_token_length", "response_length", "pack_length")
    )
    assert packed >= prompt + response


@pytest.mark.parametrize(("count", "sizes"), [(1, (1, 1, 1, 1, 8, 1)), (300, (128, 64, 4, 128, 1024, 16))])
def test_a_batch_is_no_larger_than_the_dataset(count, sizes, make_example, tmp_path):
    """Trainers leave out a batch that is not full: a small dataset would be no step at all."""
    rows = [make_example(3 * n + 1) for n in range(count)]
    for name in ("verl", "trl-grpo", "openrlhf", "open-instruct"):
        export(name, ExportContent(lambda: rows), tmp_path / name)
    verl = yaml.safe_load((tmp_path / "verl" / "grpo.yaml").read_text())
    trl = yaml.safe_load((tmp_path / "trl-grpo" / "grpo.yaml").read_text())
    openrlhf, instruct = ((tmp_path / f / "train.sh").read_text().split() for f in ("openrlhf", "open-instruct"))
    batch_sizes = (verl["data"]["train_batch_size"], verl["actor_rollout_ref"]["actor"]["ppo_mini_batch_size"],
            trl["gradient_accumulation_steps"], *(int(openrlhf[openrlhf.index(option) + 1])
            for option in ("--rollout.batch_size", "--train.batch_size")),
            int(instruct[instruct.index("--num_unique_prompts_rollout") + 1]))  # fmt: skip
    assert batch_sizes == sizes


def test_what_is_trained_with_verl_is_stored_and_fits_one_gpu(content, tmp_path):
    export("verl", content, tmp_path)
    config = yaml.safe_load((tmp_path / "grpo.yaml").read_text())
    assert config["trainer"]["save_freq"] > 0  # verl's own default is never, not even at the end
    assert config["actor_rollout_ref"]["rollout"]["tensor_model_parallel_size"] <= config["trainer"]["n_gpus_per_node"]


def test_all_problems_held_out_is_nothing_to_export(content, tmp_path):
    with pytest.raises(UsageError, match="nothing to export as trl-sft"):
        export("trl-sft", content._replace(held_out=frozenset({"p1", "p4", "p7"})), tmp_path)
    assert files(tmp_path) == {}


def test_text_that_no_file_can_hold(make_example, tmp_path):
    for name in ("text", "verl"):
        rows = [make_example(1, completion="\ud800", messages=({"role": "user", "content": "\ud800"}, REPLY))]
        with pytest.raises(InputError, match=r"row lua-1 \(lua\) contains text that is not Unicode"):
            export(name, ExportContent(lambda rows=rows: rows), tmp_path / name)


def test_a_folder_that_is_a_file(content, tmp_path):
    (tmp_path / "taken").write_text("")
    with pytest.raises(StorageError, match="taken: the export cannot be written"):
        export("alpaca", content, tmp_path / "taken")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["trl-sft", "trl-grpo", "verl", "parallel"])
def test_memory_does_not_grow_with_the_rows(name, make_example, tmp_path):
    def peak(count):
        rows = (make_example(1, parallel_id=f"p{n}", source=f"{n} " * 100) for n in range(count))
        tracemalloc.start()
        export(name, ExportContent(lambda: rows), tmp_path)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    export(name, ExportContent(lambda: [make_example(1)]), tmp_path)
    assert peak(4500) < 1.2 * peak(1500)


def test_groups_stand_in_the_order_of_their_first_item(make_example):
    rows = [make_example(n, id=str(i)) for i, n in enumerate((3, 1, 3, 2, 1))]
    found = group_items(rows, lambda item: (item.parallel_id,))
    assert [[item.id for item in group] for group in found] == [["0", "2"], ["1", "4"], ["3"]]
    assert list(group_items([], str)) == []


def test_no_configuration_names_another_models_template(content, tmp_path):
    export("llamafactory", content, tmp_path)
    for file in ("llamafactory.yaml", "llamafactory-dpo.yaml"):
        assert "template" not in yaml.safe_load((tmp_path / file).read_text())  # then it is the model's own


def test_no_configuration_names_a_path_of_this_machine(content, tmp_path):
    for name in FORMATS:
        export(name, content, tmp_path / name)
        text = "".join((tmp_path / name / f).read_text() for f in (*FORMATS[name].files, "README.md"))
        assert str(tmp_path) not in text
        assert not re.search(r"(?<!\$PWD)(?<![\w.:{}$/])/(home|root|tmp|work)/", text)


def test_the_page_has_every_format_with_its_fields_and_files():
    page = (Path(__file__).parents[2] / "docs" / "exports.md").read_text("utf-8")
    for name, format_ in FORMATS.items():
        (item,) = [text for text in page.split("\n- ") if text.startswith(f"`{name}`: ")]
        fields = [column for part in format_.parts for column in part.shape.columns]
        assert re.findall(r"`([\w./-]+)`", item.partition("\n\n")[0]) == [name, *fields, *format_.files]
