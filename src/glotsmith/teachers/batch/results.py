"""Read files of results in the format of the OpenAI Batch API.

Their lines may be in any order, cut off, or of another run. A line is
``{"custom_id": …, "response": {"status_code": 200, "body": …}, "error": null}``. Lines of errors have another status,
or no response and an error. ``vllm run-batch`` writes the same.
"""

import json
from collections.abc import Mapping
from functools import reduce
from pathlib import Path
from typing import NamedTuple

import msgspec

from glotsmith.cache import Cache
from glotsmith.records import Record, printable
from glotsmith.teachers.batch.request_files import RequestId
from glotsmith.teachers.lenient_json import as_count, as_dict, as_text, decode_text, parse_body

_OUTCOME, _FILE = "batch_outcome", "batch_file"
_MISSING, _REFUSAL, _REPLIED = "batch_missing", "batch_refusal", "batch_replied"


class BatchOutcome(Record, frozen=True, kw_only=True):
    """The outcome of one request of a batch."""

    status: int  #: HTTP status
    body: str  #: the response as JSON
    refusals: int = 0  #: how many starts of the run had ended with a refusal of the server when the outcome was read


_NO_RESULT = BatchOutcome(
    status=500, body='{"error": {"message": "the results of the batch hold no readable line for this request"}}'
)


class ResultCounts(NamedTuple):
    """The numbers of lines in files of results, by kind."""

    new: int = 0
    repeated: int = 0  #: number of lines for requests whose outcome is known
    foreign: int = 0  #: number of lines of other runs, or without a ``custom_id`` of glotsmith
    unreadable: int = 0  #: number of lines that are cut off, or are not JSON

    def plus(self, other: "ResultCounts") -> "ResultCounts":
        """Return the sums."""
        return ResultCounts(*(a + b for a, b in zip(self, other, strict=True)))


class OutcomeStore:
    """The outcomes of the requests of one run, in a separate file. The first outcome of a request counts."""

    def __init__(self, path: Path, run: str) -> None:
        """Open or create the store of the run with this id."""
        self._cache, self._run = Cache(path), run
        self._refusals = self._cache.count_entries(_REFUSAL)
        self.has_replies = self._cache.has_entries(_REPLIED)  #: whether an outcome of any start was a reply

    def get(self, address: str, attempt: int) -> BatchOutcome | None:
        """Return the outcome of a request that was sent ``attempt`` times before; None if it is not known yet.

        The outcome is the result, or an error if the batch ended without a readable result.
        """
        key = f"{address}:{attempt}"
        if (data := self._cache.get(_OUTCOME, key)) is not None:
            return msgspec.json.decode(data, type=BatchOutcome)
        return None if self._cache.get(_MISSING, key) is None else _NO_RESULT

    def note_missing(self, request: RequestId) -> None:
        """Store that a request has no readable result, if it has none. A result that arrives later counts instead."""
        if not self.has(request):
            self._cache.put(_MISSING, f"{request.address}:{request.attempt}", b"missing")

    def note_reply(self) -> None:
        """Store that an outcome was a reply."""
        if not self.has_replies:
            self._cache.put(_REPLIED, "", b"replied")
            self.has_replies = True

    def store_refusal(self) -> None:
        """Store that this start ends because the server refuses the key or the model."""
        self._cache.put(_REFUSAL, str(self._refusals), b"refused")

    def is_void(self, outcome: BatchOutcome) -> bool:
        """Return whether an outcome that is an error does not count.

        It does not count if a start of the run ended with a refusal after the outcome was read.
        """
        return outcome.refusals < self._refusals

    def has(self, request: RequestId) -> bool:
        """Return whether a request has an outcome."""
        return self._cache.get(_OUTCOME, f"{request.address}:{request.attempt}") is not None

    def read_folder(self, folder: Path) -> ResultCounts:
        """Read all files of a folder that are new or have changed, and return the counts of their lines."""
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
        found = [fields for value in parse_body(decode_text(line)).values if (fields := as_dict(value))]
        return reduce(ResultCounts.plus, map(self._read_fields, found)) if found else ResultCounts(unreadable=1)

    def _read_fields(self, fields: Mapping[str, object]) -> ResultCounts:
        known = RequestId.parse(as_text(fields.get("custom_id")))
        if known is None or known.run != self._run:
            return ResultCounts(foreign=1)
        if self.has(known):
            return ResultCounts(repeated=1)
        try:
            outcome = _outcome(fields, self._refusals)
        except RecursionError:
            return ResultCounts(unreadable=1)
        self._cache.put(_OUTCOME, f"{known.address}:{known.attempt}", msgspec.json.encode(outcome))
        return ResultCounts(new=1)

    def close(self) -> None:
        """Close the file; idempotent."""
        self._cache.close()


def _outcome(fields: Mapping[str, object], refusals: int) -> BatchOutcome:
    """Return the outcome in a line: that of its response, or of its error.

    Raises:
        RecursionError: its values are nested too deeply.

    """
    response, error = as_dict(fields.get("response")), fields.get("error")
    code, body = response.get("status_code"), response.get("body")
    status = as_count(code) if code is not None else 200 if body else 0
    if body is None and error:
        body = {"error": error}
    text = printable(body) if isinstance(body, str) else json.dumps(body)  # escapes lone surrogates, which are no UTF-8
    return BatchOutcome(status=status or 500, body=text, refusals=refusals)
