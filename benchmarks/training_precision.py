"""Tokens a second of supervised fine-tuning on a processor: bfloat16 beside float32, and beside TRL's own ways.

    python benchmarks/training_precision.py [--model FILE.gguf] [--steps 6] [--repeats 3]

Each measurement is a process that trains SmolLM2-135M-Instruct (or another model) by ``glotsmith.training.sft`` on
packed sequences, 4 of 512 tokens a step. ``float32`` and ``bfloat16`` differ in autocast. ``parts`` is ``bfloat16``
with TRL's loss, which computes the scores of the vocabulary in parts. ``returned`` is ``bfloat16`` with the defaults of
glibc, which return freed memory to the kernel. Kinds alternate; the table shows medians.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

from glotsmith.records import Example, Lineage, Origin
from glotsmith.teachers.local.weights import default_weights
from glotsmith.training import loop, sft
from glotsmith.training.precision import Precision
from glotsmith.training.presets import preset_settings

KINDS = ("float32", "bfloat16", "parts", "returned")
TEXT = "local function add(one, other)\n  return one + other\nend\n" * 40


def rows() -> Iterator[Example]:
    """Return rows that fill some hundred sequences."""
    for number in range(300):
        yield Example(
            id=str(number), parallel_id=str(number), language="lua", name="add", messages=(), source="",
            prompt=f"-- {number}\n", completion=TEXT, origin=Origin(source="", path=""), lineage=Lineage(teacher=""),
        )  # fmt: skip


def measure(kind: str, model: str, steps: int) -> float:
    """Return tokens a second of a training of one kind, in this process."""
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
    rates: dict[str, list[float]] = {kind: [] for kind in KINDS}
    same = ["--model", options.model, "--steps", str(options.steps)]
    for _ in range(options.repeats):
        for kind, found_rates in rates.items():
            command = [sys.executable, __file__, *same, "--kind", kind]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            found_rates.append(float(done.stdout.rpartition("rate ")[2]))
            print(f"{kind}: {found_rates[-1]:.0f} tokens a second", file=sys.stderr)
    base = statistics.median(rates["float32"])
    print(f"{'':10}{'tokens/s':>10}{'least':>8}{'most':>8}{'of float32':>12}")
    for kind, values in rates.items():
        middle = statistics.median(values)
        print(f"{kind:10}{middle:10.0f}{min(values):8.0f}{max(values):8.0f}{middle / base:12.2f}")


if __name__ == "__main__":
    main()
