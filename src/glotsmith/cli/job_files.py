"""Read job files: JSON lines, a JSON array or Parquet, also compressed with gzip, of jobs or dataset rows."""

import difflib
import gzip
import io
import json
import sys
import zlib
from codecs import BOM_UTF8
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import IO, Any, NamedTuple, cast

import msgspec

from glotsmith import settings
from glotsmith.cli import exported_rows
from glotsmith.errors import GlotsmithError, InputError, UsageError, decode_fault
from glotsmith.languages import resolve_language, unknown_language
from glotsmith.languages.spelling import language_of_label
from glotsmith.records import Job, Verdict
from glotsmith.verification.job_limits import judged_fields_error, limits_error

_FIELDS = frozenset(Job.__struct_fields__)
_LONGEST_MB = 64  #: largest size of a line; the expected output of a job can have several MB
_LARGEST_MB = 1024  #: largest size of a JSON array, which is read as a whole
GZIP, _PARQUET = b"\x1f\x8b", b"PAR1"  #: first bytes of such files


class RawRow(NamedTuple):
    """A row of a file before it is read as a job."""

    number: int  #: number of the line, of the array element or of the table row, from 1
    text: bytes = b""  #: the JSON of the row, a line with its line break; empty for a row of a table
    fields: dict[str, Any] | None = None  #: the fields of a row of a table
    in_array: bool = False  #: whether the row is an element of a JSON array


def read_jobs(file: Path) -> Iterator[Job | Verdict]:
    """Yield the jobs of a file, and a verdict ``infra:refused`` for each line that has no valid job.

    Raises:
        UsageError: The file does not exist.
        InputError: The file is binary, or is a broken Parquet or gzip file.

    """
    check_file(file)
    return (job for row in read_raw_rows(file) for job in ([row] if isinstance(row, Verdict) else jobs_of_row(row)))


def read_raw_rows(file: Path) -> Iterator[RawRow | Verdict]:
    """Yield the rows of a file, and a verdict ``infra:refused`` for each part that cannot be read.

    Raises:
        InputError: The file is binary, or is a broken Parquet or gzip file.

    """
    if file.suffix == ".parquet":
        from glotsmith.evaluation.benchmarks.row_files import read_rows

        yield from (RawRow(row.line or 0, fields=row.data) for row in read_rows(file))
        return
    with nullcontext(sys.stdin.buffer) if str(file) == "-" else file.open("rb") as source:
        yield from _rows_of_text(_Lines(file, _decompressed(file, cast(io.BufferedReader, source))))


def decode_row(row: RawRow) -> dict[str, Any] | Verdict:
    """Return the fields of a row, or a verdict ``infra:refused`` if it is not a JSON object."""
    if row.fields is not None:
        return row.fields
    try:
        value: Any = msgspec.json.decode(row.text)
    except (ValueError, RecursionError) as error:
        name, language = _id_and_language(row.text.decode(errors="replace"))
        return refused(row.number, name, f"not JSON: {decode_fault(row.text, error)}", language)
    if not isinstance(value, dict):
        return refused(row.number, "", f"a row must be a JSON object, not {json.dumps(value)[:80]}")
    return cast(dict[str, Any], value)


def jobs_of_row(row: RawRow) -> Iterator[Job | Verdict]:
    """Yield the jobs of a row, one for each of its programs, or a verdict ``infra:refused`` if it has no valid job."""
    fields = decode_row(row)
    if isinstance(fields, Verdict):
        yield fields
        return
    try:
        yield from _valid_jobs(row.number, fields)
    except (GlotsmithError, ValueError, RecursionError) as error:
        yield refused(row.number, _string_field(fields, "id"), str(error), _string_field(fields, "language"))


def check_file(file: Path) -> None:
    """Check that a file exists.

    Raises:
        UsageError: The file does not exist.

    """
    if str(file) != "-" and not (file.is_file() or file.is_fifo() or file.is_char_device()):
        what = "is a folder" if file.is_dir() else "does not exist"
        raise UsageError(f"{file} {what}. Give a JSONL file with one job in each line, or - for standard input")


def _decompressed(file: Path, source: io.BufferedReader) -> IO[bytes]:
    """Return the bytes of a text file, decompressed if it is compressed.

    Raises:
        InputError: The file is not a text file.

    """
    start = source.peek(4096)
    if start.startswith(_PARQUET):
        raise InputError.at(file, None, "a Parquet file must be named .parquet")
    if start.startswith(GZIP):
        return cast(IO[bytes], gzip.GzipFile(fileobj=source))
    if file.suffix == ".gz" and start:
        raise InputError.at(file, 1, "not a gzip file, although its name ends in .gz: rename it, or compress it again")
    if b"\0" in start and not _begins_json(start):
        raise InputError.at(file, 1, "this is a binary file; give JSONL in UTF-8 with one job in each line")
    return source


