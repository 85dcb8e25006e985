"""What an isolation back end is: something that runs a program and tells what it saw."""

from typing import Protocol

from glotsmith.records import Outcome, Program


class Sandbox(Protocol):
    """The contract of every back end (``tests/contracts/test_sandboxes.py`` holds them to it).

    Each program gets a folder of its own that nobody else sees and that is gone afterwards, no network, no
    environment but ``Program.env`` and ``PATH``, ``HOME``, ``TMPDIR``, ``LANG=C.UTF-8``; and it can neither see nor
    touch any process outside. ``run`` never raises for what a program does: that is an ``Outcome``. A machine that
    fails (no fork, no disk) is ``Outcome(ending="infra")``. Cancelling ``run`` kills the program and all it started.
    """

    name: str  #: as in ``--isolation`` and in every verdict

    async def run(self, program: Program) -> Outcome:
        """Run one program to its end or its limits."""
        ...

    async def close(self) -> None:
        """Kill what is left and remove all folders; idempotent."""
        ...
