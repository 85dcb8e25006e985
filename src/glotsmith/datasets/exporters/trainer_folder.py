"""Write a folder for one trainer: data, configuration, reward (if the trainer needs one) and README.

Files are written under temporary names and moved into place at the end. The same rows give the same bytes.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

from glotsmith.counts import counted
from glotsmith.datasets.exporters.formats import FORMATS, FormatPart, TrainerFormat
from glotsmith.datasets.exporters.row_files import ROW_WRITERS, group_items, not_unicode
from glotsmith.datasets.exporters.shapes import MESSAGES, ExportRow, RowPosition, RowShape
from glotsmith.datasets.schema import features
from glotsmith.errors import StorageError, UsageError, unknown_name
from glotsmith.installation import requirement
from glotsmith.prompts import Prompt
from glotsmith.records import Example, Preference
from glotsmith.write_aside import Drafts, write_aside

TEMPLATES = Path(__file__).parent / "templates"
MANIFEST = ".glotsmith-export"  #: file with the names of the files of an export, which the next export replaces


_ORIGIN = "# run and format: "  #: prefix of the manifest line that names the run and the format


class ExportContent(NamedTuple):
    """The rows to export. Each call starts a new iteration."""

    examples: Callable[[], Iterable[Example]]
    preferences: Callable[[], Iterable[Preference]] = tuple
    held_out: frozenset[str] = frozenset()  #: parallel ids of the held-out problems
    partial: bool = False  #: whether the run is not finished
    run: str = ""  #: id of the run, which protects the export of another run; "" for no protection


class ExportCounts(NamedTuple):
    """The counts of an export."""

    rows: dict[str, int]  #: file → number of rows
    left_out: Counter[str]  #: description of items that the format leaves out → their number
    not_run: Counter[str]  #: kind → number of examples that were not executed
    stages: set[int]  #: training stages of the exported rows

    def __str__(self) -> str:
        """Return the counts as a sentence."""
        text = ", ".join(f"{counted(count, 'row')} in {name}" for name, count in self.rows.items())
        text += "".join(f"; left out: {counted(count, 'row')} {what}" for what, count in self.left_out.items())
        if len(self.stages) > 1:
            listed = " and ".join(map(str, sorted(self.stages)))
            text += f"; the files contain stages {listed}, which a trainer would mix: --stage exports one of them"
        return text


def export(name: str, content: ExportContent, folder: Path, *, model: str = "") -> ExportCounts:
    """Write the folder of one format. Files of an earlier export in it are replaced.

    Args:
        name: The format (``FORMATS``).
        content: The rows to export. They are read once for each part.
        folder: The folder to write.
        model: The model in the configurations; "" for the default of the format.

    Raises:
        UsageError: The format does not exist, a model is given and the format names none, or no row fits the format.
        StorageError: The disk is full or the folder cannot be written.
        InputError: A row contains text that no file can store.

    """
    if name not in FORMATS:
        raise UsageError(unknown_name(f"no format of a trainer is named {name!r}", name, FORMATS))
    if model and not FORMATS[name].model:
        raise UsageError(f"the configuration of {name} contains no model: remove --model")
    try:
        with Drafts() as drafts:
            origin = f"{_ORIGIN}{content.run} {name}" if content.run else ""
            earlier = _earlier_files(folder, origin)
            folder.mkdir(parents=True, exist_ok=True)
            written = _write_parts(name, content, folder, drafts)
            _write_texts(name, written, folder, drafts, model or FORMATS[name].model, partial=content.partial)
            _replace_files(folder, drafts, earlier, origin)
    except OSError as error:
        raise StorageError(f"{folder}: the export cannot be written: {error.strerror or error}") from error
    return written


def _earlier_files(folder: Path, origin: str) -> set[str]:
    """Return the files of an earlier export.

    Raises:
        UsageError: The folder contains other files, or the export of another run or format, which must not be lost.

    """
    manifest = folder / MANIFEST
    if manifest.is_file():
        lines = manifest.read_text("utf-8").splitlines()
        before = next((line for line in lines if line.startswith(_ORIGIN)), "")
        if origin and before not in ("", origin):
            raise UsageError(
                f"{folder}: the folder contains the export of another run or format: choose a new or empty one"
            )
        return {line for line in lines if not line.startswith(_ORIGIN)}
    strange = (
        sorted(file.name for file in folder.iterdir() if not file.name.endswith(".part")) if folder.exists() else []
    )
    if strange:
        raise UsageError(
            f"{folder}: the folder contains other files ({', '.join(strange[:3])}): choose a new or empty one"
        )
    return set()


def _replace_files(folder: Path, drafts: Drafts, earlier: set[str], origin: str) -> None:
    """Replace the old files by the new ones.

    The manifest names both until the end, so that the next export replaces all of them if the process is killed.
    """
    names = {file.name for file in drafts.targets}
    _write_manifest(folder, names | earlier, origin)
    drafts.replace_targets()
    for name in sorted(earlier - names):
        (folder / name).unlink(missing_ok=True)
    _write_manifest(folder, names, origin)


def _write_manifest(folder: Path, names: set[str], origin: str) -> None:
    file, lines = folder / MANIFEST, [*([origin] if origin else []), *sorted(names)]
    with write_aside(file) as draft:
        draft.write_text("".join(f"{line}\n" for line in lines), "utf-8")


# ---------------------------------------------------------------------------------------------- data


def _write_parts(name: str, content: ExportContent, folder: Path, drafts: Drafts) -> ExportCounts:
    written = ExportCounts({}, Counter(), Counter(), set())
    for part in FORMATS[name].parts:
        rows = _write_part(FORMATS[name], part, content, folder, drafts, written)
        if not rows and not part.optional:
            raise UsageError(_no_rows_message(name, part.shape, written))
        written.rows.update(rows)
    return written


def _no_rows_message(name: str, shape: RowShape, written: ExportCounts) -> str:
    others = ", ".join(f"{counted(count, 'row')} {what}" for what, count in written.left_out.items())
    what = {
        "examples": f"only {others}" if others else "no row",
        "preferences": "no preference pair, which needs a program that passed and one that failed the same task",
    }
    suffix = " except the held-out problems" if any(written.rows.values()) else ""
    return f"nothing to export as {name}: there is {what[shape.takes]}{suffix}"


def _write_part(
    format_: TrainerFormat,
    part: FormatPart,
    content: ExportContent,
    folder: Path,
    drafts: Drafts,
    written: ExportCounts,
) -> dict[str, int]:
    """Write the rows of one part and return the counts of its files; {} if no row can be trained on."""
    counts = dict.fromkeys((part.train, part.held_out), 0)
    opened: dict[str, Any] = {}
    with ExitStack() as stack:
        for group in _row_groups(part.shape, content, written.left_out):
            split = part.held_out if group[0].parallel_id in content.held_out else part.train
            _count_for_readme(group, written, trained=split == part.train)
            for row in part.shape.rows(group, RowPosition(split, counts[split])):
                if split not in opened:
                    file = folder / f"{split}.{format_.extension}"
                    opened[split] = ROW_WRITERS[format_.extension](drafts.add(file), dict(part.shape.columns))
                    stack.callback(opened[split].close)
                _write_row(opened[split], row, group[0])
                counts[split] += 1
    if not counts[part.train]:  # held-out rows are useless without rows to train on
        for split in opened:
            drafts.discard(folder / f"{split}.{format_.extension}")
        return {}
    return {f"{split}.{format_.extension}": count for split, count in counts.items() if count}


def _count_for_readme(group: Sequence[Any], written: ExportCounts, *, trained: bool) -> None:
    """Count the items and stages that the README mentions."""
    for item in group:
        if isinstance(item, Example):
            written.not_run.update([item.kind] if not item.lineage.toolchain else ())
            written.stages.update([item.stage] if trained else ())


def _write_row(writer: Any, row: ExportRow, item: Example | Preference) -> None:
    try:
        writer.write(row)
    except UnicodeEncodeError as error:
        raise not_unicode(item, error) from error


def _row_groups(shape: RowShape, content: ExportContent, left_out: Counter[str]) -> Iterator[list[Any]]:
    items = _accepted_items(shape, getattr(content, shape.takes)(), left_out)
    if shape.key is None:
        return ([item] for item in items)
    return group_items(items, shape.key)


def _accepted_items(shape: RowShape, items: Iterable[Any], left_out: Counter[str]) -> Iterator[Any]:
    for item in items:
        if shape.accepts(item):
            yield item
        else:
            left_out[shape.unless] += 1


# --------------------------------------------------------------------------------------------- texts


def _write_texts(name: str, written: ExportCounts, folder: Path, drafts: Drafts, model: str, *, partial: bool) -> None:
    """Render the format's files, except those about rows that do not exist."""
    format_, values = FORMATS[name], _template_values(name, written, folder, model) | {"partial": partial}
    for file in format_.files:
        text = Prompt(TEMPLATES / name / f"{file}.j2").render(**values)
        if text.strip():  # a template of an optional part is empty without it
            _write_text(folder / file, text, drafts)
    _write_text(folder / "README.md", Prompt(TEMPLATES / "README.md.j2").render(**values), drafts)


