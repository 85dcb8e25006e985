"""Create the typer application, and turn errors into messages and exit codes.

Exit codes: 0 success · 1 a check failed · 2 invalid input · 3 the teacher or the machine failed; run the same command
again to resume · 4 a budget is reached · 5 requests wait in batches · 70 a defect of glotsmith · 130, 143 stopped by a
signal.
"""

import errno
import os
import sys
import traceback
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text
from typer.core import TyperGroup

from glotsmith import __version__, credentials, recipes
from glotsmith.api.run_log import log_to_stderr
from glotsmith.cli.terminal_text import SafeConsole, visible
from glotsmith.errors import GlotsmithError
from glotsmith.languages import language_names


class Stopped(Exception):
    """Ctrl-C stopped a command. Its text states which results are kept; typer drops the text of KeyboardInterrupt."""


class _Group(TyperGroup):
    """The commands. They raise ``Stopped`` on Ctrl-C, because typer exits without a message."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise Stopped("Stopped.") from None


app = typer.Typer(
    name="glotsmith",
    cls=_Group,
    help="Execution-verified multilingual training data for code models.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)
_PIPE_WIDTH = 160  #: width of a table outside a terminal, in columns, if COLUMNS is not set


def _console(*, stderr: bool) -> SafeConsole:
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() or "COLUMNS" in os.environ else _PIPE_WIDTH
    return SafeConsole(stderr=stderr, highlight=False, markup=False, emoji=False, soft_wrap=True, width=width)


out, err = _console(stderr=False), _console(stderr=True)


def _print_version(wanted: bool) -> None:
    if wanted:
        out.print(f"glotsmith {__version__}")
        raise typer.Exit


@app.callback()
def common(
    version_: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Print only errors on stderr, no progress and no advice.")
    ] = False,
    verbose: Annotated[
        int, typer.Option("--verbose", "-v", count=True, help="Print the log on stderr; -vv prints details too.")
    ] = 0,
) -> None:
    """Execution-verified multilingual training data for code models.

    A run writes its log to run.log in its folder.
    """
    err.quiet, err.shows_log = quiet, bool(verbose)
    log_to_stderr(verbose)


def print_error(error: Exception) -> None:
    """Print the message of an error, without credentials."""
    _print_error(credentials.redact(str(error)))


def _print_error(text: str) -> None:
    """Print a message with the name of the program on stderr, even in quiet mode."""
    quiet, err.quiet = err.quiet, False
    err.print(Text.assemble(("glotsmith:", "bold red"), f" {visible(text)}"))
    err.quiet = quiet


def main() -> None:
    """Run the command line and exit with its exit code."""
    sys.exit(_exit_code(_run_and_flush))


def _run_and_flush(**options: Any) -> Any:
    """Run the command line and flush stdout, so that a broken pipe is raised here."""
    credentials.refuse_arguments(sys.argv[1:])
    try:
        return app(**options)
    finally:
        sys.stdout.flush()


def _exit_code(run: Callable[..., Any]) -> int:
    try:
        code = run(standalone_mode=False)
    except typer.Exit as stop:
        return stop.exit_code
    except GlotsmithError as error:
        print_error(error)
        return error.exit_code
    except Stopped as stop:
        err.print(str(stop))
        return 130
    except (KeyboardInterrupt, typer.Abort):
        err.print("Stopped.")
        return 130
    except BrokenPipeError:
        return _end_quietly()
    except SystemExit as stop:  # click and rich raise it on a broken pipe
        if not isinstance(stop.__context__, BrokenPipeError):
            raise
        return _end_quietly()
    except OSError as error:
        return _report_os_error(error)
    except Exception as error:
        return _report_usage_error(error)
    return code if isinstance(code, int) else 0


def _end_quietly() -> int:
    """Exit without a message, because the reader of stdout closed the pipe (``| head``)."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())  # so that the flush at the exit of the interpreter does not fail
    os.close(nowhere)
    return 0


def _report_os_error(error: OSError) -> int:
    if error.errno == errno.ENOSPC:
        print_error(
            GlotsmithError("the disk is full, and a file may be truncated. Free some space and run the command again")
        )
        return 2
    if error.filename is not None and isinstance(error, FileNotFoundError | PermissionError | IsADirectoryError):
        print_error(GlotsmithError(f"{error.filename}: {error.strerror}"))
        return 2
    return _report_internal_error(error)


def _report_usage_error(error: Exception) -> int:
    format_message = getattr(error, "format_message", None)
    if format_message is not None and not format_message():  # no arguments: the help was printed
        return 2
    if format_message is not None:  # a usage error of click
        context = getattr(error, "ctx", None)
        command = context.command_path if context else "glotsmith"
        print_error(GlotsmithError(f"{format_message()} Try '{command} --help'"))
        return 2
    return _report_internal_error(error)


def _report_internal_error(error: Exception) -> int:
    """Write the traceback of an internal error to a log file, and print its name."""
    log = Path.cwd() / "glotsmith-error.log"
    text = credentials.redact("".join(traceback.format_exception(error)))
    try:
        log.write_text(text, "utf-8")
        where = f"its traceback is in {log.name}"
    except OSError:
        where = f"its traceback:\n{text}"
    _print_error(f"an internal error ({type(error).__name__}); please report it. {where}")
    return 70


class Wordings(StrEnum):
    """Whether docstrings use the terms of the target language or those of Python."""

    target = "target"
    verbatim = "verbatim"


Docstrings = Annotated[
    Wordings,
    typer.Option(help="Examples and terms in docstrings: target (in the target language) or verbatim (in Python)."),
]
Isolation = Annotated[
    str,
    typer.Option(
        help="bubblewrap, unshare, container, auto (the first of these that works here), remote (the service of "
        "another machine) or none (no isolation)."
    ),
]
Jobs = Annotated[
    int | None, typer.Option("--jobs", "-j", min=1, help="Programs to run at once; default: one per core.")
]
TextList = list[str] | None  #: the values of a repeatable option
Executor = Annotated[
    str, typer.Option("--executor", help="local: programs run on this machine; ray: on the nodes of a Ray cluster.")
]
RayAddress = Annotated[
    str, typer.Option(help="A running Ray cluster: HOST:6379 or auto. By default, ray starts one on this machine.")
]
MixedToolchains = Annotated[
    bool, typer.Option("--mixed-toolchains", help="Accept nodes whose toolchains differ from those of this machine.")
]


def complete_language(incomplete: str) -> list[str]:
    """Return the languages that start with an incomplete word."""
    return [name for name in language_names() if name.startswith(incomplete.casefold())]


def complete_recipe(incomplete: str) -> list[str]:
    """Return the recipes that start with an incomplete word."""
    return [name for name in recipes.RECIPES if name.startswith(incomplete)]
