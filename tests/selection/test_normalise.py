import pytest
from hypothesis import given
from hypothesis import strategies as st

from glotsmith.languages.lexer import CommentSyntax, mask_strings, split_code
from glotsmith.selection.normalise import _normalise_runs, normalise, strip_comments

STRIPPED = [
    # language, text, without comments
    ("lua", "x = 1 -- one\ny = 2", "x = 1  \ny = 2"),
    ("lua", "x = '--' .. \"--[[\"", "x = '--' .. \"--[[\""),
    ("lua", "a --[[ b\n]] c", "a \n c"),
    ("lua", "a --[==[ ]] ]==] c", "a   c"),
    ("lua", "s = [[ -- text ]] -- comment", "s = [[ -- text ]]  "),
    ("lua", "s = [=[ ]] ]=]", "s = [=[ ]] ]=]"),
    ("lua", "a --[[ never closed", "a  "),
    ("python", "x = '#' # c", "x = '#'  "),
    ("python", 'x = """\n# text\n"""', 'x = """\n# text\n"""'),
    ("python", "x = 'it\\'s # text'", "x = 'it\\'s # text'"),
    ("python", "x = '''a'b''c # t'''  # c", "x = '''a'b''c # t'''   "),
    ("ocaml", "a (* b (* c *) d *) e", "a   e"),
    ("ocaml", "let c = '\"' (* a quote *)", "let c = '\"'  "),
    ("ocaml", 'let f (x : \'a) = "(*"', 'let f (x : \'a) = "(*"'),
    ("racket", '(f #\\" 1) ; c', '(f #\\" 1)  '),
    ("racket", "(f #\\; 1)", "(f #\\; 1)"),
    ("racket", "#| a #| b |# c |# d", "  d"),
    ("r", "x <- x[[1]] # first", "x <- x[[1]]  "),
    ("julia", "a' * b' # two\n#= x =# c", "a' * b'  \n  c"),
    ("c", "/* a /* b */ x(); // y", "  x();  "),
    ("c", 'c = \'"\'; /* d */ s = "//";', 'c = \'"\';   s = "//";'),
    ("c", 'an "unterminated // quote', 'an "unterminated  '),
]


@pytest.mark.parametrize(("language", "text", "expected"), STRIPPED)
def test_comments_go_and_strings_stay(language, text, expected, syntax):
    assert strip_comments(text, syntax[language]) == expected


SAME = [
    ("lua", "return  x\n", "-- why\nreturn x"),
    ("lua", "if a then\n  b()\nend", "if a then b() -- c\nend"),
    ("racket", "(define (f x)\n  x)", "(define (f x) #| id |# x)"),
    ("python", "def f(x):\n    return x", "def f(x):  # id\n\n    # nothing else\n    return  x\n\n"),
]
DIFFERENT = [
    ("racket", "(- 1)", "(-1)"),
    ("lua", "return 'a  b'", "return 'a b'"),
    ("lua", "return '-- a'", "return ''"),
    ("python", "if a:\n    b()\nc()", "if a:\n    b()\n    c()"),
    ("python", "x = '''a\n\nb'''", "x = '''a\nb'''"),
    ("lua", "return x", "return X"),
]


@pytest.mark.parametrize(("language", "one", "other"), SAME)
def test_comments_and_white_space_do_not_count(language, one, other, syntax):
    assert normalise(one, syntax[language]) == normalise(other, syntax[language])


@pytest.mark.parametrize(("language", "one", "other"), DIFFERENT)
def test_what_may_mean_something_counts(language, one, other, syntax):
    assert normalise(one, syntax[language]) != normalise(other, syntax[language])


SYNTAXES = {
    "python": CommentSyntax(line=("#",), strings=('"""', "'''", '"', "'"), layout=True),
    "lua": CommentSyntax(line=("--",), block=("--[[", "]]"), strings=('"', "'")),
    "ocaml": CommentSyntax(block=("(*", "*)")),
    "racket": CommentSyntax(line=(";",), block=("#|", "|#")),
    "julia": CommentSyntax(line=("#",), block=("#=", "=#"), strings=('"""', '"')),
    "c": CommentSyntax(line=("//",), block=("/*", "*/")),
}


@given(text=st.text(alphabet="-[]=\"'\\\n#;|(*)/ax "))
@pytest.mark.parametrize("language", SYNTAXES)
def test_pieces_are_the_text_and_normalising_ends(language, text):
    language_syntax = SYNTAXES[language]
    assert "".join(piece for _, piece in split_code(text, language_syntax)) == text
    normalise(text, language_syntax)


@given(text=st.text(alphabet="-[]=\"'\\\n#;|(*)/ax "))
@pytest.mark.parametrize("language", SYNTAXES)
def test_masked_strings_and_comments_are_the_pieces(language, text):
    pieces = list(split_code(text, SYNTAXES[language]))
    masked = "".join({"code": piece, "string": "@", "comment": " "}[kind] for kind, piece in pieces)
    strings = [piece for kind, piece in pieces if kind == "string"]
    assert mask_strings(text, SYNTAXES[language], "@") == (masked, strings)


def test_a_language_without_comments():
    assert strip_comments('a "b" c', CommentSyntax(strings=())) == 'a "b" c'


@given(text=st.text(alphabet="-[]=\"'\\\n\r\t\f\x00\x1c#;|(*)/ax \u2003é"))
@pytest.mark.parametrize("language", SYNTAXES)
def test_a_text_that_contains_the_mark_of_strings_is_normalised_alike(language, text):
    """The fast way replaces strings with a mark; a text with that mark is folded run by run, with the same result."""
    syntax = SYNTAXES[language]
    assert normalise(text, syntax) == _normalise_runs(text, syntax)
