"""Fork servers share nothing with the programs that they fork, and a fork server that dies costs only a cold start."""

import asyncio
import os
import random
import signal
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from glotsmith.errors import IsolationError
from glotsmith.languages.proof_rows import read_proof_rows
from glotsmith.records import Limits, Outcome, Program, WarmInterpreter
from glotsmith.sandbox import open_sandbox
from glotsmith.sandbox.fork_server import pool
from glotsmith.sandbox.fork_server.server import ForkServer
from glotsmith.sandbox.local_sandbox import LocalSandbox
from glotsmith.verification import Verifier

PYTHON = "/usr/bin/python3"
LIMITS = Limits()
INTERPRETER = """
import os, sys
sys.loaded = "warm"
os.environ["GLOTSMITH_FORK"] = "1"
os.fork()
for name in ("GLOTSMITH_FORK", "GLOTSMITH_FORK_SERVER", "LD_PRELOAD"):
    os.environ.pop(name, None)
exec(open("/box/program/main.py").read())
"""


@pytest.fixture(params=["bubblewrap", "unshare"])
def sandbox(request: pytest.FixtureRequest) -> Iterator[LocalSandbox]:
    try:
        opened = open_sandbox(request.param, jobs=2)
    except IsolationError as error:
        pytest.skip(str(error))
    assert isinstance(opened, LocalSandbox)
    yield opened
    asyncio.run(opened.close())


def program(code: str, limits: Limits = LIMITS) -> Program:
    """A Python program that sets ``sys.loaded`` to "warm" in a fork server and to "cold" after a cold start."""
    return Program(
        files={"main.py": code, "cold.py": f"import os, sys\nsys.loaded = 'cold'\n{code}"},
        argv=(PYTHON, "@{dir}/cold.py"),
        warm=WarmInterpreter(argv=(PYTHON, "-S", "@{dir}/interpreter.py"), files={"interpreter.py": INTERPRETER}),
        limits=limits,
    )


def run(sandbox: LocalSandbox, *programs: Program) -> list[Outcome]:
    async def run_all() -> list[Outcome]:
        return list(await asyncio.gather(*map(sandbox.run, programs)))

    return asyncio.run(run_all())


def fork_servers(sandbox: LocalSandbox) -> list[ForkServer]:
    assert sandbox._fork_servers is not None
    return list(sandbox._fork_servers._servers.values())


@pytest.mark.parametrize(
    ("code", "printed"),
    [
        ("print(sys.loaded)", "warm"),
        ("print(sorted(os.listdir('/proc/self/fd'))[:3], len(os.listdir('/proc/self/fd')))", "['0', '1', '2'] 4"),
        ("print([p for p in os.listdir('/proc') if p.isdigit()], os.getpid(), os.getppid())", "['1', '2'] 2 1"),
        ("print([k for k in os.environ if 'GLOTSMITH' in k or 'PRELOAD' in k])", "[]"),
        ("print({l.split()[1] for l in open('/proc/self/status') if l.startswith('Cap')})", "{'0000000000000000'}"),
        (
            "print([l.split()[1] for l in open('/proc/self/status') if l.startswith(('NoNew', 'Seccomp:'))])",
            "['1', '2']",
        ),
        ("print(os.getuid(), os.getgroups(), os.getcwd(), os.listdir('.'))", "1000 [] /box/work []"),
        ("print(sorted(os.listdir('/box/program')), os.listdir('/tmp'))", "['cold.py', 'main.py'] []"),
        ("print(os.access('/box/program/main.py', os.W_OK), os.access('/', os.W_OK))", "False False"),
        ("print(len(open('/proc/mounts').readlines()) > 3, os.path.exists('/proc/1/mem'))", "True True"),
        (
            "import signal; print(signal.getsignal(signal.SIGINT).__name__, signal.pthread_sigmask(0, []))",
            "default_int_handler set()",
        ),
    ],
)
def test_a_program_sees_only_itself(sandbox: LocalSandbox, code: str, printed: str) -> None:
    (outcome,) = run(sandbox, program(code))
    assert (outcome.stdout.decode().strip(), outcome.ending) == (printed, "exit"), outcome


