"""Running programs that nobody trusts: one file per isolation back end, one line per back end in this table."""

import asyncio
import importlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from glotsmith.errors import IsolationError, UsageError, unknown_name
from glotsmith.records import Limits, Program
from glotsmith.sandbox.base import ALL_PROMISES, Sandbox, SupportsWarmWorkers

#: Name → ``module:Class``; ``auto`` takes the first that works, but none of ``BY_NAME``.
BACK_ENDS = {
    "bubblewrap": "glotsmith.sandbox.bubblewrap:Bubblewrap",
    "unshare": "glotsmith.sandbox.unshare:Unshare",
    "container": "glotsmith.sandbox.container:Container",
    "remote": "glotsmith.sandbox.remote:Remote",
    "none": "glotsmith.sandbox.none:Unisolated",
}
ONLY_BY_NAME = frozenset({"remote", "none"})  #: taken only by name: programs leave this machine, or are let loose on it

_ADVICE = (
    "Install bubblewrap (apt install bubblewrap). Or run programs with all your rights by --isolation none: "
    "what a model wrote could then read your files, delete them and use the network."
)


_TRIAL_S = 30.0


class ProbeResult(NamedTuple):
    """What became of trying one back end."""

    name: str
    works: bool
    message: str


def open_sandbox(name: str = "auto", jobs: int | None = None, *, warm: bool = True) -> Sandbox:
    """Open a back end by name, after it has proved that it works by running ``true``.

    ``auto`` is the first that isolates and works. ``jobs`` programs run at once, by default one per processor. Without
    ``warm`` each program starts from nothing, which is slower and comes to the same.

    Raises:
        UsageError: there is no such back end.
        IsolationError: it does not work here; the message says why and what to do.

    """
    if name not in (*BACK_ENDS, "auto"):
        raise UsageError(unknown_name(f"there is no isolation {name!r}", name, ("auto", *BACK_ENDS)))
    complaints: list[str] = []
    for candidate in [n for n in BACK_ENDS if n not in ONLY_BY_NAME] if name == "auto" else [name]:
        try:
            opened = _open(candidate, jobs)
        except IsolationError as error:
            complaints.append(f"{candidate}: {error}")
        else:
            if not warm and isinstance(opened, SupportsWarmWorkers):
                opened.disable_warm_workers()
            return opened
    raise IsolationError("\n".join(["programs can't be isolated here", *complaints, _ADVICE]))


def probe() -> list[ProbeResult]:
    """Try every back end, for ``glotsmith doctor``."""
    return [_probe(name) for name in BACK_ENDS]


def _probe(name: str) -> ProbeResult:
    try:
        promises = _open(name, 1, keep=False).promises
    except IsolationError as error:
        return ProbeResult(name, False, str(error))
    lacking = ", ".join(sorted(ALL_PROMISES - promises))
    return ProbeResult(name, True, f"works, but protects none of: {lacking}" if lacking else "works")


def _open(name: str, jobs: int | None, *, keep: bool = True) -> Sandbox:
    module, _, attribute = BACK_ENDS[name].partition(":")
    back_end = getattr(importlib.import_module(module), attribute)
    # A thread has no event loop yet, whether or not our caller has one.
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(lambda: asyncio.run(_try(back_end, jobs, keep))).result()


async def _try(back_end: Callable[[int | None], Sandbox], jobs: int | None, keep: bool) -> Sandbox:
    """Open a back end and run ``true`` in it."""
    try:
        sandbox = back_end(jobs)
    except OSError as error:
        raise IsolationError(f"no temporary folder can be made: {error}") from error
    works = False
    try:
        outcome = await sandbox.run(Program(files={}, argv=("true",), limits=Limits(wall_s=_TRIAL_S)))
        works = outcome.ending == "exit" and outcome.code == 0
    finally:
        if not (works and keep):
            await sandbox.close()
    if not works:
        raise IsolationError(outcome.detail or f"true ended by {outcome.ending} {outcome.code}")
    return sandbox
