"""A command line imports the module of its command only."""

import subprocess
import sys

import pytest
from typer.core import TyperGroup
from typer.main import get_command

from glotsmith.cli import command_modules
from glotsmith.cli.commands import app


def registered() -> dict[str, str]:
    """Return each command with the module that registers it."""
    found = {str(c.name or c.callback.__name__): c.callback.__module__ for c in app.registered_commands if c.callback}
    for group in app.registered_groups:
        assert group.name and group.typer_instance
        first = group.typer_instance.registered_commands[0].callback
        assert first
        found[group.name] = first.__module__
    return found


def test_the_table_has_each_command_with_its_module() -> None:
    expected = {name: f"glotsmith.cli.{module}" for name, module in command_modules.MODULES.items() if name[0] != "-"}
    assert registered() == expected
    group = get_command(app)
    assert isinstance(group, TyperGroup)
    assert expected.keys() == group.commands.keys()


@pytest.mark.parametrize(
    ("arguments", "module"),
    [
        (["run", "multipl-t"], "run"),
        (["-q", "run", "show"], "run"),
        (["--quiet", "-vv", "doctor"], "languages"),
        (["recipes"], "run"),
        (["languages", "check"], "languages"),
        (["show", "--help"], "show"),
        (["--version"], "app"),
        (["-q", "--version"], "app"),
        ([], "commands"),
        (["--help"], "commands"),
        (["--show-completion"], "commands"),
        (["--show-completion", "bash"], "commands"),
        (["rnu"], "commands"),
        (["rnu", "run"], "commands"),
        (["--", "run"], "run"),
    ],
)
def test_the_module_of_the_command_is_imported(
    monkeypatch: pytest.MonkeyPatch, arguments: list[str], module: str
) -> None:
    imported = list[str]()
    monkeypatch.setattr(command_modules, "import_module", imported.append)
    command_modules.import_commands(arguments)
    assert imported == [f"glotsmith.cli.{module}"]


@pytest.mark.parametrize(
    ("command", "unused"),
    [
        ("run", ["glotsmith.cli.show", "glotsmith.report", "glotsmith.cli.serve", "numpy", "pyarrow"]),
        ("verify", ["glotsmith.cli.run", "glotsmith.recipes.base", "jinja2", "numpy", "pyarrow"]),
        ("languages", ["glotsmith.cli.run", "numpy", "pyarrow"]),
    ],
)
def test_what_a_command_does_not_use_is_not_imported(command: str, unused: list[str]) -> None:
    code = (
        f"import sys; sys.argv = ['glotsmith', {command!r}, '--help']\n"
        "from glotsmith.cli import main\n"
        "try:\n    main()\n"
        f"finally:\n    print(*[name for name in {unused!r} if name in sys.modules], file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.strip()) == (0, "")
    assert f"glotsmith {command}" in done.stdout or f"{command} [OPTIONS]" in done.stdout
