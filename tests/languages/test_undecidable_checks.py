"""Checks that a right program could fail in a language, and their neighbours that it cannot."""

import pytest

from glotsmith.languages import get_card
from glotsmith.languages.typed_calls import undecidable_reason
from glotsmith.values import Check, parse_signature, parse_test

PERL, JS, LUA, RUBY, PYTHON = "perl", "javascript", "lua", "ruby", "python"


@pytest.mark.parametrize(
    ("test", "returns", "can_not", "can"),
    [
        ("assert str(f(1)) == '{1: 2}'", "dict[int, int]", (PERL, JS, "r", "php", "typescript"), (LUA, RUBY, PYTHON)),
        ("assert repr(f(1)) == '{1: 2}'", "dict[int, int]", (PERL, JS), (RUBY, PYTHON)),
        ("assert str(f(1)) == '[{1: 2}]'", "list[dict[int, int]]", (PERL, JS), (PYTHON,)),
        ("assert f(1)[1] == 2", "dict[int, int]", (PERL, JS), (LUA, PYTHON)),
        ("assert 1 in f(1)", "dict[int, int]", (PERL, JS), (PYTHON,)),
        ("assert sorted(f(1)) == [1]", "dict[int, int]", (PERL, "r"), (PYTHON,)),
        ("assert sorted(f(1).items()) == [(1, 2)]", "dict[int, int]", (PERL,), (PYTHON,)),
        ("assert f(1).get(1) == 2", "dict[int, int] | None", (PERL,), (PYTHON,)),
        ("assert len(f(1)) == 1", "dict[int, int]", (), (PERL, JS, PYTHON)),
        ("assert f(1)", "dict[int, int]", (), (PERL, JS)),
        ("assert not f(1)", "dict[int, int]", (), (PERL, JS)),
        ("assert f(1) != {1: 3}", "dict[int, int]", (), (PERL, JS)),
        ("assert sorted(f(1).values()) == [2]", "dict[int, int]", (), (PERL, JS)),
        ("assert 'a' in f(1)", "dict[str, int]", (), (PERL, JS)),
        ("assert str(f(1)) == '{}'", "dict[str, int]", (), (PERL, JS)),
        ("assert str(f(1)) == '2.0'", "float", (PERL, JS), (LUA, RUBY, PYTHON)),
        ("assert str(f(1)) == '2'", "int", (), (LUA, JS, PYTHON)),
        ("assert f(1) > 1.5", "float", (), (LUA, JS, PYTHON)),
        ("assert str(f(1)) == '(1, 2)'", "tuple[int, int]", (LUA, JS), (PYTHON,)),
        ("assert str(f(1)) == '[1, 2]'", "list[int]", (), (LUA, JS, PYTHON)),
    ],
)
def test_what_a_language_can_not_decide(
    test: str, returns: str, can_not: tuple[str, ...], can: tuple[str, ...]
) -> None:
    expected, declared = parse_test(test, "f").expected, parse_signature(f"def f(x: int) -> {returns}")
    assert isinstance(expected, Check)
    found = {name: undecidable_reason(get_card(name), expected, declared.returns) for name in (*can_not, *can)}
    assert {name for name, why in found.items() if why} == {*can_not}
    assert all(get_card(name).display in found[name] and expected.text in found[name] for name in can_not)
