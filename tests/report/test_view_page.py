"""The page of a run in progress, in a real browser: it follows the run and keeps its place."""

import re

import pytest
from ledgers import RunMaker
from playwright.sync_api import Browser, expect

pytestmark = pytest.mark.slow


def test_the_page_follows_a_run_and_keeps_its_place(browser: Browser, growing_run: RunMaker, served: str) -> None:
    page = browser.new_page(viewport={"width": 1280, "height": 500})
    problems, requests = list[str](), set[str]()
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    page.on("request", lambda request: requests.add(re.sub(r"\d+|#.*", "", request.url.removeprefix(served))))
    page.goto(f"{served}/#/r0/rows?language=lua")
    expect(page.locator("#live")).to_have_text("live", timeout=20_000)
    page.keyboard.press("j")
    expect(page.locator(".detail h2")).to_have_count(1)
    page.locator(".detail").evaluate("detail => { detail.scrollTop = 40; }")
    chosen, before = page.locator(".detail h2").inner_text(), page.locator(".total strong").inner_text()
    with growing_run.open() as folder:
        for number in range(2, 6):
            (position, _) = growing_run.add_problem(folder, number, ["lua", "ocaml"])
            growing_run.drop(folder, "translate", f"lua-{number}", position, "teacher_refused")
    expect(page.locator(".total strong")).not_to_have_text(before, timeout=30_000)
    assert int(page.locator(".total strong").inner_text()) > int(before)
    expect(page.locator(".detail h2")).to_have_text(chosen)
    expect(page.locator(".detail")).to_have_js_property("scrollTop", 40)
    assert "language=lua" in page.url and problems == [] and requests == {"/", "/state", "/row//"}
    page.close()


def test_the_page_says_that_the_report_cannot_be_written(browser: Browser, growing_run: RunMaker, served: str) -> None:
    page = browser.new_page()
    page.goto(served)
    expect(page.locator("#live")).to_have_text("live", timeout=20_000)
    configuration = growing_run.path / "run.toml"
    right = configuration.read_bytes()
    configuration.write_text("= is no TOML")
    expect(page.locator("#live")).to_have_text("the report cannot be written", timeout=30_000)
    configuration.write_bytes(right)
    expect(page.locator("#live")).to_have_text("live", timeout=30_000)
    page.close()
