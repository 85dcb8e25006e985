"""The container back end against a stand-in for an engine's command line (``engine.py``).

What is tried: what an engine is told, and that programs are fed, read, watched, killed and swept. What is not: that
docker and podman keep what they are told.
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
from glotsmith.sandbox.wrapper import max_tasks

STAND_IN = Path(__file__).with_name("engine.py")
SMALL = Limits(cpu_s=0.5, wall_s=20, memory_mb=128, processes=16, file_mb=4, output_kb=64)
WORKS = (
    shutil.which("bwrap") is not None
    and not subprocess.run(
        ["bwrap", "--unshare-all", "--ro-bind", "/", "/", "true"], check=False, capture_output=True
    ).returncode
)
needs_bubblewrap = pytest.mark.skipif(not WORKS, reason="the stand-in runs programs by bubblewrap")


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An engine called docker, alone on the PATH with the system's commands; its folder."""
    folder = tmp_path / "bin"
    folder.mkdir()
    install(folder, "docker")
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    monkeypatch.setattr("glotsmith.sandbox.container.ENGINES", ("docker",))  # this machine may have a podman
    for name in ("GLOTSMITH_ENGINE", "GLOTSMITH_IMAGE"):
        monkeypatch.delenv(name, raising=False)
    return folder


def install(folder: Path, name: str) -> Path:
    shutil.copy(STAND_IN, folder / name)
    (folder / name).chmod(0o755)
    return folder / name


@pytest.fixture
def sandbox(engine: Path) -> Iterator[Sandbox]:
    if not WORKS:
        pytest.skip("the stand-in runs programs by bubblewrap")
    opened = open_sandbox("container", jobs=2)
    yield opened
    asyncio.run(opened.close())
    assert left(engine) == []


def told(engine: Path, verb: str) -> list[list[str]]:
    lines = [line.split("\x00") for line in (engine / "log").read_text().splitlines()]
    return [line for line in lines if line[0] == verb]


def left(engine: Path) -> list[str]:
    return sorted(path.name for path in (engine / "containers").iterdir())


def sh(sandbox: Sandbox, script: str, **fields: object) -> Outcome:
    program = Program(files={}, argv=("sh", "-c", script), limits=SMALL)
    return asyncio.run(sandbox.run(msgspec.structs.replace(program, **fields)))


def alive(marker: str) -> bool:
    return any(marker.encode() in line for line in command_lines())


def command_lines() -> list[bytes]:
    lines = []
    for pid in list_pids():
        try:
            lines.append(Path(f"/proc/{pid}/cmdline").read_bytes())
        except OSError:
            continue
    return lines


# What an engine is told


