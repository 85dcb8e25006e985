"""Sandboxes for untrusted programs: one file per isolation back end, one line per back end in ``BACK_ENDS``.

``bubblewrap.py`` and ``unshare.py`` share ``namespace_sandbox.py``, whose warm workers come from ``fork_server/`` (warm
interpreters) and ``compile_servers.py`` (warm compilers).
"""

import asyncio
import importlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from glotsmith.errors import IsolationError, UsageError, unknown_name
from glotsmith.records import Limits, Program
from glotsmith.sandbox.base import ALL_PROMISES, Sandbox, SupportsWarmWorkers

#: Name → ``module:Class``. ``auto`` selects the first that works and is not in ``ONLY_BY_NAME``.
BACK_ENDS = {
    "bubblewrap": "glotsmith.sandbox.bubblewrap:Bubblewrap",
    "unshare": "glotsmith.sandbox.unshare:Unshare",
    "container": "glotsmith.sandbox.container:Container",
    "remote": "glotsmith.sandbox.remote:Remote",
    "none": "glotsmith.sandbox.none:Unisolated",
}
ONLY_BY_NAME = frozenset({"remote", "none"})  #: they send programs elsewhere, or do not isolate them

_ADVICE = (
    "Install bubblewrap (apt install bubblewrap). With --isolation none programs run with all your permissions: "
    "code from a model can then read and delete your files and use the network."
)
_PROBE_TIMEOUT_S = 30.0


class ProbeResult(NamedTuple):
    """The result of probing one back end."""

    name: str
    works: bool
    message: str


def open_sandbox(name: str = "auto", jobs: int | None = None, *, warm: bool = True) -> Sandbox:
    """Open a back end by name and check that it works by running ``true``.

    ``auto`` selects the first back end that isolates and works. The sandbox runs ``jobs`` programs at once, by default
    one per processor. Without ``warm`` each program starts cold, which is slower and gives the same outcomes.

    Raises:
        UsageError: the back end does not exist.
        IsolationError: the back end does not work on this machine; the message says why and what to do.

    """
    if name not in (*BACK_ENDS, "auto"):
        raise UsageError(unknown_name(f"there is no isolation {name!r}", name, ("auto", *BACK_ENDS)))
    failures: list[str] = []
    for candidate in [n for n in BACK_ENDS if n not in ONLY_BY_NAME] if name == "auto" else [name]:
        try:
            opened = _open(candidate, jobs)
        except IsolationError as error:
            failures.append(f"{candidate}: {error}")
        else:
            if not warm and isinstance(opened, SupportsWarmWorkers):
                opened.disable_warm_workers()
            return opened
    raise IsolationError("\n".join(["cannot isolate programs on this machine:", *failures, _ADVICE]))


def probe() -> list[ProbeResult]:
    """Probe every back end, for ``glotsmith doctor``."""
    return [_probe(name) for name in BACK_ENDS]


def _probe(name: str) -> ProbeResult:
    try:
        promises = _open(name, 1, keep=False).promises
    except IsolationError as error:
        return ProbeResult(name, False, str(error))
    missing = ", ".join(sorted(ALL_PROMISES - promises))
    return ProbeResult(name, True, f"works, without protection of: {missing}" if missing else "works")


def _open(name: str, jobs: int | None, *, keep: bool = True) -> Sandbox:
    module, _, attribute = BACK_ENDS[name].partition(":")
    back_end = getattr(importlib.import_module(module), attribute)
    # The caller may run in an event loop; a new thread has none.
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(lambda: asyncio.run(_open_and_probe(back_end, jobs, keep))).result()


async def _open_and_probe(back_end: Callable[[int | None], Sandbox], jobs: int | None, keep: bool) -> Sandbox:
    """Open a back end and run ``true`` in it; close it afterwards if it fails or ``keep`` is false."""
    try:
        sandbox = back_end(jobs)
    except OSError as error:
        raise IsolationError(f"cannot create a temporary folder: {error}") from error
    works = False
    try:
        outcome = await sandbox.run(Program(files={}, argv=("true",), limits=Limits(wall_s=_PROBE_TIMEOUT_S)))
        works = outcome.ending == "exit" and outcome.code == 0
    finally:
        if not (works and keep):
            await sandbox.close()
    if not works:
        raise IsolationError(outcome.detail or f"the command true ended with {outcome.ending} {outcome.code}")
    return sandbox
