"""A sandbox, and functions from source text."""

import ast
import asyncio
import textwrap
from collections.abc import Callable, Iterator

import pytest

from glotsmith.records import Function, Origin, content_hash
from glotsmith.sandbox import open_sandbox
from glotsmith.sandbox.base import Sandbox


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    opened = open_sandbox()
    yield opened
    asyncio.run(opened.close())


def make_function(code: str, helpers: str = "") -> Function:
    code, helpers = textwrap.dedent(code).strip(), textwrap.dedent(helpers).strip()
    node = next(n for n in ast.parse(code).body if isinstance(n, ast.FunctionDef))
    return Function(
        id=content_hash(code, helpers),
        name=node.name,
        code=code,
        docstring=ast.get_docstring(node) or "",
        helpers=helpers,
        origin=Origin(source="test", path="test.py"),
    )


@pytest.fixture(scope="session")
def function() -> Callable[..., Function]:
    return make_function
