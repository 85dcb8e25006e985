"""Rows of tables, good and bad."""

import gzip
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from glotsmith.drop_reasons import Reason
from glotsmith.errors import InputError, UsageError
from glotsmith.installation import install_command
from glotsmith.sources import table_rows
from glotsmith.sources.files import SourceText
from glotsmith.step import Dropped

LIMIT = 1000


def jsonl(path: Path, *lines: object) -> Path:
    texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    path.write_text("".join(f"{text}\n" for text in texts))
    return path


def read(path: Path, column: str = "") -> list[SourceText]:
    return list(
        (table_rows.parquet_texts if path.suffix == ".parquet" else table_rows.jsonl_texts)(path, column, LIMIT)
    )


def dropped(reason: Reason, detail: str) -> Dropped:
    return Dropped(reason, detail)


CELLS: list[tuple[dict[str, object], str | Dropped, str]] = [
    ({"content": "x"}, "x", ""),
    ({"code": "x"}, "x", ""),
    ({"content": "x", "code": "y"}, "x", ""),
    ({"content": "", "other": 1}, "", ""),
    ({"content": "ü\u2028"}, "ü\u2028", ""),
    ({"content": "x", "license": "MIT"}, "x", "MIT"),
    ({"content": "x", "license": "", "licenses": ["MIT", "ISC"]}, "x", "MIT AND ISC"),
    ({"content": "x", "max_stars_repo_licenses": []}, "x", ""),
    ({"content": None}, dropped(Reason.NOT_A_FUNCTION, "the column contains NoneType, not text"), ""),
    ({"content": 5}, dropped(Reason.NOT_A_FUNCTION, "the column contains int, not text"), ""),
    ({"content": "x" * LIMIT}, "x" * LIMIT, ""),
    ({"content": "x" * (LIMIT + 1)}, dropped(Reason.TOO_LARGE, "over 1,000 characters"), ""),
]


@pytest.mark.parametrize(("row", "content", "licence"), CELLS)
def test_cells(tmp_path: Path, row: dict[str, object], content: str | Dropped, licence: str) -> None:
    text = [SourceText("1", content, licence, is_unit=True)]
    assert read(jsonl(tmp_path / "x.jsonl", row)) == text
    pq.write_table(pa.Table.from_pylist([row]), tmp_path / "x.parquet")
    assert read(tmp_path / "x.parquet") == text


def test_a_half_surrogate_pair_in_json_is_for_the_parser_to_refuse(tmp_path: Path) -> None:
    assert read(jsonl(tmp_path / "x.jsonl", '{"content": "\\ud800"}'))[0].content == "\ud800"


@pytest.mark.parametrize("zipped", [False, True])
def test_lines(tmp_path: Path, *, zipped: bool) -> None:
    path = tmp_path / ("x.jsonl.gz" if zipped else "x.jsonl")
    data = b'\xef\xbb\xbf{"content": "a"}\r\n\n  \n{"content": "b"}\n\xff\n{"content": "' + b"x" * 100_000 + b'"}\n'
    data += b'{"content": "c"}'
    path.write_bytes(gzip.compress(data) if zipped else data)
    assert [(t.path, t.content) for t in read(path)] == [
        ("1", "a"),
        ("4", "b"),
        ("5", Dropped(Reason.UNREADABLE, "byte 0 is not UTF-8")),
        ("6", Dropped(Reason.TOO_LARGE, "the line is over the size limit")),
        ("7", "c"),
    ]


def test_no_line(tmp_path: Path) -> None:
    assert read(jsonl(tmp_path / "x.jsonl")) == []


def test_a_column_can_be_named(tmp_path: Path) -> None:
    path = jsonl(tmp_path / "x.jsonl", {"content": "x", "body": "y"})
    assert [t.content for t in read(path, "body")] == ["y"]


MALFORMED = {
    "no JSON": ("{", "not JSON (Expecting property name"),
    "a list": ("[1]", "each line must be one JSON object, and this one is list"),
    "null": ("null", "each line must be one JSON object, and this one is NoneType"),
    "too deep": ("[" * 50_000, "not JSON (maximum recursion depth"),
    "a huge number": ('{"content": ' + "1" * 100_001 + "}", "not JSON (Exceeds the limit"),
    "two objects": ('{"content": ""} {}', "not JSON (Extra data"),
    "no column": (
        '{"text": 1, "id": 2}',
        "no column 'content' or 'code'; the columns are id, text. Name the column with the code: --set column=NAME",
    ),
    "no columns": ("{}", "no column 'content' or 'code'; the columns are none."),
}


