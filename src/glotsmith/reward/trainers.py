"""Reward functions with the signatures of trainers: of TRL, and ``compute_score`` of verl."""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from glotsmith.counts import counted
from glotsmith.errors import UsageError
from glotsmith.reward.reward_jobs import ROW_FIELDS, CompletionInput
from glotsmith.reward.scoring import (
    Credit,
    FaultHandling,
    RewardOptions,
    RewardResult,
    RewardRow,
    compute_rewards,
    compute_rewards_async,
)

_COLUMNS = (*ROW_FIELDS, "prefix")


# ------------------------------------------------------------------------------------------------ TRL


def code_reward(
    completions: Sequence[CompletionInput],
    prompts: Sequence[object] | None = None,
    *,
    credit: Credit = "all",
    faults: FaultHandling = "mask",
    isolation: str = "auto",
    jobs: int | None = None,
    **columns: Any,
) -> list[float | None]:
    """Reward completions for the tests in their dataset's columns: ``GRPOTrainer(reward_funcs=[code_reward])``.

    The columns are those of ``score``'s rows: ``language``; ``signature`` and ``tests``, or ``io``; and so on. A row
    without tests gives None, at which TRL leaves this reward out. Options are set by ``functools.partial``. The
    status of each completion is in the table of completions, as ``verdict``.

    TRL leaves a masked completion out of its update where no other reward function has a reward for it; beside one that
    has, TRL adds 0 for this one, so ``faults`` must be ``raise`` there.

    Raises:
        UsageError: no column states tests, or a row can't be acted on and ``faults`` is ``raise``.
        InfraError: the machine failed, and ``faults`` is ``raise``.

    """
    options = RewardOptions(credit, faults, isolation, jobs).check()
    return _log_results(compute_rewards(completions, _rows_from_columns(len(completions), columns), options), columns)


async def code_reward_async(
    completions: Sequence[CompletionInput],
    prompts: Sequence[object] | None = None,
    *,
    credit: Credit = "all",
    faults: FaultHandling = "mask",
    isolation: str = "auto",
    jobs: int | None = None,
    **columns: Any,
) -> list[float | None]:
    """Return the same as ``code_reward``, without blocking the event loop."""
    options = RewardOptions(credit, faults, isolation, jobs).check()
    return _log_results(
        await compute_rewards_async(completions, _rows_from_columns(len(completions), columns), options), columns
    )


def _rows_from_columns(count: int, columns: Mapping[str, Any]) -> list[dict[str, object]]:
    there = [name for name in _COLUMNS if isinstance(columns.get(name), Sequence)]
    if "language" not in there or not {"tests", "io"} & set(there):
        raise UsageError(
            "a dataset for code_reward needs the columns language and tests (or io); "
            f"it has: {', '.join(sorted(columns)) or 'none'}"
        )
    for name in there:
        if isinstance(columns[name], str) or len(columns[name]) != count:
            raise UsageError(
                f"the column {name} must be a list with one entry for each of the {counted(count, 'completion')}"
            )
    return [{name: columns[name][number] for name in there} for number in range(count)]


def _log_results(results: Sequence[RewardResult], columns: Mapping[str, Any]) -> list[float | None]:
    log_extra: Callable[[str, list[str]], None] | None = columns.get("log_extra")
    log_metric: Callable[[str, float], None] | None = columns.get("log_metric")
    if callable(log_extra):
        log_extra("verdict", [r.status for r in results])
    if callable(log_metric) and results:
        masked = sum(r.status.startswith("infra:") for r in results)
        log_metric("code_reward/masked", masked / len(results))
    return [r.reward for r in results]


# ------------------------------------------------------------------------------------------------ verl


