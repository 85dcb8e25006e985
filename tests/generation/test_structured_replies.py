"""What structured replies are read as: every dress that models put them in, and every failure by its name."""

import json

import msgspec
import pytest

from glotsmith.drop_reasons import Reason
from glotsmith.generation.structured_replies import (
    UnusableReply,
    object_schema,
    read_object,
    read_sections,
    reply_text,
    sections_schema,
)
from glotsmith.teachers.base import Reply


class Score(msgspec.Struct):
    points: int
    why: str = ""


@pytest.mark.parametrize(
    ("reply_text", "expected"),
    [
        ('{"points": 4, "why": "clear"}', Score(4, "clear")),
        ('Sure! Here it is:\n\n```json\n{"points": 4, "why": "clear"}\n```\nAnything else?', Score(4, "clear")),
        ('<think>{"points": 1}</think>{"points": 4}', Score(4)),
        ('{"points": "4", "why": "one\ntwo"}', Score(4, "one\ntwo")),  # a string for a number, a broken line
        ('{"points": 4, "why": "a, }",}', Score(4, "a, }")),  # a comma too many, and one in a string
        ('The form {"x": ...} is this: {"points": 4, "more": [1, 2]}', Score(4)),
        ('{"why": "none"} {"points": 4}', Score(4)),
        ('{"points": 4}<|im_end|>{"points": 5}', Score(4)),
    ],
)
def test_an_object_is_found_in_every_dress(reply_text: str, expected: Score) -> None:
    assert read_object(Reply(text=reply_text), Score) == expected


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (Reply(text=""), Reason.EMPTY_REPLY),
        (Reply(text=" \n"), Reason.EMPTY_REPLY),
        (Reply(text="<think>what to say?</think>"), Reason.EMPTY_REPLY),
        (Reply(text="four points"), Reason.UNPARSABLE_REPLY),
        (Reply(text='{"points": 4, "why": "it is'), Reason.UNPARSABLE_REPLY),  # cut off
        (Reply(text="{" * 100_000), Reason.UNPARSABLE_REPLY),
        (Reply(text='{"a":' * 5_000), Reason.UNPARSABLE_REPLY),
        (Reply(text="[4]"), Reason.UNPARSABLE_REPLY),
        (Reply(text='{"why": "no number"}'), Reason.INCOMPLETE_REPLY),
        (Reply(text='{"points": "many"}'), Reason.INCOMPLETE_REPLY),
        (Reply(text="", finish_reason="refused", detail="no"), Reason.TEACHER_REFUSED),
        (Reply(text="", finish_reason="error", detail="no"), Reason.TEACHER_FAILED),
    ],
)
def test_what_is_no_object_has_a_name(reply: Reply, reason: Reason) -> None:
    found = read_object(reply, Score)
    assert isinstance(found, UnusableReply)
    assert found.reason == reason


@pytest.mark.parametrize(
    "reply_text",
    [
        "[Problem]\nAdd up.\n[Solution]\n```lua\n[Problem]\n```",
        "## Problem\n\nAdd up.\n\n## Solution\n```lua\n[Problem]\n```\n",
        "Here you are.\n**Problem:** Add up.\n\n**Solution:**\n```lua\n[Problem]\n```",
        '{"problem": "Add up.", "solution": "```lua\\n[Problem]\\n```"}',
        'Sure:\n```json\n{"Problem": ["Add up."], "other": 1, "SOLUTION": "```lua\\n[Problem]\\n```"}\n```',
        "problem:\nAdd up.\n1. SOLUTION\n```lua\n[Problem]\n```\n# Problem\nThe same again.",
    ],
)
def test_sections_are_found_in_every_dress(reply_text: str) -> None:
    expected = {"problem": "Add up.", "solution": "```lua\n[Problem]\n```"}
    found = read_sections(Reply(text=reply_text), ("problem", "solution"))
    assert isinstance(found, dict)
    assert {name: text.strip() for name, text in found.items()} == expected


