"""Exceptions for errors that a user can correct, and messages about unknown names.

    GlotsmithError               the message says what, where, and what to do; the CLI prints it and exits with 2
    ├── UsageError               wrong arguments, unknown names, a changed run configuration
    ├── InputError               a malformed file, named by file and line
    ├── ToolchainError           the toolchain of a language is missing or too old
    ├── IsolationError           programs cannot be isolated on this machine
    ├── InfraError               the machine failed, so a program has no verdict
    ├── TeacherError             the teacher cannot be reached, refuses the key, or cannot answer any request
    ├── OutageError              the teacher or the machine failed; run the same command again to resume (exit 3)
    ├── BudgetError              a budget is reached; the same command with a larger one resumes (exit 4)
    ├── RepliesPendingError      replies arrive later; the same command reads them and resumes (exit 5)
    ├── DefectsError             internal errors of glotsmith occurred on too many items (exit 70)
    └── StorageError             the disk is full, or a file cannot be written

Any other exception is a defect of glotsmith, and the command prints its traceback.
"""

import difflib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import ClassVar

_CLOSE = 0.7  #: lowest similarity (difflib) with which a name is suggested


class GlotsmithError(Exception):
    """Base of errors for users; the message says what happened, where, and what to do."""

    exit_code: ClassVar[int] = 2  #: exit code of a command that fails with this error


class UsageError(GlotsmithError):
    """The arguments, the options or the configuration of a run are invalid."""


class InputError(GlotsmithError):
    """The content of a file is invalid; the message starts with ``file:line:`` if the line is known."""

    @classmethod
    def at(cls, path: Path | str, line: int | None, what: str) -> "InputError":
        """Return the error for one line of a file; lines count from 1."""
        where = f"{path}:{line}" if line is not None else str(path)
        return cls(f"{where}: {what}")


class ToolchainError(GlotsmithError):
    """A language cannot be run on this machine; the message says how to install its toolchain."""


class IsolationError(GlotsmithError):
    """Programs cannot be isolated on this machine; the message says what to install."""


class InfraError(GlotsmithError):
    """The machine failed, so a program has no verdict."""


class TeacherError(GlotsmithError):
    """The teacher cannot be used at all; a single bad reply is a drop instead."""


class OutageError(GlotsmithError):
    """The teacher or the machine failed; unanswered items stay open, and the same command retries them."""

    exit_code = 3


class TeacherOutage(OutageError, TeacherError):
    """The server of the teacher is unreachable or overloaded for now."""


class BudgetError(GlotsmithError):
    """A budget of the run is reached; all results are stored, and the same command with a larger one resumes."""

    exit_code = 4


class RepliesPendingError(GlotsmithError):
    """Requests wait in batches; all results are stored, and the same command reads the replies and resumes."""

    exit_code = 5


class DefectsError(GlotsmithError):
    """Internal errors occurred on too many items; the log has the tracebacks."""

    exit_code = 70


class StorageError(GlotsmithError):
    """A file cannot be read or written; committed results are safe."""


def decode_fault(data: bytes, error: Exception) -> str:
    """Return why bytes are not JSON; for a byte that is not UTF-8, with its offset.

    Args:
        data: the line, the file or the body; offsets count from its start, from 0.
        error: the error of the decoder; its own position may be relative to an inner string.

    """
    try:
        data.decode()
    except UnicodeDecodeError as bad:
        return f"the byte 0x{data[bad.start]:02x} at offset {bad.start} is not UTF-8"
    return str(error)


def unknown_name(sentence: str, given: str, known: Iterable[str], spellings: Mapping[str, str] | None = None) -> str:
    """Return a message about an unknown name, with the closest known name and the list of known names.

    Args:
        sentence: the start of the message: ``no preset is named 'octpack'``.
        given: the unknown name.
        known: all known names.
        spellings: other spellings → known names.

    """
    listed = list(known)
    close = close_name(given, {name: name for name in listed} | dict(spellings or {}))
    if close:
        return f"{sentence}; do you mean {close!r}? There are: {', '.join(listed)}"
    return f"{sentence}; there are: {', '.join(listed)}"


def close_name(given: str, spellings: Mapping[str, str]) -> str:
    """Return the name with a spelling close to ``given``, ignoring case; "" for none."""
    folded = {spelling.casefold().replace("_", "-"): name for spelling, name in spellings.items()}
    wanted = given.casefold().replace("_", "-")
    close = difflib.get_close_matches(wanted, folded, 1, _CLOSE)
    if close:
        return folded[close[0]]
    longer = [name for spelling, name in folded.items() if len(wanted) > 2 and spelling.startswith(wanted)]
    return longer[0] if len(set(longer)) == 1 else ""
