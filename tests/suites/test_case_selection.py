"""The selection of cases from observed calls."""

import pytest

from glotsmith.suites.case_selection import TARGET_CASES, ObservedCall, choose_cases, contains_line_break
from glotsmith.values import ANY, INT, type_of


def trial(value, result, *arcs, writer="generated"):
    return ObservedCall((value,), writer, result, frozenset(arcs))


def test_choose_covers_then_varies():
    trials = [trial(n, 0, "1,2") for n in range(5)] + [trial(9, 1, "1,3"), trial(10, 2, "1,2"), trial("é", 3, "1,2")]
    chosen = choose_cases(trials, [INT])
    assert [t.arguments for t in chosen[:3]] == [(0,), (9,), (10,)]
    assert ("é",) not in [t.arguments for t in chosen]


@pytest.mark.parametrize(
    ("stated", "added"),
    [
        ("a", ["one\ntwo"]),  # the first portable one, although its result is not rare
        ("a\nb", []),  # the doctest has a line break
        (r"C:\new", ["one\ntwo"]),  # a backslash and a letter are no line break
        (3, []),  # texts do not fit
    ],
)
def test_a_suite_over_texts_has_a_line_break(stated, added):
    doctests = [trial(stated, 0, "1,2", writer="doctest")]
    plain = [trial(f"w{n}", n, "1,2") for n in range(20)]
    breaks = [trial("é\n", 1, "1,2"), trial("one\ntwo", 0, "1,2"), trial("x\ny", 0, "1,2")]
    chosen = [t.arguments[0] for t in choose_cases(doctests + plain + breaks, [type_of(stated)])]
    assert [text for text in chosen[1:] if isinstance(text, str) and "\n" in text] == added
    assert len(chosen) == (1 if isinstance(stated, int) else TARGET_CASES + len(added))  # it replaces no other case


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("a\nb", True),
        (r"a\nb", False),
        ([["a"], ["b\n"]], True),
        ({"a\n": 1}, True),
        ({1: ("\n",)}, True),
        ({"a"}, False),
    ],
)
def test_line_breaks_are_found_in_any_value(value, expected):
    assert contains_line_break(value) is expected


def test_choose_mixes_types_only_for_coverage():
    trials = [trial(1, 1, "1,2"), trial("a", 2, "1,2"), trial(None, 3, "1,4"), trial("b", 4, "1,5"), trial(2, 2, "1,2")]
    assert {t.text for t in choose_cases(trials[:2], [INT])} == {"(1,)"}
    assert {t.text for t in choose_cases(trials, [INT])} == {"(1,)", "(None,)", "('b',)", "(2,)"}
    assert {t.text for t in choose_cases([trial(1, 1, "a"), trial(2, 5, "a", writer="doctest")], [ANY])} == {
        "(1,)",
        "(2,)",
    }
