"""Judge jobs: run their programs in a sandbox and return verdicts, for data, evaluation and rewards."""

import asyncio
import logging
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import aclosing
from functools import partial
from typing import Protocol

import msgspec

from glotsmith.errors import ToolchainError
from glotsmith.languages import Unrepresentable, get_card, job_program, toolchain
from glotsmith.languages.compatible_values import Tolerance
from glotsmith.languages.json_calls import exchanges_json, json_calls
from glotsmith.languages.proof_rows import read_proof_rows
from glotsmith.records import CaseVerdict, IoCase, Job, Limits, Outcome, Status, Verdict, content_hash
from glotsmith.sandbox.base import ATTEMPTS, Sandbox, SupportsEarlyEnd
from glotsmith.step import Verify
from glotsmith.values import Check, NotLiteral, Value
from glotsmith.verification.calibrate import Calibration
from glotsmith.verification.compare import ComparisonRules
from glotsmith.verification.job_limits import limits_error, limits_of_job
from glotsmith.verification.json_results import NOT_JSON, judge_json
from glotsmith.verification.judge import (
    STATUS_OF_ENDING,
    TIME_ENDINGS,
    FailureWatch,
    judge_outcome,
    overall_status,
    truncate_to_tail,
)
from glotsmith.verification.stdout_checkers import CHECKERS
from glotsmith.verification.warm_worker_check import WarmWorkerCheck
from glotsmith.verification.whole_programs import run_for_each_stdin

_EXAMPLE = "accepted"  #: the row of a language's ``verdicts.toml`` with the simplest right program
MAX_RUNS = 16  #: processes for the cases of one program, each of which may end its process
_MAX_JOBS_IN_FLIGHT = 256  #: more need memory and are not faster
_log = logging.getLogger(__name__)


class VerdictStore(Protocol):
    """A content-addressed store (``glotsmith.cache.Cache``)."""

    def get(self, kind: str, key: str) -> bytes | None:
        """Return the value that was stored under ``key``."""
        ...

    def put(self, kind: str, key: str, value: bytes) -> None:
        """Store ``value``; it is durable when this returns."""
        ...


