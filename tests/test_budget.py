"""What a user may write as a budget, and the sentence about everything else."""

import pytest

from glotsmith.budget import BudgetLimit, BudgetUnit, format_amount, parse_budget
from glotsmith.errors import UsageError
from glotsmith.languages import resolve_language

USD, TOKENS, SECONDS, ROWS = BudgetUnit


@pytest.mark.parametrize(
    ("text", "unit", "amount", "language"),
    [
        ("20usd", USD, 20, ""),
        ("0.5 USD", USD, 0.5, ""),
        (".5usd", USD, 0.5, ""),
        ("5Mtok", TOKENS, 5_000_000, ""),
        ("5mtok", TOKENS, 5_000_000, ""),
        ("1.5ktok", TOKENS, 1500, ""),
        ("2Gtok", TOKENS, 2_000_000_000, ""),
        ("700tok", TOKENS, 700, ""),
        ("3h", SECONDS, 10800, ""),
        ("90min", SECONDS, 5400, ""),
        ("2d", SECONDS, 172800, ""),
        ("30s", SECONDS, 30, ""),
        ("2000rows", ROWS, 2000, ""),
        ("ocaml=500rows", ROWS, 500, "ocaml"),
        ("OCaml = 5usd", USD, 5, "ocaml"),
        ("js=2Mtok", TOKENS, 2_000_000, "javascript"),
    ],
)
def test_a_budget_is_a_number_with_a_unit(text: str, unit: BudgetUnit, amount: float, language: str) -> None:
    assert parse_budget([text], resolve_language) == (BudgetLimit(unit, amount, text, language),)


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        (["20"], "is not valid"),
        (["usd"], "is not valid"),
        ([""], "is not valid"),
        (["-5usd"], "is not valid"),
        (["20eur"], "is not valid"),
        (["$20"], "is not valid"),
        (["1,5usd"], "is not valid"),
        (["nanusd"], "is not valid"),
        (["infusd"], "is not valid"),
        (["1e3usd"], "is not valid"),
        (["20usd 3h"], "is not valid"),
        (["5Mrows"], "is not valid"),
        (["a=b=5usd"], "is not valid"),
        (["x" * 500], "is not valid"),
        (["0usd"], "must be above 0"),
        (["0.0h"], "must be above 0"),
        ([f"{'9' * 400}usd"], "must be above 0 and finite"),
        (["2.5rows"], "whole number of rows"),
        (["ocaml=3h"], "leave out the language"),
        (["=5usd"], "names no language"),
        (["klingon=5usd"], "names no language"),
        (["20usd", "30usd"], "20usd and 30usd limit the same"),
        (["1h", "90min"], "1h and 90min limit the same"),
        (["js=5rows", "javascript=6rows"], "limit the same"),
    ],
)
def test_everything_else_gets_a_sentence(texts: list[str], words: str) -> None:
    with pytest.raises(UsageError, match=words) as raised:
        parse_budget(texts, resolve_language)
    assert len(str(raised.value)) < 400
    assert "\n" not in str(raised.value)


def test_several_budgets_hold_at_once() -> None:
    assert len(parse_budget(["20usd", "5Mtok", "3h", "9rows", "lua=9rows", "lua=1usd"], resolve_language)) == 6


@pytest.mark.parametrize(
    ("unit", "amount", "text"),
    [
        (USD, 20.034, "20.03 US dollars"),
        (USD, 0.012345, "0.01235 US dollars"),
        (USD, 12345.6, "12,345.60 US dollars"),
        (TOKENS, 5_000_123, "5,000,123 tokens"),
        (TOKENS, 1, "1 token"),
        (SECONDS, 10800, "3 h"),
        (ROWS, 2001, "2,001 rows"),
    ],
)
def test_amounts_are_written_for_people(unit: BudgetUnit, amount: float, text: str) -> None:
    assert format_amount(unit, amount) == text
