"""Which row of the file answers, and which files are turned down."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from glotsmith.errors import InputError, UsageError
from glotsmith.teachers.base import Request, Sampling
from glotsmith.teachers.scripted import Scripted, ScriptedOptions

ROWS: list[dict[str, Any]] = [
    {"call": "translate", "item": "id1", "reply": "by item"},
    {"call": "translate", "item": "add", "reply": "by name"},
    {"call": "translate", "item": "add", "language": "lua", "replies": ["lua 0", "lua 1"]},
    {"call": "translate", "item": "add", "language": "lua", "sample": 5, "reply": "lua 5"},
    {"call": "translate", "item": "add", "sample": 6, "reply": "any language 6"},
    {"call": "write_tests", "item": "*", "reply": "for all"},
    {"call": "repair", "item": "*", "reply": "no", "finish_reason": "refused"},
    {"call": "cut", "item": "*", "reply": "half", "finish_reason": "length"},
]


def write(path: Path, *rows: Any) -> Path:
    path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows), "utf-8")
    return path


@pytest.mark.parametrize(
    ("call", "item", "name", "language", "sample", "expected"),
    [
        ("translate", "id1", "add", "lua", 0, ("by item", "stop")),
        ("translate", "id1", "add", "lua", 9, ("by item", "stop")),
        ("translate", "id2", "add", "r", 0, ("by name", "stop")),
        ("translate", "id2", "add", "r", 6, ("any language 6", "stop")),
        ("translate", "id2", "add", "lua", 0, ("lua 0", "stop")),
        ("translate", "id2", "add", "lua", 1, ("lua 1", "stop")),
        ("translate", "id2", "add", "lua", 2, ("", "refused")),
        ("translate", "id2", "add", "lua", 5, ("lua 5", "stop")),
        ("translate", "id2", "sub", "lua", 0, ("", "refused")),
        ("translate", "add", "", "", 0, ("by name", "stop")),
        ("write_tests", "id9", "", "", 3, ("for all", "stop")),
        ("repair", "id9", "", "", 0, ("no", "refused")),
        ("cut", "id9", "", "", 0, ("half", "length")),
        ("unknown", "id1", "add", "lua", 0, ("", "refused")),
    ],
)
def test_the_most_specific_row_answers(
    tmp_path: Path, call: str, item: str, name: str, language: str, sample: int, expected: tuple[str, str]
) -> None:
    teacher = Scripted(ScriptedOptions(replies=str(write(tmp_path / "r.jsonl", *ROWS))))
    context = {"name": name, "language": language} if name else {}
    reply = asyncio.run(teacher.reply(Request(call=call, item=item, sample=sample, prompt="any", context=context)))
    assert (reply.text, reply.finish_reason) == expected
    assert bool(reply.detail) == (reply.finish_reason == "refused")


def test_the_prompt_does_not_matter_and_the_item_does(tmp_path: Path) -> None:
    teacher = Scripted(ScriptedOptions(model=str(write(tmp_path / "r.jsonl", *ROWS))))
    request = Request(call="c", item="i", prompt="p", context={"name": "n", "language": "l", "source": "s"})
    same = Request(call="c", item="i", prompt="q", seed=3, context={"name": "n", "language": "l"})
    others = [
        Request(call="d", item="i", context={"name": "n", "language": "l"}),
        Request(call="c", item="j", context={"name": "n", "language": "l"}),
        Request(call="c", item="i", context={"name": "m", "language": "l"}),
        Request(call="c", item="i", context={"name": "n", "language": "k"}),
        Request(call="c", item="i", sample=1, context={"name": "n", "language": "l"}),
    ]
    assert teacher.address(same) == teacher.address(request)
    assert len({teacher.address(r) for r in [request, *others]}) == 6


def test_a_byte_order_mark_is_no_part_of_a_row(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", ROWS[0])
    marked = tmp_path / "b.jsonl"
    marked.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert (
        Scripted(ScriptedOptions(model=str(marked))).fingerprint
        == Scripted(ScriptedOptions(model=str(path))).fingerprint
    )


def test_a_changed_file_is_another_teacher(tmp_path: Path) -> None:
    first = Scripted(ScriptedOptions(model=str(write(tmp_path / "a.jsonl", *ROWS))))
    second = Scripted(ScriptedOptions(model=str(write(tmp_path / "b.jsonl", *ROWS))))
    third = Scripted(ScriptedOptions(model=str(write(tmp_path / "c.jsonl", *ROWS[1:]))))
    assert first.fingerprint == second.fingerprint != third.fingerprint


GOOD = {"call": "c", "item": "i", "reply": "r"}


@pytest.mark.parametrize(
    ("bad", "sentence"),
    [
        ("{", "the line is not a scripted reply"),
        ("[]", "the line is not a scripted reply"),
        ({"call": "c", "reply": "r"}, "missing required field `item`"),
        ({**GOOD, "text": "r"}, "unknown field `text`"),
        ({**GOOD, "sample": "0"}, "Expected `int"),
        ({**GOOD, "finish_reason": "bored"}, "bored"),
        ({"call": "c", "item": "i"}, "either 'reply' or 'replies'"),
        ({**GOOD, "replies": ["r"]}, "either 'reply' or 'replies'"),
        ({"call": "c", "item": "i", "replies": ["r"], "sample": 1}, "'sample' is valid with 'reply'"),
        (GOOD, "an earlier line"),
        ("\ud800".encode("utf-8", "surrogatepass"), "it is not UTF-8 text"),
    ],
)
def test_a_malformed_line_is_named(tmp_path: Path, bad: Any, sentence: str) -> None:
    path = tmp_path / "r.jsonl"
    if isinstance(bad, bytes):
        path.write_bytes(bad)
    else:
        write(path, GOOD, "", bad)
    with pytest.raises(InputError, match=sentence) as error:
        Scripted(ScriptedOptions(replies=str(path)))
    assert str(error.value).startswith(f"{path}: " if isinstance(bad, bytes) else f"{path}:3: ")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No such file"):
        Scripted(ScriptedOptions(replies=str(tmp_path / "none.jsonl")))


@pytest.mark.parametrize("options", [ScriptedOptions(), ScriptedOptions(model="a", replies="b")])
def test_the_file_is_named_once(options: ScriptedOptions) -> None:
    with pytest.raises(UsageError, match="needs one file of replies"):
        Scripted(options)


def test_logprobs_go_only_to_those_who_ask_for_them(tmp_path: Path) -> None:
    row = {"call": "score", "item": "*", "reply": "Yes", "logprobs": {"Yes": -0.1, "No": -2.5}}
    teacher = Scripted(ScriptedOptions(replies=str(write(tmp_path / "r.jsonl", row))))
    request = Request(call="score", item="i", prompt="any", sampling=Sampling(logprobs=5))
    plain = Request(call="score", item="i", prompt="any")
    assert asyncio.run(teacher.reply(request)).logprobs == {"Yes": -0.1, "No": -2.5}
    assert asyncio.run(teacher.reply(plain)).logprobs == {}
    assert teacher.address(request) != teacher.address(plain)
