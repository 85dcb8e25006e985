"""The parts of the sandbox that can be tried alone; what they come to is in tests/contracts/test_sandboxes.py."""

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from glotsmith.errors import IsolationError, UsageError
from glotsmith.records import Limits, Outcome, Program
from glotsmith.sandbox import BACK_ENDS, bubblewrap, open_sandbox, probe
from glotsmith.sandbox.base import ALL_PROMISES
from glotsmith.sandbox.pipes import LimitedBuffer, StderrParser
from glotsmith.sandbox.process_tree import list_pids, measure_tree, walk_tree
from glotsmith.sandbox.temporary_folders import SessionFolders, remove_folder, remove_stale_folders
from glotsmith.sandbox.view import command, environment, toolchain_prefixes, write_files
from glotsmith.sandbox.wrapper import BUILDING, MISSING, READY, UNBUILT, wrap_command

# Opening


def test_unknown_name():
    with pytest.raises(
        UsageError, match="no isolation 'docker'; there are: auto, bubblewrap, unshare, container, remote, none"
    ):
        open_sandbox("docker")


def test_auto_never_gives_up_isolation(monkeypatch: pytest.MonkeyPatch):
    for name in BACK_ENDS.keys() - {"none"}:  # the machine may offer each of them, a container too
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
    """SIGKILL can't be handled: the kernel must clean up, and the next session sweeps the folder."""
    if name in {"none", "container", "remote"}:
        pytest.skip("nothing watches over programs without isolation; other files try the others")
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
        pytest.skip(f"{name} does not work here")
    _until(lambda: len(_with(f"sleep\0{marker}")) == 2)
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()
    _until(lambda: not _with(marker))
    remove_stale_folders(folder.parent)  # unless another test's session has done so by now
    assert not folder.exists()


def _with(marker: str) -> list[int]:
    found: list[int] = []
    for pid in list_pids():
        try:
            if marker.encode() in Path(f"/proc/{pid}/cmdline").read_bytes() and pid != os.getpid():
                found.append(pid)
        except OSError:
            continue
    return found


