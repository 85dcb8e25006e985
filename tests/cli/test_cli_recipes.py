"""Bad input to inverse-instruct and xcoder: a sentence or a drop with its reason, never a traceback."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from glotsmith.run_folder import RunFolder

Command = Callable[..., tuple[int, str, str]]

PAIR = {"instruction": "Add.", "response": "```lua\nreturn 1\n```"}
FILES = {
    "good.jsonl": json.dumps(PAIR) + "\n",
    "empty.jsonl": "",
    "blank.jsonl": "\n\n",
    "other.jsonl": '{"a": 1}\n',
    "half.jsonl": json.dumps(PAIR) + "\n" + '{"instruction": "Add."',
    "list.jsonl": "[1, 2]\n",
    "replies.jsonl": "",
    "notes/readme.txt": "x",
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(glotsmith: Command, recipe: str, source: str, *more: str) -> tuple[int, str, str]:
    own = ("-l", "python", "-l", "lua") if recipe == "xcoder" else ()
    return glotsmith("run", recipe, "-s", source, *own, "--teacher", "scripted", "--model", "replies.jsonl", *more)


@pytest.mark.parametrize("recipe", ["inverse-instruct", "xcoder"])
@pytest.mark.parametrize(
    ("source", "more", "sentence"),
    [
        ("empty.jsonl", (), r"empty\.jsonl: the table has no rows"),
        ("blank.jsonl", (), r"blank\.jsonl: the table has no rows"),
        (
            "other.jsonl",
            (),
            r"other\.jsonl:1: none of the columns .* the columns are a\. Name the column with the code",
        ),
        ("half.jsonl", (), r"half\.jsonl:2: not JSON"),
        ("list.jsonl", (), r"list\.jsonl:1: each line must be one JSON object"),
        ("nowhere.jsonl", (), r"no file, folder or source 'nowhere\.jsonl'"),
        ("notes", (), r"notes: no file of code in any"),
        ("good.jsonl", ("--set", "column=body"), r"good\.jsonl:1: no column 'body'"),
        ("good.jsonl", ("--set", "self_evaluation=maybe"), r"self_evaluation"),
        ("good.jsonl", ("--set", "style=poem"), r"style"),
        ("good.jsonl", ("--set", "max_tokens=0"), r"max_tokens, .* is 0; it must be a whole number of 1 or more"),
        ("good.jsonl", ("--set", "memroy=off"), r"no option 'memroy'; (do you mean 'memory'\? T|t)here are: "),
        ("good.jsonl", ("--set", 'benchmarks=["no.jsonl"]'), r"no\.jsonl"),
        ("good.jsonl", ("--teacher", "offline", "--model", ""), r"offline"),
    ],
)
def test_a_wrong_source_or_switch_gets_a_sentence(
    glotsmith: Command, folder: Path, recipe: str, source: str, more: tuple[str, ...], sentence: str
) -> None:
    code, _, stderr = run(glotsmith, recipe, source, *more)
    assert code == 2, stderr
    assert re.search(sentence, stderr), stderr
    assert "Traceback" not in stderr


@pytest.mark.parametrize(
    ("recipe", "switch"),
    [
        ("xcoder", "topology=ring"),
        ("xcoder", "policy=luck"),
        ("xcoder", "memory=1"),
        ("xcoder", "reflection=some"),
        ("inverse-instruct", "round_trip=maybe"),
    ],
)
def test_an_unknown_value_of_a_switch_is_told_before_anything_is_read(
    glotsmith: Command, folder: Path, recipe: str, switch: str
) -> None:
    code, _, stderr = run(glotsmith, recipe, "empty.jsonl", "--set", switch)
    assert code == 2
    assert f"invalid option of the recipe {recipe}" in stderr
    assert switch.partition("=")[0] in stderr


ADD = "function f(a, b) return a + b end"
HUGE = "x = 1\n" * 900_000  #: over the limit of 5 MB
ROWS: list[tuple[dict[str, Any], str, str]] = [
    ({"response": HUGE * 8}, "sources", "too_large"),  # a line that is not even read whole
    ({"instruction": "Add."} | {"response": " "}, "sources", "not_a_snippet"),
    ({"messages": []}, "sources", "not_a_snippet"),
    ({"messages": [{"role": "assistant"}, 7, None]}, "sources", "not_a_snippet"),
    ({"code": "x", "language": "brainf"}, "extract_programs", "unknown_language"),
    ({"response": "\ud800 none"}, "extract_programs", "unparsable_code"),
    ({"response": "```\n" * 5000}, "extract_programs", "unparsable_code"),
    ({"code": "return 1", "language": "lua", "tests": ["assert f(" * 500]}, "verify_snippets", "no_tests"),
    ({"code": "return 2", "language": "lua", "tests": "assert f(1) == 1"}, "verify_snippets", "too_few_cases"),
    (
        {"code": ADD, "language": "lua", "tests": [f"assert f(0x{'F' * 90_000}, {n}) == {n}" for n in range(3)]},
        "verify_snippets",
        "no_tests",
    ),
]


@pytest.mark.slow
def test_a_row_that_can_not_be_used_is_a_drop(glotsmith: Command, folder: Path) -> None:
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row, *_ in ROWS))
    code, stdout, err = run(glotsmith, "inverse-instruct", "rows.jsonl", "-o", "out", "--set", "originals=false")
    assert (code, "Traceback" in stdout + err) == (0, False), err
    with RunFolder.open(folder / "out") as opened:
        lost = [(row.step, row.reason) for row in opened.ledger.dropped_rows()]
        funnel = opened.ledger.funnel()
    assert sorted(lost) == sorted((step, reason) for _, step, reason in ROWS)
    assert all(row.taken == row.kept + row.dropped for row in funnel)
