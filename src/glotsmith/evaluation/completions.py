"""Completions in files: MultiPL-E's, one a problem, and JSON lines of several makes; and result files for its tools."""

import gzip
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from glotsmith.errors import StorageError, UsageError
from glotsmith.evaluation.benchmarks.files import Row, read_rows
from glotsmith.evaluation.questions import Question, Sample
from glotsmith.records import Verdict

_CUT = 2048  #: characters of output in MultiPL-E's result files
_NAMES = ("question", "task_id", "name", "question_id", "problem_id", "id")  #: what a row is about, best first
_LISTS = ("completions", "raw_generation", "samples", "solutions")
_TEXTS = ("completion", "solution", "generation", "response")


def read_completions(path: Path, questions: Sequence[Question], language: str = "") -> dict[str, list[str]]:
    """Read completions and find the questions that they answer.

    A row is named by ``task_id``, ``name``, ``question_id`` …, its texts are in ``completions`` (or
    ``raw_generation``), or in ``completion`` (or ``solution``), one a row. A row may name its language, as MultiPL-E's
    do; with several languages and none named, it is ambiguous.

    Args:
        path: a file, or a folder with one file a problem.
        questions: what is evaluated.
        language: the language of rows that name none.

    Returns:
        Question id → texts, in the order of the file.

    Raises:
        InputError: a row has no name or no text, or fits several questions.
        UsageError: no row answers any question.

    """
    known = _index(questions)
    found = defaultdict[str, list[str]](list)
    for row in read_rows(path):
        name, texts = _named(row), _texts(row)
        for question in _about(row, known.get(name, []), language):
            found[question.id] += texts
    if not found:
        raise UsageError(f"{path}: no completion is about a question of this evaluation")
    return dict(found)


def _index(questions: Sequence[Question]) -> dict[str, list[Question]]:
    known = defaultdict[str, list[Question]](list)
    for question in questions:
        for name in {question.id, question.problem}:
            known[name].append(question)
    return known


def _named(row: Row) -> str:
    for field in _NAMES:
        if row.data.get(field) not in (None, ""):
            return str(row.data[field])
    raise row.error(f"the row names no problem (one of {', '.join(_NAMES)})")


def _texts(row: Row) -> list[str]:
    for field in _LISTS:
        if field in row.data:
            return row.field(field, list[str])
    for field in _TEXTS:
        if field in row.data:
            return [row.field(field, str)]
    raise row.error(f"the row holds no completion (one of {', '.join((*_LISTS, *_TEXTS))})")


def _about(row: Row, candidates: Sequence[Question], language: str) -> Sequence[Question]:
    from glotsmith.evaluation.benchmarks.multipl_e import language_of

    said = row.data.get("language") or row.data.get("lang") or language
    if said:
        candidates = [q for q in candidates if q.language == language_of(str(said).lower())]
    if len({q.language for q in candidates}) > 1:
        raise row.error("the row names no language, and the problem is asked in several: evaluate one language")
    return candidates


# ------------------------------------------------------------------------------------------- result files


def write_results(folder: Path, questions: Sequence[Question], samples: Sequence[Sample]) -> int:
    """Write MultiPL-E's result files, ``NAME.results.json.gz``, for the questions that came from its rows.

    Its own tools (``pass_k.py``) read them: a pass is ``exit_code`` 0 with ``status`` ``OK``. Samples that have no
    verdict are left out, as they are no answers. Returns the number of files.

    Raises:
        StorageError: the folder can't be written.

    """
    by_question = defaultdict[str, list[Sample]](list)
    for sample in samples:
        by_question[sample.question].append(sample)
    written = 0
    for question in questions:
        if question.published.get("tests") and by_question[question.id]:
            file = folder / f"{question.problem}.results.json.gz"
            results = [_result(question, s) for s in by_question[question.id] if s.scored]
            _write(file, {**question.published, "results": results})
            written += 1
    return written


def _write(file: Path, data: Mapping[str, Any]) -> None:
    text = json.dumps(data, indent=2, ensure_ascii=False)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(gzip.compress(text.encode("utf-8", "backslashreplace"), mtime=0))
    except OSError as error:
        raise StorageError(f"{file}: can't be written: {error.strerror or error}") from error


def _result(question: Question, sample: Sample) -> dict[str, Any]:
    verdict = sample.verdict
    program = question.job(sample.code).program
    return {
        "program": program,
        "stdout": verdict.stdout[-_CUT:] if verdict else "",
        "stderr": verdict.stderr[-_CUT:] if verdict else sample.detail,
        "exit_code": 0 if sample.passed else _exit_code(verdict),
        "status": status_of(sample),
        "timestamp": 0,  # the same evaluation is the same bytes
    }


def status_of(sample: Sample) -> str:
    """Return MultiPL-E's word for a verdict."""
    match sample.status:
        case "pass":
            return "OK"
        case "fail:timeout":
            return "Timeout"
        case "fail:compile" | "fail:no_code":
            return "SyntaxError"
        case _:
            return "Exception"


def _exit_code(verdict: Verdict | None) -> int:
    return -1 if verdict is not None and verdict.status == "fail:timeout" else 1
