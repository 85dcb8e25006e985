"""The command line: one module for each command.

This module imports nothing heavy, so that ``main`` handles Ctrl-C before the commands are imported.
"""

import contextlib
import os
import signal
import sys
from collections.abc import Generator
from types import FrameType

_INTERRUPTED = 130


def main() -> None:
    """Run the command line, and exit with its code."""
    _open_closed_streams()
    with _exit_on_interrupt():
        from glotsmith.cli.app import main as run_command_line
        from glotsmith.cli.command_modules import import_commands

        import_commands(sys.argv[1:])
    run_command_line()


def _open_closed_streams() -> None:
    """Open /dev/null for standard streams that the caller closed, so that no other file gets their numbers."""
    if None not in (sys.stdin, sys.stdout, sys.stderr):
        return
    while (number := os.open(os.devnull, os.O_RDWR)) < 3:
        os.set_inheritable(number, True)
    os.close(number)
    sys.stdin = sys.stdin or open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - open until the end
    sys.stdout = sys.stdout or open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = sys.stderr or open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115


@contextlib.contextmanager
def _exit_on_interrupt() -> Generator[None, None, None]:
    """Exit at once on SIGINT: an exception inside an import may turn into another error, or into a traceback."""
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield  # the caller ignores or handles the signal
        return
    signal.signal(signal.SIGINT, _exit)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _exit(_number: int, _frame: FrameType | None) -> None:
    with contextlib.suppress(OSError):
        os.write(2, b"Stopped.\n")
    os._exit(_INTERRUPTED)
