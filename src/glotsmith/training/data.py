"""Prepare the rows of a training: split them by problem, sort them into stages, and store them on disk.

TRL reads these files. It tokenizes, truncates and packs the rows, and stores the results in the same folder.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar
from zlib import crc32

from glotsmith.errors import InputError, UsageError
from glotsmith.records import Example, Preference, Record
from glotsmith.training.needs import load
from glotsmith.training.presets import TrainingSettings
from glotsmith.training.splits import choose_held_out

TrainingRow = dict[str, Any]
Item = TypeVar("Item", Example, Preference)
_GROUP = 1000  #: number of rows that are written at once


class StageData(Record, frozen=True, kw_only=True):
    """The training data of one stage."""

    stage: int  #: number of the stage, as in ``Example.stage``
    train: str  #: name of the file with the rows
    rows: int
    problems: int
    hash: str  #: hash of the rows


class PreparedData(Record, frozen=True, kw_only=True):
    """The data of all stages of a training, and the held-out rows."""

    stages: tuple[StageData, ...]  #: the stages, in order of training
    validation: str = ""  #: name of the file with the held-out rows; "" if no problem is held out
    validation_rows: int = 0
    validation_hash: str = ""
    held_out: tuple[str, ...] = ()  #: parallel ids of the held-out problems


def prepare_data(
    source: Callable[[], Iterable[Item]],
    settings: TrainingSettings,
    folder: Path,
    held_out_before: frozenset[str] = frozenset(),
) -> PreparedData:
    """Write the rows of a dataset in the form that trainers read.

    Args:
        source: Returns the rows. It is called twice.
        settings: The settings of the training.
        folder: The folder to write. Existing files are overwritten.
        held_out_before: Problems on which the model was not trained so far, according to its record.

    Raises:
        UsageError: There is no row to train on.
        InputError: A row cannot be trained on.

    """
    problems = Counter(item.parallel_id for item in source())
    if not problems:
        raise UsageError("the dataset has no rows to train on")
    held_out = choose_held_out(problems, settings.held_out, settings.seed, held_out_before)
    remove_caches(folder)
    files = _RowFiles(folder)
    try:
        for item in source():
            if item.parallel_id in held_out:
                files.add("validation", _training_row(item, settings), item.parallel_id)
            else:
                files.add(f"stage-{_stage_of(item)}", _training_row(item, settings), item.parallel_id)
    finally:
        files.close()
    return files.prepared(held_out)


def remove_caches(folder: Path) -> None:
    """Remove the caches that ``datasets`` and TRL made of the rows, because the files are overwritten."""
    for cached in folder.glob("cache-*"):
        cached.unlink()


def open_rows(file: Path) -> Any:
    """Return a ``datasets.Dataset`` of a file. Its rows stay on disk."""
    return load("datasets").Dataset.from_file(str(file))


def _stage_of(item: Example | Preference) -> int:
    return item.stage if isinstance(item, Example) else 1


def _training_row(item: Example | Preference, settings: TrainingSettings) -> TrainingRow:
    if isinstance(item, Preference):
        return _preference_row(item, settings)
    if settings.style == "plain":
        return _plain_row(item, settings)
    messages = [{"role": m.get("role", ""), "content": m.get("content", "")} for m in item.messages]
    if len(messages) < 2 or messages[-1]["role"] != "assistant" or not all(m["role"] for m in messages):
        raise InputError(
            f"row {item.id}: the conversation must have a prompt and end with a reply of the assistant; without "
            "conversations, train with style = plain"
        )
    return {"prompt": messages[:-1], "completion": messages[-1:]}


def _plain_row(item: Example, settings: TrainingSettings) -> TrainingRow:
    if not item.completion and settings.loss == "completion":
        raise InputError(f"row {item.id} has no completion: train with loss = all")
    prompt, completion = item.prompt, item.completion
    if completion.startswith("\n") and _ends_after_newline(item, settings):
        prompt, completion = f"{prompt}\n", completion[1:]
    return {"prompt": prompt, "completion": completion}


def _ends_after_newline(item: Example, settings: TrainingSettings) -> bool:
    """Return whether the prompt of a row ends after the line break; with ``both``, half of the rows do."""
    return settings.boundary == "newline" or (settings.boundary == "both" and bool(crc32(item.id.encode()) & 1))


def _preference_row(item: Preference, settings: TrainingSettings) -> TrainingRow:
    if settings.style == "plain":
        return {"prompt": item.prompt + "\n\n", "chosen": item.chosen, "rejected": item.rejected}
    row: TrainingRow = {"prompt": [{"role": "user", "content": item.prompt}]}
    return row | {name: [{"role": "assistant", "content": getattr(item, name)}] for name in ("chosen", "rejected")}


class _RowFiles:
    """Open files of rows in Arrow's stream format: one for each stage and one for validation."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._open: dict[str, _RowFile] = {}
        folder.mkdir(parents=True, exist_ok=True)

    def add(self, name: str, row: TrainingRow, problem: str) -> None:
        if name not in self._open:
            self._open[name] = _RowFile(self._folder / f"{name}.arrow", row)
        self._open[name].add(row, problem)

    def close(self) -> None:
        for file in self._open.values():
            file.close()

    def prepared(self, held_out: frozenset[str]) -> PreparedData:
        stages = sorted((int(name.removeprefix("stage-")), f) for name, f in self._open.items() if name != "validation")
        validation = self._open.get("validation")
        return PreparedData(
            stages=tuple(
                StageData(stage=n, train=f.path.name, rows=f.rows, problems=len(f.problems), hash=f.hash.hexdigest())
                for n, f in stages
            ),
            validation=validation.path.name if validation else "",
            validation_rows=validation.rows if validation else 0,
            validation_hash=validation.hash.hexdigest() if validation else "",
            held_out=tuple(sorted(held_out)),
        )


