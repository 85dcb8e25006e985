"""Rows from where they are: files of every kind, the hub's loader, completions of several makes; and the page on it."""

import gzip
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from glotsmith.errors import GlotsmithError, UsageError
from glotsmith.evaluation.benchmarks import BENCHMARKS, mceval, multipl_e
from glotsmith.evaluation.benchmarks.row_files import hub_rows, read_rows
from glotsmith.evaluation.completions import read_completions
from glotsmith.evaluation.questions import Question, ReplyStyle, StoredCompletion, stop_tokens
from glotsmith.languages import get_card

PAGE = (Path(__file__).parents[2] / "docs" / "evaluation.md").read_text("utf-8")
ROWS = [{"task_id": "a", "n": 1}, {"task_id": "b", "n": 2}]


def parquet(file: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.Table.from_pylist(ROWS), file)


@pytest.mark.parametrize("name", ["x.jsonl", "x.jsonl.gz", "x.json", "x.json.gz", "x.parquet", "folder"])
def test_every_kind_of_file_is_read(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    lines = "".join(json.dumps(r) + "\n" for r in ROWS).encode()
    match name:
        case "folder":
            file.mkdir()
            for row in ROWS:
                (file / f"{row['task_id']}.json.gz").write_bytes(gzip.compress(json.dumps(row).encode()))
            (file / "a.results.json.gz").write_bytes(gzip.compress(b"{}"))  # of an earlier run
        case "x.parquet":
            parquet(file)
        case _:
            data = lines if "jsonl" in name else json.dumps(ROWS).encode()
            file.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    assert [row.data for row in read_rows(file)] == ROWS


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of datasets and what it imports
def test_the_hubs_own_loader_is_used(tmp_path: Path) -> None:
    """``datasets`` on a folder, as on a dataset of the hub."""
    (tmp_path / "test.jsonl").write_text("".join(json.dumps(r) + "\n" for r in ROWS))
    assert [row.data for row in hub_rows(str(tmp_path), "test")] == ROWS
    with pytest.raises(UsageError, match="cannot be loaded from the hub"):
        hub_rows(str(tmp_path), "no_such_split")


def question_of(problem: str, language: str) -> Question:
    return Question(benchmark="b", problem=problem, language=language, alias="7" if problem == "q" else "")


def completions_of(question: str, *texts: str, style: ReplyStyle = "completion") -> dict[str, list[StoredCompletion]]:
    return {f"b/{question}": [StoredCompletion(text, style) for text in texts]}


COMPLETIONS: list[tuple[dict[str, Any], dict[str, list[StoredCompletion]] | str]] = [
    ({"name": "p", "language": "ml", "completions": ["x", "y"]}, completions_of("ocaml/p", "x", "y")),
    (
        {"name": "p", "language": "ml", "completions": ["x"], "stop_tokens": ["\nlet"]},
        completions_of("ocaml/p", "x", style="cut"),
    ),
    ({"task_id": "p", "language": "Lua", "completion": "x"}, completions_of("lua/p", "x")),
    ({"task_id": "p", "language": "C++", "completion": "x"}, completions_of("cpp/p", "x")),
    ({"task_id": "p", "lang": "C#", "completion": "x"}, completions_of("csharp/p", "x")),
    ({"question_id": "q", "solution": "x"}, completions_of("lua/q", "x", style="whole")),
    (
        {"question_id": "q", "solution": None, "reasoning": "no fence"},
        completions_of("lua/q", "", style="whole"),
    ),  # Agnostics
    ({"task_id": "q", "raw_generation": ["x"]}, completions_of("lua/q", "x", style="chat")),
    ({"question_id": "q", "code_list": ["x", None]}, completions_of("lua/q", "x", "", style="whole")),  # LiveCodeBench
    ({"id": 7, "code": "x", "metadata": {"problem_id": 8}}, completions_of("lua/q", "x", style="whole")),  # DS-1000
    ({"code": "x", "metadata": {"problem_id": 7}}, completions_of("lua/q", "x", style="whole")),
    ({"question": "b/ocaml/p", "completions": ["x"]}, completions_of("ocaml/p", "x")),
    ({"name": "p", "completions": ["x"]}, "x.jsonl:1: the row has no language"),
    ({"name": "z", "completions": ["x"]}, "no completion answers a question"),
    ({"completions": ["x"]}, "x.jsonl:1: the row names no problem"),
    ({"name": "p"}, "x.jsonl:1: the row has no completion"),
    ({"name": "p", "completions": "x"}, "x.jsonl:1: the row has a str as its field 'completions'"),
]


@pytest.mark.parametrize(("row", "found"), COMPLETIONS)
def test_completions_find_their_questions(
    tmp_path: Path, row: dict[str, Any], found: dict[str, list[StoredCompletion]] | str
) -> None:
    file = tmp_path / "x.jsonl"
    file.write_text(json.dumps(row) + "\n")
    questions = [
        question_of("p", "lua"),
        question_of("p", "ocaml"),
        question_of("q", "lua"),
        question_of("p", "cpp"),
        question_of("p", "csharp"),
    ]
    if isinstance(found, str):
        with pytest.raises(GlotsmithError) as error:
            read_completions(file, questions)
        assert found in str(error.value)
    else:
        assert read_completions(file, questions) == found
        assert {c.style for c in read_completions(file, questions, style="chat").popitem()[1] if c.text} <= {"chat"}


@pytest.mark.parametrize(
    ("benchmark", "row", "name"),
    [
        ("mbpp", {"task_id": 11, "completion": "x"}, 11),  # as its makers write it
        ("mbpp", {"task_id": "11", "completion": "x"}, "11"),
        ("mbpp", {"task_id": "MBPP/11", "completion": "x"}, "MBPP/11"),
        ("mbpp", {"task_id": "Mbpp/11", "completion": "x"}, "Mbpp/11"),  # as EvalPlus writes it
        ("mbpp", {"task_id": 12, "completion": "x"}, None),
        ("humaneval", {"task_id": "HumanEval/11", "completion": "x"}, "HumanEval/11"),
        ("humaneval", {"task_id": 11, "completion": "x"}, None),  # nobody numbers HumanEval so
    ],
)
def test_a_benchmarks_own_names_of_problems_are_known(
    tmp_path: Path, benchmark: str, row: dict[str, Any], name: object
) -> None:
    problem = {"mbpp": "MBPP/11", "humaneval": "HumanEval/11"}[benchmark]
    question = msgspec.structs.replace(question_of(problem, "lua"), alias="11" if benchmark == "mbpp" else "")
    file = tmp_path / "x.jsonl"
    file.write_text(json.dumps(row) + "\n")
    if name is None:
        with pytest.raises(GlotsmithError, match="no completion answers a question"):
            read_completions(file, [question])
    else:
        assert list(read_completions(file, [question])) == [question.id]


def test_one_completion_a_row_adds_up(tmp_path: Path) -> None:
    file = tmp_path / "x.jsonl"
    file.write_text("".join(json.dumps({"task_id": "p", "completion": text}) + "\n" for text in "abc"))
    assert read_completions(file, [question_of("p", "lua")]) == completions_of("lua/p", "a", "b", "c")


def test_the_page_names_every_benchmark_and_every_rule_that_is_known_wrong() -> None:
    assert [name for name in BENCHMARKS if f"`{name}`" not in PAGE] == []
    known = [get_card(n).display for n in multipl_e.KNOWN_WRONG] + [n for n in mceval.KNOWN_WRONG if n != "*"]
    assert [name for name in known if name not in PAGE] == []


def test_what_mcevals_solutions_go_on_after_ends_none_of_them() -> None:
    """Racket's solutions bring functions of their own: cut at "\\n(", two of three would fail."""
    for rule in mceval.RULES.values():
        assert set(rule.inside) <= set(stop_tokens(rule.language))
    assert mceval.RULES["Racket"].stop == ("\n#|",)
    assert mceval.RULES["CPP"].stop == ("\n}",)


def test_every_language_of_a_table_is_one_of_ours() -> None:
    for language in (*multipl_e.CODES.values(), *(rule.language for rule in mceval.RULES.values())):
        get_card(language)