@pytest.mark.parametrize(("line", "sentence"), MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_line_is_named(tmp_path: Path, line: str, sentence: str) -> None:
    path = jsonl(tmp_path / "x.jsonl", {"content": "x"}, line)
    texts = table_rows.jsonl_texts(path, "", 200 * LIMIT)
    assert next(texts).content == "x"
    with pytest.raises(InputError) as caught:
        next(texts)
    assert str(caught.value).startswith(f"{path}:2: {sentence}")


def test_a_named_column_that_is_missing(tmp_path: Path) -> None:
    path = jsonl(tmp_path / "x.jsonl", {"content": "x"})
    with pytest.raises(InputError, match=r"x\.jsonl:1: no column 'body'; the columns are content\."):
        read(path, "body")


BROKEN = {
    "cut gzip": ("x.jsonl.gz", gzip.compress(b'{"content": "x"}\n' * 999)[:-20], "the file cannot be read to its end"),
    "no gzip": ("x.jsonl.gz", b'{"content": "x"}\n', "the file cannot be read to its end"),
    "bad gzip": ("x.jsonl.gz", gzip.compress(b"")[:10] + b"\xff" * 40, "the file cannot be read to its end"),
    "no Parquet": ("x.parquet", b"content", "the file cannot be read as Parquet"),
    "empty Parquet": ("x.parquet", b"", "the file cannot be read as Parquet"),
}


@pytest.mark.parametrize(("name", "data", "sentence"), BROKEN.values(), ids=BROKEN)
def test_a_broken_file_is_named(tmp_path: Path, name: str, data: bytes, sentence: str) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(InputError) as caught:
        read(tmp_path / name)
    assert str(caught.value).startswith(f"{tmp_path / name}: {sentence}: ")


def test_parquet_streams_over_batches_and_columns(tmp_path: Path) -> None:
    content = [f"x = {i}" for i in range(150)]
    pq.write_table(pa.table({"id": range(150), "content": content, "license": ["MIT"] * 150}), tmp_path / "x.parquet")
    texts = read(tmp_path / "x.parquet")
    assert [t.content for t in texts] == content
    assert [t.path for t in texts] == [str(i + 1) for i in range(150)]
    assert {t.licence for t in texts} == {"MIT"}
    assert [t.content for t in read(tmp_path / "x.parquet", "license")] == ["MIT"] * 150


def test_a_parquet_string_that_is_no_text(tmp_path: Path) -> None:
    array = pa.Array.from_buffers(pa.string(), 1, pa.array([b"a\xff"], pa.binary()).buffers())
    pq.write_table(pa.table({"content": array}), tmp_path / "x.parquet")
    assert read(tmp_path / "x.parquet")[0].content == Dropped(Reason.UNREADABLE, "byte 1 is not UTF-8")


# ---------------------------------------------------------------------------------------------- datasets


@pytest.fixture
def offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with a local dataset; nothing is asked of the network."""
    datasets = pytest.importorskip("datasets")
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    folder = tmp_path / "dataset"
    folder.mkdir()
    jsonl(folder / "train.jsonl", {"content": "a", "license": "MIT"}, {"content": "b", "license": None})
    jsonl(folder / "test.jsonl", {"content": "c", "license": None})
    return folder


@pytest.mark.filterwarnings("ignore")  # the library's own
def test_a_dataset_is_streamed(offline: Path) -> None:
    def read(split: str) -> list[SourceText]:
        return list(table_rows.dataset_texts("hf:x", str(offline), "", split, "", LIMIT))

    assert read("train") == [SourceText("1", "a", "MIT", is_unit=True), SourceText("2", "b", "", is_unit=True)]
    assert [t.content for t in read("test")] == ["c"]
    with pytest.raises(InputError, match=r"hf:x: the dataset cannot be opened: .*validation"):
        read("validation")


@pytest.mark.filterwarnings("ignore")
def test_a_dataset_that_breaks_half_way(offline: Path) -> None:
    jsonl(offline / "train.jsonl", *[{"content": "a"}] * 3, "{")
    with pytest.raises(InputError, match=r"hf:x: (row \d cannot be read|the dataset cannot be opened): "):
        list(table_rows.dataset_texts("hf:x", str(offline), "", "train", "", LIMIT))


def test_a_row_of_a_dataset_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def failing() -> Iterator[dict[str, Any]]:
        yield {"content": "a"}
        raise ConnectionError("gone\nand more")

    datasets = pytest.importorskip("datasets")
    monkeypatch.setattr(datasets, "load_dataset", lambda *_, **__: failing())
    texts = table_rows.dataset_texts("hf:x", "x", "", "train", "", LIMIT)
    assert next(texts).content == "a"
    with pytest.raises(InputError, match=r"^hf:x: row 2 cannot be read: gone$"):
        next(texts)


def test_without_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(
        UsageError, match=f"^hf:x needs the extra datasets. Install it: {re.escape(install_command('datasets'))}$"
    ):
        next(table_rows.dataset_texts("hf:x", "x", "", "train", "", LIMIT))
