"""The first step on corpora with every kind of bad file: units, reasons, positions, reruns."""

import asyncio
import gzip
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from glotsmith.drop_reasons import Reason
from glotsmith.errors import InputError, UsageError
from glotsmith.records import Function
from glotsmith.sources.corpus import ReadOptions
from glotsmith.sources.read_functions import ReadFunctions
from glotsmith.step import Result

Units = list[tuple[str, Result[Function]]]

GOOD = b'def f(x):\n    """Do."""\n    return x + 1\n'


def units(*specs: Path | str, done: Callable[[str], bool] = lambda _: False, **options: Any) -> Units:
    async def collect() -> Units:
        step = ReadFunctions([str(s) for s in specs], ReadOptions(**options))
        return [unit async for unit in step.run(done)]

    return asyncio.run(collect())


def names_and_reasons(found: Units, root: Path) -> dict[str, str]:
    """Return unit → name of the function or reason."""
    return {key.removeprefix(f"{root}:"): _outcome(result) for key, result in found}


def _outcome(result: Result[Function]) -> str:
    if result.kept:
        return result.kept[0].item.name
    (dropped,) = result.dropped
    assert isinstance(dropped.reason, Reason)
    msgspec.json.encode(dropped)
    return str(dropped.reason)


BAD = {
    "syntax.py": (b"def f(:\n", "syntax_error"),
    "python2.py": (b"print 'x'\n", "syntax_error"),
    "latin1.py": (b"# \xfc\n", "unreadable"),
    "utf16.py": ("x = 1".encode("utf-16"), "unreadable"),
    "nul.py": (b"x = 1\0\n", "syntax_error"),
    "big.py": (b"#" * 5_000_001, "too_large"),
    "brackets.py": (b"x = " + b"(" * 10_000 + b")" * 10_000, "too_deep"),
    "indented.py": (b"".join(b" " * i + b"if x:\n" for i in range(200)), "too_deep"),
    "sum.py": (b"x = 1" + b" + 1" * 100_000, "too_deep"),
    "attributes.py": (b"x = y" + b".a" * 100_000, "too_deep"),
    "calls.py": (b"x = y" + b"()" * 100_000, "too_deep"),
    "minus.py": (b"x = " + b"-" * 100_000 + b"1", "too_deep"),
    "elif.py": (b"if x: pass\n" + b"elif x: pass\n" * 50_000, "too_deep"),
    "cookie.py": (b"# -*- coding: nosuch -*-\ndef f(): pass\n", "f"),
}


def test_every_bad_file_is_a_unit_and_spoils_no_other(tmp_path: Path) -> None:
    for name, (data, _) in BAD.items():
        (tmp_path / name).write_bytes(data)
    (tmp_path / "a_good.py").write_bytes(GOOD)
    (tmp_path / "z_good.py").write_bytes(b"\xef\xbb\xbf" + GOOD.replace(b"\n", b"\r\n"))
    (tmp_path / "empty.py").write_bytes(b"")
    (tmp_path / "no_function.py").write_bytes(b"x = 1\n")
    (tmp_path / "loop.py").symlink_to("loop.py")
    (tmp_path / "again").symlink_to(".")
    os.mkfifo(tmp_path / "pipe.py")
    found = names_and_reasons(units(tmp_path), tmp_path)
    rows = {name: row[1] for name, row in BAD.items() if name != "cookie.py"}
    assert found == {
        **rows,
        **{
            "cookie.py:2": "f",
            "a_good.py:1": "f",
            "z_good.py:1": "f",
            "loop.py": "unreadable",
            "pipe.py": "unreadable",
        },
    }
    assert list(found) == sorted(found)


@pytest.mark.parametrize("size", [50_000_000])
def test_a_huge_file_is_not_read_whole(tmp_path: Path, size: int) -> None:
    with (tmp_path / "x.py").open("wb") as file:
        file.truncate(size)
    assert names_and_reasons(units(tmp_path), tmp_path) == {"x.py": "too_large"}


def test_a_tree_just_within_the_parsers_limits(tmp_path: Path) -> None:
    chain = (
        "def f(x):\n    'Do.'\n    return x" + ".a" * 2_000 + "\n\nA = x" + "[0]" * 2_000 + "\n\ndef g(): return A\n"
    )
    (tmp_path / "x.py").write_text(chain)
    assert names_and_reasons(units(tmp_path, helpers=True, imports=True), tmp_path) == {"x.py:1": "f", "x.py:7": "g"}


