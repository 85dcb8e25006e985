"""The contract of every isolation back end: each test tries to break one property.

Tests of a promise that a back end does not make are skipped. ``remote`` talks to a service that these tests start. To
test a back end of your own:

    GLOTSMITH_TEST_BACK_END=module:Class pytest tests/contracts/test_sandboxes.py
"""

import asyncio
import os
import pwd
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from glotsmith.errors import IsolationError
from glotsmith.records import Limits, Outcome, Program
from glotsmith.sandbox import BACK_ENDS, open_sandbox
from glotsmith.sandbox.base import ALL_PROMISES, Sandbox
from glotsmith.sandbox.local_sandbox import LocalSandbox
from glotsmith.sandbox.process_tree import list_children, list_pids
from serving import Serving

PYTHON = "/usr/bin/python3"
SMALL = Limits(cpu_s=2, wall_s=20, memory_mb=128, processes=16, file_mb=4, output_kb=64)
REMOTE_DELAY_S = 15.0  #: within which a remote service must do what a local sandbox does at once

EVERYTHING = os.environ.get("GLOTSMITH_TEST_EVERYTHING") == "1"
YOURS = os.environ.get("GLOTSMITH_TEST_BACK_END", "")
if YOURS:
    BACK_ENDS["yours"] = YOURS
COLD = [f"{name} cold" for name in ("bubblewrap", "unshare")]  #: without warm workers, as if no C compiler existed
NAMES = ["yours"] if YOURS else [name for name in BACK_ENDS if name != "yours"] + COLD
FAST = {"bubblewrap", "yours"}  #: each of the others takes as long again
PARAMETERS = [pytest.param(name, marks=[] if name in FAST else [pytest.mark.slow]) for name in NAMES]


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """Start the service for ``remote``; programs may see the files of these tests."""
    served = Serving("--jobs", "2", "--expose", str(tmp_path_factory.getbasetemp()), env={"SECRET_KEY": "leaked"})
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GLOTSMITH_REMOTE", served.address)
        yield served
    assert served.stop() == 0


def open_named(name: str, request: pytest.FixtureRequest) -> Sandbox:
    try:
        if name == "remote":
            asyncio.run(open_sandbox("auto", jobs=1).close())  # the service needs a back end that isolates
            request.getfixturevalue("service")
        return open_sandbox(name.removesuffix(" cold"), jobs=2, warm=not name.endswith(" cold"))
    except IsolationError as error:
        # A container engine is required only where root tests everything (see conftest.py).
        optional = name == "container" and not (EVERYTHING and os.geteuid() == 0)
        pytest.skip(str(error).splitlines()[1] if optional else str(error))


@pytest.fixture(scope="module", params=PARAMETERS)
def sandbox(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    opened = open_named(request.param, request)
    yield opened
    asyncio.run(opened.close())


def is_local(sandbox: Sandbox) -> bool:
    """Return whether the folders and processes of a back end are on this machine, where tests can inspect them."""
    return isinstance(sandbox, LocalSandbox)


def holds_soon(sandbox: Sandbox, holds: Callable[[], bool]) -> bool:
    """Return whether a condition holds; a remote service gets some time to fulfil it."""
    deadline = time.monotonic() + (0 if is_local(sandbox) else REMOTE_DELAY_S)
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.02)
    return holds()


def needs(sandbox: Sandbox, promise: str) -> None:
    if promise not in sandbox.promises:
        pytest.skip(f"{sandbox.name} does not promise {promise}")


def run(sandbox: Sandbox, program: Program) -> Outcome:
    return asyncio.run(sandbox.run(program))


def sh(sandbox: Sandbox, script: str, *, limits: Limits = SMALL, stdin: str = "", **files: str) -> Outcome:
    named = {name.replace("_", "."): text for name, text in files.items()}
    return run(sandbox, Program(files=named, argv=("sh", "-c", script), stdin=stdin, limits=limits))


def py(sandbox: Sandbox, code: str, *, limits: Limits = SMALL, stdin: str = "") -> Outcome:
    program = Program(files={"a.py": code}, argv=(PYTHON, "@{dir}/a.py"), stdin=stdin, limits=limits)
    return run(sandbox, program)


def alive(marker: str) -> list[int]:
    """Return the processes of this machine with ``marker`` on their command line."""
    found: list[int] = []
    for pid in list_pids():
        try:
            line = Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            continue
        if marker.encode() in line and pid != os.getpid():
            found.append(pid)
    return found


