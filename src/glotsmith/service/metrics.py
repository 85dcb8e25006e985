"""Metrics of the service for Prometheus."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from glotsmith.records import Outcome, Program, Verdict
from glotsmith.sandbox.base import Promise, Sandbox

_SECONDS = (0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300)


class Metrics:
    """The metrics of one service."""

    def __init__(self) -> None:
        own = self.registry = CollectorRegistry()
        self.requests = Counter("glotsmith_requests", "Answered requests.", ["path", "status"], registry=own)
        self.outcomes = Counter("glotsmith_programs", "Programs that ran, by ending.", ["ending"], registry=own)
        self.verdicts = Counter("glotsmith_verdicts", "Judged jobs.", ["language", "status"], registry=own)
        self.cpu = Counter("glotsmith_cpu_seconds", "CPU time of programs.", registry=own)
        self.wall = Histogram(
            "glotsmith_program_seconds", "Time that the sandbox needs for a program.", buckets=_SECONDS, registry=own
        )
        self.admitted = Gauge("glotsmith_admitted", "Admitted requests that are not answered yet.", registry=own)
        self.listed = Gauge("glotsmith_list_items", "List items of the admitted requests.", registry=own)
        self.capacity = Gauge("glotsmith_capacity", "Maximum number of admitted requests.", registry=own)

    def text(self) -> bytes:
        """Return all metrics in the text format of Prometheus."""
        return generate_latest(self.registry)

    def count_verdict(self, verdict: Verdict) -> Verdict:
        """Count a verdict, and return it."""
        self.verdicts.labels(verdict.language, verdict.status).inc()
        return verdict


class CountingSandbox:
    """Wraps a sandbox and counts its programs."""

    def __init__(self, sandbox: Sandbox, metrics: Metrics) -> None:
        self._sandbox, self._metrics = sandbox, metrics
        self.name: str = sandbox.name
        self.promises: frozenset[Promise] = sandbox.promises

    async def run(self, program: Program) -> Outcome:
        """Run one program, and count it."""
        with self._metrics.wall.time():
            outcome = await self._sandbox.run(program)
        self._metrics.outcomes.labels(outcome.ending).inc()
        self._metrics.cpu.inc(max(outcome.cpu_s, 0.0))
        return outcome

    async def close(self) -> None:
        """Close the sandbox."""
        await self._sandbox.close()
