"""Executors run the steps of a pipeline. To add one, add a module here and a line to ``EXECUTORS``."""

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
    """Return the executor called ``name``.

    Args:
        name: a key of ``EXECUTORS``.
        limits: the numbers of faults at which it stops a run.


    Raises:
        UsageError: no executor has this name.

    """
    if name not in EXECUTORS:
        raise UsageError(f"there is no executor {name!r}: choose one of {', '.join(EXECUTORS)}")
    return EXECUTORS[name](limits or FaultLimits())