# Endings


@pytest.mark.parametrize(
    ("script", "ending", "code"),
    [
        ("exit 0", "exit", 0),
        ("exit 3", "exit", 3),
        ("exit 126", "exit", 126),
        ("exit 127", "exit", 127),  # the exit code of the program does not mean "no such command"
        ("no-such-command", "exit", 127),
        ("exit 255", "exit", 255),
        ("kill -SEGV $$", "signal", 11),
        ("kill -TERM $$", "signal", 15),
        ("kill -KILL $$", "signal", 9),
        ("kill -ABRT $$", "signal", 6),
    ],
)
def test_ending(sandbox: Sandbox, script: str, ending: str, code: int):
    outcome = sh(sandbox, script)
    assert (outcome.ending, outcome.code, outcome.detail) == (ending, code, "")


def test_output(sandbox: Sandbox):
    outcome = sh(sandbox, "printf 'é\\000out'; printf err >&2")
    assert (outcome.stdout, outcome.stderr) == ("é\0out".encode(), b"err")


@pytest.mark.parametrize("text", ["", "one\n", "ünïcödé 🎈\n", "x" * 3_000_000])
def test_stdin_arrives_completely(sandbox: Sandbox, text: str):
    outcome = sh(sandbox, "wc -c", stdin=text)
    assert int(outcome.stdout) == len(text.encode())


def test_stdin_may_be_ignored(sandbox: Sandbox):
    assert sh(sandbox, "exit 4", stdin="x" * 3_000_000).code == 4


@pytest.mark.parametrize("argv", [("no-such-command",), ("/no/such/command",), ("/etc",), ("@{dir}/a.txt",)])
def test_a_missing_command_is_infra(sandbox: Sandbox, argv: tuple[str, ...]):
    outcome = run(sandbox, Program(files={"a.txt": "not executable"}, argv=argv))
    assert outcome.ending == "infra"
    assert argv[0] in outcome.detail


def test_a_missing_prefix_is_infra(sandbox: Sandbox):
    outcome = run(sandbox, Program(files={}, argv=("true",), read_only=("/no/such/prefix",)))
    assert outcome.ending == "infra"
    assert "/no/such/prefix" in outcome.detail


@pytest.mark.parametrize("build", ["exit 0", "echo >program", "mkdir program"])
def test_a_build_without_a_command_is_a_failure_of_the_program(sandbox: Sandbox, build: str):
    program = Program(files={}, build=("sh", "-c", f"{build}; echo why"), argv=("./program",), limits=SMALL)
    outcome = asyncio.run(sandbox.run(program))
    assert (outcome.ending, outcome.built) == ("exit", False), outcome


def test_a_program_cannot_cause_infra(sandbox: Sandbox):
    outcome = sh(sandbox, r"printf '\000glotsmith:missing\n' >&2; exit 127")
    assert (outcome.ending, outcome.code) == ("exit", 127)
    assert b"glotsmith:missing" in outcome.stderr


# Files


def test_files_are_readable_as_written(sandbox: Sandbox):
    files = {"ä b.txt": "größe\r\n\n", "deep/er/x": "1"}
    outcome = run(sandbox, Program(files=files, argv=("sh", "-c", "cd '@{dir}'; cat 'ä b.txt' deep/er/x")))
    assert outcome.stdout.decode() == "größe\r\n\n1"


@pytest.mark.parametrize("name", ["../x", "/tmp/x", "a/../../x"])
def test_files_stay_in_the_folder(sandbox: Sandbox, name: str):
    with pytest.raises(ValueError, match="must stay in its folder"):
        run(sandbox, Program(files={name: ""}, argv=("true",)))


def test_current_directory_is_writable_and_private(sandbox: Sandbox):
    write_and_list = "touch left $HOME/left /tmp/glotsmith-test-left; ls -A . $HOME; pwd"
    first, second = sh(sandbox, write_and_list), sh(sandbox, "ls -A . $HOME")
    Path("/tmp/glotsmith-test-left").unlink(missing_ok=True)
    assert first.stdout.count(b"left") >= 2
    assert b"left" not in second.stdout


def test_program_folder_is_read_only(sandbox: Sandbox):
    needs(sandbox, "program")
    script = "cd @{dir}; echo x > a.txt; echo x > b.txt; rm a.txt; chmod 777 .; mv a.txt c.txt; cat *"
    assert sh(sandbox, script, a_txt="same").stdout == b"same"


