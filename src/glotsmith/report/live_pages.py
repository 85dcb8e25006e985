"""Keep the report of folders that change up to date: the page is written again when it is asked for after a change."""

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

_SHORTEST_PAUSE_S = 2.0  #: between the end of writing a page and the next time
_PAUSE_FACTOR = 4.0  #: the pause as a multiple of the time that writing takes, so that a run keeps its processors
#: files that a report reads: of runs and evaluations, and of trainings while stages run and at their end
_FILES = ("*", f"stages/*/checkpoints/*/{STATE}", f"stages/*/model/{STAGE}", f"model/{RECORD}")
_IGNORED = re.compile(r"report\.html|lock|cache\.sqlite.*|.*-shm|.*-sent")  #: files that do not change a report


class LivePages:
    """The page of some folders, in a temporary folder; close it at the end."""

    def __init__(self, runs: Sequence[Path], limits: ListLimits | None = None) -> None:
        self._runs, self._limits = runs, limits
        self._live: LiveRuns = {}
        self._folder = TemporaryDirectory(prefix="glotsmith-view-")
        self._page = Path(self._folder.name) / "report.html"
        self._lock = asyncio.Lock()
        self._version = ""  #: of the page, or of the folders when it could not be written
        self._error: Exception | None = None  #: why the page of this version could not be written
        self._next_at = 0.0  #: monotonic time before which the page is not written again

    async def page(self) -> Path:
        """Return the newest page, which is written first if a folder has changed, or if it could not be written.

        Raises:
            GlotsmithError: the report cannot be written; the message says why.

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
        """Write the page, or keep the error for requests until the next time."""
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
            run: the place of its folder among the folders.
            row: its number in the ledger.

        """
        if not 0 <= run < len(self._runs) or self._runs[run] not in self._live:
            return None
        with RunFolder.open(self._runs[run]) as folder:
            found = read_details(folder, row)
        return msgspec.json.encode(found) if found is not None else None

    def version(self) -> str:
        """Return a text that changes with the folders, at most after each pause."""
        if self._version and time.monotonic() < self._next_at:
            return self._version
        return content_hash(*_states(self._runs))

    def close(self) -> None:
        """Remove the page."""
        self._folder.cleanup()


def _states(runs: Sequence[Path]) -> Iterator[str]:
    """Yield the name, size and time of each file that a report reads, and that changes."""
    for path in (path for run in runs for pattern in _FILES for path in sorted(run.glob(pattern))):
        if not _IGNORED.fullmatch(path.name) and path.is_file():
            with contextlib.suppress(FileNotFoundError):  # a run removes files meanwhile
                state = path.stat()
                yield f"{path} {state.st_size} {state.st_mtime_ns}"
