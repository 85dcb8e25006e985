import asyncio

import pytest

from glotsmith.drop_reasons import Reason
from glotsmith.records import Origin, Snippet
from glotsmith.sources.split_snippets import SplitSnippets, count_tokens
from glotsmith.step import Result

PYTHON = "import os\n\n\ndef f(x):\n    return x\n\n\n@cached\ndef g(x):\n    return x\n\n\ndef h(y):\n    return -y\n"
LUA = "local function f(x)\n\n  return x\nend\n\nlocal function g(y)\n  return -y\nend\n\n\nreturn { f, g }"


def cut(code: str, language: str, most: int = 1024, **fields: object) -> Result[Snippet]:
    snippet = Snippet(
        id="s", language=language, code=code, origin=Origin(source="s", path="p", line=10), **fields  # type: ignore[arg-type]
    )  # fmt: skip
    return asyncio.run(SplitSnippets(most).run("key", snippet))


def texts(result: Result[Snippet]) -> list[str]:
    return [k.item.code for k in result.kept]


def test_python_is_cut_into_its_functions_without_decorated_ones() -> None:
    result = cut(PYTHON, "python")
    assert texts(result) == ["def f(x):\n    return x", "def h(y):\n    return -y"]
    assert [(k.key, k.item.name, k.item.origin.line) for k in result.kept] == [("key:0", "f", 13), ("key:1", "h", 22)]
    assert [(d.reason, d.detail) for d in result.dropped] == [(Reason.DECORATED, "g, by cached")]
    alone = cut("@cached\ndef g(x):\n    return x", "python")
    assert (texts(alone), alone.dropped) == (["@cached\ndef g(x):\n    return x"], ())  # nothing is cut out of it


@pytest.mark.parametrize("code", ["x = 1\nprint(x)", "def f(:"])
def test_python_without_a_function_stays_as_it_is(code: str) -> None:
    assert texts(cut(code, "python")) == [code]


def test_other_languages_are_cut_at_the_top_level_and_joined_while_they_fit() -> None:
    assert texts(cut(LUA, "lua")) == [LUA.replace("\n\n\n", "\n\n")]
    small = cut(LUA, "lua", most=15)
    assert texts(small) == [
        "local function f(x)\n\n  return x\nend",
        "local function g(y)\n  return -y\nend",
        "return { f, g }",
    ]
    assert all(count_tokens(text) <= 15 for text in texts(small))


def test_what_is_too_large_is_a_loss_and_without_any_rest_a_drop() -> None:
    result = cut(LUA, "lua", most=8)
    assert texts(result) == ["return { f, g }"]
    assert [(d.reason, d.key) for d in result.dropped] == [(Reason.TOO_LARGE, "key:0"), (Reason.TOO_LARGE, "key:1")]
    nothing = cut(LUA, "lua", most=2)
    assert not nothing.kept
    assert [d.reason for d in nothing.dropped if not d.key] == [Reason.TOO_LARGE]


def test_a_snippet_with_a_suite_of_its_own_stays_whole() -> None:
    assert texts(cut(PYTHON, "python", tests=("assert f(1) == 1",))) == [PYTHON]
