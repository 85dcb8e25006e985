import subprocess
import sys
from pathlib import Path

import pytest

from glotsmith.languages import get_card, language_names, toolchain
from glotsmith.toolkit import install
from glotsmith.toolkit.install import InstallationPlan, Installers

ROOT = Path(__file__).parents[2]
DEBIAN = Installers(
    commands={"apt": ("sudo", "-n", "apt-get", "install", "-y"), "pip": ("python", "-m", "pip", "install")}
)
MAC = Installers(
    commands={"brew": ("brew", "install"), "pip": ("pip", "install")}, reasons={"apt": "apt-get is not installed"}
)
BARE = Installers(
    commands={"pip": ("pip", "install")}, reasons={"apt": "apt-get needs root", "brew": "brew is not installed"}
)


@pytest.fixture
def nothing_here(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise install.ToolchainError(name)

    monkeypatch.setattr(toolchain, "find_toolchain", missing)


@pytest.mark.parametrize(
    ("language", "here", "installer", "packages"),
    [
        ("ocaml", DEBIAN, "apt", ("ocaml-nox",)),
        ("ocaml", MAC, "brew", ("ocaml",)),
        ("lua", DEBIAN, "apt", ("lua5.4",)),
        ("lua", BARE, "pip", ("lupa",)),
        ("csharp", DEBIAN, "apt", ("mono-mcs", "mono-runtime", "libmono-system-numerics4.0-cil")),
    ],
)
def test_a_plan_takes_the_first_toolchain_that_the_machine_has_an_installer_for(
    nothing_here: None, language: str, here: Installers, installer: str, packages: tuple[str, ...]
) -> None:
    assert install.plan_installation(get_card(language), here) == InstallationPlan(
        language=language, installer=installer, packages=packages
    )


def test_what_can_not_be_had_says_why(nothing_here: None) -> None:
    found = install.plan_installation(get_card("ocaml"), BARE)
    assert not found.installer
    assert "apt: apt-get needs root; brew: brew is not installed" in found.why_not


def test_what_is_there_is_left_alone() -> None:
    found = install.plan_installation(get_card("python"), DEBIAN)
    assert found.version.startswith("Python 3.")
    assert install.installation_commands([found], DEBIAN) == []


def test_one_command_for_each_installer() -> None:
    plans = [
        InstallationPlan(language="a", installer="apt", packages=("x", "y")),
        InstallationPlan(language="b", version="B 1"),
        InstallationPlan(language="c", installer="apt", packages=("y", "z")),
        InstallationPlan(language="d", installer="pip", packages=("w",)),
        InstallationPlan(language="e", why_not="no"),
    ]
    assert install.installation_commands(plans, DEBIAN) == [
        ("sudo", "-n", "apt-get", "update"),
        ("sudo", "-n", "apt-get", "install", "-y", "x", "y", "z"),
        ("python", "-m", "pip", "install", "w"),
    ]


def test_where_one_command_for_all_fails_each_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[tuple[str, ...]] = []

    def run(command: tuple[str, ...], **_: object) -> subprocess.CompletedProcess[bytes]:
        ran.append(tuple(command))
        return subprocess.CompletedProcess(command, 100 if "z" in command else 0)

    monkeypatch.setattr(subprocess, "run", run)
    plans = [InstallationPlan(language=x, installer="pip", packages=(x,)) for x in ("x", "z")]
    install.run_installation(plans, DEBIAN)
    assert [command[4:] for command in ran] == [("x", "z"), ("x",), ("z",)]


def test_this_machine_has_pip() -> None:
    assert install.find_installers().commands["pip"] == (sys.executable, "-m", "pip", "install")


def test_the_scripts_reader_of_cards_says_what_the_cards_say() -> None:
    output = subprocess.run(
        [sys.executable, "-I", "scripts/cards.py"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    lines = {name: (commands, packages) for name, commands, packages in (x.split("|") for x in output.splitlines())}
    assert sorted(lines) == list(language_names())
    for name, (commands, packages) in lines.items():
        assert tuple(packages.split()) == install.packages(get_card(name), "apt")
        first = next((t for t in get_card(name).toolchain if "apt" in t.install), get_card(name).toolchain[0])
        assert first.command in commands.split() or not first.command
