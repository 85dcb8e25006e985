import math
from typing import Any

import msgspec
import pytest

from glotsmith.errors import ToolchainError
from glotsmith.languages import Unrepresentable, get_card, language_names, render, toolchain
from glotsmith.languages.program import call_program
from glotsmith.languages.representable import require_representable, value_features
from glotsmith.values import ANY, FLOAT, list_of, parse_signature, parse_type

LUA, PYTHON = get_card("lua"), get_card("python")
FULL = [name for name in language_names() if get_card(name).level == "full"]
SLOW = {"cpp", "go", "java", "kotlin", "scala"}  #: what their programs use is compiled first, once a session
ASSEMBLED = [pytest.param(name, marks=[pytest.mark.slow] if name in SLOW else []) for name in FULL]


def need(name: str) -> None:
    try:
        toolchain.find_toolchain(name)
    except ToolchainError as error:
        pytest.skip(str(error))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "nil"),
        (True, "true"),
        (-5, "-5"),
        (1.5, "1.5"),
        (-0.0, "-0.0"),
        (math.inf, "math.huge"),
        (-math.inf, "(-math.huge)"),
        (math.nan, "(0/0)"),
        ('a"b\\\n\0', '"a\\"b\\\\\\n\\000"'),
        ("é\U0001f600", '"é\U0001f600"'),
        ([1, [2]], "{1, {2}}"),
        ((), "{}"),
        ({"a": 1, 2: "b"}, '{["a"] = 1, [2] = "b"}'),
        ("@{key}", '"@{key}"'),
        ({"@{value}": "@{key}"}, '{["@{value}"] = "@{key}"}'),
    ],
)
def test_lua_literals(value: object, text: str) -> None:
    assert render.render_literal(LUA, value) == text


@pytest.mark.parametrize(
    ("language", "value", "why"),
    [
        ("lua", [1, None], "cannot contain nil: {nil}"),
        ("lua", {"": None}, "cannot contain nil: {a = nil}"),
        ("lua", {(1, 2): 3}, "identity"),
        ("lua", {math.nan: 1}, "NaN"),
        ("lua", {1}, "no sets"),
        ("lua", [[{"a": [None]}]], "cannot contain nil: {nil}"),
        ("lua", 2**63, "64 bits"),
        ("lua", [{"a": -(2**63) - 1}], "64 bits"),
        ("lua", "\ud800", "surrogate"),
        ("python", "\ud800", "surrogate"),
    ],
)
def test_what_has_no_form_is_refused_with_its_reason(language: str, value: object, why: str) -> None:
    with pytest.raises(Unrepresentable, match=why):
        render.render_literal(get_card(language), value)


def test_the_widest_ints_are_representable() -> None:
    assert render.render_literal(LUA, 2**63 - 1) == "9223372036854775807"
    require_representable(LUA, -(2**63))
    require_representable(PYTHON, 2**200)


def test_ints_become_floats_only_where_the_language_checks_types() -> None:
    assert render.render_literal(LUA, [1, 2.5], list_of(FLOAT)) == "{1, 2.5}"


@pytest.mark.parametrize(
    ("name", "renamed"), [("end", "end_"), ("x", "x"), ("_y", "_y"), ("repeat", "repeat_"), ("naïve", "naïve")]
)
def test_parameters_are_renamed_where_reserved(name: str, renamed: str) -> None:
    assert render.parameter_name(LUA, name) == renamed or not name.isascii()


def test_a_function_that_can_not_be_named_is_refused() -> None:
    with pytest.raises(Unrepresentable, match="'end'"):
        render.entry_name(LUA, "end")


def test_signatures_and_stubs() -> None:
    signature = parse_signature("def f(xs: list[int], end: str | None) -> bool")
    assert render.render_signature(LUA, LUA.syntax.signature, signature) == "local function f(xs, end_)"
    assert render.render_signature(PYTHON, PYTHON.syntax.signature, signature).endswith("end: str | None) -> bool:")


def test_a_declared_signature_is_widened_by_what_is_passed() -> None:
    widened = render.widen_signature(parse_signature("def f(x: list, y)"), [([1], 2), ([2.5], None)], ["a"])
    assert str(widened) == "def f(x: list[float], y: int | None) -> str"


@pytest.mark.parametrize("name", ASSEMBLED)
def test_expected_values_never_enter_a_program(name: str) -> None:
    need(name)
    card, secret = get_card(name), 918_273_645
    signature = parse_signature("def f(x: int) -> int")
    program, _ = call_program(card, "candidate", signature, [(7,)])
    assert str(secret) not in "".join(program.files.values())
    assert any("7" in text for key, text in program.files.items() if not key.startswith("candidate"))


@pytest.mark.parametrize("name", ASSEMBLED)
def test_a_mark_depends_on_program_and_calls_alone(name: str) -> None:
    need(name)
    card, signature = get_card(name), parse_signature("def f(x: int) -> int")
    marks = [call_program(card, code, signature, [(x,)])[1] for code, x in [("a", 1), ("a", 1), ("b", 1), ("a", 2)]]
    assert marks[0] == marks[1]
    assert len(set(marks)) == 3


def test_types_that_typed_languages_lack_are_refused() -> None:
    typed = [get_card(n) for n in language_names() if get_card(n).printers]
    for card in typed:
        with pytest.raises(Unrepresentable):
            render.render_type(card, parse_type("object"))
        with pytest.raises(Unrepresentable):
            render.render_printer(card, ANY)


@pytest.mark.parametrize(
    ("value", "refused"),
    [
        ("\U0001f600", True),
        (["a", "\U00010000"], True),
        ({"k\U0001d11e": 1}, True),
        (({"a": ("\U0010ffff",)},), True),
        ("\uffff", False),
        ("é€漢", False),
        ([1, "", None], False),
    ],
)
def test_a_card_may_refuse_text_beyond_the_basic_plane(value: Any, refused: bool) -> None:
    card = msgspec.structs.replace(get_card("lua"), refuse={"str.astral": "UCS-2 only"})
    assert ("str.astral" in set(value_features(value))) is refused
    if refused:
        with pytest.raises(Unrepresentable, match="UCS-2 only"):
            require_representable(card, value)
    else:
        require_representable(card, value)
