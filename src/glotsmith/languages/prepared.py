"""What a toolchain makes once a machine, for all programs: precompiled headers, driver libraries, linked toplevels."""

import logging
import subprocess
from functools import cache
from pathlib import Path

import msgspec

from glotsmith.cache_paths import make_once
from glotsmith.errors import ToolchainError
from glotsmith.languages.card import get_card
from glotsmith.languages.render import fill_template
from glotsmith.languages.toolchain import InstalledToolchain, find_toolchain
from glotsmith.records import content_hash

_PATIENCE_S = 600
_PLACE = "@{prepared}"
_log = logging.getLogger(__name__)


@cache
def prepare_toolchain(language: str) -> InstalledToolchain:
    """Return the language's toolchain with all that its programs need, made where it is missing.

    Raises:
        ToolchainError: there is no toolchain, or it can't prepare what programs can't do without.

    """
    found = find_toolchain(language)
    if not found.prepare:
        return found
    try:
        folder = make_once(f"{language}-{_digest(language, found)}", lambda draft: _prepare(language, found, draft))
    except (OSError, subprocess.SubprocessError) as error:
        return _without(found, f"{get_card(language).display} can't prepare its programs: {_told(error)}")
    return _filled(found, str(folder))


def _digest(language: str, found: InstalledToolchain) -> str:
    return content_hash(found.version, repr(found.prepare), get_card(language).fingerprint)[:16]


def _prepare(language: str, found: InstalledToolchain, draft: Path) -> None:
    """Run the commands, which are the card's and the user's own toolchain's, in the folder that they fill."""
    for command in found.prepare:
        argv = [
            fill_template(a, prepared=str(draft), language=str(get_card(language).card_path.parent)) for a in command
        ]
        env = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(draft), "LANG": "C.UTF-8", **found.env}
        subprocess.run(argv, cwd=draft, env=env, check=True, capture_output=True, timeout=_PATIENCE_S)
    for path in draft.rglob("*"):
        path.chmod(path.stat().st_mode | 0o444 | (0o111 if path.is_dir() else 0))


def _told(error: Exception) -> str:
    if isinstance(error, subprocess.CalledProcessError):
        return f"{error.cmd[0]} failed: {error.stderr.decode(errors='replace').strip()[-500:]}"
    return str(error)


def _filled(found: InstalledToolchain, folder: str) -> InstalledToolchain:
    def through(argv: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(a.replace(_PLACE, folder) for a in argv)

    return msgspec.structs.replace(
        found,
        build=through(found.build),
        run=through(found.run),
        script_build=through(found.script_build),
        script=through(found.script),
        server=through(found.server),
        served=through(found.served),
        warm=through(found.warm),
        env={k: v.replace(_PLACE, folder) for k, v in found.env.items()},
        read_only=(*found.read_only, folder),
    )


def _without(found: InstalledToolchain, why: str) -> InstalledToolchain:
    """Return the toolchain without what was prepared: programs start cold, if they can."""
    needed = (*found.build, *found.run, *found.script_build, *found.script, *found.env.values())
    if any(_PLACE in word for word in needed):
        raise ToolchainError(why)
    _log.warning("%s; its programs start cold", why)
    return msgspec.structs.replace(found, warm=(), server=())
