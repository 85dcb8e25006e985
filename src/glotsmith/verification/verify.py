"""From a job to a verdict: the one runner behind data validation, evaluation and reward."""

import asyncio
import re
from collections.abc import Sequence
from typing import Protocol

import msgspec

from glotsmith.errors import ToolchainError
from glotsmith.languages import Card, Unrepresentable, get, program, render, toolchain
from glotsmith.languages.prepared import ready
from glotsmith.records import CaseVerdict, IoCase, Job, Limits, Outcome, Program, Status, Verdict, content_hash
from glotsmith.sandbox.base import Sandbox
from glotsmith.values import ANY, Call, NotLiteral, Parameter, Signature, parse_signature, parse_test
from glotsmith.verification.calibrate import Calibration
from glotsmith.verification.checkers import CHECKERS
from glotsmith.verification.compare import Comparison
from glotsmith.verification.judge import ENDINGS, judge, tail, worst

MOST_RUNS = 16  #: processes for the cases of one program, each of which may end its process
ATTEMPTS = 3  #: for ``infra:sandbox``; a machine that fails three times in a row is reported as such


class Store(Protocol):
    """A content-addressed store (``glotsmith.cache.Cache``)."""

    def get(self, kind: str, key: str) -> bytes | None:
        """Return what was put under ``key``."""
        ...

    def put(self, kind: str, key: str, value: bytes) -> None:
        """Keep ``value``; it is safe when this returns."""
        ...


class Verifier:
    """Judges jobs in a sandbox; identical programs run once, also across runs that share a store."""

    def __init__(self, sandbox: Sandbox, store: Store | None = None) -> None:
        self._sandbox = sandbox
        self._calibration = Calibration(sandbox)
        self._store = store
        self._running: dict[str, asyncio.Task[Verdict]] = {}

    async def verify(self, job: Job) -> Verdict:
        """Return the verdict on one job.

        A job that can't be put to a program of its language is ``infra:toolchain`` or ``infra:refused`` with a
        sentence, never a failure of the program.
        """
        try:
            key = address(job, self._sandbox.name)
            known = self._store.get("verdict", key) if self._store else None
            verdict = msgspec.json.decode(known, type=Verdict) if known else await self._once(key, job)
        except ToolchainError as error:
            verdict = Verdict(id=job.id, language=job.language, status="infra:toolchain", detail=str(error))
        except (Unrepresentable, NotLiteral) as error:
            verdict = Verdict(id=job.id, language=job.language, status="infra:refused", detail=str(error))
        return msgspec.structs.replace(verdict, id=job.id)

    async def _once(self, key: str, job: Job) -> Verdict:
        """Run a job, or wait for the same one that is running already."""
        task = self._running.get(key)
        if task is None:
            task = self._running[key] = asyncio.create_task(self._run(key, job))
            task.add_done_callback(lambda _: self._running.pop(key, None))
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            task.cancel()
            raise

    async def _run(self, key: str, job: Job) -> Verdict:
        verdict = await self._judge(job)
        for _ in range(ATTEMPTS - 1):
            if verdict.status != "infra:sandbox":
                break
            verdict = await self._judge(job)
        found = toolchain.resolve(job.language)
        verdict = msgspec.structs.replace(verdict, toolchain=found.version, isolation=self._sandbox.name)
        if self._store and not verdict.is_infra:
            self._store.put("verdict", key, msgspec.json.encode(verdict))
        return verdict

    async def _judge(self, job: Job) -> Verdict:
        card = get(job.language)
        if job.io:
            return await self._io(card, job)
        if job.program:
            return await self._verbatim(card, job)
        calls, signature = settle(job)
        for call in calls:
            render.check(card, call.expected, result=True)
        return await self._calls(card, job, calls, signature)

    async def _calls(self, card: Card, job: Job, calls: Sequence[Call], signature: Signature) -> Verdict:
        """Call the function once per case, all in one process; after a case that ends it the others get another."""
        verdict, crash = await self._run_calls(card, job, calls, signature)
        first, runs = verdict, 1
        cases = list(verdict.cases)
        done = 0
        while crash is not None and done + crash + 1 < len(calls) and runs < MOST_RUNS:
            done, runs = done + crash + 1, runs + 1
            verdict, crash = await self._run_calls(card, job, calls[done:], signature)
            if verdict.is_infra:
                return verdict
            cases[done:] = verdict.cases
        return msgspec.structs.replace(first, cases=tuple(cases))

    async def _run_calls(
        self, card: Card, job: Job, calls: Sequence[Call], signature: Signature
    ) -> tuple[Verdict, int | None]:
        arguments = [c.arguments for c in calls]
        allowed = await self._limits(card, job)
        made, mark = program.assemble(card, job.code, signature, arguments, job.entry_point, allowed)
        outcome = await self._sandbox.run(made)
        how = Comparison(card.equality, job.tolerance)
        return judge(job.id, job.language, outcome, mark, [c.expected for c in calls], how)

    async def _limits(self, card: Card, job: Job) -> Limits:
        speed = await self._calibration.speed(card.name)
        return speed.stretch(program.limits(card, job.time_limit_s, job.memory_limit_mb))

    async def _io(self, card: Card, job: Job) -> Verdict:
        """Run a whole program once per stdin; its stdout must answer as the job's checker has it."""
        allowed = await self._limits(card, job)
        outcomes = [await self._sandbox.run(_script(card, job.code, case.stdin, allowed)) for case in job.io]
        cases = tuple(_io_case(job, case, o) for case, o in zip(job.io, outcomes, strict=True))
        return _summary(job, worst(cases), outcomes, cases)

    async def _verbatim(self, card: Card, job: Job) -> Verdict:
        """Run a benchmark's own program: exit code 0, and none of the language's known signs of failure."""
        outcome = await self._sandbox.run(_script(card, job.program, "", await self._limits(card, job)))
        stderr = outcome.stderr.decode("utf-8", "replace")
        status = _exit_status(outcome)
        if status == "pass" and any(re.search(sign, stderr) for sign in card.failure_signs):
            status = "fail:wrong"
        return _summary(job, status, [outcome], ())


