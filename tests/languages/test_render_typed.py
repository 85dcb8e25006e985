"""Literals, types and signatures of the languages that check types."""

import math
from pathlib import Path

import pytest

from glotsmith.languages import Unrepresentable, get_card, render
from glotsmith.values import parse_signature, parse_type, type_of, unite


@pytest.mark.parametrize(
    ("kind", "value", "ocaml", "julia"),
    [
        ("None", None, "()", "nothing"),
        ("int | None", None, "None", "nothing"),
        ("int | None", -1, "(Some (-1))", "-1"),
        ("float", 3, "3.0", "3.0"),
        ("float", -0.0, "(-0.0)", "-0.0"),
        ("float", 1e16, "1e+16", "1e+16"),
        ("float", math.nan, "nan", "NaN"),
        ("float", -math.inf, "neg_infinity", "-Inf"),
        ("str", 'a"$\\\n\x00é', '"a\\"$\\\\\\n\\000é"', '"a\\"\\$\\\\\\n\\u0000é"'),
        ("list[float]", [1, 2.5], "[1.0; 2.5]", "Float64[1.0, 2.5]"),
        ("list[list[int]]", [[]], "[[]]", "Vector{Int64}[Int64[]]"),
        ("list[int | None]", [None, 1], "[None; (Some 1)]", "Union{Int64, Nothing}[nothing, 1]"),
        ("dict[str, int]", {"a": -1}, '[("a", (-1))]', 'Dict{String, Int64}("a" => -1)'),
        ("dict[str, int]", {}, "[]", "Dict{String, Int64}()"),
        ("tuple[int, str]", (1, "a"), '(1, "a")', '(1, "a")'),
        ("tuple[int, ...]", (1,), "[1]", "(1,)"),
        ("tuple[int, ...]", (), "[]", "()"),
    ],
)
def test_literals(kind: str, value: object, ocaml: str, julia: str) -> None:
    wanted = parse_type(kind)
    assert unite(wanted, type_of(value)) == wanted
    assert render.render_literal(get_card("ocaml"), value, wanted) == ocaml
    assert render.render_literal(get_card("julia"), value, wanted) == julia


@pytest.mark.parametrize(
    ("kind", "ocaml", "julia"),
    [
        ("dict[str, list[int]]", "(string * int list) list", "Dict{String, Vector{Int64}}"),
        (
            "list[tuple[int, float | None]]",
            "(int * float option) list",
            "Vector{Tuple{Int64, Union{Float64, Nothing}}}",
        ),
        ("tuple[int, ...]", "int list", "Tuple{Vararg{Int64}}"),
        ("tuple[int]", "OCaml has no tuple with one element", "Tuple{Int64}"),
        ("tuple[()]", "OCaml has no empty tuple", "Tuple{}"),
        ("set[int]", "OCaml has no literal for sets", "Set{Int64}"),
        ("list[Any]", "OCaml needs a type for every value", "Vector{Any}"),
        ("object", "OCaml has no type for values of several types", "Any"),
    ],
)
def test_types(kind: str, ocaml: str, julia: str) -> None:
    assert render.render_type(get_card("julia"), parse_type(kind)) == julia
    try:
        assert render.render_type(get_card("ocaml"), parse_type(kind)) == ocaml
    except Unrepresentable as error:
        assert str(error).startswith(ocaml)


def test_signatures() -> None:
    signature = parse_signature("def f(xs: list[int], end: str | None) -> bool")
    ocaml, julia = get_card("ocaml"), get_card("julia")
    texts = [render.render_signature(c, c.syntax.signature, signature) for c in (ocaml, julia)]
    assert texts[0] == "let f (xs : int list) (end_ : string option) : bool ="
    assert texts[1] == "function f(xs::Vector{Int64}, end_::Union{String, Nothing})::Bool"
    empty = parse_signature("def f() -> None")
    assert render.render_signature(ocaml, ocaml.syntax.signature, empty) == "let f () : unit ="


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("rust", "fn f(xs: Vec<isize>, end: Option<String>) -> bool"),
        ("cpp", "bool f(std::vector<long> xs, std::optional<std::string> end)"),
        ("java", "public static boolean f(ArrayList<Long> xs, Optional<String> end), in class Problem"),
        ("csharp", "public static bool f(List<long> xs, string end), in class Problem"),
        ("haskell", "f :: [Int] -> (Maybe String) -> Bool"),
        ("ocaml", "let f (xs : int list) (end_ : string option) : bool"),
        ("scala", "def f(xs: List[Long], end: Option[String]): Boolean, in object Problem"),
        ("python", "def f(xs: list[int], end: str | None) -> bool"),
        ("lua", ""),
    ],
)
def test_a_declaration_is_one_line(language: str, text: str) -> None:
    signature = parse_signature("def f(xs: list[int], end: str | None) -> bool")
    assert render.render_declaration(get_card(language), signature) == text


@pytest.mark.parametrize(
    ("language", "container"),
    [
        ("java", "class Problem"),
        ("csharp", "class Problem"),
        ("scala", "object Problem"),
        ("elixir", "defmodule HumanEval"),
        ("kotlin", ""),
        ("python", ""),
        ("lua", ""),
    ],
)
def test_the_class_that_a_function_stands_in_is_named(language: str, container: str) -> None:
    assert render.enclosing_declaration(get_card(language)) == container
    page = (Path(__file__).parents[2] / "docs" / "languages.md").read_text("utf-8")
    item = f"- **{get_card(language).display}**: `{container}`"
    assert (item in page) is bool(container)


def test_a_comment_that_must_be_closed_is_closed() -> None:
    assert render.render_comment(get_card("ocaml"), 'a "b" *)\n(* c') == "(* a 'b' * ) *)\n(* ( * c *)"
