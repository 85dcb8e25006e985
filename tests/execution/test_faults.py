"""Runs that are killed, stopped, locked out or out of space lose nothing, pay nothing twice, and end the same."""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from small_pipeline import dump

from glotsmith.ledger import Ledger

SCRIPT = Path(__file__).with_name("small_pipeline.py")
TIMEOUT_S = 120


def start(folder, log, *options):
    """Start the pipeline in a process; return it once its steps are about to begin (or it has ended)."""
    command = [sys.executable, SCRIPT, folder, log, *map(str, options)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    process.stdout.readline()
    return process


def end(process, code):
    _, errors = process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == code, errors
    return errors


def lines(log):
    return log.read_text().splitlines() if log.exists() else []


def result(folder):
    ledger = Ledger(folder / "ledger.sqlite")
    text = list(dump(ledger))
    ledger.close()
    return text


def answered(folder):
    """Return (step, input) of all that is answered in the ledger, as a resumed run will find it."""
    ledger = Ledger(folder / "ledger.sqlite")
    rows = ledger._execute("SELECT s.name, i.parent FROM item_rows i JOIN steps s ON s.place = i.step")
    ledger.close()
    return {f"{step} {parent}" for step, parent in rows}


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory):
    """The dump of a run that nobody disturbed, and the seconds it took."""
    folder = tmp_path_factory.mktemp("unbroken") / "run"
    process = start(folder, folder.with_suffix(".log"))
    began = time.monotonic()
    end(process, 0)
    return result(folder), time.monotonic() - began


def kill_and_resume(folder, moments, expected):
    """Kill a run after each of these seconds, then let it end; hold it to what was answered and paid before."""
    log, kills = folder.with_suffix(".log"), 0
    for seconds in [*moments, None]:
        before, seen = (answered(folder) if folder.exists() else set()), len(lines(log))
        process = start(folder, log)
        if seconds is None:
            end(process, 0)
        else:
            time.sleep(seconds)
            process.kill()
            kills += process.wait() == -signal.SIGKILL
            process.communicate()
        assert not before & set(lines(log)[seen:]), "an answered item was worked on again"
    count = Counter(line for line in lines(log) if line.startswith("asked "))
    assert set(count.values()) == {1}, "the teacher was asked for what it had answered"
    assert result(folder) == expected
    return kills


@pytest.mark.slow
def test_a_run_killed_three_times_ends_the_same(tmp_path, unbroken):
    expected, seconds = unbroken
    moments = [seconds / 5, seconds / 5, seconds / 5]
    assert kill_and_resume(tmp_path / "run", moments, expected) >= 2


@pytest.mark.slow
def test_runs_killed_at_twenty_random_moments_end_the_same(tmp_path, unbroken):
    expected, seconds = unbroken
    dice, kills = random.Random(), 0
    for number in range(20):
        moments = [seconds * (number + dice.random()) / 20, seconds * dice.random() / 2]
        kills += kill_and_resume(tmp_path / f"run {number}", moments, expected)
    assert kills >= 20


@pytest.mark.slow
@pytest.mark.parametrize(("signum", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_the_first_signal_stops_cleanly(tmp_path, unbroken, signum, code):
    expected, seconds = unbroken
    folder = tmp_path / "run"
    process = start(folder, tmp_path / "log")
    time.sleep(seconds / 4)
    process.send_signal(signum)
    assert "Run the same command again to resume" in end(process, code)
    end(start(folder, tmp_path / "log"), 0)
    assert result(folder) == expected


STUBBORN = """
import asyncio, sys, time
from glotsmith.execution.signals import stopping_on_signals
async def main():
    with stopping_on_signals(lambda: None, lambda text: print(text, flush=True)):
        print("begun", flush=True)
        time.sleep(60)  # a step that computes and never lets the loop run
asyncio.run(main())
"""


def test_the_second_signal_quits_at_once():
    process = subprocess.Popen([sys.executable, "-c", STUBBORN], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "begun\n"
    process.send_signal(signal.SIGINT)
    assert process.stdout.readline().startswith("Stopping.")
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 143
    process.stdout.close()


def test_two_processes_cannot_work_in_one_folder(tmp_path):
    first = start(tmp_path / "run", tmp_path / "log", "--count", 3000)
    second = start(tmp_path / "run", tmp_path / "log", "--count", 3000)
    assert f"process {first.pid} uses this folder" in end(second, 2)
    first.kill()
    first.communicate()
    third = start(tmp_path / "run", tmp_path / "log", "--count", 3000)
    third.send_signal(signal.SIGTERM)
    end(third, 143)


@pytest.mark.slow
@pytest.mark.parametrize("limit", [20_000, 150_000, 300_000, 450_000, 700_000, 1_500_000])
def test_a_file_that_cannot_grow_is_a_sentence_and_the_run_goes_on_later(tmp_path, limit):
    options = ["--count", 100, "--weight", 5000]
    end(start(tmp_path / "free", tmp_path / "free.log", *options), 0)
    errors = end(start(tmp_path / "run", tmp_path / "log", *options, "--file-limit", limit), 2)
    assert errors.startswith(f"error: {tmp_path / 'run'}")
    assert "earlier results are safe" in errors
    assert "Traceback" not in errors
    before, seen = answered(tmp_path / "run"), len(lines(tmp_path / "log"))
    end(start(tmp_path / "run", tmp_path / "log", *options), 0)
    assert not before & set(lines(tmp_path / "log")[seen:])
    assert result(tmp_path / "run") == result(tmp_path / "free")


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 5 MB, in which several commits find room, and not all; only root may make one."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=5m", "tmpfs", disk]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("mounting a file system needs root")
    yield disk
    subprocess.run(["umount", disk], check=True)


@pytest.mark.slow
def test_a_full_disk_is_a_sentence_and_the_run_goes_on_later(tmp_path, small_disk):
    options = ["--count", 400, "--weight", 5000]
    end(start(tmp_path / "free", tmp_path / "free.log", *options), 0)
    errors = end(start(small_disk / "run", tmp_path / "log", *options), 2)
    assert "the disk is full: free some space and run the same command again" in errors
    assert "full" in end(start(small_disk / "run", tmp_path / "log", *options), 2)
    subprocess.run(["mount", "-o", "remount,size=50m", small_disk], check=True)
    before, seen = answered(small_disk / "run"), len(lines(tmp_path / "log"))
    assert before
    end(start(small_disk / "run", tmp_path / "log", *options), 0)
    assert not before & set(lines(tmp_path / "log")[seen:])
    assert result(small_disk / "run") == result(tmp_path / "free")
