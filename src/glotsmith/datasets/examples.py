"""The last step: verified solutions become dataset rows."""

import re
from functools import cache

from glotsmith.languages import get_card
from glotsmith.languages.docstrings import Wording, translate_docstring
from glotsmith.records import Example, Record, Solution, Task
from glotsmith.step import ItemStep, Result, keep

ChatMessage = dict[str, str]  #: ``role`` and ``content``


class RowSyntax(Record, frozen=True, kw_only=True):
    """What rows need to know of a language."""

    display: str  #: its name in prose: ``OCaml``
    fence: str  #: its label in fenced blocks: ``ocaml``
    line_comment: str  #: what begins a comment of one line
    line_comment_end: str = ""  #: what ends it, where the line's end does not
    prelude: str = ""  #: what a program may have to begin with, before any comment (``<?php``)
    comment_escapes: dict[str, str] = {}  #: text that a comment cannot hold → what stands for it


def make_example(solution: Solution, syntax: RowSyntax, instruction: str = "") -> Example:
    """Make a row of a solution.

    Args:
        solution: what passed its suite.
        facts: of the solution's language.
        instruction: the task in words; default: the docstring of the Python original.

    Returns:
        A row of which ``prompt + completion`` is the program with the instruction as a comment on top. If the program
        does not begin with the task's signature, the prompt is the comment alone and the completion the program.

    """
    task, function = solution.task, solution.task.problem.function
    wish = instruction.strip() or function.docstring.strip()
    prompt, completion = split_program(solution.code, task.prefix, wish, syntax)
    return Example(
        id=solution.id,
        parallel_id=task.problem.id,
        language=task.language,
        name=function.name,
        messages=conversation(solution.code, task, wish, syntax),
        prompt=prompt,
        completion=completion,
        source=function.program,
        signature=task.signature,
        tests=task.tests,
        origin=function.origin,
        lineage=solution.lineage,
        line_coverage=task.problem.suite.line_coverage,
        branch_coverage=task.problem.suite.branch_coverage,
        mutation_score=task.problem.suite.mutation_score,
        reference_s=task.problem.suite.reference_s,
        pass_rate=solution.pass_rate,
    )


def conversation(code: str, task: Task, instruction: str, syntax: RowSyntax) -> tuple[ChatMessage, ChatMessage]:
    """Return a user's request in words, with the signature that the code has, and the code as the reply."""
    parts = [f"Write a function `{task.problem.function.name}` in {syntax.display}."]
    if instruction:
        parts.append(instruction)
    if task.prefix.strip() and code.startswith(task.prefix):
        parts.append(f"Begin with:\n\n{fenced(task.prefix, syntax.fence)}")
    return (
        {"role": "user", "content": "\n\n".join(parts)},
        {"role": "assistant", "content": fenced(code, syntax.fence)},
    )


def split_program(code: str, prefix: str, instruction: str, syntax: RowSyntax) -> tuple[str, str]:
    """Return prompt and completion; joined they are the code, with the wish as a comment at its top."""
    head, body, signature = "", code, prefix
    if syntax.prelude and code.startswith(syntax.prelude):
        head, body = syntax.prelude, code.removeprefix(syntax.prelude)
        body, head = body.lstrip("\n"), head + body[: len(body) - len(body.lstrip("\n"))]
        signature = prefix.removeprefix(syntax.prelude).lstrip("\n")
    if not signature.strip() or not body.startswith(signature):
        signature = ""
    return f"{head}{comment(instruction, syntax)}{signature}", body[len(signature) :]


def comment(text: str, syntax: RowSyntax) -> str:
    """Return a text as comment lines, each with its line break; "" for no text."""
    for mark, stand_in in syntax.comment_escapes.items():
        text = text.replace(mark, stand_in)
    if end := syntax.line_comment_end:
        text = text.replace(end, " ".join(end))
    lines = (" ".join(filter(None, (syntax.line_comment, line, end))) for line in text.splitlines())
    return "".join(f"{line.rstrip()}\n" for line in lines)


def fenced(code: str, label: str) -> str:
    """Return code in a fence that is longer than any run of backticks inside."""
    longest = max((len(run) for run in re.findall("`{3,}", code)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}{label}\n{code.rstrip()}\n{fence}"


class ToExamples(ItemStep[Solution, Example]):
    """Make a row of each solution."""

    name = "dataset"
    output = Example

    def __init__(self, wording: Wording = "target") -> None:
        """Write docstrings in this wording."""
        self._wording: Wording = wording

    async def run(self, key: str, item: Solution) -> Result[Example]:
        """Make one row; nothing is dropped here."""
        return keep(
            item.id, make_example(item, row_syntax(item.task.language), instruction_of(item.task, self._wording))
        )


def instruction_of(task: Task, wording: Wording) -> str:
    """Return the docstring of a task's Python original as it reads in the task's language."""
    return translate_docstring(task.language, task.problem.function.docstring.strip(), task.signature, wording)


@cache
def row_syntax(language: str) -> RowSyntax:
    """Return what rows need to know of a language."""
    card = get_card(language)
    return RowSyntax(
        display=card.display,
        fence=card.fences[0],
        line_comment=card.syntax.line_comment,
        line_comment_end=card.syntax.line_comment_end,
        prelude=card.syntax.prelude,
        comment_escapes=card.syntax.comment_escapes,
    )
