"""The ``Sandbox`` protocol that every isolation back end implements: run a program, return its outcome."""

from collections.abc import Awaitable, Callable
from typing import Literal, NamedTuple, Protocol, runtime_checkable

from glotsmith.records import CompilerServer, Outcome, Program, WarmInterpreter, content_hash

#: A property that a back end may guarantee against a hostile program. All back ends enforce limits and clean up.
#:
#: network     the program can reach no network, not even the ports of this machine
#: files       of the host's files only the toolchains are visible, and the program can change none of them
#: processes   the program can neither see nor signal processes outside
#: program     the program cannot change its own files (``Program.files``)
#: disk        the total size of what the program writes is limited (``Limits.file_mb``), not only each file
#: orphans     no process outlives the run, even if it tries to hide
Promise = Literal["network", "files", "processes", "program", "disk", "orphans"]

ATTEMPTS = 3  #: a failure of the machine is reported after this number of consecutive failures

CLOSED = "the sandbox is closed"
CLOSED_DURING_RUN = "the sandbox was closed while the program ran"

IsDecided = Callable[[bytes], bool]  #: whether a program's stdout so far is all that its caller needs
Run = Callable[[Program], Awaitable[Outcome]]  #: ``Sandbox.run`` or a replacement

ALL_PROMISES: frozenset[Promise] = frozenset({"network", "files", "processes", "program", "disk", "orphans"})


class Sandbox(Protocol):
    """The contract of every back end; ``tests/contracts/test_sandboxes.py`` checks it.

    Each program gets a private folder that is removed afterwards. Its environment consists of ``Program.env``,
    ``PATH``, ``HOME``, ``TMPDIR``, ``USER``, ``LOGNAME`` and ``LANG=C.UTF-8``. To the extent of the ``promises`` it has
    no network, and can neither see nor signal processes outside. ``run`` never raises for what a program does: the
    result is an ``Outcome``. A failure of the machine (no process, no disk space, no such command) is
    ``Outcome(ending="infra")``. Cancelling ``run`` kills the program and its children. Any number of ``run`` may be
    awaited at once; the back end runs at most ``jobs`` programs at a time.
    """

    name: str  #: as in ``--isolation`` and in every verdict
    promises: frozenset[Promise]  #: the guarantees against a hostile program

    async def run(self, program: Program) -> Outcome:
        """Run one program to its end or its limits."""
        ...

    async def close(self) -> None:
        """Kill the running programs and remove all folders; idempotent."""
        ...


@runtime_checkable
class SupportsEarlyEnd(Protocol):
    """A back end that can end a program as soon as its output says enough."""

    async def run_until(self, program: Program, is_decided: IsDecided) -> Outcome:
        """Run one program to its end or its limits, or until its stdout so far is enough (``decided``).

        ``is_decided`` is called after new output, at most 50 times a second; short programs end before it is called.
        """
        ...


@runtime_checkable
class SupportsWarmWorkers(Protocol):
    """A back end that keeps interpreters and compilers warm."""

    def disable_warm_workers(self) -> None:
        """Close the warm workers; further programs start cold."""
        ...


class SandboxLoad(NamedTuple):
    """What a sandbox does at the moment."""

    busy: int  #: programs that run
    workers: int  #: programs that it runs at once at most
    ended: int  #: programs that ended since the sandbox was opened


@runtime_checkable
class ReportsLoad(Protocol):
    """A back end that counts its programs."""

    def load(self) -> SandboxLoad:
        """Return the load."""
        ...


async def run_with_retries(run: Run, program: Program) -> Outcome:
    """Run a program; repeat it after failures of the machine, at most ``ATTEMPTS`` times."""
    outcome = await run(program)
    for _ in range(ATTEMPTS - 1):
        if outcome.ending != "infra":
            break
        outcome = await run(program)
    return outcome


def worker_key(program: Program, worker: WarmInterpreter | CompilerServer) -> str:
    """Return the key of a program's warm worker; programs with the same key share it."""
    files = (text for name in sorted(worker.files) for text in (name, str(worker.files[name])))
    env = (f"{name}={value}" for name, value in sorted(program.env.items()))
    return content_hash(*worker.argv, "", *program.read_only, "", *env, "", *files)


def infra_outcome(detail: str) -> Outcome:
    """Return the outcome of a program that the machine failed to run."""
    return Outcome(ending="infra", detail=detail)
