"""Read files of completions (of MultiPL-E, or JSON lines in several formats), and write MultiPL-E's result files."""

import gzip
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from glotsmith.errors import StorageError, UsageError
from glotsmith.evaluation.benchmarks.multipl_e import code_of, language_of
from glotsmith.evaluation.benchmarks.row_files import QuestionRow, read_rows
from glotsmith.evaluation.questions import EvaluationSample, Question, ReplyStyle, StoredCompletion
from glotsmith.languages import get_card, language_names
from glotsmith.records import Verdict

_OUTPUT_CHARACTERS = 2048  #: largest number of output characters in MultiPL-E's result files
#: fields with the name of the problem; the first one that a row has counts
_NAMES = ("question", "task_id", "name", "question_id", "problem_id", "id")
#: field with the texts of a row → style in which the published harness reads it: EvalPlus, LiveCodeBench and DS-1000
#: have verbatim programs, and McEval has replies that may contain prose
_LISTS: Mapping[str, ReplyStyle] = {
    "completions": "completion",
    "raw_generation": "chat",
    "samples": "completion",
    "solutions": "whole",
    "code_list": "whole",
}
_TEXTS: Mapping[str, ReplyStyle] = {
    "completion": "completion",
    "solution": "whole",
    "generation": "completion",
    "response": "chat",
    "code": "whole",
}


def read_completions(
    path: Path, questions: Sequence[Question], language: str = "", style: ReplyStyle | None = None
) -> dict[str, list[StoredCompletion]]:
    """Read completions and match them with questions.

    The name of a row is in ``task_id``, ``name``, ``question_id`` …; its texts are in ``completions`` (or
    ``raw_generation`` …), or in ``completion`` (or ``solution`` …), one a row. A row may name its language, as in
    MultiPL-E. With several languages, a row without a language is ambiguous.

    Args:
        path: A file, or a folder with a file for each problem.
        questions: The questions of the evaluation.
        language: The language of rows that name none.
        style: The style of the texts; None for the usual style of the field. Completions of MultiPL-E, which have stop
            tokens, were truncated when they were stored.

    Returns:
        Question id → completions, in the order of the file. null (in files of Agnostics: a reply without code) becomes
        an empty text.

    Raises:
        InputError: A row has no name or no text, or fits several questions.
        UsageError: No row answers a question.

    """
    known = _questions_by_name(questions)
    found = defaultdict[str, list[StoredCompletion]](list)
    for row in read_rows(path):
        name, texts = _problem_name(row).casefold(), _completions_of_row(row, style)
        for question in _answered_questions(row, known.get(name, []), language):
            found[question.id] += texts
    if not found:
        raise UsageError(f"{path}: no completion answers a question of this evaluation")
    return dict(found)


def unknown_problems(path: Path, problems: Iterable[str]) -> list[str]:
    """Return the distinct names in a file of completions that are not among the given problems.

    Raises:
        InputError: A row has no name.

    """
    known = {name.casefold() for name in problems}
    return list(dict.fromkeys(name for row in read_rows(path) if (name := _problem_name(row)).casefold() not in known))


def _questions_by_name(questions: Sequence[Question]) -> dict[str, list[Question]]:
    known = defaultdict[str, list[Question]](list)
    for question in questions:
        for name in {name.casefold() for name in (question.id, question.problem, question.alias) if name}:
            known[name].append(question)
    return known


def _problem_name(row: QuestionRow) -> str:
    for field in _NAMES:
        if row.data.get(field) not in (None, ""):
            return str(row.data[field])
    match row.data.get("metadata"):
        case {"problem_id": int() | str() as number}:  # DS-1000
            return str(number)
        case _:
            pass
    raise row.error(f"the row names no problem (one of {', '.join(_NAMES)})")


