import json
import tracemalloc

import pyarrow.parquet as pq
import pytest

from glotsmith.datasets import exporters
from glotsmith.datasets.schema import plain
from glotsmith.errors import InputError, StorageError, UsageError
from glotsmith.records import Origin

FORMATS = sorted(exporters.EXPORTERS)


def read(path):
    if path.suffix == ".parquet":
        return pq.read_table(path, partitioning=None).to_pylist()
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


@pytest.fixture
def rows(make_example):
    return [make_example(n, language) for n in range(5) for language in ("lua", "r")]


@pytest.mark.parametrize("name", FORMATS)
def test_rows_come_back(name, rows, tmp_path):
    files = exporters.get(name).write(iter(rows), tmp_path)
    assert [file.relative_to(tmp_path).as_posix() for file in files] == [f"data/{x}/train.{name}" for x in ("lua", "r")]
    for file in files:
        assert read(file) == [plain(row) for row in rows if row.language == file.parent.name]


@pytest.mark.parametrize("name", FORMATS)
def test_the_same_rows_are_the_same_bytes(name, rows, tmp_path):
    first = [file.read_bytes() for file in exporters.get(name).write(rows, tmp_path / "a")]
    assert first == [file.read_bytes() for file in exporters.get(name).write(rows, tmp_path / "b")]
    assert first == [file.read_bytes() for file in exporters.get(name).write(rows, tmp_path / "a")]


@pytest.mark.parametrize("name", FORMATS)
def test_an_export_replaces_the_one_before(name, rows, tmp_path):
    for earlier in FORMATS:
        exporters.get(earlier).write(rows, tmp_path)
    files = exporters.get(name).write([row for row in rows if row.language == "r"], tmp_path)
    assert [file for file in tmp_path.rglob("*") if file.is_file()] == files
    assert not (tmp_path / "data" / "lua").exists()


@pytest.mark.parametrize("name", FORMATS)
def test_a_failure_leaves_the_files_as_they_were(name, rows, tmp_path):
    def broken():
        yield rows[0]
        raise RuntimeError("no more rows")

    files = exporters.get(name).write(rows, tmp_path)
    before = {file: file.read_bytes() for file in files}
    with pytest.raises(RuntimeError, match="no more rows"):
        exporters.get(name).write(broken(), tmp_path)
    assert {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()} == before


@pytest.mark.parametrize("name", FORMATS)
def test_no_rows_are_no_files(name, rows, tmp_path):
    exporters.get(name).write(rows, tmp_path)
    assert exporters.get(name).write([], tmp_path) == []
    assert not [file for file in tmp_path.rglob("*") if file.is_file()]


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"completion": "\ud800"}, r"row lua-0 \(lua\) holds text that is not Unicode"),
        ({"origin": Origin(source="s", path="\udcff")}, r"row lua-0 \(lua\) holds text that is not Unicode"),
        ({"language": "../lua"}, "a language '../lua' can't name a folder"),
        ({"language": ""}, "a language '' can't name a folder"),
    ],
)
def test_a_row_that_no_file_can_hold(name, change, message, make_example, tmp_path):
    with pytest.raises(InputError, match=message):
        exporters.get(name).write([make_example(**change, id="lua-0")], tmp_path)


@pytest.mark.parametrize("name", FORMATS)
def test_a_folder_that_is_a_file(name, rows, tmp_path):
    (tmp_path / "taken").write_text("")
    with pytest.raises(StorageError, match="taken: the dataset can't be written"):
        exporters.get(name).write(rows, tmp_path / "taken")


@pytest.mark.slow
@pytest.mark.parametrize("name", FORMATS)
def test_memory_does_not_grow_with_the_rows(name, make_example, tmp_path):
    def peak(count):
        tracemalloc.start()
        exporters.get(name).write((make_example(0, source=f"{n} " * 100) for n in range(count)), tmp_path)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    exporters.get(name).write([make_example()], tmp_path)
    assert peak(6000) < 1.2 * peak(2000)


def test_an_unknown_format():
    with pytest.raises(UsageError, match="no dataset format is named 'csv'; there are: jsonl, parquet"):
        exporters.get("csv")
