"""Run a command in a pseudo-terminal, and read its screen as a person sees it."""

import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

PATIENCE_S = 100
_PARTS = re.compile(rb"\x1b\[([?\d;]*)([A-Za-z])|([\r\n])|([^\x1b\r\n]+)|(\x1b)")


class Screen:
    """The lines of a terminal. Of the control sequences it knows those that rich sends."""

    def __init__(self) -> None:
        self.lines, self.row, self.column = [""], 0, 0
        self.unknown: list[bytes] = []  #: control sequences that a display has no use for

    def write(self, data: bytes) -> None:
        for arguments, command, line_end, text, escape in _PARTS.findall(data):
            if command:
                self._control(arguments, command)
            elif line_end:
                self.row, self.column = (self.row + 1, 0) if line_end == b"\n" else (self.row, 0)
                self.lines += [""] * (self.row + 1 - len(self.lines))
            elif escape:
                self.unknown.append(escape)
            else:
                self._put(text.decode())

    def _control(self, arguments: bytes, command: bytes) -> None:
        if command == b"A":
            self.row = max(0, self.row - int(arguments or b"1"))
        elif (command, arguments) == (b"K", b"2"):
            self.lines[self.row] = ""
        elif command != b"m" and (command, arguments) not in ((b"l", b"?25"), (b"h", b"?25")):
            self.unknown.append(arguments + command)

    def _put(self, text: str) -> None:
        line = self.lines[self.row].ljust(self.column)
        self.lines[self.row] = line[: self.column] + text + line[self.column + len(text) :]
        self.column += len(text)

    @property
    def text(self) -> str:
        return "\n".join(line.rstrip() for line in self.lines)


class TerminalRun:
    """The outcome of a command in a terminal."""

    def __init__(self, code: int, data: bytes) -> None:
        self.code, self.data, self.screen = code, data, Screen()
        self.screen.write(data)


def run_in_terminal(
    arguments: Sequence[object],
    folder: Path,
    *,
    columns: int = 80,
    rows: int = 40,
    environment: Mapping[str, str] | None = None,
    interrupt_when: Callable[[], bool] | None = None,
    command: Sequence[str] = (sys.executable, "-m", "glotsmith"),
) -> TerminalRun:
    """Run the command line on a terminal of this size; send one Ctrl-C when ``interrupt_when`` returns true."""
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    known = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES", "NO_COLOR")}
    process = subprocess.Popen(
        [*command, *map(str, arguments)],
        cwd=folder,
        stdin=follower,
        stdout=follower,
        stderr=follower,
        env={**known, "TERM": "xterm-256color", **(environment or {})},
        start_new_session=True,
    )
    os.close(follower)
    data, end, sent = bytearray(), time.monotonic() + PATIENCE_S, False
    os.set_blocking(leader, False)
    while time.monotonic() < end:
        try:
            data += os.read(leader, 1 << 16)
        except BlockingIOError:
            time.sleep(0.02)
        except OSError:  # the command has closed the terminal
            break
        if interrupt_when is not None and not sent and interrupt_when():
            sent = True
            process.send_signal(signal.SIGINT)
    os.close(leader)
    return TerminalRun(process.wait(timeout=PATIENCE_S), bytes(data))
