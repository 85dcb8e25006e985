"""Find where glotsmith was installed from, and return commands that install its extras from there.

glotsmith is not on a package index, so ``pip install glotsmith`` finds nothing or another project. The record of the
installer (PEP 610) says where it came from: a checkout, a wheel, a repository.
"""

import importlib.util
import json
import re
import shlex
import shutil
import sys
import sysconfig
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Any, NamedTuple, cast
from urllib.parse import unquote, urlsplit

_EXTRA = re.compile(r"""extra\s*==\s*["']([^"']+)["']""")


class InstallSource(NamedTuple):
    """A place to install glotsmith from."""

    url: str  #: the URL of a folder, a file or a repository
    editable: bool = False  #: whether the files of the checkout are used in place

    @property
    def path(self) -> Path | None:
        """The local folder or file; None if the URL is remote."""
        return Path(unquote(urlsplit(self.url).path)) if self.url.startswith("file://") else None

    def requirement(self, extra: str = "") -> str:
        """Return the requirement for a list of dependencies, optionally with an extra."""
        return f"{_requirement_name(extra)} @ {self.url}"


def install_source() -> InstallSource | None:
    """Return where glotsmith can be installed from; None if that is unknown or no longer exists."""
    found = _checkout_source() or _recorded_source()  # the running checkout may not be the installed one
    if found is None or (found.path is not None and not found.path.exists()):
        return None
    return found


def requirement(extra: str = "") -> str:
    """Return the requirement for a list of dependencies; only the name if the source is unknown."""
    found = install_source()
    return found.requirement(extra) if found else _requirement_name(extra)


def install_command(extra: str) -> str:
    """Return the command that installs an extra of glotsmith into the Python that runs it.

    If the source is unknown, it installs the requirements of the extra by name.
    """
    found = install_source()
    if found is None:
        return f"{_pip_command()} {shlex.join(extras().get(extra, [_requirement_name(extra)]))}"
    if found.editable and found.path:
        return f"{_pip_command()} -e {shlex.quote(f'{found.path}[{extra}]')}"
    return f"{_pip_command()} {shlex.quote(found.requirement(extra))}"


def pip_command(*arguments: str) -> str:
    """Return the command that runs ``pip install`` with these arguments for the Python that runs glotsmith."""
    return f"{_pip_command()} {shlex.join(arguments)}"


def extras() -> dict[str, list[str]]:
    """Return extra → requirements of the installed glotsmith; {} if it is not installed."""
    found: dict[str, list[str]] = {}
    installed = _installed()
    for line in (installed.requires if installed else None) or ():
        wanted, _, condition = line.partition(";")
        if named := _EXTRA.search(condition):
            found.setdefault(named[1], []).append(wanted.strip())
    return found


def _requirement_name(extra: str) -> str:
    return f"glotsmith[{extra}]" if extra else "glotsmith"


def _installed() -> Distribution | None:
    try:
        return distribution("glotsmith")
    except PackageNotFoundError:
        return None


def _recorded_source() -> InstallSource | None:
    """Return the source that the installer recorded."""
    installed = _installed()
    text = installed.read_text("direct_url.json") if installed else None
    try:
        written: Any = json.loads(text or "null")
    except ValueError:
        return None
    return _parse_direct_url(cast("dict[str, Any]", written)) if isinstance(written, dict) else None


def _parse_direct_url(written: dict[str, Any]) -> InstallSource | None:
    url, vcs = written.get("url"), written.get("vcs_info")
    if not isinstance(url, str):
        return None
    if isinstance(vcs, dict):
        info = cast("dict[str, str]", vcs)
        url = f"{info['vcs']}+{url}@{info['commit_id']}"
    if written.get("subdirectory"):
        url = f"{url}#subdirectory={written['subdirectory']}"
    return InstallSource(url, bool(written.get("dir_info", {}).get("editable")))


def _checkout_source() -> InstallSource | None:
    """Return the checkout that contains this file; None if there is none."""
    root = Path(__file__).parents[2]
    named = (root / "pyproject.toml").is_file() and (root / "src" / "glotsmith").is_dir()
    return InstallSource(root.as_uri(), editable=True) if named else None


def _pip_command() -> str:
    """Return the command that installs into this Python; it works in any folder."""
    python = shlex.quote(sys.executable)
    if importlib.util.find_spec("pip") is None:
        return f"uv pip install --python {python}"
    own = shutil.which("pip")
    if own is not None and Path(own).parent == Path(sysconfig.get_path("scripts")):
        return "pip install"
    return f"{python} -m pip install"
