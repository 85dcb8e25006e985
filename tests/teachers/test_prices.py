"""Prices come from options, then a file, then the dated table of the package; other models have none."""

import math
from pathlib import Path

import pytest

from glotsmith.errors import InputError, UsageError
from glotsmith.teachers import open_teacher, prices
from glotsmith.teachers.prices import ModelPrice, find_price

OPENAI, LOCAL = "https://api.openai.com/v1", "http://localhost:8000/v1"
FILE = '[hosts."api.openai.com"]\n"gpt-4o-mini" = [1, 2.5]\n[hosts."*"]\n"mine" = [0, 0]\n"gpt-4o-mini" = [7, 7]\n'


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "prices.toml"
    path.write_text(FILE)
    return str(path)


def found(
    url: str, model: str, file: str = "", given: tuple[float | None, float | None] = (None, None)
) -> tuple[float, float] | None:
    price = find_price(url, model, input_price=given[0], output_price=given[1], file=file)
    return price and (price.input, price.output)


def test_options_replace_a_file_and_a_file_replaces_the_table(file: str) -> None:
    table = found(OPENAI, "gpt-4o-mini")
    assert table not in (None, (1, 2.5))
    assert found(OPENAI, "gpt-4o-mini", file) == (1, 2.5)
    assert found(OPENAI, "gpt-4o-mini", file, (3, 4)) == (3, 4)
    assert found(LOCAL, "gpt-4o-mini", file) == (7, 7)
    assert found(LOCAL, "mine", file) == (0, 0)
    assert found(OPENAI, "gpt-4.1", file) == found(OPENAI, "gpt-4.1") is not None


@pytest.mark.parametrize(
    ("url", "model"),
    [
        (LOCAL, "gpt-4o-mini"),
        (OPENAI, "gpt-4o-mini-of-another-kind"),
        (OPENAI, ""),
        ("https://api.openai.com.example.org/v1", "gpt-4o-mini"),
        ("https://example.org/v1", "llama-3.3-70b"),
    ],
)
def test_a_model_that_no_table_has_on_this_host_has_an_unknown_price(url: str, model: str) -> None:
    assert found(url, model) is None


def test_the_table_of_the_package_states_its_source_and_date() -> None:
    table = prices._package_table()
    assert table.source
    assert table.date
    assert all(0 <= price < math.inf for models in table.hosts.values() for pair in models.values() for price in pair)
    price = find_price(OPENAI, "gpt-4o-mini", input_price=None, output_price=None)
    assert price is not None
    assert str(table.date) in price.source


def test_a_cost_is_that_of_all_tokens() -> None:
    assert ModelPrice(2.0, 8.0, "").cost(500_000, 250_000) == 3.0


@pytest.mark.parametrize(
    "options",
    [
        {"input_price": 1},
        {"output_price": 1},
        {"input_price": -1, "output_price": 1},
        {"input_price": "free", "output_price": 1},
        {"input_price": "inf", "output_price": 1},
        {"input_price": math.nan, "output_price": 1},
        {"prices": "missing.toml"},
    ],
)
def test_prices_that_are_none_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(UsageError, match="price"):
        open_teacher("openai", model="m", base_url=LOCAL, options=options)


@pytest.mark.parametrize(
    "text",
    [
        "no TOML",
        '"gpt-4o-mini" = [1, 2]',
        '[hosts."*"]\nm = [1]',
        '[hosts."*"]\nm = [1, 2, 3]',
        '[hosts."*"]\nm = [1, -2]',
        '[hosts."*"]\nm = [1, "2"]',
        '[hosts."*"]\nm = [1, nan]',
        '[hosts."*"]\nm = [1, inf]',
        "\x00",
    ],
)
def test_a_malformed_file_is_named(tmp_path: Path, text: str) -> None:
    file = tmp_path / "prices.toml"
    file.write_text(text)
    with pytest.raises(InputError, match=r"prices\.toml: the file is not a valid price table"):
        find_price(LOCAL, "m", input_price=None, output_price=None, file=str(file))


def test_the_other_teachers_have_no_price(tmp_path: Path) -> None:
    assert open_teacher("offline").price is None
    (tmp_path / "replies.jsonl").write_text("")
    assert open_teacher("scripted", model=str(tmp_path / "replies.jsonl")).price is None
