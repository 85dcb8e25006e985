"""HumanEval (Chen et al. 2021): ``task_id, prompt, entry_point, canonical_solution, test``."""

import ast
import asyncio
from collections.abc import Awaitable, Callable, Sequence

from glotsmith.evaluation.benchmarks.base import Loaded, Posable, Unusable, Wanted
from glotsmith.evaluation.benchmarks.python_original import function_of, note_of, parse, posable, suite_of
from glotsmith.evaluation.benchmarks.row_files import Row
from glotsmith.evaluation.oracles import BY_FUNCTION
from glotsmith.evaluation.questions import Impossible
from glotsmith.records import Origin

HUB = "openai/openai_humaneval:test"


async def read(rows: Sequence[Row], wanted: Wanted) -> Loaded:
    """Return the problems whose tests are calls over literals.

    Raises:
        InputError: a row lacks a field.

    """
    return await gathered(rows, wanted, _problem)


async def gathered(rows: Sequence[Row], wanted: Wanted, problem: Callable[[Row, Wanted], Awaitable[Posable]]) -> Loaded:
    """Read all rows; what is ``Unusable`` is listed in every language."""
    answers = await asyncio.gather(*(_one(row, wanted, problem) for row in rows))
    lost = [i for a in answers if not isinstance(a, Posable) for i in impossible(wanted, *a)]
    found = [a for a in answers if isinstance(a, Posable)]
    notes = tuple(f"{p.name}: {p.note}" for p in found if p.note)
    return Loaded(posable=tuple(found), impossible=tuple(lost), notes=notes)


async def _one(
    row: Row, wanted: Wanted, problem: Callable[[Row, Wanted], Awaitable[Posable]]
) -> Posable | tuple[str, Unusable]:
    try:
        return await problem(row, wanted)
    except Unusable as error:
        return str(row.data["task_id"]), error


def impossible(wanted: Wanted, problem: str, why: Unusable) -> list[Impossible]:
    """Return a problem as lost in each language that is wanted."""
    return [
        Impossible(benchmark=wanted.name, problem=problem, language=language, reason=why.reason, detail=str(why))
        for language in wanted.languages
    ]


async def _problem(row: Row, wanted: Wanted) -> Posable:
    name, entry = row.field("task_id", str), row.field("entry_point", str)
    program = row.field("prompt", str) + row.field("canonical_solution", str)
    tree = parse(row.field("test", str))
    function = function_of(program, entry, Origin(source=row.file, path=name))
    checks = [n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == "check"]
    found = await suite_of(wanted, function, checks[-1].body if checks else [])
    oracle = BY_FUNCTION.get(entry, "")
    return posable(name, function, found.calls, typed=found.typed, oracle=oracle, note=note_of(found))
