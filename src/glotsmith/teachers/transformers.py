"""The teacher that runs a model with local weights in this process, with the library ``transformers``.

Use it for small models and for exact probabilities: logprobs of the first token come from the whole vocabulary.
Requests run one at a time, in a separate thread. For throughput, start a server (vLLM, SGLang) and use ``openai``.
"""

import asyncio
import math
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal, cast

from glotsmith.counts import counted
from glotsmith.errors import TeacherError, UsageError
from glotsmith.installation import install_command
from glotsmith.records import Record, content_hash
from glotsmith.settings import CHANGEABLE, FIXED, MODEL
from glotsmith.teachers.base import Reply, Request, Teacher, first_word_position
from glotsmith.teachers.openai_wire import cut_at_stop, request_seed


class TransformersOptions(Record, frozen=True, kw_only=True):
    """The options."""

    #: a folder with weights and tokeniser, or a name on the hub with local files
    model: Annotated[str, FIXED, MODEL] = ""
    gguf: Annotated[str, FIXED] = ""  #: a GGUF file in that folder
    revision: Annotated[str, FIXED] = ""  #: of a model on the hub
    device: Annotated[str, CHANGEABLE] = ""  #: ``cpu``, ``cuda``, ``cuda:1`` …; default: an accelerator, if any
    dtype: Annotated[Literal["auto", "float32", "bfloat16", "float16"], FIXED] = "auto"


class Transformers(Teacher):
    """A causal language model. It is loaded at the first request, and none of its code is run."""

    Options = TransformersOptions
    name = "transformers"

    def __init__(self, options: Options) -> None:
        """Check the options; the model is loaded later.

        Raises:
            UsageError: the model or its files are missing, or the extra is not installed.

        """
        self.model = options.model
        if not self.model:
            raise UsageError("name the model to load: --model FOLDER, with its weights and tokeniser")
        _check_installed()
        _check_files(self.model, options.gguf)
        self.fingerprint = content_hash(
            self.name, *_model_identity(self.model), options.gguf, options.revision, options.dtype
        )
        self._options = options
        self._thread: ThreadPoolExecutor | None = None
        self._loaded: _Model | None = None

    async def reply(self, request: Request) -> Reply:
        """Answer one request.

        Raises:
            TeacherError: the model cannot be loaded.

        """
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, thread_name_prefix="transformers")
        return await asyncio.get_running_loop().run_in_executor(self._thread, partial(self._answer, request))

    async def close(self) -> None:
        """Cancel waiting requests and free the model; idempotent."""
        if self._thread is not None:
            self._thread.shutdown(wait=True, cancel_futures=True)
        self._thread = self._loaded = None

    def _answer(self, request: Request) -> Reply:
        if self._loaded is None:
            self._loaded = _Model(self._options)
        return self._loaded.answer(request)


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
        raise UsageError(f"the transformers teacher needs the transformers extra: {install_command('transformers')}")


def _check_files(model: str, gguf: str) -> None:
    """Check that a folder has weights; a name on the hub is checked when it is loaded."""
    folder = Path(model)
    if not folder.is_dir():
        if folder.is_absolute() or model.startswith((".", "~")) or model.count("/") > 1 or folder.exists():
            raise UsageError(f"{model} is no folder: give one with weights and tokeniser, or a name on the hub")
        return
    wanted = gguf or "config.json"
    if not (folder / wanted).is_file():
        raise UsageError(f"{folder} holds no {wanted}: give a folder with weights and tokeniser")