def _completions_of_row(row: QuestionRow, style: ReplyStyle | None) -> list[StoredCompletion]:
    for field, usual in _LISTS.items():
        if field in row.data:
            usual = "cut" if "stop_tokens" in row.data else usual
            return [_completion(text, style or usual) for text in row.field(field, list[str | None])]
    for field, usual in _TEXTS.items():
        if field in row.data:
            return [_completion(None if row.data[field] is None else row.field(field, str), style or usual)]
    raise row.error(f"the row has no completion (one of {', '.join((*_LISTS, *_TEXTS))})")


def _completion(text: str | None, style: ReplyStyle) -> StoredCompletion:
    return StoredCompletion("", "whole") if text is None else StoredCompletion(text, style)


def _answered_questions(row: QuestionRow, candidates: Sequence[Question], language: str) -> Sequence[Question]:
    language_label = row.data.get("language") or row.data.get("lang") or language
    if language_label:
        candidates = [q for q in candidates if q.language == _language_of_label(str(language_label).lower())]
    if len({q.language for q in candidates}) > 1:
        raise row.error("the row has no language, and the problem is posed in several languages: evaluate one language")
    return candidates


@cache
def _language_of_label(language_label: str) -> str:
    """Return the glotsmith name of a language from MultiPL-E's name, its display name (``C++``) or a fence label."""
    code = language_of(language_label)
    others = (n for n in language_names() if language_label in (get_card(n).display.lower(), *get_card(n).fences))
    return code if code in language_names() else next(others, code)


# ------------------------------------------------------------------------------------------- result files


def write_results(
    folder: Path,
    questions: Sequence[Question],
    samples: Sequence[EvaluationSample],
    sampling: Mapping[str, float] | None = None,
) -> int:
    """Write MultiPL-E's result files, ``LANGUAGE/NAME.results.json.gz``, for the questions that came from its rows.

    Tools of MultiPL-E (``pass_k.py``) read such a folder: a pass is ``exit_code`` 0 with ``status`` ``OK``. Samples
    without a verdict are omitted, because they are not answers. A problem without any verdict is omitted too, because
    it would count as passed.

    Args:
        folder: The folder to write.
        questions: The questions of the evaluation.
        samples: The samples.
        sampling: ``temperature``, ``top_p`` and ``max_tokens`` of the requests to a model.

    Returns:
        The number of files.

    Raises:
        StorageError: The folder cannot be written.

    """
    by_question = defaultdict[str, list[EvaluationSample]](list)
    for sample in samples:
        by_question[sample.question].append(sample)
    written = 0
    for question in questions:
        results = [_result_fields(question, s) for s in by_question[question.id] if s.scored]
        if question.published.get("tests") and results:
            name = question.problem.replace("/", "_")  # so that a benchmark cannot choose another path
            file = folder / code_of(question.language) / f"{name}.results.json.gz"
            _write(file, {**question.published, **_accepted_sampling(sampling or {}), "results": results})
            written += 1
    return written


def _accepted_sampling(sampling: Mapping[str, float]) -> dict[str, float]:
    """Return the sampling, without a temperature that ``pass_k.py`` refuses (its default is 0.2)."""
    return {name: v for name, v in sampling.items() if name != "temperature" or v in (0.2, 0.8)}


def _write(file: Path, data: Mapping[str, Any]) -> None:
    text = json.dumps(data, indent=2, ensure_ascii=False)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(gzip.compress(text.encode("utf-8", "backslashreplace"), mtime=0))
    except OSError as error:
        raise StorageError(f"{file} cannot be written: {error.strerror or error}") from error


def _result_fields(question: Question, sample: EvaluationSample) -> dict[str, Any]:
    verdict = sample.verdict
    program = question.job(sample.code).program
    return {
        "program": program,
        "stdout": verdict.stdout[-_OUTPUT_CHARACTERS:] if verdict else "",
        "stderr": verdict.stderr[-_OUTPUT_CHARACTERS:] if verdict else sample.detail,
        "exit_code": 0 if sample.passed else _exit_code(verdict),
        "status": status_of(sample),
        "timestamp": 0,  # a constant, so that the same evaluation gives the same bytes
    }


def status_of(sample: EvaluationSample) -> str:
    """Return the status of MultiPL-E for a verdict."""
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
