"""Choose the precision: bfloat16 autocast on a GPU that supports it, and on a CPU if a measurement shows a gain."""

import time
from pathlib import Path
from statistics import median
from typing import Any

from glotsmith.records import Record
from glotsmith.training import ranks
from glotsmith.training.models import has_bf16, on_gpu
from glotsmith.training.needs import load
from glotsmith.training.presets import TrainingSettings
from glotsmith.training.training_folder import read_record, write_json

PRECISION = "precision.json"
_SMALL = 20_000_000  #: largest number of parameters with which a model trains in float32 without a measurement
_TOKENS = 256  #: number of tokens of a measured step
_STEPS = 2  #: number of measured steps for each precision, after an unmeasured one
_GAIN = 1.2  #: smallest factor by which bfloat16, which is less exact, must be faster


class Precision(Record, frozen=True, kw_only=True):
    """The precision in which a training computes; the weights stay float32."""

    bf16: bool
    float32_tokens_s: float = 0.0  #: tokens per second in the measurement; 0 without one
    bfloat16_tokens_s: float = 0.0

    @property
    def description(self) -> str:
        """The precision in words, with the measurement."""
        chosen = "bfloat16 autocast" if self.bf16 else "float32"
        if not self.float32_tokens_s:
            return chosen
        return (
            f"{chosen} (measured: {self.bfloat16_tokens_s:.0f} tokens a second in bfloat16, "
            f"{self.float32_tokens_s:.0f} in float32)"
        )


def choose_precision(folder: Path, model: Any, settings: TrainingSettings) -> Precision:
    """Return the precision of a training. It is stored in ``folder``, so that a resumed training keeps it."""
    if on_gpu():
        return Precision(bf16=has_bf16())
    if settings.dtype != "auto" or model.num_parameters() <= _SMALL:
        return Precision(bf16=False)
    file = folder / PRECISION
    if ranks.is_first_process() and not file.is_file():
        write_json(file, _measure(model, settings))
    ranks.wait_for_all()
    return read_record(file, Precision)


def _measure(model: Any, settings: TrainingSettings) -> Precision:
    single, half = (_tokens_per_second(model, settings, bf16=bf16) for bf16 in (False, True))
    return Precision(bf16=half >= _GAIN * single, float32_tokens_s=round(single, 1), bfloat16_tokens_s=round(half, 1))


def _tokens_per_second(model: Any, settings: TrainingSettings, *, bf16: bool) -> float:
    """Measure forward and backward passes, without a change of the weights or of the random state."""
    torch = load("torch")
    seconds = list[float]()
    with torch.random.fork_rng():
        ids = torch.randint(model.get_input_embeddings().num_embeddings, (1, min(settings.max_length, _TOKENS)))
        for _ in range(1 + _STEPS):
            begun = time.perf_counter()
            with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
                loss = model(input_ids=ids, labels=ids).loss
            loss.backward()
            model.zero_grad(set_to_none=True)
            seconds.append(time.perf_counter() - begun)
    return ids.numel() / median(seconds[1:])
