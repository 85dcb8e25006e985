"""The journal of the requests without a reply: what a kill, a full disk and an earlier version leave."""

import errno
import os
from pathlib import Path

import pytest

from glotsmith import sent_requests
from glotsmith.errors import StorageError
from glotsmith.ledger import Ledger
from glotsmith.sent_requests import SentRequest


def sent(number: int, language: str = "lua") -> SentRequest:
    return SentRequest(f"a{number}", number, language, number / 8, 10 * number)


def opened(folder: Path) -> Ledger:
    ledger = Ledger(folder / "ledger.sqlite")
    ledger.register_steps(["one"])
    return ledger


def end(ledger: Ledger, *requests: SentRequest) -> None:
    for request in requests:
        ledger.update_exchanges(lambda exchanges, ended=request: exchanges.sent_requests.forget(ended))


def kill(ledger: Ledger) -> None:
    """End as a process that is killed: the journal is not rewritten."""
    ledger._rollback()
    ledger._connection.close()


@pytest.mark.parametrize("committed", [True, False])
def test_a_request_is_open_until_its_end_is_committed(tmp_path: Path, committed: bool) -> None:
    ledger = opened(tmp_path)
    for number in (1, 2, 3):
        ledger.store_sent(sent(number))
    end(ledger, sent(2))
    assert ledger.exchanges.sent() == [sent(1), sent(3)]
    if committed:
        ledger.flush()
    kill(ledger)
    left = [sent(1), sent(3)] if committed else [sent(1), sent(2), sent(3)]
    for _ in range(2):  # the first one rewrites the journal
        again = opened(tmp_path)
        assert again.exchanges.sent() == left
        again.close()


def test_the_same_request_that_is_sent_again_ends_alone(tmp_path: Path) -> None:
    ledger = opened(tmp_path)
    first, second = sent(1), sent(1)._replace(sent_at=7)
    ledger.store_sent(first)
    ledger.store_sent(second)
    end(ledger, second)
    ledger.close()
    again = opened(tmp_path)
    assert again.exchanges.sent() == [first]
    again.close()


def test_a_line_that_a_kill_has_cut_is_no_request(tmp_path: Path) -> None:
    ledger = opened(tmp_path)
    ledger.store_sent(sent(1))
    kill(ledger)
    journal = tmp_path / "ledger.sqlite-sent"
    journal.write_bytes(journal.read_bytes() * 2)
    os.truncate(journal, journal.stat().st_size - 3)
    again = opened(tmp_path)
    again.store_sent(sent(2, "a lone surrogate \udc80"))
    kill(again)
    last = opened(tmp_path)
    assert [request.address for request in last.exchanges.sent()] == ["a1", "a2"]
    last.close()


def test_requests_of_an_earlier_version_are_read_and_end(tmp_path: Path) -> None:
    ledger = opened(tmp_path)
    for number in (1, 2):
        ledger._execute("INSERT INTO sent_requests VALUES (?, ?, 'lua', ?, ?)", *(f"a{number}", number, 0, 5))
    ledger.close()
    again = opened(tmp_path)
    first, second = again.exchanges.sent()
    assert second == SentRequest("a2", 2, "lua", 0.0, 5)
    end(again, first)
    again.store_sent(sent(3))
    again.close()
    last = opened(tmp_path)
    assert last.exchanges.sent() == [second, sent(3)]
    assert last._execute("SELECT * FROM sent_requests") == []
    last.close()


def test_a_long_journal_is_rewritten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sent_requests, "_MOST_LINES", 10)
    ledger = opened(tmp_path)
    for number in range(40):
        ledger.store_sent(sent(number))
        if number % 20:
            end(ledger, sent(number))
            ledger.flush()
    kill(ledger)
    assert len((tmp_path / "ledger.sqlite-sent").read_bytes().splitlines()) < 20
    again = opened(tmp_path)
    assert again.exchanges.sent() == [sent(0), sent(20)]
    again.close()


def test_no_line_is_rewritten_away_while_its_end_is_not_committed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sent_requests, "_MOST_LINES", 2)
    ledger = opened(tmp_path)
    with pytest.raises(KeyError), ledger.atomically():
        for number in range(6):
            ledger.store_sent(sent(number))
            end(ledger, sent(number))
            ledger.flush()
        raise KeyError
    ledger.close()
    again = opened(tmp_path)
    assert again.exchanges.sent() == [sent(number) for number in range(6)]
    again.close()


@pytest.mark.parametrize(("code", "words"), [(errno.ENOSPC, "free some space"), (errno.EIO, "cannot be written")])
def test_a_request_that_cannot_be_stored_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, words: str
) -> None:
    def fail(descriptor: int, data: bytes) -> int:
        raise OSError(code, os.strerror(code))

    ledger = opened(tmp_path)
    ledger.store_sent(sent(1))
    with monkeypatch.context() as patch, pytest.raises(StorageError, match=words):
        patch.setattr(os, "write", fail)
        ledger.store_sent(sent(2))
    assert ledger.exchanges.sent() == [sent(1)]
    ledger.close()


def test_a_ledger_whose_write_failed_stores_no_request(tmp_path: Path) -> None:
    ledger = opened(tmp_path)
    ledger._roll_back_for_good(StorageError("the disk is full"))
    with pytest.raises(StorageError, match="the disk is full"):
        ledger.store_sent(sent(1))
    assert ledger.exchanges.sent() == []
    ledger.close()
