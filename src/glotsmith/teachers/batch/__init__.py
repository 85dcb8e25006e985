"""The teacher for the OpenAI Batch API: requests are sent in files, and replies arrive minutes to a day later.

``reply`` returns the replies that have arrived, and collects the other requests in files (``request_files.py``). When
no item can continue, the run sends the files (``server.py``), or leaves them to be carried by hand, and ends. The same
command reads the results (``results.py``) and resumes. docs/batch.md describes it for users.
"""

import asyncio
import logging
import shlex
from collections.abc import Callable, Sequence
from itertools import count
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from glotsmith.counts import agreeing, counted
from glotsmith.errors import RepliesPendingError, TeacherError, TeacherOutage, UsageError
from glotsmith.records import content_hash
from glotsmith.settings import CHANGEABLE, FIXED
from glotsmith.teachers import openai_wire as wire
from glotsmith.teachers.api_key import ApiKey
from glotsmith.teachers.base import FailedAttempt, Reply, ReplyRounds, Request
from glotsmith.teachers.batch.request_files import FileLimits, RequestFile, RequestFolder
from glotsmith.teachers.batch.results import BatchOutcome, OutcomeStore, ResultCounts
from glotsmith.teachers.batch.server import BatchServer, BatchState, NoBatchApi, RetryPolicy
from glotsmith.teachers.http_client import HttpClient
from glotsmith.teachers.limiter import Clock
from glotsmith.teachers.openai import OpenAI, OpenAIOptions, RedactedResponse
from glotsmith.teachers.retries import TransientError
from glotsmith.unanswered import RequestPostponed
from glotsmith.write_aside import write_aside

_log = logging.getLogger(__name__)
RESULTS = "results"  #: folder of the files with results
MAX_REQUESTS, MAX_MEGABYTES = 50_000, 200  #: limits of a file (OpenAI API reference, "Create batch")
_LARGEST_FILE = 2 << 30  #: bytes of a file with results
_SHOWN = 5  #: files in a sentence
UNFINISHED = ("failed", "cancelled")  #: states of a batch whose requests are sent again by the next start only


class BatchOptions(OpenAIOptions, frozen=True, kw_only=True):
    """The options of the teacher ``openai``, and those of batches."""

    #: ``server``: upload the files; ``manual``: leave them in the folder of the run, and read what is put there
    submit: Annotated[Literal["server", "manual"], CHANGEABLE] = "server"
    max_requests: Annotated[int, CHANGEABLE, Meta(ge=1, le=MAX_REQUESTS)] = MAX_REQUESTS  #: requests in one file
    max_megabytes: Annotated[float, CHANGEABLE, Meta(gt=0, le=MAX_MEGABYTES)] = MAX_MEGABYTES  #: size of one file
    window: Annotated[str, CHANGEABLE] = "24h"  #: the time that the server may take
    wait_h: Annotated[float, CHANGEABLE, Meta(ge=0)] = 0.0  #: hours that a run waits for replies before it ends
    poll_s: Annotated[float, CHANGEABLE, Meta(gt=0)] = 60.0  #: seconds between two looks for replies
    #: how often a request is sent again if its result is an error or is missing
    again: Annotated[int, FIXED, Meta(ge=0)] = 2
    #: also send requests again whose results are missing in a file that was carried by hand
    resend_missing: Annotated[bool, CHANGEABLE] = False


