"""Make the suites of Python functions as ``multipl-t`` does, and pose the problems in a language."""

from collections.abc import Sequence
from pathlib import Path

from glotsmith.records import Function, Problem, Task
from glotsmith.sandbox.base import Sandbox
from glotsmith.sources.read_functions import ReadFunctions
from glotsmith.step import Verify
from glotsmith.suites.make_tasks import MakeTasks
from glotsmith.suites.validate import Validate
from glotsmith.suites.write import WriteTests

SOURCE = Path(__file__).with_name("source.py")  #: file with the functions that each language translates


async def make_problems(source: Path, sandbox: Sandbox) -> tuple[list[Problem], list[str]]:
    """Return the functions of a file with their suites, and a sentence for each function without one."""
    write, validate = WriteTests(sandbox), Validate(sandbox)
    problems, lost = list[Problem](), list[str]()
    async for _, read in ReadFunctions((str(source),)).run(lambda _: False):
        for function in (kept.item for kept in read.kept):
            draft = await write.run(function.id, function)
            made = [await validate.run(kept.key, kept.item) for kept in draft.kept]
            problems += [kept.item for result in made for kept in result.kept]
            drops = [*draft.dropped, *(drop for result in made for drop in result.dropped)]
            lost += [_loss_sentence(function, str(drop.reason), drop.detail) for drop in drops]
    return problems, lost


def _loss_sentence(function: Function, reason: str, detail: str) -> str:
    return f"{function.name} has no suite: {reason}{f' ({detail})' if detail else ''}"


async def pose_problems(problems: Sequence[Problem], language: str, verify: Verify) -> tuple[list[Task], list[str]]:
    """Return the problems whose suites ``make_tasks`` accepts in a language, and a sentence for each other problem."""
    make_tasks = MakeTasks([language], verify)
    tasks, lost = list[Task](), list[str]()
    for problem in problems:
        result = await make_tasks.run(problem.id, problem)
        tasks += [kept.item for kept in result.kept]
        lost += [
            _loss_sentence(problem.function, str(drop.reason), drop.detail) for drop in result.dropped if not drop.key
        ]
    return tasks, lost
