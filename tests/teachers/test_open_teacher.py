"""Opening a teacher by name, with options as they come from a command line or a file."""

from pathlib import Path
from typing import Any

import pytest

from glotsmith.errors import UsageError
from glotsmith.teachers import TEACHERS, open_teacher
from glotsmith.teachers.openai import OpenAI
from glotsmith.teachers.wrappers import CachedTeacher


class Nothing:
    """A cache that forgets."""

    def get(self, kind: str, key: str) -> bytes | None:
        return None

    def put(self, kind: str, key: str, value: bytes) -> None:
        pass


def test_text_is_converted_to_the_options_type() -> None:
    teacher = open_teacher(
        "openai", model="m", base_url="http://localhost:1/v1", options={"max_concurrency": "3", "extra": {"top_k": 20}}
    )
    assert isinstance(teacher, OpenAI)
    assert (teacher.model, teacher.url, teacher.limiter.maximum) == ("m", "http://localhost:1/v1", 3)
    other = open_teacher("openai", model="m")
    assert other.fingerprint != teacher.fingerprint


def test_where_a_model_is_served_does_not_matter() -> None:
    ports = (8000, 8001)
    first, second = (open_teacher("openai", model="m", base_url=f"http://localhost:{port}/v1") for port in ports)
    assert first.fingerprint == second.fingerprint


def test_a_cache_stands_in_front(tmp_path: Path) -> None:
    replies = tmp_path / "r.jsonl"
    replies.write_text("")
    teacher = open_teacher("scripted", options={"replies": str(replies)}, cache=Nothing())
    assert isinstance(teacher, CachedTeacher)
    assert (teacher.name, teacher.fingerprint) == ("scripted", teacher.monitored.fingerprint)


@pytest.mark.parametrize(
    ("name", "given", "sentence"),
    [
        ("gpt", {}, "no teacher 'gpt'; there are: batch, local, offline, openai, scripted"),
        ("openai", {}, "no model is given"),
        (
            "openai",
            {"model": "m", "options": {"temprature": 1}},
            "no option 'temprature'; there are: model, base_url",
        ),
        ("openai", {"model": "m", "options": {"attempts": "many"}}, "invalid option of the teacher openai: .*attempts"),
        ("scripted", {"model": "f", "base_url": "http://h/v1"}, "scripted has no option 'base_url'"),
        ("scripted", {}, "needs one file of replies"),
    ],
)
def test_what_cannot_be_opened(name: str, given: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        open_teacher(name, **given)


def test_the_table_is_in_order() -> None:
    assert list(TEACHERS) == sorted(TEACHERS)
