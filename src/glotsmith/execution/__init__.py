"""Executors: who carries items from step to step. A new one is a file here and a line in ``EXECUTORS``."""

from collections.abc import Callable

from glotsmith.errors import UsageError
from glotsmith.execution.base import Executor


def _local() -> Executor:
    from glotsmith.execution.local import Local

    return Local()


EXECUTORS: dict[str, Callable[[], Executor]] = {
    "local": _local,
}


def executor(name: str) -> Executor:
    """Return the executor called ``name``.

    Raises:
        UsageError: there is none of that name.

    """
    if name not in EXECUTORS:
        raise UsageError(f"there is no executor {name!r}: choose one of {', '.join(EXECUTORS)}")
    return EXECUTORS[name]()
