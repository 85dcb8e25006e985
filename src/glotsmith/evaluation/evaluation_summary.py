"""Compute the scores of samples: pass@k with its interval for each benchmark and language."""

from collections import Counter, defaultdict
from collections.abc import Sequence

from glotsmith.counts import agreeing, counted
from glotsmith.evaluation.pass_at_k import Interval, interval, pass_at_k
from glotsmith.evaluation.questions import EvaluationSample, ImpossibleProblem, Question
from glotsmith.records import Record

_MANY_EMPTY = 0.1  #: share of empty completions above which a note says that the prompt may be wrong


class PassAtKFigure(Record, frozen=True, kw_only=True):
    """One pass@k."""

    k: int
    value: Interval


class BenchmarkScore(Record, frozen=True, kw_only=True):
    """The result of a model on one benchmark in one language."""

    benchmark: str
    language: str
    problems: int  #: number of posed problems
    unscored: int  #: number of these without a verdict
    samples: int  #: number of samples with a verdict
    infra: int  #: number of samples without a verdict, because the machine or the teacher failed; never scored
    figures: tuple[PassAtKFigure, ...]  #: pass@k for each k up to the number of samples of a problem
    statuses: dict[str, int]  #: status → number of samples
    impossible: int = 0  #: number of problems that cannot be posed, or that no program can pass


class EvaluationSummary(Record, frozen=True, kw_only=True):
    """The scores and notes of an evaluation."""

    scores: tuple[BenchmarkScore, ...]
    impossible: tuple[ImpossibleProblem, ...] = ()
    confidence: float = 0.95

    def value(self, k: int = 1, benchmark: str = "", language: str = "") -> Interval:
        """Return one pass@k with its interval; benchmark and language may be omitted if there is only one.

        Raises:
            KeyError: No figure or more than one figure matches.

        """
        found = [
            figure.value
            for score in self.scores
            if benchmark in ("", score.benchmark) and language in ("", score.language)
            for figure in score.figures
            if figure.k == k
        ]
        if len(found) != 1:
            of = " ".join(("pass@" + str(k), *(f"of {name}" for name in (benchmark, language) if name)))
            several = f"several figures match {of}: name the benchmark and the language"
            raise KeyError(several if found else f"there is no {of}")
        return found[0]


def summarise(
    questions: Sequence[Question],
    samples: Sequence[EvaluationSample],
    ks: Sequence[int] = (1, 10, 100),
    confidence: float = 0.95,
    impossible: Sequence[ImpossibleProblem] = (),
) -> EvaluationSummary:
    """Return a score for each benchmark and language, in the order of the questions."""
    by_question = defaultdict[str, list[EvaluationSample]](list)
    for sample in samples:
        by_question[sample.question].append(sample)
    groups = defaultdict[tuple[str, str], list[list[EvaluationSample]]](list)
    for question in questions:
        groups[question.benchmark, question.language].append(by_question[question.id])
    lost = Counter((i.benchmark, i.language) for i in impossible)
    keys = dict.fromkeys([*groups, *sorted(lost)])
    scores = tuple(_compute_score(key, groups.get(key, []), ks, confidence, lost[key]) for key in keys)
    return EvaluationSummary(scores=scores, impossible=tuple(impossible), confidence=confidence)


def empty_reply_warnings(samples: Sequence[EvaluationSample], questions: Sequence[Question]) -> list[str]:
    """Return notes about prompts that may be wrong, because many replies are empty."""
    by_id = {question.id: question for question in questions}
    sample_counts, empty = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    for sample in samples:
        question = by_id[sample.question]
        if sample.scored:
            sample_counts[question.benchmark, question.language] += 1
            empty[question.benchmark, question.language] += _is_empty(sample, question)
    return [
        f"{benchmark}, {language}: of {counted(count, 'completion')}, {empty[benchmark, language]} "
        f"{agreeing(empty[benchmark, language], 'is')} empty or without code before the first stop. The "
        "prompt may end where the model expects more: try --prompt-end signature or newline, or --style chat"
        for (benchmark, language), count in sample_counts.items()
        if empty[benchmark, language] > _MANY_EMPTY * count
    ]


def _is_empty(sample: EvaluationSample, question: Question) -> bool:
    """Return whether a reply is blank, or is empty after truncation at a stop token."""
    text = sample.completion
    return not text.strip() or (bool(question.prefix) and sample.code.strip() == question.prefix.strip())


def _compute_score(
    key: tuple[str, str],
    replies: Sequence[Sequence[EvaluationSample]],
    ks: Sequence[int],
    confidence: float,
    impossible: int,
) -> BenchmarkScore:
    counts = [(sum(s.scored for s in of), sum(s.passed for s in of)) for of in replies]
    every = [s for of in replies for s in of]
    figures = (_compute_figure(counts, k, confidence) for k in sorted(set(ks)))
    return BenchmarkScore(
        benchmark=key[0],
        language=key[1],
        problems=len(replies),
        unscored=sum(n == 0 for n, _ in counts),
        samples=sum(n for n, _ in counts),
        infra=sum(not s.scored for s in every),
        figures=tuple(f for f in figures if f),
        statuses=dict(sorted(Counter(s.status for s in every).items())),
        impossible=impossible,
    )


def _compute_figure(counts: Sequence[tuple[int, int]], k: int, confidence: float) -> PassAtKFigure | None:
    """Return pass@k over the problems with at least ``k`` verdicts; None if there are none."""
    values = [pass_at_k(n, c, k) for n, c in counts if n >= k]
    if not values:
        return None
    draws = sum(n for n, _ in counts if n >= k) / len(values) / k
    return PassAtKFigure(k=k, value=interval(values, draws, confidence))
