import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from glotsmith.errors import ToolchainError
from glotsmith.languages import get_card, toolchain
from glotsmith.languages.proof_rows import ProofRow, read_proof_rows
from glotsmith.records import Verdict
from glotsmith.sandbox import open_sandbox
from glotsmith.verification import Verifier


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine with no interpreter on PATH."""
    toolchain.find_toolchain.cache_clear()
    monkeypatch.setattr(shutil, "which", lambda *_: None)
    yield
    toolchain.find_toolchain.cache_clear()


def chosen(language: str) -> dict[str, ProofRow]:
    """Return the rows that take no seconds."""
    return {
        k: r
        for k, r in read_proof_rows(language).items()
        if not {"fail:memory", "fail:output"} & {*r.expected_statuses}
    }


def verdicts(language: str) -> dict[str, Verdict]:
    async def run() -> dict[str, Verdict]:
        sandbox = open_sandbox("bubblewrap")
        try:
            verifier = Verifier(sandbox)
            jobs = [row.job(language, title) for title, row in chosen(language).items()]
            return {v.id: v for v in await asyncio.gather(*map(verifier.verify, jobs))}
        finally:
            await sandbox.close()

    return asyncio.run(run())


@pytest.mark.slow
def test_without_lua_the_lupa_wheel_earns_the_same_verdicts(monkeypatch: pytest.MonkeyPatch) -> None:
    with_lua = verdicts("lua")
    which = shutil.which
    toolchain.find_toolchain.cache_clear()
    monkeypatch.setattr(shutil, "which", lambda name, *a: None if name == "lua5.4" else which(name, *a))
    try:
        with_lupa = verdicts("lua")
    finally:
        toolchain.find_toolchain.cache_clear()
    assert with_lua["accepted"].toolchain != with_lupa["accepted"].toolchain == "Lua 5.4 (lupa)"
    assert {k: v.status for k, v in with_lupa.items()} == {k: r.expect for k, r in chosen("lua").items()}
    assert {k: v.status for k, v in with_lua.items()} == {k: v.status for k, v in with_lupa.items()}


@pytest.mark.parametrize("language", ["ocaml", "racket", "r", "julia"])
def test_a_missing_toolchain_says_how_to_install_it(bare: None, language: str) -> None:
    with pytest.raises(ToolchainError, match=rf"{get_card(language).display} cannot be run here.*apt|toolchains\.sh"):
        toolchain.find_toolchain(language)


def test_python_is_always_there(bare: None) -> None:
    assert toolchain.find_toolchain("python").version.startswith("Python 3.")


def test_an_interpreter_outside_the_system_is_shown_with_its_prefix_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home" / ".versions" / "5.4"
    (home / "bin").mkdir(parents=True)
    program = home / "bin" / "lua5.4"
    program.write_text("#!/bin/sh\necho 'Lua 5.4.99'\n")
    program.chmod(0o755)
    toolchain.find_toolchain.cache_clear()
    monkeypatch.setattr(shutil, "which", lambda name, *_: str(program) if name == "lua5.4" else None)
    try:
        found = toolchain.find_toolchain("lua")
    finally:
        toolchain.find_toolchain.cache_clear()
    assert found.version == "Lua 5.4.99"
    assert found.read_only == (str(home),)


def test_every_command_of_a_toolchain_starts_the_program_that_was_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The toolchain of a verdict is what ran, also in warm workers, where ``env`` starts the interpreter."""
    program = tmp_path / "lua5.4"
    program.write_text("#!/bin/sh\necho 'Lua 5.4.99'\n")
    program.chmod(0o755)
    toolchain.find_toolchain.cache_clear()
    monkeypatch.setattr(shutil, "which", lambda name, *_: str(program) if name == "lua5.4" else None)
    try:
        found = toolchain.find_toolchain("lua")
    finally:
        toolchain.find_toolchain.cache_clear()
    assert [command[:3].count(str(program)) for command in (found.run, found.script, found.warm)] == [1, 1, 1]
    assert "lua5.4" not in (*found.run, *found.script, *found.warm)
