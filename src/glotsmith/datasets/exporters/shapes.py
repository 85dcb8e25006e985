"""The row shapes that trainers read: their fields, and functions that make a row of an example.

Field names are those of the trainers. ``id``, ``parallel_id``, ``language`` and ``stage`` are added if the trainer
ignores unknown columns. All rows of a ``parallel_id`` are in the same split.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

import msgspec

from glotsmith.datasets.schema import ColumnType
from glotsmith.records import Example, Preference

ExportRow = dict[str, Any]
ItemKind = Literal["examples", "preferences"]
MESSAGE: ColumnType = {"role": "string", "content": "string"}
MESSAGES: ColumnType = [MESSAGE]
TURN: ColumnType = {"from": "string", "value": "string"}
IDS: Mapping[str, ColumnType] = {"id": "string", "parallel_id": "string", "language": "string"}
IDS_AND_STAGE: Mapping[str, ColumnType] = {**IDS, "stage": "int64"}
_SPEAKERS = {"system": "system", "user": "human", "assistant": "gpt"}  #: role of OpenAI → role of ShareGPT


class RowPosition(NamedTuple):
    """The split of a row, and its position in the split."""

    split: str
    number: int  #: index among the rows of the split, from 0


class RowShape(NamedTuple):
    """The shape of a row."""

    takes: ItemKind
    columns: Mapping[str, ColumnType]
    #: makes the rows of a group of items; without ``key``, of one item
    rows: Callable[[Sequence[Any], RowPosition], Iterator[ExportRow]]
    key: Callable[[Any], tuple[str, ...]] | None = None  #: returns the key of an item; items with one key are a group
    accepts: Callable[[Any], bool] = lambda _: True
    unless: str = ""  #: description of the rows that are not accepted


# ------------------------------------------------------------------------- one row for each example


def _ids(item: Example | Preference) -> ExportRow:
    return {"id": item.id, "parallel_id": item.parallel_id, "language": item.language}


def _ids_and_stage(item: Example) -> ExportRow:
    return {**_ids(item), "stage": item.stage}


def _messages(item: Example) -> list[dict[str, str]]:
    return [{"role": m["role"], "content": m["content"]} for m in item.messages]


def _message(content: str, role: str = "assistant") -> dict[str, str]:
    return {"role": role, "content": content}


def _chat(items: Sequence[Example], _: RowPosition) -> Iterator[ExportRow]:
    yield {"messages": _messages(items[0]), **_ids_and_stage(items[0])}


def _bare_chat(items: Sequence[Example], _: RowPosition) -> Iterator[ExportRow]:
    yield {"messages": _messages(items[0])}


def _prompt_completion(items: Sequence[Example], _: RowPosition) -> Iterator[ExportRow]:
    *prompt, completion = _messages(items[0])
    yield {"prompt": prompt, "completion": [completion], **_ids_and_stage(items[0])}


def _alpaca(items: Sequence[Example], _: RowPosition) -> Iterator[ExportRow]:
    *prompt, completion = _messages(items[0])
    yield {"instruction": "\n\n".join(m["content"] for m in prompt), "input": "", "output": completion["content"]}


def _sharegpt(items: Sequence[Example], _: RowPosition) -> Iterator[ExportRow]:
    yield {"conversations": [{"from": _SPEAKERS[m["role"]], "value": m["content"]} for m in _messages(items[0])]}


def _text(items: Sequence[Example], _: RowPosition) -> Iterator[ExportRow]:
    yield {"text": items[0].prompt + items[0].completion, **_ids_and_stage(items[0])}


def _is_program(item: Example) -> bool:
    """Return whether the text of a row is a program. (That of a pair of an instruction corpus is a conversation.)"""
    return item.kind != "original"


_UNCHANGED = "of the instruction corpus, which are unchanged"
CHAT = RowShape("examples", {"messages": MESSAGES, **IDS_AND_STAGE}, _chat)
BARE_CHAT = RowShape("examples", {"messages": MESSAGES}, _bare_chat)
PROMPT_COMPLETION = RowShape(
    "examples", {"prompt": MESSAGES, "completion": MESSAGES, **IDS_AND_STAGE}, _prompt_completion
)
ALPACA = RowShape("examples", dict.fromkeys(("instruction", "input", "output"), "string"), _alpaca)
SHAREGPT = RowShape("examples", {"conversations": [TURN]}, _sharegpt)
TEXT = RowShape("examples", {"text": "string", **IDS_AND_STAGE}, _text, accepts=_is_program, unless=_UNCHANGED)


# ------------------------------------------------------------------------- one row for each problem


def _parallel(items: Sequence[Example], _: RowPosition) -> Iterator[ExportRow]:
    first = items[0]
    yield {
        "parallel_id": first.parallel_id,
        "name": first.name,
        "source": first.source,
        "programs": [_program_fields(item) for item in items],
    }


def _problem_key(item: Example) -> tuple[str, ...]:
    return (item.parallel_id,)


def _program_fields(item: Example) -> ExportRow:
    code = item.prompt + item.completion  # the program, which starts with the instruction as a comment
    row = {"id": item.id, "language": item.language, "code": code, "signature": item.signature}
    suite = {"tests": list(item.tests), "reference_s": item.reference_s}
    return {**row, **suite, "toolchain": item.lineage.toolchain}


_PROGRAM: ColumnType = {
    **dict.fromkeys(("id", "language", "code", "signature"), "string"),
    "tests": ["string"],
    "reference_s": "float64",
    "toolchain": "string",
}
_PARALLEL: Mapping[str, ColumnType] = {
    **dict.fromkeys(("parallel_id", "name", "source"), "string"),
    "programs": [_PROGRAM],
}
PARALLEL = RowShape("examples", _PARALLEL, _parallel, key=_problem_key, accepts=_is_program, unless=_UNCHANGED)


# -------------------------------------------------------------- one row for each task with tests


def ground_truth(item: Example) -> str:
    """Return the tests of a task as JSON, for ``glotsmith.reward``."""
    truth: ExportRow = {"language": item.language, "signature": item.signature, "tests": item.tests}
    if item.reference_s:
        truth["reference_s"] = item.reference_s
    return msgspec.json.encode(truth).decode()


def _problem_fields(item: Example) -> ExportRow:
    return {**_ids(item), "target_pass_rate": item.target_pass_rate}


def _prompt_messages(item: Example) -> list[dict[str, str]]:
    return _messages(item)[:-1]


def _grpo(items: Sequence[Example], _: RowPosition) -> Iterator[ExportRow]:
    item = items[0]
    suite = {"signature": item.signature, "tests": list(item.tests), "reference_s": item.reference_s}
    yield {"prompt": _prompt_messages(item), **suite, **_problem_fields(item)}


def _verl(items: Sequence[Example], position: RowPosition) -> Iterator[ExportRow]:
    item = items[0]
    yield {
        "data_source": f"glotsmith/{item.language}",
        "prompt": _prompt_messages(item),
        "ability": "code",
        "reward_model": {"style": "rule", "ground_truth": ground_truth(item)},
        "extra_info": {"split": position.split, "index": position.number, **_problem_fields(item)},
    }


def _openrlhf(items: Sequence[Example], _: RowPosition) -> Iterator[ExportRow]:
    yield {"prompt": _prompt_messages(items[0]), "label": ground_truth(items[0]), **_problem_fields(items[0])}


def _open_instruct(items: Sequence[Example], _: RowPosition) -> Iterator[ExportRow]:
    # The verifier of open-instruct forwards "tests" unchanged: one test is the whole ground truth for the endpoint.
    tests = msgspec.json.encode([ground_truth(items[0])]).decode()
    yield {
        "messages": _prompt_messages(items[0]),
        "ground_truth": tests,
        "dataset": "code",
        **_problem_fields(items[0]),
    }


def _task_key(item: Example) -> tuple[str, ...]:
    return (item.parallel_id, item.language, *(m["content"] for m in item.messages[:-1]))


def _has_tests(item: Example) -> bool:
    return bool(item.tests)


def _task_shape(
    columns: Mapping[str, ColumnType], rows: Callable[[Sequence[Any], RowPosition], Iterator[ExportRow]]
) -> RowShape:
    return RowShape("examples", columns, rows, _task_key, _has_tests, "without tests")


_REWARD: ColumnType = {"style": "string", "ground_truth": "string"}
_OF_PROBLEM: Mapping[str, ColumnType] = {**IDS, "target_pass_rate": "float64"}
_EXTRA: ColumnType = {"split": "string", "index": "int64", **_OF_PROBLEM}
GRPO = _task_shape(
    {"prompt": MESSAGES, "signature": "string", "tests": ["string"], "reference_s": "float64", **_OF_PROBLEM}, _grpo
)
VERL = _task_shape(
    {"data_source": "string", "prompt": MESSAGES, "ability": "string", "reward_model": _REWARD, "extra_info": _EXTRA},
    _verl,
)
OPENRLHF = _task_shape({"prompt": MESSAGES, "label": "string", **_OF_PROBLEM}, _openrlhf)
OPEN_INSTRUCT = _task_shape(
    {"messages": MESSAGES, "ground_truth": "string", "dataset": "string", **_OF_PROBLEM}, _open_instruct
)


# ----------------------------------------------------------------------------------- preference pairs


def _preference(items: Sequence[Preference], _: RowPosition) -> Iterator[ExportRow]:
    pair = items[0]
    yield {
        "prompt": [_message(pair.prompt, "user")],
        "chosen": [_message(pair.chosen)],
        "rejected": [_message(pair.rejected)],
        **_ids(pair),
    }


def _ranked(items: Sequence[Preference], _: RowPosition) -> Iterator[ExportRow]:
    pair = items[0]
    yield {
        "messages": [_message(pair.prompt, "user")],
        "chosen": _message(pair.chosen),
        "rejected": _message(pair.rejected),
        **_ids(pair),
    }


def _unpaired(items: Sequence[Preference], _: RowPosition) -> Iterator[ExportRow]:
    """Yield each program of a task once, even if it is in several pairs."""
    replies = {
        (pair.prompt, reply): good for pair in items for reply, good in ((pair.chosen, True), (pair.rejected, False))
    }
    first = items[0]
    for (prompt, reply), label in replies.items():
        yield {
            "prompt": [_message(prompt, "user")],
            "completion": [_message(reply)],
            "label": label,
            "parallel_id": first.parallel_id,
            "language": first.language,
        }


def _pair_key(pair: Preference) -> tuple[str, ...]:
    return (pair.parallel_id, pair.language)


PREFERENCE = RowShape("preferences", dict.fromkeys(("prompt", "chosen", "rejected"), MESSAGES) | IDS, _preference)
RANKED = RowShape("preferences", {"messages": MESSAGES, "chosen": MESSAGE, "rejected": MESSAGE, **IDS}, _ranked)
UNPAIRED = RowShape(
    "preferences",
    {"prompt": MESSAGES, "completion": MESSAGES, "label": "bool", "parallel_id": "string", "language": "string"},
    _unpaired,
    key=_pair_key,
)