class BatchTeacher(OpenAI):
    """A model on a server with the OpenAI Batch API, or any program that reads its files."""

    Options = BatchOptions
    name = "batch"

    def __init__(self, options: BatchOptions, *, key: ApiKey | None = None, clock: Clock | None = None) -> None:
        """Prepare; nothing is sent yet. See ``OpenAI.__init__``."""
        super().__init__(options, key=key, clock=clock)
        self._batch_options = options
        same = OpenAI(options, key=self._key, clock=clock)
        self.fingerprint = same.fingerprint  # the same model, so that runs share replies with the teacher openai
        http = HttpClient(
            self.url,
            {"Accept": "application/json", **self._key.headers},
            connect_s=options.connect_timeout_s,
            timeout_s=options.timeout_s,
            largest=_LARGEST_FILE,
        )
        policy = RetryPolicy(options.attempts, options.backoff_s, options.max_wait_s)
        self._batch_rounds = BatchRounds(
            options, BatchServer(self.url, http, self._key, policy, self._clock), self._key.redact, self._clock
        )
        self.rounds = self._batch_rounds

    async def reply(self, request: Request) -> Reply:
        """Return the reply that has arrived.

        Raises:
            RequestPostponed: it has not; the request is in a file now.
            TeacherError: the results say that the server refuses the key or the model. The next start sends the request
                again.
            UsageError: the command has no folder for files.

        """
        request_files, outcomes = self._batch_rounds.opened()
        address, failures, message = self.address(request), 0, ""
        for attempt in count():
            if failures > self._batch_options.again:
                break
            outcome = outcomes.get(address, attempt)
            if outcome is None:
                return self._postpone(request, address, attempt, request_files)
            try:
                if (reply := await self._read_outcome(outcome, request, outcomes)) is not None:
                    return reply
            except TransientError as error:
                failures, message = failures + 1, str(error)
        times = counted(failures, "batch")
        return Reply(text="", finish_reason="error", detail=f"an error in each of {times}; the last: {message}")

    def failed_attempt(self) -> FailedAttempt | None:
        """Return None: a run does not wait for single requests."""
        return None

    async def close(self) -> None:
        """Release connections and close the files; idempotent."""
        await super().close()
        await self._batch_rounds.close()

    async def _served_models(self) -> str:
        return "The results of the batch say so"

    def _postpone(self, request: Request, address: str, attempt: int, request_files: RequestFolder) -> Reply:
        extra = self._options.extra | self._options.by_call.get(request.call, {})
        body = wire.request_body(request, self.model, extra, self._options.rename)
        url = f"/v1{wire.endpoint_path(request)}"
        if not request_files.fits(body, url):
            megabytes = self._batch_options.max_megabytes
            return Reply(text="", finish_reason="refused", detail=f"the request is larger than {megabytes:g} MB")
        request_files.add(address, attempt, url, body)
        raise RequestPostponed(
            RepliesPendingError(f"{counted(len(request_files.waiting), 'request', 'waits')} for replies")
        )

    async def _read_outcome(self, outcome: BatchOutcome, request: Request, outcomes: OutcomeStore) -> Reply | None:
        """Return the reply in a result; None for an error from before a refusal that ended an earlier start.

        Raises:
            TransientError: the result is an error that another attempt may not have.
            TeacherError: no request can succeed.

        """
        body = outcome.body if 200 <= outcome.status < 300 else self._key.redact(outcome.body)
        self._answered = int(outcomes.has_replies)  # in all starts: a few bad requests do not end a run with replies
        try:
            reply = await self._read_response(RedactedResponse(outcome.status, {}, body), request)
        except TeacherError:
            if outcomes.is_void(outcome):
                return None
            outcomes.store_refusal()
            raise
        if reply.finish_reason == "error":
            return None if outcomes.is_void(outcome) else reply
        outcomes.note_reply()
        return reply