def _until(condition, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


# Folders


def test_sweep_takes_only_the_dead(tmp_path: Path):
    mine = SessionFolders(tmp_path)
    namespace, pid, started = mine.root.name.split("-")[2:5]
    keep = [
        mine.root,
        tmp_path / "something-else",
        tmp_path / "glotsmith-sandbox-odd",
        tmp_path / f"glotsmith-sandbox-1-{pid}-0-x",  # of another container
    ]
    dead = [
        tmp_path / f"glotsmith-sandbox-{namespace}-{pid}-{int(started) + 1}-x",  # the number was used again
        tmp_path / f"glotsmith-sandbox-{namespace}-99999999-5-x",
    ]
    for folder in [*keep[1:], *dead]:
        (folder / "program").mkdir(parents=True)
    remove_stale_folders(tmp_path)
    assert sorted(tmp_path.iterdir()) == sorted(keep)
    mine.close()
    mine.close()
    assert not mine.root.exists()


def test_sweep_follows_no_symlink(tmp_path: Path):
    victim = tmp_path / "victim"
    (victim / "file").parent.mkdir()
    (victim / "file").write_text("here")
    namespace = Path("/proc/self/ns/pid").readlink().name.strip("pid:[]")
    (tmp_path / f"glotsmith-sandbox-{namespace}-99999999-5-x").symlink_to(victim)
    remove_stale_folders(tmp_path)
    assert (victim / "file").read_text() == "here"


def test_remove_whatever_a_program_made(tmp_path: Path):
    folder = tmp_path / "made"
    (folder / "closed" / "x").mkdir(parents=True)
    (folder / "closed").chmod(0)
    (tmp_path / "outside").write_text("here")
    (folder / "link").symlink_to(tmp_path)
    script = "import os\nfor _ in range(3000):\n    os.mkdir('d'); os.chdir('d')"
    subprocess.run([sys.executable, "-c", script], cwd=folder, check=True)
    remove_folder(folder)
    remove_folder(folder)
    assert [p.name for p in tmp_path.iterdir()] == ["outside"]


# What a program sees


@pytest.mark.parametrize(
    ("read_only", "expected"),
    [
        ((), []),
        (("/usr", "/usr/local", "/bin/"), []),  # visible anyway
        (("/opt", "/opt/"), ["/opt"]),
        (("/var/lib", "/opt", "/var"), ["/opt", "/var", "/var/lib"]),  # the outer one first
    ],
)
def test_prefixes(read_only: tuple[str, ...], expected: list[str]):
    assert toolchain_prefixes(Program(files={}, argv=("x",), read_only=read_only)) == expected


@pytest.mark.parametrize(
    ("prefix", "error"), [("/", ValueError), ("//", ValueError), ("opt", ValueError), ("/no/such", FileNotFoundError)]
)
def test_prefixes_refused(prefix: str, error: type[Exception]):
    with pytest.raises(error):
        toolchain_prefixes(Program(files={}, argv=("x",), read_only=(prefix,)))


def test_environment_is_all_there_is(tmp_path: Path):
    (tmp_path / "bin").mkdir()
    program = Program(files={}, argv=("x",), read_only=(str(tmp_path),), env={"LANG": "C", "A": "b"})
    assert environment(program, "/h") == {
        "PATH": f"{tmp_path}/bin:/usr/local/bin:/usr/bin:/bin",
        "HOME": "/h",
        "TMPDIR": "/h",
        "LANG": "C",
        "USER": "sandbox",
        "LOGNAME": "sandbox",
        "A": "b",
    }


def test_command_names_the_folder():
    assert command(("x", "-I@{dir}/a", "@{dir}"), "/f") == ["x", "-I/f/a", "/f"]


def test_files_may_hold_half_a_character(tmp_path: Path):
    write_files({"a/b": "\ud800é"}, tmp_path)
    assert (tmp_path / "a" / "b").read_bytes() == b"\xed\xa0\x80\xc3\xa9"


# Pipes


@pytest.mark.parametrize(
    ("chunks", "state", "said"),
    [
        ([READY + b"err"], "ready", b"err"),
        ([READY[:5], READY[5:], b"a", b"b"], "ready", b"ab"),
        ([b"warning\n" + READY], "ready", b""),
        ([MISSING], "missing", b""),
        ([READY + MISSING], "ready", MISSING),  # the program's own words
        ([b"bwrap: no"], "setup", b"bwrap: no"),
        ([READY, b"x" * 50, b"tail"], "ready", b"x" * 16 + b"tail"),
        ([BUILDING, b"warning\n", READY, b"err"], "ready", b"err"),
        ([BUILDING, b"error\n", UNBUILT], "unbuilt", b"error\n"),
        ([BUILDING, MISSING, b"x"], "building", MISSING[-19:] + b"x"),  # the builder's own words
    ],
)
def test_stderr(chunks: list[bytes], state: str, said: bytes):
    stderr = StderrParser(20)
    for chunk in chunks:
        stderr.feed(chunk)
    assert (stderr.state, bytes(stderr.data)) == (state, said)


@pytest.mark.parametrize(("size", "overflows"), [(0, 0), (9, 0), (10, 0), (11, 1)])
def test_stdout(size: int, overflows: int):
    seen: list[int] = []
    stdout = LimitedBuffer(10, lambda: seen.append(1))
    stdout.feed(b"x" * size)
    assert (len(stdout.data), len(seen)) == (min(size, 10), overflows)


# Wrapper, usage


def test_wrapper_keeps_arguments_apart():
    argv = wrap_command(["printf", "[%s]", "a b", "", "$HOME", "'\"`x`"], Limits(), neighbours=None)
    done = subprocess.run(argv, capture_output=True, check=True)
    assert (done.stdout, done.stderr) == (b"[a b][][$HOME]['\"`x`]", READY)


def test_wrapper_sets_limits():
    argv = wrap_command(
        ["sh", "-c", "ulimit -c; ulimit -f; ulimit -t; ulimit -n"], Limits(cpu_s=1.5, file_mb=2), neighbours=0
    )
    assert subprocess.run(argv, capture_output=True, check=True).stdout.split() == [b"0", b"4096", b"4", b"256"]


def test_walk_finds_children_of_all_threads():
    script = (
        "import subprocess as s, threading as t\n"
        "r = t.Thread(target=lambda: s.run(['sh', '-c', 'sleep 30; :']))\n"
        "r.start(); print(flush=True); r.join()"
    )
    child = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, start_new_session=True)
    assert child.stdout is not None
    child.stdout.readline()
    _until(lambda: [p.depth for p in walk_tree(child.pid)] == [0, 1, 2])
    usage = measure_tree(walk_tree(child.pid), 1, max_processes=10, memory_limit_mb=1e6)
    bounded = measure_tree(walk_tree(child.pid), 0, max_processes=1, memory_limit_mb=1e6)
    os.killpg(child.pid, signal.SIGKILL)
    child.wait()
    child.stdout.close()
    assert usage.processes == 2
    assert 0 < usage.memory_mb < 50
    assert bounded.processes == 2  # one more than allowed, and no further