@pytest.mark.parametrize(
    "code",
    [
        "open('/proc/1/mem', 'rb')",
        "os.kill(1, 9); open('/proc/1/environ').read()",
        "import ctypes; 1 / (ctypes.CDLL(None).ptrace(16, 1, 0, 0) + 1)",
        "open('/proc/sys/kernel/hostname', 'w')",
        "os.mkdir('/box/program/x')",
        "import ctypes; 1 / (ctypes.CDLL(None).mount(b'x', b'/tmp', b'tmpfs', 0, 0) + 1)",
        "import ctypes; 1 / (ctypes.CDLL(None).setns(0, 0) + 1)",
    ],
)
def test_a_program_cannot_access_its_fork_server(sandbox: LocalSandbox, code: str) -> None:
    outcome, after = run(sandbox, program(code)) + run(sandbox, program("print(sys.loaded)"))
    assert (outcome.ending, outcome.code, outcome.stdout) == ("exit", 1, b""), outcome
    assert after.stdout == b"warm\n"


@pytest.mark.parametrize(
    ("code", "ending"),
    [
        ("os.kill(os.getpid(), 9)", "signal"),
        ("os.kill(os.getppid(), 9); os.kill(1, 15); print('alive')", "exit"),
        ("os._exit(3)", "exit"),
        ("import time\nif not os.fork():\n    os.setsid()\n    time.sleep(9)", "exit"),
        ("open('/tmp/left', 'w').write('x'); open('/dev/shm/left', 'w').write('x')", "exit"),
        ("[os.fork() for _ in range(99)]", "processes"),
        ("while True: pass", "cpu"),
        (
            "x = bytearray(300 << 20)\nfor i in range(0, len(x), 4096): x[i] = 1\nwhile 1: pass",
            "memory",
        ),
        ("while True: print('x' * 999)", "output"),
        ("open('big', 'wb').write(bytes(64 << 20))", "exit"),
    ],
)
def test_programs_share_no_state_with_earlier_ones(sandbox: LocalSandbox, code: str, ending: str) -> None:
    limits = Limits(cpu_s=1, memory_mb=200, processes=16)
    before, bad, after = (
        run(sandbox, p)[0]
        for p in (
            program("0"),
            program(code, limits),
            program("print(sys.loaded, os.listdir('/tmp'), os.listdir('/dev/shm'), os.listdir('.'))"),
        )
    )
    assert (before.ending, bad.ending) == ("exit", ending), bad
    assert after.stdout == b"warm [] [] []\n"
    assert [n.alive for n in fork_servers(sandbox)].count(True) >= 1


def test_simultaneous_programs_do_not_see_each_other(sandbox: LocalSandbox) -> None:
    code = """
import socket, time
own = socket.socket(socket.AF_UNIX); own.bind("\\0here"); own.listen()
tcp = socket.socket(); tcp.bind(("127.0.0.1", 4321)); tcp.listen()
open("/tmp/mine", "w").close()
time.sleep(0.3)
print(len(os.listdir("/tmp")), len([p for p in os.listdir("/proc") if p.isdigit()]))
"""
    assert [o.stdout for o in run(sandbox, program(code), program(code))] == [b"1 2\n"] * 2


@pytest.mark.parametrize("place", ["/tmp", "/dev/shm"])
@pytest.mark.parametrize("warm", [True, False])
def test_a_toolchain_in_a_scratch_folder_is_visible_in_a_fork_server(
    sandbox: LocalSandbox, place: str, warm: bool
) -> None:
    """The program sees the prefixes, a folder and a file in them, at their paths, and nothing beside them."""
    code = """
def refuses(path):
    try:
        open(path, "w")
    except OSError as error:
        return error.errno
names = sorted(os.listdir(os.path.dirname(PREFIX)))
print(sys.loaded, open(PREFIX + "/bin/tool").read(), names, refuses(PREFIX + "/bin/tool"), refuses(PREFIX + "/new"))
"""
    with tempfile.TemporaryDirectory(dir=place) as above:
        prefix, other = Path(above, "kept", "prefix"), Path(above, "kept", "file")
        (prefix / "bin").mkdir(parents=True)
        (prefix / "bin/tool").write_text("found")
        other.write_text("a prefix that is a file")
        (prefix.parent / "beside").mkdir()
        for path in (Path(above), prefix.parent, other):
            path.chmod(0o755)
        made = program(f"PREFIX = {str(prefix)!r}\n{code}")
        made = msgspec.structs.replace(made, read_only=(str(prefix), str(other)), warm=made.warm if warm else None)
        outcomes = run(sandbox, made, made)
    how = "warm" if warm else "cold"
    assert [o.stdout.decode() for o in outcomes] == [f"{how} found ['file', 'prefix'] 30 30\n"] * 2, outcomes
    assert [server.alive for server in fork_servers(sandbox)] == [True, True]  # the other one started the sandbox


