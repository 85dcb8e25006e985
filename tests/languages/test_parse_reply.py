"""Replies in which marks of fences, thoughts and turns stand within one another, and the program that comes out."""

import pytest

from glotsmith.languages import get_card, language_names
from glotsmith.languages.extract_code import extract_code, strip_reasoning
from glotsmith.languages.parse_reply import parse_reply
from glotsmith.languages.spelling import language_of_label

LUA = "local function add(a, b)\n  return a + b\nend"
WRONG = "local function add(a, b)\n  return a - b\nend"
USE = "print(add(1, 2))"
PYTHON = "def add(a, b):\n    return a + b"
RACKET = "(define (add a b)\n  (+ a b))"
MARKED = "local function add(a, b)\n  return '</think>' .. a .. b\nend"
DOCSTRING = 'def add(a, b):\n    """Add.\n\n    ```\n    add(1, 2)\n    ```\n    """\n    return a + b'


def block(label: str, code: str) -> str:
    return f"```{label}\n{code}\n```"


OPENED_BY_THE_PROMPT = {
    "nothing behind": ("lua", f"{LUA}\n```", LUA),
    "prose behind": ("lua", f"{LUA}\n```\nThis adds two numbers.", LUA),
    "output behind": ("lua", f"{LUA}\n```\nOutput:\n```\n3\n```", LUA),
    "an example of its use behind": ("lua", f"{LUA}\n```\nUsage:\n{block('lua', USE)}", LUA),
    "Racket": ("racket", f"{RACKET}\n```\n", RACKET),
    "OCaml": ("ocaml", "let add a b = a + b\n```\n\nExplanation: it adds.", "let add a b = a + b"),
    "a fence in its docstring": ("python", f"{DOCSTRING}\n```\nDone.", DOCSTRING),
    "tildes": ("python", f"{PYTHON}\n~~~\nDone.", PYTHON),
    "not opened: the signature comes first": ("lua", f"local function add(a, b)\n{block('', LUA)}", LUA),
    "not opened: prose comes first": ("lua", f"To add (a + b), do this\n{block('', LUA)}", LUA),
}
THOUGHTS = {
    "a mark behind the block": ("lua", f"{block('lua', LUA)}\n</think>", LUA),
    "a mark behind the block, then prose": ("lua", f"{block('lua', LUA)}\n</think>\nThis works fine.", LUA),
    "a mark behind code without a block": ("lua", f"{LUA}\n</think>", LUA),
    "a mark between a draft and the program": ("lua", f"{block('lua', WRONG)}\n</think>\n{block('lua', LUA)}", LUA),
    "a mark in a string, in a block": ("lua", block("lua", MARKED), MARKED),
    "a mark in a string": ("lua", MARKED, MARKED),
    "a mark in a comment": ("lua", f"-- ends at </think>\n{LUA}", f"-- ends at </think>\n{LUA}"),
    "an opening mark in a string": ("lua", block("lua", MARKED.replace("/", "")), MARKED.replace("/", "")),
    "the end of a turn in a string": ("lua", MARKED.replace("</think>", "<|im_end|>"), None),
    "a quoted mark in a thought": ("lua", f"<think>print '</think>' then?</think>{block('lua', LUA)}", LUA),
    "two thoughts, a draft in the second": (
        "lua",
        f"<think>a</think>\n<think>{block('lua', WRONG)}</think>\n{LUA}",
        LUA,
    ),
    "two thoughts, prose between": (
        "lua",
        f"<think>a</think>\nLet me see.\n<think>{block('lua', WRONG)}</think>\n{block('lua', LUA)}",
        LUA,
    ),
    "three thoughts of different models": (
        "lua",
        f"<reasoning>{block('lua', WRONG)}</reasoning>\n◁think▷{WRONG}◁/think▷[THINK]{WRONG}[/THINK]\n{LUA}",
        LUA,
    ),
    "channels": (
        "lua",
        f"<|channel|>analysis<|message|>{block('lua', WRONG)}<|end|><|start|>assistant<|channel|>final<|message|>"
        f"{block('lua', LUA)}<|return|>",
        LUA,
    ),
    "an answer in tags": ("lua", f"<think>add</think>\n<answer>\n{block('lua', LUA)}\n</answer>", LUA),
    "a thought within an unclosed block": ("lua", f"```lua\nbad(\n</think>\n{block('lua', LUA)}", LUA),
    "a thought that never ends": ("lua", f"<think>add: {block('lua', LUA)}", "nothing"),
}
CHOICE = {
    "no label, then a labelled use": ("lua", f"{block('', LUA)}\nUse:\n{block('lua', USE)}", LUA),
    "no block, then a labelled use": ("lua", f"{LUA}\n\nUse it:\n{block('lua', USE)}", LUA),
    "labelled as text, then a labelled use": ("lua", f"{block('text', LUA)}\n{block('lua', USE)}", LUA),
    "a labelled use first": ("lua", f"It is used so:\n{block('lua', USE)}\nand is\n{block('', LUA)}", LUA),
    "a draft, corrected": ("lua", f"{block('lua', WRONG)}\nCorrected:\n{block('lua', LUA)}", LUA),
    "a draft, corrected twice": (
        "lua",
        f"{block('lua', USE)}\n{block('lua', WRONG)}\nNo:\n{block('lua', WRONG)}\nNow:\n{block('lua', LUA)}\nDone.",
        LUA,
    ),
    "a correction without a label": ("lua", f"{block('lua', WRONG)}\nCorrected:\n{block('', LUA)}", LUA),
    "a correction that does not parse": ("lua", f"{block('lua', LUA)}\nor:\n{block('lua', WRONG[:-9])}", LUA),
    "the form of it last": (
        "python",
        f"{block('python', PYTHON)}\nIts form:\n{block('python', 'def add(a, b):' + chr(10) + '    ...')}",
        PYTHON,
    ),
    "blocks within a block of Markdown": ("lua", f"````markdown\nHere:\n{block('lua', LUA)}\n````", LUA),
    "the source last": ("lua", f"{block('lua', LUA)}\nfrom\n{block('python', PYTHON)}", LUA),
}
ACROSS_BLOCKS = {
    "imports": ("python", ["import math", "def add(a, b):\n    return math.fsum([a, b])"]),
    "a helper": ("lua", ["local function id(x) return x end", LUA.replace("a + b", "id(a) + b")]),
    "a helper of a helper": (
        "python",
        ["def one(x):\n    return x", "def two(x):\n    return one(x)", "def add(a, b):\n    return two(a) + b"],
    ),
    "a constant": ("python", ["ZERO = 0", "def add(a, b):\n    return a + b + ZERO"]),
    "a type": ("haskell", ["data Pair = Pair Int Int", "add :: Pair -> Int\nadd (Pair a b) = a + b"]),
    "an include": ("cpp", ["#include <vector>", "long add(long a, long b) {\n  return a + b;\n}"]),
    "an import in Haskell": (
        "haskell",
        ["import Data.List (sort)", "add :: Int -> Int -> Int\nadd a b = sum (sort [a, b])"],
    ),
    "a Racket module's first line": ("racket", ["#lang racket\n(require math)", RACKET]),
}
LEFT_OUT = {
    "an example's values": ("python", f"{block('python', 'xs = [1, 2]')}\n{block('python', PYTHON)}", PYTHON),
    "an installation": ("python", f"{block('python', 'pip.install(1)')}\n{block('python', PYTHON)}", PYTHON),
    "a helper that the program has": (
        "lua",
        f"{block('lua', 'local function id(x) return x end')}\n{block('lua', 'local function id(x) return x end' + chr(10) + LUA)}",  # noqa: E501
        f"local function id(x) return x end\n{LUA}",
    ),
}
TABLES = {**OPENED_BY_THE_PROMPT, **THOUGHTS, **CHOICE, **LEFT_OUT}


