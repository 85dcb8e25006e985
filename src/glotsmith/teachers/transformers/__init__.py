"""The teacher that runs a model with local weights in this process, with the library ``transformers``.

Use it for small models and for exact probabilities: logprobs of the first word come from the whole vocabulary. A
separate thread continues up to ``batch`` replies at a time. For throughput on a GPU, start a server (vLLM, SGLang) and
use ``openai``.
"""

import asyncio
import queue
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple

from msgspec import Meta

from glotsmith.errors import UsageError
from glotsmith.installation import install_command
from glotsmith.records import Record, content_hash
from glotsmith.settings import CHANGEABLE, FIXED, MODEL
from glotsmith.teachers.base import Reply, Request, Teacher

if TYPE_CHECKING:  # they need the extra
    from glotsmith.teachers.transformers.batch import Batch, GenerationRow
    from glotsmith.teachers.transformers.model import Model


class TransformersOptions(Record, frozen=True, kw_only=True):
    """The options."""

    #: a folder with weights and tokeniser, or a name on the hub with local files
    model: Annotated[str, FIXED, MODEL] = ""
    gguf: Annotated[str, FIXED] = ""  #: a GGUF file in that folder
    revision: Annotated[str, FIXED] = ""  #: revision of a model on the hub
    device: Annotated[str, CHANGEABLE] = ""  #: ``cpu``, ``cuda``, ``cuda:1`` …; default: an accelerator, if any
    dtype: Annotated[Literal["auto", "float32", "bfloat16", "float16"], FIXED] = "auto"
    #: replies at a time. The size of the batch changes the last bits of a probability, and so perhaps a sampled token
    batch: Annotated[int, CHANGEABLE, Meta(ge=1)] = 32


#: share of the batch that must be free before prompts are read: each reading costs as much as a token of all rows
_JOINING = 0.25


class _Job(NamedTuple):
    request: Request
    reply: "Future[Reply]"


class Transformers(Teacher):
    """A causal language model. It is loaded at the first request, and none of its code is run."""

    Options = TransformersOptions
    name = "transformers"
    is_free = True

    def __init__(self, options: Options) -> None:
        """Check the options; the model is loaded later.

        Raises:
            UsageError: the model or its files are missing, or the extra is not installed.

        """
        self.model = options.model
        if not self.model:
            raise UsageError("no model is given. Give a folder with weights and tokeniser: --model FOLDER")
        _check_installed()
        _check_files(self.model, options.gguf)
        self.fingerprint = content_hash(
            self.name, *_model_identity(self.model), options.gguf, options.revision, options.dtype
        )
        self._options = options
        self.slots = options.batch
        self._worker: _Worker | None = None

    async def reply(self, request: Request) -> Reply:
        """Answer one request.

        Raises:
            TeacherError: the model cannot be loaded.

        """
        if self._worker is None:
            self._worker = _Worker(self._options)
        return await asyncio.wrap_future(self._worker.submit(request))

    async def close(self) -> None:
        """Cancel waiting requests and free the model; idempotent."""
        if self._worker is not None:
            await asyncio.to_thread(self._worker.stop)
        self._worker = None


