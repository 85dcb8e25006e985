"""The unit that the length of a string counts in a language, read from the row ``text_length`` of its rows.

The row is a program that returns the ordinary length of its argument (``#s`` in Lua), with the lengths that it must
return. The tests of rows run it, so the unit of a language with a toolchain is measured.
"""

from glotsmith.languages.proof_rows import ProofRow, read_proof_rows
from glotsmith.languages.typed_calls import parse_suite
from glotsmith.values import NotLiteral

TEXT_LENGTH = "text_length"  #: the row that shows what lengths count
COMBINED = "e\u0301"  #: two code points that are one grapheme cluster
#: unit → the length of each sample in it; no two units have the same lengths
UNITS: dict[str, dict[str, int]] = {
    "code points": {"a": 1, "é": 1, "😀": 1, COMBINED: 2},
    "UTF-16 code units": {"a": 1, "é": 1, "😀": 2, COMBINED: 2},
    "bytes of UTF-8": {"a": 1, "é": 2, "😀": 4, COMBINED: 3},
    "grapheme clusters": {"a": 1, "é": 1, "😀": 1, COMBINED: 1},
}


def text_length_unit(language: str) -> str:
    """Return the unit of ``UNITS`` that lengths count in a language; empty if its rows do not show one.

    Raises:
        InputError: the table of rows is not TOML, or a row has an unknown field or lacks one.

    """
    row = read_proof_rows(language).get(TEXT_LENGTH)
    if row is None or row.expected_statuses != ("pass",):
        return ""
    found = _lengths(row)
    return next((unit for unit, lengths in UNITS.items() if _texts(lengths) == found), "")


def _lengths(row: ProofRow) -> dict[str, str]:
    """Return the strings of a row with the lengths that the program must return or print, as text."""
    if row.io:
        return {case.stdin.removesuffix("\n"): case.stdout.strip() for case in row.io}
    try:
        calls, _ = parse_suite(row.tests, row.signature)
    except NotLiteral:
        return {}
    return {str(call.arguments[0]): str(call.expected) for call in calls if call.arguments}


def _texts(lengths: dict[str, int]) -> dict[str, str]:
    return {text: str(length) for text, length in lengths.items()}
