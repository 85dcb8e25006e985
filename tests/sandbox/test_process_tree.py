"""Walking and measuring process trees."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable

import pytest

from glotsmith.sandbox.process_tree import cpu_seconds, has_runnable_task, measure_tree, walk_tree


def wait_until(condition: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_walk_finds_children_of_all_threads():
    script = (
        "import subprocess as s, threading as t\n"
        "r = t.Thread(target=lambda: s.run(['sh', '-c', 'sleep 30; :']))\n"
        "r.start(); print(flush=True); r.join()"
    )
    child = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, start_new_session=True)
    assert child.stdout is not None
    child.stdout.readline()
    wait_until(lambda: [p.depth for p in walk_tree(child.pid)] == [0, 1, 2])
    usage = measure_tree(list(walk_tree(child.pid)), 1)
    os.killpg(child.pid, signal.SIGKILL)
    child.wait()
    child.stdout.close()
    assert usage.processes == 2
    assert 0 < usage.memory_mb < 50


THREADS = """
import threading, time
def spin():
    while True: pass
if {spins}: threading.Thread(target=spin, daemon=True).start()
threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
print("ready", flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("spins", [True, False])
def test_a_runnable_thread_is_found_behind_a_sleeping_one(spins: bool) -> None:
    command = [sys.executable, "-c", THREADS.format(spins=spins)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(0.3)
            found = [has_runnable_task(walk_tree(process.pid), 0) for _ in range(20)]
            assert any(found) == spins
            assert not has_runnable_task(walk_tree(process.pid), 1)  # it is a wrapper then
        finally:
            process.kill()


SPIN = """
import time, os
if os.fork() == 0:
    while time.process_time() < {cpu_s}: pass
    print("used", flush=True)
    time.sleep(60)
time.sleep(60)
"""


def test_cpu_time_is_exact_and_leaves_out_the_wrappers() -> None:
    with subprocess.Popen([sys.executable, "-c", SPIN.format(cpu_s=0.123)], stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            process.stdout.readline()
            of_child, of_both = (cpu_seconds(list(walk_tree(process.pid)), wrappers) for wrappers in (1, 0))
            assert 0.123 <= of_child < of_both
            assert of_child * 100 != round(of_child * 100)  # no multiple of the ticks of /proc
        finally:
            for each in list(walk_tree(process.pid)):
                os.kill(each.pid, signal.SIGKILL)
