"""Compute rewards of completions: verify them by the tests of their rows."""

import asyncio
import logging
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, NamedTuple, cast, get_args

import msgspec

from glotsmith.counts import counted
from glotsmith.errors import InfraError, UsageError
from glotsmith.languages.reference_limits import ReferenceLimits
from glotsmith.records import Job, Verdict
from glotsmith.reward.reward_jobs import CompletionInput, build_job
from glotsmith.reward.verifier_thread import VerifierThread, get_verifier_thread
from glotsmith.verification.job_limits import MIN_LIMITS

#: ``all``: 1 for a program that passes every test, else 0. ``share``: the share of passed tests, also of a program that
#: reached a time or memory limit; 0 for a program that did not compile, exited early or wrote malformed output.
#: Agnostics (arXiv 2508.04865) reports that policies learn to exploit it.
Credit = Literal["all", "share"]
#: For completions without a verdict: ``raise`` an error, or ``mask`` them with None.
FaultHandling = Literal["raise", "mask"]

#: The fields that decide about a completion; an error instead says why a trainer's row could not be read.
RewardRow = Mapping[str, object] | UsageError
JobOrReason = Job | Verdict | None  #: a verdict if the row is malformed; None if the row has no tests

_RAN = frozenset({"fail:wrong", "fail:runtime", "fail:timeout", "fail:memory"})  #: statuses with a share
_log = logging.getLogger(__name__)


class RewardOptions(NamedTuple):
    """The options of rewards."""

    credit: Credit = "all"
    faults: FaultHandling = "raise"
    isolation: str = "auto"
    jobs: int | None = None
    limit_floor_s: float = ReferenceLimits().floor_s
    limit_factor: float = ReferenceLimits().factor

    @property
    def reference_limits(self) -> ReferenceLimits:
        """CPU limits of completions whose row has ``reference_s``."""
        return ReferenceLimits(floor_s=self.limit_floor_s, factor=self.limit_factor)

    def check(self) -> "RewardOptions":
        """Return the options.

        Raises:
            UsageError: an option has an invalid value.

        """
        for name, value, values in (
            ("credit", self.credit, get_args(Credit)),
            ("faults", self.faults, get_args(FaultHandling)),
        ):
            if value not in values:
                raise UsageError(f"{name} is {value!r}; it must be one of {', '.join(values)}")
        jobs = cast(object, self.jobs)  # a dataset's column of this name would come here
        if jobs is not None and not (isinstance(jobs, int) and jobs >= 1):
            raise UsageError(f"jobs is {jobs!r}; it must be a whole number of 1 or more, or None")
        for name, value, least in (
            ("limit_floor_s", cast(object, self.limit_floor_s), MIN_LIMITS.cpu_s),
            ("limit_factor", cast(object, self.limit_factor), 1.0),
        ):
            if not (isinstance(value, int | float) and math.isfinite(value) and value >= least):
                raise UsageError(f"{name} is {value!r}; it must be a number of at least {least}")
        return self


class RewardResult(NamedTuple):
    """The reward of a completion, and its status."""

    reward: float | None
    status: str  #: status of the verdict; ``no code`` without code, ``not asked`` if the row has no tests


def score(
    completions: Sequence[CompletionInput],
    rows: Sequence[Mapping[str, object]],
    *,
    credit: Credit = "all",
    faults: FaultHandling = "raise",
    isolation: str = "auto",
    jobs: int | None = None,
    limit_floor_s: float = ReferenceLimits().floor_s,
    limit_factor: float = ReferenceLimits().factor,
) -> list[float | None]:
    """Return the reward of each completion, from 0 to 1, in order.

    A completion is text, or the messages of a chat. Its row decides about it, by the fields of a ``Job``
    (``language``; ``signature`` and ``tests``, or ``io``; ``entry_point``, ``checker``, ``time_limit_s``,
    ``idle_limit_s``, ``memory_limit_mb``, ``output_limit_kb``, ``file_limit_mb``, ``tolerance``,
    ``absolute_tolerance``, ``all_cases``, ``reference_s``), and may have the ``prefix`` that the completion continues;
    other keys are ignored. A row without tests gives None. ``jobs`` programs run at once, by default one per processor.

    A row with ``reference_s`` (CPU seconds of the Python original) and without ``time_limit_s`` has a CPU limit of
    ``limit_factor`` times these, and at least ``limit_floor_s`` seconds. With the credit ``all``, a program ends at its
    first failing case.

    Raises:
        UsageError: an option is invalid; or a row is invalid and ``faults`` is ``raise``.
        IsolationError: programs cannot be isolated on this machine.
        InfraError: the machine failed on a completion, and ``faults`` is ``raise``.

    """
    options = RewardOptions(credit, faults, isolation, jobs, limit_floor_s, limit_factor).check()
    return [r.reward for r in compute_rewards(completions, rows, options)]


