"""Continuous batching: rows join and leave a batch between two tokens.

Rows of different length are padded on the left; a mask hides the padding. A row that ends leaves at once, so a long
reply does not delay the others. This is how vLLM and TGI batch (Yu et al., Orca, OSDI 2022), without their paged cache.
"""

import inspect
import random
from collections.abc import Callable, Sequence
from typing import Any

from glotsmith.teachers.base import Sampling
from glotsmith.teachers.transformers.sampling import choose_tokens, penalise_repetition


class GenerationRow:
    """One unfinished reply."""

    def __init__(self, ids: Sequence[int], sampling: Sampling, seed: int, most: int) -> None:
        """Start a row.

        Args:
            ids: the tokens of the prompt, at least one.
            sampling: how tokens are chosen.
            seed: the seed of the random numbers of this row; they do not depend on the other rows of the batch.
            most: largest number of tokens of the reply, at least one.

        """
        self.ids = list(ids)
        self.sampling = sampling
        self.most = most
        self.new: list[int] = []
        self._random = random.Random(seed)  # noqa: S311 — samples, not secrets

    def draw(self) -> float:
        """Return the random number in [0, 1) for the next token."""
        return self._random.random()


class Batch:
    """The rows that a model continues, with their keys and values. Not thread-safe."""

    def __init__(self, model: Any, has_ended: Callable[[GenerationRow], bool], on_scores: Callable[..., None]) -> None:
        """Start an empty batch.

        Args:
            model: a causal language model of ``transformers``, in evaluation mode.
            has_ended: whether a row ends after its last token; called after each token.
            on_scores: called with each row that requests logprobs and its scores, before its token is chosen.

        """
        import torch

        self.rows: list[GenerationRow] = []
        self._torch: Any = torch
        self._model = model
        self._has_ended = has_ended
        self._on_scores = on_scores
        self._arguments = set(inspect.signature(model.forward).parameters)
        self._cache_name = "cache" if "cache" in self._arguments else "past_key_values"  # the older name
        self._cache: Any = None
        self._mask: Any = None  # (rows, columns): 1 for a token, 0 for padding
        self._next: Any = None  # (rows, 1): the last token of each row
        self.can_grow = False  #: whether the model can continue several rows; known after the first

    def join(self, rows: Sequence[GenerationRow]) -> list[GenerationRow]:
        """Read the prompts of new rows and choose their first tokens; return the rows that have ended with them.

        Equal prompts are read once.

        Raises:
            Exception: the model raised it; the batch is unchanged.

        """
        prompts = list(dict.fromkeys(tuple(row.ids) for row in rows))
        indices = self._tensor([prompts.index(tuple(row.ids)) for row in rows])
        longest = max(map(len, prompts))
        ids = self._tensor([(*[0] * (longest - len(prompt)), *prompt) for prompt in prompts])
        mask = self._tensor([(*[0] * (longest - len(prompt)), *[1] * len(prompt)) for prompt in prompts])
        with self._torch.inference_mode():
            made = self._forward(ids, mask, None)
            chosen = self._choose(made.logits[:, -1][indices], rows)
            if len(prompts) < len(rows):
                made[self._cache_name].batch_select_indices(indices)
        self._merge(rows, made[self._cache_name], mask[indices], chosen)
        return self._remove_ended()

    def step(self) -> list[GenerationRow]:
        """Choose one more token for each row; return the rows that have ended with it."""
        with self._torch.inference_mode():
            self._mask = self._torch.nn.functional.pad(self._mask, (0, 1), value=1)
            made = self._forward(self._next, self._mask, self._cache)
            self._next = self._choose(made.logits[:, -1], self.rows)
        return self._remove_ended()

    def remove(self, leaving: Sequence[GenerationRow]) -> None:
        """Remove rows, and the columns that only they used."""
        kept = [n for n, row in enumerate(self.rows) if row not in leaving]
        if len(kept) == len(self.rows):
            return
        self.rows = [self.rows[n] for n in kept]
        if not kept:
            self._cache = self._mask = self._next = None
            return
        indices = self._tensor(kept)
        self._cache.batch_select_indices(indices)
        self._mask, self._next = self._mask[indices], self._next[indices]
        if self.can_grow:
            self._trim(int(self._mask.argmax(dim=1).min()))

    def _remove_ended(self) -> list[GenerationRow]:
        ended = [row for row in self.rows if len(row.new) >= row.most or self._has_ended(row)]
        self.remove(ended)
        return ended

    def _trim(self, columns: int) -> None:
        """Drop columns on the left that are padding in all rows."""
        if columns:
            self._mask = self._mask[:, columns:]
            for layer in self._cache.layers:
                layer.keys, layer.values = layer.keys[..., columns:, :], layer.values[..., columns:, :]

    def _forward(self, ids: Any, mask: Any, cache: Any) -> Any:
        given: dict[str, Any] = {"input_ids": ids, "attention_mask": mask, self._cache_name: cache, "use_cache": True}
        if "position_ids" in self._arguments:
            given["position_ids"] = (mask.cumsum(dim=1) - 1).clamp(min=0)[:, -ids.shape[1] :]
        if "logits_to_keep" in self._arguments:
            given["logits_to_keep"] = 1
        return self._model(**given)

    def _choose(self, logits: Any, rows: Sequence[GenerationRow]) -> Any:
        """Return the next token of each row, (rows, 1), and append it to the row."""
        scores = logits.float()
        for n, row in enumerate(rows):
            if row.sampling.logprobs:
                self._on_scores(row, scores[n])
            if row.sampling.repetition_penalty != 1.0:
                penalise_repetition(scores[n], row.ids + row.new, row.sampling.repetition_penalty)
        chosen = choose_tokens(scores, [row.sampling for row in rows], [row.draw() for row in rows])
        for row, token in zip(rows, chosen, strict=True):
            row.new.append(token)
        return self._tensor(chosen)[:, None]

    def _tensor(self, values: Any) -> Any:
        return self._torch.tensor(values, device=self._model.device)

    def _merge(self, rows: Sequence[GenerationRow], cache: Any, mask: Any, last: Any) -> None:
        if self.rows:
            self._mask, mask = self._equally_wide(self._mask, mask)
            self._mask = self._torch.cat([self._mask, mask])
            self._next = self._torch.cat([self._next, last])
            for layer, added in zip(self._cache.layers, cache.layers, strict=True):
                layer.keys = self._torch.cat(self._equally_long(layer.keys, added.keys))
                layer.values = self._torch.cat(self._equally_long(layer.values, added.values))
        else:
            self._cache, self._mask, self._next = cache, mask, last
            self.can_grow = "position_ids" in self._arguments and _only_plain_layers(cache)
        self.rows.extend(rows)

    def _equally_wide(self, one: Any, other: Any) -> tuple[Any, Any]:
        width = max(one.shape[1], other.shape[1])
        pad = self._torch.nn.functional.pad
        return pad(one, (width - one.shape[1], 0)), pad(other, (width - other.shape[1], 0))

    def _equally_long(self, one: Any, other: Any) -> tuple[Any, Any]:
        """Pad keys or values, (rows, heads, columns, width), on the left of their columns."""
        length = max(one.shape[-2], other.shape[-2])
        pad = self._torch.nn.functional.pad
        return pad(one, (0, 0, length - one.shape[-2], 0)), pad(other, (0, 0, length - other.shape[-2], 0))


def _only_plain_layers(cache: Any) -> bool:
    """Return whether all layers keep every column: those of sliding windows and recurrent models do not."""
    from transformers.cache_utils import DynamicLayer

    return all(type(layer) is DynamicLayer for layer in getattr(cache, "layers", [None]))