def test_an_engine_is_told_to_isolate(sandbox: Sandbox, engine: Path):
    sh(sandbox, "true", env={"MINE": "1"})
    words = told(engine, "run")[-1]
    options = dict(itertools.pairwise(words))
    assert {"--rm", "--interactive", "--read-only", "--no-healthcheck"} <= set(words)
    wanted = {
        "--network": "none",
        "--cap-drop": "ALL",
        "--user": "1000:1000",
        "--pull": "never",
        "--log-driver": "none",
        "--pids-limit": str(2 * max_tasks(SMALL, 0)),
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


def test_no_option_gives_anything_away(sandbox: Sandbox, engine: Path):
    sh(sandbox, "true")
    words = told(engine, "run")[-1]
    assert not {"--privileged", "--cap-add", "--volume", "-v", "--device", "--pid", "--ipc", "--publish"} & set(words)
    mounts = [words[i + 1] for i, word in enumerate(words) if word == "--mount"]
    assert [mount.partition("target=")[2] for mount in mounts] == [
        "/etc/passwd,readonly",
        "/etc/group,readonly",
        "/box/program,readonly",
    ]


def test_the_filter_is_the_same(sandbox: Sandbox):
    profile = json.loads(_seccomp_profile())
    assert profile["defaultAction"] == "SCMP_ACT_ALLOW"
    assert profile["syscalls"][0] == {"names": list(DENIED), "action": "SCMP_ACT_ERRNO", "errnoRet": 38}
    assert [rule["names"] for rule in profile["syscalls"][1:]] == [["clone"]] * 7
    assert profile["syscalls"][5]["args"] == [
        {"index": 0, "value": 0x10000000, "valueTwo": 0x10000000, "op": "SCMP_CMP_MASKED_EQ"}
    ]


@needs_bubblewrap
def test_podman_is_told_in_its_own_words(engine: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GLOTSMITH_ENGINE", str(install(engine, "podman")))
    opened = open_sandbox("container", jobs=1)
    asyncio.run(opened.close())
    words = told(engine, "run")[-1]
    assert "--read-only-tmpfs=false" in words
    assert "/tmp:rw,exec,nosuid,nodev,size=16m,mode=1777,U" in words
    assert any(word.endswith("/program,target=/box/program,readonly,relabel=private") for word in words)


def test_prefixes_are_shown_read_only(sandbox: Sandbox, engine: Path, tmp_path: Path):
    prefix = tmp_path / "tool"
    prefix.mkdir()
    (prefix / "x").write_text("seen")
    assert sh(sandbox, f"cat {prefix}/x", read_only=(str(prefix),)).stdout == b"seen"
    assert f"type=bind,source={prefix},target={prefix},readonly" in told(engine, "run")[-1]
    (tmp_path / "a,b").mkdir()
    outcome = sh(sandbox, "true", read_only=(str(tmp_path / "a,b"),))
    assert (outcome.ending, "comma" in outcome.detail) == ("infra", True)


def test_our_environment_stays_here(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SECRET_KEY", "leaked")
    assert b"SECRET" not in sh(sandbox, "env").stdout


# How programs end


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
    assert (outcome.ending, outcome.code, left(engine)) == (ending, code, [])


@pytest.mark.parametrize(
    ("code", "ending"),
    [
        ("x = bytearray(2**30)\nwhile True: pass", "memory"),
        ("import os, time\nfor _ in range(40):\n    if not os.fork(): time.sleep(30)\ntime.sleep(30)", "processes"),
    ],
)
def test_the_watchdog_sees_inside(sandbox: Sandbox, engine: Path, code: str, ending: str):
    outcome = asyncio.run(
        sandbox.run(Program(files={"a.py": code}, argv=("/usr/bin/python3", "@{dir}/a.py"), limits=SMALL))
    )
    assert (outcome.ending, left(engine)) == (ending, [])
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


def test_what_is_the_machines_fault(sandbox: Sandbox, engine: Path):
    missing = sh(sandbox, "true", argv=("no-such-command",))
    assert (missing.ending, "no-such-command" in missing.detail) == ("infra", True)
    (engine / "down").touch()
    down = sh(sandbox, "true")
    (engine / "down").unlink()
    assert (down.ending, "Cannot connect to the daemon" in down.detail) == ("infra", True)


def test_wall_limit(sandbox: Sandbox, engine: Path):
    begun = time.monotonic()
    outcome = sh(sandbox, "setsid sleep 5151.1 & sleep 5151.1", limits=msgspec.structs.replace(SMALL, wall_s=0.5))
    assert (outcome.ending, left(engine), alive("5151.1")) == ("wall", [], False)
    assert time.monotonic() - begun < 15


@pytest.mark.parametrize(
    ("script", "ending"), [("yes", "output"), ("while :; do :; done", "cpu"), ("yes >&2 & yes", "output")]
)
def test_no_command_is_waited_for_while_a_program_is_killed(
    sandbox: Sandbox, engine: Path, script: str, ending: str
) -> None:
    """An engine's own command waits until all output has been read, which happens only after it returns."""
    assert sh(sandbox, script).ending == ending
    assert told(engine, "kill") == []
    assert left(engine) == []


@pytest.mark.parametrize(("script", "ending"), [("yes", "output"), ("while :; do :; done", "cpu")])
def test_the_engine_kills_what_this_user_may_not(
    sandbox: Sandbox, engine: Path, monkeypatch: pytest.MonkeyPatch, script: str, ending: str
) -> None:
    """As with an engine without root, whose containers have users of their own."""
    real = os.kill

    def refusing(pid: int, number: int) -> None:
        if Path(f"/proc/{pid}/cmdline").read_bytes().startswith(b"/bin/sh\0-c"):
            raise PermissionError
        real(pid, number)

    monkeypatch.setattr("glotsmith.sandbox.container.os.kill", refusing)
    assert sh(sandbox, script).ending == ending
    assert len(told(engine, "kill")) >= 1
    assert left(engine) == []


# Afterwards


@pytest.mark.parametrize("delay", [0, 0.02, 0.2, 0.8])
@pytest.mark.parametrize("slow", [False, True])
def test_cancelling_leaves_no_container(sandbox: Sandbox, engine: Path, delay: float, slow: bool):
    """Also while the container comes up, when there is nothing to kill yet."""
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
    assert left(engine) == []
    assert not alive("5151.2")


@needs_bubblewrap
def test_close_ends_what_runs(engine: Path):
    async def closed() -> Outcome:
        task = asyncio.create_task(opened.run(Program(files={}, argv=("sleep", "5151.3"))))
        await asyncio.sleep(0.4)
        await opened.close()
        await opened.close()
        return await task

    opened = open_sandbox("container", jobs=1)
    assert asyncio.run(closed()).ending == "infra"
    assert left(engine) == []
    assert not alive("5151.3")


@needs_bubblewrap
def test_dead_sessions_are_swept(engine: Path):
    """SIGKILL: the engine runs the container on, and the next session removes it."""
    script = """
        import asyncio
        from glotsmith.records import Program
        from glotsmith.sandbox import open_sandbox
        sandbox = open_sandbox("container")
        asyncio.run(sandbox.run(Program(files={}, argv=("sleep", "5151.4"))))
    """
    child = subprocess.Popen([sys.executable, "-c", textwrap.dedent(script)])
    deadline = time.monotonic() + 30
    while b"sleep\x005151.4\x00" not in command_lines():  # before that it may wait for what its client sends
        assert time.monotonic() < deadline
        time.sleep(0.02)
    child.kill()
    child.wait()
    names = left(engine)
    assert len(names) == 1
    (engine / "containers" / "glotsmith-sandbox-1-1-1-another-machines").touch()
    (engine / "containers" / "somebody-elses").touch()
    opened = open_sandbox("container")
    asyncio.run(opened.close())
    assert left(engine) == ["glotsmith-sandbox-1-1-1-another-machines", "somebody-elses"]
    while alive("sleep\x005151.4"):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    assert all(f"label=glotsmith={boot}" in line for line in told(engine, "ps"))


# Opening


def test_no_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("GLOTSMITH_ENGINE", raising=False)
    with pytest.raises(IsolationError, match="no container engine is installed: apt install podman"):
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
    with pytest.raises(IsolationError, match="docker has no image no/such: pull or build it"):
        open_sandbox("container")


@needs_bubblewrap
def test_the_first_engine_that_answers_is_taken(engine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (engine / "down").touch()
    second = tmp_path / "second"
    second.mkdir()
    install(second, "podman")
    monkeypatch.setenv("PATH", f"{engine}:{second}:/usr/bin:/bin")
    monkeypatch.setattr("glotsmith.sandbox.container.ENGINES", ("docker", "podman"))
    asyncio.run(open_sandbox("container").close())
    assert told(second, "run")


@needs_bubblewrap
def test_auto_prefers_what_needs_no_engine(engine: Path, monkeypatch: pytest.MonkeyPatch):
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
