"""The page of a run in progress, in a real browser: it follows the run and keeps its place."""

from ledgers import RunMaker
from playwright.sync_api import Browser, expect


def test_the_page_follows_a_run_and_keeps_its_place(browser: Browser, growing_run: RunMaker, served: str) -> None:
    page = browser.new_page()
    problems, requests = list[str](), set[str]()
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    page.on("request", lambda request: requests.add(request.url.partition("#")[0].removeprefix(served)))
    page.goto(f"{served}/#/r0/rows?language=lua")
    expect(page.locator("#live")).to_have_text("live", timeout=20_000)
    page.keyboard.press("j")
    expect(page.locator(".detail h2")).to_have_count(1)
    chosen, before = page.locator(".detail h2").inner_text(), page.locator(".total strong").inner_text()
    with growing_run.open() as folder:
        for number in range(2, 6):
            (position, _) = growing_run.add_problem(folder, number, ["lua", "ocaml"])
            growing_run.drop(folder, "translate", f"lua-{number}", position, "teacher_refused")
    expect(page.locator(".total strong")).not_to_have_text(before, timeout=30_000)
    assert int(page.locator(".total strong").inner_text()) > int(before)
    expect(page.locator(".detail h2")).to_have_text(chosen)
    assert "language=lua" in page.url and problems == [] and requests <= {"/", "/state"}
    page.close()
