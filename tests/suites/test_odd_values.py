"""Whatever values a function names, gives or takes, writing inputs for it raises nothing."""

from random import Random

import pytest

from glotsmith.records import Function, Origin
from glotsmith.suites.doctests import doctest_calls
from glotsmith.suites.inputs import generate_calls, heaviest_combinations, mutate_calls, zip_pools
from glotsmith.suites.parameters import positional_parameters
from glotsmith.suites.type_weights import rank_types
from glotsmith.suites.value_pools import SourceConstants, collect_constants, value_pool
from glotsmith.values import literal

INF, NAN, HUGE = float("inf"), float("nan"), 1 << 20_000

SEEDS = [
    *(INF, -INF, NAN, 1e308, -1.7e308, 5e-324, -0.0, 2**53, -(2**53), HUGE, True, None),
    *("", "\ud800", "a" * 400, "\x00", [], [[]], [INF], {INF}, {NAN}, {}, {INF: NAN}, (), (NAN,), ((),)),
    *({(1, INF): [NAN]}, [None, 1, "a", 2.5], {True, 2}, {"a": {"b": [INF]}}, [HUGE], {HUGE}, {frozenset({1})}),
]


@pytest.mark.parametrize(
    "value",
    [pytest.param(value, marks=pytest.mark.slow if value == {HUGE} else ()) for value in SEEDS],
    ids=range(len(SEEDS)),
)
@pytest.mark.parametrize(
    "constants",
    [SourceConstants(), SourceConstants((HUGE, -HUGE), (INF, NAN, 1e308), ("\ud800", ""))],
    ids=["plain", "odd"],
)
def test_odd_seeds_can_be_mutated(value, constants):
    for seed in range(20):
        for (argument,) in mutate_calls([(value,)], constants, Random(seed), 60):
            assert literal(argument)


ANNOTATIONS = [
    *("dict[str]", "Dict[str]", "dict[int, int, int]", "list[int, str]", "set[int, str]", "List[()]", "Optional[()]"),
    *("list[...]", "tuple[...]", "tuple[int, ..., str]", "tuple[()]", "Union[int]", "'\\x00'", "'int |'", "'list['"),
    *("1", "-1", "x.y[z]", "[int]", "(int, str)", "lambda: 0", "dict[dict, int]", "dict[list[int], int]"),
    *(
        "set[list[int]]",
        "set[dict[str, int]]",
        "dict[Optional[int], int]",
        "dict[None, int]",
        "list[None]",
        "set[None]",
    ),
    *(
        *(
            "'" + "list[" * 5 + "int" + "]" * 5 + "'",
            "list[" * 12 + "int" + "]" * 12,
            "dict[str, " * 9 + "int" + "]" * 9,
        ),
        "'" + "list[" * 150 + "int" + "]" * 150 + "'",
        " | ".join(["int", "str"] * 40),
        "Callable[[int], int]",
        "Literal['a']",
    ),
]


@pytest.mark.parametrize("annotation", ANNOTATIONS, ids=lambda a: a[:24])
def test_odd_annotations_are_hints_like_any(annotation):
    code = f"def f(x: {annotation}):\n    return x"
    function = Function(id="f" * 16, name="f", code=code, docstring="", origin=Origin(source="", path=""))
    parameters, constants, random = positional_parameters(function), collect_constants(function), Random(1)
    for kinds, _ in heaviest_combinations([rank_types(function, p) for p in parameters], 12):
        assert zip_pools([value_pool(k, constants, None)[:3] for k in kinds], 3)
        mutate_calls(generate_calls(kinds, parameters, constants, random, 20), constants, random, 20)


EXAMPLES = [
    *("f(1e400)", "f(-1e999, float('nan'))", "f(float('abc'))", "f(" + "[" * 150 + "]" * 150 + ")", "f({[]: 1})"),
    *("f(" + " + ".join(["1"] * 1500) + ")", "f(**{})", "f(*[1])", "f(x=1, z=2)", "f('\\ud800')", "f({1: {2: set()}})"),
    *("f(0x" + "f" * 5000 + ")", "f({float('nan')})", "f(True, None)", "f(" + "-" * 150 + "1)", "f(b'x', 1j, ...)"),
]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda e: e[:24])
def test_odd_examples_are_read_or_left_out(example):
    docstring = f">>> {example}\n>>> f(3)\n"
    function = Function(
        id="f" * 16,
        name="f",
        code="def f(x, y=1):\n    return x",
        docstring=docstring,
        origin=Origin(source="", path=""),
    )
    calls = doctest_calls(function, positional_parameters(function))
    assert calls[-1] == (3, 1)
    mutate_calls(calls, collect_constants(function), Random(1), 60)


DEFAULTS = [
    *("1e400", "-1e999", "float('nan')", "float('abc')", "set()", "{[]: 1}", "...", "b'x'", "1j", "'\\ud800'"),
    *("0x" + "f" * 5000, "[" * 90 + "]" * 90, "-" * 90 + "1", " + ".join(["1"] * 1500), "[None, 1, 'a']", "{1, 'a'}"),
]


@pytest.mark.parametrize("default", DEFAULTS, ids=lambda d: d[:24])
def test_odd_defaults_are_values_or_none(default):
    code = f"def f(x, y={default}):\n    return x"
    function = Function(id="f" * 16, name="f", code=code, docstring="", origin=Origin(source="", path=""))
    parameters, constants, random = positional_parameters(function), collect_constants(function), Random(1)
    for kinds, _ in heaviest_combinations([rank_types(function, p) for p in parameters], 4):
        mutate_calls(generate_calls(kinds, parameters, constants, random, 20), constants, random, 20)
