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
    """Report the questions without completions; figures do not include them."""
    questions_by_set = Counter((q.benchmark, q.language) for q in questions)
    missing = Counter((q.benchmark, q.language) for q in questions if not source.count(q))
    return [
        f"{b}, {one}: {n} of {counted(questions_by_set[b, one], 'problem')} {agreeing(n, 'has')} no completion"
        for (b, one), n in missing.items()
    ]


def notes_on_unknown_problems(completions: str, asking: LoadedQuestions) -> list[str]:
    """Say how many problems of a file of completions are none of this evaluation, with the names of three."""
    if not completions:
        return []
    names = {name for q in asking.questions for name in (q.id, q.problem, q.alias)}
    unknown = completion_files.unknown_problems(Path(completions), names | {i.problem for i in asking.impossible})
    if not unknown:
        return []
    shown = ", ".join([*unknown[:3], *(["…"] if len(unknown) > 3 else [])])
    count = f"{counted(len(unknown), 'problem')} that {agreeing(len(unknown), 'is')}"
    return [f"{completions} names {count} not in this evaluation: {shown}"]


def notes_on_missing_figures(ks: Sequence[int], found: Evaluation) -> list[str]:
    """Report the requested k that have no figure."""
    known = {figure.k for score in found.summary.scores for figure in score.figures}
    return [
        f"there is no pass@{k}: no problem has {counted(k, 'sample')} with a verdict, so give --samples {k} or more"
        for k in sorted({*ks} - known)
    ]
