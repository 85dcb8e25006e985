"""Paper → code → differences: each statement of a paper on these pages leads to code that is there."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = {"multipl_t": 9, "inverse_instruct": 10, "xcoder": 12}  #: page → rows, at least


def rows(name: str) -> list[tuple[str, str, str]]:
    """Return the statements of a page: what the paper says, our code, and the difference."""
    page = (ROOT / "docs" / "recipes" / f"{name}.md").read_text("utf-8")
    section = page.partition("## Paper → code")[2].partition("\n## ")[0].partition("\n- ")[2]
    items = [" ".join(item.split()) for item in section.split("\n- ")]
    return [
        (paper, code, differs)
        for paper, _, rest in (item.partition(" - Code: ") for item in items)
        for code, _, differs in [rest.partition(" - Difference: ")]
    ]


def defined(file: Path) -> set[str]:
    """Return the names that a module defines at its top level."""
    found = set[str]()
    for node in ast.parse(file.read_text("utf-8")).body:
        match node:
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name):
                found.add(name)
            case ast.Assign(targets=targets):
                found |= {n.id for target in targets for n in ast.walk(target) if isinstance(n, ast.Name)}
            case ast.AnnAssign(target=ast.Name(id=name)):
                found.add(name)
            case _:
                pass
    return found


@pytest.mark.parametrize("name", PAGES)
def test_every_statement_leads_to_code_that_is_there(name: str) -> None:
    found = rows(name)
    assert len(found) >= PAGES[name]
    for paper, code, differs in found:
        references = re.findall(r"`(src/[\w/]+\.py):(\w+)`((?:, `\w+`)*)", code)
        assert references, paper
        assert differs, paper
        for file, first, others in references:
            names = {first, *re.findall(r"`(\w+)`", others)}
            assert names <= defined(ROOT / file), (file, names)
