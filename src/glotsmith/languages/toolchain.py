"""Which toolchain of a card this machine has, and what a sandbox must be shown of it."""

import importlib.util
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

from glotsmith.errors import ToolchainError
from glotsmith.languages.card import Card, Toolchain, get_card
from glotsmith.languages.render import fill_template
from glotsmith.records import Record

_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib64")


class InstalledToolchain(Record, frozen=True, kw_only=True):
    """A toolchain that was found here and answered; commands name it by its path, which needs no PATH."""

    version: str  #: first line of what its version command prints
    prepare: tuple[tuple[str, ...], ...]  #: @{prepared} and @{language} are still open (``prepared.ready``)
    build: tuple[str, ...]  #: in commands, @{dir} and @{source} are still open
    run: tuple[str, ...]
    script_build: tuple[str, ...]
    script: tuple[str, ...]
    server: tuple[str, ...]
    sources: dict[str, str]
    served: tuple[str, ...]
    warm: tuple[str, ...]
    read_only: tuple[str, ...]
    env: dict[str, str]
    files: dict[str, str]


@cache
def find_toolchain(language: str) -> InstalledToolchain:
    """Return the first toolchain of the language's card that works here.

    Raises:
        ToolchainError: none does; the sentence says how to install one.

    """
    card = get_card(language)
    for toolchain in card.toolchain:
        found = _find_installed(toolchain)
        if found is not None:
            return found
    raise ToolchainError(f"{card.display} can't be run here: {_missing(card)}")


def _missing(card: Card) -> str:
    wanted = " or ".join(t.command or f"the Python module {t.module}" for t in card.toolchain)
    ways = [f"{tool}: {what}" for t in card.toolchain for tool, what in t.install.items()]
    return f"{wanted} was not found. Install it ({'; '.join(ways)})"


def _find_installed(toolchain: Toolchain) -> InstalledToolchain | None:
    parts = _module_paths(toolchain.module) if toolchain.module else _command_paths(toolchain)
    if parts is None:
        return None
    places, prefixes = parts
    version = _first_line_of_output(_fill_command(toolchain, toolchain.version, places), toolchain.env)
    if version is None:
        return None
    return InstalledToolchain(
        version=version,
        prepare=tuple(_fill_command(toolchain, command, places) for command in toolchain.prepare),
        build=_fill_command(toolchain, toolchain.build, places),
        run=_fill_command(toolchain, toolchain.run, places),
        script_build=_fill_command(toolchain, toolchain.script_build, places),
        script=_fill_command(toolchain, toolchain.script, places),
        sources=toolchain.sources,
        server=_fill_command(toolchain, toolchain.server, places),
        served=_fill_command(toolchain, toolchain.served, places),
        warm=_fill_command(toolchain, toolchain.warm, places),
        read_only=tuple(dict.fromkeys((*prefixes, *(p for p in toolchain.read_only if Path(p).exists())))),
        env=toolchain.env,
        files=toolchain.files,
    )


def _fill_command(toolchain: Toolchain, template: tuple[str, ...], places: dict[str, str]) -> tuple[str, ...]:
    """Fill a command, whose first word may be the toolchain's ``command``."""
    return tuple(
        places["command"] if i == 0 and toolchain.command == a else fill_template(a, **places)
        for i, a in enumerate(template)
    )


def _command_paths(toolchain: Toolchain) -> tuple[dict[str, str], list[str]] | None:
    path = shutil.which(toolchain.command)
    if path is None:
        return None
    if toolchain.prefix:
        folder = (
            _first_line_of_output(_fill_command(toolchain, toolchain.prefix, {"command": path}), toolchain.env) or ""
        )
        path = shutil.which(toolchain.command, path=f"{folder}/bin") or path
    real = Path(path).resolve()
    prefix = str(real.parent.parent if real.parent.name == "bin" else real.parent)
    links = [str(Path(path).parent)] if real != Path(path) else []
    return {"command": path}, [p for p in (prefix, *links) if not p.startswith(_SYSTEM)]


def _module_paths(module: str) -> tuple[dict[str, str], list[str]] | None:
    spec = importlib.util.find_spec(module)
    if spec is None:
        return None
    python, prefixes = python_interpreter()
    places = {"python": python, "site": ""}
    if spec.submodule_search_locations:
        package = Path(next(iter(spec.submodule_search_locations)))
        places["site"] = str(package.parent)
        prefixes = [*prefixes, str(package)]
    return places, prefixes


def python_interpreter() -> tuple[str, list[str]]:
    """Return this process's real Python interpreter and the prefixes a sandbox must show of it."""
    prefix = sys.base_prefix
    return str(Path(sys.executable).resolve()), [] if prefix.startswith(_SYSTEM) else [prefix]


def _first_line_of_output(command: tuple[str, ...], env: dict[str, str]) -> str | None:
    """Return the first line that a command prints; None where it fails."""
    try:
        done = subprocess.run(  # the user's own toolchain, not a candidate
            command, capture_output=True, text=True, timeout=60, check=False, env={"PATH": "/usr/bin:/bin", **env}
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    lines = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
    return lines[0].strip() if done.returncode == 0 and lines else None
