"""A page of a report in a browser, with what went wrong in it."""

from pathlib import Path

from playwright.sync_api import Page


class Visit:
    """A page and what went wrong in it."""

    def __init__(self, page: Page, file: Path) -> None:
        self.page, self.file = page, file
        self.problems: list[str] = []
        page.set_default_timeout(10_000)
        self.requests: list[str] = []
        page.on("console", lambda message: self.problems.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.on("request", lambda request: self.requests.append(request.url))

    def go(self, hash_: str = "") -> Page:
        self.page.goto(f"{self.file.as_uri()}{hash_}")
        self.page.wait_for_selector("body[data-ready]")
        return self.page