@pytest.mark.slow
def test_a_dead_fork_server_costs_only_a_cold_start(sandbox: LocalSandbox) -> None:
    async def run_and_kill_servers() -> Outcome:
        await sandbox.run(program("0"))
        task = asyncio.create_task(sandbox.run(program("import time; time.sleep(0.5); print(sys.loaded)")))
        await asyncio.sleep(0.2)
        for server in fork_servers(sandbox):
            server.close()
        return await task

    assert asyncio.run(run_and_kill_servers()).stdout == b"cold\n"
    assert run(sandbox, program("print(sys.loaded)"))[0].stdout == b"warm\n"


def test_an_interpreter_that_never_forks_is_not_restarted(sandbox: LocalSandbox) -> None:
    broken = WarmInterpreter(argv=(PYTHON, "-c", "raise SystemExit('no')"), files={})
    made = Program(files={}, argv=("echo", "cold"), warm=broken)
    assert [run(sandbox, made)[0].stdout for _ in range(5)] == [b"cold\n"] * 5
    assert sandbox._fork_servers is not None
    assert pool.FAILURES in sandbox._fork_servers._failures.values()


def test_a_signal_is_confirmed_by_a_cold_start(sandbox: LocalSandbox) -> None:
    (outcome,) = run(sandbox, program("os.kill(os.getpid(), 11) if sys.loaded == 'warm' else print('fine')"))
    assert (outcome.ending, outcome.stdout) == ("exit", b"fine\n")


def test_the_cpu_time_of_a_cold_start_is_for_cold_starts_only(sandbox: LocalSandbox) -> None:
    spins = program("while True: pass", Limits(cpu_s=0.4, cold_start_s=0.35))
    warm, cold = run(sandbox, spins, msgspec.structs.replace(spins, warm=None))
    assert (warm.ending, cold.ending) == ("cpu", "cpu")
    assert warm.cpu_s < 0.35
    assert cold.cpu_s >= 0.4


def test_without_a_compiler_programs_start_cold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "compile_fork_server", lambda: None)
    opened = open_sandbox()
    assert isinstance(opened, LocalSandbox)
    try:
        assert run(opened, program("print(sys.loaded)"))[0].stdout == b"cold\n"
    finally:
        asyncio.run(opened.close())


def test_without_warm_workers_programs_start_cold() -> None:
    opened = open_sandbox(warm=False)
    assert isinstance(opened, LocalSandbox)
    try:
        assert run(opened, program("print(sys.loaded)"))[0].stdout == b"cold\n"
    finally:
        asyncio.run(opened.close())


@pytest.mark.slow
def test_fork_servers_killed_at_random_change_no_verdict() -> None:
    """1,000 programs while fork servers die every few milliseconds: all verdicts are right and none is infra."""
    rng = random.Random(7)
    wanted = [rng.choice(["accepted", "wrong"]) for _ in range(1000)]
    table = read_proof_rows("python")

    async def verify_all() -> list[str]:
        opened = open_sandbox()
        assert isinstance(opened, LocalSandbox)
        verifier = Verifier(opened)

        async def kill() -> None:
            while True:
                await asyncio.sleep(rng.uniform(0.02, 0.2))
                for server in fork_servers(opened)[:1]:
                    os.kill(server._process.pid, signal.SIGKILL)

        killer = asyncio.create_task(kill())
        jobs = []
        for number, kind in enumerate(wanted):
            row = table[kind].job("python", str(number))
            jobs.append(
                type(row)(**{**{f: getattr(row, f) for f in row.__struct_fields__}, "code": f"{row.code}\n# {number}"})
            )
        verdicts = await asyncio.gather(*map(verifier.verify, jobs))
        killer.cancel()
        await opened.close()
        return [v.status for v in verdicts]

    right = {"accepted": "pass", "wrong": "fail:wrong"}
    found = asyncio.run(verify_all())
    assert Counter(found) == Counter(right[k] for k in wanted)
    assert found == [right[k] for k in wanted]
