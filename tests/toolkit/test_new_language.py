from pathlib import Path

import pytest

from glotsmith.errors import InputError, UsageError
from glotsmith.languages import card, get_card, language_names
from glotsmith.languages.proof_rows import read_proof_rows
from glotsmith.toolkit import new_language
from glotsmith.toolkit.row_checks import ATTACKS, MIN_ROWS, STATUSES


def test_a_new_language_is_found_and_its_card_can_be_read(own: Path) -> None:
    made = new_language.create_language("klingon", own, extension=".kl")
    assert {p.name for p in made.iterdir()} == {"card.toml", "driver.kl", "verdicts.toml", "hostile.toml"}
    assert "klingon" in language_names()
    found = get_card("klingon")
    assert (found.display, found.level, found.extension) == ("Klingon", "full", ".kl")
    assert found.toolchain[0].run == ("klingon", "@{dir}/driver.kl")
    assert found.syntax.signature == "function @{name}(@{parameters})"
    assert found.refuse == {"set": "Klingon has no sets"}
    assert "@{" not in found.driver_text
    assert found.fingerprint != get_card("lua").fingerprint


def test_the_template_asks_for_every_verdict_and_every_attack(own: Path) -> None:
    new_language.create_language("klingon", own)
    table = read_proof_rows("klingon")
    assert len(table) >= MIN_ROWS
    assert {status for row in table.values() for status in row.expected_statuses} >= set(STATUSES)
    assert tuple(read_proof_rows("klingon", "hostile")) == ATTACKS
    assert not any("pass" in row.expected_statuses for row in read_proof_rows("klingon", "hostile").values())


def test_a_new_language_of_whole_programs_has_no_driver_and_no_row_with_typed_calls(own: Path) -> None:
    made = new_language.create_language("klingon", own, extension=".kl", level="io")
    assert {p.name for p in made.iterdir()} == {"card.toml", "verdicts.toml", "hostile.toml"}
    assert get_card("klingon").level == "io"
    assert get_card("klingon").toolchain[0].script == ("klingon", "@{dir}/main.kl")
    assert len(read_proof_rows("klingon")) >= MIN_ROWS
    assert tuple(read_proof_rows("klingon", "hostile")) == ATTACKS
    for table in ("verdicts", "hostile"):
        assert all(row.io for row in read_proof_rows("klingon", table).values())
    assert not any("pass" in row.expected_statuses for row in read_proof_rows("klingon", "hostile").values())


@pytest.mark.parametrize(("like", "level"), [("bash", "io"), ("c", ""), ("lua", "full")])
def test_a_copy_keeps_the_level_of_the_other_language(own: Path, like: str, level: str) -> None:
    new_language.create_language("moon", own, like, level=level)
    assert get_card("moon").level == get_card(like).level


def test_a_copy_is_the_other_language_under_its_own_name(own: Path) -> None:
    new_language.create_language("moon", own, "lua", display="Moon of Lua")
    moon, lua = get_card("moon"), get_card("lua")
    assert (moon.name, moon.display) == ("moon", "Moon of Lua")
    assert moon.values == lua.values
    assert moon.driver_text == lua.driver_text
    assert read_proof_rows("moon") == read_proof_rows("lua")


@pytest.mark.parametrize(
    ("name", "options", "why"),
    [
        ("Klingon", {}, "is not a valid name of a language"),
        ("a-b", {}, "is not a valid name of a language"),
        ("../x", {}, "is not a valid name of a language"),
        ("", {}, "is not a valid name of a language"),
        ("lua", {}, "the language 'lua' exists already"),
        ("taken", {}, "already exists"),
        ("x", {"like": "luaa"}, "no language is named 'luaa'"),
        ("x", {"display": 'X"'}, "remove quotes"),
        ("x", {"extension": "../x"}, "remove quotes, slashes"),
        ("x", {"level": "run"}, "there is no level 'run': use --level full or --level io"),
        ("x", {"level": "io", "like": "lua"}, r"--from lua has level full.*\(bash\)"),
        ("x", {"level": "full", "like": "bash"}, "--from bash has level io, and --level is full"),
    ],
)
def test_what_can_not_be_started_is_a_sentence(own: Path, name: str, options: dict[str, str], why: str) -> None:
    (own / "taken").mkdir()
    with pytest.raises(UsageError, match=why):
        new_language.create_language(name, own, **options)
    assert [p.name for p in own.iterdir()] == ["taken"]


def test_languages_go_into_the_checkout_else_where_the_environment_says(
    own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert new_language.default_folder() == card.LANGUAGES_FOLDER
    installed = tmp_path / "site-packages" / "glotsmith" / "languages"
    installed.mkdir(parents=True)
    monkeypatch.setattr(card, "LANGUAGES_FOLDER", installed)
    assert new_language.default_folder() == own.resolve()
    assert new_language.is_found(own)
    monkeypatch.setenv(card.LANGUAGES_VARIABLE, "")
    monkeypatch.chdir(tmp_path)
    assert new_language.default_folder() == tmp_path
    assert not new_language.is_found(tmp_path)


def test_a_language_in_two_folders_is_refused(own: Path) -> None:
    (own / "lua").mkdir()
    (own / "lua" / "card.toml").write_text((card.LANGUAGES_FOLDER / "lua" / "card.toml").read_text("utf-8"), "utf-8")
    card.clear_card_caches()
    with pytest.raises(UsageError, match=r"two languages are named 'lua': .*own/lua"):
        language_names()


def test_a_folder_that_is_none_is_refused(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(card.LANGUAGES_VARIABLE, f"{own}:{own}/nowhere")
    card.clear_card_caches()
    with pytest.raises(UsageError, match=r"GLOTSMITH_LANGUAGES names .*nowhere, which is not a folder"):
        language_names()


def test_a_card_with_another_name_than_its_folder_is_refused(own: Path) -> None:
    new_language.create_language("moon", own, "lua").rename(own / "sun")
    card.clear_card_caches()
    with pytest.raises(InputError, match="the card has the name 'moon', but its folder has the name 'sun'"):
        get_card("sun")
