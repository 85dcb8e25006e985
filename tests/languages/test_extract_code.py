"""Replies as models write them, and the program that is to come out."""

import pytest

from glotsmith.languages import get_card
from glotsmith.languages.extract_code import extract_code

LUA = "local function add(a, b)\n  return a + b\nend"
OCAML = "let rec sum xs =\n  match xs with\n  | [] -> 0\n  | x :: rest -> x + sum rest"
RACKET = "#lang racket\n\n(define (sum xs)\n  (apply + xs))"
R = "add <- function(a, b) {\n  a + b\n}"
JULIA = "function add(a, b)\n    return a + b\nend"
PYTHON = "def add(a, b):\n    return a + b"

COMMENTED_LUA = f"-- Adds two numbers, as the original does.\n{LUA}"
COMMENTED_OCAML = f"(* Sums the list.\n   The empty list sums to zero. *)\n{OCAML}"
LONG_LUA = f"{LUA}\n{'-- ' + 'x' * 90}"


def fenced(label: str, code: str, mark: str = "```") -> str:
    return f"{mark}{label}\n{code}\n{mark}"


def indented(text: str, indent: str) -> str:
    return "\n".join(indent + line if line else line for line in text.split("\n"))


DOCSTRING = (
    '"""\n    add(a, b)\n\n# Examples\n```jldoctest\njulia> add(1, 2)\n3\n```\n"""\nfunction add(a, b)\n    a + b\nend'
)

CHAT = {
    "only a block": ("lua", fenced("lua", LUA), LUA),
    "prose on both sides": ("ocaml", f"Here you go:\n\n{fenced('ocaml', OCAML)}\n\nIt recurses on the list.", OCAML),
    "label in capitals": ("ocaml", fenced("OCaml", OCAML), OCAML),
    "other name of the language": ("ocaml", fenced("ml", OCAML), OCAML),
    "scheme for racket": ("racket", fenced("scheme", RACKET), RACKET),
    "knitr chunk": ("r", fenced("{r, echo=FALSE}", R), R),
    "pandoc attributes": ("julia", fenced("{.julia .numberLines}", JULIA), JULIA),
    "file name after the label": ("lua", fenced("lua title=add.lua", LUA), LUA),
    "file name joined to the label": ("python", fenced("python:add.py", PYTHON), PYTHON),
    "space before the label": ("lua", fenced(" lua", LUA), LUA),
    "carriage returns": ("lua", fenced("lua", LUA).replace("\n", "\r\n"), LUA),
    "tildes": ("r", fenced("r", R, "~~~"), R),
    "four backticks around three": ("julia", fenced("julia", DOCSTRING, "````"), DOCSTRING),
    "docstring with a labelled fence": ("julia", fenced("julia", DOCSTRING), DOCSTRING),
    "never closed": ("lua", f"Sure!\n```lua\n{LUA}", LUA),
    "never closed, then another": ("lua", f"```lua\n{LUA}\n```lua\nprint(add(1, 2))\n```", LUA),
    "closed on the last line of code": ("lua", f"```lua\n{LUA}```\nDone.", LUA),
    "in a list": ("python", f"1. Add:\n\n{indented(fenced('python', PYTHON), '   ')}\n\n2. Done.", PYTHON),
    "fence after a bullet": ("lua", f"- ```lua\n{indented(LUA, '  ')}\n  ```", LUA),
    "quoted": ("lua", indented(fenced("lua", LUA), "> "), LUA),
    "definition, then its use": ("lua", f"{fenced('lua', LUA)}\nUse it:\n{fenced('lua', 'print(add(1, 2))')}", LUA),
    "one-line definition, longer use": (
        "r",
        f"{fenced('r', 'add <- function(a, b) a + b')}\nThen\n{fenced('r', 'print(add(1, 2))' + '; print(add(3, 4))')}",
        "add <- function(a, b) a + b",
    ),
    "installation first": ("julia", f"{fenced('julia', 'using Pkg; Pkg.add(X)')}\n\n{fenced('julia', JULIA)}", JULIA),
    "signature first": ("lua", f"{fenced('lua', 'function add(a)')}\n\n{fenced('lua', LONG_LUA)}", LONG_LUA),
    "source repeated first": ("lua", f"From\n{fenced('python', PYTHON)}\nto\n{fenced('lua', LUA)}", LUA),
    "shell first": ("lua", f"{fenced('bash', 'lua add.lua')}\n{fenced('', LUA)}\n{fenced('text', '3 (three)')}", LUA),
    "no label": ("racket", f"Here is sum:\n{fenced('', RACKET)}", RACKET),
    "wrong label": ("racket", fenced("lisp", RACKET), RACKET),
    "empty block first": ("lua", f"```lua\n```\n{fenced('lua', LUA)}", LUA),
    "thoughts hold a draft": ("lua", f"<think>\n{fenced('lua', 'bad(add)')}\n</think>\n\n{fenced('lua', LUA)}", LUA),
    "thoughts opened by the prompt": ("lua", f"so add, then\n</think>\n{fenced('lua', LUA)}", LUA),
    "Mistral's thoughts": ("lua", f"[THINK]{fenced('lua', 'bad')}[/THINK]{LUA}", LUA),
    "end of turn": ("lua", f"{LUA}\n<|im_end|>\n<|im_start|>user", LUA),
    "no fence at all": ("lua", LUA, LUA),
    "no fence, prose before": ("ocaml", f"Sure! Here is the function:\n\n{OCAML}", OCAML),
    "no fence, prose after": ("r", f"{R}\n\nThis function adds two numbers together.", R),
    "no fence, comment first": ("lua", COMMENTED_LUA, COMMENTED_LUA),
    "no fence, long comment": ("ocaml", COMMENTED_OCAML, COMMENTED_OCAML),
}


