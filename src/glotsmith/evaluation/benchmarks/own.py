"""Questions in our own format: one ``Question`` a line, as ``glotsmith benchmark make`` writes them."""

from collections.abc import Sequence

import msgspec

from glotsmith.evaluation.benchmarks.base import Loaded, Wanted
from glotsmith.evaluation.benchmarks.files import Row
from glotsmith.evaluation.questions import Question

HUB = ""


async def read(rows: Sequence[Row], wanted: Wanted) -> Loaded:
    """Return the questions in the wanted languages, or all where none is named.

    Raises:
        InputError: a line is no question, or has no tests and no io.

    """
    questions = [q for row in rows if (q := _question(row)).language in wanted.languages or not wanted.languages]
    return Loaded(questions=tuple(questions))


def _question(row: Row) -> Question:
    try:
        return msgspec.convert(row.data, Question)
    except msgspec.ValidationError as error:
        raise row.error(f"not a question: {error}") from None
