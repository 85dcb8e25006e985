"""The last step: verified solutions become dataset rows."""

from functools import cache

from glotsmith.datasets.rows import RowSyntax, make_example
from glotsmith.languages import get_card
from glotsmith.languages.docstrings import Wording, translate_docstring
from glotsmith.records import Example, Solution, Task
from glotsmith.step import ItemStep, Result, keep


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