@pytest.mark.parametrize(("language", "reply", "code"), CHAT.values(), ids=CHAT)
def test_code_is_taken_out_of_a_chat_reply(language: str, reply: str, code: str) -> None:
    assert extract_code(reply, get_card(language), name=code_name(language)) == code


def code_name(language: str) -> str:
    return "sum" if language in ("ocaml", "racket") else "add"


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "   \n",
        "I'm sorry, but I can't translate this function.",
        "The function depends on `numpy`, which Lua does not have.\nIt can't be moved (as far as I know).",
        "```lua\n```",
        "<think>\nThe user wants add(a, b); return a + b",
        "```bash\nlua add.lua\n```",
        "As an AI language model I have no opinion (sorry).\n\n- It needs files.\n- It needs a network.",
    ],
)
def test_a_reply_without_code_gives_none(reply: str) -> None:
    assert extract_code(reply, get_card("lua"), name="add") is None


SIGNATURE = "-- Adds.\nlocal function add(a, b)"
BODY = "  return a + b\nend"
WHOLE = f"{SIGNATURE}\n{BODY}"
OCAML_SIGNATURE = "let rec sum (xs : int list) : int =\n"
OCAML_BODY = "match xs with\n| [] -> 0\n| x :: rest -> x + sum rest"
OCAML_OTHER = "let sum xs = List.fold_left (+) 0 xs"
OTHER_NAMES = "function add(x, y)\n  return x + y\nend"
WITH_HELPER = f"local function id(x) return x end\n{LUA}"
REPEATED = f"\n{BODY}\n\n{LUA}"

CONTINUED = {
    "body on new lines": (SIGNATURE, f"\n{BODY}", WHOLE),
    "prefix ends its line": (f"{SIGNATURE}\n", f"{BODY}\n", WHOLE),
    "same line": ("(define (add a b)", " (+ a b))", "(define (add a b) (+ a b))"),
    "inside an expression": ("assert add(", "1, 2) == 3", "assert add(1, 2) == 3"),
    "body without any sign of code": (f"{SIGNATURE}\n", "  return a\nend", f"{SIGNATURE}\n  return a\nend"),
    "unindented body that recurses": (OCAML_SIGNATURE, OCAML_BODY, OCAML_SIGNATURE + OCAML_BODY),
    "the prompt's fence is closed": (SIGNATURE, f"\n{BODY}\n```\n\nNow, etc.", WHOLE),
    "the prompt's fence is closed, unindented": (OCAML_SIGNATURE, f"{OCAML_BODY}\n```", OCAML_SIGNATURE + OCAML_BODY),
    "fence closed, another opened": (SIGNATURE, f"\n{BODY}\n```\nOutput:\n```\n3 = 3\n```", WHOLE),
    "repeats itself after the body": (SIGNATURE, REPEATED, SIGNATURE + REPEATED),
    "prose after the body": (SIGNATURE, f"\n{BODY}\n\nThis function adds two numbers.", WHOLE),
    "chat: whole definition in a block": (SIGNATURE, f"Here:\n{fenced('lua', LUA)}", LUA),
    "chat: block without label": (SIGNATURE, f"Here is the code:\n{fenced('', LUA)}", LUA),
    "chat: whole definition, no fence": (SIGNATURE, f"Sure! Here it is:\n\n{LUA}\n\nThis adds the numbers.", LUA),
    "chat: own signature, other names": (SIGNATURE, fenced("lua", OTHER_NAMES), OTHER_NAMES),
    "chat: not rec, not typed": (OCAML_SIGNATURE, fenced("ocaml", OCAML_OTHER), OCAML_OTHER),
    "chat: rec, where the prefix is not": ("let sum (xs : int list) : int =", fenced("ocaml", OCAML), OCAML),
    "chat: assigned": (
        "add <- function(a, b) {",
        fenced("r", "add = function(x, y) x + y"),
        "add = function(x, y) x + y",
    ),
    "chat: short form": ("function add(a, b)", fenced("julia", "add(a, b) = a + b"), "add(a, b) = a + b"),
    "chat: helper first": (SIGNATURE, fenced("lua", WITH_HELPER), WITH_HELPER),
    "chat: only the body in a block": (SIGNATURE, fenced("lua", BODY), WHOLE),
    "chat: only an unindented body": (SIGNATURE, fenced("lua", "return a\nend"), f"{SIGNATURE}\nreturn a\nend"),
}


@pytest.mark.parametrize(("prefix", "reply", "code"), CONTINUED.values(), ids=CONTINUED)
def test_a_prefix_is_continued_once(prefix: str, reply: str, code: str) -> None:
    name = "sum" if "sum" in prefix else "add"
    assert extract_code(reply, get_card(language_of(prefix)), prefix=prefix, name=name) == code


def language_of(prefix: str) -> str:
    marks = {"let ": "ocaml", "(define": "racket", "assert": "python", "add <-": "r", "function add": "julia"}
    return next((language for mark, language in marks.items() if prefix.startswith(mark)), "lua")


@pytest.mark.parametrize("reply", ["", "\n\n", "I'm sorry, but I can't do that.", "```lua\n```"])
def test_nothing_does_not_continue_a_prefix(reply: str) -> None:
    assert extract_code(reply, get_card("lua"), prefix=SIGNATURE, name="add") is None


@pytest.mark.slow
@pytest.mark.parametrize(
    "reply", ["```a\n" * 50_000, "let " * 50_000, "A b. " * 50_000 + "c", "```lua\n" + "(" * 200_000]
)
def test_hostile_replies_end(reply: str) -> None:
    extract_code(reply, get_card("lua"), prefix="let rec add x =", name="add")
