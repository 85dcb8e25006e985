"""What is taken out of a response, by which rule, and what becomes of the rest (InverseCoder §4.1)."""

import asyncio

import pytest

from glotsmith.drop_reasons import Reason
from glotsmith.languages import language_names
from glotsmith.languages.extract_code import first_block
from glotsmith.languages.grammar import parses
from glotsmith.languages.proof_rows import read_proof_rows
from glotsmith.languages.spelling import language_of_label
from glotsmith.records import Origin, Snippet
from glotsmith.sources.extract_programs import ExtractPrograms, guess_language
from glotsmith.step import Result

LUA = "local function f(x)\n  return x\nend"
PYTHON = "def f(x):\n    return x"


def preprocess(
    response: str = "", wanted: tuple[str, ...] = (), originals: bool = False, parsed: bool = False, **fields: str
) -> Result[Snippet]:
    given = {"id": "i", "instruction": "Do it.", "response": response, **fields}
    item = Snippet(origin=Origin(source="x", path="1"), **given)  # type: ignore[arg-type]
    return asyncio.run(ExtractPrograms(wanted, originals=originals, parsed=parsed).run("i", item))


@pytest.mark.parametrize(
    ("response", "language", "code"),
    [
        (f"```lua\n{LUA}\n```", "lua", LUA),
        (f"Sure:\n\n```Python\n{PYTHON}\n```\n\nand\n\n```lua\n{LUA}\n```", "python", PYTHON),  # the first one
        (f"```\n{PYTHON}\n```", "python", PYTHON),  # no label: it parses
        (PYTHON, "python", PYTHON),  # no fence at all
        ("<think>```c\nint x;\n```</think>```js\nlet x = 1;\n```", "javascript", "let x = 1;"),
        ("```c++\nint x;\n```", "cpp", "int x;"),
        ("```lua\nnot a program (\n```", "lua", "not a program ("),  # the paper does not look either: its suite will
    ],
)  # fmt: skip
def test_a_program_is_taken_out(response: str, language: str, code: str) -> None:
    (kept,) = preprocess(response).kept
    assert (kept.item.language, kept.item.code) == (language, code)
    assert kept.item.kind == "inverse"


@pytest.mark.parametrize("given", [{"response": "```lua\nlocal f = (\n```"}, {"code": "def f(:", "language": "python"}])
def test_what_must_parse_and_does_not_is_dropped(given: dict[str, str]) -> None:
    assert preprocess(**given).kept
    assert [loss.reason for loss in preprocess(parsed=True, **given).dropped] == [Reason.UNPARSABLE_CODE]
    assert preprocess(f"```lua\n{LUA}\n```", parsed=True).kept


@pytest.mark.parametrize(
    ("response", "reason"),
    [
        ("Use a loop.", Reason.UNPARSABLE_CODE),
        ("Yes", Reason.UNPARSABLE_CODE),  # parses as Python, and is none
        ("def f(:", Reason.UNPARSABLE_CODE),
        ("", Reason.UNPARSABLE_CODE),
        ("```brainf\n+++\n```", Reason.UNKNOWN_LANGUAGE),
        ("```json\n{}\n```", Reason.UNKNOWN_LANGUAGE),
        ("```\n\n```", Reason.UNPARSABLE_CODE),
    ],
)
def test_what_holds_none_is_a_loss_and_the_pair_stays(response: str, reason: Reason) -> None:
    assert [loss.reason for loss in preprocess(response).dropped] == [reason]
    kept = preprocess(response or " ", originals=True)
    assert [k.item.kind for k in kept.kept] == ["original"]
    assert [(loss.reason, loss.key) for loss in kept.dropped] == [(reason, "i:code")]


def test_a_pair_and_its_program_share_a_problem() -> None:
    code, pair = (k.item for k in preprocess(f"```lua\n{LUA}\n```", originals=True).kept)
    assert (code.kind, pair.kind) == ("inverse", "original")
    assert code.id != pair.id
    assert code.parallel_id == pair.parallel_id == "i"
    assert (pair.language, pair.code, pair.tests) == ("lua", "", ())


def test_wanted_languages() -> None:
    assert preprocess(f"```lua\n{LUA}\n```", wanted=("lua",)).kept
    for originals in (True, False):
        result = preprocess(f"```lua\n{LUA}\n```", wanted=("ocaml",), originals=originals)
        assert [loss.reason for loss in result.dropped] == [Reason.LANGUAGE_NOT_WANTED]
        assert result.kept == ()


def test_plain_code_keeps_its_language_or_is_guessed() -> None:
    assert preprocess(code=LUA, language="lua", instruction="").kept[0].item.language == "lua"
    assert preprocess(code=LUA, language="Lua", instruction="").kept[0].item.language == "lua"
    assert preprocess(code=PYTHON, instruction="").kept[0].item.language == "python"
    assert preprocess(code=LUA, instruction="Do it in Lua").kept[0].item.language == "lua"
    assert preprocess(code=LUA, instruction="").dropped[0].reason == Reason.UNKNOWN_LANGUAGE
    assert preprocess(code=LUA, language="klingon").dropped[0].reason == Reason.UNKNOWN_LANGUAGE


@pytest.mark.parametrize(
    ("code", "instruction", "expected"),
    [
        ("x = 1", "", "python"),
        ("x = 1", "Write it in Ruby.", "ruby"),
        ("x = 1", "In Julia, please", "julia"),
        ("int f(int x) { return x; }", "Write it in C++.", "cpp"),  # and not C
        ("int f(int x) { return x; }", "Go and write it.", ""),  # named, and it does not parse
        ("int f(int x) { return x; }", "", ""),
        ("", "", ""),
    ],
)
def test_a_language_is_guessed_or_not(code: str, instruction: str, expected: str) -> None:
    assert guess_language(code, instruction) == expected


@pytest.mark.parametrize("label", ["C#", "csharp", "CS", "c++", "Common Lisp", "ml", "PY"])
def test_labels_of_languages(label: str) -> None:
    assert language_of_label(label) in language_names()


@pytest.mark.parametrize("language", language_names())
def test_every_language_has_a_grammar_that_reads_its_programs_and_not_those_of_others(language: str) -> None:
    right = [row.code for row in read_proof_rows(language).values() if row.expected_statuses == ("pass",)]
    read = [parses(language, code) for code in right]
    assert None not in read
    assert sum(map(bool, read)) >= 0.7 * len(read)  # some of tree-sitter's grammars lag behind their language
    assert not parses(language, "}}} this ((( is ]]] no '''' program\x00")


def test_what_has_no_grammar_is_told_apart() -> None:
    assert parses("klingon", "x") is None


def test_the_first_block_that_holds_anything() -> None:
    found = first_block("```lua\n\n```\n```py\nx\n```")
    assert found is not None
    assert (found.label, found.code) == ("py", "x")
    assert first_block("no code") is None
