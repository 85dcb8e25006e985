from collections.abc import Iterator
from pathlib import Path

import pytest

from glotsmith.errors import UsageError
from glotsmith.languages import Unrepresentable, get_card, language_names, require_call_tests
from glotsmith.languages.card import Card, clear_card_caches, fingerprinted_files
from glotsmith.languages.json_calls import (
    comment_of_request,
    example_runs,
    exchanges_json,
    json_calls,
    request_sentences,
)
from glotsmith.records import Job

CARD = """
name = "klingon"
display = "Klingon"
level = "io"
extension = ".kl"
fences = ["klingon"]
toolchain = []
limits = { int_bits = 0 }
refuse = { "str.astral" = "Klingon has no such letters" }
[syntax]
line_comment = "#"
"""


def runs(*tests: str, signature: str = "", language: str = "bash") -> tuple[str, ...]:
    return json_calls(Job(id="x", language=language, tests=tests, signature=signature)).stdins


@pytest.mark.parametrize(
    ("arguments", "stdin"),
    [
        ("", ""),
        ("1", "1\n"),
        ("-5, 2.5, 1e300, 3.0", "-5\n2.5\n1e+300\n3.0\n"),
        ("None, True, False", "null\ntrue\nfalse\n"),
        (r"'é \"\n\t\x01\\ 😀'", '"é \\"\\n\\t\\u0001\\\\ 😀"\n'),
        ("[[1], []], (1, 'a'), ()", '[[1], []]\n[1, "a"]\n[]\n'),
        ("{2, 1}, set()", "[1, 2]\n[]\n"),
        ("{'a': [None], 3: {}}", '{"a": [null], "3": {}}\n'),
    ],
)
def test_each_argument_is_a_line_of_json(arguments: str, stdin: str) -> None:
    assert runs(f"assert f({arguments}) == 1") == (stdin,)


@pytest.mark.parametrize(
    ("test", "why"),
    [
        ("f(float('nan')) == 1", "JSON has no NaN"),
        ("f(1) == [float('-inf')]", "JSON has no infinity"),
        ("f({(1, 2): 3}) == 1", "only text and ints can be keys"),
        ("f({1.5: 3}) == 1", "only text and ints can be keys"),
        ("f({None: 3}) == 1", "only text and ints can be keys"),
        ("f({True: 3}) == 1", "only text and ints can be keys"),
        ("f({1: 3, '1': 4}) == 1", "a JSON object cannot have both 1 and '1' as keys"),
        ("f('a\\0') == 1", "Bash strings cannot contain a NUL character"),
        ("f('\\ud800') == 1", "lone surrogate"),
        ("f(1) == 2**63", "Bash ints have 64 bits"),
    ],
)
def test_what_json_or_the_language_can_not_hold_is_refused_with_the_reason(test: str, why: str) -> None:
    with pytest.raises(Unrepresentable, match=why):
        runs(f"assert {test.replace('2**63', str(2**63))}")


def test_tests_that_are_one_run_must_not_contradict_each_other() -> None:
    with pytest.raises(Unrepresentable, match="contradict"):
        runs("assert f((1, 2)) == 'tuple'", "assert f([1, 2]) == 'list'")
    assert len(runs("assert f({1}) == {1}", "assert f([1]) == [1]")) == 2  # one output is right for both


def test_the_form_is_chosen_by_the_level_alone() -> None:
    assert {name for name in language_names() if exchanges_json(name)} == {
        name for name in language_names() if get_card(name).level == "io"
    }
    assert "json_values.toml" in {path.name for path in fingerprinted_files("bash")}
    assert "json_values.toml" not in {path.name for path in fingerprinted_files("lua")}


@pytest.fixture
def klingon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Card]:
    (tmp_path / "klingon").mkdir()
    (tmp_path / "klingon" / "card.toml").write_text(CARD)
    monkeypatch.setenv("GLOTSMITH_LANGUAGES", str(tmp_path))
    clear_card_caches()
    yield get_card("klingon")
    monkeypatch.undo()
    clear_card_caches()


def test_a_card_adds_to_the_tables_of_json(klingon: Card) -> None:
    assert runs(f"assert f({2**70}) == {{1}}", language="klingon") == (f"{2**70}\n",)
    for value, why in (("'😀'", "no such letters"), ("float('inf')", "JSON has no infinity")):
        with pytest.raises(Unrepresentable, match=why):
            runs(f"assert f({value}) == 1", language="klingon")
    with pytest.raises(UsageError, match=r"set stub in \[syntax\] of .*klingon/card\.toml"):
        require_call_tests("klingon")


SIGNATURE = "def f(xs: list[int], k: str | None) -> dict[int, tuple[int, int]]"


def test_the_request_states_the_form() -> None:
    text = " ".join(request_sentences("bash", "f", SIGNATURE))
    for part in ("whole program in Bash", SIGNATURE[4:], "one JSON value in each line", "None is null", "are strings"):
        assert part in text
    assert "no input" in " ".join(request_sentences("bash", "f", "def f() -> int"))
    assert request_sentences("lua", "f", SIGNATURE) == ["Write a function `f` in Lua."]
    assert comment_of_request("lua", "f", SIGNATURE, "Do it.") == "Do it."
    assert comment_of_request("bash", "f", SIGNATURE, "Do it.").startswith(text.split(". ")[0])
    assert comment_of_request("bash", "f", SIGNATURE, "Do it.").endswith("\nDo it.")


def test_tests_are_shown_as_runs() -> None:
    tests = ("assert f([1], None) == {2: (3, 4)}", "assert len(f([], 'a')) == 0", "assert f([1], '\\0') == {}")
    [run] = example_runs("bash", tests, SIGNATURE)
    assert (run.stdin, run.stdout) == ("[1]\nnull\n", '{"2": [3, 4]}\n')
    assert example_runs("lua", tests, SIGNATURE) == []
