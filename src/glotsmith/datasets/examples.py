"""The last step: verified solutions become dataset rows."""

from functools import cache

from glotsmith.datasets.rows import LanguageFacts, example
from glotsmith.languages import get
from glotsmith.records import Example, Solution
from glotsmith.step import ItemStep, Result, keep


class ToExamples(ItemStep[Solution, Example]):
    """Make a row of each solution."""

    name = "dataset"
    output = Example

    async def run(self, key: str, item: Solution) -> Result[Example]:
        """Make one row; nothing is dropped here."""
        return keep(item.id, example(item, facts(item.task.language)))


@cache
def facts(language: str) -> LanguageFacts:
    """Return what rows need to know of a language."""
    card = get(language)
    return LanguageFacts(
        display=card.display,
        fence=card.fences[0],
        line_comment=card.syntax.line_comment,
        line_comment_end=card.syntax.line_comment_end,
        prelude=card.syntax.prelude,
        comment_escapes=card.syntax.comment_escapes,
    )