class _Worker:
    """The thread that loads the model and makes the replies."""

    def __init__(self, options: TransformersOptions) -> None:
        self._options = options
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._stopped = threading.Event()
        self._replies: dict[GenerationRow, Future[Reply]] = {}  #: the replies of the rows in the batch
        self._thread = threading.Thread(target=self._serve, name="transformers", daemon=True)
        self._thread.start()

    def submit(self, request: Request) -> "Future[Reply]":
        """Add a request."""
        job = _Job(request, Future())
        self._jobs.put(job)
        return job.reply

    def stop(self) -> None:
        """Cancel all requests, and wait for the thread to end its token."""
        self._stopped.set()
        self._jobs.put(None)
        self._thread.join()

    def _serve(self) -> None:
        model: Model | None = None
        batch: Batch | None = None
        while not self._stopped.is_set():
            waiting = self._take(batch)
            try:
                if model is None or batch is None:
                    model = self._load()
                    batch = model.empty_batch()
                self._advance(model, batch, waiting)
            except Exception as error:
                for reply in (*self._replies.values(), *(job.reply for job in waiting)):
                    _resolve(reply, error)
                self._replies.clear()
                batch = model.empty_batch() if model else None
        self._cancel()

    def _take(self, batch: "Batch | None") -> list[_Job]:
        """Return waiting requests that the batch has a place for; wait for one if the batch is empty."""
        size = self._options.batch if batch is not None and batch.can_grow else 1
        free = size - len(self._replies)
        if free < size * _JOINING:
            return []
        taken: list[_Job] = []
        while len(taken) < free:
            try:
                job = self._jobs.get(block=not self._replies and not taken)
            except queue.Empty:
                break
            if job is None:
                break
            if not job.reply.cancelled():
                taken.append(job)
        return taken

    def _load(self) -> "Model":
        from glotsmith.teachers.transformers.model import Model

        o = self._options
        return Model(o.model, gguf=o.gguf, revision=o.revision, device=o.device, dtype=o.dtype)

    def _advance(self, model: "Model", batch: "Batch", waiting: Sequence[_Job]) -> None:
        """Read new prompts, or continue each reply by a token."""
        from glotsmith.teachers.transformers.model import ReplyRow

        batch.remove([row for row, reply in self._replies.items() if reply.cancelled()])
        self._replies = {row: self._replies[row] for row in batch.rows}
        joining: list[GenerationRow] = []
        for job in waiting:
            row = model.row(job.request)
            if isinstance(row, Reply):
                _resolve(job.reply, row)
            else:
                joining.append(row)
                self._replies[row] = job.reply
        ended = batch.join(joining) if joining else batch.step() if batch.rows else []
        for row in ended:
            assert isinstance(row, ReplyRow)
            _resolve(self._replies.pop(row), model.reply(row))

    def _cancel(self) -> None:
        for reply in self._replies.values():
            reply.cancel()
        while not self._jobs.empty():
            if job := self._jobs.get():
                job.reply.cancel()


def _resolve(reply: "Future[Reply]", value: Reply | Exception) -> None:
    """Set the result of a future that its owner may cancel at the same time."""
    if reply.set_running_or_notify_cancel() if not reply.done() else False:
        if isinstance(value, Exception):
            reply.set_exception(value)
        else:
            reply.set_result(value)


def _model_identity(model: str) -> list[str]:
    """Return the identity of a model: its name on the hub, or names, sizes and times of the files in a folder.

    So a folder with newly trained weights is another model. The device is left out, although it may change the last
    bits of a probability.
    """
    folder = Path(model)
    if not folder.is_dir():
        return [model]
    files = sorted(p for p in folder.iterdir() if p.is_file())
    return [text for p in files for text in (p.name, str(p.stat().st_size), str(p.stat().st_mtime_ns))]


def _check_installed() -> None:
    from importlib.util import find_spec

    if not (find_spec("torch") and find_spec("transformers")):
        raise UsageError(
            f"the teacher transformers needs the extra transformers. Install it: {install_command('transformers')}"
        )


def _check_files(model: str, gguf: str) -> None:
    """Check that a folder has weights; a name on the hub is checked when it is loaded."""
    folder = Path(model)
    if not folder.is_dir():
        if folder.is_absolute() or model.startswith((".", "~")) or model.count("/") > 1 or folder.exists():
            raise UsageError(f"{model} is not a folder: give a folder with weights and tokeniser, or a name on the hub")
        return
    wanted = gguf or "config.json"
    if not (folder / wanted).is_file():
        raise UsageError(f"{folder} contains no {wanted}: give a folder with weights and tokeniser")
