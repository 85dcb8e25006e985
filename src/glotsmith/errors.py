"""Every error that is the user's to mend, drawn as a tree.

    GlotsmithError               a sentence: what, where, what to do; the CLI prints it and exits with 2
    ├── UsageError               wrong arguments, unknown names, a changed run configuration
    ├── InputError               a malformed file, named by file and line
    ├── ToolchainError           a language's toolchain is missing or too old
    ├── IsolationError           no way to isolate programs on this machine
    ├── InfraError               the machine failed, so that a program has no verdict
    ├── TeacherError             the teacher can't be reached, refuses the key, or answers nonsense for good
    ├── OutageError              the teacher or the machine failed in midst of work: the same command goes on (exit 3)
    ├── DefectsError             too many items met an internal error of glotsmith (exit 70)
    └── StorageError             the disk is full or a run folder can't be written

Anything else that escapes is a defect of glotsmith and keeps its traceback.
"""

import difflib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import ClassVar

_CLOSE = 0.7  #: similarity (difflib) from which a name is suggested


class GlotsmithError(Exception):
    """An error with a sentence for a person: what happened, where, and what to do."""

    exit_code: ClassVar[int] = 2  #: of a command that ends with it


class UsageError(GlotsmithError):
    """The command, an option or a run configuration can't be acted on."""


class InputError(GlotsmithError):
    """A file's content can't be used; the message begins with ``file:line:`` where a line is known."""

    @classmethod
    def at(cls, path: Path | str, line: int | None, what: str) -> "InputError":
        """Build the error for one line of one file (lines count from 1)."""
        where = f"{path}:{line}" if line is not None else str(path)
        return cls(f"{where}: {what}")


class ToolchainError(GlotsmithError):
    """A language can't be run here; the message says how to install it."""


class IsolationError(GlotsmithError):
    """Programs can't be isolated here; the message says what to install."""


class InfraError(GlotsmithError):
    """The machine failed to judge a program; it is neither right nor wrong."""


class TeacherError(GlotsmithError):
    """The teacher can't be used at all (as opposed to one bad reply, which is a drop)."""


class OutageError(GlotsmithError):
    """The teacher or the machine failed: what they could not answer is open, and the same command asks again."""

    exit_code = 3


class TeacherOutage(OutageError, TeacherError):
    """The teacher's server has gone, or turns everything away, for now."""


class DefectsError(GlotsmithError):
    """Too many items met an internal error; their tracebacks are in the log."""

    exit_code = 70


class StorageError(GlotsmithError):
    """A file of the run can't be written; what was committed before is safe."""


def decode_fault(data: bytes, error: Exception) -> str:
    """Return why bytes are no JSON; of a byte that is not UTF-8, its offset in all of them.

    Args:
        data: the line, the file or the body; offsets count from its beginning, from 0.
        error: what the decoder raised, whose own position may be one in a text inside.

    """
    try:
        data.decode()
    except UnicodeDecodeError as bad:
        return f"the byte 0x{data[bad.start]:02x} at offset {bad.start} is not UTF-8"
    return str(error)


def unknown_name(sentence: str, given: str, known: Iterable[str], spellings: Mapping[str, str] | None = None) -> str:
    """Return a sentence about a name that is not known, with the known name that it is close to, and all of them.

    Args:
        sentence: its beginning: ``no preset is named 'octpack'``.
        given: the name.
        known: all names that there are.
        spellings: further spellings → the known names that they stand for.

    """
    listed = list(known)
    close = close_name(given, {name: name for name in listed} | dict(spellings or {}))
    if close:
        return f"{sentence}; do you mean {close!r}? There are: {', '.join(listed)}"
    return f"{sentence}; there are: {', '.join(listed)}"


def close_name(given: str, spellings: Mapping[str, str]) -> str:
    """Return the name one of whose spellings is close to ``given``, in any case; "" for none."""
    folded = {spelling.casefold().replace("_", "-"): name for spelling, name in spellings.items()}
    wanted = given.casefold().replace("_", "-")
    close = difflib.get_close_matches(wanted, folded, 1, _CLOSE)
    if close:
        return folded[close[0]]
    longer = [name for spelling, name in folded.items() if len(wanted) > 2 and spelling.startswith(wanted)]
    return longer[0] if len(set(longer)) == 1 else ""
