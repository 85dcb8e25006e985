"""Every setting says whether it determines rows, and what may change is what the code leaves out of an address."""

from typing import Annotated

import msgspec
import pytest

from glotsmith.api.run_config import RunConfig, TeacherConfig, changeable_keys
from glotsmith.recipes import RECIPES, get
from glotsmith.settings import CHANGEABLE, FIXED, changeable_fields, is_changeable, is_fixed_by_field, path_kinds
from glotsmith.teachers import TEACHERS, options_of

RECORDS = [RunConfig, TeacherConfig, *(options for name in TEACHERS if (options := options_of(name)))]


class _Inner(msgspec.Struct):
    speed: Annotated[int, CHANGEABLE, msgspec.Meta(ge=1)] = 1
    model: Annotated[str, FIXED] = ""


class _Outer(msgspec.Struct):
    inner: _Inner
    forgotten: int = 0
    seed: Annotated[int, FIXED] = 0
    retries: Annotated[int, msgspec.Meta(ge=0), CHANGEABLE] = 0


def test_a_field_has_the_kind_that_it_declares() -> None:
    assert is_fixed_by_field(_Outer) == {"forgotten": None, "seed": True, "retries": False}
    assert changeable_fields(_Outer, "a.") == {"a.retries", "a.inner.speed"}


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.__module__)
def test_every_field_of_a_configuration_declares_its_kind(record: type) -> None:
    assert None not in is_fixed_by_field(record).values(), is_fixed_by_field(record)


@pytest.mark.parametrize("name", RECIPES)
def test_every_option_of_a_recipe_determines_rows(name: str) -> None:
    """A recipe's option determines rows unless it says otherwise, and none does today."""
    assert not changeable_fields(get(name))


@pytest.mark.parametrize(
    ("teacher", "expected"),
    [
        (
            "openai",
            {"base_url", "api_key_env", "max_concurrency", "start_concurrency", "attempts", "backoff_s", "max_wait_s"}
            | {"connect_timeout_s", "timeout_s", "input_price", "output_price"},
        ),
        ("transformers", {"device"}),
        ("scripted", set[str]()),
        ("offline", set[str]()),
    ],
)
def test_what_may_change(teacher: str, expected: set[str]) -> None:
    found = changeable_keys(teacher, "multipl-t")
    named = {name.removeprefix("teacher.options.") for name in found if name.startswith("teacher.options.")}
    assert expected <= named
    assert {"isolation", "formats", "teacher.base_url"} <= found
    assert not {"recipe", "seed", "teacher.name", "teacher.model", "teacher.options.extra", "options"} & found


@pytest.mark.parametrize(
    ("key", "wanted"),
    [("formats", True), ("relative_to.options.sources", True), ("relative", False), ("options.relative_to", False)],
)
def test_all_keys_of_a_free_table_are_free(key: str, wanted: bool) -> None:
    assert is_changeable(key, {"formats", "relative_to"}) is wanted


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_declares_its_paths(name: str) -> None:
    found = path_kinds(get(name), "options.")
    index = {"options.index": "output"} if name == "multipl-t" else {}
    assert found == {"options.sources": "source", "options.benchmarks": "file", **index}
