from pathlib import Path

import pytest

from glotsmith.errors import InputError, UsageError
from glotsmith.languages import card, get_card, language_names

GOOD = (card.LANGUAGES_FOLDER / "lua" / "card.toml").read_text("utf-8")


@pytest.mark.parametrize("name", language_names())
def test_every_card_is_whole(name: str) -> None:
    found = get_card(name)
    assert found.name == name
    assert found.level != "full" or found.driver_text


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (('display = "Lua"', 'displai = "Lua"'), "displai"),
        (('display = "Lua"', "display = 3"), "str"),
        (('level = "full"', 'level = "some"'), "some"),
        (("[values]", "[values"), "card.toml"),
        (('none = "nil"', 'none = "nil"\nnone_ = 1'), "none_"),
    ],
)
def test_a_card_with_a_mistake_is_refused_by_name(tmp_path: Path, change: tuple[str, str], why: str) -> None:
    file = tmp_path / "card.toml"
    assert change[0] in GOOD
    file.write_text(GOOD.replace(*change), "utf-8")
    with pytest.raises(InputError, match=why):
        card.load_card(file)


def test_an_unknown_language_is_a_sentence() -> None:
    with pytest.raises(UsageError, match=r"no language is named 'luaa'; do you mean 'lua'\? There are: .*lua"):
        get_card("luaa")


@pytest.mark.parametrize("name", language_names())
def test_no_blank_line_ends_the_completion_of_a_function(name: str) -> None:
    syntax = get_card(name).syntax
    assert all(token.strip() for token in syntax.function_stops)
    assert set(syntax.stop) - set(syntax.function_stops) <= {"\n\n"}
