"""The server that shows runs in progress: what it answers, and what it refuses."""

import asyncio
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from ledgers import RunMaker

from glotsmith.report import live_pages
from glotsmith.report.live_pages import LivePages


@pytest.mark.parametrize(
    ("method", "path", "host", "status"),
    [
        ("GET", "/", "127.0.0.1", 200),
        ("GET", "/state", "localhost:1", 200),
        ("GET", "/state", "[::1]", 200),
        ("GET", "/", "rebound.example", 403),
        ("GET", "/state", "127.0.0.1.example", 403),
        ("GET", "/state", "", 403),
        ("GET", "/ledger.sqlite", "127.0.0.1", 404),
        ("GET", "/../run.toml", "127.0.0.1", 404),
        ("GET", "//etc/passwd", "127.0.0.1", 404),
        ("POST", "/", "127.0.0.1", 405),
    ],
)
def test_only_the_page_and_its_version_are_served(served: str, method: str, path: str, host: str, status: int) -> None:
    with socket.create_connection(("127.0.0.1", int(served.rpartition(":")[2]))) as connection:
        connection.sendall(f"{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        head = b"".join(iter(lambda: connection.recv(65536), b"")).decode().partition("\r\n\r\n")[0]
    assert int(head.split()[1]) == status
    if status == 200:
        assert "frame-ancestors 'none'" in head and "no-store" in head


def test_a_page_that_does_not_change_is_written_once(growing_run: RunMaker, monkeypatch: pytest.MonkeyPatch) -> None:
    written, write = list[str](), live_pages.write_report

    def counting(runs: list[Path], target: Path, limits: None, version: str) -> Path:
        written.append(version)
        return write(runs, target, limits, version)

    monkeypatch.setattr(live_pages, "write_report", counting)
    monkeypatch.setattr(live_pages, "_SHORTEST_PAUSE_S", 0.0)
    monkeypatch.setattr(live_pages, "_PAUSE_FACTOR", 0.0)
    pages = LivePages([growing_run.path])

    async def ask() -> None:
        assert await pages.page() == await pages.page()
        (growing_run.path / "cache.sqlite").touch()  # a reply alone does not change the report
        assert pages.version() == written[0]
        with growing_run.open() as folder:
            growing_run.add_source(folder, 99)
        await pages.page()

    asyncio.run(ask())
    assert len(written) == len(set(written)) == 2
    pages.close()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["none"], "none"),
        ([".", "--port", "70000"], "--port"),
        ([], "runs"),
    ],
)
def test_what_cannot_be_shown_is_a_sentence(
    glotsmith: Callable[..., tuple[int, str, str]], arguments: list[str], message: str
) -> None:
    code, _, error = glotsmith("view", *arguments)
    assert code == 2 and message in error and "Traceback" not in error