@pytest.mark.parametrize(
    "path", ["/", "/usr", "/usr/bin", "/etc", "/box", "/dev", "/proc/sys/kernel", "/root", "/home"]
)
def test_no_other_folder_is_writable(sandbox: Sandbox, path: str):
    needs(sandbox, "files")
    outcome = sh(sandbox, f"touch {path}/glotsmith-probe && echo written")
    assert outcome.stdout == b""
    assert not (os.access(path, os.X_OK) and Path(path, "glotsmith-probe").exists())


def test_host_files_cannot_be_read(sandbox: Sandbox, tmp_path: Path):
    needs(sandbox, "files")
    secret = tmp_path / "secret"
    secret.write_text("found")
    home = Path.home() / ".profile"
    home.write_text("found")
    users = Path(pwd.getpwuid(os.getuid()).pw_dir, ".profile")
    outcome = sh(sandbox, f"cat {secret} {home} {users} {__file__}")
    assert outcome.stdout == b""
    if sandbox.name != "container":  # images contain such files
        assert sh(sandbox, "cat /etc/shadow /etc/hosts; ls /root /home /sys /run /var").stdout == b""


def test_host_files_cannot_be_reached_through_proc(sandbox: Sandbox, tmp_path: Path):
    needs(sandbox, "files")
    (tmp_path / "secret").write_text("found")
    assert b"found" not in sh(sandbox, f"cat /proc/*/root{tmp_path}/secret /proc/*/cwd{tmp_path}/secret").stdout


def test_symlinks_do_not_reach_the_host(sandbox: Sandbox, tmp_path: Path):
    """This holds while the program runs and when its folder is removed."""
    (tmp_path / "precious").write_text("here")
    outcome = sh(
        sandbox, f"ln -s {tmp_path} link; ln -s {tmp_path}/precious p; mkdir d; ln -s {tmp_path} d/link; echo ok"
    )
    assert outcome.stdout == b"ok\n"
    assert (tmp_path / "precious").read_text() == "here"


def test_prefix_is_visible_and_read_only(sandbox: Sandbox, tmp_path: Path):
    prefix = tmp_path / "tool"
    (prefix / "bin").mkdir(parents=True)
    (prefix / "bin" / "greet").write_text("#!/bin/sh\necho hello\n")
    (prefix / "bin" / "greet").chmod(0o755)
    (tmp_path / "neighbour").write_text("found")
    script = f"greet; cat {tmp_path}/neighbour; echo x > {prefix}/new"
    outcome = run(sandbox, Program(files={}, argv=("sh", "-c", script), read_only=(str(prefix),)))
    assert outcome.stdout.startswith(b"hello\n")
    if "files" in sandbox.promises:
        assert outcome.stdout == b"hello\n"
        assert not (prefix / "new").exists()