def compute_score(
    data_source: str,
    solution_str: str,
    ground_truth: object,
    extra_info: Mapping[str, Any] | None = None,
    *,
    credit: Credit = "all",
    faults: FaultHandling = "raise",
    isolation: str = "auto",
    jobs: int | None = None,
    **_: object,
) -> float:
    """Reward one solution: verl's ``reward.custom_reward_function.name=compute_score``.

    ``ground_truth`` is a JSON object (text, or a mapping) with the fields of ``score``'s rows; what is missing there is
    taken from ``extra_info``. verl's own ``{"inputs": […], "outputs": […]}`` and ``{"assert_case": […]}`` are read too,
    with ``language`` from either place, else Python. Options come from ``custom_reward_function.reward_kwargs``; where
    ``faults`` is ``mask``, solutions without a verdict get nan.

    Raises:
        UsageError: there are no tests, and ``faults`` is ``raise``.
        InfraError: the machine failed, and ``faults`` is ``raise``.

    """
    options = RewardOptions(credit, faults, isolation, jobs).check()
    return _reward_or_nan(compute_rewards([solution_str], [_row_or_error(ground_truth, extra_info)], options)[0])


async def compute_score_async(
    data_source: str,
    solution_str: str,
    ground_truth: object,
    extra_info: Mapping[str, Any] | None = None,
    *,
    credit: Credit = "all",
    faults: FaultHandling = "raise",
    isolation: str = "auto",
    jobs: int | None = None,
    **_: object,
) -> float:
    """Return the same as ``compute_score``, without blocking the event loop: verl then scores many at once."""
    options = RewardOptions(credit, faults, isolation, jobs).check()
    return _reward_or_nan(
        (await compute_rewards_async([solution_str], [_row_or_error(ground_truth, extra_info)], options))[0]
    )


def compute_scores(
    data_sources: Sequence[str],
    solution_strs: Sequence[str],
    ground_truths: Sequence[object],
    extra_infos: Sequence[Mapping[str, Any] | None] | None = None,
    *,
    credit: Credit = "all",
    faults: FaultHandling = "raise",
    isolation: str = "auto",
    jobs: int | None = None,
    **_: object,
) -> list[float]:
    """Reward many solutions in one call: verl's reward manager ``batch``."""
    options = RewardOptions(credit, faults, isolation, jobs).check()
    infos = extra_infos if extra_infos is not None else [None] * len(ground_truths)
    rows = [_row_or_error(truth, info) for truth, info in zip(ground_truths, infos, strict=True)]
    return [_reward_or_nan(r) for r in compute_rewards(solution_strs, rows, options)]


def _reward_or_nan(result: RewardResult) -> float:
    return math.nan if result.reward is None else result.reward


def _row_or_error(ground_truth: object, extra_info: Mapping[str, Any] | None) -> RewardRow:
    """Return a row, or the error that explains why it is invalid and affects only its own solution."""
    try:
        row = _row_from_ground_truth(ground_truth, extra_info)
    except UsageError as error:
        return error
    if not (row.get("tests") or row.get("io")):
        return UsageError("the ground truth has neither tests nor io, so nothing could be judged")
    return row


def _row_from_ground_truth(ground_truth: object, extra_info: Mapping[str, Any] | None) -> dict[str, object]:
    """Return a row from the arguments of verl."""
    if isinstance(ground_truth, str):
        try:
            ground_truth = json.loads(ground_truth)
        except (ValueError, RecursionError) as error:
            raise UsageError(f"the ground truth is no JSON: {error}") from error
    if not isinstance(ground_truth, Mapping):
        raise UsageError(
            f"the ground truth is {type(ground_truth).__name__}; an object with language and tests is wanted"
        )
    given = cast(Mapping[str, object], ground_truth)
    if given.get("fn_name"):
        raise UsageError(
            f"the ground truth wants calls of {given['fn_name']!r} (fn_name), not a whole program: give them as tests, "
            'as in {"language": "python", "tests": ["assert f(1) == 2"]}'
        )
    row: dict[str, object] = {name: (extra_info or {}).get(name) for name in _COLUMNS}
    row |= {name: given[name] for name in _COLUMNS if name in given}
    if "inputs" in given and "outputs" in given:
        row["io"] = dict(given)
    if "assert_case" in given:
        row["tests"] = given["assert_case"]
    if not ("tests" in given or "io" in given):
        row["language"] = row["language"] or "python"
    return row
