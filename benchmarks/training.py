"""Measure tokens per second and MFU of supervised fine-tuning, packed and in bfloat16.

    python benchmarks/training.py --shape 0.5B --shape 1.5B

The models have the shapes of Qwen2.5-Coder and random weights. The command needs a GPU; ``--shape tiny`` tries the
script on a CPU. The trainer is that of ``glotsmith train sft``. Each row has random tokens that fill one sequence, so
that no token is padding.

MFU is the number of floating-point operations divided by the dense bfloat16 peak of the device. A token counts as
6 N + 6 L T D operations, forward and backward: N is the number of multiplied weights, L the number of layers, T the
length of a sequence, D the width of all heads. Causal attention counts as half. The recomputation of
``--checkpointing`` does not count.
"""

import argparse
import json
import math
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple


class Shape(NamedTuple):
    """The configuration of a model, from the config.json of Qwen2.5-Coder."""

    hidden: int
    intermediate: int
    layers: int
    heads: int
    kv_heads: int
    vocabulary: int = 151936

    @property
    def weights(self) -> int:
        """The number of weights that every token is multiplied with.

        These are all weights except the input embedding, which is tied to the output.
        """
        kv = self.hidden // self.heads * self.kv_heads
        attention = 2 * self.hidden * self.hidden + 2 * self.hidden * kv
        return self.layers * (attention + 3 * self.hidden * self.intermediate) + self.vocabulary * self.hidden

    def flops(self, length: int) -> float:
        """Return the floating-point operations of a token, forward and backward."""
        return 6 * self.weights + 6 * self.layers * length * self.hidden


SHAPES = {
    "0.5B": Shape(896, 4864, 24, 14, 2),
    "1.5B": Shape(1536, 8960, 28, 12, 2),
    "tiny": Shape(64, 128, 2, 4, 2, 512),
}
#: part of a device's name → dense bfloat16 peak in TFLOP/s, from the data sheets of the makers
PEAKS = {
    "H200": 989.4,
    "H100 PCIe": 756.0,
    "H100": 989.4,
    "A100": 311.9,
    "L40S": 362.0,
    "RTX 4090": 165.2,
    "A10": 125.0,
}


def model(shape: Shape, attention: str) -> Any:
    """Return a model with random weights."""
    import torch
    from transformers import AutoModelForCausalLM, Qwen2Config

    config = Qwen2Config(
        vocab_size=shape.vocabulary,
        hidden_size=shape.hidden,
        intermediate_size=shape.intermediate,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.kv_heads,
        tie_word_embeddings=True,
        max_position_embeddings=32768,
        use_cache=False,
    )
    return AutoModelForCausalLM.from_config(config, dtype=torch.float32, attn_implementation=attention)


def tokenizer(folder: Path) -> Any:
    """Return a tokenizer, which the trainer requires and does not use: the rows are tokens already."""
    import sys

    sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
    from transformers import AutoTokenizer

    import tiny_model

    return AutoTokenizer.from_pretrained(tiny_model.make(folder, ["x"], hidden=8, vocabulary=300))


def rows(shape: Shape, length: int, count: int) -> Any:
    """Return packed rows of random tokens; every row is full."""
    import numpy

    import datasets

    random = numpy.random.default_rng(0)
    tokens = random.integers(300, shape.vocabulary, (count, length)).tolist()
    return datasets.Dataset.from_dict({"input_ids": tokens, "labels": tokens})


class Clock:
    """The times at which the warm-up and the last step ended."""

    def __init__(self, warmup: int) -> None:
        self.warmup, self.start, self.end = warmup, 0.0, 0.0

    def callback(self) -> Any:
        """Return the trainer's callback."""
        import torch
        from transformers import TrainerCallback

        clock = self

        class Timed(TrainerCallback):
            def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
                if torch.cuda.is_available():
                    torch.cuda.synchronize()
                now = time.perf_counter()
                if state.global_step == clock.warmup:
                    clock.start = now
                clock.end = now

        return Timed()


def measure(name: str, options: argparse.Namespace) -> dict[str, Any]:
    """Train for a number of steps; return the figures."""
    import torch

    from glotsmith.training import sft
    from glotsmith.training.loop import TrainerInput
    from glotsmith.training.presets import TrainingSettings

    shape, gpu = SHAPES[name], torch.cuda.is_available()
    clock = Clock(options.warmup)
    torch.set_float32_matmul_precision("high")
    with tempfile.TemporaryDirectory() as folder:
        arguments = {
            "output_dir": folder, "max_steps": options.warmup + options.steps, "bf16": gpu, "use_cpu": not gpu,
            "per_device_train_batch_size": options.batch, "max_length": options.length, "report_to": "none",
            "save_strategy": "no", "logging_strategy": "no", "disable_tqdm": True, "learning_rate": 1e-5,
            "optim": "adamw_torch_fused" if gpu else "adamw_torch", "dataloader_num_workers": 0,
            "activation_checkpointing": options.checkpointing, "torch_compile": options.compile,
        }  # fmt: skip
        count = options.batch * (options.warmup + options.steps)
        made = TrainerInput(
            model(shape, options.attention), tokenizer(Path(folder) / "tokenizer"), None,
            rows(shape, options.length, count), None, [clock.callback()],
        )  # fmt: skip
        settings = TrainingSettings(packing="none", max_length=options.length, loss="all")
        sft._make_trainer(made, arguments, settings).train()
    tokens = options.steps * options.batch * options.length
    rate = tokens / (clock.end - clock.start)
    device = torch.cuda.get_device_name() if gpu else "CPU"
    peak = next((value for part, value in PEAKS.items() if part in device), math.nan) * 1e12
    return {
        "shape": name, "weights": shape.weights, "device": device, "tokens/s": round(rate),
        "TFLOP/s": round(rate * shape.flops(options.length) / 1e12, 2),
        "MFU": round(rate * shape.flops(options.length) / peak, 4) if gpu and peak == peak else None,
        "peak memory GiB": round(torch.cuda.max_memory_allocated() / 2**30, 1) if gpu else None,
        "batch": options.batch, "length": options.length, "attention": options.attention,
    }  # fmt: skip


def main() -> None:
    from glotsmith.training.needs import silence_libraries
    from glotsmith.training.training_report import versions

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shape", action="append", choices=SHAPES, help="repeatable; default 0.5B and 1.5B")
    parser.add_argument("--batch", type=int, default=16, help="sequences per step")
    parser.add_argument("--length", type=int, default=2048, help="tokens per sequence")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--warmup", type=int, default=5, help="steps that are not timed")
    parser.add_argument("--attention", default="sdpa", help="sdpa, flash_attention_2, eager")
    parser.add_argument("--compile", action="store_true", help="torch.compile")
    parser.add_argument("--checkpointing", action="store_true", help="recompute activations, to save memory")
    options = parser.parse_args()
    shapes = options.shape or ["0.5B", "1.5B"]
    import torch

    if not torch.cuda.is_available() and set(shapes) - {"tiny"}:
        parser.exit(2, "Cannot measure: this machine has no GPU. Pass --shape tiny to try the script on the CPU.\n")
    silence_libraries()
    for shape in shapes:
        print(json.dumps(measure(shape, options)))
    print(json.dumps(versions()))


if __name__ == "__main__":
    main()
