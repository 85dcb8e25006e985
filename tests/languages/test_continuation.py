"""What is kept of the text of a base model, which writes on after the function that it continues."""

import pytest

from glotsmith.languages import get_card
from glotsmith.languages.extract_code import extract_code

LUA, JS = "local function f(xs)\n", "function f(xs){\n"
LUA_BODY, JS_BODY = "  return #xs\nend", "  return xs.length;\n}"
PYTHON, PYTHON_BODY = "def f(xs):\n", "    n = len(xs)\n    return n"
HASKELL, HASKELL_BODY = "f :: [Int] -> Int\nf", " [] = 0\nf (_ : xs) = 1 + f xs"
OCAML, OCAML_BODY = "let f (xs : int list) : int =\n", "  List.length xs"
JULIA, JULIA_BODY = "function f(xs::Vector{Int64})::Int64\n", "    length(xs)\nend"
RACKET, RACKET_BODY = "(define (f xs)\n", "  (length xs))"

#: language, prefix, body of the function, and what follows it
DROPPED = {
    "a call": ("lua", LUA, LUA_BODY, "print(f({1, 2}))"),
    "a wrong assert": ("lua", LUA, LUA_BODY, "assert(f({1}) == 2)"),
    "a call that is cut off": ("lua", LUA, LUA_BODY, "print(f({1, "),
    "one end too many": ("lua", LUA, LUA_BODY, "end\nend"),
    "the function as a module": ("lua", LUA, LUA_BODY, "return f"),
    "a program in another language": ("lua", LUA, LUA_BODY, "\n## Python\ndef g(x):\n    return x"),
    "the next function, cut off": ("lua", LUA, LUA_BODY, "\nfunction g(xs)\n  for i = 1"),
    "an unused function": ("lua", LUA, LUA_BODY, "function g(xs)\n  return xs\nend"),
    "an export": ("javascript", JS, JS_BODY, "\nmodule.exports = f;"),
    "a default export": ("javascript", JS, JS_BODY, "\nexport default f;"),
    "a table of tests that is cut off": ("javascript", JS, JS_BODY, "\nconst tests = [\n  [1, 2"),
    "indented lines of another statement": ("javascript", JS, JS_BODY, "test(() => {\n  f(1)"),
    "a call in Python": ("python", PYTHON, PYTHON_BODY, "\nprint(f([1]))"),
    "a call in Haskell": ("haskell", HASKELL, HASKELL_BODY, "\nmain = print (f [1])"),
    "a call in OCaml": ("ocaml", OCAML, OCAML_BODY, "\nlet () = print_int (f [1])"),
    "a call in Julia": ("julia", JULIA, JULIA_BODY, "println(f([1]))"),
    "a call in Racket": ("racket", RACKET, RACKET_BODY, "(displayln (f (list 1)))"),
}


@pytest.mark.parametrize(("language", "prefix", "body", "rest"), DROPPED.values(), ids=DROPPED)
def test_a_completion_ends_with_its_function(language: str, prefix: str, body: str, rest: str) -> None:
    found = extract_code(f"{body}\n{rest}", get_card(language), prefix=prefix, name="f")
    assert found == prefix + body


USED = {
    "a function": (
        "javascript",
        JS,
        "  return a(xs);\n}\nconst a = (xs) => b(xs);\nfunction b(xs) { return 1 }",
    ),
    "an equation": ("haskell", "f :: [Int] -> Int\nf", " [] = 0\nf (_ : xs) = one + f xs\none = 1"),
    "a comment at the end": ("lua", LUA, "  return #xs\nend\n-- the length"),
    "a definition in the prefix": (
        "lua",
        "local function g(x) return x end\nlocal function f(xs)\n",
        "  return g(xs)\nend",
    ),
}


@pytest.mark.parametrize(("language", "prefix", "text"), USED.values(), ids=USED)
def test_what_the_function_uses_is_kept(language: str, prefix: str, text: str) -> None:
    assert extract_code(text, get_card(language), prefix=prefix, name="f") == prefix + text


def test_of_what_follows_only_what_is_used_is_kept() -> None:
    text = "  return size(xs);\n}\nf([1]);\nconst size = (xs) => xs.length;\nsize();"
    expected = f"{JS}  return size(xs);\n}}\nconst size = (xs) => xs.length;"
    assert extract_code(text, get_card("javascript"), prefix=JS, name="f") == expected


@pytest.mark.parametrize(
    ("language", "prefix", "text"),
    [
        ("lua", LUA, "  for i = 1, #xs do\n    if xs[i]"),  # the function itself is cut off
        ("lua", LUA, "  return xs.map(x => x)\nend"),
        ("c", "int f(int x) {\n", "  if (x) {\n    return 1;\n  }\n  return 0;"),  # the stop sequence was its brace
        ("python", PYTHON, "    n = len(xs)\n    return n +"),
    ],
)
def test_a_function_that_does_not_parse_is_left_as_it_is(language: str, prefix: str, text: str) -> None:
    assert extract_code(text, get_card(language), prefix=prefix, name="f") == prefix + text
