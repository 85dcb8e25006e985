"""Remove the folders that a refused command created."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from glotsmith.errors import InputError, UsageError


@contextmanager
def removed_if_refused(folder: Path, *files: str) -> Generator[list[str], None, None]:
    """Remove the folder and its parents if the block created them and refuses the command.

    Args:
        folder: The output folder of the command.
        *files: The names of files without results that the block may create there. They are removed, too.

    Yields:
        The names of the files to remove; the block clears the list when a file has results.

    """
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    names = list(files)
    try:
        yield names
    except (InputError, UsageError):
        if folder in missing:
            _remove_files(folder, names)
            _remove_empty(missing)
        raise


def _remove_files(folder: Path, names: list[str]) -> None:
    for name in names:
        (folder / name).unlink(missing_ok=True)


def _remove_empty(folders: list[Path]) -> None:
    """Remove folders, the innermost first, up to one that has content."""
    for folder in folders:
        try:
            folder.rmdir()
        except FileNotFoundError:
            continue
        except OSError:
            return
