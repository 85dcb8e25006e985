"""The in-process teacher beyond the contract (``tests/contracts/test_teachers.py``), on a model made here."""

import asyncio
import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from glotsmith.errors import TeacherError, UsageError
from glotsmith.installation import install_command
from glotsmith.teachers import open_teacher
from glotsmith.teachers.base import Message, Reply, Request, Sampling, Teacher
from small_model import saying

pytestmark = pytest.mark.slow  # loading a model's libraries takes seconds

WORDS = ("one", "two", "three", "four")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saying(tmp_path_factory.mktemp("saying"), WORDS)


@pytest.fixture(scope="module")
def loop() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(scope="module")
def teacher(folder: Path, loop: asyncio.Runner) -> Iterator[Teacher]:
    made = open_teacher("transformers", model=str(folder), options={"device": "cpu"})
    yield made
    loop.run(made.close())


def chat(text: str = "count", **sampling: object) -> Request:
    return Request(
        call="x",
        item="x",
        messages=(Message(role="user", content=text),),
        sampling=Sampling(**sampling),  # type: ignore[arg-type]
    )


@pytest.mark.parametrize(
    ("request_", "text", "finish"),
    [
        (chat(), "one two three four", "stop"),
        (chat(max_tokens=2), "one two", "length"),
        (chat(stop=("three",)), "one two ", "stop"),
        (Request(call="x", item="x", prompt="one"), "two three four", "stop"),
        (Request(call="x", item="x", prompt=""), "", "refused"),
        (chat("hopeless"), "", "refused"),
        (chat("word " * 100), "", "refused"),  # longer than the model's context of 64
    ],
)
def test_it_says_what_the_model_says(
    request_: Request, text: str, finish: str, teacher: Teacher, loop: asyncio.Runner
) -> None:
    reply = loop.run(teacher.reply(request_))
    assert (reply.text, reply.finish_reason) == (text, finish)
    assert bool(reply.detail) == (finish == "refused")


def test_logprobs_are_of_the_first_token_and_of_the_whole_vocabulary(teacher: Teacher, loop: asyncio.Runner) -> None:
    reply = loop.run(teacher.reply(chat(logprobs=100)))
    assert set(reply.logprobs) == {"<unk>", "</s>", "<assistant>", *WORDS}
    assert max(reply.logprobs, key=lambda token: reply.logprobs[token]) == "one"
    assert len(loop.run(teacher.reply(chat(logprobs=2))).logprobs) == 2
    assert loop.run(teacher.reply(chat())).logprobs == {}


def test_logprobs_are_of_the_first_word_behind_marks(tmp_path: Path, loop: asyncio.Runner) -> None:
    async def ask() -> Reply:
        made = open_teacher("transformers", model=str(saying(tmp_path, ("▁", "**", "Yes"))), options={"device": "cpu"})
        try:
            return await made.reply(chat(logprobs=3))
        finally:
            await made.close()

    found = loop.run(ask()).logprobs
    assert max(found, key=lambda token: found[token]) == "Yes"


def test_a_sample_repeats_and_another_differs(teacher: Teacher, loop: asyncio.Runner) -> None:
    def sampled(seed: int) -> Reply:
        hot = Request(call="x", item="x", prompt="one", sampling=Sampling(temperature=50.0), seed=seed)
        return loop.run(teacher.reply(hot))

    assert [sampled(n) for n in range(5)] == [sampled(n) for n in range(5)]
    assert len({sampled(n).text for n in range(5)}) > 1


def test_repetition_is_penalised(teacher: Teacher, loop: asyncio.Runner) -> None:
    """What stood in the prompt is as likely as anything else then; without, nothing else is said."""

    def sampled(penalty: float) -> set[str]:
        sampling = Sampling(temperature=1.0, max_tokens=1, repetition_penalty=penalty)
        requests = [Request(call="x", item="x", prompt="two one", sampling=sampling, seed=n) for n in range(8)]
        return {loop.run(teacher.reply(a)).text for a in requests}

    assert sampled(1.0) == {"two"}
    assert len(sampled(1e6)) > 2


def test_a_models_own_configuration_penalises_nothing(folder: Path, tmp_path: Path, loop: asyncio.Runner) -> None:
    """Published models come with a penalty; a run's settings are all that counts."""
    own = shutil.copytree(folder, tmp_path / "own")
    (own / "generation_config.json").write_text(json.dumps({"eos_token_id": 1, "repetition_penalty": 1e6}))
    again = Request(call="x", item="x", prompt="two one", sampling=Sampling(max_tokens=1))

    async def ask() -> Reply:
        made = open_teacher("transformers", model=str(own), options={"device": "cpu"})
        try:
            return await made.reply(again)
        finally:
            await made.close()

    assert loop.run(ask()).text == "two"


def test_a_model_trained_again_in_its_folder_is_another(folder: Path, tmp_path: Path) -> None:
    def address(model: Path) -> str:
        return open_teacher("transformers", model=str(model)).address(chat())

    first = address(folder)
    assert address(folder) == first
    weights = folder / "model.safetensors"
    before = weights.stat()
    os.utime(weights, ns=(before.st_atime_ns, before.st_mtime_ns + 1))
    assert address(folder) != first


@pytest.mark.parametrize(
    ("options", "error", "sentence"),
    [
        ({}, UsageError, "no model is given"),
        ({"model": "x", "dtype": "int3"}, UsageError, "dtype"),
        ({"model": "/no/such/folder"}, UsageError, "/no/such/folder is not a folder"),
        ({"model": "/usr"}, UsageError, "/usr contains no config.json"),
    ],
)
def test_a_wrong_option_is_told(options: dict[str, str], error: type[Exception], sentence: str) -> None:
    with pytest.raises(error, match=sentence):
        asyncio.run(open_teacher("transformers", options=options).reply(chat()))


def test_a_model_that_can_not_be_loaded_is_told(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(TeacherError, match="the model cannot be loaded"):
        asyncio.run(open_teacher("transformers", model=str(tmp_path)).reply(chat()))


def test_a_missing_extra_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UsageError, match=re.escape(install_command("transformers"))):
        open_teacher("transformers", model="x")
