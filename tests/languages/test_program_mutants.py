"""Mutants of programs in their own languages. Nothing is executed."""

import tomllib
from pathlib import Path

import msgspec
import pytest

from glotsmith.errors import InputError
from glotsmith.languages import get_card, language_names, mutation_rules, program_mutants
from glotsmith.languages.card import language_folder
from glotsmith.languages.grammar import parses, tree_digests
from glotsmith.languages.program_mutants import mutate_program

TRANSLATIONS = {
    name: tomllib.loads(path.read_text("utf-8"))
    for name in language_names()
    if (path := language_folder(name) / "translations.toml").is_file()
}


def changes(language: str, code: str) -> set[tuple[str, str]]:
    return {(m.kind, m.change) for m in mutate_program(get_card(language), code, 200)}


@pytest.mark.parametrize(
    ("language", "code", "kind", "change"),
    [
        ("cpp", "bool f(int a) { return a < 3; }", "boundary", "< → <="),
        ("cpp", "int f(int a) { if (a > 0) return 1; return 2; }", "branch", "(a > 0) → (!(a > 0))"),
        ("haskell", "f a = a == 1 && a /= 2", "comparison", "/= → =="),
        ("haskell", "f a\n  | a > 1 = 2\n  | otherwise = 3", "branch", "a > 1 → not (a > 1)"),
        ("ocaml", "let f a = if a = 1 then a mod 2 else 0", "comparison", "= → <>"),
        ("ocaml", "let f a = if a = 1 then a mod 2 else 0", "arithmetic", "mod → *"),
        ("ocaml", "let f a b = a := 1; b", "statement", "a := 1 → ()"),
        ("racket", "#lang racket\n(define (f a) (if (< a 1) #t #f))", "boundary", "< → <="),
        ("racket", "#lang racket\n(define (f a) (cond [(> a 1) 2] [else 3]))", "branch", "(> a 1) → (not (> a 1))"),
        ("commonlisp", "(defun f (a) (setf a 2) a)", "statement", "(setf a 2) → nil"),
        ("lua", "local function f(a) return a ~= 1 and not b end", "comparison", "~= → =="),
        ("lua", "local function f(a) return a ~= 1 and not b end", "logic", "and → or"),
        ("lua", "local function f(a) return a ~= 1 and not b end", "unary", "not → nothing"),
        ("python", "def f(a):\n    if a:\n        a = 2\n    return a", "statement", "a = 2 → pass"),
        ("python", "def f(a):\n    return 'x' if a else ''", "branch", "a → not (a)"),
        ("python", "def f(a):\n    return 'x' if a else ''", "constant", "'x' → 'xx'"),
        ("r", "f <- function(a) {\n  a <- a %/% 2\n  a\n}", "arithmetic", "%/% → *"),
        ("r", "f <- function(a) {\n  a <- a %/% 2\n  a\n}", "statement", "a <- a %/% 2 → nothing"),
        ("ruby", "def f(a)\n  (0...a).sum\nend", "boundary", "... → .."),
        ("rust", "fn f(a: i64) -> i64 { let mut s = 0; for i in 0..a { s += i; } s }", "boundary", ".. → ..="),
        ("perl", 'sub f { my ($a) = @_; return 1 if $a eq "b"; return 2; }', "comparison", "eq → ne"),
        ("php", "function f($a) { return max($a, 2.5); }", "name", "max → min"),
        ("php", "function f($a) { return max($a, 2.5); }", "constant", "2.5 → 3.5"),
        ("bash", 'if [ "$1" -lt 3 ]; then echo 1; fi', "boundary", "-lt → -le"),
        ("java", "class P { static int f(int a) { return a > 1 ? 2 : 3; } }", "branch", "a > 1 → !(a > 1)"),
    ],
)
def test_a_change(language: str, code: str, kind: str, change: str) -> None:
    assert (kind, change) in changes(language, code)


