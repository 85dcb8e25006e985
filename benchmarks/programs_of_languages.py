"""The right and wrong translations that benchmarks run: those of the tests, and those in ``benchmarks/programs``."""

import ast
import doctest
from collections.abc import Iterator
from pathlib import Path

from glotsmith.languages import get_card
from glotsmith.records import Job

ROOT = Path(__file__).parents[1]
FIVE = ROOT / "tests" / "recipes" / "multipl_t" / "five"
MORE = ROOT / "benchmarks" / "programs"
#: Functions whose wrong translations pass the few tests of their docstring. They are left out.
UNDETECTED = {"lua": {"flatten_rows"}, "ocaml": {"count_subsets"}, "r": {"clamp_all", "count_words", "merge_counts"}}


def functions() -> dict[str, tuple[str, list[str]]]:
    """Return signature and tests of the functions in ``five/source.py``, by name."""
    found: dict[str, tuple[str, list[str]]] = {}
    for node in ast.parse((FIVE / "source.py").read_text("utf-8")).body:
        if isinstance(node, ast.FunctionDef):
            examples = doctest.DocTestParser().get_examples(ast.get_docstring(node) or "")
            tests = [f"assert {e.source.strip()} == {e.want.strip() or 'None'}" for e in examples]
            signature = f"def {node.name}({ast.unparse(node.args)}) -> {ast.unparse(node.returns)}"
            found[node.name] = (signature, tests)
    return found


def folder_of(language: str) -> Path | None:
    """Return the folder with the translations in a language; None if there is none."""
    return next((folder for folder in (FIVE / language, MORE / language) if folder.is_dir()), None)


def right_translations(language: str) -> Iterator[Job]:
    """Yield the right translations in a language as jobs."""
    folder, extension = folder_of(language), get_card(language).extension
    for name, (signature, tests) in functions().items() if folder else ():
        file = folder / f"{name}{extension}"
        if file.exists():
            yield Job(id=name, language=language, code=file.read_text("utf-8"), signature=signature, tests=tuple(tests))
