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

from pathlib import Path
from typing import ClassVar


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
