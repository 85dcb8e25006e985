"""The texts of a run's prompts in its dataset: ``prompts/VERSION/FILE``, where the lineage of a row has the version."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from glotsmith.errors import StorageError
from glotsmith.stored_prompt import StoredPrompt
from glotsmith.write_aside import write_aside

FOLDER = "prompts"


def write_prompts(folder: Path, prompts: Sequence[StoredPrompt]) -> None:
    """Write the texts of prompts into the folder of a dataset, and remove those of an earlier dataset.

    Raises:
        StorageError: they cannot be written.

    """
    target = folder / FOLDER
    try:
        if target.exists():
            shutil.rmtree(target)
        if prompts:
            with write_aside(target) as draft:
                _write(draft, prompts)
    except OSError as error:
        raise StorageError(f"{target}: the prompts cannot be written: {error.strerror or error}") from error


def _write(folder: Path, prompts: Sequence[StoredPrompt]) -> None:
    for prompt in prompts:
        for name, text in prompt.texts.items():
            file = folder / prompt.version / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, "utf-8")
