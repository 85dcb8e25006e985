"""Programs that are equal except for comments and white space, and programs that only look like it."""

import pytest

from glotsmith.languages.equal_programs import EqualPrograms, are_equal_programs

EQUAL = [
    ("lua", "function f(x) return x end", "-- the identity\nfunction f( x )\n  return x --[[ x ]]\nend\n"),
    ("ocaml", "let f x = x + 1", "(* adds (* nested *) one *)\nlet  f x =\n  x + 1\n"),
    ("racket", "(define (f x) x)", "; it\n#| block |#\n(define (f x)\n  x)"),
    ("r", "f <- function(x) x", "# it\nf  <-  function(x) x # it"),
    ("julia", "f(x) = x", "# it\nf(x)  =  x #= it =#\n"),
    ("python", "def f(x):\n    return x\n", "def f(x):  # it\n\n    # it\n    return x\n\n"),
    ("javascript", "function f(x) { return x; }", "// it\nfunction f(x) {\n  /* it */ return x;\n}"),
    ("typescript", "function f(x: number) { return x; }", "function f(x:number) { // it\n  return x;\n}"),
    ("java", "class Problem { static long f(long x) { return x; } }",
     "// it\nclass Problem {\n  static long f(long x) { return x; }\n}"),
    ("go", "func f(x int) int {\n\treturn x\n}", "// f is it\nfunc f(x int) int {\n  return x // it\n}\n"),
    ("haskell", "f :: Int -> Int\nf x = x\n", "-- it\nf :: Int -> Int\nf x = x -- it\n"),
    ("rust", "fn f(x: i64) -> i64 { x }", "// it\nfn f(x: i64) -> i64 {\n    x\n}"),
    ("ruby", "def f(x)\n  x\nend", "# it\ndef f(x)\n    x # it\nend"),
    ("perl", "sub f { return $_[0]; }", "# it\nsub f {\n  return $_[0];\n}"),
    ("cpp", "long f(long x) { return x; }", "/* it */ long f(long x) {\n  return x;\n}"),
]  # fmt: skip

