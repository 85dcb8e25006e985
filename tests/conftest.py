"""The session gets a home of its own (``own_home``), before anything of glotsmith is imported.

Where all is to be tested (``scripts/test.sh``), a missing toolchain or isolation fails a test, and skips none.

But for the toolchains that ``scripts/toolchains.sh`` can install nowhere.
"""

import os
import signal
from collections.abc import Generator

import pytest

import own_home  # noqa: F401 - first: it changes the environment
from glotsmith.languages import get, names

EVERYTHING = os.environ.get("GLOTSMITH_TEST_EVERYTHING") == "1"
MISSING = ("can't be run here", "Cannot isolate programs")  #: what ToolchainError and IsolationError say
KNOWN = {"apt", "sh scripts/toolchains.sh"}  #: ways to install that the script takes
ELSEWHERE = tuple(
    f"{card.display} can't be run here"
    for card in map(get, names())
    if all(t.install and not KNOWN & t.install.keys() for t in card.toolchain)
)


if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as in a suite that runs in the background: programs inherit it
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    why = str(report.longrepr)
    if EVERYTHING and report.skipped and any(t in why for t in MISSING) and not any(t in why for t in ELSEWHERE):
        report.outcome = "failed"
    return report
