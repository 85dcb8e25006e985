"""What a report says about an evaluation. Figures are those of its summary; each sample is a row."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
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
    """Return whether a folder holds the results of an evaluation."""
    return (folder / result_files.SUMMARY).is_file()


def write_evaluation(folder: Path, name: str, index: IndexWriter, blocks: BlockWriter) -> Summary:
    """Write all samples of an evaluation, and return its summary.

    Raises:
        InputError: a file of the evaluation is malformed.

    """
    report, problems, failures = result_files.read_report(folder), _problem_counts(folder), FailureMessages()
    for sample in result_files.read_samples(folder):
        index.add(_listed(sample, problems[sample.question]), blocks.add(_detail(sample)))
        if sample.status.startswith("fail:"):
            message = common_message(sample.verdict) if sample.verdict else ""
            failures.add(FailingProgram(sample.question, _place(sample)[1], sample.status, message))
    blocks.close()
    summary = report.summary
    return {
        "type": "evaluation",
        "name": name,
        "finished": True,
        "settings": settings_of(_config(report.config)),
        "because": {},
        "languages": [{"language": score.language} for score in summary.scores],
        "confidence": summary.confidence,
        "scores": [_score(score) for score in summary.scores],
        "notes": list(report.notes),
        "impossible": [_fields(one) for one in summary.impossible],
        "failures": failures.summary(),
        "problems": [_problem(question, statuses) for question, statuses in problems.items()],
        "index": index.finish(),
    }


def compare_evaluations(folders: Sequence[Path], summaries: Sequence[Summary]) -> list[Summary]:
    """Return the comparison of each evaluation with the first one, with the numbers of both among the summaries.

    An evaluation without a question of the first one is left out.
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


def _config(stored: Mapping[str, str]) -> dict[str, Any]:
    """Return the configuration of an evaluation, whose values are stored as JSON texts."""
    return {name: msgspec.json.decode(text) for name, text in stored.items()}


def _fields(record: Record) -> Summary:
    return {name: getattr(record, name) for name in record.__struct_fields__}


def _score(score: Record) -> Summary:
    found = _fields(score)
    figures = [{"k": figure.k, **_fields(figure.value)} for figure in found["figures"]]
    return found | {"figures": figures}


def _place(sample: EvaluationSample) -> tuple[str, str, str]:
    """Return benchmark, language and problem of a sample."""
    benchmark, language, problem = sample.question.split("/", 2)
    return benchmark, language, problem


def _problem_counts(folder: Path) -> dict[str, Counter[str]]:
    """Return the statuses of the samples of each question."""
    found = defaultdict[str, Counter[str]](Counter)
    for sample in result_files.read_samples(folder):
        found[sample.question][sample.status] += 1
    return dict(found)


def _problem(question: str, statuses: Mapping[str, int]) -> Summary:
    benchmark, language, problem = question.split("/", 2)
    scored, passed = _scored(statuses), statuses.get("pass", 0)
    return {
        **{"benchmark": benchmark, "language": language, "problem": problem, "scored": scored, "passed": passed},
        "statuses": dict(statuses),
    }


def _scored(statuses: Mapping[str, int]) -> int:
    """Return the number of samples with a verdict."""
    return sum(count for status, count in statuses.items() if not status.startswith("infra:"))


def _listed(sample: EvaluationSample, statuses: Mapping[str, int]) -> ListedRow:
    """Return the list entry of a sample. Its ``step`` is the benchmark, its ``source`` the problem."""
    benchmark, language, problem = _place(sample)
    scored = _scored(statuses)
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
        because=" ".join(_because(sample).split())[:BECAUSE_CHARACTERS],
        sample=sample.sample,
        tests=len(sample.verdict.cases) if sample.verdict else 0,
        lines=-1,
        branches=-1,
        mutants=-1,
        passed=100 * statuses.get("pass", 0) // scored if scored else -1,
        characters=len(sample.code),
    )


def _because(sample: EvaluationSample) -> str:
    """Return why a sample failed: the detail, else the first case that failed."""
    verdict = sample.verdict
    detail = sample.detail or (verdict.detail if verdict else "")
    failed = next(_failed_cases(sample), "")
    return detail or failed


def _failed_cases(sample: EvaluationSample) -> Iterator[str]:
    for case in sample.verdict.cases if sample.verdict else ():
        if case.status not in ("pass", "skipped"):
            yield case.actual


def _detail(sample: EvaluationSample) -> Detail:
    verdict = sample.verdict
    names = ("stdout", "stderr", "seconds", "toolchain", "isolation")
    return {
        "completion": sample.completion,
        "code": sample.code,
        "because": _because(sample),
        "cases": [{"status": case.status, "actual": case.actual} for case in verdict.cases] if verdict else [],
        "verdict": {name: getattr(verdict, name) for name in names} if verdict else {},
    }
