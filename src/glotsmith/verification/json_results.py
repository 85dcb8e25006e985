"""Judge one run of a whole program that prints the result of a call test as JSON (``languages/json_calls.py``)."""

import json

from glotsmith.records import CaseVerdict
from glotsmith.values import Check, NotLiteral, Value
from glotsmith.verification.compare import ComparisonRules
from glotsmith.verification.judge import judge_value, truncate_to_tail
from glotsmith.verification.wire_format import WireValue

NOT_JSON = "stdout is not one JSON value"  #: start of the result of a case whose output is not the JSON of one value


def judge_json(stdout: str, expected: Value | Check, rules: ComparisonRules) -> CaseVerdict:
    """Return the verdict on the stdout of a program that ended with exit code 0; values decide, and not their text."""
    try:
        wire = parse_json(stdout)
    except NotLiteral:
        return CaseVerdict(status="fail:wrong", actual=truncate_to_tail(f"{NOT_JSON}: {stdout[:1000]!r}"))
    return judge_value(expected, wire, rules)


def parse_json(text: str) -> WireValue:
    """Return the wire value of a JSON text: numbers with a fraction or an exponent are floats, and objects are maps.

    Raises:
        NotLiteral: the text is not one JSON value, or it is nested too deeply.

    """
    try:
        return json.loads(text, strict=False, parse_float=_float, parse_constant=_float, object_pairs_hook=_map)
    except (ValueError, RecursionError) as error:
        raise NotLiteral(f"not one JSON value: {text[:80]}") from error


def _float(text: str) -> dict[str, str]:
    return {"f": text}


def _map(pairs: list[tuple[str, WireValue]]) -> dict[str, list[list[WireValue]]]:
    return {"m": [[key, value] for key, value in pairs]}
