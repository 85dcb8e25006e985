"""The sandbox and the verifier of a run on a cluster: they forward programs and jobs to the nodes."""

from typing import cast

import msgspec

from glotsmith.cluster.dispatcher import Dispatcher
from glotsmith.languages import toolchain
from glotsmith.records import Job, Outcome, Program, Verdict
from glotsmith.sandbox.base import Promise, SandboxLoad
from glotsmith.verification import Verifier
from glotsmith.verification.verifier import VerdictStore


class ClusterSandbox:
    """Runs programs on the nodes (``sandbox.base.Sandbox``); the cluster closes the sandboxes."""

    def __init__(self, dispatcher: Dispatcher, name: str, promises: frozenset[Promise]) -> None:
        """Forward to ``dispatcher``; ``name`` is the isolation of the nodes, ``promises`` are common to all nodes."""
        self.name, self.promises, self._dispatcher = name, promises, dispatcher

    async def run(self, program: Program) -> Outcome:
        """Run one program on some node."""
        return cast(Outcome, await self._dispatcher.request(program))

    def load(self) -> SandboxLoad:
        """Return how many programs and jobs the nodes run, and how many have an answer."""
        return self._dispatcher.load()

    async def close(self) -> None:
        """Do nothing: the cluster owns the nodes."""


class ClusterVerifier(Verifier):
    """Judges jobs on the nodes. The store and identical jobs are handled here, as without a cluster."""

    def __init__(
        self,
        sandbox: ClusterSandbox,
        dispatcher: Dispatcher,
        store: VerdictStore | None = None,
        *,
        mixed: bool = False,
    ) -> None:
        """Forward jobs without a stored verdict; with ``mixed``, toolchains of nodes may differ from those here."""
        super().__init__(sandbox, store)
        self._dispatcher, self._mixed = dispatcher, mixed

    async def _judge(self, job: Job) -> Verdict:
        verdict = cast(Verdict, await self._dispatcher.request(msgspec.structs.replace(job, id="")))
        here = toolchain.find_toolchain(job.language).version
        if verdict.toolchain in ("", here) or self._mixed:
            return msgspec.structs.replace(verdict, id=job.id)
        what = f"A node has {verdict.toolchain}, this machine has {here}. Pass --mixed-toolchains to accept that."
        return Verdict(id=job.id, language=job.language, status="infra:toolchain", detail=what)
