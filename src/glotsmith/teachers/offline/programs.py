"""Read the program and the signature that a target translates, and the parameters of its functions."""

import ast
import string
from collections.abc import Callable

from glotsmith.teachers.offline.refusals import CannotTranslate, refuse
from glotsmith.teachers.offline.scopes import own_nodes
from glotsmith.values import NotLiteral, Signature, parse_signature

_STRING_NAMES = ("ascii_lowercase", "ascii_uppercase", "ascii_letters", "digits", "hexdigits", "octdigits")
#: the constants of Python's module ``string``
STRING_CONSTANTS: dict[str, str] = {n: getattr(string, n) for n in (*_STRING_NAMES, "punctuation", "whitespace")}


def parameters_of(node: ast.FunctionDef | ast.Lambda) -> list[ast.arg]:
    """Return the parameters of a function in the order of the translated function."""
    a = node.args
    return [*a.posonlyargs, *a.args, *a.kwonlyargs]


def defaults_of(node: ast.FunctionDef | ast.Lambda) -> dict[str, ast.expr]:
    """Return the parameters that have defaults, with the defaults."""
    a = node.args
    plain = [*a.posonlyargs, *a.args]
    found = {p.arg: d for p, d in zip(plain[len(plain) - len(a.defaults) :], a.defaults, strict=True)}
    found.update({p.arg: d for p, d in zip(a.kwonlyargs, a.kw_defaults, strict=True) if d is not None})
    return found


def read_and_translate(source: str, signature: str, translate: Callable[[ast.Module, Signature | None], str]) -> str:
    """Parse a program and its signature ("" if it is not known), and translate them.

    Raises:
        CannotTranslate: The source cannot be read, or ``translate`` refuses it.

    """
    try:
        return translate(ast.parse(source), _parsed(signature))
    except (SyntaxError, ValueError) as error:
        raise CannotTranslate(f"the offline teacher cannot read the source: {error}") from error
    except IndexError as error:  # ``xs.remove()``: Python raises an error, too
        raise CannotTranslate("the offline teacher cannot translate a call with too few arguments") from error
    except (RecursionError, MemoryError) as error:
        raise CannotTranslate("the offline teacher cannot translate a source with this depth of nesting") from error


def _parsed(signature: str) -> Signature | None:
    if not signature:
        return None
    try:
        return parse_signature(signature)
    except NotLiteral:
        return None


def find_entry(tree: ast.Module, name: str) -> ast.FunctionDef:
    """Return the top-level function that the translation must define.

    Raises:
        CannotTranslate: There is no such function, or it is a generator.

    """
    entry = next((n for n in reversed(tree.body) if isinstance(n, ast.FunctionDef) and n.name == name), None)
    if entry is None:
        raise refuse(f"a source without a top-level function {name}")
    if any(isinstance(n, ast.Yield | ast.YieldFrom) for n in own_nodes(entry)):
        raise refuse("a generator: its result is not a value", entry)
    return entry


def identifiers(tree: ast.Module) -> frozenset[str]:
    """Return the names of all variables, parameters and functions of the program."""
    stored = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    given = {n.arg for n in ast.walk(tree) if isinstance(n, ast.arg)}
    defined = {n.name for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)}
    return frozenset(stored | given | defined)