def test_what_a_function_is_made_of(tmp_path: Path) -> None:
    (tmp_path / "LICENSE").write_text("Apache License Version 2.0")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "x.py").write_bytes(b"import math\nA = 1\n\n" + GOOD.replace(b"+ 1", b"+ A + math.pi"))
    ((key, result),) = units(tmp_path, helpers=True, imports=True)
    (kept,) = result.kept
    item = kept.item
    assert key == f"{tmp_path}:sub/x.py:4"
    assert kept.key == item.id
    assert (item.name, item.docstring, item.helpers) == ("f", "Do.", "import math\nA = 1")
    assert item.code == 'def f(x):\n    """Do."""\n    return x + A + math.pi'
    origin = item.origin
    assert (origin.source, origin.path, origin.line, origin.licence) == (str(tmp_path), "sub/x.py", 4, "Apache-2.0")
    assert msgspec.json.decode(msgspec.json.encode(item), type=Function) == item


def test_the_id_is_that_of_the_text_and_its_helpers(tmp_path: Path) -> None:
    text = GOOD.replace(b"+ 1", b"+ A")
    (tmp_path / "a.py").write_bytes(b"A = 1\n" + text)
    (tmp_path / "b.py").write_bytes(b"A = 1\n\n\n" + text)
    (tmp_path / "c.py").write_bytes(b"A = 2\n" + text)
    a, b, c = (result.kept[0].key for _, result in units(tmp_path, helpers=True))
    assert a == b != c
    a, b, c = (result.kept[0].key for _, result in units(tmp_path))
    assert a == b == c


def test_a_decorated_function_says_by_what(tmp_path: Path) -> None:
    (tmp_path / "x.py").write_text("@cache\n@a.b\n@c(1)\ndef f(x): return x\n")
    ((_, result),) = units(tmp_path)
    assert [(d.reason, d.detail) for d in result.dropped] == [(Reason.DECORATED, "@a.b, @c")]


def test_a_surrogate_in_a_docstring_can_be_stored(tmp_path: Path) -> None:
    (tmp_path / "x.py").write_text("def f(x):\n    '\\ud800'\n    return x\n")
    ((_, result),) = units(tmp_path)
    assert msgspec.json.encode(result.kept[0].item)
    assert result.kept[0].item.docstring == "\\ud800"


def test_rows_are_units_even_without_a_function(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl.gz"
    rows = ["x = 1", GOOD.decode(), "def f(:", None, "", GOOD.decode() + "def g(): pass", "'\ud800'", "x" * 101]
    lines = "".join(json.dumps({"content": row, "license": "MIT"}) + "\n" for row in rows)
    path.write_bytes(gzip.compress(lines.encode()))
    found = units(path, max_bytes=100)
    assert names_and_reasons(found, path) == {
        **{"1": "not_a_function", "2:1": "f", "3": "syntax_error", "4": "not_a_function", "5": "not_a_function"},
        **{"6:1": "f", "6:4": "g", "7": "unreadable", "8": "too_large"},
    }
    assert found[1][1].kept[0].item.origin.licence == "MIT"


def test_a_malformed_line_ends_the_run_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_text('{"content": ""}\n{"content": \n')
    with pytest.raises(InputError, match=r"x\.jsonl:2: not JSON .*; each line must be one JSON object$"):
        units(tmp_path / "x.jsonl")


def test_a_folder_without_python_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="the folder has no Python file"):
        units(tmp_path)


@pytest.mark.parametrize("specs", [(), ("nowhere",)])
def test_specifications_are_checked_before_anything_is_read(specs: tuple[str, ...]) -> None:
    with pytest.raises(UsageError, match="package:more_itertools"):
        ReadFunctions(specs)


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    for i in range(12):
        (tmp_path / f"m{i:02}.py").write_bytes(GOOD + f"\n\ndef g{i}(x): return x\n".encode())
    (tmp_path / "m03.py").write_bytes(b"def f(:")
    return tmp_path


def test_a_rerun_yields_the_same_units_in_the_same_order(corpus: Path) -> None:
    first = units(corpus, helpers=True)
    assert len(first) == 23
    assert [key.removeprefix(f"{corpus}:") for key, _ in first[:7]] == [
        *("m00.py:1", "m00.py:6", "m01.py:1", "m01.py:6", "m02.py:1", "m02.py:6", "m03.py")
    ]
    assert units(corpus, helpers=True) == first


@pytest.mark.parametrize("count", [0, 1, 7, 22, 23])
def test_a_rerun_skips_what_is_done(corpus: Path, count: int) -> None:
    first = units(corpus)
    done = {key for key, _ in first[:count]}
    assert units(corpus, done=done.__contains__) == first[count:]


def test_sources_stand_in_the_order_given_and_once(corpus: Path, tmp_path: Path) -> None:
    one, two = f"{corpus}/m01.py", f"{corpus}/m00.py"
    assert [key for key, _ in units(one, two, one)] == [f"{s}:{s[-6:]}:{n}" for s in (one, two) for n in (1, 6)]
