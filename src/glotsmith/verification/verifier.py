"""From a job to a verdict: the one runner behind data validation, evaluation and reward."""

import asyncio
import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple, Protocol

import msgspec

from glotsmith.errors import ToolchainError
from glotsmith.languages import Card, Unrepresentable, get_card, program, render, toolchain
from glotsmith.languages.compatible_values import Tolerance
from glotsmith.languages.proof_rows import read_proof_rows
from glotsmith.languages.typed_calls import apply_signature, parse_suite
from glotsmith.records import CaseVerdict, IoCase, Job, Limits, Outcome, Status, Verdict, content_hash
from glotsmith.sandbox.base import ATTEMPTS, Sandbox
from glotsmith.values import Check, NotLiteral, Value, expected_values
from glotsmith.verification import job_limits
from glotsmith.verification.bounds import limits_error
from glotsmith.verification.calibrate import Calibration
from glotsmith.verification.compare import ComparisonRules
from glotsmith.verification.judge import STATUS_OF_ENDING, judge_outcome, overall_status, truncate_to_tail
from glotsmith.verification.stdout_checkers import CHECKERS
from glotsmith.verification.warm_worker_check import WarmWorkerCheck
from glotsmith.verification.whole_programs import run_for_each_stdin, whole_program

_LARGE = 65_536  #: characters of tests of which few are held in memory
_EXAMPLE = "accepted"  #: the row of a language's ``verdicts.toml`` with the plainest right program
MAX_RUNS = 16  #: processes for the cases of one program, each of which may end its process


class VerdictStore(Protocol):
    """A content-addressed store (``glotsmith.cache.Cache``)."""

    def get(self, kind: str, key: str) -> bytes | None:
        """Return what was put under ``key``."""
        ...

    def put(self, kind: str, key: str, value: bytes) -> None:
        """Keep ``value``; it is safe when this returns."""
        ...


class Verifier:
    """Judges jobs in a sandbox; identical programs run once, also across runs that share a store."""

    def __init__(self, sandbox: Sandbox, store: VerdictStore | None = None) -> None:
        self._sandbox = sandbox
        self._calibration = Calibration(sandbox)
        self._warmth = WarmWorkerCheck(self._judge_warm)
        self._store = store
        self.ran = Counter[str]()  #: by language: jobs that ran and have a verdict
        self._running: dict[str, asyncio.Task[Verdict]] = {}
        self._waiting: dict[str, int] = {}

    async def verify(self, job: Job) -> Verdict:
        """Return the verdict on one job.

        A job that can't be put to a program of its language is ``infra:toolchain`` or ``infra:refused`` with a
        sentence, never a failure of the program.
        """
        if wrong := limits_error(job):
            return Verdict(id=job.id, language=job.language, status="infra:refused", detail=wrong)
        try:
            key = verdict_key(job, self._sandbox.name)
            known = self._store.get("verdict", key) if self._store else None
            verdict = msgspec.json.decode(known, type=Verdict) if known else await self._once(key, job)
        except ToolchainError as error:
            verdict = Verdict(id=job.id, language=job.language, status="infra:toolchain", detail=str(error))
        except (Unrepresentable, NotLiteral) as error:
            verdict = Verdict(id=job.id, language=job.language, status="infra:refused", detail=str(error))
        return msgspec.structs.replace(verdict, id=job.id)

    async def passes_example(self, language: str) -> bool:
        """Run the language's own example, whatever is stored, and return whether it passes."""
        row = read_proof_rows(language).get(_EXAMPLE)
        try:
            return row is not None and (await self._judge(row.job(language, _EXAMPLE))).status in row.expected_statuses
        except ToolchainError:
            return False

    async def _once(self, key: str, job: Job) -> Verdict:
        """Run a job, or wait for the same one that is running already."""
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
                await _cancelled(task)  # nobody waits for it any more

    async def _run(self, key: str, job: Job) -> Verdict:
        verdict = await self._judge(job)
        for _ in range(ATTEMPTS - 1):
            if verdict.status != "infra:sandbox":
                break
            verdict = await self._judge(job)
        found = toolchain.find_toolchain(job.language)
        verdict = msgspec.structs.replace(verdict, toolchain=found.version, isolation=self._sandbox.name)
        self.ran[job.language] += not verdict.is_infra
        if self._store and not verdict.is_infra:
            self._store.put("verdict", key, msgspec.json.encode(verdict))
        return verdict

    async def _judge(self, job: Job) -> Verdict:
        card = get_card(job.language)
        if job.io:
            return await self._io(card, job)
        if job.program:
            return await self._verbatim(card, job)
        return await self._calls(card, job)

    async def _calls(self, card: Card, job: Job) -> Verdict:
        """Call the function once per case, all in one process; after a case that ends it the others get another."""
        allowed = await self._limits(card, job)
        first, crash = await self._run_calls(card, job, allowed, 0)
        cases = list(first.cases)
        done, runs = 0, 1
        while crash is not None and done + crash + 1 < len(job.tests) and runs < MAX_RUNS:
            done, runs = done + crash + 1, runs + 1
            verdict, crash = await self._run_calls(card, job, allowed, done)
            if verdict.is_infra:
                return verdict
            cases[done:] = verdict.cases
        return msgspec.structs.replace(first, cases=tuple(cases))

    async def _judge_warm(self, job: Job) -> Verdict:
        card = get_card(job.language)
        return (await self._run_calls(card, job, await self._limits(card, job), 0, examined=True))[0]

    async def _run_calls(
        self, card: Card, job: Job, allowed: Limits, skipped: int, *, examined: bool = False
    ) -> tuple[Verdict, int | None]:
        pose = _pose if sum(map(len, job.tests)) < _LARGE else _pose_large
        tolerance = Tolerance(job.tolerance, job.absolute_tolerance)
        posed = pose(card.name, card.fingerprint, job.tests, job.signature, job.entry_point, tolerance, skipped)
        made, mark = posed.frame.hold(job.code, allowed)
        if (made.warm or made.server) and not examined and not await self._warmth.is_trusted(card.name):
            made = msgspec.structs.replace(made, warm=None, server=None)
        outcome = await self._sandbox.run(made)
        how = ComparisonRules(card.equality, *tolerance)
        verdict, crash = judge_outcome(job.id, job.language, outcome, mark, posed.expected, how)
        return _with_signature(verdict, posed.wanted), crash

    async def _limits(self, card: Card, job: Job) -> Limits:
        speed = await self._calibration.speed(card.name)
        return speed.scale_limits(job_limits.limits_of_job(card, job))

    async def _io(self, card: Card, job: Job) -> Verdict:
        """Run a whole program once per stdin; its stdout must answer as the job's checker has it."""
        allowed = await self._limits(card, job)
        whole = whole_program(card, job.code, "", allowed)
        outcomes = [o async for o in run_for_each_stdin(self._sandbox.run, whole, [case.stdin for case in job.io])]
        cases = tuple(_io_case(job, case, o) for case, o in zip(job.io, outcomes, strict=True))
        return _summary(job, overall_status(cases), outcomes, cases)

    async def _verbatim(self, card: Card, job: Job) -> Verdict:
        """Run a benchmark's own program: exit code 0, and none of the language's known signs of failure."""
        outcome = await self._sandbox.run(whole_program(card, job.program, "", await self._limits(card, job)))
        stderr = outcome.stderr.decode("utf-8", "replace")
        status = _exit_status(outcome)
        if status == "pass" and any(re.search(sign, stderr) for sign in card.failure_signs):
            status = "fail:wrong"
        return _summary(job, status, [outcome], ())