class _RowFile:
    """A file of rows. All rows have the columns and types of the first one."""

    def __init__(self, path: Path, first: TrainingRow) -> None:
        pa = load("pyarrow")
        self.path, self.rows, self.problems = path, 0, set[str]()
        self.hash = hashlib.blake2b(digest_size=16)
        message = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))
        self._pa = pa
        self._schema = pa.schema(
            [(name, pa.string() if isinstance(value, str) else message) for name, value in first.items()]
        )
        self._writer = pa.ipc.new_stream(str(path), self._schema)
        self._held: list[TrainingRow] = []

    def add(self, row: TrainingRow, problem: str) -> None:
        self._held.append(row)
        self.rows += 1
        self.problems.add(problem)
        self.hash.update(repr(row).encode("utf-8", "surrogatepass"))
        if len(self._held) == _GROUP:
            self._flush()

    def close(self) -> None:
        try:
            self._flush()
        finally:
            self._writer.close()

    def _flush(self) -> None:
        if self._held:
            self._writer.write_table(self._pa.Table.from_pylist(self._held, self._schema))
            self._held.clear()


class TruncatedRows(NamedTuple):
    """Rows after truncation to ``max_length``."""

    rows: Any  #: the rows that keep at least one token of their reply
    too_long: int  #: number of rows that are truncated
    lost: int  #: number of truncated rows that lose their whole reply and are removed


def truncate(rows: Any, tokenizer: Any, settings: TrainingSettings) -> TruncatedRows:
    """Count the rows that are longer than ``max_length`` tokens, and remove those that lose their whole reply.

    TRL truncates longer rows, and with packing it keeps prompts without replies. With ``wrapped``, no row is truncated:
    the rest of a row is the start of the next sequence.
    """
    if settings.packing == "wrapped" and "chosen" not in rows.column_names:
        return TruncatedRows(rows, 0, 0)

    if settings.style == "plain" and "chosen" not in rows.column_names:
        return _truncate_plain(rows, tokenizer, settings)

    def lengths(batch: dict[str, list[Any]]) -> dict[str, list[int]]:
        listed = [dict(zip(batch, row, strict=True)) for row in zip(*batch.values(), strict=True)]
        return {
            "whole": _count_tokens(tokenizer, [_whole_text(tokenizer, row) for row in listed]),
            "prompt": _count_tokens(tokenizer, [_prompt_text(tokenizer, row) for row in listed]),
        }

    counted = rows.map(lengths, batched=True, remove_columns=rows.column_names, load_from_cache_file=False)
    too_long = sum(length > settings.max_length for length in counted["whole"])
    if settings.loss == "all" and "chosen" not in rows.column_names:
        return TruncatedRows(rows, too_long, 0)
    return _remove_lost(rows, counted["prompt"], too_long, settings)


