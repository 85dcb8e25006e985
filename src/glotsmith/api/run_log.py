"""The log of a run in its folder: warnings, and the tracebacks of internal errors."""

import logging
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from glotsmith import credentials

LOG = "run.log"
_STDERR = "stderr"  #: name of the handler
_FORM = "%(asctime)s %(levelname)s %(name)s: %(message)s"


def log_to_stderr(verbose: int) -> None:
    """Also write the log to stderr if ``verbose`` is not 0: from level INFO for 1, and from level DEBUG above 1."""
    logger = logging.getLogger("glotsmith")
    for earlier in [handler for handler in logger.handlers if handler.name == _STDERR]:
        logger.removeHandler(earlier)
    logger.setLevel(logging.NOTSET)
    if verbose:
        handler = logging.StreamHandler(sys.stderr)
        handler.name = _STDERR
        handler.setFormatter(logging.Formatter(_FORM))
        logger.addHandler(handler)
        logger.setLevel(logging.INFO if verbose == 1 else logging.DEBUG)


class _Redacted(logging.Formatter):
    """A formatter that removes texts that look like keys from lines and tracebacks."""

    def format(self, record: logging.LogRecord) -> str:
        return credentials.redact(super().format(record))


@contextmanager
def logging_to(folder: Path) -> Generator[Path, None, None]:
    """Append the log of glotsmith, from level INFO, to the log file in the folder. The first line creates the file."""
    path, logger = folder / LOG, logging.getLogger("glotsmith")
    handler = logging.FileHandler(path, encoding="utf-8", errors="backslashreplace", delay=True)
    handler.setFormatter(_Redacted("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    before = logger.level
    logger.addHandler(handler)
    handler.setLevel(logging.INFO)
    logger.setLevel(min(before or logging.INFO, logging.INFO))
    try:
        yield path
    finally:
        logger.setLevel(before)
        logger.removeHandler(handler)
        handler.close()
