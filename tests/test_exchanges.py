"""What a run notes of its questions and replies: prompts once, costs once, from the teacher or a cache."""

from pathlib import Path

import pytest

from glotsmith.exchanges import ReceivedReply, ReplyCosts
from glotsmith.ledger import Ledger


def exchange(
    address: str, item: str = "i", sample: int = 0, prompt: str = "p", cached: bool = False, cost: float = 0.5
) -> ReceivedReply:
    return ReceivedReply(address, item, "translate", sample, prompt, cached, cost, 10)


@pytest.mark.parametrize(
    ("noted", "spent"),
    [
        ([], None),
        ([exchange("a"), exchange("b", sample=1)], (ReplyCosts(2, 1.0, 20), ReplyCosts())),
        ([exchange("a", cached=True)], (ReplyCosts(), ReplyCosts(1, 0.5, 10))),
        ([exchange("a"), exchange("a", cached=True)], (ReplyCosts(1, 0.5, 10), ReplyCosts())),  # resumed: its own cache
        # one request, two items
        ([exchange("a"), exchange("a", item="j", cached=True)], (ReplyCosts(1, 0.5, 10), ReplyCosts())),
        ([exchange("a", cached=True), exchange("b")], (ReplyCosts(1, 0.5, 10), ReplyCosts(1, 0.5, 10))),
    ],
)
def test_what_was_paid_and_what_a_cache_saved(tmp_path: Path, noted: list[ReceivedReply], spent: object) -> None:
    ledger = Ledger(tmp_path / "ledger.sqlite")
    ledger.register_steps(["one"])
    for each in noted:
        ledger.record_reply(each)
    ledger.close()
    again = Ledger(tmp_path / "ledger.sqlite", read_only=True)
    assert again.exchanges.total_costs() == spent
    again.close()


def test_an_unknown_price_is_not_zero(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.sqlite")
    ledger.register_steps(["one"])
    for address, cost in (("a", None), ("b", 0.0), ("c", 0.5)):
        ledger.record_reply(exchange(address)._replace(cost=cost, language="lua" if address == "c" else ""))
    assert ledger.exchanges.total_costs() == (ReplyCosts(3, 0.5, 30, unpriced=1), ReplyCosts())
    assert ledger.exchanges.costs_by_language()["lua"] == (ReplyCosts(1, 0.5, 10), ReplyCosts())
    ledger.close()


def test_a_ledger_of_an_earlier_version_gets_the_columns_that_it_lacks(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.sqlite")
    ledger.register_steps(["one"])
    ledger.record_reply(exchange("a"))
    for column in ("language", "priced", "answered_at"):
        ledger._execute(f"ALTER TABLE exchanges DROP COLUMN {column}")
    ledger.register_steps(["one"])
    ledger.record_reply(exchange("b"))
    assert ledger.exchanges.total_costs() == (ReplyCosts(2, 1.0, 20), ReplyCosts())
    ledger.close()


@pytest.mark.parametrize(
    ("prompt", "stored"), [("p", "p"), ("é\n\U0001f600", "é\n\U0001f600"), ("", ""), ("a \ud800 b", "")]
)
def test_prompts_come_back_and_stand_once(tmp_path: Path, prompt: str, stored: str) -> None:
    ledger = Ledger(tmp_path / "ledger.sqlite")
    ledger.register_steps(["one"])
    for sample in (1, 0):
        ledger.record_reply(exchange(f"a{sample}", sample=sample, prompt=prompt))
    assert [(e.sample, e.prompt) for e in ledger.exchanges.for_items(["other", "i"])] == [(0, stored), (1, stored)]
    assert ledger._execute("SELECT COUNT(*) FROM prompts") <= [(1,)]
    ledger.close()


def test_a_ledger_without_the_tables_says_that_it_does_not_know(tmp_path: Path) -> None:
    Ledger(tmp_path / "ledger.sqlite").close()
    ledger = Ledger(tmp_path / "ledger.sqlite", read_only=True)
    assert (ledger.exchanges.total_costs(), ledger.exchanges.for_items(["i"])) == (None, [])
    ledger.close()


def test_replies_are_counted_by_call_and_by_time(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.sqlite")
    ledger.register_steps(["one"])
    assert ledger.exchanges.reply_times(4) is None
    for address, second in (("a", 100.0), ("b", 101.0), ("c", 107.9), ("d", 108.0)):
        ledger.record_reply(
            exchange(address)._replace(answered_at=second, call="fix" if address == "b" else "translate")
        )
    ledger.record_reply(exchange("a", item="j")._replace(answered_at=100.0))  # one request about two items
    ledger.record_reply(exchange("e", cached=True)._replace(answered_at=500.0))
    times = ledger.exchanges.reply_times(4)
    assert times == (100.0, 8.0, {"fix": [1, 0, 0, 0], "translate": [1, 0, 0, 2]})
    assert ledger.exchanges.costs_by_call() == {"fix": ReplyCosts(1, 0.5, 10), "translate": ReplyCosts(4, 2.0, 40)}
    ledger.close()
