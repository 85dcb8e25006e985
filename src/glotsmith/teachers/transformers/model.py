"""Weights and tokeniser of a causal language model, and the replies that a batch of them makes."""

import math
import os
from collections.abc import Sequence
from typing import Any, cast

from glotsmith.counts import counted
from glotsmith.errors import TeacherError
from glotsmith.teachers.base import WORD_EDGES, Reply, Request
from glotsmith.teachers.openai_wire import cut_at_stop, request_seed
from glotsmith.teachers.transformers.attention import use_grouped_attention
from glotsmith.teachers.transformers.batch import Batch, GenerationRow

#: Read when the libraries are imported. OpenMP threads that wait must sleep: by default they spin, and the programs
#: under test then slow the model down many times (``benchmarks/local_teacher.py``). glotsmith shows its own progress.
_ENVIRONMENT = {"OMP_WAIT_POLICY": "passive", "TQDM_DISABLE": "1"}
_BYTES = 4  #: largest number of bytes of a character in UTF-8: a tokeniser may need a token for each byte


class ReplyRow(GenerationRow):
    """One unfinished reply, with the logprobs of its tokens."""

    def __init__(self, ids: Sequence[int], request: Request, most: int) -> None:
        """Start the row of a request."""
        super().__init__(ids, request.sampling, request_seed(request), most)
        self.logprobs: list[dict[str, float]] = []  #: logprobs of each token up to the first word


class Model:
    """Weights and tokeniser; one thread uses them."""

    def __init__(
        self, model: str, *, gguf: str = "", revision: str = "", device: str = "", dtype: str = "auto"
    ) -> None:
        """Load a model; the parameters are those of ``TransformersOptions``.

        Raises:
            TeacherError: the library cannot load it.

        """
        for name, value in _ENVIRONMENT.items():
            os.environ.setdefault(name, value)
        import torch
        import transformers

        self._torch: Any = torch
        library = cast(Any, transformers)
        library.utils.logging.disable_progress_bar()  # glotsmith shows its own progress
        chosen: dict[str, Any] = {"revision": revision} if revision else {}
        chosen |= {"gguf_file": gguf} if gguf else {}
        dense: dict[str, Any] = {}
        if gguf and hasattr(library, "GgufConfig"):  # versions without it always dequantise
            dense = {"quantization_config": library.GgufConfig(dequantize=True)}
        device = device or ("cuda" if torch.cuda.is_available() else "cpu")
        try:
            self._tokenizer = library.AutoTokenizer.from_pretrained(model, **chosen)
            loaded = library.AutoModelForCausalLM.from_pretrained(model, dtype=dtype, **chosen, **dense)
            self._model: Any = loaded.to(device).eval()
            use_grouped_attention(self._model)
        except Exception as error:  # the library documents no exception types
            raise TeacherError(f"{model}: the model cannot be loaded: {first_line(error)}") from error
        self._longest: int = getattr(self._model.config, "max_position_embeddings", 0) or 1 << 30

    def empty_batch(self) -> Batch:
        """Return a batch without rows."""
        return Batch(self._model, self._has_ended, self._store_logprobs)

    def row(self, request: Request) -> ReplyRow | Reply:
        """Return the row of a request, or a refusal if the model cannot process it."""
        try:
            ids = self._encoded(request)
        except Exception as error:  # chat templates may refuse a conversation with any exception
            detail = f"the model cannot read this request: {first_line(error)}"
            return Reply(text="", finish_reason="refused", detail=detail)
        remaining = self._longest - len(ids)
        if remaining < 1 or not ids:
            detail = f"the prompt has {counted(len(ids), 'token')}, but the context of the model has {self._longest}"
            return Reply(text="", finish_reason="refused", detail=detail)
        return ReplyRow(ids, request, max(1, min(request.sampling.max_tokens, remaining)))

    def reply(self, row: ReplyRow) -> Reply:
        """Return the reply of a row that has ended."""
        text = self._decoded(row.new)
        cut = cut_at_stop(text, row.sampling.stop)
        stopped = row.new[-1] in self._end_tokens or cut != text
        return Reply(
            text=cut,
            finish_reason="stop" if stopped else "length",
            logprobs=self._logprobs_of_first_word(row),
            input_tokens=len(row.ids),
            output_tokens=len(row.new),
        )

    @property
    def _end_tokens(self) -> set[int]:
        end: Any = self._model.generation_config.eos_token_id
        return set(cast("list[int]", end)) if isinstance(end, list) else {end}

    def _decoded(self, tokens: Sequence[int]) -> str:
        return self._tokenizer.decode(tokens, skip_special_tokens=True)

    def _encoded(self, request: Request) -> list[int]:
        if request.messages:
            if not self._tokenizer.chat_template:
                raise ValueError("its tokenizer has no chat template. Use the style completion")
            turns = [{"role": m.role, "content": m.content} for m in request.messages]
            text = self._tokenizer.apply_chat_template(turns, add_generation_prompt=True, tokenize=False)
            return self._ids(text, special=False)  # the template adds the special tokens
        return self._ids(request.prompt, special=True)

    def _ids(self, text: str, *, special: bool) -> list[int]:
        return self._tokenizer(text, add_special_tokens=special)["input_ids"]

    def _has_ended(self, row: GenerationRow) -> bool:
        """Return whether a row ends with its last token: with an end token, or within a stop sequence."""
        if row.new[-1] in self._end_tokens:
            return True
        if not row.sampling.stop:
            return False
        text = self._decoded(row.new[-_BYTES * max(map(len, row.sampling.stop)) :])
        return any(mark in text for mark in row.sampling.stop)

    def _logprobs_of_first_word(self, row: ReplyRow) -> dict[str, float]:
        if not row.logprobs:
            return {}
        return row.logprobs[-1 if self._has_word(row) else 0]

    def _has_word(self, row: GenerationRow) -> bool:
        return any(self._tokenizer.decode([token]).strip(WORD_EDGES) for token in row.new)

    def _store_logprobs(self, row: GenerationRow, scores: Any) -> None:
        """Keep the top tokens, by the softmax over the vocabulary, of each position up to that of the first word."""
        if not isinstance(row, ReplyRow) or self._has_word(row):
            return
        logprobs = self._torch.log_softmax(scores, dim=-1)
        top = self._torch.topk(logprobs, min(row.sampling.logprobs, int(logprobs.shape[-1])))
        tokens = self._tokenizer.convert_ids_to_tokens(top.indices.tolist())
        pairs = zip(tokens, top.values.tolist(), strict=True)
        row.logprobs.append({t: value for t, value in pairs if t is not None and math.isfinite(value)})


def first_line(error: Exception) -> str:
    """Return the first line of an exception's message, or its type."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]
