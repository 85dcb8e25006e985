"""Import the libraries of a training when they are used."""

import logging
import os
from importlib import import_module
from typing import Any, cast

from glotsmith.errors import UsageError
from glotsmith.installation import install_command


def load(name: str) -> Any:
    """Import a library of the extra ``train``.

    Raises:
        UsageError: The library is not installed.

    """
    try:
        return cast(Any, import_module(name))
    except ImportError as error:
        raise UsageError(
            f"the module {error.name or name} is missing. Install the extra train: {install_command('train')}"
        ) from error


def silence_libraries() -> None:
    """Hide the progress bars and warnings of the libraries; errors remain."""
    os.environ.setdefault("TQDM_DISABLE", "1")  # read when tqdm is imported; transformers converts GGUF files with it
    load("datasets").disable_progress_bars()
    load("transformers").utils.logging.disable_progress_bar()
    for name in ("transformers", "trl", "datasets", "accelerate", "peft"):  # after the imports, which set levels too
        logging.getLogger(name).setLevel(logging.ERROR)