class _Model:
    """Weights and tokeniser; used in the thread of the teacher only."""

    def __init__(self, options: TransformersOptions) -> None:
        import torch
        import transformers

        self._torch: Any = torch
        library = cast(Any, transformers)
        library.utils.logging.disable_progress_bar()  # glotsmith shows its own progress
        chosen: dict[str, Any] = {"gguf_file": options.gguf} if options.gguf else {}
        chosen |= {"revision": options.revision} if options.revision else {}
        device = options.device or ("cuda" if torch.cuda.is_available() else "cpu")
        try:
            self._tokenizer = library.AutoTokenizer.from_pretrained(options.model, **chosen)
            model = library.AutoModelForCausalLM.from_pretrained(options.model, dtype=options.dtype, **chosen)
            self._model: Any = model.to(device).eval()
        except Exception as error:  # the library documents no exception types
            raise TeacherError(f"{options.model}: the model can't be loaded: {_first_line(error)}") from error
        self._device = device
        self._longest: int = getattr(self._model.config, "max_position_embeddings", 0) or 1 << 30

    def answer(self, request: Request) -> Reply:
        """Return one reply, or a refusal if the model cannot process the request."""
        try:
            ids = self._encoded(request)
        except Exception as error:  # chat templates may refuse a conversation with any exception
            return Reply(text="", finish_reason="refused", detail=f"the model can't take this: {_first_line(error)}")
        length = int(ids.shape[1])
        remaining = self._longest - length
        if remaining < 1 or length < 1:
            detail = f"a prompt of {counted(length, 'token')}, and the model's context has {self._longest}"
            return Reply(text="", finish_reason="refused", detail=detail)
        most = min(request.sampling.max_tokens, remaining)
        made = self._generate(ids, request, most)
        new = made.sequences[0, length:].tolist()
        ended = bool(new) and new[-1] in self._end_tokens
        text = self._tokenizer.decode(new, skip_special_tokens=True)
        cut = cut_at_stop(text, request.sampling.stop)
        return Reply(
            text=cut,
            finish_reason="stop" if ended or cut != text or len(new) < most else "length",
            logprobs=self._logprobs(made.logits, new, request.sampling.logprobs),
            input_tokens=length,
            output_tokens=len(new),
        )

    @property
    def _end_tokens(self) -> set[int]:
        end: Any = self._model.generation_config.eos_token_id
        return set(cast("list[int]", end)) if isinstance(end, list) else {end}

    def _encoded(self, request: Request) -> Any:
        if request.messages:
            if not self._tokenizer.chat_template:
                raise ValueError("it has no chat template; ask it with --set style=completion")
            turns = [{"role": m.role, "content": m.content} for m in request.messages]
            text = self._tokenizer.apply_chat_template(turns, add_generation_prompt=True, tokenize=False)
            return self._ids(text, special=False)  # the template adds the special tokens
        return self._ids(request.prompt, special=True)

    def _ids(self, text: str, *, special: bool) -> Any:
        return self._tokenizer(text, add_special_tokens=special, return_tensors="pt")["input_ids"].to(self._device)

    def _generate(self, ids: Any, request: Request, tokens: int) -> Any:
        s = request.sampling
        how: dict[str, Any] = {"do_sample": False}
        if s.temperature > 0:
            how = {"do_sample": True, "temperature": s.temperature, "top_p": s.top_p, "top_k": 0}
        if s.stop:
            how["stopping_criteria"] = self._stopping(s.stop, int(ids.shape[1]))
        torch = self._torch
        with torch.random.fork_rng(), torch.inference_mode():
            torch.manual_seed(request_seed(request))
            return self._model.generate(
                ids,
                attention_mask=torch.ones_like(ids),
                max_new_tokens=tokens,
                return_dict_in_generate=True,
                output_logits=True,
                pad_token_id=self._tokenizer.pad_token_id or 0,
                repetition_penalty=s.repetition_penalty,  # also 1: the model may configure another value
                **how,
            )

    def _stopping(self, stop: tuple[str, ...], length: int) -> Any:
        """Return a criterion that stops at a stop sequence; that of the library does not support all tokenisers."""
        from transformers import StoppingCriteriaList

        def has_stopped(ids: Any, *_: Any, **__: Any) -> Any:
            text = self._tokenizer.decode(ids[0, length:], skip_special_tokens=True)
            return self._torch.tensor([any(mark in text for mark in stop)], device=ids.device)

        return StoppingCriteriaList([cast(Any, has_stopped)])

    def _logprobs(self, logits: Any, new: list[int], wanted: int) -> dict[str, float]:
        """Return the top tokens at the position of the first word, from the softmax over the vocabulary."""
        if not wanted:
            return {}
        at = first_word_position([self._tokenizer.decode([token]) for token in new])
        logprobs = self._torch.log_softmax(logits[at][0].float(), dim=-1)
        top = self._torch.topk(logprobs, min(wanted, int(logprobs.shape[-1])))
        tokens = self._tokenizer.convert_ids_to_tokens(top.indices.tolist())
        pairs = zip(tokens, top.values.tolist(), strict=True)
        return {token: value for token, value in pairs if token is not None and math.isfinite(value)}


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