@pytest.mark.parametrize(
    ("language", "code"),
    [
        ("java", "class P { static List<Long> f(List<Long> a) { return a; } }"),  # brackets of types
        ("cpp", "std::vector<long> f(std::vector<long> *a) { return *a; }"),
        ("python", 'def f(a):\n    """Return a < 1."""\n    # a < 2\n    return a'),  # text, and comments
        ("lua", "local function f(a)\n  -- if a < 1\n  return a\nend"),
        ("c", '#include "a < 1"'),
    ],
)
def test_what_is_no_operator(language: str, code: str) -> None:
    assert not {kind for kind, _ in changes(language, code)} & {"boundary", "comparison", "branch", "arithmetic"}


@pytest.mark.parametrize("language", TRANSLATIONS)
def test_the_mutants_of_the_translations(language: str) -> None:
    card, kinds = get_card(language), set[str]()
    for code in TRANSLATIONS[language].values():
        mutants = mutate_program(card, code.lstrip("\n"), 12)
        assert len({m.code for m in mutants}) == len(mutants) >= 2
        assert all(m.code != code and parses(language, m.code) for m in mutants)
        kinds |= {m.kind for m in mutants}
    assert {"boundary", "comparison", "arithmetic", "logic", "constant", "branch"} <= kinds


def test_mutants_depend_only_on_the_program() -> None:
    code = TRANSLATIONS["lua"]["triangle"]
    first = mutate_program(get_card("lua"), code, 10)
    assert first == mutate_program(get_card("lua"), code, 10) == mutate_program(get_card("lua"), code, 30)[:10]
    assert len({m.kind for m in first}) >= 5


@pytest.mark.parametrize(
    "code",
    [f"def f(x):\n    return {' + '.join(['x'] * 4000)}", f"def f(x):\n    return {'1' * 5000} + x"],
    ids=["a deep tree", "a long literal"],
)
def test_an_extreme_program_has_mutants_or_none(code: str) -> None:
    assert all(mutant.code != code for mutant in mutate_program(get_card("python"), code, 3))
    assert tree_digests("python", code) is not None


def test_a_line_is_counted_from_one() -> None:
    [mutant] = [m for m in mutate_program(get_card("lua"), "local a\nreturn a < 2", 9) if m.kind == "boundary"]
    assert (mutant.line, mutant.code) == (2, "local a\nreturn a <= 2")


def test_a_language_without_a_grammar_has_mutants_of_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program_mutants, "syntax_tree", lambda _language, _code: None)
    card = get_card("lua")
    code = 'return f(-1) < 2 and x -- a < b\nreturn "1 < 2" .. true'
    found = {(m.kind, m.change, m.line) for m in mutate_program(card, code, 50)}
    assert found == {
        ("boundary", "< → <=", 1),
        ("logic", "and → or", 1),
        *(("constant", f"1 → {n}", 1) for n in (0, 2)),
        *(("constant", f"2 → {n}", 1) for n in (1, 3)),
        ("name", "true → false", 2),
    }
    assert program_mutants.mutation_method(card) == "tokens"


def test_a_token_between_operands_has_one_row() -> None:
    rules = mutation_rules.mutation_rules("r")
    assert rules.infix["&"] == ("logic", "|")
    assert rules.infix["<"] == ("boundary", "<=")
    assert mutation_rules.mutation_rules("cpp").infix["&"] == ("arithmetic", "|")


@pytest.mark.parametrize("text", ["[boundary", "bondary = 1", "[boundary]\n'<' = 3"])
def test_an_invalid_file_is_named(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mutation.toml").write_text(text, "utf-8")
    monkeypatch.setattr(mutation_rules, "language_folder", lambda _: tmp_path)
    with pytest.raises(InputError, match=r"mutation\.toml"):
        mutation_rules.mutation_rules.__wrapped__("lua")


def test_every_replacement_differs() -> None:
    for language in language_names():
        rules = msgspec.to_builtins(mutation_rules.mutation_rules(language))
        assert all(old != new for name in mutation_rules.KINDS for old, new in rules.get(name, {}).items())
