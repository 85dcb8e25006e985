"""The worker process of one node: it owns a sandbox, a verifier, their warm workers and the toolchains of the node."""

import asyncio
import socket
from collections.abc import Sequence

import msgspec

from glotsmith.cluster.messages import NodeDescription, NumberedAnswer, NumberedRequest
from glotsmith.errors import IsolationError, ToolchainError, UsageError
from glotsmith.languages import get_card, toolchain
from glotsmith.records import Job, content_hash
from glotsmith.sandbox import open_sandbox
from glotsmith.sandbox.base import Sandbox
from glotsmith.verification import Verifier
from glotsmith.verification.verifier import verify_one

LINGER_S = 0.003  #: how long an answer waits for others, which travel with it


class NodeWorker:
    """Answers requests in the order in which they finish: ``submit`` starts them, ``collect`` returns answers."""

    def __init__(self, isolation: str, jobs: int) -> None:
        """Remember the isolation back end and how many programs run at once; ``open`` starts the sandbox."""
        self._isolation, self._jobs = isolation, jobs
        self._sandbox: Sandbox | None = None
        self._verifier: Verifier | None = None
        self._answers: list[NumberedAnswer] = []
        self._answered = asyncio.Event()
        self._running: set[asyncio.Task[None]] = set()

    async def open(self, languages: Sequence[str]) -> NodeDescription:
        """Open the sandbox, warm up the languages, and describe the node. A fault is in the description."""
        host = socket.gethostname()
        try:
            self._sandbox = await asyncio.to_thread(open_sandbox, self._isolation, self._jobs)
        except (IsolationError, UsageError) as error:
            return NodeDescription(host=host, fault=str(error))
        self._verifier = Verifier(self._sandbox)
        described = await asyncio.to_thread(describe_machine, host, self._sandbox.name, self._jobs, languages)
        names = list(described.toolchains)
        passed = await asyncio.gather(*map(self._verifier.passes_example, names))
        slowness = {name: await self._verifier.slowness(name) for name in names}
        failed = {name: f"{described.versions[name]}, which fails its own example" for name in names}
        versions = described.versions | {name: failed[name] for name, ok in zip(names, passed, strict=True) if not ok}
        promises = tuple(sorted(self._sandbox.promises))
        return msgspec.structs.replace(described, promises=promises, slowness=slowness, versions=versions)

    async def submit(self, batch: Sequence[NumberedRequest]) -> None:
        """Start a batch of requests."""
        for each in batch:
            task = asyncio.create_task(self._answer(each))
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    async def collect(self) -> list[NumberedAnswer]:
        """Wait for an answer, then return all answers since the last call."""
        await self._answered.wait()
        await asyncio.sleep(LINGER_S)
        answers, self._answers = self._answers, []
        self._answered.clear()
        return answers

    async def close(self) -> None:
        """Stop the running programs and close the sandbox."""
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        if self._sandbox is not None:
            await self._sandbox.close()

    async def _answer(self, request: NumberedRequest) -> None:
        assert self._sandbox is not None and self._verifier is not None
        number, content = request
        try:
            is_job = isinstance(content, Job)
            answer = await verify_one(self._verifier, content) if is_job else await self._sandbox.run(content)
            self._answers.append(NumberedAnswer(number, answer))
        except Exception as error:  # the process of the run raises it
            self._answers.append(NumberedAnswer(number, None, f"{type(error).__name__}: {error}"))
        self._answered.set()


def describe_machine(host: str, isolation: str, jobs: int, languages: Sequence[str]) -> NodeDescription:
    """Describe the toolchains of this machine for the languages."""
    hashes, versions = dict[str, str](), dict[str, str]()
    for language in languages:
        try:
            found = toolchain.find_toolchain(language)
        except ToolchainError as error:
            versions[language] = str(error)
        else:
            versions[language] = found.version
            hashes[language] = content_hash(msgspec.json.encode(found).decode(), get_card(language).fingerprint)
    return NodeDescription(host=host, isolation=isolation, jobs=jobs, toolchains=hashes, versions=versions)
