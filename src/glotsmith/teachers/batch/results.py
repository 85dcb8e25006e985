"""Read files of results in the format of the OpenAI Batch API, in any order, whole or cut, of any run.

A line is ``{"custom_id": …, "response": {"status_code": 200, "body": …}, "error": null}``. Lines of errors have another
status, or no response and an error. ``vllm run-batch`` writes the same.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from glotsmith.cache import Cache
from glotsmith.records import Record
from glotsmith.teachers.batch.request_files import RequestId

_OUTCOME, _FILE = "batch_outcome", "batch_file"


class BatchOutcome(Record, frozen=True, kw_only=True):
    """The outcome of one request of a batch."""

    status: int  #: HTTP status
    body: str  #: the response as JSON


class ResultCounts(NamedTuple):
    """The lines of files of results."""

    new: int = 0
    repeated: int = 0  #: of requests whose outcome is known
    foreign: int = 0  #: of other runs, or without a ``custom_id`` of glotsmith
    unreadable: int = 0  #: cut off, or not JSON

    def plus(self, other: "ResultCounts") -> "ResultCounts":
        """Return the sums."""
        return ResultCounts(*(a + b for a, b in zip(self, other, strict=True)))


class OutcomeStore:
    """The outcomes of the requests of one run, in a file of its own. The first outcome of a request counts."""

    def __init__(self, path: Path, run: str) -> None:
        """Open or create the store of the run with this id."""
        self._cache, self._run = Cache(path), run

    def get(self, address: str, attempt: int) -> BatchOutcome | None:
        """Return the outcome of a request after ``attempt`` earlier ones; None if there is none."""
        data = self._cache.get(_OUTCOME, f"{address}:{attempt}")
        return None if data is None else msgspec.json.decode(data, type=BatchOutcome)

    def has(self, request: RequestId) -> bool:
        """Return whether a request has an outcome."""
        return self._cache.get(_OUTCOME, f"{request.address}:{request.attempt}") is not None

    def read_folder(self, folder: Path) -> ResultCounts:
        """Read all files of a folder that are new or have changed, and return what they hold."""
        found = ResultCounts()
        for file in sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith(".")):
            state = file.stat()
            key = f"{file.name}:{state.st_size}:{state.st_mtime_ns}"
            if self._cache.get(_FILE, key) is None:
                found = found.plus(self._read_file(file))
                self._cache.put(_FILE, key, b"read")
        return found

    def _read_file(self, file: Path) -> ResultCounts:
        found = ResultCounts()
        with file.open("rb") as lines:
            for line in lines:
                if line.strip():
                    found = found.plus(self._read_line(line))
        return found

    def _read_line(self, line: bytes) -> ResultCounts:
        try:
            fields = msgspec.json.decode(line, type=dict[str, Any])
        except (msgspec.DecodeError, UnicodeDecodeError):
            return ResultCounts(unreadable=1)
        custom_id = fields.get("custom_id")
        known = RequestId.parse(custom_id) if isinstance(custom_id, str) else None
        if known is None or known.run != self._run:
            return ResultCounts(foreign=1)
        if self.has(known):
            return ResultCounts(repeated=1)
        outcome = msgspec.json.encode(_outcome(fields))
        self._cache.put(_OUTCOME, f"{known.address}:{known.attempt}", outcome)
        return ResultCounts(new=1)

    def close(self) -> None:
        """Close the file; idempotent."""
        self._cache.close()


def _outcome(fields: Mapping[str, Any]) -> BatchOutcome:
    """Return the outcome in a line: that of its response, or of its error."""
    response, error = fields.get("response"), fields.get("error")
    status, body = 0, None
    if isinstance(response, Mapping):
        answer = dict[str, Any](response)  # pyright: ignore[reportUnknownArgumentType]
        code, body = answer.get("status_code"), answer.get("body")
        status = code if isinstance(code, int) else 200 if body else 0
    if body is None and error:
        body = {"error": error}
    return BatchOutcome(
        status=status or 500, body=body if isinstance(body, str) else msgspec.json.encode(body).decode()
    )
