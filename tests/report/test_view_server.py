"""The server that shows runs in progress: what it answers, and what it refuses."""

import asyncio
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from ledgers import RunMaker
from results import unfinished_training

from glotsmith.errors import InputError
from glotsmith.report import LiveRuns, live_pages
from glotsmith.report.live_pages import LivePages


@pytest.mark.parametrize(
    ("method", "path", "host", "status"),
    [
        ("GET", "/", "127.0.0.1", 200),
        ("GET", "/state", "localhost:1", 200),
        ("GET", "/state", "[::1]", 200),
        ("GET", "/row/0/1", "localhost", 200),
        ("GET", "/row/0/1", "rebound.example", 403),
        ("GET", "/row/0/999999", "localhost", 404),
        ("GET", "/row/0/99999999999999999999", "localhost", 404),
        ("GET", "/row/1/1", "localhost", 404),
        ("GET", "/row/0/-1", "localhost", 404),
        ("GET", "/row/0/x", "localhost", 404),
        ("GET", "/", "rebound.example", 403),
        ("GET", "/state", "127.0.0.1.example", 403),
        ("GET", "/state", "", 403),
        ("GET", "/ledger.sqlite", "127.0.0.1", 404),
        ("GET", "/../run.toml", "127.0.0.1", 404),
        ("GET", "//etc/passwd", "127.0.0.1", 404),
        ("POST", "/", "127.0.0.1", 405),
    ],
)
def test_only_the_page_its_version_and_its_rows_are_served(
    served: str, method: str, path: str, host: str, status: int
) -> None:
    with socket.create_connection(("127.0.0.1", int(served.rpartition(":")[2]))) as connection:
        connection.sendall(f"{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        head = b"".join(iter(lambda: connection.recv(65536), b"")).decode().partition("\r\n\r\n")[0]
    assert int(head.split()[1]) == status
    if status == 200:
        assert "frame-ancestors 'none'" in head and "no-store" in head


def test_a_page_that_does_not_change_is_written_once(growing_run: RunMaker, monkeypatch: pytest.MonkeyPatch) -> None:
    written, write = list[str](), live_pages.write_report

    def counting(runs: list[Path], target: Path, limits: None, version: str, live: LiveRuns) -> Path:
        written.append(version)
        return write(runs, target, limits, version, live)

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
    ("file", "is_read"),
    [
        ("stages/2/checkpoints/checkpoint-40/trainer_state.json", True),
        ("stages/2/model/stage.json", True),
        ("model/training.json", True),
        ("settings.json", True),
        ("stages/2/checkpoints/checkpoint-40/model.safetensors", False),
        ("lock", False),
    ],
)
def test_the_page_of_a_training_follows_its_checkpoints_and_its_record(
    tmp_path: Path, file: str, *, is_read: bool
) -> None:
    folder = unfinished_training(tmp_path / "one")
    pages = LivePages([folder])
    before = pages.version()
    (folder / file).parent.mkdir(parents=True, exist_ok=True)
    (folder / file).write_text("{}")
    assert (pages.version() != before) is is_read
    pages.close()


def test_a_report_that_cannot_be_written_is_tried_again_after_each_pause(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried, write = list[str](), live_pages.write_report

    def counting(runs: list[Path], target: Path, limits: None, version: str, live: LiveRuns) -> Path:
        tried.append(version)
        return write(runs, target, limits, version, live)

    monkeypatch.setattr(live_pages, "write_report", counting)
    monkeypatch.setattr(live_pages, "_SHORTEST_PAUSE_S", 0.0)
    monkeypatch.setattr(live_pages, "_PAUSE_FACTOR", 0.0)
    folder = unfinished_training(tmp_path / "one")
    settings, pages = folder / "settings.json", LivePages([folder])
    right = settings.read_bytes()

    async def ask() -> None:
        await pages.page()
        shown = pages.version()
        settings.write_text("{")
        monkeypatch.setattr(live_pages, "_SHORTEST_PAUSE_S", 1e6)
        for _ in range(3):
            with pytest.raises(InputError, match="not a valid settings file of a training"):
                await pages.page()
            assert pages.version() != shown  # so that the page asks again, and says that there is no newer one
        assert len(tried) == 2
        monkeypatch.setattr(pages, "_next_at", 0.0)  # the pause is over
        with pytest.raises(InputError):
            await pages.page()
        settings.write_bytes(right)
        monkeypatch.setattr(pages, "_next_at", 0.0)
        assert (await pages.page()).is_file()
        assert len(tried) == 4

    asyncio.run(ask())
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