DIFFERENT = [
    ("kotlin", "fun f(x: Int): Int {\n    return x + 1 - 2\n}", "fun f(x: Int): Int {\n    return x + 1\n    - 2\n}"),
    ("kotlin", "fun f(x: Int): Int {\n    val y = x - 1\n    return y\n}",
     "fun f(x: Int): Int {\n    val y = x\n    - 1\n    return y\n}"),
    ("go", "func f(x int) int {\n\treturn g(x, 1)\n}", "func f(x int) int {\n\treturn g(\n\t\tx,\n\t\t1\n\t)\n}"),
    ("go", "func f() []int {\n\treturn []int{1, 2}\n}", "func f() []int {\n\treturn []int{\n1,\n2\n}\n}"),
    ("python", "def f(x):\n    y = x\n    return y", "def f(x):\n    y = x\n      return y"),
    ("python", "def f(x):\n    if x:\n        x = 1\n    return x",
     "def f(x):\n    if x:\n        x = 1\n      return x"),
    ("python", "def f(x):\n        y = x\n        return y", "def f(x):\n        y = x\n\t        return y"),
    ("javascript", "const f = (a) => a + 1", "const f = (a)\n => a + 1"),
    ("javascript", "function f(x) { const g = x\n return g }", "function f(x) { const g = x return g }"),
    ("c", "#define S(x) #x\nchar *f(int a) { return S(a+b); }", "#define S(x) #x\nchar *f(int a) { return S(a + b); }"),
    ("lua", "function f(x) return 'a  b' end", "function f(x) return 'a b' end"),
    ("lua", "function f(x) return [[a\n\nb]] end", "function f(x) return [[a\nb]] end"),
    ("lua", "function f(x) return '--x' end", "function f(x) return '' end"),
    ("lua", "function f(x) return x end", "function f(x) return y end"),
    ("python", "def f(x):\n    if x:\n        x = 1\n    return x",
     "def f(x):\n    if x:\n        x = 1\n        return x"),
    ("python", "def f(x):\n    return 'a # b'", "def f(x):\n    return 'a #b'"),
    ("python", "def f(x):\n    return x", "def f(x)\n    return x"),  # an error
    ("python", "# -*- coding: latin-1 -*-\ndef f(x):\n    return x", "def f(x):\n    return x"),
    ("haskell", "f x = do\n  a\n  b\n", "f x = do\n  a\n    b\n"),
    ("haskell", "{-# LANGUAGE Strict #-}\nf x = x\n", "f x = x\n"),
    ("nim", "proc f(x: int): int =\n  if x > 0:\n    echo x\n  x\n",
     "proc f(x: int): int =\n  if x > 0:\n    echo x\n    x\n"),
    ("scala", "object P:\n  def f(x: Int) =\n    if x > 0 then\n      g()\n    x\n",
     "object P:\n  def f(x: Int) =\n    if x > 0 then\n      g()\n      x\n"),
    ("javascript", "function f(x) { return x; }", "function f(x) { return\nx; }"),
    ("javascript", "function f(x) { return `a  b`; }", "function f(x) { return `a b`; }"),
    ("javascript", "function f(x) { return /a b/; }", "function f(x) { return /a  b/; }"),
    ("javascript", "f = x => x.replace(/\"/g, 'a') + '//1'", "f = x => x.replace(/\"/g, 'a') + '//2'"),
    ("typescript", "// @ts-nocheck\nfunction f(x) { return x; }", "function f(x) { return x; }"),
    ("ruby", "# frozen_string_literal: true\ndef f(x) = x", "def f(x) = x"),
    ("ruby", "def f(x)\n  <<~A\n    a  b\n  A\nend", "def f(x)\n  <<~A\n    a b\n  A\nend"),
    ("ruby", "def f(x)\n  x\n  -1\nend", "def f(x)\n  x -1\nend"),
    ("perl", "sub f { return <<A;\na  b\nA\n}", "sub f { return <<A;\na b\nA\n}"),
    ("perl", "sub f { return q{a  b}; }", "sub f { return q{a b}; }"),
    ("php", "<?php function f($x) { return <<<A\na  b\nA;\n}", "<?php function f($x) { return <<<A\na b\nA;\n}"),
    ("bash", "cat <<A\na  b\nA", "cat <<A\na b\nA"),
    ("bash", "cat <<A\n# a\nA", "cat <<A\nA"),
    ("r", "f <- function(x) {\n  x\n  -1\n}", "f <- function(x) {\n  x -1\n}"),
    ("r", "f <- function(x) r\"(a  b)\"", "f <- function(x) r\"(a b)\""),
    ("julia", "f(x) = [x -1]", "f(x) = [x - 1]"),
    ("julia", "f(x) = @show x -1", "f(x) = @show x - 1"),
    ("nim", "proc f(x: int): int = g -1", "proc f(x: int): int = g - 1"),
    ("elixir", "defmodule A do\n  def f(x), do: g -1\nend", "defmodule A do\n  def f(x), do: g - 1\nend"),
    ("ruby", "def f(x) = g -1", "def f(x) = g - 1"),
    ("ruby", "def f(x) = g [1]", "def f(x) = g[1]"),
    ("scala", "object P {\n  def f(x: Int) = {\n    g(x)\n    -1\n  }\n}",
     "object P {\n  def f(x: Int) = { g(x) -1 }\n}"),
    ("kotlin", "fun f(x: Int): Int {\n  val y = x\n  -1\n  return y\n}",
     "fun f(x: Int): Int {\n  val y = x -1\n  return y\n}"),
    ("go", "func f(x int) int {\n\ty := x\n\t-1\n\treturn y\n}", "func f(x int) int {\n\ty := x -1\n\treturn y\n}"),
    ("haskell", "f = g.h\n  where g = 1", "f = g.h\nwhere g = 1"),
    ("racket", "(define (f x) (- 1))", "(define (f x) (-1))"),
    ("racket", "(define (f x) #\\;)", "(define (f x) #\\a)"),
    ("commonlisp", "(defun f (x) \"a  b\")", "(defun f (x) \"a b\")"),
    ("cpp", "auto f() { return R\"(a  b)\"; }", "auto f() { return R\"(a b)\"; }"),
    ("rust", "fn f() -> &str { r#\"a  b\"# }", "fn f() -> &str { r#\"a b\"# }"),
    ("java", "class A { static int f() { // \\u000a return 1;\n return 2; } }",
     "class A { static int f() { return 2; } }"),
    ("go", "// int f() { return 1; }\nimport \"C\"\nfunc f() int { return int(C.f()) }",
     "// int f() { return 2; }\nimport \"C\"\nfunc f() int { return int(C.f()) }"),
    ("go", "//go:build ignore\n\nfunc f() int { return 1 }", "func f() int { return 1 }"),
    ("elixir", "defmodule A do\n  def f(x), do: ~s(a  b)\nend", "defmodule A do\n  def f(x), do: ~s(a b)\nend"),
    ("kotlin", "fun f(x: Int): Int {\n  return x\n}", "fun f(x: Int): Int {\n  return\n  x\n}"),
    ("ocaml", "let f x = {|a  b|}", "let f x = {|a b|}"),
    ("ocaml", "let f x = \"(*\" ^ x (* *)", "let f x = \"(* *\" ^ x"),
]  # fmt: skip


@pytest.mark.parametrize(("language", "one", "other"), EQUAL)
def test_comments_and_white_space_do_not_count(language: str, one: str, other: str) -> None:
    assert are_equal_programs(language, one, other)
    programs = EqualPrograms(language)
    assert programs.representative(one) == one
    assert programs.representative(other) == one


@pytest.mark.parametrize(("language", "one", "other"), DIFFERENT)
def test_programs_that_mean_something_else_are_different(language: str, one: str, other: str) -> None:
    assert not are_equal_programs(language, one, other)
    programs = EqualPrograms(language)
    assert [programs.representative(text) for text in (one, other, one)] == [one, other, one]


def test_programs_that_do_not_parse_equal_themselves_only() -> None:
    assert are_equal_programs("lua", "function f(", "function f(")
    assert not are_equal_programs("lua", "function f(", "function f( -- it")
