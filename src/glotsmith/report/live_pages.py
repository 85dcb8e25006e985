"""Keep the report of folders that change up to date: the page is written again when it is asked for after a change."""

import asyncio
import contextlib
import re
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from glotsmith.records import content_hash
from glotsmith.report import write_report
from glotsmith.report.listed_rows import ListLimits

_SHORTEST_PAUSE_S = 2.0  #: between the end of writing a page and the next time
_PAUSE_FACTOR = 4.0  #: the pause as a multiple of the time that writing takes, so that a run keeps its processors
_IGNORED = re.compile(r"report\.html|lock|cache\.sqlite.*|.*-shm")  #: files that do not change a report


class LivePages:
    """The page of some folders, in a temporary folder; close it at the end."""

    def __init__(self, runs: Sequence[Path], limits: ListLimits | None = None) -> None:
        self._runs, self._limits = runs, limits
        self._folder = TemporaryDirectory(prefix="glotsmith-view-")
        self._page = Path(self._folder.name) / "report.html"
        self._lock = asyncio.Lock()
        self._version = ""  #: of the page
        self._next_at = 0.0  #: monotonic time before which the page is not written again

    async def page(self) -> Path:
        """Return the newest page, which is written first if a folder has changed.

        Raises:
            GlotsmithError: the report cannot be written; the message says why.

        """
        async with self._lock:
            version = self.version()
            if version != self._version:
                begun = time.monotonic()
                await asyncio.to_thread(write_report, self._runs, self._page, self._limits, version)
                taken = time.monotonic() - begun
                self._version = version
                self._next_at = time.monotonic() + max(_SHORTEST_PAUSE_S, _PAUSE_FACTOR * taken)
        return self._page

    def version(self) -> str:
        """Return a text that changes with the folders, at most after each pause."""
        if self._version and time.monotonic() < self._next_at:
            return self._version
        return content_hash(*_states(self._runs))

    def close(self) -> None:
        """Remove the page."""
        self._folder.cleanup()


def _states(runs: Sequence[Path]) -> Iterator[str]:
    """Yield the name, size and time of each file of the folders."""
    for path in (path for run in runs if run.is_dir() for path in sorted(run.iterdir())):
        if not _IGNORED.fullmatch(path.name) and path.is_file():
            with contextlib.suppress(FileNotFoundError):  # a run removes files meanwhile
                state = path.stat()
                yield f"{path} {state.st_size} {state.st_mtime_ns}"
