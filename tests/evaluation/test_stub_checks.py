"""Published suites that nothing passes, or everything, are found; sound ones are left alone."""

from typing import Any

import pytest

from glotsmith.evaluation.questions import Question
from glotsmith.evaluation.stub_checks import STUBS, check_with_stubs, unrepresentable
from glotsmith.languages import get_card
from glotsmith.languages.render import render_signature
from glotsmith.values import parse_signature

OCAML = "let add (x : int) (y : int) : int ="
LUA = "local function add(x, y)\n"


def question(language: str, prefix: str, after: str, limit_s: float | None = None) -> Question:
    return Question(
        benchmark="b", problem="p", language=language, name="add", prefix=prefix, after=after, time_limit_s=limit_s
    )


ROWS = [
    ("sound", question("ocaml", OCAML, "\nlet () = assert (add 1 2 = 3)"), None),
    (
        "MultiPL-E's negatives",
        question("ocaml", OCAML, "\nlet () = assert (add 1 (~2) = (~1))"),
        "stub_fails_to_compile",
    ),
    (
        "its dicts",
        question("ocaml", "let add (x : (string, int) list) : int =", "\nlet () = assert (add [] = 0)"),
        "stub_fails_to_compile",
    ),
    ("never called", question("ocaml", OCAML, "\nlet test () = assert (add 1 2 = 3)"), "stub_passes"),
    ("sound", question("lua", LUA, "\nassert(add(1, 2) == 3)"), None),
    ("caught", question("lua", LUA, "\npcall(function() assert(add(1, 2) == 3) end)"), "stub_passes"),
    ("broken tests", question("lua", LUA, "\nassert(add(1, 2) == = 3)"), "stub_fails_to_compile"),
    ("never ends", question("lua", LUA, "\nwhile true do end", limit_s=0.2), None),
    ("no signature", question("lua", "-- add two numbers\n", "\nassert(add(1, 2) == 3)"), None),
    ("no stub for it", question("bash", "add() {\n", "\nexit 0"), None),
]


@pytest.mark.parametrize(
    ("question", "reason"), [row[1:] for row in ROWS], ids=[f"{r[1].language}-{r[0]}" for r in ROWS]
)
def test_what_can_be_passed_and_can_fail(bench: Any, question: Question, reason: str | None) -> None:
    found = bench.run(check_with_stubs([question], bench.verifier))
    assert [i.reason for i in found] == ([reason] if reason else [])


def test_a_missing_library_of_the_tests_makes_nothing_impossible(bench: Any) -> None:
    after = "\nimport no_such_library\nadd(1)"
    lacking = Question(
        benchmark="b", problem="p", language="python", name="add", prefix="def add(x):", after=after,
        needs="import no_such_library", hint="pip install it",
    )  # fmt: skip
    assert bench.run(check_with_stubs([lacking], bench.verifier)) == []


@pytest.mark.parametrize("language", ["lua", "ocaml", "perl", "python", "ruby"])
def test_every_stub_fits_a_signature_of_its_language(bench: Any, language: str) -> None:
    card = get_card(language)
    prefix = render_signature(card, card.syntax.signature, parse_signature("def add(x: int) -> int"))
    calls = {
        "lua": "add(1)",
        "ocaml": "let _ = add 1",
        "perl": "add(1);",
        "python": "add(1)",
        "ruby": "add(1)",
    }
    assert set(calls) <= set(STUBS)
    assert bench.run(check_with_stubs([question(language, prefix, f"\n{calls[language]}")], bench.verifier)) == []
    assert [i.reason for i in bench.run(check_with_stubs([question(language, prefix, "\n")], bench.verifier))] == [
        "stub_passes"
    ]


def suite(language: str, *tests: str, tolerance: float = 1e-6) -> Question:
    return Question(benchmark="b", problem="p", language=language, name="f", tests=tests, tolerance=tolerance)


@pytest.mark.parametrize(
    ("question", "sentences"),
    [
        (suite("lua", "assert f([1]) == 1", "assert f((1,)) == 2"), ["one call in Lua"]),
        (suite("javascript", "assert f(3) == True", "assert f(3.0) == False"), ["one call in JavaScript"]),
        (suite("python", "assert f(3) == 1.0", "assert f(3) == 1.1"), ["f(3) twice"]),
        (suite("python", "assert f(3) == 1.0", "assert f(3) == 1.1", tolerance=0.5), []),
        (suite("lua", "assert f({1}) == 1", "assert f({2}) == 2"), ["Lua has no sets"]),
        (suite("python", "assert f(3) == True", "assert f(3.0) == False"), []),
        (question("lua", LUA, "\nassert(add(1, 2) == 3)"), []),
    ],
)
def test_tests_that_contradict_each_other_are_listed(question: Question, sentences: list[str]) -> None:
    found = unrepresentable([question])
    assert [i.reason for i in found] == ["unrepresentable"] * len(sentences)
    assert all(word in i.detail for i, word in zip(found, sentences, strict=True))
