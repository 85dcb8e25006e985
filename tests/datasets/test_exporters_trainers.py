"""Each trainer's folder: fields, files, what is held out, and that another export takes its place whole."""

import json
import re
import tracemalloc
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml

from glotsmith.datasets.exporters.formats import FORMATS
from glotsmith.datasets.exporters.groups import grouped
from glotsmith.datasets.exporters.trainers import MANIFEST, MODEL, Content, export
from glotsmith.errors import InputError, StorageError, UsageError
from glotsmith.records import Lineage, Preference

USER, REPLY = {"role": "user", "content": "Write."}, {"role": "assistant", "content": 'x\n"é😀"'}
TRUTH = '{"language":"lua","signature":"def f(x: int) -> int","tests":["assert f(1) == 1"]}'
OURS = {"id": "lua-1", "parallel_id": "p1", "language": "lua"}
STAGED = {**OURS, "stage": 1}
PAIR = {"id": "pair-1", "parallel_id": "p1", "language": "lua"}
ASKED = {"role": "user", "content": "Do."}
GOOD, BAD = {"role": "assistant", "content": "good"}, {"role": "assistant", "content": "bad"}

#: format → its first row for problem 1 in Lua
ROWS = {
    "trl-sft": {"prompt": [USER], "completion": [REPLY], **STAGED},
    "trl-dpo": {"prompt": [ASKED], "chosen": [GOOD], "rejected": [BAD], **PAIR},
    "trl-kto": {"prompt": [ASKED], "completion": [GOOD], "label": True, "parallel_id": "p1", "language": "lua"},
    "trl-grpo": {"prompt": [USER], "signature": "def f(x: int) -> int", "tests": ["assert f(1) == 1"], **OURS},
    "axolotl": {"messages": [USER, REPLY], **STAGED},
    "llamafactory": {"messages": [USER, REPLY], **STAGED},
    "verl": {
        "data_source": "glotsmith/lua",
        "prompt": [USER],
        "ability": "code",
        "reward_model": {"style": "rule", "ground_truth": TRUTH},
        "extra_info": {"split": "train", "index": 0, **OURS},
    },
    "openrlhf": {"prompt": [USER], "label": TRUTH, **OURS},
    "open-instruct": {"messages": [USER], "ground_truth": json.dumps([TRUTH]), "dataset": "code", **OURS},
    "verifiers": {"prompt": [USER], "signature": "def f(x: int) -> int", "tests": ["assert f(1) == 1"], **OURS},
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
    return Content(lambda: iter(examples), lambda: map(pair, numbers))


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
    assert FORMATS[name].command.format(model=MODEL) in readme
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
    configuration = "".join(
        (tmp_path / f).read_text() for f in FORMATS[name].files if not f.startswith("reward") and "dpo" not in f
    )
    assert not configuration or "validation" in configuration


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
        export(name, Content(broken, broken_pairs), tmp_path)
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
    with pytest.raises(UsageError, match=r"holds something else \(pyproject\.toml\)"):
        export("verifiers", content, tmp_path)
    assert set(files(tmp_path)) == {"pyproject.toml"}


def test_a_task_is_asked_once_however_many_programs_pass(make_example, tmp_path):
    rows = [make_example(1), make_example(1, id="again"), make_example(3, "r"), make_example(1, id="and again")]
    written = export("trl-grpo", Content(lambda: rows), tmp_path)
    assert [row["id"] for row in read(tmp_path / "train.jsonl")] == ["lua-1"]
    assert written.left_out == {"without tests": 1}
    assert str(written) == "1 rows in train.jsonl; 1 left out: without tests"
    assert "Left out: 1 programs without tests." in (tmp_path / "README.md").read_text()


def test_a_problem_is_one_row_however_its_programs_are_strewn(make_example, tmp_path):
    rows = [make_example(n, language) for language in ("lua", "r", "ocaml") for n in (2, 1)]
    export("parallel", Content(lambda: rows), tmp_path)
    found = read(tmp_path / "train.jsonl")
    assert [row["parallel_id"] for row in found] == ["p2", "p1"]
    assert [[p["language"] for p in row["programs"]] for row in found] == [["lua", "r", "ocaml"]] * 2


def test_a_program_in_many_pairs_is_one_row_for_kto(tmp_path):
    pairs = [pair(), pair(id="b", rejected="worse"), pair(id="c", chosen="better")]
    export("trl-kto", Content(tuple, lambda: pairs), tmp_path)
    found = [(row["completion"][0]["content"], row["label"]) for row in read(tmp_path / "train.jsonl")]
    assert found == [("good", True), ("bad", False), ("worse", False), ("better", True)]


@pytest.mark.parametrize("name", ["axolotl", "llamafactory"])
def test_pairs_come_along_where_there_are_any(name, content, tmp_path):
    export(name, content, tmp_path / "with")
    export(name, content._replace(preferences=tuple), tmp_path / "without")
    assert read(tmp_path / "with" / "preferences.jsonl")[0] == {
        "messages": [ASKED], "chosen": GOOD, "rejected": BAD, **PAIR,
    }  # fmt: skip
    assert (tmp_path / "with" / f"{name}-dpo.yaml").exists()
    assert not [file for file in files(tmp_path / "without") if "dpo" in file or "preferences" in file]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("trl-sft", "nothing to export as trl-sft: there is no verified program$"),
        ("verl", "there is no verified program with tests$"),
        ("trl-dpo", "there is no preference pair, which takes a program that passed and one of the same task"),
        ("csv", "no trainer's format is named 'csv'; there are: trl-sft, trl-dpo"),
    ],
)
def test_nothing_to_export_is_a_sentence(name, message, tmp_path):
    with pytest.raises(UsageError, match=message):
        export(name, Content(tuple), tmp_path)
    assert files(tmp_path) == {}