def _truncate_plain(rows: Any, tokenizer: Any, settings: TrainingSettings) -> TruncatedRows:
    """Truncate plain rows. Prompt and completion are tokenized separately."""

    def lengths(batch: dict[str, list[str]]) -> dict[str, list[int]]:
        prompts = [len(ids) for ids in _token_ids(tokenizer, batch["prompt"], special=True)]
        ends = _count_tokens(tokenizer, [f"{text}{tokenizer.eos_token}" for text in batch["completion"]])
        return {"whole": [a + b for a, b in zip(prompts, ends, strict=True)], "prompt": prompts}

    counted = rows.map(lengths, batched=True, remove_columns=rows.column_names, load_from_cache_file=False)
    too_long = sum(length > settings.max_length for length in counted["whole"])
    return (
        TruncatedRows(rows, too_long, 0)
        if settings.loss == "all"
        else _remove_lost(rows, counted["prompt"], too_long, settings)
    )


def _remove_lost(rows: Any, prompts: Sequence[int], too_long: int, settings: TrainingSettings) -> TruncatedRows:
    left = [number for number, length in enumerate(prompts) if length < settings.max_length]
    lost = len(rows) - len(left)
    return TruncatedRows(rows.select(left) if lost else rows, too_long, lost)


def tokenize(rows: Any, tokenizer: Any, settings: TrainingSettings) -> Any:
    """Return plain rows as tokens. Prompt and completion are tokenized separately. Other rows are returned unchanged.

    The prompts of an evaluation end at a token boundary. If prompt and completion are tokenized together, a line break
    and the indentation after it may be one token, and the training never shows the model this boundary.
    """
    if settings.style != "plain" or "chosen" in rows.column_names:
        return rows

    def tokens(batch: dict[str, list[str]]) -> dict[str, list[list[int]]]:
        prompts = _token_ids(tokenizer, batch["prompt"], special=True)
        ends = _token_ids(tokenizer, [f"{text}{tokenizer.eos_token}" for text in batch["completion"]], special=False)
        found = {"input_ids": [prompt + end for prompt, end in zip(prompts, ends, strict=True)]}
        if settings.loss == "completion":
            pairs = zip(prompts, ends, strict=True)
            found["completion_mask"] = [[0] * len(prompt) + [1] * len(end) for prompt, end in pairs]
        return found

    return rows.map(tokens, batched=True, remove_columns=rows.column_names, load_from_cache_file=False)


def _token_ids(tokenizer: Any, texts: list[str], *, special: bool) -> list[list[int]]:
    return list(tokenizer(texts, add_special_tokens=special)["input_ids"])


def _count_tokens(tokenizer: Any, texts: list[str]) -> list[int]:
    return [len(ids) for ids in _token_ids(tokenizer, texts, special=False)]


def _prompt_text(tokenizer: Any, row: TrainingRow) -> str:
    """Return the text before the reply; "" if there is none."""
    prompt = row.get("prompt", "")
    if isinstance(prompt, str):
        return prompt
    return tokenizer.apply_chat_template(prompt, add_generation_prompt=True, tokenize=False)


def _whole_text(tokenizer: Any, row: TrainingRow) -> str:
    """Return the whole text of a row; for a pair, the text with the longer reply."""
    replies: Sequence[Any] = [row[name] for name in ("completion", "chosen", "rejected") if name in row]
    if isinstance(row["prompt"], str):
        return max((row["prompt"] + reply + tokenizer.eos_token for reply in replies), key=len)
    return max((tokenizer.apply_chat_template([*row["prompt"], *r], tokenize=False) for r in replies), key=len)
