"""What an isolation back end is: something that runs a program and tells what it saw."""

from collections.abc import Awaitable, Callable
from typing import Literal, Protocol, runtime_checkable

from glotsmith.records import Outcome, Program

#: A property that a back end may or may not keep against a hostile program; limits and clean-up hold for all.
#:
#: network     nothing outside can be reached, not even this machine's own ports
#: files       of the host's files only the toolchains are visible, and none can be changed
#: processes   no process outside can be seen or signalled
#: program     the program can't change its own files (``Program.files``)
#: disk        what is written is bounded in sum (``Limits.file_mb``), not only file by file
#: orphans     nothing outlives the run, whatever it did to hide
Promise = Literal["network", "files", "processes", "program", "disk", "orphans"]

ATTEMPTS = 3  #: a machine that fails three times in a row is reported as such

Run = Callable[[Program], Awaitable[Outcome]]  #: ``Sandbox.run``, or what takes its place

ALL_PROMISES: frozenset[Promise] = frozenset({"network", "files", "processes", "program", "disk", "orphans"})


class Sandbox(Protocol):
    """The contract of every back end (``tests/contracts/test_sandboxes.py`` holds them to it).

    Each program gets a folder of its own that nobody else sees and that is gone afterwards, no network, no
    environment but ``Program.env`` and ``PATH``, ``HOME``, ``TMPDIR``, ``LANG=C.UTF-8``; and it can neither see nor
    touch any process outside, as far as ``promises`` goes. ``run`` never raises for what a program does: that is an
    ``Outcome``. A machine that fails (no fork, no disk, no such command) is ``Outcome(ending="infra")``. Cancelling
    ``run`` kills the program and all it started. Any number of ``run`` may be awaited at once; the back end starts
    no more than its ``jobs`` at a time.
    """

    name: str  #: as in ``--isolation`` and in every verdict
    promises: frozenset[Promise]  #: what holds against a hostile program

    async def run(self, program: Program) -> Outcome:
        """Run one program to its end or its limits."""
        ...

    async def close(self) -> None:
        """Kill what is left and remove all folders; idempotent."""
        ...


@runtime_checkable
class SupportsWarmWorkers(Protocol):
    """A back end that keeps interpreters and compilers warm."""

    def disable_warm_workers(self) -> None:
        """Do without them from now on."""
        ...


async def run_with_retries(run: Run, program: Program) -> Outcome:
    """Run a program, again where the machine failed."""
    outcome = await run(program)
    for _ in range(ATTEMPTS - 1):
        if outcome.ending != "infra":
            break
        outcome = await run(program)
    return outcome