def test_no_environment_leaks(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SECRET_KEY", "leaked")
    program = Program(files={}, argv=("env",), env={"MINE": "1"})
    names = {line.split(b"=")[0].decode() for line in run(sandbox, program).stdout.splitlines()}
    assert {"PATH", "HOME", "TMPDIR", "LANG", "USER", "LOGNAME", "MINE"} <= names
    assert names <= {
        "PATH",
        "HOME",
        "TMPDIR",
        "LANG",
        "USER",
        "LOGNAME",
        "MINE",
        "PWD",
        "OLDPWD",
        "SHLVL",
        "_",
        "GLOTSMITH_RUN",
    }


def test_no_descriptors_leak(sandbox: Sandbox, tmp_path: Path):
    with (tmp_path / "open").open("w") as file:
        os.set_inheritable(file.fileno(), True)
        outcome = sh(sandbox, "ls /proc/self/fd")
    assert outcome.stdout.split() == [b"0", b"1", b"2", b"3"]  # 3 belongs to ls


# Network, processes and users


def test_no_network(sandbox: Sandbox):
    needs(sandbox, "network")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        outcome = py(sandbox, f"import socket\nsocket.create_connection(('127.0.0.1', {port}), 2)")
    assert b"ConnectionRefusedError" in outcome.stderr
    outcome = py(sandbox, "import socket\nsocket.create_connection(('192.0.2.1', 80), 2)")
    assert b"Network is unreachable" in outcome.stderr


def test_abstract_sockets_are_unreachable(sandbox: Sandbox):
    needs(sandbox, "network")
    name = f"\0glotsmith-{os.getpid()}"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(name)
        server.listen()
        outcome = py(sandbox, f"import socket\nsocket.socket(socket.AF_UNIX).connect({name!r})")
    assert b"ConnectionRefusedError" in outcome.stderr


def test_host_processes_are_invisible(sandbox: Sandbox):
    needs(sandbox, "processes")
    pids = [int(pid) for pid in sh(sandbox, "echo /proc/[0-9]*").stdout.replace(b"/proc/", b"").split()]
    assert len(pids) <= 4


def test_killing_everything_kills_no_other_process(sandbox: Sandbox):
    needs(sandbox, "processes")
    outcome = sh(sandbox, "kill -9 -1; kill -9 1; echo alive; exit 5")
    assert (outcome.ending, outcome.code, outcome.stdout) == ("exit", 5, b"alive\n")
    outcome = sh(sandbox, "kill -STOP 1; kill -TERM 1; exit 6")
    assert (outcome.ending, outcome.code) == ("exit", 6)


def test_no_privileges_can_be_gained(sandbox: Sandbox):
    needs(sandbox, "files")
    status = sh(sandbox, "grep -E 'Cap|NoNewPrivs' /proc/self/status; unshare -U true || unshare -r true || echo no")
    words = status.stdout.split()
    assert words[1:10:2] == [b"0000000000000000"] * 5
    assert words[11:] == [b"1", b"no"]


def test_the_user_is_unprivileged(sandbox: Sandbox):
    """The programs of root do not run as root on the host."""
    needs(sandbox, "files")
    assert sh(sandbox, "id -u; id -g; id -G").stdout.split() == [b"1000"] * 3
    if os.geteuid() == 0 and sandbox.name != "container":
        assert sh(sandbox, "grep -w 1000 /proc/self/uid_map").stdout.split() == [b"1000", b"65534", b"1"]


@pytest.mark.parametrize(
    "code",
    [
        "getpass.getuser() == pwd.getpwuid(os.getuid()).pw_name",
        "os.environ['USER'] == os.environ['LOGNAME'] == subprocess.getoutput('whoami')",
        "os.path.expanduser('~') == os.environ['HOME'] and os.access(os.path.expanduser('~'), os.W_OK)",
        "grp.getgrgid(os.getgid()).gr_name == subprocess.getoutput('id -gn')",
    ],
)
def test_the_user_has_a_name(sandbox: Sandbox, code: str):
    outcome = py(sandbox, f"import getpass, grp, os, pwd, subprocess\nprint({code})")
    assert outcome.stdout == b"True\n", outcome


def test_other_users_are_unknown(sandbox: Sandbox):
    """The names of the host's users are invisible."""
    needs(sandbox, "files")
    names = sh(sandbox, "cut -d: -f1 /etc/passwd").stdout.decode().split()
    assert names == ["root", "sandbox", "nobody"]
    assert sh(sandbox, "echo x >>/etc/passwd; wc -l </etc/passwd").stdout == b"3\n"


@pytest.mark.parametrize("script", ["cat /dev/stdin > /dev/stdout", "cat <&0 >/proc/self/fd/1", "tee /dev/null"])
def test_standard_streams_can_be_opened_by_name(sandbox: Sandbox, script: str):
    assert sh(sandbox, script, stdin="through").stdout == b"through"


# Limits


SPIN = "while True: pass"
IGNORE = f"import signal\nsignal.signal(signal.SIGXCPU, signal.SIG_IGN)\n{SPIN}"
FORKS_THAT_SPIN = f"import os\nos.fork()\nos.fork()\n{SPIN}"
MANY_SHORT_CHILDREN = """
import os
while True:
    if not os.fork():
        for _ in range(10**6): pass
        os._exit(0)
    os.wait()
"""
BIG = f"x = bytearray(2**30)\n{SPIN}"
GROWING = "x = []\nwhile True: x.append(bytearray(2**20))"
SPREAD = "import os, time\nfor _ in range(3): os.fork()\nx = bytearray(30 * 2**20)\ntime.sleep(30)"
SHARED_MAPPING = "import mmap, time\nm = mmap.mmap(-1, 2**28)\nm.write(b'x' * 2**28)\ntime.sleep(30)"
SLEEPERS = "import os, time\nfor _ in range(40):\n    if not os.fork(): time.sleep(30)\ntime.sleep(30)"
THREADS = "import threading as t, time\nwhile True: t.Thread(target=time.sleep, args=(30,)).start()"
FORK_BOMB = "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass"
CHATTER = "while True: print('x' * 1000)"
ORPHAN = f"import os\nif os.fork(): os._exit(0)\n{SPIN}"


@pytest.mark.parametrize(
    ("code", "endings"),
    [
        (SPIN, {"cpu"}),
        (IGNORE, {"cpu"}),
        (FORKS_THAT_SPIN, {"cpu"}),
        (MANY_SHORT_CHILDREN, {"cpu"}),
        (BIG, {"memory"}),
        (GROWING, {"memory"}),
        (SPREAD, {"memory"}),
        (SHARED_MAPPING, {"memory"}),
        (SLEEPERS, {"processes"}),
        (THREADS, {"processes", "exit"}),  # "exit" if the kernel refuses the thread before the watchdog's check
        (FORK_BOMB, {"processes", "cpu"}),
        (CHATTER, {"output"}),
        (ORPHAN, {"exit"}),
        ("x = bytearray(50 * 2**20)", {"exit"}),
        ("import time\ntime.sleep(0.7)", {"exit"}),
    ],
)
def test_limit(sandbox: Sandbox, code: str, endings: set[str]):
    assert py(sandbox, code, limits=msgspec.structs.replace(SMALL, cpu_s=0.5)).ending in endings


@pytest.mark.parametrize("megabytes", [64, 128, 1024])
def test_the_stack_is_nearly_as_large_as_the_memory(sandbox: Sandbox, megabytes: int):
    limits = msgspec.structs.replace(SMALL, memory_mb=megabytes)
    assert int(sh(sandbox, "ulimit -s", limits=limits).stdout) == megabytes * 1024 * 7 // 8


@pytest.mark.slow
def test_shared_memory_counts_once(sandbox: Sandbox):
    code = """
import os, time
x = bytearray(60 * 2**20)
for _ in range(3):
    if not os.fork():
        time.sleep(.3)
        os._exit(0)
time.sleep(.4)
"""
    outcome = py(sandbox, code)
    assert (outcome.ending, outcome.code) == ("exit", 0)
    assert 60 < outcome.peak_memory_mb < 128


@pytest.mark.slow
@pytest.mark.parametrize(
    ("script", "ending"),
    [
        ("sleep 42", "idle"),
        ("sleep 42 & wait", "idle"),
        ("while :; do sleep 0.1; done", "idle"),
        ("mkfifo x; cat x", "idle"),
        ("cat", "exit"),  # a closed stdin ends at once
        ("sleep 0.1; sleep 0.1", "exit"),
        ("(while :; do :; done) & sleep 42", "cpu"),  # one process waits, another works
    ],
)
def test_idle_limit(sandbox: Sandbox, script: str, ending: str):
    outcome = sh(sandbox, script, limits=Limits(idle_s=0.5, cpu_s=1.0, wall_s=20))
    assert outcome.ending == ending
    assert outcome.detail.startswith("idle" if ending == "idle" else "")
    assert ending != "idle" or outcome.cpu_s < 0.5


@pytest.mark.slow
def test_a_program_without_an_idle_limit_may_wait(sandbox: Sandbox):
    assert sh(sandbox, "sleep 1.5", limits=Limits(wall_s=20)).ending == "exit"


@pytest.mark.parametrize(
    "script", ["sleep 30", "trap '' TERM INT HUP; sleep 30; sleep 30", "kill -STOP $$", "mkfifo f; cat f"]
)
def test_wall_limit(sandbox: Sandbox, script: str):
    assert sh(sandbox, script, limits=Limits(wall_s=0.3)).ending == "wall"


def test_fork_bomb_of_shells_leaves_the_machine_alone(sandbox: Sandbox):
    """Parents end at once, so the process tree changes constantly."""
    needs(sandbox, "processes")
    outcome = sh(sandbox, "b() { b | b & }; b; exec sleep 30")
    assert outcome.ending in {"processes", "cpu", "wall"}  # "wall" if it reaches the kernel's limit at once


def test_the_size_of_a_file_is_limited(sandbox: Sandbox):
    outcome = sh(sandbox, "dd if=/dev/zero of=big bs=1M count=64; stat -c %s big")
    assert int(outcome.stdout) <= 4 * 2**20


@pytest.mark.parametrize("folder", [".", "/tmp", "/dev/shm"])
def test_the_total_size_of_files_is_limited(sandbox: Sandbox, folder: str):
    needs(sandbox, "disk")
    script = f"for i in 1 2 3 4 5 6 7 8 9 10 11 12; do head -c 4000000 /dev/zero > {folder}/$i; done; du -sk {folder}"
    outcome = sh(sandbox, script)
    assert int(outcome.stdout.split()[0]) <= 33 * 1024


def test_memory_outside_processes_is_denied(sandbox: Sandbox):
    needs(sandbox, "disk")
    code = "import os\ntry: os.memfd_create('x')\nexcept OSError as e: print(e.errno)"
    assert py(sandbox, code).stdout == b"38\n"


def test_output_is_kept_up_to_the_limit(sandbox: Sandbox):
    outcome = py(sandbox, "print('first')\nwhile True: print('x' * 1000)")
    assert outcome.ending == "output"
    assert len(outcome.stdout) == 64 * 1024
    assert outcome.stdout.startswith(b"first\n")


@pytest.mark.parametrize("size", [64 * 1024, 2_000_000, 9_000_000])
def test_output_within_the_limit_arrives_completely(sandbox: Sandbox, size: int):
    limits = msgspec.structs.replace(SMALL, output_kb=size // 1024 + 1)
    outcome = py(sandbox, f"print('x' * {size - 1})", limits=limits)
    assert (outcome.ending, len(outcome.stdout)) == ("exit", size)


def test_stderr_keeps_its_tail(sandbox: Sandbox):
    outcome = py(sandbox, "import sys\nsys.stderr.write('x' * 500_000 + 'last')")
    assert (outcome.ending, len(outcome.stderr), outcome.stderr[-5:]) == ("exit", 16 * 1024, b"xlast")


@pytest.mark.slow
def test_usage_is_reported(sandbox: Sandbox):
    outcome = py(
        sandbox,
        "import time\nx = bytearray(50 * 2**20)\nt = time.process_time()\nwhile time.process_time() < t + .3: pass\n"
        "time.sleep(.2)",  # the container back end measures every 50 ms and does not see the end
    )
    assert 0.3 <= outcome.cpu_s <= outcome.wall_s
    assert 50 <= outcome.peak_memory_mb <= 100


# After the end


@pytest.mark.parametrize(
    "script",
    [
        "sleep 4242.1 & exit 0",
        "nohup sleep 4242.1 >/dev/null 2>&1 & exit 0",
        "setsid sleep 4242.1 & exit 0",
        "(setsid setsid sleep 4242.1 &) & exit 0",
        "trap '' TERM HUP; sleep 4242.1 & kill -9 $$",
    ],
)
def test_children_left_behind_are_dead(sandbox: Sandbox, script: str):
    sh(sandbox, script)
    assert alive("4242.1") == []


def test_children_that_hide_are_dead(sandbox: Sandbox):
    needs(sandbox, "orphans")
    sh(sandbox, "(env -i /usr/bin/setsid /usr/bin/env -i /bin/sleep 4242.2 &) & exit 0")
    assert alive("4242.2") == []


def test_stopped_programs_leave_no_process(sandbox: Sandbox):
    outcome = sh(sandbox, "setsid sleep 4242.3 & sleep 4242.3", limits=Limits(wall_s=0.2))
    assert outcome.ending == "wall"
    assert alive("4242.3") == []


def test_the_wall_limit_begins_when_the_sandbox_is_set_up(sandbox: Sandbox):
    assert sh(sandbox, "sleep 5", limits=Limits(wall_s=0.001)).ending == "wall"


@pytest.mark.parametrize("delay", [0, 0.001, 0.002, 0.004, 0.01, 0.1])
def test_cancelling_kills(sandbox: Sandbox, delay: float):
    async def cancelled() -> None:
        task = asyncio.create_task(
            sandbox.run(Program(files={}, argv=("sh", "-c", "setsid sleep 4242.4 & sleep 4242.4")))
        )
        await asyncio.sleep(delay)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        if is_local(sandbox):
            assert alive("4242.4") == []

    asyncio.run(cancelled())
    assert holds_soon(sandbox, lambda: alive("4242.4") == [])


def test_cancelling_before_the_start(sandbox: Sandbox):
    async def cancelled() -> None:
        tasks = [asyncio.create_task(sandbox.run(Program(files={}, argv=("sleep", "4242.5")))) for _ in range(5)]
        await asyncio.sleep(0.05)
        for task in tasks:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(isinstance(result, asyncio.CancelledError) for result in results)
        if is_local(sandbox):
            assert alive("4242.5") == []

    asyncio.run(cancelled())
    assert holds_soon(sandbox, lambda: alive("4242.5") == [])


@pytest.mark.slow
def test_no_more_than_jobs_at_once(sandbox: Sandbox):
    async def run_all() -> tuple[list[Outcome], int]:
        async def count() -> None:
            while True:
                seen.append(len(alive("4242.6")))
                await asyncio.sleep(0.01)

        seen: list[int] = []
        counter = asyncio.create_task(count())
        program = Program(files={}, argv=("sh", "-c", ": 4242.6; exec sleep 0.2"))
        outcomes = await asyncio.gather(*(sandbox.run(program) for _ in range(6)))
        counter.cancel()
        return outcomes, max(seen)

    outcomes, most = asyncio.run(run_all())
    assert [o.ending for o in outcomes] == ["exit"] * 6
    assert most <= 2 * 3  # the argument appears in back end, wrapper and program


def test_simultaneous_programs_do_not_mix(sandbox: Sandbox):
    async def run_all() -> list[Outcome]:
        program = [
            Program(files={"n": str(i)}, argv=("sh", "-c", "cat @{dir}/n; cat"), stdin=f"/{i}") for i in range(20)
        ]
        return await asyncio.gather(*map(sandbox.run, program))

    assert [o.stdout.decode() for o in asyncio.run(run_all())] == [f"{i}/{i}" for i in range(20)]


@pytest.mark.slow
def test_nothing_leaks(sandbox: Sandbox, request: pytest.FixtureRequest):
    """Many programs leave no descriptor, process or folder, neither locally nor at the service."""
    service: Serving | None = request.getfixturevalue("service") if sandbox.name == "remote" else None

    async def many(times: int) -> None:
        scripts = ["true", "exit 3", "kill -9 $$", "sleep 9 & exit", "head -c 99999 /dev/zero", "no-such"] * times
        await asyncio.gather(
            *(sandbox.run(Program(files={"a": "b"}, argv=("sh", "-c", s), limits=SMALL)) for s in scripts)
        )

    def state() -> list[tuple[int, int, int]]:
        pids = [os.getpid(), *([service.pid] if service else [])]
        folders: list[Path] = service.folders if service else []
        if is_local(sandbox):
            folders = list(sandbox._folders.root.iterdir())  # type: ignore[attr-defined]
        return [(len(list(Path(f"/proc/{pid}/fd").iterdir())), len(list_children(pid)), len(folders)) for pid in pids]

    def has_not_grown() -> bool:
        return all(a <= b for now, then in zip(state(), before, strict=True) for a, b in zip(now, then, strict=True))

    asyncio.run(many(1))  # starts the warm workers
    before = state()
    asyncio.run(many(4 if sandbox.name == "container" else 34))
    assert holds_soon(sandbox, has_not_grown), (before, state())


def test_promises(sandbox: Sandbox):
    assert sandbox.promises <= ALL_PROMISES
    if sandbox.name in BACK_ENDS:
        assert sandbox.promises == (frozenset() if sandbox.name == "none" else ALL_PROMISES)


@pytest.mark.parametrize("name", PARAMETERS)
def test_close(name: str, request: pytest.FixtureRequest):
    """Close kills running programs, removes the folder, and may be called twice."""
    opened = open_named(name, request)

    async def closed() -> Outcome:
        task = asyncio.create_task(opened.run(Program(files={}, argv=("sleep", "4242.7"))))
        await asyncio.sleep(0.1)
        await opened.close()
        await opened.close()
        return await task

    started = time.monotonic()
    outcome = asyncio.run(closed())
    assert time.monotonic() - started < 60
    assert outcome.ending == "infra"
    assert holds_soon(opened, lambda: alive("4242.7") == [])
    if is_local(opened):
        assert not opened._folders.root.exists()  # type: ignore[attr-defined]
    assert asyncio.run(opened.run(Program(files={}, argv=("true",)))).ending == "infra"
