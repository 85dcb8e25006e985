"""Make the content of one row of a report: its list entry and its details."""

import json
from collections.abc import Sequence
from typing import Any, NamedTuple, cast

from glotsmith.ledger import LedgerRow
from glotsmith.recipes.item_languages import language_label
from glotsmith.report.item_fields import MORE, Item, fenced_program, first_text, first_value, layers

BECAUSE_CHARACTERS = 200  #: largest length of a reason in the list; the details of the row have the whole reason

Detail = dict[str, Any]  #: the details of a row, as JSON values


class ListedRow(NamedTuple):
    """The list entry of a row, which filters read too. Shares are in percent; -1 if they are not known."""

    key: str
    name: str
    problem: str  #: the start of the id that all programs for one problem share
    step: str
    status: str
    reason: str
    language: str
    verdict: str
    source: str
    licence: str
    kind: str
    because: str
    sample: int
    tests: int
    lines: int  #: line coverage
    branches: int  #: branch coverage
    mutants: int  #: mutation score
    passed: int  #: share of the replies with a passing program
    characters: int  #: length of the program
    stop: str = ""  #: why sampling stopped for the problem


def describe(row: LedgerRow, made_from: bytes | None) -> tuple[ListedRow, Detail]:
    """Return the list entry and the details of a row.

    Args:
        row: The row of the ledger.
        made_from: For a lost output, the input of the step as JSON.

    """
    own = _decode_item(row.data)
    inside = layers(own)
    outer = layers(_decode_item(made_from))
    every = inside + outer
    verdict = cast("Item", first_value(inside, "verdict", {}))
    status = str(verdict.get("status", "") or first_value(inside, "round_trip"))
    if not status and row.step == "dataset" and row.status == "kept" and first_value(inside, "tests"):
        status = "pass"
    detail = _row_detail(row, own, every, verdict)
    return _listed_row(row, inside, every, status, detail, made_from), detail


def _decode_item(data: bytes | None) -> Item:
    found: object = json.loads(data) if data else {}
    return cast("Item", found) if isinstance(found, dict) else {}


def _listed_row(
    row: LedgerRow, inside: Sequence[Item], every: Sequence[Item], status: str, detail: Detail, made_from: bytes | None
) -> ListedRow:
    origin, lineage = cast("Item", first_value(every, "origin", {})), cast("Item", first_value(inside, "lineage", {}))
    suite = _suite_measures(every)
    tested = bool(detail["tests"]) and float(suite.get("mutation_score", 0)) + float(suite.get("line_coverage", 0)) > 0
    return ListedRow(
        key=row.key,
        name=first_text(every, "name") or row.key.rpartition("/")[2][-60:],
        problem=_problem_id(row, every)[:16],
        step=row.step,
        status=row.status,
        reason=row.reason,
        language=language_label(row.data, row.key, made_from),
        verdict=status,
        source=str(origin.get("source", "")),
        licence=str(origin.get("licence", "")),
        kind=first_text(every, "kind"),
        because=row.detail[:BECAUSE_CHARACTERS],
        sample=int(lineage.get("sample", 0)),
        tests=len(detail["tests"]),
        lines=percent(suite.get("line_coverage")) if tested else -1,
        branches=percent(suite.get("branch_coverage")) if tested else -1,
        mutants=percent(suite.get("mutation_score")) if tested else -1,
        passed=percent(first_value(inside, "pass_rate", None)) if row.status == "kept" else -1,
        characters=len(detail["code"]),
    )


def _suite_measures(every: Sequence[Item]) -> Item:
    """Return the first item that has the measures of a suite; an empty one if there is none."""
    none: Item = {}
    return next((item for item in every if "line_coverage" in item), none)


def percent(share: Any) -> int:
    """Return a share in percent, rounded down, so that only 1.0 gives 100; -1 for None."""
    return -1 if share is None else int(100 * float(share) + 1e-9)


def _problem_id(row: LedgerRow, every: Sequence[Item]) -> str:
    """Return the id that all programs for a problem share: the parallel id, or the id of the function or snippet."""
    if found := first_text(every, "parallel_id"):
        return found
    for item in every:
        for name in ("problem", "function", "snippet", "proposal"):
            if isinstance(inner := item.get(name), dict):
                return str(cast("Item", inner).get("id", ""))
    return first_text(every, "id") or row.parent


def _row_detail(row: LedgerRow, own: Item, every: Sequence[Item], verdict: Item) -> Detail:
    suite = _suite_measures(every)
    return {
        "key": row.key,
        "because": row.detail,
        "code": _generated_program(own),
        "source": _python_original(every),
        "instruction": _instruction(own, every),
        "signature": first_text(every, "signature"),
        "tests": first_value(every, "tests", []),
        "cases": verdict.get("cases", []),
        "verdict": {name: value for name, value in verdict.items() if name not in ("cases", "id", "language")},
        "origin": first_value(every, "origin", {}),
        "lineage": first_value(layers(own), "lineage", {}),
        "suite": {
            name: suite[name]
            for name in ("line_coverage", "branch_coverage", "mutation_score", "mutants", "writers")
            if name in suite
        },
        "more": {name: value for name in MORE if (value := first_value(every, name, None)) not in (None, [], {}, "")},
    }


def _generated_program(own: Item) -> str:
    """Return the generated program of an item; "" if it has none, such as a function of the sources."""
    messages = cast("list[dict[str, str]]", own.get("messages") or [])
    solution = cast("Item", own.get("solution") or {})
    snippet = cast("Item", own.get("snippet") or {})
    code = "" if "docstring" in own or "helpers" in own else first_text([own], "code")
    return (
        (fenced_program(messages[-1]["content"]) if messages else "")
        or code
        or first_text([solution, own], "answer")
        or (first_text([solution, snippet], "code"))
    )


def _python_original(every: Sequence[Item]) -> str:
    """Return the Python original of a row with its helpers; "" if there is none."""
    if found := first_text(every, "source"):
        return found
    for item in every:
        if ("origin" in item and "docstring" in item) or "helpers" in item:
            return "\n\n\n".join(filter(None, (str(item.get("helpers", "")), str(item.get("code", "")))))
    return first_text(every, "reference")


def _instruction(own: Item, every: Sequence[Item]) -> str:
    messages = cast("list[dict[str, str]]", own.get("messages") or [])
    return messages[0]["content"] if messages else first_text(every, "instruction")
