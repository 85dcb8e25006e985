"""Show the progress of installations: one step for each command, with the last line that it printed."""

import subprocess
from collections import deque
from collections.abc import Sequence

from rich.console import Console

from glotsmith.cli.progress.display import ProgressDisplay, ProgressMode
from glotsmith.cli.progress.plain_lines import PlainView
from glotsmith.cli.progress.state import ColumnNames
from glotsmith.toolkit.install import run_command

_COMMANDS = ColumnNames("succeeded", "failed", "")
_NAME_CHARACTERS = 40  #: largest length of the name of a command
_NOTE_CHARACTERS = 60  #: largest length of an output line that is shown
_LINES = 20  #: number of output lines that are printed of a command that failed


class InstallationDisplay(ProgressDisplay):
    """Runs the commands of an installer; a context manager."""

    def __init__(self, console: Console, mode: ProgressMode = ProgressMode.auto) -> None:
        super().__init__(console, mode, _COMMANDS)
        self._plain = isinstance(self.view, PlainView)

    def begin(self, commands: Sequence[Sequence[str]]) -> None:
        """Show the commands."""
        for command in commands:
            self.state.add_step(_command_name(command), 1)
        self.start()

    def run(self, command: Sequence[str]) -> bool:
        """Run a command and return whether it succeeded. With plain lines, its output is printed on stderr."""
        name = _command_name(command)
        step = self.state.steps.get(name) or self.state.add_step(name, 1)
        step.set_done(0)
        succeeded = run_command(command) if self._plain else self._run_quietly(command, name)
        step.count(kept=succeeded)
        self.finish(name)
        return succeeded

    def _run_quietly(self, command: Sequence[str], name: str) -> bool:
        """Run a command and show its last line; print its last lines if it fails."""
        lines = deque[str](maxlen=_LINES)
        try:
            with subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, errors="replace"
            ) as process:
                assert process.stdout is not None, "it is a pipe"
                for line in process.stdout:
                    lines.append(line.rstrip())
                    self.state.steps[name].note = line.strip()[:_NOTE_CHARACTERS]
        except OSError as error:
            lines.append(str(error))
            process = None
        succeeded = process is not None and process.returncode == 0
        self.state.steps[name].note = ""
        for line in () if succeeded else lines:
            self.print(line)
        return succeeded


def _command_name(command: Sequence[str]) -> str:
    text = " ".join(command)
    return text if len(text) <= _NAME_CHARACTERS else f"{text[: _NAME_CHARACTERS - 1]}…"
