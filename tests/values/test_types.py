"""Types: parsed from annotations, and united."""

import pytest
from hypothesis import given
from value_strategies import anything

from glotsmith import values
from glotsmith.values import ANY, BOOL, FLOAT, INT, MIXED, NONE, STR, NotLiteral, Type, list_of, optional

INTS = list_of(INT)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("int", INT),
        ("List[int]", INTS),
        ("typing.List[int]", INTS),
        ("Sequence[int]", INTS),
        ("Optional[int]", optional(INT)),
        ("int | None", optional(INT)),
        ("Union[int, None]", optional(INT)),
        ("Union[int, float]", FLOAT),
        ("Union[int, str]", MIXED),
        ("Tuple[int, ...]", Type("vartuple", (INT,))),
        ("tuple[int, str]", Type("tuple", (INT, STR))),
        ("Dict[str, List[float]]", Type("dict", (STR, list_of(FLOAT)))),
        ("'int'", INT),
        ("None", NONE),
        ("Any", ANY),
        ("object", MIXED),
    ],
)
def test_types_are_read_in_every_spelling(text: str, expected: Type) -> None:
    assert values.parse_type(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "Foo",
        "Callable[[int], int]",
        "int[",
        "np.ndarray",
        "Iterator[int]",
        "1 + 2",
        "",
        "dict[str]",
        "list[int, str]",
        "dict[int, int, int]",
        "set[int, str]",
        "\0",
    ],
)
def test_other_types_are_refused(text: str) -> None:
    with pytest.raises(NotLiteral):
        values.parse_type(text)


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        (INT, INT, INT),
        (INT, FLOAT, FLOAT),
        (BOOL, INT, MIXED),
        (INT, STR, MIXED),
        (INT, NONE, optional(INT)),
        (optional(INT), FLOAT, optional(FLOAT)),
        (ANY, STR, STR),
        (list_of(ANY), INTS, INTS),
        (Type("tuple", (INT, INT)), Type("tuple", (INT,)), Type("vartuple", (INT,))),
        (MIXED, INT, MIXED),
        (INTS, Type("tuple", (INT,)), MIXED),
    ],
)
def test_unite(a: Type, b: Type, expected: Type) -> None:
    assert values.unite(a, b) == expected
    assert values.unite(b, a) == expected


@given(anything, anything)
def test_uniting_types_is_commutative_and_absorbs(a: object, b: object) -> None:
    x, y = values.type_of(a), values.type_of(b)
    both = values.unite(x, y)
    assert both == values.unite(y, x)
    assert values.unite(both, x) == both
