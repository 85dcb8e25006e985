"""Read the rows of a run: all rows of a finished run, or the rows that an unfinished run has so far."""

from collections.abc import AsyncGenerator, Container, Iterator, Mapping
from contextlib import asynccontextmanager, closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple, cast

import msgspec

from glotsmith import recipes
from glotsmith.api.run_config import RunConfig, changeable_keys_of
from glotsmith.errors import UsageError
from glotsmith.evaluation.benchmarks.row_files import QuestionRow as QuestionRow
from glotsmith.evaluation.benchmarks.row_files import read_rows
from glotsmith.ledger import Ledger
from glotsmith.recipes.base import LedgerReader
from glotsmith.records import Example, Preference, content_hash
from glotsmith.run_folder import CONFIG, DATASET, LEDGER, RunFolder
from glotsmith.settings import is_changeable
from glotsmith.stored_prompt import StoredPrompt


class RunRows(NamedTuple):
    """The rows of a run."""

    folder: RunFolder
    ledger: LedgerReader  #: the ledger of the run, or a ledger of partial rows if the run is not finished
    partial: bool = False
    target_pass_rates: Mapping[tuple[str, str], float] = {}  #: (``parallel_id``, language) → a target model's rate
    rate_range: Container[float] | None = None  #: the target pass rates of the rows to yield; None for all rows

    def examples(self) -> Iterator[Example]:
        """Yield the rows in the order of the training stages."""
        for stage in self.stages():
            yield from self.of_stage(stage)

    def stages(self) -> list[int]:
        """Return the training stages of the rows, in order."""
        return sorted({item.stage for _, item in self._selected_items()})

    def of_stage(self, stage: int) -> Iterator[Example]:
        """Yield the rows of one training stage."""
        return (item for _, item in self._selected_items() if item.stage == stage)

    @property
    def made(self) -> int:
        """The number of rows."""
        return self.ledger.funnel()[-1].made

    def preferences(self) -> Iterator[Preference]:
        """Yield the preference pairs."""
        from glotsmith.datasets.preferences import pairs

        stored = self.folder.config
        kept = "target" if hasattr(recipes.get(stored["recipe"]), "docstrings") else "verbatim"
        found = pairs(self.ledger, wording=stored.get("options", {}).get("docstrings", kept))
        return filter(self._is_in_rate_range, found)

    def findings(self) -> dict[str, str]:
        """Return the other measurements of the run: title → sentence."""
        found = getattr(recipes.get(self.folder.config["recipe"]), "findings", None)
        return found(self.ledger) if found else {}

    def parameters(self) -> dict[str, str]:
        """Return the settings that determine the rows: dotted name → text."""
        stored = self.folder.config
        changeable = changeable_keys_of(stored)
        return {
            name: _setting_text(value) for name, value in _set_leaves(stored) if not is_changeable(name, changeable)
        }

    def prompts(self) -> tuple[StoredPrompt, ...]:
        """Return the prompts of the run; empty for a run of an older version."""
        return tuple(self.folder.ledger.exchanges.stored_prompts())

    def run(self) -> str:
        """Return the identity of the run: a hash of the settings that determine its rows."""
        return content_hash(*(part for pair in sorted(self.parameters().items()) for part in pair))

    def _selected_items(self) -> Iterator[tuple[str, Example]]:
        for key, item in self.ledger.kept_items(self.ledger.steps[-1], Example):
            if self._is_in_rate_range(item):
                rate = self.target_pass_rates.get((item.parallel_id, item.language))
                yield key, item if rate is None else msgspec.structs.replace(item, target_pass_rate=rate)

    def _is_in_rate_range(self, item: Example | Preference) -> bool:
        return (
            self.rate_range is None
            or self.target_pass_rates.get((item.parallel_id, item.language), -1.0) in self.rate_range
        )


def is_finished(folder: RunFolder) -> bool:
    """Return whether a run is finished."""
    last = folder.ledger.steps[-1] if folder.ledger.steps else ""
    return bool(last) and folder.ledger.is_finished(last)


def finished_rows(folder: RunFolder) -> RunRows:
    """Return the rows of a finished run.

    Raises:
        UsageError: The run is not finished.

    """
    if not is_finished(folder):
        raise UsageError(
            f"{folder.path}: the run is not finished. Run the same command again to resume it; "
            "'glotsmith export' writes the rows it has so far"
        )
    return RunRows(folder, folder.ledger)


@asynccontextmanager
async def rows_so_far(folder: RunFolder) -> AsyncGenerator[RunRows]:
    """Yield the rows of a run. If the run is unfinished, its last steps process the current items.

    Raises:
        UsageError: The run has not started, or its configuration cannot be read.

    """
    from glotsmith.recipes.partial import make_partial_rows

    if is_finished(folder):
        yield RunRows(folder, folder.ledger)
        return
    try:
        recipe = msgspec.convert(folder.config, RunConfig).build_recipe()
    except msgspec.ValidationError as error:
        raise UsageError(f"{folder.path}: invalid configuration of the run: {error}") from error
    with TemporaryDirectory(prefix="glotsmith-partial-") as place, closing(Ledger(Path(place) / LEDGER)) as scratch:
        yield RunRows(folder, await make_partial_rows(recipe, folder.ledger, scratch), partial=True)


def _set_leaves(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, object]]:
    """Yield the leaves of a configuration that are set, by dotted name."""
    for name, value in table.items():
        if isinstance(value, Mapping):
            yield from _set_leaves(cast(Mapping[str, Any], value), f"{prefix}{name}.")
        elif value not in ("", None):
            yield f"{prefix}{name}", value


def _setting_text(value: object) -> str:
    return ", ".join(map(str, cast(list[object], value))) if isinstance(value, list | tuple) else str(value)


def dataset_source(path: Path) -> Path:
    """Return the folder that contains the rows of a path: the run folder of ``RUN/dataset``, or the folder of a format.

    ``RUN/dataset``, and a copy of it, contain one folder for each format. Some formats are for trainers.
    """
    if path.name == DATASET and (path.parent / CONFIG).is_file():
        return path.parent
    return next((path / name for name in ("jsonl", "parquet") if (path / name / "data").is_dir()), path)


def read_dataset(path: Path) -> list[QuestionRow]:
    """Return dataset rows of a file, a folder of files, or a run folder.

    Raises:
        InputError: A file is malformed.
        UsageError: ``path`` does not exist or contains no rows.

    """
    from glotsmith.datasets.schema import plain

    path = dataset_source(path)
    if not (path / CONFIG).is_file():
        return read_rows(path)
    with RunFolder.open(path) as folder:
        steps = folder.ledger.steps
        kept = folder.ledger.kept_items(steps[-1], Example) if steps else ()
        return [QuestionRow(file=str(path), line=i, data=plain(row)) for i, (_, row) in enumerate(kept, 1)]
