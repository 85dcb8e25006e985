"""Write the prompts of a run into its dataset: ``prompts/VERSION/FILE``. The lineage of a row has the version."""

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
        StorageError: The files cannot be written.

    """
    target = folder / FOLDER
    try:
        if target.exists():
            shutil.rmtree(target)
        if prompts:
            with write_aside(target) as draft:
                _write_texts(draft, prompts)
    except OSError as error:
        raise StorageError(f"{target}: the prompts cannot be written: {error.strerror or error}") from error


def _write_texts(folder: Path, prompts: Sequence[StoredPrompt]) -> None:
    for prompt in prompts:
        for name, text in prompt.texts.items():
            file = folder / prompt.version / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, "utf-8")
