"""The messages of errors have one form: they begin in lower case and end without a full stop (``errors.py``)."""

import ast
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "src" / "glotsmith"
#: words in upper case that begin a message
NAMES = ("Pyright ", "TOML ", "Program.")
CLASSES = ("Error", "RequestRefused", "UnusableProblem", "Unparsable")


def literal(node: ast.expr) -> str:
    """Return a text with ``{}`` for its computed parts; "" for any other expression."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(part.value if isinstance(part, ast.Constant) else "{}" for part in parts)
        case _:
            return ""


def messages(code: str) -> Iterator[str]:
    """Yield the literal messages of the errors in a module: texts of several words."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func).removesuffix(".at").rpartition(".")[2]
            if name.endswith(CLASSES):
                yield from (text for text in map(literal, node.args) if " " in text)


def is_of_one_form(message: str) -> bool:
    begins = message.startswith(NAMES) or not message[0].isupper()
    return begins and not message.endswith(".")


def test_messages_have_one_form() -> None:
    files = sorted(PACKAGE.rglob("*.py"))
    found = [(file.name, text) for file in files for text in messages(file.read_text("utf-8"))]
    assert [(name, text) for name, text in found if not is_of_one_form(text)] == []
    assert len(found) > 100


def test_messages_are_found() -> None:
    code = 'raise UsageError(f"{name} is missing. Add it")\nInputError.at(path, 1, "Not valid.")\nprint("No error.")'
    assert [(text, is_of_one_form(text)) for text in messages(code)] == [
        ("{} is missing. Add it", True),
        ("Not valid.", False),
    ]
