"""Read questions in the format of glotsmith: one ``Question`` on each line, as ``glotsmith benchmark make`` writes."""

from collections.abc import Sequence

import msgspec

from glotsmith.evaluation.benchmarks.base import BenchmarkRequest, LoadedBenchmark
from glotsmith.evaluation.benchmarks.row_files import QuestionRow
from glotsmith.evaluation.questions import Question
from glotsmith.languages import unknown_language
from glotsmith.languages.spelling import language_of_label

HUB = ""


async def read(rows: Sequence[QuestionRow], wanted: BenchmarkRequest) -> LoadedBenchmark:
    """Return the questions in the requested languages, or all if none is requested.

    Raises:
        InputError: A line is not a question, has an unknown language, or has no tests, so that any program would pass.

    """
    questions = [q for row in rows if (q := _question(row)).language in wanted.languages or not wanted.languages]
    return LoadedBenchmark(questions=tuple(questions))


def _question(row: QuestionRow) -> Question:
    try:
        question = msgspec.convert(row.data, Question)
    except msgspec.ValidationError as error:
        raise row.error(f"not a question: {error}") from None
    language = language_of_label(question.language)
    if not language:
        raise row.error(unknown_language(question.language))
    if not (question.tests or question.io or question.before.strip() or question.after.strip()):
        raise row.error("the question has none of tests, io, before, after: any program would pass")
    return msgspec.structs.replace(question, language=language)