async def score_async(
    completions: Sequence[CompletionInput],
    rows: Sequence[Mapping[str, object]],
    *,
    credit: Credit = "all",
    faults: FaultHandling = "raise",
    isolation: str = "auto",
    jobs: int | None = None,
    limit_floor_s: float = ReferenceLimits().floor_s,
    limit_factor: float = ReferenceLimits().factor,
) -> list[float | None]:
    """Return the same as ``score``, without blocking the event loop."""
    options = RewardOptions(credit, faults, isolation, jobs, limit_floor_s, limit_factor).check()
    return [r.reward for r in await compute_rewards_async(completions, rows, options)]


def compute_rewards(
    completions: Sequence[CompletionInput], rows: Sequence[RewardRow], options: RewardOptions
) -> list[RewardResult]:
    """Return rewards and statuses."""
    posed = _build_jobs(completions, rows, options)
    future = _open_verifier_thread(options).submit(_runnable(posed))
    try:
        verdicts = future.result()
    except BaseException:
        future.cancel()  # the programs of the interrupted call
        raise
    return _results(posed, verdicts, options)


async def compute_rewards_async(
    completions: Sequence[CompletionInput], rows: Sequence[RewardRow], options: RewardOptions
) -> list[RewardResult]:
    """Return rewards and statuses, without blocking the event loop."""
    posed = await asyncio.to_thread(_build_jobs, completions, rows, options)
    opened = await asyncio.to_thread(_open_verifier_thread, options)
    return _results(posed, await asyncio.wrap_future(opened.submit(_runnable(posed))), options)


def _open_verifier_thread(options: RewardOptions) -> VerifierThread:
    return get_verifier_thread(options.isolation, options.jobs)


def _build_jobs(
    completions: Sequence[CompletionInput], rows: Sequence[RewardRow], options: RewardOptions
) -> list[JobOrReason]:
    if len(completions) != len(rows):
        raise UsageError(
            f"{counted(len(completions), 'completion')} and {counted(len(rows), 'row')} were given; "
            "each completion needs one row"
        )
    return [_build_job(number, c, row, options) for number, (c, row) in enumerate(zip(completions, rows, strict=True))]


def _build_job(number: int, completion: CompletionInput, row: RewardRow, options: RewardOptions) -> JobOrReason:
    """Return the job of a completion; if faults are masked, a verdict for an invalid row or completion."""
    try:
        if isinstance(row, UsageError):
            raise UsageError(f"row {number}: {row}")
        job = build_job(number, completion, row)
        if job is None:
            return None
        ends_early = job.stop_at_failure or (options.credit == "all" and not job.all_cases)
        job = msgspec.structs.replace(job, stop_at_failure=ends_early)
        return options.reference_limits.apply(job)
    except UsageError as error:
        if options.faults == "raise":
            raise
        return Verdict(id=str(number), language="", status="infra:refused", detail=str(error))
    except Exception as error:
        if options.faults == "raise":
            raise
        _log.exception("completion %d could not be made a job", number)
        detail = f"glotsmith failed on this row ({type(error).__name__}); its log has more"
        return Verdict(id=str(number), language="", status="infra:refused", detail=detail)


def _runnable(posed: Iterable[JobOrReason]) -> list[Job]:
    return [job for job in posed if isinstance(job, Job) and job.code]


def _results(posed: Sequence[JobOrReason], verdicts: Sequence[Verdict], options: RewardOptions) -> list[RewardResult]:
    by_id = {verdict.id: verdict for verdict in verdicts}
    return [_result(job, by_id.get(job.id) if job else None, options) for job in posed]


def _result(job: JobOrReason, verdict: Verdict | None, options: RewardOptions) -> RewardResult:
    if job is None:
        return RewardResult(None, "not asked")
    if isinstance(job, Verdict):
        return RewardResult(_handle_fault(job, options), job.status)
    if verdict is None:
        return RewardResult(0.0, "no code")
    if verdict.is_infra:
        return RewardResult(_handle_fault(verdict, options), verdict.status)
    return RewardResult(reward_of(verdict, options.credit), verdict.status)


def _handle_fault(verdict: Verdict, options: RewardOptions) -> None:
    language = f", in {verdict.language}," if verdict.language else ""
    message = f"completion {verdict.id}{language} has no verdict ({verdict.status}): {verdict.detail}"
    if options.faults == "raise":
        raise InfraError(message)
    _log.warning("%s", message)


def reward_of(verdict: Verdict, credit: Credit) -> float:
    """Return the reward for a verdict of a program that ran."""
    if verdict.passed:
        return 1.0
    if credit == "all" or verdict.status not in _RAN or not verdict.cases:
        return 0.0
    return sum(case.status == "pass" for case in verdict.cases) / len(verdict.cases)
