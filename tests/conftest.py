"""Where all is to be tested (``scripts/test.sh``), a missing toolchain or isolation fails a test, and skips none."""

import os
from collections.abc import Generator

import pytest

EVERYTHING = os.environ.get("GLOTSMITH_TEST_EVERYTHING") == "1"
MISSING = ("can't be run here", "can't be isolated here")  #: what ToolchainError and IsolationError say


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if EVERYTHING and report.skipped and any(text in str(report.longrepr) for text in MISSING):
        report.outcome = "failed"
    return report
