import os
import shutil
from collections.abc import Iterator

import pytest
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
