"""Job files: JSON lines, a JSON array or Parquet, also packed by gzip; jobs, or rows of a dataset as they are."""

import difflib
import gzip
import json
import sys
from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import IO, Any, cast

import msgspec

from glotsmith.errors import UsageError
from glotsmith.languages import resolve, unknown_language
from glotsmith.languages.spelling import label_language
from glotsmith.records import Example, Job, Verdict

_FIELDS = frozenset(Job.__struct_fields__)
#: columns of our own rows and exports that say nothing of what is to hold
_KNOWN = frozenset(Example.__struct_fields__) | {
    "prefix",
    "reward_model",
    "data_source",
    "extra_info",
    "ability",
    "line",
}
_ROW = frozenset({"parallel_id", "completion", "messages"})  #: a row with one of them is a dataset's


def read(file: Path) -> Iterator[Job | Verdict]:
    """Yield the jobs of a file, and a verdict ``infra:refused`` for each line that holds none.

    Raises:
        UsageError: there is no such file.
        InputError: a Parquet file can't be read.

    """
    if str(file) != "-" and not (file.is_file() or file.is_fifo() or file.is_char_device()):
        raise UsageError(f"{file} is no file. Give a JSONL file with one job a line, or - for standard input")
    return _read(file)


def _read(file: Path) -> Iterator[Job | Verdict]:
    if file.suffix == ".parquet":
        from glotsmith.evaluation.benchmarks.files import read_rows

        for row in read_rows(file):
            yield _row(row.line or 0, row.data)
        return
    with _open(file) as lines:
        yield from _texts(lines)


def _open(file: Path) -> Any:
    if str(file) == "-":
        return nullcontext(sys.stdin.buffer)
    return cast(IO[bytes], gzip.open(file)) if file.suffix == ".gz" else file.open("rb")


def _texts(lines: Iterable[bytes]) -> Iterator[Job | Verdict]:
    first = True
    numbered = enumerate(lines, 1)
    for number, marked in numbered:
        line = marked.removeprefix(BOM_UTF8)
        if not line.strip():
            continue
        if first and line.lstrip().startswith(b"["):
            yield from _array(number, b"".join((line, *(rest for _, rest in numbered))))
            return
        first = False
        yield _line(number, line)


def _line(number: int, line: bytes) -> Job | Verdict:
    try:
        return _row(number, msgspec.json.decode(line))
    except (ValueError, RecursionError) as error:
        return refused(number, "", f"not JSON: {error}")


def _array(number: int, text: bytes) -> Iterator[Job | Verdict]:
    try:
        rows: Any = msgspec.json.decode(text)
    except (ValueError, RecursionError) as error:
        yield refused(number, "", f"not a JSON array: {error}")
        return
    for place, row in enumerate(rows, 1):
        yield _row(place, row)


def _row(number: int, row: Any) -> Job | Verdict:
    """Return the job that a row is; a row of a dataset is the job of its program."""
    if not isinstance(row, dict):
        return refused(number, "", f"a job is a JSON object, and this is {json.dumps(row)[:80]}")
    fields = cast(dict[str, Any], row)
    name, kept = fields.get("id"), fields
    if _ROW & fields.keys():
        kept = {k: v for k, v in fields.items() if k in _FIELDS or k not in _KNOWN}
        if "code" not in kept and isinstance(fields.get("completion"), str):
            kept["code"] = f"{fields.get('prompt') or ''}{fields['completion']}"
    wrong = _unknown(kept)
    try:
        job = msgspec.convert(kept, Job) if not wrong else None
    except (ValueError, RecursionError) as error:
        job, wrong = None, str(error)
    if job is not None:
        wrong = _complaint(job)
        if not wrong:
            return msgspec.structs.replace(job, language=resolve(job.language))
    language = fields.get("language")
    return refused(number, name if isinstance(name, str) else "", wrong, language if isinstance(language, str) else "")


def _unknown(row: Mapping[str, Any]) -> str:
    """Return a sentence about a field that no job has; empty where there is none."""
    field = next((name for name in row if name not in _FIELDS), None)
    if field is None:
        return ""
    close = difflib.get_close_matches(field, sorted(_FIELDS), 1)
    hint = f"; do you mean {close[0]!r}?" if close else f"; a job has {', '.join(sorted(_FIELDS))}"
    return f"a job has no field {field!r}{hint}"


def _complaint(job: Job) -> str:
    if not label_language(job.language):
        return unknown_language(job.language)
    if not (job.tests or job.io or job.program):
        return "the job has none of tests, io, program, so nothing could be judged"
    return ""


def refused(number: int, name: str, why: str, language: str = "") -> Verdict:
    """Return the verdict on a line that holds no job."""
    detail = f"not a job: {why}. See 'glotsmith verify --help'"
    return Verdict(id=name, language=language, status="infra:refused", line=number, detail=detail)
