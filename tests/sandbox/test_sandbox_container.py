"""The container back end with a fake engine (``engine.py``).

These tests check the command lines, and that programs and containers are supervised, killed and removed. They do not
check that docker and podman enforce their options.
"""

import asyncio
import itertools
import json
import os
import shutil
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from glotsmith.errors import IsolationError
from glotsmith.records import Limits, Outcome, Program
from glotsmith.sandbox import BACK_ENDS, open_sandbox
from glotsmith.sandbox.base import Sandbox
from glotsmith.sandbox.container import _seccomp_profile  # pyright: ignore[reportPrivateUsage]
from glotsmith.sandbox.process_tree import list_pids
from glotsmith.sandbox.seccomp import DENIED
from glotsmith.sandbox.shell_wrapper import max_threads

FAKE_ENGINE = Path(__file__).with_name("engine.py")
SMALL = Limits(cpu_s=0.5, wall_s=20, memory_mb=128, processes=16, file_mb=4, output_kb=64)
BUBBLEWRAP_WORKS = (
    shutil.which("bwrap") is not None
    and not subprocess.run(
        ["bwrap", "--unshare-all", "--ro-bind", "/", "/", "true"], check=False, capture_output=True
    ).returncode
)
needs_bubblewrap = pytest.mark.skipif(not BUBBLEWRAP_WORKS, reason="the fake engine runs programs in bubblewrap")


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Install a fake docker as the only engine on PATH; return its folder."""
    folder = tmp_path / "bin"
    folder.mkdir()
    install(folder, "docker")
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    monkeypatch.setattr("glotsmith.sandbox.container.ENGINES", ("docker",))  # podman may be installed
    for name in ("GLOTSMITH_ENGINE", "GLOTSMITH_IMAGE"):
        monkeypatch.delenv(name, raising=False)
    return folder


def install(folder: Path, name: str) -> Path:
    shutil.copy(FAKE_ENGINE, folder / name)
    (folder / name).chmod(0o755)
    return folder / name


@pytest.fixture
def sandbox(engine: Path) -> Iterator[Sandbox]:
    if not BUBBLEWRAP_WORKS:
        pytest.skip("the fake engine runs programs in bubblewrap")
    opened = open_sandbox("container", jobs=2)
    yield opened
    asyncio.run(opened.close())
    assert list_containers(engine) == []


def logged_commands(engine: Path, verb: str) -> list[list[str]]:
    lines = [line.split("\x00") for line in (engine / "log").read_text().splitlines()]
    return [line for line in lines if line[0] == verb]


def list_containers(engine: Path) -> list[str]:
    return sorted(path.name for path in (engine / "containers").iterdir())


def sh(sandbox: Sandbox, script: str, **fields: object) -> Outcome:
    program = Program(files={}, argv=("sh", "-c", script), limits=SMALL)
    return asyncio.run(sandbox.run(msgspec.structs.replace(program, **fields)))


def alive(marker: str) -> bool:
    return any(marker.encode() in line for line in host_command_lines())


def host_command_lines() -> list[bytes]:
    lines = []
    for pid in list_pids():
        try:
            lines.append(Path(f"/proc/{pid}/cmdline").read_bytes())
        except OSError:
            continue
    return lines


# Command lines


def test_the_options_isolate(sandbox: Sandbox, engine: Path):
    sh(sandbox, "true", env={"MINE": "1"})
    words = logged_commands(engine, "run")[-1]
    options = dict(itertools.pairwise(words))
    assert {"--rm", "--interactive", "--read-only", "--no-healthcheck"} <= set(words)
    wanted = {
        "--network": "none",
        "--cap-drop": "ALL",
        "--user": "1000:1000",
        "--pull": "never",
        "--log-driver": "none",
        "--pids-limit": str(2 * max_threads(SMALL)),
        "--memory": "296m",
        "--memory-swap": "296m",
        "--shm-size": "32m",
        "--workdir": "/box/work",
        "--entrypoint": "/usr/bin/env",
        "glotsmith/toolchains": "-i",
    }
    assert {name: options[name] for name in wanted} == wanted
    assert [words[i + 1] for i, word in enumerate(words) if word == "--tmpfs"] == [
        "/box/work:rw,exec,nosuid,nodev,size=4m,mode=1777",
        "/tmp:rw,exec,nosuid,nodev,size=4m,mode=1777",
    ]
    limits = [words[i + 1].partition("=")[0] for i, word in enumerate(words) if word == "--ulimit"]
    assert limits == ["nofile", "nproc"]
    security = [words[i + 1] for i, word in enumerate(words) if word == "--security-opt"]
    assert security[0] == "no-new-privileges"
    assert security[1].startswith("seccomp=/")
    assert {"MINE=1", "HOME=/tmp", "LANG=C.UTF-8"} <= set(words[words.index("-i") :])
    assert options["--name"].startswith("glotsmith-sandbox-")
    assert options["--label"].startswith("glotsmith=")


def test_no_option_weakens_the_isolation(sandbox: Sandbox, engine: Path):
    sh(sandbox, "true")
    words = logged_commands(engine, "run")[-1]
    assert not {"--privileged", "--cap-add", "--volume", "-v", "--device", "--pid", "--ipc", "--publish"} & set(words)
    mounts = [words[i + 1] for i, word in enumerate(words) if word == "--mount"]
    assert [mount.partition("target=")[2] for mount in mounts] == [
        "/etc/passwd,readonly",
        "/etc/group,readonly",
        "/box/program,readonly",
    ]


def test_the_seccomp_profile_equals_the_filter(sandbox: Sandbox):
    profile = json.loads(_seccomp_profile())
    assert profile["defaultAction"] == "SCMP_ACT_ALLOW"
    assert profile["syscalls"][0] == {"names": list(DENIED), "action": "SCMP_ACT_ERRNO", "errnoRet": 38}
    assert [rule["names"] for rule in profile["syscalls"][1:]] == [["clone"]] * 7
    assert profile["syscalls"][5]["args"] == [
        {"index": 0, "value": 0x10000000, "valueTwo": 0x10000000, "op": "SCMP_CMP_MASKED_EQ"}
    ]


@needs_bubblewrap
def test_podman_gets_its_own_options(engine: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GLOTSMITH_ENGINE", str(install(engine, "podman")))
    opened = open_sandbox("container", jobs=1)
    asyncio.run(opened.close())
    words = logged_commands(engine, "run")[-1]
    assert "--read-only-tmpfs=false" in words
    assert "/tmp:rw,exec,nosuid,nodev,size=16m,mode=1777,U" in words
    assert any(word.endswith("/program,target=/box/program,readonly,relabel=private") for word in words)


def test_prefixes_are_mounted_read_only(sandbox: Sandbox, engine: Path, tmp_path: Path):
    prefix = tmp_path / "tool"
    prefix.mkdir()
    (prefix / "x").write_text("seen")
    assert sh(sandbox, f"cat {prefix}/x", read_only=(str(prefix),)).stdout == b"seen"
    assert f"type=bind,source={prefix},target={prefix},readonly" in logged_commands(engine, "run")[-1]
    (tmp_path / "a,b").mkdir()
    outcome = sh(sandbox, "true", read_only=(str(tmp_path / "a,b"),))
    assert (outcome.ending, "comma" in outcome.detail) == ("infra", True)


def test_the_environment_of_glotsmith_is_not_passed_on(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SECRET_KEY", "leaked")
    assert b"SECRET" not in sh(sandbox, "env").stdout


# Endings


@pytest.mark.parametrize(
    ("script", "ending", "code"),
    [
        ("exit 0", "exit", 0),
        ("exit 3", "exit", 3),
        ("exit 125", "exit", 125),
        ("kill -SEGV $$", "signal", 11),
        ("while :; do :; done", "cpu", 9),
        ("yes", "output", 9),
    ],
)
def test_ending(sandbox: Sandbox, engine: Path, script: str, ending: str, code: int):
    outcome = sh(sandbox, script)
    assert (outcome.ending, outcome.code, list_containers(engine)) == (ending, code, [])


@pytest.mark.parametrize(
    ("code", "ending"),
    [
        ("x = bytearray(2**30)\nwhile True: pass", "memory"),
        ("import os, time\nfor _ in range(40):\n    if not os.fork(): time.sleep(30)\ntime.sleep(30)", "processes"),
    ],
)
def test_the_watchdog_measures_containers(sandbox: Sandbox, engine: Path, code: str, ending: str):
    outcome = asyncio.run(
        sandbox.run(Program(files={"a.py": code}, argv=("/usr/bin/python3", "@{dir}/a.py"), limits=SMALL))
    )
    assert (outcome.ending, list_containers(engine)) == (ending, [])
    if ending == "memory":
        assert outcome.peak_memory_mb > 128


def test_files_stdin_output_and_build(sandbox: Sandbox):
    program = Program(
        files={"deep/a.sh": "cat; cat built", "b": b"\x00\xff"},
        build=("sh", "-c", "cat @{dir}/b >built; echo noise"),
        argv=("sh", "@{dir}/deep/a.sh"),
        stdin="in" * 100_000,
    )
    outcome = asyncio.run(sandbox.run(program))
    assert outcome.stdout == b"in" * 100_000 + b"\x00\xff"
    assert (outcome.ending, outcome.built) == ("exit", True)
    failed = sh(sandbox, "true", build=("sh", "-c", "echo why; exit 1"))
    assert (failed.built, failed.stderr) == (False, b"why\n")


def test_failures_of_the_machine_are_infra(sandbox: Sandbox, engine: Path):
    missing = sh(sandbox, "true", argv=("no-such-command",))
    assert (missing.ending, "no-such-command" in missing.detail) == ("infra", True)
    (engine / "down").touch()
    down = sh(sandbox, "true")
    (engine / "down").unlink()
    assert (down.ending, "Cannot connect to the daemon" in down.detail) == ("infra", True)


@pytest.mark.slow
def test_wall_limit(sandbox: Sandbox, engine: Path):
    started = time.monotonic()
    outcome = sh(sandbox, "setsid sleep 5151.1 & sleep 5151.1", limits=msgspec.structs.replace(SMALL, wall_s=0.5))
    assert (outcome.ending, list_containers(engine), alive("5151.1")) == ("wall", [], False)
    assert time.monotonic() - started < 15


@pytest.mark.parametrize(
    ("script", "ending"), [("yes", "output"), ("while :; do :; done", "cpu"), ("yes >&2 & yes", "output")]
)
def test_killing_a_program_waits_for_no_engine_command(
    sandbox: Sandbox, engine: Path, script: str, ending: str
) -> None:
    """The kill command of an engine waits until all output is read, which happens only after it returns."""
    assert sh(sandbox, script).ending == ending
    assert logged_commands(engine, "kill") == []
    assert list_containers(engine) == []


@pytest.mark.slow
@pytest.mark.parametrize(("script", "ending"), [("yes", "output"), ("while :; do :; done", "cpu")])
def test_the_engine_kills_programs_that_this_user_may_not_signal(
    sandbox: Sandbox, engine: Path, monkeypatch: pytest.MonkeyPatch, script: str, ending: str
) -> None:
    """A rootless engine runs containers as other users."""
    real = os.kill

    def refusing(pid: int, number: int) -> None:
        if Path(f"/proc/{pid}/cmdline").read_bytes().startswith(b"/bin/sh\0-c"):
            raise PermissionError
        real(pid, number)

    monkeypatch.setattr("glotsmith.sandbox.container.os.kill", refusing)
    assert sh(sandbox, script).ending == ending
    assert len(logged_commands(engine, "kill")) >= 1
    assert list_containers(engine) == []


# After the end


@pytest.mark.slow
@pytest.mark.parametrize("delay", [0, 0.02, 0.2, 0.8])
@pytest.mark.parametrize("slow", [False, True])
def test_cancelling_leaves_no_container(sandbox: Sandbox, engine: Path, delay: float, slow: bool):
    """This includes the time before the container has started, when there is nothing to kill."""
    if slow:
        (engine / "slow").touch()

    async def cancelled() -> None:
        task = asyncio.create_task(
            sandbox.run(Program(files={}, argv=("sh", "-c", "setsid sleep 5151.2 & sleep 5151.2")))
        )
        await asyncio.sleep(delay)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())
    assert list_containers(engine) == []
    assert not alive("5151.2")


@pytest.mark.slow
@needs_bubblewrap
def test_close_kills_running_containers(engine: Path):
    async def closed() -> Outcome:
        task = asyncio.create_task(opened.run(Program(files={}, argv=("sleep", "5151.3"))))
        await asyncio.sleep(0.4)
        await opened.close()
        await opened.close()
        return await task

    opened = open_sandbox("container", jobs=1)
    assert asyncio.run(closed()).ending == "infra"
    assert list_containers(engine) == []
    assert not alive("5151.3")


@needs_bubblewrap
def test_containers_of_dead_sessions_are_removed(engine: Path):
    """After SIGKILL the engine continues to run the container; the next session removes it."""
    script = """
        import asyncio
        from glotsmith.records import Program
        from glotsmith.sandbox import open_sandbox
        sandbox = open_sandbox("container")
        asyncio.run(sandbox.run(Program(files={}, argv=("sleep", "5151.4"))))
    """
    child = subprocess.Popen([sys.executable, "-c", textwrap.dedent(script)])
    deadline = time.monotonic() + 30
    while b"sleep\x005151.4\x00" not in host_command_lines():  # before that it may wait for input from its client
        assert time.monotonic() < deadline
        time.sleep(0.02)
    child.kill()
    child.wait()
    names = list_containers(engine)
    assert len(names) == 1
    (engine / "containers" / "glotsmith-sandbox-1-1-1-another-machines").touch()
    (engine / "containers" / "somebody-elses").touch()
    opened = open_sandbox("container")
    asyncio.run(opened.close())
    assert list_containers(engine) == ["glotsmith-sandbox-1-1-1-another-machines", "somebody-elses"]
    while alive("sleep\x005151.4"):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    assert all(f"label=glotsmith={boot}" in line for line in logged_commands(engine, "ps"))


# Opening


def test_no_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("GLOTSMITH_ENGINE", raising=False)
    with pytest.raises(IsolationError, match=r"no container engine is installed\. Run: apt install podman"):
        open_sandbox("container")
    monkeypatch.setenv("GLOTSMITH_ENGINE", "nerdctl")
    with pytest.raises(IsolationError, match="nerdctl is not installed"):
        open_sandbox("container")


def test_no_answer(engine: Path):
    (engine / "down").touch()
    with pytest.raises(IsolationError, match="docker does not answer: Cannot connect to the daemon"):
        open_sandbox("container")


def test_no_image(engine: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GLOTSMITH_IMAGE", "no/such")
    with pytest.raises(IsolationError, match=r"docker has no image no/such\. Pull or build it"):
        open_sandbox("container")


@needs_bubblewrap
def test_the_first_engine_that_answers_is_used(engine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (engine / "down").touch()
    second = tmp_path / "second"
    second.mkdir()
    install(second, "podman")
    monkeypatch.setenv("PATH", f"{engine}:{second}:/usr/bin:/bin")
    monkeypatch.setattr("glotsmith.sandbox.container.ENGINES", ("docker", "podman"))
    asyncio.run(open_sandbox("container").close())
    assert logged_commands(second, "run")


@needs_bubblewrap
def test_auto_prefers_back_ends_without_an_engine(engine: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GLOTSMITH_REMOTE", "http://127.0.0.1:9")
    for name in ("bubblewrap", "unshare"):
        monkeypatch.setitem(BACK_ENDS, name, "glotsmith.sandbox.container:Broken")
    assert list(BACK_ENDS)[:3] == ["bubblewrap", "unshare", "container"]
    monkeypatch.setattr("glotsmith.sandbox.container.Broken", broken, raising=False)
    opened = open_sandbox("auto")
    asyncio.run(opened.close())
    assert opened.name == "container"


def broken(jobs: int | None) -> None:
    raise IsolationError(f"out of order ({os.getpid()}, {jobs})")
