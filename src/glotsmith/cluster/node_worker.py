"""The worker process of one node: it owns a sandbox, a verifier, their warm workers and the toolchains of the node."""

import asyncio
import pickle
import socket
from collections.abc import Sequence
from contextlib import suppress

import msgspec

from glotsmith.cluster.messages import (
    Answer,
    NodeCall,
    NodeDescription,
    NodeRequest,
    NumberedAnswer,
    NumberedRequest,
    ReturnedValue,
)
from glotsmith.errors import IsolationError, ToolchainError, UsageError
from glotsmith.languages import get_card, toolchain
from glotsmith.records import Job, Program, Verdict, content_hash
from glotsmith.sandbox import open_sandbox
from glotsmith.sandbox.base import Sandbox
from glotsmith.verification import Verifier
from glotsmith.verification.verifier import verify_one

_LINGER_S = 0.003  #: time for which an answer waits for other answers of the same message
#: longest further wait while there are more than twice as many requests as run at once, and more than answers
_BUSY_LINGER_S = 0.1


class _NodeVerifier(Verifier):
    """Runs every job. The process of the run has already looked for a stored verdict and an identical running job."""

    async def _find_or_run(self, job: Job) -> Verdict:
        return await self._run("", job)


class NodeWorker:
    """Answers requests in the order in which they finish: ``submit`` starts them, ``collect`` returns answers."""

    def __init__(self, isolation: str, jobs: int) -> None:
        """Remember the isolation back end and how many programs run at once; ``open`` starts the sandbox."""
        self._isolation, self._jobs = isolation, jobs
        self._sandbox: Sandbox | None = None
        self._verifier: Verifier | None = None
        self._answers: list[NumberedAnswer] = []
        self._answered = asyncio.Event()
        self._due = asyncio.Event()  #: set when ``collect`` must not wait for further answers
        self._running: set[asyncio.Task[None]] = set()

    async def open(self, languages: Sequence[str]) -> NodeDescription:
        """Open the sandbox, warm up the languages, and describe the node.

        If the sandbox cannot be opened, ``NodeDescription.fault`` says why.
        """
        host = socket.gethostname()
        try:
            self._sandbox = await asyncio.to_thread(open_sandbox, self._isolation, self._jobs)
        except (IsolationError, UsageError) as error:
            return NodeDescription(host=host, fault=str(error))
        self._verifier = _NodeVerifier(self._sandbox)
        described = await asyncio.to_thread(describe_machine, host, self._sandbox.name, self._jobs, languages)
        names = list(described.toolchains)
        passed = await asyncio.gather(*map(self._verifier.passes_example, names))
        slowness = {name: await self._verifier.slowness(name) for name in names}
        failed = {name: f"{described.versions[name]}, which fails its own example" for name in names}
        versions = described.versions | {name: failed[name] for name, ok in zip(names, passed, strict=True) if not ok}
        promises = tuple(sorted(self._sandbox.promises))
        return msgspec.structs.replace(described, promises=promises, slowness=slowness, versions=versions)

    async def submit(self, pickled: bytes) -> None:
        """Start a batch of ``NumberedRequest``."""
        batch: list[NumberedRequest] = pickle.loads(pickled)  # noqa: S301 - of the process that started this one
        for each in batch:
            task = asyncio.create_task(self._answer(each))
            self._running.add(task)
            task.add_done_callback(self._forget)

    async def collect(self) -> bytes:
        """Wait for an answer, then return all ``NumberedAnswer`` since the last call.

        A message costs as much CPU time as half a short program. So answers wait for others, for at most 0.1 s, while
        many requests are open.
        """
        await self._answered.wait()
        await asyncio.sleep(_LINGER_S)
        with suppress(TimeoutError):
            await asyncio.wait_for(self._due.wait(), _BUSY_LINGER_S)
        answers, self._answers = self._answers, []
        self._answered.clear()
        self._due.clear()
        return pickle.dumps(answers, pickle.HIGHEST_PROTOCOL)

    async def close(self) -> None:
        """Stop the running programs and close the sandbox."""
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        if self._sandbox is not None:
            await self._sandbox.close()

    def _forget(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if len(self._running) <= max(2 * self._jobs, len(self._answers)):
            self._due.set()

    async def _answer(self, request: NumberedRequest) -> None:
        number, content = request
        try:
            answer = await self._process(content)
            self._answers.append(NumberedAnswer(number, answer))  # to the list that is current after the wait
        except Exception as error:  # the process of the run raises it
            self._answers.append(NumberedAnswer(number, None, f"{type(error).__name__}: {error}"))
        self._answered.set()

    async def _process(self, content: NodeRequest) -> Answer:
        assert self._sandbox is not None and self._verifier is not None
        match content:
            case Job():
                return await verify_one(self._verifier, content)
            case Program():
                return await self._sandbox.run(content)
            case NodeCall(function, arguments):
                return ReturnedValue(await function(*arguments))


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