def test_a_sections_name_in_the_midst_of_another_is_text() -> None:
    names = ("Instruction", "Reference", "Examples")
    reply_text = (
        "[Instruction]\nAdd.\n\nExamples:\n- 1 and 2 give 3\n[Reference]\nx\n[Examples]\ny\n[Instruction]\nAgain."
    )
    found = read_sections(Reply(text=reply_text), names)
    assert isinstance(found, dict)
    assert found["Instruction"] == "Add.\n\nExamples:\n- 1 and 2 give 3"
    assert (found["Reference"], found["Examples"]) == ("x", "y")
    twice = read_sections(Reply(text="[Instruction]\nAdd.\n[Instruction]\nNo.\n[Reference]\nx\n[Examples]\ny"), names)
    assert twice == {"Instruction": "Add.", "Reference": "x", "Examples": "y"}
    shuffled = read_sections(Reply(text="[Examples]\ny\n[Reference]\nx\n[Instruction]\nAdd."), names)
    assert shuffled == {"Instruction": "Add.", "Reference": "x", "Examples": "y"}


@pytest.mark.parametrize(
    ("reply_text", "reason"),
    [
        ("", Reason.EMPTY_REPLY),
        ("Add up: return the sum.", Reason.UNPARSABLE_REPLY),
        ("The problem is hard.\nThe solution too.", Reason.UNPARSABLE_REPLY),
        ("# Problem\nAdd up.", Reason.INCOMPLETE_REPLY),
        ("# Problem\nAdd up.\n# Solution\n\n", Reason.INCOMPLETE_REPLY),
        ('{"problem": "Add up."}', Reason.INCOMPLETE_REPLY),
        ('{"problem": "Add up.", "solution": ""}', Reason.INCOMPLETE_REPLY),
        ('{"problem": "Add up.", "sol', Reason.UNPARSABLE_REPLY),
        ('{"task": "Add up."}', Reason.UNPARSABLE_REPLY),
    ],
)
def test_what_has_not_all_sections_has_a_name(reply_text: str, reason: Reason) -> None:
    found = read_sections(Reply(text=reply_text), ("problem", "solution"))
    assert isinstance(found, UnusableReply)
    assert found.reason == reason


@pytest.mark.parametrize("text", ['{"points": 4, "why": "it is', "[Points]\n4", "4", '{"points": 4, "task": "'])
def test_what_is_missing_at_the_length_limit_was_cut_off(text: str) -> None:
    cut, whole = Reply(text=text, finish_reason="length", output_tokens=9), Reply(text=text)
    for read in (lambda reply: read_object(reply, Score), lambda reply: read_sections(reply, ("points", "why"))):
        found = read(cut)
        assert isinstance(found, UnusableReply)
        assert (found.reason, found.detail.endswith(text)) == (Reason.CUT_OFF, True)
        complete = read(whole)
        assert isinstance(complete, UnusableReply)
        assert complete.reason in (Reason.UNPARSABLE_REPLY, Reason.INCOMPLETE_REPLY)


def test_what_is_complete_before_the_length_limit_is_read() -> None:
    assert read_object(Reply(text='{"points": 4} And', finish_reason="length"), Score) == Score(4)
    found = read_sections(Reply(text="[Points]\n4\n[Why]\nit is", finish_reason="length"), ("points", "why"))
    assert found == {"points": "4", "why": "it is"}


def test_a_plain_text_is_what_was_said() -> None:
    assert reply_text(Reply(text="<think>hm</think>\nWrite a sum.\n")) == "Write a sum."


class Opinion(msgspec.Struct):
    """Fields of each kind that replies have."""

    agree: bool
    points: float = 0.0
    faults: list[str] = []


def test_schemas_require_all_fields_and_bound_lists() -> None:
    lines = {"type": "array", "items": {"type": "string"}, "maxItems": 8}
    fields = {"agree": {"type": "boolean"}, "points": {"type": "number"}, "faults": lines}
    expected = {"type": "object", "properties": fields, "required": [*fields], "additionalProperties": False}
    assert json.loads(object_schema(Opinion)) == expected
    sections = json.loads(sections_schema(("Task", "Examples"), ("Examples",)))
    assert sections["properties"] == {"task": {"type": "string"}, "examples": lines}


@pytest.mark.parametrize(
    ("value", "text"), [(None, "none"), ([], "none"), (["a", "b"], "a\nb"), ([1, None], "1\nnone"), (3, "3")]
)
def test_a_value_of_an_object_is_a_section(value: object, text: str) -> None:
    assert read_sections(Reply(text=json.dumps({"Task": value})), ("Task",)) == {"Task": text}
