"""Install the toolchains of languages with apt, brew, conda or pip."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from glotsmith.errors import ToolchainError
from glotsmith.languages import toolchain
from glotsmith.languages.card import LANGUAGES_FOLDER, Card
from glotsmith.records import Record

_SCRIPT = "sh scripts/toolchains.sh"  #: a script of the checkout, for toolchains without a package
_APT_OPTIONS = ("-y", "--no-install-recommends")


#: runs a command and returns whether it succeeded
RunCommand = Callable[[Sequence[str]], bool]


class Installers(Record, frozen=True, kw_only=True):
    """The installers of this machine. An installer is a command that takes names of packages."""

    commands: dict[str, tuple[str, ...]]  #: installer → its command, in order of preference
    reasons: dict[str, str] = {}  #: installer → why it cannot be used


class InstallationPlan(Record, frozen=True, kw_only=True):
    """The plan to install one language."""

    language: str
    version: str = ""  #: version of the installed toolchain; "" if there is none
    installer: str = ""
    packages: tuple[str, ...] = ()
    why_not: str = ""  #: reason why it cannot be installed; "" if it can


def find_installers() -> Installers:
    """Return the installers of this machine."""
    found: dict[str, tuple[str, ...]] = {}
    reasons: dict[str, str] = {}
    root = _root_prefix()
    if shutil.which("apt-get") is None:
        reasons["apt"] = "apt-get is not installed"
    elif root is None:
        reasons["apt"] = "apt-get needs root, or sudo without a password"
    else:
        found["apt"] = (*root, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "install", *_APT_OPTIONS)
        script = LANGUAGES_FOLDER.parents[2] / "scripts" / "toolchains.sh"
        if script.is_file():
            found[_SCRIPT] = ("sh", str(script))
    if shutil.which("brew"):
        found["brew"] = ("brew", "install")
    conda = next((c for c in ("mamba", "conda", "micromamba") if shutil.which(c)), "")
    if conda and "CONDA_PREFIX" in os.environ:
        found["conda"] = (conda, "install", "-y", "-c", "conda-forge")
    found["pip"] = (sys.executable, "-m", "pip", "install")
    absent = {
        "brew": "brew is not installed",
        "conda": "no conda environment is active",
        _SCRIPT: "needs a checkout and apt",
    }
    return Installers(commands=found, reasons={**{k: v for k, v in absent.items() if k not in found}, **reasons})


def _root_prefix() -> tuple[str, ...] | None:
    """Return the prefix of commands that need root; None if root is not available."""
    if os.geteuid() == 0:
        return ()
    sudo = shutil.which("sudo")
    if sudo and subprocess.run([sudo, "-n", "true"], capture_output=True, check=False).returncode == 0:
        return (sudo, "-n")
    return None


def packages(card: Card, installer: str) -> tuple[str, ...]:
    """Return the packages for an installer, from the first toolchain of the card that names the installer."""
    return next((tuple(t.install[installer].split()) for t in card.toolchain if installer in t.install), ())


def plan_installation(card: Card, here: Installers) -> InstallationPlan:
    """Return the plan to install a language, by the first toolchain of the card that an installer of ``here`` has."""
    try:
        return InstallationPlan(language=card.name, version=toolchain.find_toolchain(card.name).version)
    except ToolchainError:
        pass
    for found in card.toolchain:
        for installer in here.commands:
            if installer in found.install:
                return InstallationPlan(
                    language=card.name, installer=installer, packages=tuple(found.install[installer].split())
                )
    ways = list(dict.fromkeys(way for t in card.toolchain for way in t.install))
    reasons = "; ".join(f"{way}: {here.reasons.get(way, 'unknown here')}" for way in ways)
    return InstallationPlan(language=card.name, why_not=reasons or "the card names no installer")


def installation_commands(plans: Iterable[InstallationPlan], here: Installers) -> list[tuple[str, ...]]:
    """Return the commands for plans, one for each installer."""
    wanted: dict[str, list[str]] = {}
    for step in plans:
        if step.installer:
            wanted.setdefault(step.installer, []).extend(step.packages)
    made: list[tuple[str, ...]] = []
    for installer, names in wanted.items():
        command = here.commands[installer]
        if installer == "apt":
            made.append((*command[: command.index("install")], "update"))
        made.append((*command, *dict.fromkeys(names)))
    return made


def run_installation(plans: Sequence[InstallationPlan], here: Installers, run: RunCommand | None = None) -> None:
    """Run the commands of plans. If a command fails, install its languages one by one.

    Args:
        plans: The plans of the languages.
        here: The installers of this machine.
        run: Runs a command and returns whether it succeeded; by default, the output of the command is on stderr.

    """
    run = run or run_command
    for command in installation_commands(plans, here):
        if run(command) or command[-1] == "update":
            continue
        for step in plans:
            if step.installer and here.commands[step.installer] == command[: len(here.commands[step.installer])]:
                run((*here.commands[step.installer], *step.packages))
    toolchain.find_toolchain.cache_clear()


def run_command(command: Sequence[str]) -> bool:
    """Run a command with its output on stderr; return whether it succeeded."""
    try:
        return subprocess.run(command, stdout=2, stdin=subprocess.DEVNULL, check=False).returncode == 0
    except OSError:
        return False


def installed_version(card: Card) -> str:
    """Return the version of the installed toolchain of a language; "" if there is none."""
    try:
        return toolchain.find_toolchain(card.name).version
    except ToolchainError:
        return ""


def checkout() -> Path | None:
    """Return the root of the checkout that contains this package, or None."""
    root = LANGUAGES_FOLDER.parents[2]
    return root if (root / "pyproject.toml").is_file() else None