class Verifier:
    """Judges jobs in a sandbox; identical programs run once, also across runs that share a store."""

    def __init__(self, sandbox: Sandbox, store: VerdictStore | None = None) -> None:
        self.sandbox = sandbox
        self._calibration = Calibration(sandbox)
        self._warm_worker_check = WarmWorkerCheck(self._judge_in_warm_worker)
        self._store = store
        self.ran = Counter[str]()  #: language → number of jobs that ran and have a verdict
        self._running: dict[str, asyncio.Task[Verdict]] = {}
        self._waiting: dict[str, int] = {}

    async def verify(self, job: Job) -> Verdict:
        """Return the verdict on one job.

        A job for which no program can be made is ``infra:toolchain`` or ``infra:refused`` with a message, never a
        failure of the program.
        """
        if error := limits_error(job):
            return Verdict(id=job.id, language=job.language, status="infra:refused", detail=error)
        try:
            verdict = await self._find_or_run(job)
        except ToolchainError as error:
            verdict = Verdict(id=job.id, language=job.language, status="infra:toolchain", detail=str(error))
        except (Unrepresentable, NotLiteral) as error:
            verdict = Verdict(id=job.id, language=job.language, status="infra:refused", detail=str(error))
        return msgspec.structs.replace(verdict, id=job.id)

    async def passes_example(self, language: str) -> bool:
        """Run the language's own example without the store, and return whether it passes."""
        row = read_proof_rows(language).get(_EXAMPLE)
        try:
            return row is not None and (await self._judge(row.job(language, _EXAMPLE))).status in row.expected_statuses
        except ToolchainError:
            return False

    async def slowness(self, language: str) -> float:
        """Return the CPU time of a program here divided by that on the reference machine; at least 1.

        Raises:
            ToolchainError: the machine has no toolchain of the language.

        """
        return (await self._calibration.speed(language)).factor

    async def _find_or_run(self, job: Job) -> Verdict:
        """Return the stored verdict on a job, or run it."""
        key = verdict_key(job, self.sandbox.name)
        stored = self._store.get("verdict", key) if self._store else None
        return msgspec.json.decode(stored, type=Verdict) if stored else await self._run_once(key, job)

    async def _run_once(self, key: str, job: Job) -> Verdict:
        """Run a job, or wait for an identical job that is running."""
        task = self._running.get(key)
        if task is None:
            task = self._running[key] = asyncio.create_task(self._run(key, job))
            task.add_done_callback(lambda _: self._running.pop(key, None))
        self._waiting[key] = self._waiting.get(key, 0) + 1
        try:
            return await asyncio.shield(task)
        finally:
            self._waiting[key] -= 1
            if not self._waiting[key]:
                del self._waiting[key]
                await _cancel(task)  # its last caller was cancelled

    async def _run(self, key: str, job: Job) -> Verdict:
        verdict = await self._judge(job)
        for _ in range(ATTEMPTS - 1):
            if verdict.status != "infra:sandbox":
                break
            verdict = await self._judge(job)
        found = toolchain.find_toolchain(job.language)
        version = verdict.toolchain or found.version  # a node of a cluster states its own
        verdict = msgspec.structs.replace(verdict, toolchain=version, isolation=self.sandbox.name)
        self.ran[job.language] += not verdict.is_infra
        if self._store and not verdict.is_infra:
            self._store.put("verdict", key, msgspec.json.encode(verdict))
        return verdict

    async def _judge(self, job: Job) -> Verdict:
        limits = await self._limits(job)
        if job.io:
            return await self._judge_io(job, limits)
        if job.program:
            return await self._judge_exit_code(job, limits)
        if exchanges_json(job.language):
            return await self._judge_json_calls(job, limits)
        return await self._judge_calls(job, limits)

    async def _limits(self, job: Job) -> Limits:
        speed = await self._calibration.speed(job.language)
        return speed.scale_limits(limits_of_job(get_card(job.language), job))

    async def _judge_calls(self, job: Job, limits: Limits) -> Verdict:
        """Call the function once per case in one process; if a case ends it, the later cases run in another.

        After a case that reached a time limit they do not run, unless the job wants all cases.
        """
        first, crash = await self._run_calls(job, limits)
        cases = list(first.cases)
        done, runs = 0, 1
        while crash is not None and done + crash + 1 < len(job.tests) and runs < MAX_RUNS:
            done, runs = done + crash + 1, runs + 1
            verdict, crash = await self._run_calls(job, limits, done)
            if verdict.is_infra:
                return verdict
            cases[done:] = verdict.cases
        return msgspec.structs.replace(first, cases=tuple(cases))

    async def _judge_in_warm_worker(self, job: Job) -> Verdict:
        return (await self._run_calls(job, await self._limits(job), check_worker=False))[0]

    async def _run_calls(
        self, job: Job, limits: Limits, first_test: int = 0, *, check_worker: bool = True
    ) -> tuple[Verdict, int | None]:
        made = job_program(job, limits, first_test)
        program = made.program
        if (
            (program.warm or program.server)
            and check_worker
            and not await self._warm_worker_check.is_trusted(job.language)
        ):
            program = msgspec.structs.replace(program, warm=None, server=None)
        rules = ComparisonRules(get_card(job.language).equality, job.tolerance, job.absolute_tolerance)
        judged = made.mark, made.expected, rules
        if job.stop_at_failure and isinstance(self.sandbox, SupportsEarlyEnd):
            outcome = await self.sandbox.run_until(program, FailureWatch(*judged).has_failed)
        else:
            outcome = await self.sandbox.run(program)
        how = {"all_cases": job.all_cases, "stop_at_failure": job.stop_at_failure}
        verdict, crash = judge_outcome(job.id, job.language, outcome, *judged, **how)
        return _with_expected_signature(verdict, made.declaration), crash

    async def _judge_io(self, job: Job, limits: Limits) -> Verdict:
        """Run a whole program once per stdin, and compare its stdout with the job's checker."""
        judge = partial(_io_case_verdict, job)
        return await self._judge_runs(job, limits, [(case.stdin, partial(judge, case)) for case in job.io])

    async def _judge_json_calls(self, job: Job, limits: Limits) -> Verdict:
        """Run a whole program once per test, with the arguments as JSON, and compare the JSON that it prints."""
        stdins, expected = json_calls(job)
        rules = ComparisonRules(get_card(job.language).equality, job.tolerance, job.absolute_tolerance)
        runs = [
            (stdin, partial(_json_case_verdict, value, rules)) for stdin, value in zip(stdins, expected, strict=True)
        ]
        verdict = await self._judge_runs(job, limits, runs)
        failed = next((case for case in verdict.cases if case.status != "pass"), None)
        return (
            msgspec.structs.replace(verdict, detail=failed.actual)
            if failed and failed.actual.startswith(NOT_JSON)
            else verdict
        )

    async def _judge_runs(
        self, job: Job, limits: Limits, cases: Sequence[tuple[str, Callable[[Outcome], CaseVerdict]]]
    ) -> Verdict:
        """Run a whole program once per case, with its stdin, and judge each outcome."""
        program = job_program(job, limits).program
        stdins = [stdin for stdin, _ in cases]
        outcomes, run = list[Outcome](), list[CaseVerdict]()
        async with aclosing(run_for_each_stdin(self.sandbox.run, program, stdins)) as runs:
            async for outcome in runs:
                outcomes.append(outcome)
                run.append(cases[len(run)][1](outcome))
                if outcome.ending in TIME_ENDINGS and not job.all_cases:
                    break
                if job.stop_at_failure and run[-1].status != "pass":
                    break
        skipped = (CaseVerdict(status="skipped"),) * (len(cases) - len(run))
        return _verdict(job, overall_status(run), outcomes, (*run, *skipped))

    async def _judge_exit_code(self, job: Job, limits: Limits) -> Verdict:
        """Run a benchmark's own program: it passes with exit code 0 and no failure sign of its language on stderr."""
        outcome = await self.sandbox.run(job_program(job, limits).program)
        stderr = outcome.stderr.decode("utf-8", "replace")
        status = _exit_status(outcome)
        if status == "pass" and any(re.search(sign, stderr) for sign in get_card(job.language).failure_signs):
            status = "fail:wrong"
        return _verdict(job, status, [outcome], ())


