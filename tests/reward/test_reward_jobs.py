"""What a completion and its row become."""

from typing import Any

import pytest

from glotsmith.errors import UsageError
from glotsmith.records import IoCase, Job
from glotsmith.reward.reward_jobs import build_job, completion_text

CODE = "function f(x) return x end"
FENCED = f"Here it is:\n\n```lua\n{CODE}\n```\n"
ROW = {"language": "lua", "tests": ["assert f(1) == 1"]}
IO = (IoCase(stdin="1\n", stdout="1\n"),)


class Array:
    """As numpy's, of which a parquet reader makes lists."""

    def __init__(self, *items: Any) -> None:
        self._items = [*items]

    def tolist(self) -> list[Any]:
        return self._items


@pytest.mark.parametrize(
    ("completion", "text"),
    [
        (FENCED, FENCED),
        ("", ""),
        ([], ""),
        ([{"role": "assistant", "content": "a"}], "a"),
        ([{"role": "assistant", "content": None, "tool_calls": []}], ""),
        ([{"role": "assistant", "content": [{"type": "text", "text": "a"}, {"type": "image"}]}], "a"),
        ([{"role": "assistant", "content": "a"}, {"role": "tool", "content": "b"}], "a"),
        ([{"role": "assistant", "content": "a"}, {"role": "user", "content": "b"}, {"content": "c"}], "c"),
        ([{"role": "user", "content": "b"}], ""),
    ],
)
def test_what_a_completion_says(completion: Any, text: str) -> None:
    assert completion_text(completion) == text


@pytest.mark.parametrize(
    ("completion", "row", "job"),
    [
        (FENCED, ROW, Job(id="7", language="lua", code=CODE, tests=("assert f(1) == 1",))),
        (FENCED, {**ROW, "io": None, "signature": None, "prompt": "p", "id": 9}, ...),
        ([{"role": "assistant", "content": FENCED}], {"language": "lua", "tests": Array("assert f(1) == 1")}, ...),
        ("I can't.", ROW, Job(id="7", language="lua", tests=("assert f(1) == 1",))),
        (" return x end", {**ROW, "prefix": "function f(x)"}, ...),
        (
            "print(1)",
            {"language": "python", "io": [{"stdin": "1\n", "stdout": "1\n"}], "checker": "tokens"},
            Job(id="7", language="python", code="print(1)", io=IO, checker="tokens"),
        ),
        (
            "print(1)",
            {"language": "python", "io": {"inputs": ["1\n"], "outputs": Array("1\n")}},
            Job(id="7", language="python", code="print(1)", io=IO),
        ),
        (
            "```lua\ng(1)\n```\n```lua\nfunction g(x) return x end\n```",  # the definition is wanted
            {**ROW, "entry_point": "g", "time_limit_s": 2, "tolerance": 0.5},
            Job(
                id="7",
                language="lua",
                code="function g(x) return x end",
                tests=("assert f(1) == 1",),
                entry_point="g",
                time_limit_s=2.0,
                tolerance=0.5,
            ),
        ),
    ],
)
def test_a_job(completion: Any, row: Any, job: Any) -> None:
    posed = build_job(7, completion, row)
    if "g(1)" in completion:
        assert posed is not None and "function g" in posed.code
    else:
        assert posed == (Job(id="7", language="lua", code=CODE, tests=("assert f(1) == 1",)) if job is ... else job)


@pytest.mark.parametrize(
    "row", [{}, {"language": "lua"}, {"language": None, "tests": None}, {"language": "lua", "tests": [], "io": Array()}]
)
def test_a_row_that_asks_for_nothing(row: Any) -> None:
    assert build_job(0, FENCED, row) is None


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ({**ROW, "language": "klingon"}, "row 3: no language is named 'klingon'; there are: bash, "),
        ({"tests": ROW["tests"]}, "row 3: no language is named None"),
        ({**ROW, "tests": "assert f(1) == 1"}, "row 3: Expected `array`, got `str`"),
        ({**ROW, "tests": [1]}, r"row 3: Expected `str`, got `int` - at `\$.tests"),
        (
            {**ROW, "io": {"stdin": ["1"], "stdout": ["1"]}},
            "row 3: it has tests and io: write one job for each",
        ),
        ({**ROW, "checker": "kind"}, "row 3: Invalid enum value 'kind'"),
        ({"language": "lua", "io": {"stdin": ["1"]}}, "row 3: io has the keys stdin; it must have stdin and stdout"),
        (
            {"language": "lua", "io": {"stdin": ["1"], "stdout": []}},
            "row 3: stdin and stdout of io must be lists of one",
        ),
        ({"language": "lua", "io": {"inputs": "12", "outputs": "12"}}, "row 3: inputs and outputs of io must be lists"),
    ],
)
def test_a_row_that_is_wrong(row: Any, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        build_job(3, FENCED, row)


@pytest.mark.parametrize("language", ["Lua", " LUA ", ".lua"])
def test_a_row_may_write_its_language_as_people_do(language: str) -> None:
    job = build_job(7, FENCED, {**ROW, "language": language})
    assert job is not None
    assert job.language == "lua"


@pytest.mark.parametrize(("language", "close"), [("luaa", "lua"), ("OCmal", "ocaml"), ("TypeScripd", "typescript")])
def test_a_typo_of_a_language_gets_a_suggestion(language: str, close: str) -> None:
    with pytest.raises(UsageError, match=rf"^row 7: .*do you mean '{close}'\?"):
        build_job(7, FENCED, {**ROW, "language": language})
