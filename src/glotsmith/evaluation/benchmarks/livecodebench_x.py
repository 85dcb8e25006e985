"""Ag-LiveCodeBench-X (Agnostics), with stdin and stdout: ``question_id, question_content, private_test_cases``.

Test cases are a list of ``{"input", "output"}``, or LiveCodeBench's packed text of such a list: base64 of zlib of a
pickled JSON string. A pickle can run code; the unpickler here refuses all classes, so that the pickle can only contain
the string.
"""

import base64
import io
import json
import pickle
import zlib
from collections.abc import Sequence
from typing import Any, cast

import msgspec

from glotsmith.evaluation.benchmarks.base import BenchmarkRequest, LoadedBenchmark
from glotsmith.evaluation.benchmarks.row_files import QuestionRow
from glotsmith.evaluation.questions import ImpossibleProblem, Question
from glotsmith.languages import get_card
from glotsmith.records import IoCase

HUB = "nuprl/Ag-LiveCodeBench-X:test"


async def read(rows: Sequence[QuestionRow], wanted: BenchmarkRequest) -> LoadedBenchmark:
    """Return each problem in each requested language.

    Raises:
        InputError: A row lacks a field, or its test cases cannot be read.

    """
    found, lost = list[Question](), list[ImpossibleProblem]()
    for row in rows:
        io = _cases(row)  # shared by all languages, because the cases of all rows need gigabytes
        for language in wanted.languages:
            if io is None:
                lost.append(_impossible(row, wanted.name, language))
            else:
                found.append(_question(row, wanted.name, language, io))
    return LoadedBenchmark(questions=tuple(found), impossible=tuple(lost))


def _impossible(row: QuestionRow, benchmark: str, language: str) -> ImpossibleProblem:
    return ImpossibleProblem(
        benchmark=benchmark,
        problem=str(row.data.get("question_id", row.line)),
        language=language,
        reason="unusable",
        detail="its tests call a Python method; only tests with stdin and stdout work in every language",
    )


def _question(row: QuestionRow, benchmark: str, language: str, io: tuple[IoCase, ...]) -> Question:
    card = get_card(language)
    text = row.field("question_content", str)
    return Question(
        benchmark=benchmark,
        problem=str(row.data.get("question_id", row.line)),
        language=language,
        instruction=f"Solve this problem in {card.display}. Write a whole program that reads standard input and writes "
        f"to standard output.\n\n{text}",
        io=io,
        checker="lines",
        time_limit_s=15.0,
    )


def _cases(row: QuestionRow) -> tuple[IoCase, ...] | None:
    """Return the tests of a row; None for functional tests of LiveCodeBench, which Ag-LiveCodeBench-X omits."""
    packed = row.data.get("private_test_cases", row.data.get("test_cases"))
    tests = unpack(row, packed) if isinstance(packed, str) else packed
    if not isinstance(tests, list) or not tests:
        raise row.error("the row has no test cases (private_test_cases)")
    try:
        cases = cast(list[dict[str, Any]], tests)
        if any(t.get("testtype", "stdin") != "stdin" for t in cases):
            return None
        return tuple(msgspec.convert({"stdin": t["input"], "stdout": t["output"]}, IoCase) for t in cases)
    except (KeyError, AttributeError, msgspec.ValidationError):
        raise row.error("a test case must have input and output, both text") from None


class _TextUnpickler(pickle.Unpickler):
    """An unpickler of plain data: it refuses every class and function."""

    def find_class(self, module_name: str, global_name: str, /) -> Any:
        raise pickle.UnpicklingError(f"{module_name}.{global_name} is not text")


def unpack(row: QuestionRow, packed: str) -> Any:
    """Return the test cases in a text: JSON, or the compressed format of LiveCodeBench.

    Raises:
        InputError: The text has neither format.

    """
    try:
        if packed.lstrip().startswith("["):
            return json.loads(packed)
        return json.loads(_TextUnpickler(io.BytesIO(zlib.decompress(base64.b64decode(packed)))).load())
    except (
        ValueError,
        TypeError,
        zlib.error,
        EOFError,
        pickle.UnpicklingError,
        RecursionError,
    ) as error:
        raise row.error(f"the test cases cannot be read: {error}") from None
