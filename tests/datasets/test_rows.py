import pytest
from hypothesis import given
from hypothesis import strategies as st

from glotsmith.datasets.examples import RowSyntax, comment, fenced, make_example, split_program

LUA = RowSyntax(display="Lua", fence="lua", line_comment="--")
OCAML = RowSyntax(
    display="OCaml", fence="ocaml", line_comment="(*", line_comment_end="*)", comment_escapes={'"': "''"}
)  # fmt: skip
PHP = RowSyntax(display="PHP", fence="php", line_comment="//", prelude="<?php")
BODY = "\n  return x\nend"


def test_a_row_carries_everything(make_solution):
    solution = make_solution()
    row = make_example(solution, LUA)
    assert (row.id, row.parallel_id, row.language, row.name) == ("sid", "pid", "lua", "f")
    assert (row.prompt, row.completion) == ("-- Keep.\nlocal function f(x)", BODY)
    assert row.source == "import re\n\n\ndef f(x): return x"
    assert (row.signature, row.tests) == ("def f(x: int) -> int", ("assert f(1) == 1",))
    assert (row.line_coverage, row.branch_coverage, row.mutation_score, row.pass_rate) == (0.95, 0.9, 0.75, 0.5)
    assert (row.origin, row.lineage) == (solution.task.problem.function.origin, solution.lineage)
    assert row.messages == (
        {
            "role": "user",
            "content": "Write a function `f` in Lua.\n\nKeep.\n\nBegin with:\n\n```lua\nlocal function f(x)\n```",
        },
        {"role": "assistant", "content": "```lua\nlocal function f(x)\n  return x\nend\n```"},
    )


def test_code_that_does_not_begin_with_the_signature(make_solution):
    row = make_example(make_solution(code="function f(y) return y end"), LUA)
    assert (row.prompt, row.completion) == ("-- Keep.\n", "function f(y) return y end")
    assert row.messages[0]["content"] == "Write a function `f` in Lua.\n\nKeep."


def test_an_instruction_takes_the_docstrings_place(make_solution):
    row = make_example(make_solution(), LUA, "Give it back.")
    assert row.prompt.startswith("-- Give it back.\nlocal") and "Keep." not in row.messages[0]["content"]


def test_no_docstring(make_solution):
    row = make_example(make_solution(docstring=""), LUA)
    assert row.prompt == "local function f(x)"
    assert row.messages[0]["content"].startswith("Write a function `f` in Lua.\n\nBegin with:")


@pytest.mark.parametrize(
    ("code", "prefix", "syntax", "expected"),
    [
        ("f(x)y", "f(x)", LUA, ("-- d\nf(x)", "y")),
        ("f(x)y", "g(x)", LUA, ("-- d\n", "f(x)y")),
        ("f(x)y", "", LUA, ("-- d\n", "f(x)y")),
        ("f(x)", "f(x)", LUA, ("-- d\nf(x)", "")),
        ("<?php\n\nf(x)y", "<?php\nf(x)", PHP, ("<?php\n\n// d\nf(x)", "y")),
        ("<?php\nf(x)y", "f(x)", PHP, ("<?php\n// d\nf(x)", "y")),
        ("f(x)y", "f(x)", PHP, ("// d\nf(x)", "y")),
    ],
)
def test_prompt_and_completion(code, prefix, syntax, expected):
    assert split_program(code, prefix, "d", syntax) == expected


@given(code=st.text(), prefix=st.text(max_size=5), wish=st.text())
def test_prompt_and_completion_are_the_comment_and_the_code(code, prefix, wish):
    prompt, completion = split_program(prefix + code, prefix, wish, LUA)
    assert prompt + completion == comment(wish, LUA) + prefix + code


@pytest.mark.parametrize(
    ("text", "syntax", "expected"),
    [
        ("", LUA, ""),
        ("a", LUA, "-- a\n"),
        ("a\n\n  b\n", LUA, "-- a\n--\n--   b\n"),
        ("a\rb\x0cc\u2028d", LUA, "-- a\n-- b\n-- c\n-- d\n"),
        ("a\n\nb", OCAML, "(* a *)\n(* *)\n(* b *)\n"),
        ('end *) of "it', OCAML, "(* end * ) of ''it *)\n"),
    ],
)
def test_comments(text, syntax, expected):
    assert comment(text, syntax) == expected


@given(text=st.text())
def test_every_line_of_a_comment_is_one(text):
    made = comment(text, LUA)
    assert all(line.startswith("--") for line in made.split("\n")[:-1]) and made.split("\n")[-1] == ""


@pytest.mark.parametrize(
    ("code", "expected"),
    [("x\n", "```lua\nx\n```"), ("s = '```'", "````lua\ns = '```'\n````"), ("`````", "``````lua\n`````\n``````")],
)
def test_fences_are_longer_than_what_they_hold(code, expected):
    assert fenced(code, "lua") == expected