@pytest.mark.parametrize(("language", "reply", "code"), TABLES.values(), ids=TABLES)
def test_the_program_is_found(language: str, reply: str, code: str | None) -> None:
    expected = {None: reply, "nothing": None}.get(code, code)
    assert extract_code(reply, get_card(language), name="add") == expected


@pytest.mark.parametrize(("language", "blocks"), ACROSS_BLOCKS.values(), ids=ACROSS_BLOCKS)
def test_imports_and_helpers_in_blocks_of_their_own_are_part_of_the_program(language: str, blocks: list[str]) -> None:
    reply = "\nand then\n".join(block(language, code) for code in blocks)
    assert extract_code(reply, get_card(language), name="add") == "\n".join(blocks)


DRAFTS = {
    "python": ("import math\n\ndef one(x):\n    return x", "def add(a, b):\n    return math.fsum([one(a), @b])"),
    "lua": ("local function one(x) return x end", "local function add(a, b)\n  return one(a) + @b\nend"),
    "ocaml": ("let one x = x", "let add a b = one a + @b"),
    "haskell": ("one :: Int -> Int\none x = x", "add :: Int -> Int -> Int\nadd a b = one a + @b"),
    "rust": ("fn one(x: i64) -> i64 { x }", "fn add(a: i64, b: i64) -> i64 { one(a) + @b }"),
    "cpp": ("#include <vector>\nlong one(long x) { return x; }", "long add(long a, long b) { return one(a) + @b; }"),
    "r": ("one <- function(x) x", "add <- function(a, b) one(a) + @b"),
    "php": ("function one($x) { return $x; }", "function add($a, $b) { return one($a) + @$b; }"),
}