async def _cancelled(task: asyncio.Task[Verdict]) -> None:
    """Cancel a task and wait for its end, so that it does not meet a closed sandbox."""
    if not task.done():
        task.cancel()
        await asyncio.wait([task])


class Posed(NamedTuple):
    """A task's tests, ready for any candidate."""

    frame: program.Frame
    expected: tuple[Value | Check, ...]
    wanted: str  #: the entry point's signature; empty in a language without types


def _posed(
    language: str,
    fingerprint: str,
    tests: tuple[str, ...],
    signature: str,
    entry: str,
    tolerance: Tolerance,
    skipped: int,
) -> Posed:
    """Parse and write tests, but for those skipped; the many candidates of a task have them in common."""
    card = get_card(language)
    calls, settled = apply_signature(card, *parse_suite(tests, signature), tolerance)
    for value in expected_values(calls):
        render.require_representable(card, value, result=True)
    calls = calls[skipped:]
    frame = program.frame(card, settled, [c.arguments for c in calls], entry)
    return Posed(frame, tuple(c.expected for c in calls), render.render_declaration(card, settled, entry))


def _with_signature(verdict: Verdict, wanted: str) -> Verdict:
    """Say which signature is expected of a program that does not compile."""
    if verdict.status != "fail:compile" or not wanted:
        return verdict
    found = f"{verdict.detail}; " if verdict.detail else ""
    return msgspec.structs.replace(verdict, detail=f"{found}the expected signature is: {wanted}")


_pose = lru_cache(maxsize=512)(_posed)
_pose_large = lru_cache(maxsize=8)(_posed)  #: of tests that take much memory


def verdict_key(job: Job, isolation: str) -> str:
    """Return the content address of a job's verdict: everything that may change it, and nothing else.

    Raises:
        ToolchainError: the language can't be run here.

    """
    card, found = get_card(job.language), toolchain.find_toolchain(job.language)
    body = msgspec.json.encode(msgspec.structs.replace(job, id="")).decode()
    return content_hash(body, card.fingerprint, found.version, isolation)


def _exit_status(outcome: Outcome) -> Status:
    if not outcome.built and outcome.ending != "infra":
        return "fail:compile"
    if outcome.ending == "exit" and outcome.code == 0:
        return "pass"
    return STATUS_OF_ENDING.get(outcome.ending, "fail:runtime")


def _io_case(job: Job, case: IoCase, outcome: Outcome) -> CaseVerdict:
    status, actual = _exit_status(outcome), outcome.stdout.decode("utf-8", "replace")
    tolerance = Tolerance(job.tolerance, job.absolute_tolerance)
    if status == "pass" and not CHECKERS[job.checker](case.stdout, actual, tolerance):
        status = "fail:wrong"
    return CaseVerdict(status=status, actual=truncate_to_tail(actual))


def _summary(job: Job, status: Status, outcomes: Sequence[Outcome], cases: tuple[CaseVerdict, ...]) -> Verdict:
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
