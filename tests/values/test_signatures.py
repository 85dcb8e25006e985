"""Signatures: parsed, and inferred from calls."""

import pytest

from glotsmith import values
from glotsmith.values import NotLiteral


@pytest.mark.parametrize(
    "text",
    ["def f(*xs)", "def f(**kw)", "def f(*, a)", "f(x)", "class f: pass", "def f(x: Foo)", "", "def f(", "lambda x: x"],
)
def test_signatures_that_no_test_can_call_are_refused(text: str) -> None:
    with pytest.raises(NotLiteral):
        values.parse_signature(text)


@pytest.mark.parametrize("text", ["def f(x: int) -> int", "def f(x: int) -> int:", "def f(x: int) -> int: ..."])
def test_a_signature_is_read_with_or_without_its_end(text: str) -> None:
    assert str(values.parse_signature(text)) == "def f(x: int) -> int"


@pytest.mark.parametrize(
    ("text", "either"),
    [
        ("int | float", True),
        ("float | int | None", True),
        ("int | None | float", True),
        ("list[int | float]", True),
        ("Union[int, float]", True),
        ("Optional[typing.Union[float, int]]", True),
        ("float", False),
        ("int | None", False),
        ("float | None", False),
        ("dict[int, float] | None", False),
        ("dict[int, float | None]", False),
        ("tuple[int, float]", False),
    ],
)
def test_a_parameter_of_int_or_float_is_told_from_one_of_float(text: str, either: bool) -> None:
    signature = values.parse_signature(f"def f(x: {text})")
    assert signature.parameters[0].either is either
    assert values.parse_signature(str(signature)) == signature


@pytest.mark.parametrize(
    ("arguments", "signature"),
    [
        ([3, 2.5], "def f(x: int | float) -> str"),
        ([3, 2], "def f(x: int) -> str"),
        ([3.0, 2.5], "def f(x: float) -> str"),
        ([[3, 2.5]], "def f(x: list[int | float]) -> str"),
        ([[3], [2.5], None], "def f(x: list[int | float] | None) -> str"),
    ],
)
def test_an_inferred_signature_says_where_ints_and_floats_are_passed(arguments: list[object], signature: str) -> None:
    calls = [values.Call("f", (x,), "a") for x in arguments]
    inferred = values.infer_signature("f", ["x"], calls)
    assert str(inferred) == signature
    assert [values.coerce_call(c, inferred) for c in calls] == calls
    strict = [values.coerce_call(c, inferred, strict=True).arguments[0] for c in calls]
    assert ("int" in str(values.type_of(strict))) == ("float" not in signature)