def settle(job: Job) -> tuple[list[Call], Signature]:
    """Parse a job's tests and make its signature fit them.

    Raises:
        NotLiteral: a test or the signature can't be parsed, or there is no test.
        Unrepresentable: the tests contradict the signature.

    """
    calls = [parse_test(t) for t in job.tests]
    if not calls:
        raise NotLiteral("a job needs tests, io or program")
    if job.signature:
        declared = parse_signature(job.signature)
    else:
        names = [f"x{i}" for i in range(len(calls[0].arguments))]
        declared = Signature(calls[0].function, tuple(Parameter(n, ANY) for n in names), ANY)
    if any(len(c.arguments) != len(declared.parameters) for c in calls):
        raise NotLiteral(f"a test passes another number of arguments than {declared} takes")
    return calls, render.settle(declared, [c.arguments for c in calls], [c.expected for c in calls])


def address(job: Job, isolation: str) -> str:
    """Return the content address of a job's verdict: everything that may change it, and nothing else.

    Raises:
        ToolchainError: the language can't be run here.

    """
    card, found = get(job.language), toolchain.resolve(job.language)
    body = msgspec.json.encode(msgspec.structs.replace(job, id="")).decode()
    return content_hash(body, card.fingerprint, found.version, isolation)


def _script(card: Card, text: str, stdin: str, allowed: Limits) -> Program:
    found = ready(card.name)
    if not found.script:
        raise Unrepresentable(f"{card.display} has no command for whole programs")
    return Program(
        files={**found.files, f"main{card.extension}": text},
        build=tuple(render.fill(a, source=f"@{{dir}}/main{card.extension}") for a in found.script_build),
        argv=tuple(render.fill(a, source=f"@{{dir}}/main{card.extension}") for a in found.script),
        stdin=stdin,
        env=found.env,
        read_only=found.read_only,
        limits=allowed,
    )


def _exit_status(outcome: Outcome) -> Status:
    if not outcome.built and outcome.ending != "infra":
        return "fail:compile"
    if outcome.ending == "exit" and outcome.code == 0:
        return "pass"
    return ENDINGS.get(outcome.ending, "fail:runtime")


def _io_case(job: Job, case: IoCase, outcome: Outcome) -> CaseVerdict:
    status, actual = _exit_status(outcome), outcome.stdout.decode("utf-8", "replace")
    if status == "pass" and not CHECKERS[job.checker](case.stdout, actual, job.tolerance):
        status = "fail:wrong"
    return CaseVerdict(status=status, actual=tail(actual))


def _summary(job: Job, status: Status, outcomes: Sequence[Outcome], cases: tuple[CaseVerdict, ...]) -> Verdict:
    last = outcomes[-1]
    return Verdict(
        id=job.id,
        language=job.language,
        status=status,
        cases=cases,
        stdout=tail(last.stdout.decode("utf-8", "replace")),
        stderr=tail(last.stderr.decode("utf-8", "replace")),
        seconds=round(sum(o.cpu_s for o in outcomes), 4),
        detail=last.detail,
    )
