"""Python docstrings in other languages: examples in the language's literals, and its words for kinds of values."""

import pytest

from glotsmith.languages import get_card, language_names
from glotsmith.languages.docstrings import translate_docstring

SIGNATURE = "def near(numbers: list[float], limit: float) -> bool"
DOCTEST = "Whether two are near.\n    >>> near([1.0, 2.5], 0.5)\n    False\n\n    More."
EXAMPLES = [
    ("lua", ">>> near({1.0, 2.5}, 0.5)\n    false"),
    ("ocaml", ">>> near [1.0; 2.5] 0.5\n    false"),
    ("racket", ">>> (near (list 1.0 2.5) 0.5)\n    #f"),
    ("r", ">>> near(c(1.0, 2.5), 0.5)\n    FALSE"),
    ("julia", ">>> near(Float64[1.0, 2.5], 0.5)\n    false"),
    ("haskell", ">>> near [1.0, 2.5] 0.5\n    False"),
    ("rust", ">>> near(vec![1.0, 2.5], 0.5)\n    false"),
    ("go", ">>> near([]float64{1.0, 2.5}, 0.5)\n    false"),
    ("java", ">>> near(List.of(1.0, 2.5), 0.5)\n    false"),
    ("perl", ">>> near([1.0, 2.5], 0.5)\n    ''"),
    ("python", ">>> near([1.0, 2.5], 0.5)\n    False"),
]


@pytest.mark.parametrize(("language", "example"), EXAMPLES)
def test_a_doctest_is_written_in_the_language(language: str, example: str) -> None:
    assert translate_docstring(language, DOCTEST, SIGNATURE) == f"Whether two are near.\n    {example}\n\n    More."


INLINE = [
    ("near([1], 2) == True", "near({1}, 2) == true"),
    ("near([], -1) ➞ False", "near({}, -1) ➞ false"),
    ("For example, near([1.5], 2) => True, else no.", "For example, near({1.5}, 2) => true, else no."),
    ("near([1.5], 2) should return False.", "near({1.5}, 2) should return false."),
    ("near([1.5], 2) # returns True", "near({1.5}, 2) # returns true"),
    ("`near([1], 2)` == `True`", "`near([1], 2)` == `true`"),
    ("near(x, 2) is near", "near(x, 2) is near"),
    ("near([1.5], 2) and so on", "near([1.5], 2) and so on"),
]


@pytest.mark.parametrize(("text", "expected"), INLINE)
def test_a_call_with_its_value_in_prose_is_written_in_the_language(text: str, expected: str) -> None:
    assert translate_docstring("lua", text, SIGNATURE) == expected


UNCHANGED = [
    (">>> other([1.0], 0.5)\nTrue\n", "an example of another function"),
    (">>> near([1.0], x)\nTrue\n", "an argument that is no literal"),
    (">>> near([1.0], 0.5)\n", "no value"),
    (">>> near([1.0], 0.5)\nTraceback (most recent call last):\n    ...\nValueError\n", "an exception"),
    (">>> near([1.0], limit=0.5)\nFalse\n", "an argument by name"),
    (">>> near([None], 0.5)\n'x'\n", "a value that Lua can't hold"),
]


@pytest.mark.parametrize(("text", "why"), UNCHANGED, ids=[why for _, why in UNCHANGED])
def test_what_can_not_be_translated_stays(text: str, why: str) -> None:
    assert translate_docstring("lua", text, SIGNATURE) == text


TERMS = [
    ("lua", "Return a list of tuples, or None.", "Return a table of tables, or nil."),
    ("javascript", "a list, A tuple and an array", "an array, An array and an array"),
    ("ocaml", "Lists and dictionaries; a dict", "Lists and association lists; an association list"),
    ("r", "True if a dictionary is a list, else False", "TRUE if a named list is a list, else FALSE"),
    ("rust", "an array of dicts", "a vector of HashMaps"),
    ("racket", "`None` or True", "`#f` or #t"),
    ("lua", "None of the lists", "None of the tables"),
    ("lua", "list[int], list(x), my_list, 'list' and sublist", "list[int], list(x), my_list, 'list' and sublist"),
    ("lua", "true is not True", "true is not true"),
]


@pytest.mark.parametrize(("language", "text", "expected"), TERMS)
def test_terms_are_those_of_the_language(language: str, text: str, expected: str) -> None:
    assert translate_docstring(language, text, SIGNATURE) == expected


def test_names_of_parameters_stay() -> None:
    assert (
        translate_docstring("lua", "Sort list, a list.", "def f(list: list[int]) -> list[int]") == "Sort list, a list."
    )


@pytest.mark.parametrize("language", [name for name in language_names() if get_card(name).level == "full"])
def test_verbatim_keeps_every_word(language: str) -> None:
    assert translate_docstring(language, DOCTEST, SIGNATURE, "verbatim") == DOCTEST


@pytest.mark.parametrize("language", ["bash", "c"])
def test_a_language_without_typed_calls_keeps_the_text(language: str) -> None:
    assert translate_docstring(language, DOCTEST, SIGNATURE) == DOCTEST


VALUES = '>>> f({"a": (1, [2.5])}, "é\\n", True, None, -3)\n({1: "x"}, [])\n'
WIDE = "def f(a: dict[str, tuple[int, list[float]]], b: str, c: bool, d: int | None, e: int) -> tuple[dict[int, str], list[int]]"  # noqa: E501


@pytest.mark.parametrize(
    "language", [name for name in language_names() if get_card(name).level == "full" and name != "python"]
)
def test_literals_are_those_that_people_write(language: str) -> None:
    """No helper of a driver is in an example: it is not in the program either."""
    text = translate_docstring(language, VALUES + DOCTEST, WIDE)
    assert not any(word in text for word in ("fromBits", "glotsmith", "Int64BitsToDouble", "Support.", "~f(", "cast["))


@pytest.mark.parametrize("text", [">>> f(\n", "f(" * 5000, ">>> " * 2000, "f(1) == " + "[" * 3000, "f(1) == \x00"])
def test_any_text_comes_to_an_end(text: str) -> None:
    translate_docstring("lua", text, "def f(x: int) -> int")
