"""Values of every type go into each language and come back equal, and never equal to another value (``toolkit``)."""

import asyncio
from collections.abc import Iterator

import pytest

from glotsmith.errors import ToolchainError
from glotsmith.languages import get_card, language_names, toolchain
from glotsmith.languages.card import Card, Equality
from glotsmith.sandbox import open_sandbox
from glotsmith.sandbox.base import Sandbox
from glotsmith.toolkit import value_round_trip
from glotsmith.toolkit.random_values import canonical
from glotsmith.toolkit.value_round_trip import MIN_VALUES
from glotsmith.values import STR, Type, Value, list_of

FULL = [name for name in language_names() if get_card(name).level == "full"]


@pytest.fixture(scope="module", params=FULL)
def card(request: pytest.FixtureRequest) -> Card:
    try:
        toolchain.find_toolchain(request.param)
    except ToolchainError as error:
        pytest.skip(str(error))
    return get_card(request.param)


@pytest.fixture(scope="module")
def sandbox(card: Card) -> Iterator[Sandbox]:
    """One sandbox for the tests of a language: its warm worker or compile server starts once."""
    sandbox = open_sandbox()
    yield sandbox
    asyncio.run(sandbox.close())


@pytest.mark.slow
def test_values_come_back_equal_and_never_equal_another(card: Card, sandbox: Sandbox) -> None:
    seen = asyncio.run(value_round_trip.send_values(card, sandbox, list(value_round_trip.batches(card))))
    assert not seen.failed
    assert value_round_trip.changed_values(card, seen) == []
    assert len(seen.pairs) >= MIN_VALUES
    checked, wrong = value_round_trip.compare_with_other_values(card, seen)
    assert wrong == []
    assert checked >= MIN_VALUES
    assert value_round_trip.unexplained_refusals(card, seen) == []


@pytest.mark.slow
def test_every_code_point_comes_back(card: Card, sandbox: Sandbox) -> None:
    """Of the 16 astral planes one point in 61; ``glotsmith languages check`` sends all."""
    assert asyncio.run(value_round_trip.check_code_points(card, sandbox, sample=61)) == []


@pytest.mark.slow
def test_a_stub_of_any_type_compiles_and_raises(card: Card, sandbox: Sandbox) -> None:
    tried, wrong = asyncio.run(value_round_trip.check_stubs(card, sandbox))
    assert wrong == []
    assert tried


@pytest.mark.slow
def test_anything_can_stand_in_a_comment(card: Card, sandbox: Sandbox) -> None:
    assert asyncio.run(value_round_trip.check_comments(card, sandbox)) == []


@pytest.mark.parametrize(
    ("value", "other", "equal"),
    [
        ([1, 2], (1, 2), {"list_is_tuple"}),
        (1, 1.0, {"int_is_float", "float_accepts_int"}),
        ([], {}, {"empty_is_one", "map_from_list"}),
        ({1: "a"}, ["a"], {"map_from_list"}),
        ({1: "a"}, {"1": "a"}, {"keys_are_text"}),
        ([1], 1, {"scalar_is_singleton"}),
        (False, None, {"false_is_none"}),
        (1, True, {"bool_is_number"}),
        (0, False, {"bool_is_number"}),
        ("", False, {"bool_is_number"}),
        ("1", 1, set()),
        (0.0, -0.0, None),
    ],
)
def test_canonical_text_conflates_what_a_flag_says(value: object, other: object, equal: set[str] | None) -> None:
    for flag in Equality.__struct_fields__:
        same = canonical(value, Equality(**{flag: True})) == canonical(other, Equality(**{flag: True}))
        assert same == (equal is None or flag in equal), flag


ASTRAL = ["a😀b", "\U00010000", "x\U0010ffff", "👩\u200d👧é𝒳"]


@pytest.mark.slow
def test_text_beyond_the_basic_plane_comes_back_or_is_refused_by_name(card: Card, sandbox: Sandbox) -> None:
    sent: list[tuple[Type, list[Value]]] = [(STR, [*ASTRAL]), (list_of(STR), [[text, ""] for text in ASTRAL])]
    seen = asyncio.run(value_round_trip.send_values(card, sandbox, sent))
    assert not seen.failed
    if "str.astral" in card.refuse:
        assert seen.pairs == []
        assert set(seen.refused) == {card.refuse["str.astral"]}
    else:
        assert len(seen.pairs) == 2 * len(ASTRAL)
        assert value_round_trip.changed_values(card, seen) == []