def test_all_problems_held_out_is_nothing_to_export(content, tmp_path):
    with pytest.raises(UsageError, match="nothing to export as trl-sft"):
        export("trl-sft", content._replace(held_out=frozenset({"p1", "p4", "p7"})), tmp_path)
    assert files(tmp_path) == {}


def test_text_that_no_file_can_hold(make_example, tmp_path):
    for name in ("text", "verl"):
        rows = [make_example(1, completion="\ud800", messages=({"role": "user", "content": "\ud800"}, REPLY))]
        with pytest.raises(InputError, match=r"row lua-1 \(lua\) holds text that is not Unicode"):
            export(name, Content(lambda rows=rows: rows), tmp_path / name)


def test_a_folder_that_is_a_file(content, tmp_path):
    (tmp_path / "taken").write_text("")
    with pytest.raises(StorageError, match="taken: the export can't be written"):
        export("alpaca", content, tmp_path / "taken")


@pytest.mark.parametrize("name", ["trl-sft", "trl-grpo", "verl", "parallel"])
def test_memory_does_not_grow_with_the_rows(name, make_example, tmp_path):
    def peak(count):
        rows = (make_example(1, parallel_id=f"p{n}", source=f"{n} " * 100) for n in range(count))
        tracemalloc.start()
        export(name, Content(lambda: rows), tmp_path)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    export(name, Content(lambda: [make_example(1)]), tmp_path)
    assert peak(4500) < 1.2 * peak(1500)


def test_groups_stand_in_the_order_of_their_first_item(make_example):
    rows = [make_example(n, id=str(i)) for i, n in enumerate((3, 1, 3, 2, 1))]
    found = grouped(rows, lambda item: (item.parallel_id,))
    assert [[item.id for item in group] for group in found] == [["0", "2"], ["1", "4"], ["3"]]
    assert list(grouped([], str)) == []


def test_no_configuration_names_a_path_of_this_machine(content, tmp_path):
    for name in FORMATS:
        export(name, content, tmp_path / name)
        told = "".join((tmp_path / name / f).read_text() for f in (*FORMATS[name].files, "README.md"))
        assert str(tmp_path) not in told
        assert not re.search(r"(?<!\$PWD)(?<![\w.:{}$/])/(home|root|tmp|work)/", told)


def test_the_page_has_every_format_with_its_fields_and_files():
    page = (Path(__file__).parents[2] / "docs" / "exports.md").read_text("utf-8")
    for name, format_ in FORMATS.items():
        (row,) = [line for line in page.splitlines() if line.startswith(f"| `{name}` |")]
        fields = [column for part in format_.parts for column in part.shape.columns]
        assert re.findall(r"`([\w./-]+)`", row) == [name, *fields, *format_.files]