class BatchRounds(ReplyRounds):
    """Sends files of requests, and reads files of results."""

    def __init__(self, options: BatchOptions, server: BatchServer, redact: Callable[[str], str], clock: Clock) -> None:
        """Prepare; ``redact`` removes the key from a text."""
        self._options, self._server, self._redact, self._clock = options, server, redact, clock
        self._folder = Path()
        self._open: tuple[RequestFolder, OutcomeStore] | None = None
        self._no_api = ""  #: the message of a server without the Batch API
        self._done = dict[int, int]()  #: number of a file → requests that the server has answered

    def opened(self) -> tuple[RequestFolder, OutcomeStore]:
        """Return the requests and the outcomes of the run.

        Raises:
            UsageError: the command has no folder for files.

        """
        if self._open is None:
            raise UsageError("the teacher batch answers later, which only 'glotsmith run' supports: use openai")
        return self._open

    async def open(self, folder: Path) -> None:
        """Use this folder for files, and read the replies that have arrived.

        Raises:
            TeacherOutage: the server failed.
            TeacherError: the server refuses the key, or does not know a batch.

        """
        (folder / RESULTS).mkdir(parents=True, exist_ok=True)
        limits = FileLimits(self._options.max_requests, int(self._options.max_megabytes * 1e6))
        request_files = RequestFolder(folder, limits)
        self._folder = folder
        self._open = request_files, OutcomeStore(folder / "outcomes.sqlite", request_files.run)
        await self._submit_open()
        await self._collect()

    async def send(self) -> None:
        """Write the files of the postponed requests, and submit them.

        Raises:
            TeacherOutage: the server failed; the same command submits the files.

        """
        request_files, _ = self.opened()
        request_files.finish_drafts()
        await self._submit_open()

    async def wait(self) -> bool:
        """Wait for replies as long as ``wait_h`` allows; return whether any arrived."""
        end = self._clock.now() + self._options.wait_h * 3600
        while (left := end - self._clock.now()) > 0:
            await self._clock.sleep(min(self._options.poll_s, left))
            if await self._collect():
                return True
        return False

    async def close(self) -> None:
        """Release connections and close the files; idempotent."""
        await self._server.close()
        if self._open is not None:
            request_files, outcomes = self._open
            request_files.close()
            outcomes.close()

    # --- requests --------------------------------------------------------------------------------------------------

    async def _submit_open(self) -> None:
        """Submit each file that is not submitted yet; after a kill, continue where it was interrupted."""
        request_files, _ = self.opened()
        for file in request_files.open_files():
            if file.status == "written" and self._options.submit == "manual":
                self._save(file, status="manual")
            elif file.status in ("written", "uploaded", "submitting"):
                try:
                    await self._submit(file)
                except NoBatchApi as error:
                    self._no_api = str(error)
                    self._save(file, status="manual")

    async def _submit(self, file: RequestFile) -> None:
        request_files, _ = self.opened()
        if file.status == "written":
            content = await asyncio.to_thread((request_files.path / file.name).read_bytes)
            file = self._save(file, status="uploaded", file_id=await self._server.upload(file.name, content))
        # A kill may come after the server has made the batch. So the state says first that a batch may exist.
        found = await self._server.find(file.file_id) if file.status == "submitting" else ""
        if not found:
            file = self._save(file, status="submitting")
            found = await self._server.create(file.file_id, file.url, self._options.window)
        self._save(file, status="submitted", batch_id=found)

    def _save(self, file: RequestFile, **changes: str) -> RequestFile:
        request_files, _ = self.opened()
        changed = msgspec.structs.replace(file, **changes)
        request_files.save(changed)
        return changed

    # --- results ---------------------------------------------------------------------------------------------------

    async def _collect(self) -> bool:
        """Read what has arrived; return whether a request has a reply now, or can be sent again."""
        ended = [(file, state) for file in self._of_status("submitted") if (state := await self._download_ended(file))]
        found = await self._read_results()
        for file, state in ended:
            self._end(file, note_missing=state.status not in UNFINISHED)
        self._raise_unfinished([(file, state) for file, state in ended if state.status in UNFINISHED])
        manual = [file for file in self._of_status("manual") if self._has_ended(file)]
        for file in manual:
            self._end(file, note_missing=True)
        return bool(found.new or ended or manual)

    def _end(self, file: RequestFile, *, note_missing: bool) -> None:
        """End a file; ``note_missing``: a request without a result counts as one whose result is an error."""
        request_files, outcomes = self.opened()
        if note_missing:
            for request in request_files.ids(file):
                outcomes.note_missing(request)
        self._save(file, status="ended")

    def _raise_unfinished(self, unfinished: Sequence[tuple[RequestFile, BatchState]]) -> None:
        """Raise the error for batches that failed or were cancelled, if there are any."""
        if not unfinished:
            return
        sentences = [
            f"the batch {state.id} of {file.name} failed: {self._redact(state.error) or 'no reason is stated'}"
            if state.status == "failed"
            else f"the batch {state.id} of {file.name} was {state.status} at the server; its results are read"
            for file, state in unfinished[:_SHOWN]
        ]
        more = f"; {len(unfinished) - _SHOWN} others failed or were cancelled, too" if unfinished[_SHOWN:] else ""
        raise TeacherOutage(
            f"{'; '.join(sentences)}{more}. Run the same command again to send the requests without a result again"
        )

    def _of_status(self, status: str) -> list[RequestFile]:
        return [file for file in self.opened()[0].open_files() if file.status == status]

    async def _download_ended(self, file: RequestFile) -> BatchState | None:
        """Download the results of a batch if it has ended, and return its state; None if it has not."""
        state = await self._server.state(file.batch_id)
        self._done[file.number] = state.done
        if not state.has_ended:
            return None
        for file_id in state.files:
            target = self._folder / RESULTS / f"{Path(file.name).stem}-{content_hash(file_id)[:8]}.jsonl"
            content = self._redact((await self._server.download(file_id)).decode("utf-8", "replace"))
            with write_aside(target, sync=True) as draft:
                draft.write_text(content, "utf-8")
        _log.info("batch %s of %s: %s", state.id, file.name, state.status)
        return state

    async def _read_results(self) -> ResultCounts:
        _, outcomes = self.opened()
        found = await asyncio.to_thread(outcomes.read_folder, self._folder / RESULTS)
        left_out = {
            "repeat a known result": found.repeated,
            "belong to another run": found.foreign,
            "cannot be read": found.unreadable,
        }
        if any(left_out.values()):
            counts = ", ".join(f"{count} {what}" for what, count in left_out.items() if count)
            _log.warning("%s: of the lines of results, %s; these are left out", self._folder / RESULTS, counts)
        return found

    def _has_ended(self, file: RequestFile) -> bool:
        """Return whether a file that was carried by hand has all results, or the missing ones may be requested
        again."""
        missing = self._missing(file)
        return not missing or (self._options.resend_missing and missing < file.requests)

    def _missing(self, file: RequestFile) -> int:
        """Return how many requests of a file have no result."""
        request_files, outcomes = self.opened()
        return sum(not outcomes.has(found) for found in request_files.ids(file))

    # --- the sentence ----------------------------------------------------------------------------------------------

    def has_replies(self) -> bool:
        """Return whether the results of this run, in any start, held a reply."""
        return self.opened()[1].has_replies

    def pending_sentence(self) -> str:
        """Return what the run waits for, and what to do."""
        submitted, manual = self._of_status("submitted"), self._of_status("manual")
        found = list[str]()
        if submitted:
            requests, done = sum(s.requests for s in submitted), sum(self._done.get(s.number, 0) for s in submitted)
            found.append(
                f"{counted(requests, 'request', 'waits')} in {counted(len(submitted), 'batch')} at {self._server.url} "
                f"({done:,} {agreeing(done, 'is')} answered). Run the same command again to read the replies and "
                "resume; --set teacher.wait_h=24 waits for them"
            )
        if manual:
            found.append(self._manual_sentence(manual))
        return ". ".join(found)

    def _manual_sentence(self, manual: list[RequestFile]) -> str:
        names = ", ".join(file.name for file in manual[:_SHOWN]) + (", …" if len(manual) > _SHOWN else "")
        requests, missing = sum(s.requests for s in manual), sum(map(self._missing, manual))
        folder = self._folder / RESULTS
        why = f" ({self._no_api})" if self._no_api else ""
        some = (
            f"{requests - missing:,} {agreeing(requests - missing, 'has')} a result; --set teacher.resend_missing=true "
            "sends the others again. "
            if missing < requests
            else ""
        )
        return (
            f"{counted(requests, 'request', 'waits')} in {counted(len(manual), 'file')} in {self._folder}{why}: "
            f"{names}. {some}Answer each file{self._example(manual)}, put the results into {folder}, and run the same "
            "command again"
        )

    def _example(self, manual: list[RequestFile]) -> str:
        """Return a command that answers a file; "" without a file of chats, which is all that vLLM answers."""
        chats = [file for file in manual if file.url.endswith("/chat/completions")]
        if not chats:
            return " (vllm run-batch answers chats only, and these are completions)"
        file = self._folder / chats[0].name
        results = self._folder / RESULTS / chats[0].name
        command = f"vllm run-batch -i {shlex.quote(str(file))} -o {shlex.quote(str(results))} --model MODEL"
        return f", for example with {command}"
