"""Run the hostile programs of each language, from ``hostile.toml`` (``languages.proof_rows``), and check their effects.

Each program gets a verdict that its row expects, and no program passes. The next program in the same sandbox gets its
correct verdict. Files that a program leaves are named ``glotsmith-hostile``, and processes sleep for a time that no
other process sleeps for. A program that finds a file ``glotsmith-canary`` overwrites it.
"""

import asyncio
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from glotsmith.cache_paths import cache_home
from glotsmith.errors import ToolchainError
from glotsmith.languages import get_card, toolchain
from glotsmith.languages.proof_rows import ProofRow, read_proof_rows
from glotsmith.languages.toolchain import prepare_toolchain
from glotsmith.records import Job, Outcome, Program, Verdict
from glotsmith.sandbox import open_sandbox
from glotsmith.sandbox.base import Sandbox
from glotsmith.sandbox.process_tree import list_pids
from glotsmith.toolkit.row_checks import passing_row, wrong_row
from glotsmith.verification import Verifier

FAST_LANGUAGES = {"lua", "python"}
SLOW_STATUSES = {"fail:timeout", "fail:memory", "fail:output"}  #: a program may need seconds to get them
SLOW_KINDS = ("bomb", "fill", "without_end", "endless")
SLEEP, NAME = "31536.75", "glotsmith-hostile"  #: of the processes and files that a program leaves
COMPILER_CPU_S = 2.0  #: the limit of a compiler that does not end; the default, 60 s, differs in the number only
SCRATCH = ("/tmp", "/dev/shm", "/var/tmp")


def is_slow(language: str, title: str, row: ProofRow) -> bool:
    return (
        language not in FAST_LANGUAGES
        or bool({*row.expected_statuses} & SLOW_STATUSES - {"fail:output"})
        or any(kind in title for kind in SLOW_KINDS)
    )


def parameters(language: str) -> list[Any]:
    return [
        pytest.param(
            language,
            title,
            row,
            id=f"{language} {title}",
            marks=[pytest.mark.slow] if is_slow(language, title, row) else [],
        )
        for title, row in read_proof_rows(language, "hostile").items()
    ]


@pytest.fixture(scope="module")
def canary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("hostile") / "glotsmith-canary"
    path.write_text("alive")
    return path


@pytest.fixture(scope="module")
def sandbox(canary: Path) -> Iterator[Sandbox]:
    """One sandbox for all programs, so that each one meets the effects of earlier ones."""
    yield from opened("auto", canary)


def opened(name: str, canary: Path) -> Iterator[Sandbox]:
    """Yield a back end, and check that none of its programs remain after it is closed."""
    before = remaining_files()
    sandbox = open_sandbox(name)
    yield sandbox
    asyncio.run(sandbox.close())
    assert not sandbox._folders.root.exists()  # type: ignore[attr-defined]
    assert remaining_files() - before == set()
    assert alive(sandbox.name) == []
    assert canary.read_text() == "alive"


def remaining_files() -> set[Path]:
    """Return the files with the name of hostile programs or of this process; other processes may use these folders."""
    own = (NAME, f"-{os.getpid()}-")
    found = (p for folder in SCRATCH if Path(folder).is_dir() for p in Path(folder).iterdir())
    return {p for p in (*found, *Path.cwd().iterdir()) if any(word in p.name for word in own)}


def alive(back_end: str) -> list[int]:
    """Return the running processes that a hostile program started; wait a moment for those that were just killed."""
    found: list[int] = []
    for _ in range(40):
        found = [pid for pid in list_pids() if SLEEP.encode() in command_line(pid) and not is_anothers(pid, back_end)]
        if not found:
            break
        time.sleep(0.05)
    return found


def is_anothers(pid: int, back_end: str) -> bool:
    """Return whether a process runs in a sandbox of another test process. The parent of an escaped process is init.

    Containers of an engine are children of init, too. Their monitor distinguishes them, and only one test process uses
    containers.
    """
    ancestors = list[int]()
    while pid > 1 and (stat := _read(f"/proc/{pid}/stat")):
        if stat.split()[1] == b"(conmon)":
            return back_end != "container"
        pid = int(stat.rpartition(b")")[2].split()[1])
        ancestors.append(pid)
    return os.getpid() not in ancestors and os.getppid() in ancestors


def command_line(pid: int) -> bytes:
    return _read(f"/proc/{pid}/cmdline")


def _read(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError:
        return b""


def programs(root: Path) -> list[str]:
    """Return the files of programs in the folder of a sandbox, without those of warm workers."""
    return [str(p) for p in root.rglob("candidate*")]


@pytest.fixture(scope="module")
def verifier(sandbox: Sandbox) -> Verifier:
    """One verifier for all programs: it checks the warm workers of a language once."""
    return Verifier(sandbox)


class ShortBuildSandbox:
    """A sandbox with a lower CPU limit of compilers."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self.name, self.promises = sandbox.name, sandbox.promises

    async def run(self, program: Program) -> Outcome:
        limits = msgspec.structs.replace(program.limits, build_cpu_s=COMPILER_CPU_S)
        return await self._sandbox.run(msgspec.structs.replace(program, limits=limits))

    async def close(self) -> None:
        await self._sandbox.close()


async def verdicts(verifier: Verifier, jobs: list[Job]) -> list[Verdict]:
    return [await verifier.verify(job) for job in jobs]


def check_hostile_program(
    sandbox: Sandbox, verifier: Verifier, canary: Path, language: str, title: str, row: ProofRow
) -> None:
    try:
        toolchain.find_toolchain(language)
    except ToolchainError as error:
        pytest.skip(str(error))
    found = prepare_toolchain(language)
    shared = found.warm or found.server  # a hostile program may have changed the warm worker or the compile server
    following = language if shared else "python"  # which starts much faster than a compiler
    good, bad = passing_row(get_card(following)), wrong_row(get_card(following))
    assert good and bad
    prepared = prepared_files(language)
    after = [good.job(following), bad.job(following)]
    first = Verifier(ShortBuildSandbox(sandbox)) if title == "compiler_bomb" else verifier
    refused = asyncio.run(first.verify(row.job(language, title)))
    accepted, *failed = asyncio.run(verdicts(verifier, after))
    assert refused.status in row.expected_statuses, refused
    if row.cases:
        assert tuple(c.status for c in refused.cases) == row.cases
    assert accepted.status == "pass", accepted
    assert all(verdict.status in bad.expected_statuses for verdict in failed), failed
    assert programs(sandbox._folders.root) == []  # type: ignore[attr-defined]
    assert prepared_files(language).items() >= prepared.items()
    assert alive(sandbox.name) == []
    assert canary.read_text() == "alive"


def prepared_files(language: str) -> dict[Path, tuple[int, int]]:
    """Return size and time of the last change of each prepared file, which the next programs of a language use."""
    found = (file for folder in cache_home().glob(f"{language}-*") for file in (folder, *folder.rglob("*")))
    return {file: (info.st_size, info.st_ctime_ns) for file in found for info in [file.lstat()]}
