"""Check a prompt of a user before a run: its variables, its syntax, and that it can be filled."""

import traceback
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import NamedTuple

import jinja2
import jinja2.meta
from jinja2 import nodes

from glotsmith.credentials import is_secret_value
from glotsmith.errors import InputError, unknown_name
from glotsmith.prompts import Prompt, parse, read_text

_EMPTY_VALUES: dict[type, object] = {str: "", list: [], tuple: (), dict: {}, bool: False}


class _Part(NamedTuple):
    """The template, or a file that it includes."""

    path: Path
    text: str
    tree: nodes.Template
    names: frozenset[str]  #: names that the including files set: loop variables, macros


def check_prompt(call: str, prompt: Prompt) -> None:
    """Check that a prompt is a template that can be filled with the variables of a call.

    Args:
        call: name of the prompt, for messages.
        prompt: a prompt with an interface.

    Raises:
        InputError: the prompt is invalid; the message names the file and the line.

    """
    assert prompt.interface is not None, "the prompt declares its variables"
    if not prompt.text.strip():
        raise InputError.at(prompt.path, 1, f"the prompt {call} is empty: write the text of the request into it")
    used = set[str]()
    for part in _parts(prompt, prompt.path, prompt.text, frozenset()):
        _refuse_credentials(part)
        undeclared = _undeclared(prompt, part)
        _refuse_unknown(call, prompt.interface.variables, part, undeclared)
        used |= undeclared
    for group in prompt.interface.required:
        if used.isdisjoint(group):
            names = " or ".join(f"{{{{ {name} }}}}" for name in group)
            raise InputError.at(prompt.path, 1, f"the prompt {call} must use the variable {names}")
    _fill(call, prompt)


def _parts(
    prompt: Prompt, path: Path, text: str, names: frozenset[str], outer: tuple[str, ...] = ()
) -> Iterator[_Part]:
    """Yield the template and the files that it includes, recursively.

    Raises:
        InputError: one is malformed, or includes a file that does not exist, that includes it, or that is not named.

    """
    tree = _tree(path, text)
    yield _Part(path, text, tree, names)
    stored = frozenset(node.name for node in tree.find_all(nodes.Name) if node.ctx in ("store", "param"))
    for node in tree.find_all((nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends)):
        for name in _included_names(path, node):
            inner = prompt.find(name)
            if inner is None and getattr(node, "ignore_missing", False):
                continue
            if inner is None:
                folders = ", ".join(map(str, prompt.includes))
                raise InputError.at(path, node.lineno, f"there is no file {name!r} to include in {folders}")
            if name in (*outer, prompt.path.name):
                raise InputError.at(path, node.lineno, f"{name!r} includes itself")
            yield from _parts(prompt, inner, read_text(inner), names | stored | {"loop"}, (*outer, name))


def _tree(path: Path, text: str) -> nodes.Template:
    try:
        return parse(text)
    except jinja2.TemplateSyntaxError as error:
        raise _malformed(path, error) from None


def _malformed(path: Path, error: jinja2.TemplateSyntaxError) -> InputError:
    return InputError.at(path, error.lineno, f"the prompt is not a valid Jinja template: {error.message}")


def _included_names(path: Path, node: nodes.Node) -> list[str]:
    """Return the names of the files that a statement includes.

    Raises:
        InputError: an expression names one, so that the version of the prompt would not cover its text.

    """
    named = list(jinja2.meta.find_referenced_templates(nodes.Template([node], lineno=node.lineno)))
    if None in named:
        raise InputError.at(
            path, node.lineno, "the name of an included file must be a text in quotes, not an expression"
        )
    return [name for name in named if name is not None]


def _undeclared(prompt: Prompt, part: _Part) -> set[str]:
    """Return the variables that a part expects.

    Raises:
        InputError: it uses a filter or a test that Jinja does not have.

    """
    try:
        tree = prompt.environment.parse(part.text)
        prompt.environment.compile(tree)  # ``parse`` does not check the names of filters and tests
        return jinja2.meta.find_undeclared_variables(prompt.environment.parse(part.text)) - part.names
    except jinja2.TemplateSyntaxError as error:
        raise _malformed(part.path, error) from None


def _refuse_unknown(call: str, known: Collection[str], part: _Part, undeclared: set[str]) -> None:
    for node in part.tree.find_all(nodes.Name):
        if node.ctx == "load" and node.name in undeclared and node.name not in known:
            what = unknown_name(f"the prompt {call} has no variable {node.name!r}", node.name, known)
            raise InputError.at(part.path, node.lineno, what)


def _refuse_credentials(part: _Part) -> None:
    for number, line in enumerate(part.text.splitlines(), 1):
        if is_secret_value(line):
            raise InputError.at(part.path, number, "this looks like a key. Remove it, because a run stores its prompts")


def _fill(call: str, prompt: Prompt) -> None:
    """Fill the prompt with sample values, and with empty ones.

    Raises:
        InputError: the prompt cannot be filled with them.

    """
    assert prompt.interface is not None, "the prompt declares its variables"
    samples = {name: variable.sample for name, variable in prompt.interface.variables.items()}
    empty = {name: _EMPTY_VALUES.get(type(value), value) for name, value in samples.items()}
    for values in (samples, empty):
        try:
            text = prompt.environment.from_string(prompt.text).render(**values)
        except Exception as error:  # of any kind, since a template may call methods of its values
            path, line = _place(prompt, error)
            what = f"the prompt {call} cannot be filled: {type(error).__name__}: {error}"
            raise InputError.at(path, line, what) from None
        if values is samples and not text.strip():
            raise InputError.at(prompt.path, 1, f"the prompt {call} is empty after its variables are filled in")


def _place(prompt: Prompt, error: Exception) -> tuple[Path, int | None]:
    """Return the file and the line of a template in which an error occurred."""
    own = {"<template>": prompt.path} | {str(path): path for path in _files(prompt)}
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename in own]
    return (own[frames[-1].filename], frames[-1].lineno) if frames else (prompt.path, None)


def _files(prompt: Prompt) -> Iterator[Path]:
    for name in prompt.stored("").texts:
        if (path := prompt.find(name)) is not None:
            yield path
