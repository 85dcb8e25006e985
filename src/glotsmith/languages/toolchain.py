"""Find the toolchain of a language on this machine, and prepare the files that all its programs share."""

import importlib.util
import logging
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import msgspec

from glotsmith.cache_paths import make_once
from glotsmith.errors import ToolchainError
from glotsmith.languages.card import Card, Toolchain, get_card
from glotsmith.languages.render import fill_template
from glotsmith.records import Record, content_hash

_COMMANDS = ("build", "run", "script_build", "script", "server", "served", "warm")  #: fields of a toolchain
_PREPARE_TIMEOUT_S = 600
_PREPARED = "@{prepared}"  #: in commands: the folder of prepared files
_log = logging.getLogger(__name__)
_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib64")


class InstalledToolchain(Record, frozen=True, kw_only=True):
    """A toolchain that runs on this machine; its commands contain absolute paths and do not need PATH."""

    version: str  #: the first line of the output of its version command
    prepare: tuple[tuple[str, ...], ...]  #: with @{prepared} and @{language} (``prepare_toolchain``)
    build: tuple[str, ...]  #: commands contain the placeholders @{dir} and @{source}
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
    """Return the first toolchain of the language's card that runs on this machine.

    Raises:
        ToolchainError: no toolchain runs; the message says how to install one.

    """
    card = get_card(language)
    for toolchain in card.toolchain:
        found = _find_installed(toolchain)
        if found is not None:
            return found
    raise ToolchainError(f"{card.display} cannot be run here: {_missing(card)}")


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
        sources=toolchain.sources,
        **{name: _fill_command(toolchain, getattr(toolchain, name), places) for name in _COMMANDS},
        read_only=tuple(dict.fromkeys((*prefixes, *(p for p in toolchain.read_only if Path(p).exists())))),
        env=toolchain.env,
        files=toolchain.files,
    )


def _fill_command(toolchain: Toolchain, template: tuple[str, ...], places: dict[str, str]) -> tuple[str, ...]:
    """Fill the placeholders of a command; the name of its program may be the toolchain's ``command``.

    The name is the first word, or the first after ``env`` and its variables.
    """
    start = next((i for i, a in enumerate(template) if i and "=" not in a), 0) if template[:1] == ("env",) else 0
    return tuple(
        places["command"] if i == start and toolchain.command == a else fill_template(a, **places)
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
    """Return the path of this process's Python interpreter, and the prefixes that a sandbox must bind for it."""
    prefix = sys.base_prefix
    return str(Path(sys.executable).resolve()), [] if prefix.startswith(_SYSTEM) else [prefix]


def _first_line_of_output(command: tuple[str, ...], env: dict[str, str]) -> str | None:
    """Return the first line of a command's output; None if the command fails."""
    try:
        done = subprocess.run(  # the user's own toolchain, not a candidate
            command, capture_output=True, text=True, timeout=60, check=False, env={"PATH": "/usr/bin:/bin", **env}
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    lines = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
    return lines[0].strip() if done.returncode == 0 and lines else None


# ----------------------------------------------------------------------------------------- preparation


@cache
def prepare_toolchain(language: str) -> InstalledToolchain:
    """Return the language's toolchain with its prepared files, such as precompiled headers and driver libraries.

    The files are made once per machine and toolchain version. If that fails and programs can run without them, they
    start cold.

    Raises:
        ToolchainError: no toolchain runs, or the preparation of required files fails.

    """
    found = find_toolchain(language)
    if not found.prepare:
        return found
    try:
        folder = make_once(f"{language}-{_digest(language, found)}", lambda draft: _prepare(language, found, draft))
    except (OSError, subprocess.SubprocessError) as error:
        return _without_prepared(
            found, f"cannot prepare the toolchain of {get_card(language).display}: {_error_text(error)}"
        )
    return _with_prepared(found, str(folder))


def _digest(language: str, found: InstalledToolchain) -> str:
    return content_hash(found.version, repr(found.prepare), get_card(language).fingerprint)[:16]


def _prepare(language: str, found: InstalledToolchain, draft: Path) -> None:
    """Run the card's commands in the folder that they fill; they are trusted and run without a sandbox."""
    for command in found.prepare:
        argv = [
            fill_template(a, prepared=str(draft), language=str(get_card(language).card_path.parent)) for a in command
        ]
        env = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(draft), "LANG": "C.UTF-8", **found.env}
        subprocess.run(argv, cwd=draft, env=env, check=True, capture_output=True, timeout=_PREPARE_TIMEOUT_S)
    for path in draft.rglob("*"):
        path.chmod(path.stat().st_mode | 0o444 | (0o111 if path.is_dir() else 0))


def _error_text(error: Exception) -> str:
    if isinstance(error, subprocess.CalledProcessError):
        return f"{error.cmd[0]} failed: {error.stderr.decode(errors='replace').strip()[-500:]}"
    return str(error)


def _with_prepared(found: InstalledToolchain, folder: str) -> InstalledToolchain:
    def insert_folder(argv: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(a.replace(_PREPARED, folder) for a in argv)

    return msgspec.structs.replace(
        found,
        **{name: insert_folder(getattr(found, name)) for name in _COMMANDS},
        env={k: v.replace(_PREPARED, folder) for k, v in found.env.items()},
        read_only=(*found.read_only, folder),
    )


def _without_prepared(found: InstalledToolchain, error: str) -> InstalledToolchain:
    """Return the toolchain without warm workers and compile servers, if programs can run without prepared files."""
    needed = (*found.build, *found.run, *found.script_build, *found.script, *found.env.values())
    if any(_PREPARED in word for word in needed):
        raise ToolchainError(error)
    _log.warning("%s; its programs start cold", error)
    return msgspec.structs.replace(found, warm=(), server=())
