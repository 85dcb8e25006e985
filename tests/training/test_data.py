"""Rows on their way to a trainer: whole problems apart, and what cannot be trained on is named."""

from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pytest
from training_rows import WORDS, example

from glotsmith.errors import InputError, UsageError
from glotsmith.training.data import PreparedData, prepare_data
from glotsmith.training.presets import preset_settings

QUESTION, ANSWER = {"role": "user", "content": "Write."}, {"role": "assistant", "content": "x"}


def rows(file: Path) -> list[dict[str, Any]]:
    with pa.OSFile(str(file)) as opened:
        return pa.ipc.open_stream(opened).read_all().to_pylist()


def change(number: int, **changes: Any) -> Any:
    return msgspec.structs.replace(example(number), **changes)


def prepared(items: list[Any], folder: Path, **changes: Any) -> PreparedData:
    return prepare_data(lambda: items, preset_settings("general", {"held_out": 0, **changes}), folder)


@pytest.mark.parametrize(
    "messages",
    [
        (),
        (ANSWER,),
        (QUESTION,),
        (QUESTION, {"role": "user", "content": "x"}),
        (QUESTION, {"content": "x"}),
        ({}, ANSWER),
    ],
)
def test_a_conversation_without_a_reply_is_named(messages: tuple[Any, ...], tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"row odd: the conversation must have a prompt and end"):
        prepared([example(0), change(1, id="odd", messages=messages)], tmp_path)


def test_rows_of_any_text_come_through(tmp_path: Path) -> None:
    odd = ["nul \x00 end", "\u2028 \ufeff \x85", "🙂" * 10_000, "x" * 1_000_000, "<|endoftext|>", ""]
    items = [
        change(n, messages=({**QUESTION, "content": text}, {**ANSWER, "content": text, "name": "y"}))
        for n, text in enumerate(odd)
    ]
    prepared(items, tmp_path)
    assert [row["completion"][0]["content"] for row in rows(tmp_path / "stage-1.arrow")] == odd


def test_one_row_is_a_dataset(tmp_path: Path) -> None:
    made = prepared([example(0)], tmp_path)
    assert [(split.rows, split.problems) for split in made.stages] == [(1, 1)]
    with pytest.raises(UsageError, match=r"holds out all 1 problem of the dataset.*set the share to 0"):
        prepared([example(0)], tmp_path, held_out=0.05)


def test_no_problem_is_on_both_sides_in_any_stage(tmp_path: Path) -> None:
    items = [example(n, stage) for stage in (2, 1) for n in range(len(WORDS))]
    made = prepared(items, tmp_path, held_out=0.25, style="plain")
    assert [split.stage for split in made.stages] == [1, 2]
    words = {name: {word for word in WORDS for row in rows(tmp_path / name) if f"-- {word}:" in row["prompt"]}
             for name in ("stage-1.arrow", "stage-2.arrow", "validation.arrow")}  # fmt: skip
    assert words["validation.arrow"] == set(made.held_out)
    assert words["stage-1.arrow"] == words["stage-2.arrow"] == set(WORDS) - set(made.held_out)
    assert made.validation_rows == 6


def test_a_change_of_any_row_is_a_change_of_the_data(tmp_path: Path) -> None:
    items = [example(n) for n in range(len(WORDS))]
    first = prepared(items, tmp_path, held_out=0.25)
    for number in range(len(items)):
        other = [*items]
        other[number] = change(number, messages=(QUESTION, ANSWER))
        assert prepared(other, tmp_path, held_out=0.25) != first


def test_what_was_made_of_earlier_files_goes(tmp_path: Path) -> None:
    (tmp_path / "cache-0123.arrow").write_text("")
    prepared([example(0)], tmp_path)
    assert not list(tmp_path.glob("cache-*"))
