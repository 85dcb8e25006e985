"""Keep a report of changing folders up to date: a request after a change writes the page again."""

import asyncio
import contextlib
import re
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from glotsmith.records import content_hash
from glotsmith.report import LiveRuns, write_report
from glotsmith.report.listed_rows import ListLimits
from glotsmith.report.live_run import read_details
from glotsmith.report.training_entries import STAGE, STATE
from glotsmith.run_folder import RunFolder
from glotsmith.training.training_report import RECORD

_SHORTEST_PAUSE_S = 2.0  #: shortest time between the end of writing a page and the next writing, in seconds
_PAUSE_FACTOR = 4.0  #: this time as a multiple of the writing time, so that a run has most of the CPU time
#: files that a report reads: those of runs and evaluations, and those of running and finished trainings
_FILES = ("*", f"stages/*/checkpoints/*/{STATE}", f"stages/*/model/{STAGE}", f"model/{RECORD}")
_IGNORED = re.compile(r"report\.html|lock|cache\.sqlite.*|.*-shm|.*-sent")  #: files that do not change a report


class LivePages:
    """The page of some folders, in a temporary folder that ``close`` removes."""

    def __init__(self, runs: Sequence[Path], limits: ListLimits | None = None) -> None:
        self._runs, self._limits = runs, limits
        self._live: LiveRuns = {}
        self._folder = TemporaryDirectory(prefix="glotsmith-view-")
        self._page = Path(self._folder.name) / "report.html"
        self._lock = asyncio.Lock()
        self._version = ""  #: version of the folders at the last attempt to write the page
        self._error: Exception | None = None  #: the error of the last attempt
        self._next_at = 0.0  #: monotonic time before which the page is not written again

    async def page(self) -> Path:
        """Return the newest page. Write it first if a folder has changed, or if the last attempt failed.

        Raises:
            GlotsmithError: The report cannot be written. The message says why.

        """
        async with self._lock:
            version = self.version()
            is_due = self._error is not None and time.monotonic() >= self._next_at
            if version != self._version or is_due:
                await self._write(version)
            if self._error is not None:
                raise self._error
        return self._page

    async def _write(self, version: str) -> None:
        """Write the page, or keep the error, which requests get until the next attempt."""
        begun = time.monotonic()
        try:
            await asyncio.to_thread(write_report, self._runs, self._page, self._limits, version, self._live)
            self._error = None
        except Exception as error:
            self._error = error
        finally:
            taken = time.monotonic() - begun
            self._next_at = time.monotonic() + max(_SHORTEST_PAUSE_S, _PAUSE_FACTOR * taken)
        self._version = version

    def details(self, run: int, row: int) -> bytes | None:
        """Return the details of a row of a run as JSON; None if there is no such run or row.

        Args:
            run: The index of the run in the list of folders.
            row: The number of the row in the ledger.

        """
        if not 0 <= run < len(self._runs) or self._runs[run] not in self._live:
            return None
        with RunFolder.open(self._runs[run]) as folder:
            found = read_details(folder, row)
        return msgspec.json.encode(found) if found is not None else None

    def version(self) -> str:
        """Return a text that changes when a folder changes, at most once in each pause."""
        if self._version and time.monotonic() < self._next_at:
            return self._version
        return content_hash(*_file_states(self._runs))

    def close(self) -> None:
        """Remove the page."""
        self._folder.cleanup()


def _file_states(runs: Sequence[Path]) -> Iterator[str]:
    """Yield the name, size and modification time of each file that a report reads."""
    for path in (path for run in runs for pattern in _FILES for path in sorted(run.glob(pattern))):
        if not _IGNORED.fullmatch(path.name) and path.is_file():
            with contextlib.suppress(FileNotFoundError):  # the run has removed the file
                state = path.stat()
                yield f"{path} {state.st_size} {state.st_mtime_ns}"
