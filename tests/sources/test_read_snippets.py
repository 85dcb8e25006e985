"""Instruction corpora, code of every language, and other runs, as snippets."""

import asyncio
import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from glotsmith.drop_reasons import Reason
from glotsmith.errors import InputError, UsageError
from glotsmith.records import Snippet
from glotsmith.sources.read_snippets import ReadSnippets
from glotsmith.sources.snippet_rows import RowOrigin, parse_snippet
from glotsmith.step import Dropped, Result

PLACE = RowOrigin("corpus.jsonl", "1", licence="MIT")


def read(*specs: Path | str, column: str = "") -> dict[str, Result[Snippet]]:
    async def main() -> dict[str, Result[Snippet]]:
        step = ReadSnippets([str(s) for s in specs], column)
        return {key: result async for key, result in step.run(lambda _: False)}

    return asyncio.run(main())


@pytest.mark.parametrize("spec", ["code", "code/a.lua", "./rows.jsonl", "run"])
def test_a_relative_path_is_looked_for_in_the_folder_and_kept_as_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spec: str
) -> None:
    folder = tmp_path / "folder"
    for place in ("code", "elsewhere", "run/data/lua"):
        (folder / place).mkdir(parents=True)
    (folder / "code/a.lua").write_text("return 1")
    for table in ("rows.jsonl", "run/data/lua/train.jsonl"):
        (folder / table).write_text('{"content": "x = 1"}\n')

    async def keys(step: ReadSnippets) -> list[str]:
        return [key async for key, _ in step.run(lambda _: False)]

    monkeypatch.chdir(folder)
    here = asyncio.run(keys(ReadSnippets([spec])))
    monkeypatch.chdir("elsewhere")
    assert asyncio.run(keys(ReadSnippets([spec], folder=folder))) == here
    assert here[0].startswith(f"{spec}:")


def test_a_dataset_with_several_files_of_a_language_is_read_whole(tmp_path: Path) -> None:
    for language, part in (("lua", "train"), ("r", "train-00001"), ("r", "train-00002")):
        file = tmp_path / "data" / language / f"{part}.jsonl"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f'{{"content": "{part} = 1"}}\n{{"content": "{part} = 2"}}\n')
    keys = [key.partition(f"{tmp_path}:")[2] for key in read(tmp_path)]
    rows = ("lua/1", "lua/2", "r/train-00001/1", "r/train-00001/2", "r/train-00002/1", "r/train-00002/2")
    assert keys == list(rows)


def snippets(*specs: Path | str, column: str = "") -> list[Snippet]:
    return [kept.item for result in read(*specs, column=column).values() for kept in result.kept]


@pytest.mark.parametrize(
    ("row", "instruction", "response", "code"),
    [
        ({"instruction": "Add.", "response": "x + y"}, "Add.", "x + y", ""),
        ({"instruction": "Add.", "input": "1 and 2", "output": "3"}, "Add.\n\n1 and 2", "3", ""),  # Alpaca
        ({"problem": "Add.", "solution": "x + y"}, "Add.", "x + y", ""),  # OSS-Instruct
        ({"query": "Add.", "answer": "x + y"}, "Add.", "x + y", ""),
        ({"prompt": "Add.", "completion": "x + y"}, "Add.", "x + y", ""),
        ({"content": "x = 1"}, "", "", "x = 1"),  # The Stack
        ({"code": "x = 1", "instruction": "Set x."}, "Set x.", "", "x = 1"),
        ({"messages": [{"role": "user", "content": "Add."}, {"role": "assistant", "content": "+"}]}, "Add.", "+", ""),
        (
            {
                "messages": [
                    {"role": "user", "content": "Hi."},
                    {"role": "assistant", "content": "Hello."},
                    {"role": "user", "content": "Add."},
                    {"role": "assistant", "content": "+"},
                ],
                "prompt": "p",
                "completion": "c",
            },
            "Add.",
            "+",
            "",
        ),
    ],
)
def test_columns_go_by_the_names_that_corpora_use(row: Any, instruction: str, response: str, code: str) -> None:
    found = parse_snippet(row, PLACE)
    assert isinstance(found, Snippet)
    assert (found.instruction, found.response, found.code) == (instruction, response, code)
    assert found.origin.licence == "MIT"


@pytest.mark.parametrize(
    "row",
    [{"response": ""}, {"response": None}, {"response": 5}, {"messages": "x"}, {"messages": [1]}, {"code": " \n"}],
)
def test_a_row_without_code_or_response_is_dropped(row: Any) -> None:
    found = parse_snippet(row, PLACE)
    assert isinstance(found, Dropped)
    assert found.reason == Reason.NOT_A_SNIPPET


def test_a_suite_comes_along() -> None:
    tests = ["assert f(1) == 2", "assert f(2) == 3"]
    row = {"code": "x", "language": "lua", "signature": "def f(x: int) -> int", "line_coverage": 1}
    for given in (tests, "\n".join(tests)):
        found = parse_snippet({**row, "tests": given}, PLACE)
        assert isinstance(found, Snippet)
        assert found.tests == tuple(tests)
        assert (found.name, found.signature, found.line_coverage) == ("f", "def f(x: int) -> int", 1.0)


