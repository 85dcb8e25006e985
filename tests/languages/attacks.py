"""Programs that fight back: each language's ``hostile.toml`` (``languages.proof_rows``), and what they must not do.

None passes, each is refused by the verdict that its row names, and what runs next on the same sandbox is judged as if
nothing had happened. A row that leaves something behind names it ``glotsmith-hostile``, or has it sleep for a time
that nothing else sleeps for; one that finds a ``glotsmith-canary`` overwrites it.
"""

import asyncio
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from glotsmith.errors import ToolchainError
from glotsmith.languages import get_card, toolchain
from glotsmith.languages.proof_rows import ProofRow, read_proof_rows
from glotsmith.languages.toolchain import prepare_toolchain
from glotsmith.records import Job, Verdict
from glotsmith.sandbox import open_sandbox
from glotsmith.sandbox.base import Sandbox
from glotsmith.sandbox.process_tree import list_pids
from glotsmith.toolkit.row_checks import passing_row, wrong_row
from glotsmith.verification import Verifier

FAST_LANGUAGES = {"lua", "python"}
SLOW_STATUSES = {"fail:timeout", "fail:memory", "fail:output"}  #: they may take seconds to earn
SLOW_KINDS = ("bomb", "fill", "without_end", "endless")
SLEEP, NAME = "31536.75", "glotsmith-hostile"  #: what they leave behind
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
    """One sandbox for all, so that each program meets what those before it left."""
    yield from opened("auto", canary)


def opened(name: str, canary: Path) -> Iterator[Sandbox]:
    """Yield a back end, and check that none of its programs remain after it is closed."""
    before = left_behind()
    sandbox = open_sandbox(name)
    yield sandbox
    asyncio.run(sandbox.close())
    assert not sandbox._folders.root.exists()  # type: ignore[attr-defined]
    assert left_behind() - before == set()
    assert alive(sandbox.name) == []
    assert canary.read_text() == "alive"


def left_behind() -> set[Path]:
    """What bears a hostile program's name, or this process's; others may be at work in the same folders."""
    own = (NAME, f"-{os.getpid()}-")
    found = (p for folder in SCRATCH if Path(folder).is_dir() for p in Path(folder).iterdir())
    return {p for p in (*found, *Path.cwd().iterdir()) if any(word in p.name for word in own)}


def alive(back_end: str) -> list[int]:
    """Processes of this machine that a hostile program started; those just killed get a moment to vanish."""
    found: list[int] = []
    for _ in range(40):
        found = [pid for pid in list_pids() if SLEEP.encode() in command_line(pid) and not is_anothers(pid, back_end)]
        if not found:
            break
        time.sleep(0.05)
    return found


def is_anothers(pid: int, back_end: str) -> bool:
    """Whether it runs in a sandbox of a test process beside this one; what escaped has init for a parent.

    An engine's containers are children of init, too: their monitor tells them apart, and one test process has them.
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
    """The files of programs in a sandbox's folder; what interpreters that are kept warm need is no program's."""
    return [str(p) for p in root.rglob("candidate*")]


@pytest.fixture(scope="module")
def verifier(sandbox: Sandbox) -> Verifier:
    """One for all: it looks at a language's warm workers once before it believes them."""
    return Verifier(sandbox)


async def verdicts(verifier: Verifier, jobs: list[Job]) -> list[Verdict]:
    return [await verifier.verify(job) for job in jobs]


def is_refused_and_harms_nobody(
    sandbox: Sandbox, verifier: Verifier, canary: Path, language: str, title: str, row: ProofRow
) -> None:
    try:
        toolchain.find_toolchain(language)
    except ToolchainError as error:
        pytest.skip(str(error))
    good, bad = passing_row(get_card(language)), wrong_row(get_card(language))
    assert good and bad
    shared = (
        prepare_toolchain(language).warm or prepare_toolchain(language).server
    )  # a worker that could be tainted: it must still tell both apart
    after = [good.job(language), bad.job(language)] if shared else [good.job(language)]
    refused, accepted, *failed = asyncio.run(verdicts(verifier, [row.job(language, title), *after]))
    assert refused.status in row.expected_statuses, refused
    if row.cases:
        assert tuple(c.status for c in refused.cases) == row.cases
    assert accepted.status == "pass", accepted
    assert all(verdict.status in bad.expected_statuses for verdict in failed), failed
    assert programs(sandbox._folders.root) == []  # type: ignore[attr-defined]
    assert alive(sandbox.name) == []
    assert canary.read_text() == "alive"
