"""Make dataset rows of verified solutions, the last step of a run."""

import re
from functools import cache

from glotsmith.languages import get_card
from glotsmith.languages.docstrings import Wording, translate_docstring
from glotsmith.languages.json_calls import comment_of_request, request_sentences
from glotsmith.records import Example, Record, Solution, Task
from glotsmith.step import ItemStep, Result, keep

ChatMessage = dict[str, str]  #: ``role`` and ``content``


class RowSyntax(Record, frozen=True, kw_only=True):
    """The properties of a language that rows use."""

    display: str  #: name in prose, such as ``OCaml``
    fence: str  #: label of fenced blocks, such as ``ocaml``
    line_comment: str  #: start of a comment of one line
    line_comment_end: str = ""  #: end of such a comment; "" if it is the end of the line
    prelude: str = ""  #: required start of a program, before any comment, such as ``<?php``
    comment_escapes: dict[str, str] = {}  #: text that a comment cannot contain → its replacement


def make_example(solution: Solution, syntax: RowSyntax, instruction: str = "") -> Example:
    """Make a row of a solution.

    Args:
        solution: A program that passed its suite.
        syntax: The syntax of the language of the solution.
        instruction: The task in words; default: the docstring of the Python original.

    Returns:
        A row whose ``prompt + completion`` is the program, preceded by the instruction as a comment. If the program
        does not begin with the signature of the task, the prompt is only the comment, and the completion is the
        program.

    """
    task, function = solution.task, solution.task.problem.function
    text = instruction.strip() or function.docstring.strip()
    top = comment_of_request(task.language, function.name, task.signature, text)
    prompt, completion = split_program(solution.code, task.prefix, top, syntax)
    return Example(
        id=solution.id,
        parallel_id=task.problem.id,
        language=task.language,
        name=function.name,
        messages=conversation(solution.code, task, text, syntax),
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
    """Return the instruction with the signature of the code as a user message, and the code as the reply."""
    parts = [" ".join(request_sentences(task.language, task.problem.function.name, task.signature))]
    if instruction:
        parts.append(instruction)
    if task.prefix.strip() and code.startswith(task.prefix):
        parts.append(f"Begin with:\n\n{fenced(task.prefix, syntax.fence)}")
    return (
        {"role": "user", "content": "\n\n".join(parts)},
        {"role": "assistant", "content": fenced(code, syntax.fence)},
    )


def split_program(code: str, prefix: str, instruction: str, syntax: RowSyntax) -> tuple[str, str]:
    """Return prompt and completion. Together they are the instruction as a comment, followed by the code."""
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
    """Return code in a fence that is longer than all sequences of backticks in the code."""
    longest = max((len(run) for run in re.findall("`{3,}", code)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}{label}\n{code.rstrip()}\n{fence}"


class ToExamples(ItemStep[Solution, Example]):
    """Make a row of each solution."""

    name = "dataset"
    output = Example

    def __init__(self, wording: Wording = "target") -> None:
        """Create the step with a wording of docstrings."""
        self._wording: Wording = wording

    async def run(self, key: str, item: Solution) -> Result[Example]:
        """Make one row. The step never drops an item."""
        return keep(
            item.id, make_example(item, row_syntax(item.task.language), instruction_of(item.task, self._wording))
        )


def instruction_of(task: Task, wording: Wording) -> str:
    """Return the docstring of the Python original, with the terms of the language of the task."""
    return translate_docstring(task.language, task.problem.function.docstring.strip(), task.signature, wording)


@cache
def row_syntax(language: str) -> RowSyntax:
    """Return the properties of a language that rows use."""
    card = get_card(language)
    return RowSyntax(
        display=card.display,
        fence=card.fences[0],
        line_comment=card.syntax.line_comment,
        line_comment_end=card.syntax.line_comment_end,
        prelude=card.syntax.prelude,
        comment_escapes=card.syntax.comment_escapes,
    )