async def _cancel(task: asyncio.Task[Verdict]) -> None:
    """Cancel a task and wait until it ends, so that it does not use a closed sandbox."""
    if not task.done():
        task.cancel()
        await asyncio.wait([task])


def verdict_key(job: Job, isolation: str) -> str:
    """Return the content address of a job's verdict: a hash of everything that may change it.

    The limits are part of it, also those that the job does not state: a verdict from before a change of a default does
    not answer a job after it.

    Raises:
        ToolchainError: the machine has no toolchain of the language.

    """
    card, found = get_card(job.language), toolchain.find_toolchain(job.language)
    body = msgspec.json.encode(msgspec.structs.replace(job, id="")).decode()
    limits = msgspec.structs.asdict(limits_of_job(card, job))  # JSON would omit the defaults
    return content_hash(body, card.fingerprint, found.version, isolation, repr(limits), str(MAX_RUNS))


def _with_expected_signature(verdict: Verdict, declaration: str) -> Verdict:
    """Add the expected signature to the verdict on a program that does not compile or returns another type."""
    returns_other_type = verdict.status == "fail:wrong" and verdict.detail
    if not declaration or (verdict.status != "fail:compile" and not returns_other_type):
        return verdict
    found = f"{verdict.detail}; " if verdict.detail else ""
    return msgspec.structs.replace(verdict, detail=f"{found}the expected signature is: {declaration}")


def _exit_status(outcome: Outcome) -> Status:
    if not outcome.built and outcome.ending != "infra":
        return "fail:compile"
    if outcome.ending == "exit" and outcome.code == 0:
        return "pass"
    return STATUS_OF_ENDING.get(outcome.ending, "fail:runtime")


def _io_case_verdict(job: Job, case: IoCase, outcome: Outcome) -> CaseVerdict:
    status, actual = _exit_status(outcome), outcome.stdout.decode("utf-8", "replace")
    tolerance = Tolerance(job.tolerance, job.absolute_tolerance)
    if status == "pass" and not CHECKERS[job.checker](case.stdout, actual, tolerance):
        status = "fail:wrong"
    return CaseVerdict(status=status, actual=truncate_to_tail(actual))


def _json_case_verdict(expected: Value | Check, rules: ComparisonRules, outcome: Outcome) -> CaseVerdict:
    status, stdout = _exit_status(outcome), outcome.stdout.decode("utf-8", "replace")
    if status != "pass":
        return CaseVerdict(status=status, actual=truncate_to_tail(stdout))
    return judge_json(stdout, expected, rules)


def _verdict(job: Job, status: Status, outcomes: Sequence[Outcome], cases: tuple[CaseVerdict, ...]) -> Verdict:
    last = outcomes[-1]
    return Verdict(
        id=job.id,
        language=job.language,
        status=status,
        cases=cases,
        stdout=truncate_to_tail(last.stdout.decode("utf-8", "replace")),
        stderr=truncate_to_tail(last.stderr.decode("utf-8", "replace")),
        seconds=round(sum(o.cpu_s for o in outcomes), 4),
        detail=last.detail,
    )


# ----------------------------------------------------------------------------------------------- many jobs


async def verify_all(verifier: Verify, jobs: Sequence[Job]) -> list[Verdict]:
    """Return the verdicts on jobs, in their order; an internal error is logged, and its job is ``infra:refused``."""
    if len(jobs) == 1:
        return [await verify_one(verifier, jobs[0])]
    verdicts, rest = dict[int, Verdict](), enumerate(jobs)
    async with asyncio.TaskGroup() as group:
        for _ in range(min(len(jobs), _MAX_JOBS_IN_FLIGHT)):
            group.create_task(_verify_rest(verifier, rest, verdicts))
    return [verdicts[number] for number in range(len(jobs))]


async def _verify_rest(verifier: Verify, rest: Iterator[tuple[int, Job]], verdicts: dict[int, Verdict]) -> None:
    for number, job in rest:
        verdicts[number] = await verify_one(verifier, job)


async def verify_one(verifier: Verify, job: Job) -> Verdict:
    """Return the verdict on one job, also if another caller with an identical job is cancelled."""
    while True:
        try:
            return await verifier.verify(job)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            await asyncio.sleep(0)  # only the other caller was cancelled: try again
        except Exception as error:  # an internal error; the other jobs keep their verdicts
            _log.exception("a job of language %s could not be judged", job.language)
            detail = f"glotsmith failed on this job ({type(error).__name__}); its log has more"
            return Verdict(id=job.id, language=job.language, status="infra:refused", detail=detail)
