"""Python docstrings in other languages: examples in the language's literals, and its words for kinds of values."""

import pytest

from glotsmith.languages import get_card, language_names
from glotsmith.languages.docstrings import example_calls, translate_docstring, value_forms

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
    (">>> near([None], 0.5)\n'x'\n", "a value that Lua cannot hold"),
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


@pytest.mark.parametrize("language", ["bash"])
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


MIXED = "def f(a: dict[str, list[int]], b: tuple[int, str], c: int | None) -> dict[str, float]"
MIXED_TESTS = ["assert f({'a': [1, 2]}, (1, 'x'), None) == {'k': 1.5}"]


@pytest.mark.parametrize(
    ("language", "call"),
    [
        ("lua", 'f({["a"] = {1, 2}}, {1, "x"}, nil)  =>  {["k"] = 1.5}'),
        ("racket", '(f (hash "a" (list 1 2)) (list 1 "x") #f)  =>  (hash "k" 1.5)'),
        ("ocaml", 'f ([("a", [1; 2])]) (1, "x") None  =>  [("k", 1.5)]'),
        ("r", 'f(list("a" = c(1, 2)), list(1, "x"), NULL)  =>  list("k" = 1.5)'),
        ("php", 'f(["a" => [1, 2]], [1, "x"], null)  =>  ["k" => 1.5]'),
        ("haskell", 'f ([("a", [1, 2])]) (1, "x") Nothing  =>  [("k", 1.5)]'),
        ("rust", 'f(HashMap::from([(String::from("a"), vec![1, 2])]), (1, String::from("x")), None)  =>  '
         'HashMap::from([(String::from("k"), 1.5)])'),
    ],
)  # fmt: skip
def test_tests_are_calls_with_results_in_the_language(language: str, call: str) -> None:
    assert example_calls(language, MIXED_TESTS, MIXED) == [call]


@pytest.mark.parametrize("language", language_names())
def test_every_language_with_typed_calls_has_examples(language: str) -> None:
    typed = language != "python" and get_card(language).level == "full"
    assert len(example_calls(language, ["assert f(2, 'a') == [1, 2]"], "def f(n: int, s: str) -> list[int]")) == typed


@pytest.mark.parametrize(
    ("test", "signature"),
    [
        ("assert sorted(f([1])) == [1]", "def f(a: list[int]) -> list[int]"),
        ("assert f([1]) > 0", "def f(a: list[int]) -> int"),
        ("assert f([None]) == 1", "def f(a: list[int | None]) -> int"),
        ("assert f({1}) == 1", "def f(a: set[int]) -> int"),
    ],
)
def test_a_test_that_is_no_plain_call_or_has_no_form_is_left_out(test: str, signature: str) -> None:
    assert example_calls("lua", [test, "assert f(1) == 2"], signature) == ["f(1)  =>  2"]


@pytest.mark.parametrize("text", ["a )", "( )", " ) "])
def test_text_in_arguments_keeps_its_blanks(text: str) -> None:
    [call] = example_calls("racket", [f"assert f({text!r}) == 1"], "def f(s: str) -> int")
    assert call == f'(f "{text}")  =>  1'


@pytest.mark.parametrize(
    ("language", "signature", "forms"),
    [
        ("lua", "def f(d: dict[str, int]) -> int", ["dict[str, int]: {'a': 1} is {[\"a\"] = 1}"]),
        ("lua", "def f(n: int | None) -> bool", ["int | None: None is nil"]),
        ("racket", "def f(t: tuple[int, str]) -> set[int]", [
            "tuple[int, str]: (1, 'a') is (list 1 \"a\")", "set[int]: {1} is (set 1)"]),
        ("ocaml", "def f(xs: list[list[float]]) -> list[float]", [
            "list[list[float]]: [[1.5, 1.5], [1.5, 1.5]] is [[1.5; 1.5]; [1.5; 1.5]]",
            "list[float]: [1.5, 1.5] is [1.5; 1.5]"]),
        ("lua", "def f(s: set[int]) -> int", []),  # Lua has no sets
        ("lua", "def f(d: dict[list[int], int]) -> int", ["list[int]: [1, 1] is {1, 1}"]),  # no such dict in Python
        ("lua", "def f(n: int, s: str, x: float, b: bool) -> bool", []),
        ("python", "def f(d: dict[str, int]) -> int", []),
        ("bash", "def f(d: dict[str, int]) -> int", []),
    ],
)  # fmt: skip
def test_forms_of_the_values_of_a_signature(language: str, signature: str, forms: list[str]) -> None:
    assert value_forms(language, signature) == forms


@pytest.mark.parametrize("container", ["list[{}]", "tuple[{}, ...]", "dict[str, {}]", "set[{}]", "dict[str, list[{}]]"])
def test_the_forms_of_a_deeply_nested_type_are_short(container: str) -> None:
    kind = "int"
    for _ in range(60):  # a sample value whose lists all have two items would have 2**60
        kind = container.format(kind)
    forms = value_forms("lua", f"def f(x: {kind}) -> int")
    assert all(len(form) <= 400 for form in forms)
    assert any(form.startswith(container.format("int")) for form in forms) == (container != "set[{}]")
