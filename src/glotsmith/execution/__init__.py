"""Executors: who carries items from step to step. A new one is a file here and a line in ``EXECUTORS``."""

from collections.abc import Callable

from glotsmith.errors import UsageError
from glotsmith.execution.base import Executor, FaultLimits


def _local(limits: FaultLimits) -> Executor:
    from glotsmith.execution.local import LocalExecutor

    return LocalExecutor(limits=limits)


EXECUTORS: dict[str, Callable[[FaultLimits], Executor]] = {
    "local": _local,
}


def open_executor(name: str, limits: FaultLimits | None = None) -> Executor:
    """Return the executor called ``name``, which stops at ``limits``.

    Raises:
        UsageError: there is none of that name.

    """
    if name not in EXECUTORS:
        raise UsageError(f"there is no executor {name!r}: choose one of {', '.join(EXECUTORS)}")
    return EXECUTORS[name](limits or FaultLimits())