def _begins_json(start: bytes) -> bool:
    """Return whether the first line of a file may be JSON. Later lines are not checked."""
    line = start.removeprefix(BOM_UTF8).lstrip().partition(b"\n")[0]
    return line[:1] in (b"{", b"[") and b"\0" not in line


class _Lines:
    """Reads lines of bounded length and counts them. A read error ends the lines."""

    def __init__(self, file: Path, source: IO[bytes]) -> None:
        self._source, self._file, self.number = source, file, 0

    def next(self) -> bytes | Verdict | None:
        """Return the next line, or a verdict if it is too long or unreadable; None at the end."""
        self.number += 1
        try:
            line = self._source.readline(_LONGEST_MB * 2**20)
            if not line or line.endswith(b"\n") or len(line) < _LONGEST_MB * 2**20 or _begins_array(line):
                return line or None
            while (rest := self._source.readline(2**20)) and not rest.endswith(b"\n"):
                pass
        except (OSError, EOFError, zlib.error) as error:
            self._source = io.BytesIO()
            return self.refused(f"the file cannot be read from here on: {error}")
        return self.refused(f"the line is longer than {_LONGEST_MB} MiB")

    def rest(self) -> bytes:
        """Return the rest of the file, up to the largest size of an array."""
        return self._source.read(_LARGEST_MB * 2**20)

    def refused(self, why: str) -> Verdict:
        """Return the verdict on the current line."""
        return refused(self.number, "", f"{self._file}:{self.number}: {why}")


def _begins_array(line: bytes) -> bool:
    return line.removeprefix(BOM_UTF8).lstrip().startswith(b"[")


def _rows_of_text(lines: _Lines) -> Iterator[RawRow | Verdict]:
    first = True
    while (read := lines.next()) is not None:
        if isinstance(read, Verdict):
            if first:
                raise InputError(read.detail)
            yield read
            continue
        line = read.removeprefix(BOM_UTF8)
        if not line.strip():
            continue
        if first and _begins_array(line):
            yield from _rows_of_array(lines, line)
            return
        first = False
        yield RawRow(lines.number, line)


def _rows_of_array(lines: _Lines, start: bytes) -> Iterator[RawRow | Verdict]:
    try:
        text = start + lines.rest()
    except (OSError, EOFError, zlib.error) as error:
        yield lines.refused(f"the file cannot be read: {error}")
        return
    try:
        rows = msgspec.json.decode(text, type=list[msgspec.Raw])
    except (ValueError, RecursionError) as error:
        yield lines.refused(f"not a JSON array: {decode_fault(text, error)}")
        return
    yield from (RawRow(number, bytes(row), in_array=True) for number, row in enumerate(rows, 1))


def _id_and_language(line: str) -> tuple[str, str]:
    """Return the id and the language of a line whose invalid UTF-8 bytes were replaced."""
    try:
        row: Any = msgspec.json.decode(line)
    except (ValueError, RecursionError):
        return "", ""
    fields = cast(dict[str, Any], row) if isinstance(row, dict) else {}
    return _string_field(fields, "id"), _string_field(fields, "language")


def _string_field(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name)
    return value if isinstance(value, str) else ""


def _valid_jobs(number: int, fields: dict[str, Any]) -> Iterator[Job]:
    is_row = exported_rows.is_row(fields)
    if wrong := _unknown_field_message(
        {name: None for name in fields if not (is_row and name in exported_rows.COLUMNS)}
    ):
        raise UsageError(wrong)
    if is_row:
        yield from exported_rows.jobs(number, fields)
        return
    try:
        job = msgspec.convert(fields, Job)
    except msgspec.ValidationError as error:
        raise UsageError(
            settings.invalid_value_message(Job, fields, lambda name: f"the field {name}") or str(error)
        ) from error
    if wrong := _job_error(job):
        raise UsageError(wrong)
    yield msgspec.structs.replace(job, language=resolve_language(job.language))


def _unknown_field_message(row: Mapping[str, Any]) -> str:
    """Return a message about an unknown field; "" if all fields are known."""
    field = next((name for name in row if name not in _FIELDS), None)
    if field is None:
        return ""
    close = difflib.get_close_matches(field, sorted(_FIELDS), 1)
    hint = f"; do you mean {close[0]!r}?" if close else f"; a job has {', '.join(sorted(_FIELDS))}"
    return f"a job has no field {field!r}{hint}"


def _job_error(job: Job) -> str:
    if not language_of_label(job.language):
        return unknown_language(job.language)
    if wrong := judged_fields_error(job):
        return f"the job {wrong}"
    return limits_error(job)


def refused(number: int, name: str, why: str, language: str = "") -> Verdict:
    """Return the verdict on a line that contains no valid job."""
    detail = f"not a job: {why}{'' if why.endswith(('.', '?')) else '.'} See 'glotsmith verify --help'"
    return Verdict(id=name, language=language, status="infra:refused", line=number, detail=detail)
