import gzip
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from glotsmith.errors import InputError
from glotsmith.selection.benchmark_files import read_benchmark

ROWS = [
    {"task_id": "B/1", "prompt": "def f():", "tests": ["assert f() == 1", "assert f() != 2"], "n": 3, "none": None},
    {"id": 7, "nested": {"code": "x"}, "many": [{"text": "y"}, 1], "language": "Lua"},
    {"text": "no id"},
]
EXPECTED = [
    ("B/1", "", ("B/1", "def f():", "assert f() == 1\nassert f() != 2")),
    ("7", "lua", ("x", "y", "Lua")),
    ("3", "", ("no id",)),
]


def read(path):
    return [(row.name.removeprefix(f"{path.name}:"), row.language, row.texts) for row in read_benchmark(path)]


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("b.jsonl", "\n".join(map(json.dumps, [ROWS[0], ROWS[1], ROWS[2]])).encode()),
        ("b.jsonl.gz", gzip.compress("\n".join(map(json.dumps, ROWS)).encode(), mtime=0)),
        ("b.json", json.dumps(ROWS).encode()),
        ("b.json.gz", gzip.compress(json.dumps(ROWS).encode(), mtime=0)),
        ("b.json", json.dumps({"train": ROWS[:1], "test": ROWS[1:]}).encode()),
    ],
)
def test_every_text_of_every_row_is_read(name, data, tmp_path):
    path = tmp_path / name
    path.write_bytes(data)
    assert read(path) == EXPECTED


def test_rows_by_id(tmp_path):
    path = tmp_path / "b.json"
    path.write_text(json.dumps({"first": {"text": "x"}, "second": {"text": "y"}}))
    assert read(path) == [("first", "", ("first", "x")), ("second", "", ("second", "y"))]


def test_parquet(tmp_path):
    path = tmp_path / "b.parquet"
    pq.write_table(pa.table({"task_id": [1, 2], "prompt": ["p", "q"], "tests": [["a", "b"], []]}), path)
    assert read(path) == [("1", "", ("p", "a\nb")), ("2", "", ("q",))]


def test_blank_lines_are_skipped_and_lines_counted(tmp_path):
    path = tmp_path / "b.jsonl"
    path.write_text('\n{"text": "x"}\n\n')
    assert read(path) == [("2", "", ("x",))]


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("b.txt", b"", r"b\.txt: not a benchmark file; a benchmark is one of \.jsonl"),
        ("b.jsonl", b'{"a": "b"}\n{"a": ', r"b\.jsonl:2: not JSON"),
        ("b.jsonl", b'["a"]', r"b\.jsonl:1: a line of a benchmark must be a JSON object"),
        ("b.jsonl", b'{"a": "\xff"}', r"b\.jsonl:1: not JSON"),
        ("b.jsonl", b"[" * 100_000, r"b\.jsonl:1: not JSON"),
        ("b.json", b"3", r"b\.json: a JSON benchmark must be a list of objects"),
        ("b.json", b"[]", r"b\.json: a JSON benchmark must be a list of objects"),
        ("b.jsonl.gz", b"no gzip", r"b\.jsonl\.gz: the benchmark cannot be read"),
        ("b.jsonl.gz", gzip.compress(b'{"text": "x"}', mtime=0)[:-9], r"b\.jsonl\.gz: the benchmark cannot be read"),
        ("b.parquet", b"no parquet", r"b\.parquet: not a readable Parquet file"),
    ],
)
def test_a_file_that_cannot_be_used(name, data, message, tmp_path):
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(InputError, match=message):
        list(read_benchmark(path))


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match="no such benchmark file"):
        list(read_benchmark(tmp_path / "b.jsonl"))
