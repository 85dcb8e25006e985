"""Batches of the in-process teacher, on small models with random weights."""

import asyncio
import inspect
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from glotsmith.teachers import open_teacher
from glotsmith.teachers.base import Reply, Request, Sampling
from small_model import random_gguf, random_model

pytestmark = pytest.mark.slow  # loading a model's libraries takes seconds

SAMPLINGS = (
    Sampling(max_tokens=12),
    Sampling(max_tokens=40, temperature=1.0),
    Sampling(max_tokens=25, temperature=0.8, top_p=0.9),
    Sampling(max_tokens=1, logprobs=3),
    Sampling(max_tokens=30, temperature=2.0, top_p=0.5, stop=("e", "no")),
    Sampling(max_tokens=18, repetition_penalty=1.3, logprobs=2),
)


def request(number: int) -> Request:
    """Return one of many requests whose prompts, samplings and seeds differ; every third prompt is the same."""
    prompt = "local function" if number % 3 == 0 else f"{'-- Yes no ' * (number % 7)}f{number}("
    sampling = SAMPLINGS[number % len(SAMPLINGS)]
    return Request(call="x", item=str(number), prompt=prompt, sampling=sampling, seed=number)


async def replies(folder: Path, requests: Sequence[Request], batch: int) -> list[Reply]:
    teacher = open_teacher("transformers", model=str(folder), options={"dtype": "float32", "batch": batch})
    try:
        return await asyncio.gather(*map(teacher.reply, requests))
    finally:
        await teacher.close()


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return random_model(tmp_path_factory.mktemp("llama"), "llama")


@pytest.fixture(scope="module")
def mistral(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return random_model(tmp_path_factory.mktemp("mistral"), "mistral")


@pytest.fixture(scope="module")
def alone(llama: Path) -> list[Reply]:
    return asyncio.run(replies(llama, [request(n) for n in range(36)], 1))


def approximately(found: Reply) -> tuple[object, ...]:
    logprobs = {token: pytest.approx(value, abs=1e-4) for token, value in found.logprobs.items()}
    return (found.text, found.finish_reason, found.output_tokens, found.input_tokens, logprobs)


@pytest.mark.parametrize("batch", [2, 7, 64])
def test_a_reply_does_not_depend_on_its_batch(batch: int, llama: Path, alone: list[Reply]) -> None:
    made = asyncio.run(replies(llama, [request(n) for n in range(36)], batch))
    assert [approximately(r) for r in made] == [approximately(r) for r in alone]
    assert len({r.text for r in alone}) > 20


def test_a_model_with_a_sliding_window_answers_one_at_a_time(mistral: Path) -> None:
    requests = [request(n) for n in range(12)]
    alone = asyncio.run(replies(mistral, requests, 1))
    assert [r.text for r in asyncio.run(replies(mistral, requests, 8))] == [r.text for r in alone]


def test_a_cancelled_request_leaves_the_batch(llama: Path, alone: list[Reply]) -> None:
    async def ask() -> list[Reply]:
        teacher = open_teacher("transformers", model=str(llama), options={"dtype": "float32", "batch": 4})
        endless = Request(call="x", item="x", prompt="a", sampling=Sampling(max_tokens=100_000, temperature=1.0))
        try:
            await teacher.reply(request(0))
            tasks = [asyncio.ensure_future(teacher.reply(endless)) for _ in range(4)]
            await asyncio.sleep(0.3)
            for task in tasks:
                task.cancel()
            return await asyncio.wait_for(asyncio.gather(*(teacher.reply(request(n)) for n in range(6))), 60)
        finally:
            await teacher.close()

    assert [r.text for r in asyncio.run(ask())] == [r.text for r in alone[:6]]


def test_an_error_of_the_model_costs_the_rows_of_its_batch(llama: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from transformers import LlamaForCausalLM

    forward, calls = LlamaForCausalLM.forward, iter(range(10_000))

    def failing(self: object, *args: object, **kwargs: object) -> object:
        if next(calls) == 3:
            raise RuntimeError("out of memory")
        return forward(self, *args, **kwargs)  # type: ignore[arg-type]

    failing.__signature__ = inspect.signature(forward)  # type: ignore[attr-defined]
    monkeypatch.setattr(LlamaForCausalLM, "forward", failing)

    async def ask() -> list[Reply | BaseException]:
        teacher = open_teacher("transformers", model=str(llama), options={"dtype": "float32", "batch": 4})
        try:
            first = await asyncio.gather(teacher.reply(request(1)), return_exceptions=True)
            return [*first, await teacher.reply(request(2))]
        finally:
            await teacher.close()

    failed, good = asyncio.run(ask())
    assert isinstance(failed, RuntimeError)
    assert isinstance(good, Reply)


_LOAD = """
import asyncio, sys
from glotsmith.teachers import open_teacher
from glotsmith.teachers.base import Request, Sampling
async def main():
    teacher = open_teacher("transformers", model=sys.argv[1], options={"gguf": sys.argv[2], "dtype": "bfloat16"})
    print((await teacher.reply(Request(call="x", item="x", prompt="a", sampling=Sampling(max_tokens=3)))).output_tokens)
    await teacher.close()
asyncio.run(main())
"""


def test_loading_a_gguf_file_prints_nothing(tmp_path: Path) -> None:
    random_gguf(tmp_path / "m.gguf", seed=1)
    done = subprocess.run([sys.executable, "-c", _LOAD, tmp_path, "m.gguf"], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("3\n", "")


def test_closing_cancels_what_waits(llama: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from transformers import LlamaForCausalLM

    forward = LlamaForCausalLM.forward
    started = threading.Event()

    def slow(self: object, *args: object, **kwargs: object) -> object:
        started.set()
        time.sleep(0.05)  # the reply has 237 tokens: it lasts 12 s
        return forward(self, *args, **kwargs)  # type: ignore[arg-type]

    slow.__signature__ = inspect.signature(forward)  # type: ignore[attr-defined]
    monkeypatch.setattr(LlamaForCausalLM, "forward", slow)

    async def ask() -> list[object]:
        teacher = open_teacher("transformers", model=str(llama), options={"dtype": "float32", "batch": 2})
        endless = Request(call="x", item="x", prompt="a", sampling=Sampling(max_tokens=100_000, temperature=1.0))
        tasks = [asyncio.ensure_future(teacher.reply(endless)) for _ in range(5)]
        await asyncio.to_thread(started.wait)
        await teacher.close()
        await teacher.close()
        return await asyncio.gather(*tasks, return_exceptions=True)

    assert all(isinstance(found, asyncio.CancelledError) for found in asyncio.run(ask()))