@pytest.mark.parametrize("name", ["c.jsonl", "c.jsonl.gz", "c.parquet"])
def test_tables(name: str, tmp_path: Path) -> None:
    rows = [{"instruction": "Add.", "response": f"x + {n}", "license": "MIT"} for n in (1, 2, 2)]
    path = tmp_path / name
    text = "".join(json.dumps(r) + "\n" for r in rows)
    if name.endswith("parquet"):
        import pyarrow as pa
        import pyarrow.parquet as pq

        pq.write_table(pa.Table.from_pylist(rows), path)
    elif name.endswith("gz"):
        path.write_bytes(gzip.compress(text.encode()))
    else:
        path.write_text(text)
    found = read(path)
    assert list(found) == [f"{path}:{n}" for n in (1, 2, 3)]
    keys = [result.kept[0].key for result in found.values()]
    assert keys[0] != keys[1] == keys[2]  # equal snippets have one key, so that the ledger knows the second


def test_files_of_every_language_in_a_folder(tmp_path: Path) -> None:
    for name in ("b/add.lua", "a.ml", "z.rkt", "notes.txt", "node_modules/x.js", "empty.jl"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("" if name == "empty.jl" else f"code of {name}\n")
    found = read(tmp_path)
    kept = {r.kept[0].item.origin.path: r.kept[0].item for r in found.values() if r.kept}
    assert {path: s.language for path, s in kept.items()} == {"a.ml": "ocaml", "z.rkt": "racket", "b/add.lua": "lua"}
    assert [r.dropped[0].reason for r in found.values() if r.dropped] == [Reason.NOT_A_SNIPPET]
    assert snippets(tmp_path / "a.ml")[0].code == "code of a.ml"


def finished(folder: Path, where: str) -> Path:
    """Write what a run leaves behind, as far as it is read."""
    folder.mkdir()
    (folder / "run.toml").write_text('recipe = "multipl-t"\n')
    data = folder / where / "lua"
    data.mkdir(parents=True)
    messages = [{"role": "user", "content": "Write `f`."}, {"role": "assistant", "content": "```lua\nx\n```"}]
    origin = {"source": "package:toolz", "path": "f.py", "line": 7, "version": "1", "licence": "BSD-3-Clause"}
    row = {"messages": messages, "prompt": "-- f", "completion": "x", "language": "lua", "name": "f", "origin": origin}
    row |= {"tests": ["assert f(1) == 1"], "signature": "def f(x: int) -> int", "parallel_id": "p1"}
    (data / "train.jsonl").write_text(json.dumps(row) + "\n")
    return folder


def test_the_programs_of_another_run_with_their_suites(tmp_path: Path) -> None:
    (found,) = snippets(finished(tmp_path / "run", "dataset/jsonl/data"))
    assert (found.language, found.name, found.parallel_id) == ("lua", "f", "p1")
    assert found.response == "```lua\nx\n```"
    assert found.tests == ("assert f(1) == 1",)
    assert (found.origin.source, found.origin.line, found.origin.licence) == ("package:toolz", 7, "BSD-3-Clause")


@pytest.mark.parametrize(
    ("make", "error", "sentence"),
    [
        (lambda p: p / "missing", UsageError, "no file, folder or source"),
        (lambda p: made(p / "x.pdf", "%PDF"), UsageError, "has an unsupported format"),
        (lambda p: finished(p / "run", "elsewhere"), UsageError, "the run has no dataset"),
        (lambda p: made(p / "x.jsonl", '{"a": 1}\n'), InputError, "x.jsonl:1: none of the columns"),
        (lambda p: made(p / "x.jsonl", '{"code": "x"}\nnot json\n'), InputError, "x.jsonl:2: not JSON"),
        (lambda p: made(p / "x.jsonl", ""), InputError, "the table has no rows"),
        (lambda p: made(p / "x.jsonl", "\n \n"), InputError, "the table has no rows"),
        (lambda p: made(p / "x.jsonl", "[1]\n"), InputError, "x.jsonl:1: each line must be one JSON object"),
        (lambda p: made(p / "x.parquet", "PAR"), InputError, "the file cannot be read as Parquet"),
        (lambda p: made(p / "sub" / "notes.txt", "x").parent, InputError, "no file of code in any"),
        (lambda p: "hf:a:b:c:d", UsageError, "not of the form hf:"),
    ],
)
def test_a_wrong_source_is_told(
    make: Callable[[Path], Path | str], error: type[Exception], sentence: str, tmp_path: Path
) -> None:
    with pytest.raises(error, match=sentence):
        read(make(tmp_path))


def made(path: Path, text: str) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return path


def test_an_unusual_column_is_named(tmp_path: Path) -> None:
    path = made(tmp_path / "x.jsonl", '{"body": "x = 1"}\n')
    assert snippets(path, column="body")[0].code == "x = 1"
    with pytest.raises(InputError, match="no column 'other'"):
        read(path, column="other")


def test_a_suite_says_what_its_function_is_called() -> None:
    found = parse_snippet({"code": "x", "name": "Two doubled", "tests": ["assert f(1) == 2"]}, PLACE)
    assert isinstance(found, Snippet)
    assert found.name == "f"  # a name that the tests do not call would be asked for in the round trip


def test_at_least_one_source() -> None:
    with pytest.raises(UsageError, match="no source given"):
        ReadSnippets([])
