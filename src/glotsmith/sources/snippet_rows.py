"""Parse a row of an instruction corpus, of code with suites, or of a run's dataset into a ``Snippet``.

``COLUMNS`` lists the column names that corpora use. A conversation (``messages``) takes precedence over a pair of
instruction and response. Other columns are ignored.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, cast

from glotsmith.drop_reasons import Reason
from glotsmith.records import Origin, Snippet, content_hash, printable
from glotsmith.sources.table_rows import LICENCE_COLUMNS
from glotsmith.step import Dropped
from glotsmith.values import NotLiteral, parse_test

COLUMNS = {
    "instruction": ("instruction", "problem", "question", "query", "prompt"),
    "response": ("response", "output", "solution", "answer", "completion"),
    "code": ("code", "content"),
    "language": ("language", "lang"),
    "name": ("name", "entry_point"),
}
#: columns of which a table of snippets has at least one
CONTENT_COLUMNS = ("messages", *COLUMNS["response"], *COLUMNS["code"])


class RowOrigin(NamedTuple):
    """The source and path of a row."""

    source: str
    path: str
    version: str = ""
    licence: str = ""


def parse_snippet(row: Mapping[str, Any], row_origin: RowOrigin, column: str = "") -> Snippet | Dropped:
    """Return the snippet of a row, or the reason why it has none; ``column`` is the column with the code."""
    code = _first_text(row, (column,) if column else COLUMNS["code"])
    instruction, response = _instruction_and_response(row)
    if not (code or response).strip():
        return Dropped(Reason.NOT_A_SNIPPET, f"its columns: {', '.join(sorted(row))}"[:300])
    tests, signature = _assertions(row), _text(row, "signature")
    return Snippet(
        id=content_hash(code, instruction, response, _first_text(row, COLUMNS["language"]), signature, *tests),
        language=_first_text(row, COLUMNS["language"]),
        name=_tested_function(tests) or _first_text(row, COLUMNS["name"]),
        code=code,
        instruction=instruction,
        response=response,
        signature=signature,
        tests=tests,
        parallel_id=_text(row, "parallel_id"),
        line_coverage=_number(row, "line_coverage"),
        branch_coverage=_number(row, "branch_coverage"),
        mutation_score=_number(row, "mutation_score"),
        reference_s=_number(row, "reference_s"),
        origin=_origin(row, row_origin),
    )


def _number(row: Mapping[str, Any], name: str) -> float:
    value = row.get(name)
    return float(value) if isinstance(value, int | float) else 0.0


def _instruction_and_response(row: Mapping[str, Any]) -> tuple[str, str]:
    """Return instruction and response; for a conversation, the last reply and the user message before it."""
    user_message = ""
    found = ("", "")
    messages = row.get("messages")
    for turn in cast(list[Any], messages) if isinstance(messages, list) else []:
        role, content = _role_and_content(turn)
        if role == "user":
            user_message = content
        elif role == "assistant" and user_message:
            found = (user_message, content)
    if found[1]:
        return found
    instruction, response = _first_text(row, COLUMNS["instruction"]), _first_text(row, COLUMNS["response"])
    more = _text(row, "input")  # the second half of an instruction in Alpaca's format
    return "\n\n".join(filter(None, (instruction, more))), response


def _role_and_content(turn: Any) -> tuple[str, str]:
    if not isinstance(turn, dict):
        return "", ""
    fields = cast(dict[str, Any], turn)
    return _text(fields, "role"), _text(fields, "content")


def _assertions(row: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the assertions of a list, or of a text with one assertion on each line."""
    value = row.get("tests")
    items = cast(Iterable[Any], value) if isinstance(value, list | tuple) else _text(row, "tests").split("\n")
    return tuple(printable(t.strip()) for t in items if isinstance(t, str) and t.strip().startswith("assert"))


def _tested_function(tests: tuple[str, ...]) -> str:
    try:
        return parse_test(tests[0]).function if tests else ""
    except NotLiteral:
        return ""


def _origin(row: Mapping[str, Any], row_origin: RowOrigin) -> Origin:
    """Return the origin of a row. A row of another run keeps the origin that it contains."""
    stored = row.get("origin")
    if isinstance(stored, dict):
        own = cast(dict[str, Any], stored)
        line = own.get("line")
        return Origin(
            source=_text(own, "source") or row_origin.source,
            path=_text(own, "path") or row_origin.path,
            line=line if isinstance(line, int) else 1,
            version=_text(own, "version"),
            licence=_text(own, "licence"),
        )
    licence = next((_text(row, c) for c in LICENCE_COLUMNS if _text(row, c)), row_origin.licence)
    return Origin(source=row_origin.source, path=row_origin.path, version=row_origin.version, licence=licence)


def _first_text(row: Mapping[str, Any], names: Iterable[str]) -> str:
    return next((text for name in names if (text := _text(row, name)).strip()), "")


def _text(row: Mapping[str, Any], name: str) -> str:
    value = row.get(name)
    return printable(value) if isinstance(value, str) else ""
