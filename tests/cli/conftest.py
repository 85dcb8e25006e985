import sys
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
import typer.main

from glotsmith.cli import main
from glotsmith.cli.app import err, out

_build = typer.main.get_command


@cache
def _built_once(app: typer.Typer, _commands: int) -> Any:
    """Return the command line, which typer would build again for each call in this process."""
    return _build(app)


def _built(app: typer.Typer) -> Any:
    return _built_once(app, len(app.registered_commands) + len(app.registered_groups))


Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def glotsmith(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Command:
    """Run the command line in this process; returns (exit code, stdout, stderr)."""

    def run(*arguments: object) -> tuple[int, str, str]:
        for console in (out, err):
            monkeypatch.setattr(console, "_width", 200)
        monkeypatch.setattr(typer.main, "get_command", _built)
        monkeypatch.setattr(sys, "argv", ["glotsmith", *map(str, arguments)])
        with pytest.raises(SystemExit) as stop:
            main()
        captured = capfd.readouterr()
        return int(stop.value.code or 0), captured.out, captured.err

    return run
