"""Text from outside (versions, paths, programs) is printed as it is: neither markup nor emoji codes are replaced."""

import io
import re
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from rich.table import Table

from glotsmith.cli import app as frame
from glotsmith.cli import languages
from glotsmith.errors import GlotsmithError, ToolchainError
from glotsmith.languages import toolchain

Command = Callable[..., tuple[int, str, str]]
TEXTS = ["Racket v8.7 [cs].", "ruby 3.1 [x86_64-linux-gnu]", "[red]a[/red]", "[/]", r"a\[b]", "std :star: map", "x[i]"]


@pytest.mark.parametrize("text", TEXTS)
def test_the_consoles_print_text_as_it_is(text: str, capfd: pytest.CaptureFixture[str]) -> None:
    table = Table("column")
    table.add_row(text)
    frame.out.print(text)
    frame.out.print(table)
    frame.print_error(GlotsmithError(text))
    captured = capfd.readouterr()
    assert (captured.out.count(text), captured.err.splitlines()) == (2, [f"glotsmith: {text}"])


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("command", ["doctor", "languages"])
def test_versions_are_shown_whole(glotsmith: Command, monkeypatch: pytest.MonkeyPatch, command: str, text: str) -> None:
    found = msgspec.structs.replace(toolchain.find_toolchain("lua"), version=text)

    def resolve(name: str) -> object:
        if name == "ruby":
            raise ToolchainError(text)
        return found

    monkeypatch.setattr(languages, "language_names", lambda: ["lua", "ruby"])
    monkeypatch.setattr(languages.toolchain, "find_toolchain", resolve)
    assert glotsmith(command)[1].count(text) == 2


@pytest.mark.parametrize("name", ["a[b]", "[bold]", "x[red]y"])
def test_a_path_is_shown_whole(glotsmith: Command, tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    file = tmp_path / name / "jobs.jsonl"
    file.write_text("")
    code, _, stderr = glotsmith("verify", file)
    assert (code, stderr) == (0, f"glotsmith: {file} contains no job\n")


def test_no_color_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    console = frame._console(stderr=False)
    console.file, console._force_terminal = io.StringIO(), True
    console.print("[red]", style="bold red")
    colours = re.findall(r"\x1b\[([\d;]*)m", console.file.getvalue())
    assert "[red]" in console.file.getvalue()
    assert set(colours) <= {"1", "0", ""}