@pytest.mark.parametrize(("language", "helper", "function"), [(k, *v) for k, v in DRAFTS.items()], ids=DRAFTS)
def test_a_corrected_function_keeps_the_helpers_of_its_draft(language: str, helper: str, function: str) -> None:
    draft, corrected = function.replace("@", "-"), function.replace("@", "")
    reply = f"{block(language, helper + chr(10) * 2 + draft)}\nCorrected:\n{block(language, corrected)}"
    found = extract_code(reply, get_card(language), name="add")
    assert found is not None
    assert [line for line in found.split("\n") if line] == [
        line for line in f"{helper}\n{corrected}".split("\n") if line
    ]


def test_a_helper_behind_the_function_stands_before_it() -> None:
    helper, function = "def one(x):\n    return x", "def add(a, b):\n    return one(a) + b"
    reply = f"{block('python', function)}\nwith\n{block('python', helper)}"
    assert extract_code(reply, get_card("python"), name="add") == f"{helper}\n{function}"


#: A fence in a comment or string of each language; ``+`` stands once, so that the same with ``-`` is a wrong draft.
FENCE = "\n```\nadd(1, 2)\n```\n"
C_COMMENT = f"/*{FENCE}*/"
WITH_FENCE = {
    "bash": "add() {\n  cat <<'E'\n```\nx\n```\nE\n  echo $(($1 + $2))\n}",
    "c": f"{C_COMMENT}\nlong add(long a, long b) {{\n    return a + b;\n}}",
    "commonlisp": f"#|{FENCE}|#\n(defun add (a b)\n  (+ a b))",
    "cpp": f"{C_COMMENT}\nlong add(long a, long b) {{\n    return a + b;\n}}",
    "csharp": f"{C_COMMENT}\npublic static long add(long a, long b) {{\n    return a + b;\n}}",
    "d": f"{C_COMMENT}\nlong add(long a, long b) {{\n    return a + b;\n}}",
    "elixir": f'@doc """{FENCE}"""\ndef add(a, b) do\n  a + b\nend',
    "go": f"package main\n\nvar s = `\nx\n`\n\n{C_COMMENT}\nfunc add(a int, b int) int {{\n\treturn a + b\n}}",
    "haskell": f"{{-{FENCE}-}}\nadd :: Int -> Int -> Int\nadd a b = a + b",
    "java": f"{C_COMMENT}\npublic static long add(long a, long b) {{\n    return a + b;\n}}",
    "javascript": f"{C_COMMENT}\nfunction add(a, b) {{\n  return a + b;\n}}",
    "julia": f'"""{FENCE}"""\nfunction add(a, b)\n    a + b\nend',
    "kotlin": f"{C_COMMENT}\nfun add(a: Long, b: Long): Long {{\n    return a + b\n}}",
    "lua": f"local s = [[{FENCE}]]\nlocal function add(a, b)\n  return a + b\nend",
    "nim": f"#[{FENCE}]#\nproc add(a: int, b: int): int =\n  return a + b",
    "ocaml": f"(**{FENCE}*)\nlet add a b = a + b",
    "perl": f"=pod\n{FENCE}\n=cut\n\nsub add {{\n    my ($a, $b) = @_;\n    return $a + $b;\n}}",
    "php": f"{C_COMMENT}\nfunction add($a, $b) {{\n    return $a + $b;\n}}",
    "python": f'def add(a, b):\n    """{FENCE}"""\n    return a + b',
    "r": f"add <- function(a, b) {{\n  s <- '{FENCE}'\n  a + b\n}}",
    "racket": f"#|{FENCE}|#\n(define (add a b) (+ a b))",
    "ruby": f"def add(a, b)\n  s = <<~EOS{FENCE}  EOS\n  a + b\nend",
    "rust": f"{C_COMMENT}\nfn add(a: i64, b: i64) -> i64 {{\n    a + b\n}}",
    "scala": f"{C_COMMENT}\ndef add(a: Long, b: Long): Long = a + b",
    "swift": f"{C_COMMENT}\nfunc add(_ a: Int, _ b: Int) -> Int {{\n    return a + b\n}}",
    "typescript": f"{C_COMMENT}\nfunction add(a: number, b: number): number {{\n    return a + b;\n}}",
}


