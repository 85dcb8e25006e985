"""Notes for the readers of an evaluation: completions, problems and figures that are missing."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from glotsmith.counts import agreeing, counted
from glotsmith.evaluation import completions as completion_files
from glotsmith.evaluation.evaluate import Evaluation, ReplySource
from glotsmith.evaluation.load_questions import LoadedQuestions
from glotsmith.evaluation.questions import Question


def notes_on_missing_completions(questions: Sequence[Question], source: ReplySource) -> list[str]:
    """Return notes on the questions without completions, which the figures do not include."""
    questions_by_set = Counter((q.benchmark, q.language) for q in questions)
    missing = Counter((q.benchmark, q.language) for q in questions if not source.count(q))
    return [
        f"{b}, {one}: {n} of {counted(questions_by_set[b, one], 'problem')} {agreeing(n, 'has')} no completion"
        for (b, one), n in missing.items()
    ]


def notes_on_unknown_problems(completions: str, loaded: LoadedQuestions) -> list[str]:
    """Return a note on the problems of a file of completions that are not in this evaluation, with three names."""
    if not completions:
        return []
    names = {name for q in loaded.questions for name in (q.id, q.problem, q.alias)}
    unknown = completion_files.unknown_problems(Path(completions), names | {i.problem for i in loaded.impossible})
    if not unknown:
        return []
    shown = ", ".join([*unknown[:3], *(["…"] if len(unknown) > 3 else [])])
    count = f"{counted(len(unknown), 'problem')} that {agreeing(len(unknown), 'is')}"
    return [f"{completions} names {count} not in this evaluation: {shown}"]


def notes_on_missing_figures(ks: Sequence[int], found: Evaluation) -> list[str]:
    """Return notes on the requested values of k that have no figure."""
    known = {figure.k for score in found.summary.scores for figure in score.figures}
    return [
        f"there is no pass@{k}: no problem has {counted(k, 'sample')} with a verdict. Pass --samples {k} or more"
        for k in sorted({*ks} - known)
    ]
