"""Write a file or a folder to a draft next to its target, and replace the target when the draft is complete.

A reader sees the whole old content or the whole new content. If an error occurs while the draft is written, the draft
is removed and the target is not changed. If the process is killed, the draft remains. The next writer of the target
removes it (unless it is ``shared``).
"""

import os
import secrets
import shutil
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType


def draft_path(target: Path) -> Path:
    """Return the path of the draft of a target: ``.NAME.part`` in the same folder."""
    return target.with_name(f".{target.name}.part")


@contextmanager
def write_aside(target: Path, *, sync: bool = False, shared: bool = False) -> Generator[Path, None, None]:
    """Yield the path of a draft; at the end of the ``with`` block, replace the target with the draft.

    Args:
        target: a file, or a folder that does not exist yet or is empty.
        sync: write the content of the draft, a file, to the disk before it replaces the target.
        shared: other processes and threads may write the same target now; the draft then has a unique name.

    Raises:
        OSError: the draft cannot be written or moved.

    """
    draft = draft_path(target)
    if shared:
        draft = draft.with_name(f".{target.name}.{secrets.token_hex(8)}.part")
    _remove(draft)
    try:
        yield draft
        if sync:
            _sync(draft)
        draft.replace(target)
    except BaseException:
        _remove(draft)
        raise


class Drafts:
    """Drafts of several files, which replace their targets only when all are complete.

    At the end of the ``with`` block, drafts that did not replace their targets are removed.
    """

    def __init__(self) -> None:
        """Create an empty set."""
        self.targets: list[Path] = []

    def add(self, target: Path) -> Path:
        """Add a file and return the path of its draft."""
        self.targets.append(target)
        return draft_path(target)

    def discard(self, target: Path) -> None:
        """Remove a file from the set, and its draft."""
        self.targets.remove(target)
        _remove(draft_path(target))

    def rename(self, target: Path, other: Path) -> None:
        """Change the target of a draft that is closed."""
        draft_path(target).rename(draft_path(other))
        self.targets[self.targets.index(target)] = other

    def replace_targets(self) -> None:
        """Replace the targets with their drafts, in the order of ``add``."""
        for target in self.targets:
            draft_path(target).replace(target)

    def __enter__(self) -> "Drafts":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for target in self.targets:
            _remove(draft_path(target))


def _sync(file: Path) -> None:
    descriptor = os.open(file, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove(draft: Path) -> None:
    if draft.is_dir():
        shutil.rmtree(draft, ignore_errors=True)
    else:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
