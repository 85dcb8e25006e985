"""The unit that lengths of text count in each language, and the rows that show it."""

import asyncio
from collections.abc import Iterator

import msgspec
import pytest

from glotsmith.errors import ToolchainError
from glotsmith.languages import get_card, language_names, text_length, toolchain
from glotsmith.languages.proof_rows import ProofRow, read_proof_rows
from glotsmith.languages.text_length import TEXT_LENGTH, UNITS, text_length_unit
from glotsmith.records import IoCase
from glotsmith.sandbox import open_sandbox
from glotsmith.toolkit.languages_page import SpeedMeasurements, render_page
from glotsmith.verification import Verifier

TESTS = ("assert f('a') == 1", "assert f('é') == 2", "assert f('😀') == 4", "assert f('e\\u0301') == 3")
ROW = ProofRow(code="local function f(s) return #s end", expect="pass", signature="def f(s: str) -> int", tests=TESTS)
IO = tuple(IoCase(stdin=f"{s}\n", stdout=f"{n}\n") for s, n in UNITS["code points"].items())
#: (language, unit whose lengths its row must not return)
OTHERS = [
    ("lua", "code points"),
    ("python", "UTF-16 code units"),
    ("python", "grapheme clusters"),
    pytest.param("javascript", "code points", marks=pytest.mark.slow),
    pytest.param("elixir", "code points", marks=pytest.mark.slow),
    pytest.param("ocaml", "UTF-16 code units", marks=pytest.mark.slow),
]


@pytest.fixture(scope="module")
def verifier() -> Iterator[Verifier]:
    sandbox = open_sandbox()
    yield Verifier(sandbox)
    asyncio.run(sandbox.close())


@pytest.mark.parametrize("language", language_names())
def test_the_rows_of_each_language_show_a_unit(language: str) -> None:
    """``test_verdicts.py`` runs the rows, so each program returns the lengths of this unit."""
    assert text_length_unit(language) in UNITS


@pytest.mark.parametrize("text", UNITS["code points"])
def test_the_lengths_in_each_unit(text: str) -> None:
    assert UNITS["code points"][text] == len(text)
    assert UNITS["UTF-16 code units"][text] == len(text.encode("utf-16-le")) // 2
    assert UNITS["bytes of UTF-8"][text] == len(text.encode())
    assert UNITS["grapheme clusters"][text] == 1


def test_the_samples_distinguish_the_units() -> None:
    assert len({tuple(lengths.items()) for lengths in UNITS.values()}) == len(UNITS)


@pytest.mark.parametrize(
    ("row", "unit"),
    [
        (ROW, "bytes of UTF-8"),
        (msgspec.structs.replace(ROW, tests=TESTS[::-1]), "bytes of UTF-8"),
        (msgspec.structs.replace(ROW, io=IO), "code points"),
        (None, ""),
        (msgspec.structs.replace(ROW, expect="fail:wrong"), ""),
        (msgspec.structs.replace(ROW, expect=("pass", "fail:wrong")), ""),
        (msgspec.structs.replace(ROW, tests=TESTS[:3]), ""),
        (msgspec.structs.replace(ROW, tests=(*TESTS[:3], "assert f('e\\u0301') == 2")), ""),
        (msgspec.structs.replace(ROW, tests=(*TESTS[:3], "assert f('e\\u0301') > 2")), ""),
        (msgspec.structs.replace(ROW, tests=("f('a')",)), ""),
        (msgspec.structs.replace(ROW, io=IO[1:]), ""),
    ],
)
def test_the_unit_that_a_row_shows(monkeypatch: pytest.MonkeyPatch, row: ProofRow | None, unit: str) -> None:
    monkeypatch.setattr(text_length, "read_proof_rows", lambda _: {TEXT_LENGTH: row} if row else {})
    assert text_length_unit("lua") == unit


@pytest.mark.parametrize(("language", "unit"), OTHERS)
def test_a_program_does_not_return_the_lengths_of_another_unit(verifier: Verifier, language: str, unit: str) -> None:
    try:
        toolchain.find_toolchain(language)
    except ToolchainError as error:
        pytest.skip(str(error))
    tests = tuple(f"assert f({text!a}) == {length}" for text, length in UNITS[unit].items())
    row = msgspec.structs.replace(read_proof_rows(language)[TEXT_LENGTH], tests=tests)
    assert asyncio.run(verifier.verify(row.job(language))).status == "fail:wrong"


def test_a_language_without_a_row_is_listed_without_a_unit(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = {"lua": {TEXT_LENGTH: ROW}, "ocaml": {TEXT_LENGTH: msgspec.structs.replace(ROW, io=IO)}}
    monkeypatch.setattr(text_length, "read_proof_rows", lambda name: rows.get(name, {}))
    cards = [get_card(name) for name in ("lua", "ocaml", "racket")]
    page = render_page(cards, SpeedMeasurements(machine="", isolation="", languages={}))
    assert "- **code points**: OCaml (stated, not measured).\n" in page
    assert "- **bytes of UTF-8**: Lua (stated, not measured).\n- **not stated**: Racket.\n" in page
