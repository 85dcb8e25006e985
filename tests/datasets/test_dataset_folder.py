"""What a user does with a dataset: open it with the ``datasets`` package, unedited and offline."""

import json
import os
import subprocess
import sys

import pytest

from glotsmith.datasets import DatasetCard, write_dataset
from glotsmith.datasets.exporters import row_files
from glotsmith.datasets.schema import columns, plain
from glotsmith.errors import UsageError
from glotsmith.records import Example, Origin
from glotsmith.training.dataset_files import read_dataset_rows

LOAD = """
import json, sys
from datasets import load_dataset
folder, config, cache = sys.argv[1:]
loaded = load_dataset(folder, config or None, cache_dir=cache)
assert list(loaded) == ["train"], loaded
print(json.dumps({"features": loaded["train"].features.to_dict(), "rows": list(loaded["train"])}))
"""


def load(folder, config, cache):
    """Load in a process of its own, as the package reads its environment and warns at import."""
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "HF_HOME": str(cache), "HF_DATASETS_DISABLE_PROGRESS_BARS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", LOAD, str(folder), config, str(cache)],
        env=environment,
        cwd=cache,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.slow
@pytest.mark.parametrize("exporter", ["jsonl", "parquet"])
def test_load_dataset_opens_it_unedited(exporter, make_example, tmp_path):
    dated = Origin(source="s", path="p", version="2024-01-01")
    rows = [make_example(3 * n, language) for language in ("lua", "r") for n in range(3)]  # not one row has tests
    rows[0] = make_example(0, "lua", origin=dated)
    summary = write_dataset(iter(rows), tmp_path / "made", DatasetCard(name="demo"), exporter=exporter)
    assert (summary.rows, summary.languages) == (6, {"lua": 3, "r": 3})
    for config in ("", "all", "lua"):
        loaded = load(tmp_path / "made", config, tmp_path)
        assert loaded["rows"] == [plain(row) for row in rows if config != "lua" or row.language == "lua"]
        assert list(loaded["features"]) == list(columns())
        assert loaded["features"]["tests"]["feature"] == {"dtype": "string", "_type": "Value"}
        assert loaded["features"]["pass_rate"]["dtype"] == "float64"


@pytest.mark.slow
def test_load_dataset_opens_parquet_in_several_files(make_example, tmp_path, monkeypatch):
    monkeypatch.setattr(row_files, "_ROW_GROUP", 4)
    monkeypatch.setattr(row_files, "_FILE_BYTES", 100)  # each file has one row group
    rows = [make_example(n, language) for language in ("lua", "r") for n in range(10 if language == "lua" else 3)]
    write_dataset(iter(rows), tmp_path / "made", DatasetCard(name="demo"), exporter="parquet")
    for config in ("", "lua"):
        loaded = load(tmp_path / "made", config, tmp_path)
        assert loaded["rows"] == [plain(row) for row in rows if not config or row.language == config]
    assert list(read_dataset_rows(tmp_path / "made", Example)) == rows


def data_files(folder):
    return sorted(file.relative_to(folder / "data").as_posix() for file in folder.glob("data/*/*"))


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (4, ["lua/train.parquet"]),
        (5, ["lua/train-00001.parquet", "lua/train-00002.parquet"]),
        (9, ["lua/train-00001.parquet", "lua/train-00002.parquet", "lua/train-00003.parquet"]),
    ],
)
def test_parquet_has_files_of_bounded_size_that_replace_others(rows, expected, make_example, tmp_path, monkeypatch):
    monkeypatch.setattr(row_files, "_ROW_GROUP", 4)
    monkeypatch.setattr(row_files, "_FILE_BYTES", 100)
    for count in (1, 13, rows):
        examples = [make_example(n) for n in range(count)]
        write_dataset(iter(examples), tmp_path, DatasetCard(name="demo"), exporter="parquet")
    assert data_files(tmp_path) == expected
    assert list(read_dataset_rows(tmp_path, Example)) == examples
    write_dataset(iter(examples), tmp_path, DatasetCard(name="demo"), exporter="jsonl")
    assert data_files(tmp_path) == ["lua/train.jsonl"]


def test_an_export_that_ends_early_leaves_the_earlier_one(make_example, tmp_path, monkeypatch):
    monkeypatch.setattr(row_files, "_ROW_GROUP", 2)
    monkeypatch.setattr(row_files, "_FILE_BYTES", 100)

    def cut_short():
        yield from (make_example(n) for n in range(5))
        raise KeyboardInterrupt

    write_dataset([make_example()], tmp_path, DatasetCard(name="demo"), exporter="parquet")
    with pytest.raises(KeyboardInterrupt):
        write_dataset(cut_short(), tmp_path, DatasetCard(name="demo"), exporter="parquet")
    assert data_files(tmp_path) == ["lua/train.parquet"]


def test_an_empty_dataset_is_a_card(tmp_path):
    summary = write_dataset([], tmp_path, DatasetCard(name="demo"))
    assert summary.rows == 0
    assert [file.name for file in tmp_path.iterdir()] == ["README.md"]
    assert "This dataset is empty" in (tmp_path / "README.md").read_text()


@pytest.mark.parametrize("theirs", ["README.md", "data/lua/train.csv", "data/lua/train.jsonl"])
def test_a_folder_of_something_else_is_left_as_it_is(theirs, make_example, tmp_path):
    (tmp_path / theirs).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / theirs).write_text('# My "execution-verified" notes\n')
    with pytest.raises(UsageError, match=r"the folder contains other files \((README\.md|data)\)"):
        write_dataset([make_example()], tmp_path, DatasetCard(name="demo"))
    assert [file.relative_to(tmp_path).as_posix() for file in tmp_path.rglob("*") if file.is_file()] == [theirs]
    assert "notes" in (tmp_path / theirs).read_text()


def test_an_earlier_dataset_is_replaced_whole_or_cut_short(make_example, tmp_path):
    def cut_short():
        yield make_example(1, "r")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_dataset(cut_short(), tmp_path, DatasetCard(name="demo"))
    (tmp_path / "data" / "r" / ".train.jsonl.part").write_text("what a kill leaves")
    for exporter in ("jsonl", "parquet"):
        write_dataset([make_example()], tmp_path, DatasetCard(name="demo"), exporter=exporter)
    (tmp_path / "mine.txt").write_text("stays")
    write_dataset([make_example()], tmp_path, DatasetCard(name="demo"))
    assert {file.name for file in tmp_path.iterdir()} == {"README.md", "data", "mine.txt"}
    assert (tmp_path / "data" / "lua" / "train.jsonl").is_file()


def test_an_unknown_format_writes_nothing(make_example, tmp_path):
    with pytest.raises(UsageError, match="csv"):
        write_dataset([make_example()], tmp_path, DatasetCard(name="demo"), exporter="csv")
    assert not list(tmp_path.iterdir())
