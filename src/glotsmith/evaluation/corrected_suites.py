"""Corrected suites for published prompts: tests that are rendered from the Python original."""

import asyncio
import re
from collections.abc import Mapping, Sequence

import msgspec

from glotsmith.evaluation.candidate import close_braces
from glotsmith.evaluation.questions import ImpossibleProblem, Question
from glotsmith.evaluation.stub_checks import STUBS
from glotsmith.languages.extract_code import stops_at_brace
from glotsmith.records import Task
from glotsmith.step import Verify

SUFFIX = "-corrected"


def key_of(problem: str) -> tuple[str, int] | None:
    """Return the common part of the spellings of a problem: ``HumanEval/53``, ``HumanEval_53_add``, ``mbpp_3_f``."""
    found = re.match(r"([A-Za-z]+)[/_](\d+)", problem)
    return (found[1].lower(), int(found[2])) if found else None


async def with_corrected_suites(
    questions: Sequence[Question], tasks: Mapping[tuple[str, int, str], tuple[Task, float, str]], verify: Verify
) -> tuple[list[Question], list[ImpossibleProblem]]:
    """Return the published questions with corrected tests, and the questions that have no corrected suite.

    Args:
        questions: The published questions (``benchmarks.multipl_e``).
        tasks: Benchmark, number and language → the proved task, its tolerance and oracle.
        verify: Runs a stub with the published signature against the corrected tests. If their types conflict, no
            completion of the published prompt can pass.

    """
    made = await asyncio.gather(*(_corrected_question(q, tasks, verify) for q in questions))
    return [q for q in made if isinstance(q, Question)], [q for q in made if isinstance(q, ImpossibleProblem)]


async def _corrected_question(
    question: Question, tasks: Mapping[tuple[str, int, str], tuple[Task, float, str]], verify: Verify
) -> Question | ImpossibleProblem:
    key = key_of(question.problem)
    found = tasks.get((*key, question.language)) if key else None
    if found is None:
        return _impossible(question, "no_suite", "the originals have no suite for this problem in this language")
    task, tolerance, oracle = found
    corrected = msgspec.structs.replace(
        question,
        benchmark=f"{question.benchmark}{SUFFIX}",
        signature=task.signature,
        entry_point=question.name,
        tests=task.tests,
        tolerance=tolerance,
        oracle=oracle,
        unclosed=stops_at_brace(question.stop),
        before="",
        after="",
        sign="",
        needs="",
        hint="",
        published={},
    )
    stub = STUBS.get(question.language)
    if stub is not None:
        verdict = await verify.verify(corrected.job(close_braces(corrected, f"{corrected.prefix}{stub.raises}")))
        if verdict.status == "fail:compile":
            return _impossible(question, "types_differ", verdict.stderr[-300:])
    return corrected


def _impossible(question: Question, reason: str, detail: str) -> ImpossibleProblem:
    return ImpossibleProblem(
        benchmark=f"{question.benchmark}{SUFFIX}",
        problem=question.problem,
        language=question.language,
        reason=reason,
        detail=detail,
    )
