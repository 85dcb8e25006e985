"""Convert a completion and its dataset row into a job."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

import msgspec

from glotsmith.errors import UsageError
from glotsmith.languages import get_card, unknown_language
from glotsmith.languages.extract_code import extract_code
from glotsmith.languages.json_calls import exchanges_json
from glotsmith.languages.spelling import language_of_label
from glotsmith.records import Job
from glotsmith.values import NotLiteral, parse_signature, parse_test
from glotsmith.verification.job_limits import judged_fields_error, limits_error

#: The reply of a model: text, or the messages of a chat; the last message of the assistant is the reply.
CompletionInput = str | Sequence[Mapping[str, Any]]

#: The fields of a ``Job`` that a row may have.
ROW_FIELDS = tuple(name for name in Job.__struct_fields__ if name not in ("id", "code", "program"))
_IO = (("stdin", "stdout"), ("inputs", "outputs"), ("input", "output"))  #: names of columns that are lists


def build_job(number: int, completion: CompletionInput, row: Mapping[str, object]) -> Job | None:
    """Return the job of a completion, with empty code if it has none; None for a row without tests.

    Raises:
        UsageError: the row names no known language, a field is not of its type or out of bounds, or the completion is
            no text or chat.

    """
    if not isinstance(cast(object, row), Mapping):
        raise UsageError(f"row {number} is {type(row).__name__}; it must be a mapping with language and tests")
    fields = {name: value for name in ROW_FIELDS if (value := _plain(row.get(name))) not in (None, "", [], {})}
    if not (fields.get("tests") or fields.get("io")):
        return None
    language = fields.get("language")
    if not (isinstance(language, str) and language_of_label(language)):
        raise UsageError(f"row {number}: {unknown_language(language)}")
    fields["language"] = language_of_label(language)
    if isinstance(io := fields.get("io"), dict):
        fields["io"] = _transpose_io(number, cast(dict[str, Any], io))
    try:
        job = msgspec.convert({**fields, "id": str(number)}, Job, strict=False)
    except msgspec.ValidationError as error:
        raise UsageError(f"row {number}: {error}") from error
    wrong = judged_fields_error(job)
    if wrong := f"it {wrong}" if wrong else limits_error(job):
        raise UsageError(f"row {number}: {wrong}")
    if not _is_completion(completion):
        raise UsageError(f"completion {number} is {type(completion).__name__}; it must be a text or a list of messages")
    prefix = _plain(row.get("prefix"))
    code = extract_code(
        completion_text(completion), get_card(job.language), prefix=str(prefix) if prefix else "", name=_name(job)
    )
    return msgspec.structs.replace(job, code=code or "")


def _is_completion(completion: object) -> bool:
    """Return whether a value is a text or a list of messages."""
    if isinstance(completion, str):
        return True
    return isinstance(completion, Sequence) and all(
        isinstance(message, Mapping) for message in cast(Sequence[object], completion)
    )


def completion_text(completion: CompletionInput) -> str:
    """Return the text of a completion."""
    if isinstance(completion, str):
        return completion
    replies = [m for m in completion if m.get("role", "assistant") == "assistant"]
    content: Any = replies[-1].get("content") if replies else None
    if isinstance(content, list):  # a list of parts, as for multimodal models
        parts = cast(list[Mapping[str, Any]], content)
        return "".join(str(part.get("text", "")) for part in parts)
    return str(content or "")


def _name(job: Job) -> str:
    """Return the name of the tested function; "" for a whole program."""
    if job.io or exchanges_json(job.language):
        return ""
    if job.entry_point:
        return job.entry_point
    try:
        return parse_signature(job.signature).name if job.signature else parse_test(job.tests[0]).function
    except NotLiteral:
        return ""  # the verdict reports it


def _plain(value: object) -> Any:
    """Return the value of a column as a Python value; parquet readers return arrays."""
    tolist = getattr(value, "tolist", None)
    return tolist() if callable(tolist) else value


def _transpose_io(number: int, io: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return cases from columns of inputs and outputs."""
    for names_ in _IO:
        if all(name in io for name in names_):
            columns = [cast(list[Any], c) for name in names_ if isinstance(c := _plain(io[name]), list)]
            if len(columns) != len(names_) or len({*map(len, columns)}) != 1:
                raise UsageError(f"row {number}: {' and '.join(names_)} of io must be lists of one length")
            return [{"stdin": a, "stdout": b} for a, b in zip(*columns, strict=True)]
    raise UsageError(f"row {number}: io has the keys {', '.join(io)}; it must have stdin and stdout")
