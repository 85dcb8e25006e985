import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest
from ledgers import RunMaker
from playwright.sync_api import Browser, sync_playwright

from cli.conftest import glotsmith  # noqa: F401 - a fixture


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser of the system for all tests of a file.

    Playwright runs an event loop in this thread until it stops, so that no other file can run one.
    """
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("Chromium cannot be run here: sh scripts/toolchains.sh browser")
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=chromium, args=arguments)
        yield found
        found.close()


@pytest.fixture(scope="module")
def growing_run(tmp_path_factory: pytest.TempPathFactory) -> RunMaker:
    """A run that is not finished."""
    made = RunMaker(tmp_path_factory.mktemp("view") / "growing")
    with made.open() as folder:
        made.add_problem(folder, 1, ["lua"])
    return made


@pytest.fixture(scope="module")
def served(growing_run: RunMaker) -> Iterator[str]:
    """The address of ``glotsmith view``, which ends at Ctrl-C with exit code 0."""
    command = [sys.executable, "-m", "glotsmith", "view", str(growing_run.path), "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        found = re.search(r"http://127\.0\.0\.1:\d+", process.stderr.readline())
        assert found is not None
        yield found[0]
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
