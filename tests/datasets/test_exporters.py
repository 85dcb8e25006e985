import json
import tracemalloc

import pyarrow.parquet as pq
import pytest

from glotsmith.datasets.exporters.formats import DATASET_FORMATS, check_format
from glotsmith.datasets.exporters.row_files import write_language_files
from glotsmith.datasets.schema import plain
from glotsmith.errors import InputError, StorageError, UsageError
from glotsmith.records import Origin

FORMATS = sorted(DATASET_FORMATS)


def read(path):
    if path.suffix == ".parquet":
        return pq.read_table(path, partitioning=None).to_pylist()
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


@pytest.fixture
def rows(make_example):
    return [make_example(n, language) for n in range(5) for language in ("lua", "r")]


@pytest.mark.parametrize("name", FORMATS)
def test_rows_come_back(name, rows, tmp_path):
    files = write_language_files(iter(rows), tmp_path, name)
    assert [file.relative_to(tmp_path).as_posix() for file in files] == [f"data/{x}/train.{name}" for x in ("lua", "r")]
    for file in files:
        assert read(file) == [plain(row) for row in rows if row.language == file.parent.name]


@pytest.mark.parametrize("name", FORMATS)
def test_the_same_rows_are_the_same_bytes(name, rows, tmp_path):
    first = [file.read_bytes() for file in write_language_files(rows, tmp_path / "a", name)]
    assert first == [file.read_bytes() for file in write_language_files(rows, tmp_path / "b", name)]
    assert first == [file.read_bytes() for file in write_language_files(rows, tmp_path / "a", name)]


@pytest.mark.parametrize("name", FORMATS)
def test_an_export_replaces_the_one_before(name, rows, tmp_path):
    for earlier in FORMATS:
        write_language_files(rows, tmp_path, earlier)
    files = write_language_files([row for row in rows if row.language == "r"], tmp_path, name)
    assert [file for file in tmp_path.rglob("*") if file.is_file()] == files
    assert not (tmp_path / "data" / "lua").exists()


@pytest.mark.parametrize("name", FORMATS)
def test_a_failure_leaves_the_files_as_they_were(name, rows, tmp_path):
    def broken():
        yield rows[0]
        raise RuntimeError("no more rows")

    files = write_language_files(rows, tmp_path, name)
    before = {file: file.read_bytes() for file in files}
    with pytest.raises(RuntimeError, match="no more rows"):
        write_language_files(broken(), tmp_path, name)
    assert {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()} == before


@pytest.mark.parametrize("name", FORMATS)
def test_no_rows_are_no_files(name, rows, tmp_path):
    write_language_files(rows, tmp_path, name)
    assert write_language_files([], tmp_path, name) == []
    assert not [file for file in tmp_path.rglob("*") if file.is_file()]


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"completion": "\ud800"}, r"row lua-0 \(lua\) contains text that is not Unicode"),
        ({"origin": Origin(source="s", path="\udcff")}, r"row lua-0 \(lua\) contains text that is not Unicode"),
        ({"language": "../lua"}, "the language '../lua' cannot be the name of a folder"),
        ({"language": ""}, "the language '' cannot be the name of a folder"),
    ],
)
def test_a_row_that_no_file_can_hold(name, change, message, make_example, tmp_path):
    with pytest.raises(InputError, match=message):
        write_language_files([make_example(**change, id="lua-0")], tmp_path, name)


@pytest.mark.parametrize("name", FORMATS)
def test_a_folder_that_is_a_file(name, rows, tmp_path):
    (tmp_path / "taken").write_text("")
    with pytest.raises(StorageError, match="taken: the dataset cannot be written"):
        write_language_files(rows, tmp_path / "taken", name)


@pytest.mark.slow
@pytest.mark.parametrize("name", FORMATS)
def test_memory_does_not_grow_with_the_rows(name, make_example, tmp_path):
    def peak(count):
        tracemalloc.start()
        write_language_files((make_example(0, source=f"{n} " * 100) for n in range(count)), tmp_path, name)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    write_language_files([make_example()], tmp_path, name)
    assert peak(6000) < 1.2 * peak(2000)


def test_an_unknown_format():
    with pytest.raises(UsageError, match="no format is named 'csv'; there are: jsonl, parquet"):
        check_format("csv", DATASET_FORMATS)
