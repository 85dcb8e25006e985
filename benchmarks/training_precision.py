"""Measure supervised fine-tuning on a CPU: bfloat16 in comparison with float32 and with the defaults of TRL.

    python benchmarks/training_precision.py [--model FILE.gguf] [--steps 6] [--repeats 3]

Each measurement is a process that trains SmolLM2-135M-Instruct (or another model) with ``glotsmith.training.sft`` on
packed sequences, 4 sequences of 512 tokens per step. The kinds are:

- ``float32`` trains without autocast.
- ``bfloat16`` trains with autocast.
- ``parts`` is ``bfloat16`` with the loss of TRL, which computes the logits in parts.
- ``returned`` is ``bfloat16`` with the defaults of glibc, which returns freed memory to the kernel.

The table shows medians in tokens per second.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

from rates import alternate, print_table

from glotsmith.records import Example, Lineage, Origin
from glotsmith.teachers.local.weights import default_weights
from glotsmith.training import loop, sft
from glotsmith.training.precision import Precision
from glotsmith.training.presets import preset_settings

KINDS = ("float32", "bfloat16", "parts", "returned")
TEXT = "local function add(one, other)\n  return one + other\nend\n" * 40


def rows() -> Iterator[Example]:
    """Yield rows that fill a few hundred sequences."""
    for number in range(300):
        yield Example(
            id=str(number), parallel_id=str(number), language="lua", name="add", messages=(), source="",
            prompt=f"-- {number}\n", completion=TEXT, origin=Origin(source="", path=""), lineage=Lineage(teacher=""),
        )  # fmt: skip


def measure(kind: str, model: str, steps: int) -> float:
    """Train in this process in the way of one kind; return tokens per second."""
    settings = preset_settings(
        "general",
        {"style": "plain", "loss": "all", "packing": "wrapped", "max_length": 512, "batch": 4, "held_out": 0.0}
        | {"epochs": (100.0,), "max_steps": steps},
    )  # fmt: skip
    job = loop.TrainingJob(method="sft", model=model, preset="general", how=settings)
    precision = Precision(bf16=kind != "float32")
    with tempfile.TemporaryDirectory() as folder, mock.patch.object(loop, "choose_precision", lambda *_: precision):
        if kind == "parts":
            sft._MOST_SCORES = 0
        if kind == "returned":
            loop.keep_freed_memory = lambda: None
        report = sft.sft(job, rows, Path(folder), lambda _: None)
    stage = report.stages[0]
    return stage.tokens / stage.seconds


def measure_in_process(kind: str, model: str, steps: int) -> float:
    """Measure one kind in a new process; return tokens per second."""
    command = [sys.executable, __file__, "--model", model, "--steps", str(steps), "--kind", kind]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(done.stdout.rpartition("rate ")[2])


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    found = default_weights()
    parser.add_argument("--model", default=str(found.path) if found else "", help="a folder or a GGUF file")
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--kind", choices=KINDS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.kind:
        print(f"rate {measure(options.kind, options.model, options.steps)}")
        return
    rates = alternate(KINDS, options.repeats, lambda kind: measure_in_process(kind, options.model, options.steps))
    print_table(rates, base="float32")


if __name__ == "__main__":
    main()
