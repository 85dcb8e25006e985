"""Compare evaluations of the same questions: paired differences by problem, with bootstrap intervals."""

import math
import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from glotsmith.errors import UsageError
from glotsmith.evaluation.pass_at_k import pass_at_k
from glotsmith.evaluation.questions import EvaluationSample
from glotsmith.evaluation.result_files import EvaluationReport, differing_settings, read_report, read_samples
from glotsmith.records import Record

_RESAMPLES = 4000
_SEED = 1

QuestionSamples = Mapping[str, Sequence[EvaluationSample]]  #: the scored samples of each question, by its id


class PairedDifference(Record, frozen=True, kw_only=True):
    """A figure of two evaluations over the problems that both have scored, and its difference."""

    benchmark: str
    language: str
    figure: str  #: ``pass@1``, or a status such as ``fail:compile``: the share of the samples with this status
    problems: int  #: number of common problems
    baseline: float  #: mean over problems, 0–1
    other: float
    difference: float  #: ``other - baseline``
    low: float  #: lower bound of the interval of the difference
    high: float  #: upper bound


class EvaluationComparison(Record, frozen=True, kw_only=True):
    """The comparison of two evaluations."""

    baseline: str  #: folder of the baseline
    other: str
    confidence: float
    differences: tuple[PairedDifference, ...]
    only_baseline: int  #: number of questions that only the baseline has scored
    only_other: int
    settings: dict[str, tuple[str, str]] = {}  #: setting that differs → both values


def scored_samples(samples: Iterable[EvaluationSample]) -> QuestionSamples:
    """Return the scored samples of each question: those on which neither the machine nor the teacher failed."""
    found = defaultdict[str, list[EvaluationSample]](list)
    for sample in samples:
        if sample.scored:
            found[sample.question].append(sample)
    return found


def paired_differences(
    baseline: QuestionSamples, other: QuestionSamples, ks: Sequence[int] = (1,), confidence: float = 0.95
) -> list[PairedDifference]:
    """Return the differences for each benchmark and language: pass@k, then each status, the commonest first.

    Raises:
        UsageError: No question is in both evaluations.

    """
    common = [question for question in baseline if question in other]
    if not common:
        raise UsageError("the evaluations have no question in common, so they cannot be compared")
    groups = defaultdict[tuple[str, str], list[str]](list)
    for question in common:
        benchmark, language, _ = question.split("/", 2)
        groups[benchmark, language].append(question)
    found = list[PairedDifference]()
    for (benchmark, language), questions in groups.items():
        pairs = [(baseline[q], other[q]) for q in questions]
        for figure, values in _figure_values(pairs, ks):
            if values:
                found.append(_difference(benchmark, language, figure, values, confidence))
    return found


def _figure_values(
    pairs: Sequence[tuple[Sequence[EvaluationSample], Sequence[EvaluationSample]]], ks: Sequence[int]
) -> Iterable[tuple[str, list[tuple[float, float]]]]:
    """Yield the name of each figure with its two values for each problem."""
    for k in ks:
        enough = [(a, b) for a, b in pairs if min(len(a), len(b)) >= k]
        yield f"pass@{k}", [(_pass_at_k(a, k), _pass_at_k(b, k)) for a, b in enough]
    counts = Counter(s.status for pair in pairs for of in pair for s in of if not s.passed)
    for status, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        yield status, [(_status_share(a, status), _status_share(b, status)) for a, b in pairs]


def _pass_at_k(samples: Sequence[EvaluationSample], k: int) -> float:
    return pass_at_k(len(samples), sum(s.passed for s in samples), k)


def _status_share(samples: Sequence[EvaluationSample], status: str) -> float:
    return sum(s.status == status for s in samples) / len(samples)


def _difference(
    benchmark: str, language: str, figure: str, values: Sequence[tuple[float, float]], confidence: float
) -> PairedDifference:
    before, after = (math.fsum(column) / len(values) for column in zip(*values, strict=True))
    low, high = bootstrap_interval([b - a for a, b in values], confidence)
    return PairedDifference(
        benchmark=benchmark,
        language=language,
        figure=figure,
        problems=len(values),
        baseline=before,
        other=after,
        difference=after - before,
        low=low,
        high=high,
    )


def bootstrap_interval(differences: Sequence[float], confidence: float = 0.95) -> tuple[float, float]:
    """Return the percentile bootstrap interval of a mean of paired differences in -1–1.

    Problems are resampled, because the samples of one problem are not independent. Two problems with the differences 1
    and -1 are added, as Bonett and Price (2012) add one to both counts of discordant pairs: if few problems differ, the
    plain bootstrap interval is too narrow, and its width is 0 if no problem differs. In simulations the interval
    contains the true difference at least at the rate ``confidence`` (``tests/evaluation/test_paired_difference.py``).
    """
    values = [*differences, 1.0, -1.0]
    draw = random.Random(_SEED)  # noqa: S311 (no secret)
    size = len(values)
    means = sorted(math.fsum(draw.choices(values, k=size)) / size for _ in range(_RESAMPLES))
    tail = (1 - confidence) / 2
    return means[int(tail * _RESAMPLES)], means[_RESAMPLES - 1 - int(tail * _RESAMPLES)]


def compare(folders: Sequence[Path]) -> Iterator[EvaluationComparison]:
    """Yield the comparison of each evaluation with the first one.

    Args:
        folders: Two or more folders of evaluations. The first one is the baseline.

    Raises:
        UsageError: Two evaluations have no question in common.
        InputError: A file of an evaluation is malformed.

    """
    first, *others = folders
    baseline, report = scored_samples(read_samples(first)), read_report(first)
    for folder in others:
        samples, own = scored_samples(read_samples(folder)), read_report(folder)
        confidence = report.summary.confidence
        yield EvaluationComparison(
            baseline=str(first),
            other=str(folder),
            confidence=confidence,
            differences=tuple(paired_differences(baseline, samples, _common_ks(report, own), confidence)),
            only_baseline=len(baseline.keys() - samples.keys()),
            only_other=len(samples.keys() - baseline.keys()),
            settings=differing_settings(report, own),
        )


def _common_ks(one: EvaluationReport, two: EvaluationReport) -> list[int]:
    """Return the k of pass@k that both evaluations report."""
    ks = [{figure.k for score in report.summary.scores for figure in score.figures} for report in (one, two)]
    return sorted(ks[0] & ks[1]) or [1]
