"""Make jobs of the rows of datasets and exports, from the columns with the tests and the program.

``languages/extract_code.py`` finds the program in a reply, as for data, evaluations and rewards.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

import msgspec

from glotsmith.datasets.exporters.formats import FORMATS
from glotsmith.errors import UsageError
from glotsmith.records import Example, Job
from glotsmith.reward.reward_jobs import build_job

#: columns that only rows of a dataset have, not jobs
_MARKS = frozenset(
    {"parallel_id", "completion", "messages", "conversations", "programs", "reward_model", "ground_truth", "text"}
) | {"instruction", "extra_info"}
_REPLIES = ("completion", "response", "messages", "conversations", "output")  #: columns with the reply of a model
_SHAPES = [(name, frozenset(part.shape.columns)) for name, form in FORMATS.items() for part in form.parts]
#: columns of dataset rows and of exports
COLUMNS = frozenset(Example.__struct_fields__).union(_REPLIES, {"prefix", "line"}, *(shape for _, shape in _SHAPES))


def is_row(fields: Mapping[str, Any]) -> bool:
    """Return whether an object is a row of a dataset, not a job."""
    return bool(_MARKS & fields.keys())


def has_tests(row: Mapping[str, Any]) -> bool:
    """Return whether a row has tests for one of its programs.

    Raises:
        UsageError: A column that must contain JSON does not.

    """
    return any(part.get("tests") or part.get("io") or part.get("program") for part in _program_fields(row))


def toolchains(row: Mapping[str, Any]) -> list[str]:
    """Return for each program of a row the toolchain in which it passed its tests; "" if the row does not name it."""
    lineage = row.get("lineage")
    named = cast(Mapping[str, Any], lineage).get("toolchain") if isinstance(lineage, Mapping) else None
    return [str(part.get("toolchain") or named or "") for part in _program_fields(row)]


def _program_fields(row: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the fields of each program of a row."""
    programs = row.get("programs")
    if isinstance(programs, list):
        return [part for part in cast(list[Any], programs) if isinstance(part, Mapping)]
    return [{**row, **_ground_truth_fields(row)}]


def jobs(number: int, row: Mapping[str, Any]) -> Iterator[Job]:
    """Yield the jobs of a row: one, or one for each program of a row of ``parallel``.

    Raises:
        UsageError: The row has no tests or no program, or a field has the wrong type. The message says which.

    """
    programs = row.get("programs")
    if not isinstance(programs, list):
        yield _job(number, {**row, **_ground_truth_fields(row)}, row)
        return
    for program in cast(list[Any], programs):
        if not isinstance(program, Mapping):
            raise UsageError("an entry of the column programs is not an object")
        yield _job(number, cast(Mapping[str, Any], program), row)


def _job(number: int, fields: Mapping[str, Any], row: Mapping[str, Any]) -> Job:
    try:
        job = build_job(number, _find_reply(fields), fields)
    except UsageError as error:
        raise UsageError(str(error).removeprefix(f"row {number}: ")) from error
    if job is None:
        raise UsageError(_no_tests_message(row))
    code = fields.get("code", _program_of_columns(fields))
    if code is None and not _has_reply(fields):
        raise UsageError(_no_program_message(row))
    name = fields.get("id")
    if name is not None and not isinstance(name, str):
        raise UsageError(f"the id is {json.dumps(name, default=str)[:80]}; it must be a string")
    return msgspec.structs.replace(job, id=name or str(number), code=job.code if code is None else str(code))


def _ground_truth_fields(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a job that a column of a trainer's format contains as JSON."""
    extra, model = row.get("extra_info"), row.get("reward_model")
    truth = cast(Mapping[str, Any], model).get("ground_truth") if isinstance(model, Mapping) else None
    truth = truth or row.get("ground_truth") or row.get("label")
    found = {**cast(Mapping[str, Any], extra)} if isinstance(extra, Mapping) else dict[str, Any]()
    if isinstance(truth, str):
        truth = _parse_json(truth)
    if isinstance(truth, list) and len(cast(list[Any], truth)) == 1:  # the format of open-instruct: a list of one test
        truth = _parse_json(truth[0])
    return {**found, **cast(Mapping[str, Any], truth)} if isinstance(truth, Mapping) else found


def _parse_json(text: Any) -> Any:
    try:
        return json.loads(text)
    except (TypeError, ValueError, RecursionError) as error:
        raise UsageError(f"the ground truth is not JSON: {error}") from error


def _program_of_columns(fields: Mapping[str, Any]) -> str | None:
    """Return the program of a row from its own columns; None if it is in a reply."""
    prompt, completion, text = fields.get("prompt"), fields.get("completion"), fields.get("text")
    if isinstance(prompt, str) and isinstance(completion, str) and fields.get("kind") != "original":
        return f"{prompt}{completion}" if {"source", "lineage", "kind"} & fields.keys() else None
    return text if isinstance(text, str) and not _has_reply(fields) else None


def _has_reply(fields: Mapping[str, Any]) -> bool:
    return any(_reply_in(fields.get(name)) is not None for name in _REPLIES)


def _find_reply(fields: Mapping[str, Any]) -> str | list[dict[str, Any]]:
    found = (_reply_in(fields.get(name)) for name in _REPLIES)
    return next((reply for reply in found if reply is not None), "")


def _reply_in(column: object) -> str | list[dict[str, Any]] | None:
    """Return the reply of a model in a column; None if the column has none."""
    if isinstance(column, str):
        return column
    if not isinstance(column, Sequence):
        return None
    turns = [_openai_message(cast(Mapping[str, Any], m)) for m in cast(Sequence[Any], column) if isinstance(m, Mapping)]
    replies = [turn for turn in turns if turn["role"] == "assistant"]
    return replies[-1:] or None


def _openai_message(message: Mapping[str, Any]) -> dict[str, Any]:
    """Return a message in the format of OpenAI; ShareGPT's format is converted."""
    role = message.get("role") or {"gpt": "assistant"}.get(str(message.get("from")), "user")
    return {"role": role, "content": message.get("content", message.get("value"))}


def _no_tests_message(row: Mapping[str, Any]) -> str:
    return (
        f"the row{_format_note(row)} has no tests, so it cannot be judged; the formats jsonl, parquet and parallel of "
        "'glotsmith export' contain programs with their tests"
    )


def _no_program_message(row: Mapping[str, Any]) -> str:
    return (
        f"the row{_format_note(row)} has tests but no program: add the reply of a model as a column "
        f"{', '.join(_REPLIES[:-1])} or {_REPLIES[-1]}"
    )


def _format_note(row: Mapping[str, Any]) -> str:
    """Return a note for a message: the formats that have exactly the fields of a row; "" if there are none."""
    fits = [name for name, shape in _SHAPES if shape == frozenset(row)]
    return f" (its fields are those of {', '.join(fits)})" if fits else ""
