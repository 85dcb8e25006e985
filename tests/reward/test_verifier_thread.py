"""One verifier thread for every caller: threads, event loops, processes; and nothing of it outlives them."""

import asyncio
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from glotsmith.reward import close, score, score_async, verifier_thread
from glotsmith.sandbox.process_tree import walk_tree
from serving import Serving

LUA = "```lua\nfunction f(x) return x + {} end\n```"
ROW = {"language": "lua", "tests": ["assert f(1) == 2"]}
SCRIPT = f"""
import os, sys
from glotsmith.reward import score
assert score([{LUA.format(1)!r}], [{ROW!r}]) == [1.0]
"""


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    yield
    close()


def judged(*numbers: int) -> list[float | None]:
    return score([LUA.format(n) for n in numbers], [ROW] * len(numbers))


def folders(pid: int) -> list[Path]:
    return [p for parent in ("/dev/shm", "/tmp") for p in Path(parent).glob(f"glotsmith-sandbox-*-{pid}-*")]


def test_threads_and_loops_share_one() -> None:
    async def both() -> list[list[float | None]]:
        rows = [ROW, ROW]
        return await asyncio.gather(*(score_async([LUA.format(1), LUA.format(0)], rows) for _ in range(3)))

    with ThreadPoolExecutor(4) as threads:
        assert [*threads.map(lambda _: judged(1, 2), range(8))] == [[1.0, 0.0]] * 8
    for _ in range(2):
        assert asyncio.run(both()) == [[1.0, 0.0]] * 3
    assert len(verifier_thread._verifier_threads) == 1
    assert [t.name for t in threading.enumerate()].count("glotsmith-reward") == 1


@pytest.mark.slow
def test_closing_leaves_nothing_and_is_no_end() -> None:
    before, had = {p.pid for p in walk_tree(os.getpid())}, folders(os.getpid())  # other tests' sandboxes
    for _ in range(2):
        assert judged(1) == [1.0]
        assert {p.pid for p in walk_tree(os.getpid())} - before  # one of the other sandboxes may have ended
        close()
        close()
        assert {p.pid for p in walk_tree(os.getpid())} <= before
        assert set(folders(os.getpid())) <= set(had)


def child(connection: "multiprocessing.connection.Connection") -> None:
    connection.send((judged(1, 2), len(verifier_thread._verifier_threads)))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_other_processes_have_their_own(method: str) -> None:
    """A process that was forked while the lock was held has a verifier thread, and the parent keeps its own."""
    assert judged(1) == [1.0]
    context = multiprocessing.get_context(method)
    ours, theirs = context.Pipe()
    process = context.Process(target=child, args=(theirs,))
    with verifier_thread._lock:
        process.start()
    assert ours.poll(60)
    assert ours.recv() == ([1.0, 0.0], 1)
    process.join()
    assert process.exitcode == 0
    assert folders(os.getpid()), "the child removed its parent's folder"
    assert judged(1, 2) == [1.0, 0.0]


@pytest.mark.parametrize(
    ("end", "code"),
    [
        ("", 0),
        ("sys.exit(3)", 3),
        ("if os.fork() == 0:\n    sys.exit(0)\nos.wait()\nassert score([], []) == []", 0),
        ("raise KeyboardInterrupt", 1),
    ],
)
def test_nothing_outlives_the_process(end: str, code: int) -> None:
    process = subprocess.Popen([sys.executable, "-W", "error", "-c", SCRIPT + end], stderr=subprocess.PIPE, text=True)
    _, stderr = process.communicate(timeout=60)
    assert (process.returncode in (code, -signal.SIGINT)) and ("Traceback" in stderr) == ("raise" in end), stderr
    assert folders(process.pid) == []


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Ctrl-C reaches this process; a worker of a parallel test run ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.slow
def test_an_interrupted_call_takes_its_programs_with_it(interruptible: None) -> None:
    """Ctrl-C in a notebook: the call ends, its endless programs too, and the next call is answered."""
    endless = "```lua\nfunction f(x) while true do end end\n```"
    judged(1)
    interrupt = threading.Timer(1, signal.pthread_kill, (threading.main_thread().ident, signal.SIGINT))
    interrupt.start()
    begun = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        score([endless] * 4, [{**ROW, "time_limit_s": 300}] * 4)
    assert judged(1, 2) == [1.0, 0.0]
    assert time.monotonic() - begun < 20


@pytest.mark.parametrize(("ranks", "parts"), [("", 1), ("2", 2), ("1000", 1000), ("0", 1), ("many", 1)])
def test_ranks_of_one_machine_share_its_processors(monkeypatch: pytest.MonkeyPatch, ranks: str, parts: int) -> None:
    monkeypatch.setenv("LOCAL_WORLD_SIZE", ranks)
    assert verifier_thread.default_jobs() == max(1, len(os.sched_getaffinity(0)) // parts)


@pytest.mark.slow
def test_the_sandbox_may_be_another_machines(monkeypatch: pytest.MonkeyPatch) -> None:
    served = Serving("--jobs", "2", "--isolation", "none")
    try:
        monkeypatch.setenv("GLOTSMITH_REMOTE", served.address)
        rows = [ROW, ROW]
        assert score([LUA.format(1), LUA.format(2)], rows, isolation="remote", jobs=2) == [1.0, 0.0]
        close()
    finally:
        assert served.stop() == 0
