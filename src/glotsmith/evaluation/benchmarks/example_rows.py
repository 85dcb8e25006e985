"""Make questions of dataset rows, with exactly the prompts that a training uses."""

from collections.abc import Iterable, Sequence

import msgspec

from glotsmith.evaluation.benchmarks.base import BenchmarkRequest, LoadedBenchmark
from glotsmith.evaluation.benchmarks.row_files import QuestionRow
from glotsmith.evaluation.questions import Question
from glotsmith.languages.json_calls import exchanges_json
from glotsmith.records import Example

HUB = ""


async def read(rows: Sequence[QuestionRow], wanted: BenchmarkRequest) -> LoadedBenchmark:
    """Return one question for each problem and language among dataset rows that have tests."""
    return LoadedBenchmark(questions=questions_of_examples(map(example, rows), wanted.name, wanted.languages))


def example(row: QuestionRow) -> Example:
    """Return a row as a record, without the columns that exporters add.

    Raises:
        InputError: The row is not a dataset row of glotsmith.

    """
    data = {name: value for name, value in row.data.items() if name in Example.__struct_fields__}
    try:
        return msgspec.convert(data, Example)
    except msgspec.ValidationError as error:
        raise row.error(
            f"not a dataset row of glotsmith: {error}. Give a run folder, or its export in jsonl or parquet"
        ) from None


def questions_of_examples(
    examples: Iterable[Example], benchmark: str = "rows", languages: Sequence[str] = ()
) -> tuple[Question, ...]:
    """Return one question for each problem and language, with prompt, message and tests.

    Continuations are not truncated, because a model that was trained on rows stops at the end of a program.
    """
    found = dict[tuple[str, str], Question]()
    for row in examples:
        if row.tests and (not languages or row.language in languages):
            question = Question(
                benchmark=benchmark,
                problem=row.parallel_id,
                language=row.language,
                name="" if exchanges_json(row.language) else row.name,
                prefix=row.prompt,
                instruction=next((m["content"] for m in row.messages if m.get("role") == "user"), ""),
                signature=row.signature,
                tests=row.tests,
                reference_s=row.reference_s,
            )
            found.setdefault((row.parallel_id, row.language), question)
    return tuple(found.values())