def test_every_language_has_a_program_with_a_fence() -> None:
    assert WITH_FENCE.keys() == set(language_names())


@pytest.mark.parametrize(("language", "code"), WITH_FENCE.items(), ids=WITH_FENCE)
@pytest.mark.parametrize(
    "reply",
    [
        "Here:\n\n```@language\n@code\n```\n\nIt adds.",
        "@code\n```\nIt adds the two numbers.",
        "```@language\n@draft\n```\nCorrected:\n```@language\n@code\n```",
        "@code",
    ],
    ids=["in a block", "opened by the prompt", "after a draft", "alone"],
)
def test_a_fence_in_a_comment_or_string_is_part_of_the_program(language: str, code: str, reply: str) -> None:
    draft = code.replace("+", "-")
    filled = reply.replace("@language", language).replace("@draft", draft).replace("@code", code)
    assert extract_code(filled, get_card(language), name="add") == code


CONTINUED = {
    "a fence in the docstring": (
        "python",
        'def add(a, b):\n    """Add.\n',
        '    ```\n    add(1, 2)\n    ```\n    """\n    return a + b\n',
        "```\nDone.",
    ),
    "a labelled fence in the docstring": (
        "python",
        'def add(a, b):\n    """Add.\n',
        '    ```python\n    add(1, 2)\n    ```\n    """\n    return a + b\n',
        "```\nDone.",
    ),
    "a mark in a string": ("lua", "local function add(a, b)\n", "  return '</think>' .. a\nend", ""),
    "the end of a turn in a string": ("lua", "local function add(a, b)\n", "  return '<|im_end|>'\nend", "<|im_end|>"),
}


@pytest.mark.parametrize(("language", "prefix", "body", "rest"), CONTINUED.values(), ids=CONTINUED)
def test_a_continuation_keeps_marks_in_literals(language: str, prefix: str, body: str, rest: str) -> None:
    assert extract_code(body + rest, get_card(language), prefix=prefix, name="add") == (prefix + body).rstrip()


@pytest.mark.parametrize(
    ("reply", "text"),
    [
        ('<think>{"a": 1}</think>{"a": 2}', '{"a": 2}'),
        ('draft {"a": 1}\n</think>\n## Problem', "\n## Problem"),
        ('{"a": 2}\n</think>\n', '{"a": 2}\n'),
        ('\ufeff{"mark": "</think>"}\r\n', '{"mark": "</think>"}\n'),
        ("<think>a</think>b<think>c</think>d<|im_end|>e", "bd"),
        ("the tag `<think>` opens a thought", "the tag `<think>` opens a thought"),
        ("", ""),
    ],
)
def test_thoughts_are_left_out_of_any_text(reply: str, text: str) -> None:
    assert strip_reasoning(reply) == text


@pytest.mark.parametrize(
    ("reply", "labels"),
    [
        (f"{block('Lua title=a.lua', LUA)}\n{block('', LUA)}", ["lua", ""]),
        (f"````md\n{block('lua', LUA)}\n{block('text', '3')}\n````", ["lua", "text"]),
        (f"```lua\n{LUA}\n{block('lua', USE)}", ["lua", "lua"]),
        ("no block", []),
    ],
)
def test_blocks_have_labels(reply: str, labels: list[str]) -> None:
    assert [part.label for part in parse_reply(reply).answer if part.is_block] == labels


@pytest.mark.parametrize(
    ("label", "language"),
    [("OCaml", "ocaml"), ("c++", "cpp"), ("C#", "csharp"), (" js ", "javascript"), ("klingon", ""), ("", "")],
)
def test_a_label_means_a_language(label: str, language: str) -> None:
    assert language_of_label(label) == language


@pytest.mark.slow
@pytest.mark.parametrize(
    "reply", ["```\n" * 50_000, "<think>" * 50_000, "'</think>'" * 20_000, "```lua\nx = [[\n```\n" * 5_000]
)
def test_hostile_replies_end(reply: str) -> None:
    extract_code(reply, get_card("lua"), name="add")
