"""Requests for suites, and the parsing of replies."""

import pytest

from glotsmith.suites.teacher_suites import parse_arguments, suite_prompt
from glotsmith.teachers.base import Reply

REPLIES = [
    ("completion", "1, 2) == 3\nassert f(4, 5) == 9", [(1, 2), (4, 5)]),
    ("completion", "assert f(1, 2) == 3", [(1, 2)]),
    ("completion", "1, b=2) == 3\nassert f() == 0\nassert g(1) == 2\nassert f(x) == 1", []),
    ("completion", "[1,\n  2], 0) == 3\nassert f(7) == 1", [([1, 2], 0), (7,)]),
    ("completion", "1, 2\nassert f(4, 5) == 9", [(4, 5)]),
    ("chat", "Sure!\n```python\nassert f(1) == 2, 'one'\n    assert not f(0)\n```", [(1,), (0,)]),
    ("chat", "f(1) == 2", []),
    ("chat", "", []),
]


@pytest.mark.parametrize(("style", "text", "expected"), REPLIES)
def test_replies(style, text, expected):
    assert list(parse_arguments(Reply(text=text), "f", style)) == expected


def test_refusals_give_nothing():
    assert list(parse_arguments(Reply(text="assert f(1) == 2", finish_reason="refused"), "f", "chat")) == []


def test_prompts():
    text = suite_prompt("completion").render(source="def f(x): ...", name="f")
    assert text.startswith("def f(x): ...\n\n# Unit tests for f\n") and text.endswith("\nassert f(")
    assert "```python\ndef f" in suite_prompt("chat").render(source="def f(x): ...", name="f")
    assert suite_prompt("chat").version != suite_prompt("completion").version
