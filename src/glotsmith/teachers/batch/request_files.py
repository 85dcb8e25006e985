"""Files of requests in the format of the OpenAI Batch API, with the state of each.

A line is ``{"custom_id": …, "method": "POST", "url": "/v1/chat/completions", "body": …}`` (OpenAI API reference,
"Batch"; ``vllm run-batch`` reads the same). The lines of a file have one URL. A ``custom_id`` names the run, the
number of the file, how often the request was sent before, and its address: ``3f2a…-0001-0-9c41…``.
"""

import re
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Literal, NamedTuple

import msgspec

from glotsmith.errors import InputError
from glotsmith.records import Record
from glotsmith.write_aside import write_aside

_ID = re.compile(r"(?P<run>[0-9a-f]{16})-(?P<file>\d{4,9})-(?P<attempt>\d{1,9})-(?P<address>[0-9a-f]{32})")
_START = b'{"custom_id":"'


class RequestId(NamedTuple):
    """The parts of a ``custom_id``."""

    run: str
    file: int
    attempt: int  #: how often the request was sent before without a reply
    address: str  #: content address of the reply

    def __str__(self) -> str:
        return f"{self.run}-{self.file:04d}-{self.attempt}-{self.address}"

    @classmethod
    def parse(cls, text: str) -> "RequestId | None":
        """Return the id that a text states; None for another text."""
        match = _ID.fullmatch(text)
        return cls(match["run"], int(match["file"]), int(match["attempt"]), match["address"]) if match else None


FileStatus = Literal["written", "manual", "uploaded", "submitting", "submitted", "ended"]


class RequestFile(Record, frozen=True, kw_only=True):
    """A file of requests. Its state is in a file next to it."""

    number: int
    url: str  #: the URL of all lines: ``/v1/chat/completions``
    requests: int
    status: FileStatus = "written"
    file_id: str = ""  #: id of the file on the server
    batch_id: str = ""  #: id of the batch on the server

    @property
    def name(self) -> str:
        """The name of the file."""
        return f"requests-{self.number:04d}.jsonl"

    @property
    def is_open(self) -> bool:
        """Whether replies may arrive."""
        return self.status != "ended"


class FileLimits(NamedTuple):
    """The limits of one file."""

    requests: int
    size: int  #: largest size in bytes


class _Draft:
    """A file that is being written."""

    def __init__(self, path: Path, number: int, url: str) -> None:
        self.number, self.url, self.requests, self.size = number, url, 0, 0
        self.path = path
        self.file: IO[bytes] = path.open("wb")

    def add(self, line: bytes) -> None:
        self.file.write(line)
        self.requests, self.size = self.requests + 1, self.size + len(line)


class RequestFolder:
    """The files of requests in a folder, and which requests wait for a reply."""

    def __init__(self, folder: Path, limits: FileLimits) -> None:
        """Read the files of a folder; drafts that a killed process left are removed.

        Raises:
            InputError: the state of a file cannot be read.

        """
        self.path = folder
        self._limits = limits
        self.run = self._read_run_id()
        for draft in folder.glob(".requests-*.part"):
            draft.unlink()
        self.files = {file.number: file for file in map(_read_state, sorted(folder.glob("requests-*.json")))}
        self._drafts = dict[str, _Draft]()
        self.waiting = dict[str, int]()  #: address → number of the open file, or draft, with its request
        for file in self.open_files():
            self.waiting |= dict.fromkeys((one.address for one in self.ids(file)), file.number)

    def open_files(self) -> list[RequestFile]:
        """Return the files whose replies may arrive."""
        return [file for file in self.files.values() if file.is_open]

    def ids(self, file: RequestFile) -> Iterator[RequestId]:
        """Yield the ids of the requests of a file."""
        with (self.path / file.name).open("rb") as lines:
            for line in lines:
                text = line[len(_START) : line.find(b'"', len(_START))].decode()
                if (found := RequestId.parse(text)) is not None:
                    yield found

    def fits(self, body: bytes, url: str) -> bool:
        """Return whether one request fits into a file."""
        longest = RequestId(self.run, 10**6, 10**3, "0" * 32)
        return len(self._line(longest, url, body)) <= self._limits.size

    def add(self, address: str, attempt: int, url: str, body: bytes) -> None:
        """Add a request to a file that is sent later, unless the request waits for a reply."""
        if address in self.waiting:
            return
        draft = self._drafts.get(url) or self._new_draft(url)
        line = self._line(RequestId(self.run, draft.number, attempt, address), url, body)
        if draft.requests >= self._limits.requests or draft.size + len(line) > self._limits.size:
            self._finish(self._drafts.pop(url))
            draft = self._new_draft(url)
            line = self._line(RequestId(self.run, draft.number, attempt, address), url, body)
        draft.add(line)
        self.waiting[address] = draft.number

    def finish_drafts(self) -> None:
        """Make files of all drafts."""
        for draft in self._drafts.values():
            self._finish(draft)
        self._drafts.clear()

    def save(self, file: RequestFile) -> None:
        """Store the state of a file; the requests of an ended one no longer wait."""
        self.files[file.number] = file
        with write_aside(self._state_of(file), sync=True) as draft:
            draft.write_bytes(msgspec.json.encode(file))
        if not file.is_open:
            self.waiting = {address: number for address, number in self.waiting.items() if number != file.number}

    def close(self) -> None:
        """Close the drafts, whose requests were not sent."""
        for draft in self._drafts.values():
            draft.file.close()

    def _line(self, custom_id: RequestId, url: str, body: bytes) -> bytes:
        return b'%s%s","method":"POST","url":"%s","body":%s}\n' % (_START, str(custom_id).encode(), url.encode(), body)

    def _new_draft(self, url: str) -> _Draft:
        number = 1 + max([0, *self.files, *(draft.number for draft in self._drafts.values())])
        draft = self._drafts[url] = _Draft(self.path / f".requests-{number:04d}.part", number, url)
        return draft

    def _finish(self, draft: _Draft) -> None:
        draft.file.close()
        file = RequestFile(number=draft.number, url=draft.url, requests=draft.requests)
        draft.path.replace(self.path / file.name)
        self.save(file)

    def _state_of(self, file: RequestFile) -> Path:
        return (self.path / file.name).with_suffix(".json")

    def _read_run_id(self) -> str:
        """Return the identifier in the ``custom_id`` of each request of this run; create it in a new folder."""
        file = self.path / "run-id"
        if not file.exists():
            with write_aside(file, sync=True) as draft:
                draft.write_text(secrets.token_hex(8), "ascii")
        return file.read_text("ascii").strip()


def count_open_requests(folder: Path) -> int:
    """Return the number of requests in the open files of a folder; 0 without the folder.

    Raises:
        InputError: the state of a file cannot be read.

    """
    return sum(file.requests for file in map(_read_state, folder.glob("requests-*.json")) if file.is_open)


def _read_state(file: Path) -> RequestFile:
    try:
        return msgspec.json.decode(file.read_bytes(), type=RequestFile)
    except msgspec.DecodeError as error:
        what = (
            f"the file is damaged ({error}): restore it from a copy, or remove the folder {file.parent} to send its "
            "open requests again"
        )
        raise InputError.at(file, None, what) from error
