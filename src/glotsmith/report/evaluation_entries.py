"""The entry of an evaluation in a report. The figures come from its summary, and each sample is a row."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from glotsmith.errors import UsageError
from glotsmith.evaluation import paired_difference, result_files
from glotsmith.evaluation.questions import EvaluationSample
from glotsmith.recipes.failing_programs import FailingProgram, common_message
from glotsmith.records import Record
from glotsmith.report.blocks import BlockWriter
from glotsmith.report.failure_messages import FailureMessages
from glotsmith.report.index_writer import IndexWriter
from glotsmith.report.row_details import BECAUSE_CHARACTERS, Detail, ListedRow
from glotsmith.report.run_summary import Summary, settings_of


def is_evaluation(folder: Path) -> bool:
    """Return whether a folder contains the results of an evaluation."""
    return (folder / result_files.SUMMARY).is_file()


def write_evaluation(folder: Path, name: str, index: IndexWriter, blocks: BlockWriter) -> Summary:
    """Write all samples of an evaluation, and return its summary.

    Raises:
        InputError: A file of the evaluation is malformed.

    """
    report, problems, failures = result_files.read_report(folder), _problem_counts(folder), FailureMessages()
    for sample in result_files.read_samples(folder):
        index.add(_listed_row(sample, problems[sample.question]), blocks.add(_row_detail(sample)))
        if sample.status.startswith("fail:"):
            message = common_message(sample.verdict) if sample.verdict else ""
            failures.add(FailingProgram(sample.question, _split_question(sample)[1], sample.status, message))
    blocks.close()
    summary = report.summary
    return {
        "type": "evaluation",
        "name": name,
        "finished": True,
        "settings": settings_of(_decode_config(report.config)),
        "because": {},
        "languages": [{"language": score.language} for score in summary.scores],
        "confidence": summary.confidence,
        "scores": [_score_fields(score) for score in summary.scores],
        "notes": list(report.notes),
        "impossible": [_fields(one) for one in summary.impossible],
        "failures": failures.summary(),
        "problems": [_problem_fields(question, statuses) for question, statuses in problems.items()],
        "index": index.finish(),
    }


def compare_evaluations(folders: Sequence[Path], summaries: Sequence[Summary]) -> list[Summary]:
    """Return the comparison of each evaluation with the first one, with the indices of both in ``summaries``.

    An evaluation that has no question in common with the first one is left out.
    """
    numbers = [number for number, summary in enumerate(summaries) if summary["type"] == "evaluation"]
    found = list[Summary]()
    for number in numbers[1:]:
        try:
            compared = next(paired_difference.compare([folders[numbers[0]], folders[number]]))
        except UsageError:
            continue
        differences = [_fields(one) for one in compared.differences]
        found.append(_fields(compared) | {"baseline": numbers[0], "other": number, "differences": differences})
    return found


def _decode_config(stored: Mapping[str, str]) -> dict[str, Any]:
    """Return the configuration of an evaluation, whose values are stored as JSON texts."""
    return {name: msgspec.json.decode(text) for name, text in stored.items()}


def _fields(record: Record) -> Summary:
    return {name: getattr(record, name) for name in record.__struct_fields__}


def _score_fields(score: Record) -> Summary:
    found = _fields(score)
    figures = [{"k": figure.k, **_fields(figure.value)} for figure in found["figures"]]
    return found | {"figures": figures}


def _split_question(sample: EvaluationSample) -> tuple[str, str, str]:
    """Return benchmark, language and problem of a sample."""
    benchmark, language, problem = sample.question.split("/", 2)
    return benchmark, language, problem


def _problem_counts(folder: Path) -> dict[str, Counter[str]]:
    """Return the statuses of the samples of each question."""
    found = defaultdict[str, Counter[str]](Counter)
    for sample in result_files.read_samples(folder):
        found[sample.question][sample.status] += 1
    return dict(found)


def _problem_fields(question: str, statuses: Mapping[str, int]) -> Summary:
    benchmark, language, problem = question.split("/", 2)
    scored, passed = _count_scored(statuses), statuses.get("pass", 0)
    return {
        **{"benchmark": benchmark, "language": language, "problem": problem, "scored": scored, "passed": passed},
        "statuses": dict(statuses),
    }


def _count_scored(statuses: Mapping[str, int]) -> int:
    """Return the number of samples with a verdict."""
    return sum(count for status, count in statuses.items() if not status.startswith("infra:"))


def _listed_row(sample: EvaluationSample, statuses: Mapping[str, int]) -> ListedRow:
    """Return the list entry of a sample. Its ``step`` is the benchmark, and its ``source`` is the problem."""
    benchmark, language, problem = _split_question(sample)
    scored = _count_scored(statuses)
    outcome = "pass" if sample.status == "pass" else "fail" if sample.scored else "no verdict"
    return ListedRow(
        key=f"{language}/{problem}/{sample.sample}",
        name=f"{problem}, sample {sample.sample}",
        problem=problem,
        step=benchmark,
        status=outcome,
        reason="",
        language=language,
        verdict=sample.status,
        source=problem,
        licence="",
        kind="",
        because=" ".join(_failure_detail(sample).split())[:BECAUSE_CHARACTERS],
        sample=sample.sample,
        tests=len(sample.verdict.cases) if sample.verdict else 0,
        lines=-1,
        branches=-1,
        mutants=-1,
        passed=100 * statuses.get("pass", 0) // scored if scored else -1,
        characters=len(sample.code),
    )


def _failure_detail(sample: EvaluationSample) -> str:
    """Return why a sample failed: the detail, else the actual value of the first failed case."""
    verdict = sample.verdict
    if verdict is None or sample.detail or verdict.detail:
        return sample.detail or (verdict.detail if verdict else "")
    return next((case.actual for case in verdict.cases if case.status not in ("pass", "skipped")), "")


def _row_detail(sample: EvaluationSample) -> Detail:
    verdict = sample.verdict
    names = ("stdout", "stderr", "seconds", "toolchain", "isolation")
    return {
        "completion": sample.completion,
        "code": sample.code,
        "because": _failure_detail(sample),
        "cases": [{"status": case.status, "actual": case.actual} for case in verdict.cases] if verdict else [],
        "verdict": {name: getattr(verdict, name) for name in names} if verdict else {},
    }
