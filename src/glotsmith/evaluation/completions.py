"""Completions in files: MultiPL-E's, one a problem, and JSON lines of several makes; and result files for its tools."""

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

_CUT = 2048  #: characters of output in MultiPL-E's result files
_NAMES = ("question", "task_id", "name", "question_id", "problem_id", "id")  #: what a row is about, best first
#: fields with a row's texts, and how their makers' own harnesses read them: EvalPlus's, LiveCodeBench's and DS-1000's
#: programs as they stand, McEval's generations with the prose that may be around them
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
    """Read completions and find the questions that they answer.

    A row is named by ``task_id``, ``name``, ``question_id`` …, its texts are in ``completions`` (or
    ``raw_generation`` …), or in ``completion`` (or ``solution`` …), one a row. A row may name its language, as
    MultiPL-E's do; with several languages and none named, it is ambiguous.

    Args:
        path: a file, or a folder with one file a problem.
        questions: what is evaluated.
        language: the language of rows that name none.
        style: how the texts are to be read; None for what the field's makers mean by it. MultiPL-E's, which come with
            their stop tokens, were cut when they were stored.

    Returns:
        Question id → completions, in the order of the file. A null instead of a text is an empty one: in
        Agnostics' files, a reply from which no code could be taken.

    Raises:
        InputError: a row has no name or no text, or fits several questions.
        UsageError: no row answers any question.

    """
    known = _index(questions)
    found = defaultdict[str, list[StoredCompletion]](list)
    for row in read_rows(path):
        name, texts = _named(row).casefold(), _texts(row, style)
        for question in _about(row, known.get(name, []), language):
            found[question.id] += texts
    if not found:
        raise UsageError(f"{path}: no completion is about a question of this evaluation")
    return dict(found)


def unknown_problems(path: Path, problems: Iterable[str]) -> list[str]:
    """Return the names in a file of completions that name none of these problems, each once.

    Raises:
        InputError: a row has no name.

    """
    known = {name.casefold() for name in problems}
    return list(dict.fromkeys(name for row in read_rows(path) if (name := _named(row)).casefold() not in known))


def _index(questions: Sequence[Question]) -> dict[str, list[Question]]:
    known = defaultdict[str, list[Question]](list)
    for question in questions:
        for name in {name.casefold() for name in (question.id, question.problem, question.alias) if name}:
            known[name].append(question)
    return known


def _named(row: QuestionRow) -> str:
    for field in _NAMES:
        if row.data.get(field) not in (None, ""):
            return str(row.data[field])
    match row.data.get("metadata"):
        case {"problem_id": int() | str() as number}:  # DS-1000
            return str(number)
        case _:
            pass
    raise row.error(f"the row names no problem (one of {', '.join(_NAMES)})")


def _texts(row: QuestionRow, style: ReplyStyle | None) -> list[StoredCompletion]:
    for field, usual in _LISTS.items():
        if field in row.data:
            usual = "cut" if "stop_tokens" in row.data else usual
            return [_completion(text, style or usual) for text in row.field(field, list[str | None])]
    for field, usual in _TEXTS.items():
        if field in row.data:
            return [_completion(None if row.data[field] is None else row.field(field, str), style or usual)]
    raise row.error(f"the row holds no completion (one of {', '.join((*_LISTS, *_TEXTS))})")


def _completion(text: str | None, style: ReplyStyle) -> StoredCompletion:
    return StoredCompletion("", "whole") if text is None else StoredCompletion(text, style)


def _about(row: QuestionRow, candidates: Sequence[Question], language: str) -> Sequence[Question]:
    language_label = row.data.get("language") or row.data.get("lang") or language
    if language_label:
        candidates = [q for q in candidates if q.language == _language(str(language_label).lower())]
    if len({q.language for q in candidates}) > 1:
        raise row.error("the row names no language, and the problem is asked in several: evaluate one language")
    return candidates


@cache
def _language(language_label: str) -> str:
    """Return our name of a language, by MultiPL-E's name, as it is written (``C++``), or as a fence has it."""
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

    Its own tools (``pass_k.py``) read such a folder: a pass is ``exit_code`` 0 with ``status`` ``OK``. Samples that
    have no verdict are left out, as they are no answers, and so is a problem without any: it would count as passed.
    Returns the number of files.

    Args:
        folder: where to write.
        questions: what was asked.
        samples: what came of it.
        sampling: ``temperature``, ``top_p`` and ``max_tokens`` of a model that was asked.

    Raises:
        StorageError: the folder can't be written.

    """
    by_question = defaultdict[str, list[EvaluationSample]](list)
    for sample in samples:
        by_question[sample.question].append(sample)
    written = 0
    for question in questions:
        results = [_result(question, s) for s in by_question[question.id] if s.scored]
        if question.published.get("tests") and results:
            name = question.problem.replace("/", "_")  # not a path of the benchmark's choosing
            file = folder / code_of(question.language) / f"{name}.results.json.gz"
            _write(file, {**question.published, **_known(sampling or {}), "results": results})
            written += 1
    return written


def _known(sampling: Mapping[str, float]) -> dict[str, float]:
    """Return the sampling without a temperature that ``pass_k.py`` refuses; it takes one that is missing for 0.2."""
    return {name: v for name, v in sampling.items() if name != "temperature" or v in (0.2, 0.8)}


def _write(file: Path, data: Mapping[str, Any]) -> None:
    text = json.dumps(data, indent=2, ensure_ascii=False)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(gzip.compress(text.encode("utf-8", "backslashreplace"), mtime=0))
    except OSError as error:
        raise StorageError(f"{file}: can't be written: {error.strerror or error}") from error


def _result(question: Question, sample: EvaluationSample) -> dict[str, Any]:
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


def status_of(sample: EvaluationSample) -> str:
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
