"""The log of a run: what it warns of, and the tracebacks of internal errors, in the run folder."""

import logging
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from glotsmith import credentials

LOG = "run.log"


class _Redacted(logging.Formatter):
    """Lines and tracebacks without what looks like a key."""

    def format(self, record: logging.LogRecord) -> str:
        return credentials.redact(super().format(record))


@contextmanager
def logging_to(folder: Path) -> Generator[Path, None, None]:
    """Append what glotsmith logs, from level INFO, to the folder's log; the file begins with the first line."""
    path, logger = folder / LOG, logging.getLogger("glotsmith")
    handler = logging.FileHandler(path, encoding="utf-8", errors="backslashreplace", delay=True)
    handler.setFormatter(_Redacted("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield path
    finally:
        logger.setLevel(before)
        logger.removeHandler(handler)
        handler.close()
