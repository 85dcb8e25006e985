import sys
from collections.abc import Callable

import pytest

from glotsmith.cli import main
from glotsmith.cli.app import err, out

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def glotsmith(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Command:
    """Run the command line in this process; returns (exit code, stdout, stderr)."""

    def run(*arguments: object) -> tuple[int, str, str]:
        for console in (out, err):
            monkeypatch.setattr(console, "_width", 200)
        monkeypatch.setattr(sys, "argv", ["glotsmith", *map(str, arguments)])
        with pytest.raises(SystemExit) as stop:
            main()
        captured = capfd.readouterr()
        return int(stop.value.code or 0), captured.out, captured.err

    return run
