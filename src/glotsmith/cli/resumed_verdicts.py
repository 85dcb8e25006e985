"""Resume ``glotsmith verify``: a file next to the output contains the hash of each judged job."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TextIO

import msgspec

from glotsmith.errors import UsageError
from glotsmith.records import Job, Verdict, content_hash


class VerdictFile:
    """The output file of ``glotsmith verify``, with the verdicts that an earlier start wrote."""

    def __init__(self, output: Path) -> None:
        """Read the verdicts of a stopped command. An output without a file of hashes is overwritten."""
        self._output = output
        self.is_kept = str(output) != "-" and (output.is_file() or not output.exists())
        self._hashes = output.with_name(f".{output.name}.jobs")
        self.verdicts = list[Verdict]()
        self._known = list[str]()
        self._size = 0  #: number of bytes of the output that are kept
        self._hash_sink: TextIO | None = None  #: the open file with the hashes, while verdicts are written
        if self.is_kept and self._hashes.is_file() and output.is_file():
            self._read()

    def _read(self) -> None:
        """Read the complete verdicts that have a hash, and skip an incomplete last line."""
        lines, known = _whole_lines(self._output), _whole_lines(self._hashes)
        for line, name in zip(lines, known, strict=False):
            try:
                self.verdicts.append(msgspec.json.decode(line, type=Verdict))
            except (msgspec.DecodeError, UnicodeDecodeError):
                return
            self._known.append(name.decode("ascii", "replace"))
            self._size += len(line) + 1

    @property
    def is_cut(self) -> bool:
        """Whether the output contains only an incomplete first verdict."""
        return self.is_kept and self._hashes.is_file() and b"\n" not in self._output.read_bytes()[: 2**20]

    def skip_judged(self, jobs: Iterator[Job | Verdict]) -> Iterator[Job | Verdict]:
        """Skip the jobs that have a verdict, and return the others.

        Raises:
            UsageError: The verdicts belong to other jobs.

        """
        for number, known in enumerate(self._known, 1):
            job = next(jobs, None)
            if job is None or job_hash(job) != known:
                raise UsageError(
                    f"{self._output} contains the verdicts of other jobs (job {number} differs): "
                    "choose another file with -o"
                )
        return jobs

    def begin(self) -> None:
        """Cut both files to the complete verdicts, so that new ones follow."""
        if self.is_kept:
            with self._output.open("ab") as file:
                file.truncate(self._size)
            with self._hashes.open("ab") as file:
                file.truncate(sum(len(known) + 1 for known in self._known))
            self._hash_sink = self._hashes.open("a", encoding="ascii", buffering=1)  # each line is written at once

    def write_hash(self, job: Job | Verdict) -> None:
        """Write the hash of a job whose verdict is written."""
        if self._hash_sink is not None:
            self._hash_sink.write(f"{job_hash(job)}\n")

    def close(self) -> None:
        """Close the file with the hashes, which stays for the next start."""
        if self._hash_sink is not None:
            with suppress(OSError):  # the disk is full, which the write has reported
                self._hash_sink.close()

    def finish(self) -> None:
        """Remove the hashes: every job has a verdict."""
        if self.is_kept:
            self._hashes.unlink(missing_ok=True)


def job_hash(job: Job | Verdict) -> str:
    """Return the hash of a job, or of the verdict on a line that contains no job."""
    return content_hash(msgspec.json.encode(job).decode())


def _whole_lines(file: Path) -> list[bytes]:
    return file.read_bytes().split(b"\n")[:-1]
