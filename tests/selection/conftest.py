import pytest

from glotsmith.languages.lexer import CommentSyntax


@pytest.fixture
def syntax() -> dict[str, CommentSyntax]:
    return {
        "python": CommentSyntax(line=("#",), strings=('"""', "'''", '"', "'"), layout=True),
        "lua": CommentSyntax(line=("--",), block=("--[[", "]]"), strings=('"', "'")),
        "ocaml": CommentSyntax(block=("(*", "*)"), strings=('"',)),
        "racket": CommentSyntax(line=(";",), block=("#|", "|#"), strings=('"',)),
        "r": CommentSyntax(line=("#",), strings=('"', "'")),
        "julia": CommentSyntax(line=("#",), block=("#=", "=#"), strings=('"""', '"')),
        "c": CommentSyntax(line=("//",), block=("/*", "*/"), strings=('"',)),
    }
