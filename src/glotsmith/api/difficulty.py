"""Measure how difficult the problems of a run are for a model: its pass rate on each, for reinforcement learning.

The measurement is an evaluation of the model on the rows of the run (``rows=RUN``), in ``RUN/difficulty/NAME``. Exports
read the pass rates for the column ``target_pass_rate`` and to select a range of rates.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

import msgspec

from glotsmith.api.evaluate import EvaluationConfig, EvaluationDisplay, run_evaluation
from glotsmith.api.pass_rates import DIFFICULTY, RATES, SHOWN, ProblemPassRate
from glotsmith.errors import UsageError
from glotsmith.evaluation.questions import EvaluationSample
from glotsmith.run_folder import CONFIG
from glotsmith.write_aside import write_aside


def difficulty_folder(run: Path, model: str, name: str = "") -> Path:
    """Return the folder of the measurement of a model. Its name is the model's, or the name that a user gives.

    Raises:
        UsageError: The folder is not a run folder, or a folder cannot have this name.

    """
    if not (run / CONFIG).is_file():
        raise UsageError(f"{run}: not a run folder: it has no {CONFIG}")
    label = name or re.sub(r"[^\w.+-]+", "-", model).strip("-.")
    if not re.fullmatch(r"[\w+-][\w.+-]*", label):
        raise UsageError(f"--name is {label[:SHOWN]!r}; it may contain only letters, digits and _ . + -")
    return run / DIFFICULTY / label


async def measure_difficulty(
    config: EvaluationConfig,
    folder: Path,
    *,
    workers: int | None = None,
    max_failures: int = 10,
    display: EvaluationDisplay | None = None,
) -> list[ProblemPassRate]:
    """Evaluate a model on the rows of a run, store the pass rates, and return them. The same call resumes the work.

    Raises:
        UsageError: The folder contains another measurement, or no row of the run has tests.
        OutageError: Samples have no verdict because the teacher or the machine failed; the pass rates of the others
            are stored.

    """
    result = await run_evaluation(config, folder, None, workers, max_failures, display)
    if rates := pass_rates(result.evaluation.samples):
        with write_aside(folder / RATES, sync=True) as draft:
            draft.write_bytes(b"".join(msgspec.json.encode(_all_fields(rate)) + b"\n" for rate in rates))
    result.check_judged(f"the pass rates in {folder / RATES}")
    return rates


def _all_fields(rate: ProblemPassRate) -> Mapping[str, str | int]:
    return {name: getattr(rate, name) for name in rate.__struct_fields__}


def pass_rates(samples: Iterable[EvaluationSample]) -> list[ProblemPassRate]:
    """Return the pass rate of each problem and language, without samples that the machine failed to judge."""
    counts, passed = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    for sample in samples:
        if sample.scored:
            _, language, problem = sample.question.split("/", 2)
            counts[problem, language] += 1
            passed[problem, language] += sample.passed
    return [
        ProblemPassRate(parallel_id=problem, language=language, passed=passed[problem, language], samples=count)
        for (problem, language), count in counts.items()
    ]


class LanguageDifficulty(NamedTuple):
    """The pass rates of the problems of one language."""

    problems: int
    mean: float
    never: int  #: number of problems that no sample passed
    always: int  #: number of problems that every sample passed


def by_language(rates: Iterable[ProblemPassRate]) -> dict[str, LanguageDifficulty]:
    """Return the difficulty of each language, in order of name."""
    groups = defaultdict[str, list[float]](list)
    for rate in rates:
        groups[rate.language].append(rate.rate)
    return {
        language: LanguageDifficulty(len(found), sum(found) / len(found), found.count(0.0), found.count(1.0))
        for language, found in sorted(groups.items())
    }