def _write_text(file: Path, text: str, drafts: Drafts) -> None:
    drafts.add(file).write_text(text.rstrip("\n") + "\n", "utf-8")


def _template_values(name: str, written: ExportCounts, folder: Path, model: str) -> dict[str, Any]:
    format_ = FORMATS[name]
    given = {file.rpartition(".")[0] for file in written.rows}
    parts = [part for part in format_.parts if part.train in given]
    return {
        "name": name,
        "format": format_,
        "command": format_.command,
        "requirement": requirement(),
        "train_rows": written.rows.get(f"{format_.parts[0].train}.{format_.extension}", 0),
        "chats": any(MESSAGES in part.shape.columns.values() for part in parts),
        "folder": folder.resolve().name,
        "more": format_.more if len(parts) > 1 else "",
        "model": model,
        "quoted_model": json.dumps(model),
        "validation": "validation" in given,
        "preferences": "preferences" in given,
        "preferences_validation": "preferences-validation" in given,
        "written": written,
        "parts": [_describe_part(format_, part, given) for part in parts],
    }


def _describe_part(format_: TrainerFormat, part: FormatPart, given: set[str]) -> dict[str, Any]:
    splits = {"train": part.train, "validation": part.held_out}
    return {
        "config": part.train if part.optional else "default",
        "splits": {split: f"{file}.{format_.extension}" for split, file in splits.items() if file in given},
        "columns": list(part.shape.columns),
        "features": "\n".join(features(part.shape.columns)),
    }
