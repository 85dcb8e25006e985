"""open_sandbox and probe: selection of a back end, and clean-up after a killed session."""

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from glotsmith.errors import IsolationError, UsageError
from glotsmith.records import Outcome, Program
from glotsmith.sandbox import BACK_ENDS, bubblewrap, open_sandbox, probe
from glotsmith.sandbox.base import ALL_PROMISES
from glotsmith.sandbox.process_tree import list_pids
from glotsmith.sandbox.temporary_folders import remove_stale_folders


def wait_until(condition: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_unknown_name():
    with pytest.raises(
        UsageError, match="no isolation 'docker'; there are: auto, bubblewrap, unshare, container, remote, none"
    ):
        open_sandbox("docker")


def test_auto_never_selects_a_back_end_without_isolation(monkeypatch: pytest.MonkeyPatch):
    for name in BACK_ENDS.keys() - {"none"}:  # each of them may work on this machine
        monkeypatch.setitem(BACK_ENDS, name, f"{__name__}:Broken")
    monkeypatch.setitem(sys.modules, __name__, sys.modules[__name__])
    with pytest.raises(IsolationError) as refusal:
        open_sandbox()
    for name in ("bubblewrap", "unshare", "--isolation none"):
        assert name in str(refusal.value)


def Broken(jobs: int | None) -> None:
    raise IsolationError("out of order")


def test_bubblewrap_missing(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(bubblewrap.shutil, "which", lambda name: None)
    with pytest.raises(IsolationError, match="apt install bubblewrap"):
        open_sandbox("bubblewrap")


@pytest.mark.slow
def test_probe_names_every_back_end():
    found = probe()
    assert [p.name for p in found] == list(BACK_ENDS)
    assert found[-1].works
    assert all(promise in found[-1].message for promise in ALL_PROMISES)


def test_open_within_a_running_loop():
    async def within() -> Outcome:
        sandbox = open_sandbox("none")
        try:
            return await sandbox.run(Program(files={}, argv=("true",)))
        finally:
            await sandbox.close()

    assert asyncio.run(within()).ending == "exit"


@pytest.mark.parametrize("name", list(BACK_ENDS))
def test_killed_glotsmith_leaves_no_process(name: str, tmp_path: Path):
    """SIGKILL cannot be handled: the kernel kills the program, and the next session removes the folder."""
    if name in {"none", "container", "remote"}:
        pytest.skip("none does not kill them; other files test container and remote")
    marker = f"4343.{os.getpid()}{len(name)}"
    script = f"""
        import asyncio
        from glotsmith.records import Program
        from glotsmith.sandbox import open_sandbox
        sandbox = open_sandbox({name!r})
        print(sandbox._folders.root, flush=True)
        asyncio.run(sandbox.run(Program(files={{}}, argv=("sh", "-c", "setsid sleep {marker} & sleep {marker}"))))
    """
    child = subprocess.Popen([sys.executable, "-c", textwrap.dedent(script)], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    folder = Path(child.stdout.readline().strip())
    if not folder.name:
        child.communicate()
        pytest.skip(f"{name} does not work on this machine")
    wait_until(lambda: len(pids_with(f"sleep\0{marker}")) == 2)
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()
    wait_until(lambda: not pids_with(marker))
    remove_stale_folders(folder.parent)  # unless the session of another test has already removed it
    assert not folder.exists()


def pids_with(marker: str) -> list[int]:
    found: list[int] = []
    for pid in list_pids():
        try:
            if marker.encode() in Path(f"/proc/{pid}/cmdline").read_bytes() and pid != os.getpid():
                found.append(pid)
        except OSError:
            continue
    return found
