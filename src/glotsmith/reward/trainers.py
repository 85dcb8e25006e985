"""Reward functions with the signatures that TRL and verl (``compute_score``) call.

Each of them also takes the fields of ``RewardOptions`` as keyword arguments.
"""

import functools
import inspect
import json
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Concatenate, ParamSpec, TypeVar, cast

from glotsmith.counts import counted
from glotsmith.errors import UsageError
from glotsmith.reward.reward_jobs import ROW_FIELDS, CompletionInput
from glotsmith.reward.scoring import (
    FaultHandling,
    RewardOptions,
    RewardResult,
    RewardRow,
    compute_rewards,
    compute_rewards_async,
)

_COLUMNS = (*ROW_FIELDS, "prefix")

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


def _with_options(
    *, faults: FaultHandling
) -> Callable[[Callable[Concatenate[RewardOptions, Parameters], Result]], Callable[Parameters, Result]]:
    """Return a decorator that builds the first argument of a function, ``options``, from keyword arguments.

    ``faults`` is the default of the option of that name. The new function lists all options in its signature, and is a
    coroutine function if the original is one, because trainers await coroutine functions only.
    """

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **keywords: Any) -> Any:
            given = {name: keywords.pop(name) for name in RewardOptions._fields if name in keywords}
            return function(RewardOptions(faults=faults)._replace(**given).check(), *arguments, **keywords)

        async def await_call(*arguments: Any, **keywords: Any) -> Any:
            return await call(*arguments, **keywords)

        wrapper = functools.wraps(function)(await_call if inspect.iscoroutinefunction(function) else call)
        vars(wrapper)["__signature__"] = _signature_with_options(function, RewardOptions(faults=faults))
        return wrapper

    return decorate


def _signature_with_options(function: Callable[..., Any], defaults: RewardOptions) -> inspect.Signature:
    """Return the signature of a function, with a keyword for each option in place of its first parameter."""
    signature = inspect.signature(function)
    _, *parameters, others = signature.parameters.values()
    keywords = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=kind)
        for (name, kind), default in zip(RewardOptions.__annotations__.items(), defaults, strict=True)
    ]
    return signature.replace(parameters=[*parameters, *keywords, others])


# ------------------------------------------------------------------------------------------------ TRL


@_with_options(faults="mask")
def code_reward(
    options: RewardOptions,
    /,
    completions: Sequence[CompletionInput],
    prompts: Sequence[object] | None = None,
    **columns: Any,
) -> list[float | None]:
    """Reward completions by the tests in the columns of the dataset: ``GRPOTrainer(reward_funcs=[code_reward])``.

    The columns are the fields of the rows of ``score``: ``language``; ``signature`` and ``tests``, or ``io``; and so
    on. A row without tests gives None, and TRL then skips this reward. Set options with ``functools.partial``. The
    table of completions that TRL logs has the status of each completion in the column ``verdict``.

    TRL excludes a masked completion from its update if no other reward function rewards it. If another one does, TRL
    adds 0 for this function; set ``faults`` to ``raise`` then.

    Raises:
        UsageError: an option or a column is invalid or missing; or a row is invalid and ``faults`` is ``raise``.
        InfraError: the machine failed, and ``faults`` is ``raise``.

    """
    rows = _rows_from_columns(len(completions), columns)
    return _log_results(compute_rewards(completions, rows, options), columns)


@_with_options(faults="mask")
async def code_reward_async(
    options: RewardOptions,
    /,
    completions: Sequence[CompletionInput],
    prompts: Sequence[object] | None = None,
    **columns: Any,
) -> list[float | None]:
    """Return the same as ``code_reward``, without blocking the event loop."""
    rows = _rows_from_columns(len(completions), columns)
    return _log_results(await compute_rewards_async(completions, rows, options), columns)


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


@_with_options(faults="raise")
def compute_score(
    options: RewardOptions,
    /,
    data_source: str,
    solution_str: str,
    ground_truth: object,
    extra_info: Mapping[str, Any] | None = None,
    **_: object,
) -> float:
    """Reward one solution: verl's ``reward.custom_reward_function.name=compute_score``.

    ``ground_truth`` is a JSON object (text, or a mapping) with the fields of the rows of ``score``; fields that are
    missing there are read from ``extra_info``. The formats of verl, ``{"inputs": […], "outputs": […]}`` and
    ``{"assert_case": […]}``, are supported; their default ``language`` is Python. Set options with
    ``custom_reward_function.reward_kwargs``. If ``faults`` is ``mask``, solutions without a verdict get nan.

    Raises:
        UsageError: no tests are given, and ``faults`` is ``raise``.
        InfraError: the machine failed, and ``faults`` is ``raise``.

    """
    [result] = compute_rewards([solution_str], [_row_or_error(ground_truth, extra_info)], options)
    return _reward_or_nan(result)


@_with_options(faults="raise")
async def compute_score_async(
    options: RewardOptions,
    /,
    data_source: str,
    solution_str: str,
    ground_truth: object,
    extra_info: Mapping[str, Any] | None = None,
    **_: object,
) -> float:
    """Return the same as ``compute_score``, without blocking the event loop, so that verl scores many at once."""
    [result] = await compute_rewards_async([solution_str], [_row_or_error(ground_truth, extra_info)], options)
    return _reward_or_nan(result)


@_with_options(faults="raise")
def compute_scores(
    options: RewardOptions,
    /,
    data_sources: Sequence[str],
    solution_strs: Sequence[str],
    ground_truths: Sequence[object],
    extra_infos: Sequence[Mapping[str, Any] | None] | None = None,
    **_: object,
) -> list[float]:
    """Reward many solutions in one call: verl's reward manager ``batch``."""
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
        return UsageError("the ground truth has neither tests nor io: add one of them")
    return row


def _row_from_ground_truth(ground_truth: object, extra_info: Mapping[str, Any] | None) -> dict[str, object]:
    """Return a row from the arguments of verl."""
    if isinstance(ground_truth, str):
        try:
            ground_truth = json.loads(ground_truth)
        except (ValueError, RecursionError) as error:
            raise UsageError(f"the ground truth is not JSON: {error}") from error
    if not isinstance(ground_truth, Mapping):
        raise UsageError(
            f"the ground truth is of type {type(ground_truth).__name__}; it must be an object with language and tests"
        )
    given = cast(Mapping[str, object], ground_truth)
    if given.get("fn_name"):
        raise UsageError(
            f"the ground truth calls {given['fn_name']!r} (fn_name) and is not for whole programs: give tests instead, "
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
