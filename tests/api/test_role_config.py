"""The tables of roles: what a teacher takes from the one before it, what may change, and what is refused."""

from pathlib import Path
from typing import Any

import pytest

from glotsmith.api.role_config import assigned
from glotsmith.api.run_config import RunConfig, changeable_keys_of, load
from glotsmith.errors import GlotsmithError, UsageError
from glotsmith.settings import is_changeable

MAIN = {
    "name": "openai",
    "model": "small",
    "base_url": "http://one/v1",
    "options": {"timeout_s": 9, "input_price": 1, "output_price": 2, "api_key_env": "ONE_KEY"},
}


def config(roles: dict[str, Any], recipe: str = "multipl-t", **options: object) -> RunConfig:
    return load(recipe, {"teacher": MAIN, "roles": roles, "options": {"sources": ("s",), **options}})


@pytest.mark.parametrize(
    ("role", "expected"),
    [
        pytest.param({}, {**MAIN}, id="nothing"),
        pytest.param(
            {"model": "big"},
            {**MAIN, "model": "big", "options": {"timeout_s": 9, "api_key_env": "ONE_KEY"}},
            id="the-price-belongs-to-the-model",
        ),
        pytest.param(
            {"model": "big", "options": {"timeout_s": 5}},
            {**MAIN, "model": "big", "options": {"timeout_s": 5, "api_key_env": "ONE_KEY"}},
            id="an-option-wins",
        ),
        pytest.param(
            {"base_url": "http://two/v1"},
            {**MAIN, "base_url": "http://two/v1", "options": {"default_key": False}},
            id="no-key-for-another-server",
        ),
        pytest.param(
            {"base_url": "http://two/v1", "options": {"api_key_env": "TWO_KEY"}},
            {**MAIN, "base_url": "http://two/v1", "options": {"api_key_env": "TWO_KEY"}},
            id="a-key-of-its-own",
        ),
        pytest.param(
            {"name": "local"}, {"name": "local", "model": "", "base_url": "", "options": {}}, id="another-teacher"
        ),
    ],
)
def test_a_role_takes_what_it_does_not_set_from_the_teacher_of_the_run(
    role: dict[str, Any], expected: dict[str, Any]
) -> None:
    [found] = config({"translate": role}).role_teachers()["translate"]
    teacher = found.teacher
    assert {
        "name": teacher.name,
        "model": teacher.model,
        "base_url": teacher.base_url,
        "options": teacher.options,
    } == expected


def test_the_next_model_takes_its_fields_from_the_one_before_it() -> None:
    chain = {"base_url": "http://two/v1", "next": {"model": "big", "next": {"options": {"timeout_s": 1}}}}
    found = config({"translate": chain}).role_teachers()["translate"]
    assert [one.key for one in found] == ["roles.translate", "roles.translate.next", "roles.translate.next.next"]
    assert [one.teacher.model for one in found] == ["small", "big", "big"]
    assert {one.teacher.base_url for one in found} == {"http://two/v1"}


def test_each_agent_has_a_role_by_any_name_of_its_language() -> None:
    chosen = config({"agents": {"OCaml": {"model": "m"}}}, "xcoder", languages=("ocaml", "lua"))
    assert [*chosen.role_teachers()] == ["agents.ocaml"]


@pytest.mark.parametrize(
    ("recipe", "roles", "words"),
    [
        ("multipl-t", {"translat": {"model": "m"}}, "no role 'translat'; do you mean 'translate'"),
        ("multipl-t", {"summarise": {"model": "m"}}, "multipl-t has no role 'summarise'"),
        ("multipl-t", {"agents": {"lua": {"model": "m"}}}, "no role 'agents.lua'"),
        ("inverse-instruct", {"repair": {"model": "m"}}, "no role 'repair'"),
        ("xcoder", {"agents": {"r": {"model": "m"}}}, "no role 'agents.r'"),
        ("xcoder", {"agents": {"klingon": {"model": "m"}}}, "no language is named 'klingon'"),
        ("multipl-t", {"translate": "big"}, "roles.translate is 'big'; it must be a table"),
        ("multipl-t", {"translate": {"model": 3}}, "roles.translate.model is 3; it must be text"),
        ("multipl-t", {"translate": {"modell": "m"}}, "[roles.translate] has no field 'modell'; do you mean 'model'"),
        ("multipl-t", {"translate": {"next": {"url": "m"}}}, "[roles.translate.next] has no field 'url'"),
        ("multipl-t", {"translate": {"options": {"api_key": "abcdef123456"}}}, "looks like a key"),
        ("multipl-t", {"translate": {"name": "opnai"}}, "there is no teacher 'opnai'; do you mean 'openai'"),
    ],
)
def test_a_wrong_table_is_refused_in_a_sentence(recipe: str, roles: dict[str, Any], words: str) -> None:
    with pytest.raises(GlotsmithError) as raised:
        config(roles, recipe, languages=("ocaml", "lua"))
    assert words in str(raised.value)


@pytest.mark.parametrize(
    ("key", "changeable"),
    [
        ("roles.translate.base_url", True),
        ("roles.translate.options.timeout_s", True),
        ("roles.translate.options.input_price", True),
        ("roles.translate.next.base_url", True),
        ("roles.translate.next.options.max_concurrency", True),
        ("roles.translate.model", False),
        ("roles.translate.name", False),
        ("roles.translate.options.extra", False),
        ("roles.translate.next.model", False),
        ("roles.translate.next.options.rename", False),
        ("roles.repair.model", False),
    ],
)
def test_the_settings_of_a_role_are_fixed_as_those_of_the_teacher(key: str, changeable: bool) -> None:
    stored = {
        "recipe": "multipl-t",
        "teacher": MAIN,
        "roles": {"translate": {"model": "m", "next": {"model": "n"}}, "repair": {"model": "r"}},
    }
    assert is_changeable(key, changeable_keys_of(stored)) is changeable


@pytest.mark.parametrize(
    ("pairs", "tables"),
    [
        ({"roles.translate.model": "m"}, {"translate": {"model": "m"}}),
        ({"roles.translate.timeout_s": 5}, {"translate": {"options": {"timeout_s": 5}}}),
        ({"roles.translate.options.timeout_s": 5}, {"translate": {"options": {"timeout_s": 5}}}),
        ({"roles.agents.lua.model": "m"}, {"agents": {"lua": {"model": "m"}}}),
        ({"roles.translate.next": {"model": "n"}}, {"translate": {"next": {"model": "n"}}}),
        (
            {"roles.translate.next.model": "n", "roles.translate.next.timeout_s": 5},
            {"translate": {"next": {"model": "n", "options": {"timeout_s": 5}}}},
        ),
    ],
)
def test_assignments_make_the_tables_of_a_file(pairs: dict[str, Any], tables: dict[str, Any]) -> None:
    assert assigned(pairs) == tables


def test_an_assignment_without_a_field_is_refused() -> None:
    with pytest.raises(UsageError, match=r"--set roles.translate does not set a field of a role"):
        assigned({"roles.translate": "m"})


def test_paths_of_a_role_in_a_file_are_relative_to_the_file(tmp_path: Path) -> None:
    (tmp_path / "replies.jsonl").write_text("")
    (tmp_path / "run.toml").write_text(
        'recipe = "multipl-t"\n[options]\nsources = ["package:toolz"]\n'
        '[roles.translate]\nname = "scripted"\nmodel = "replies.jsonl"\n'
    )
    [found] = load(str(tmp_path / "run.toml"), {}).role_teachers()["translate"]
    assert (found.teacher.model, found.model) == (str(tmp_path / "replies.jsonl"), "replies.jsonl")
