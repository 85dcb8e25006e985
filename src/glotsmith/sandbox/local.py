"""What all back ends share: slots, folders, errors. A back end only says how a program is launched."""

import asyncio
import os
from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar

from glotsmith.records import Outcome, Program
from glotsmith.sandbox.base import Promise
from glotsmith.sandbox.folders import Folders
from glotsmith.sandbox.nobody import Namespace
from glotsmith.sandbox.process import Launch, Supervised
from glotsmith.sandbox.view import write_files


class LocalSandbox(ABC):
    """A sandbox on this machine."""

    name: ClassVar[str]
    promises: ClassVar[frozenset[Promise]]
    _namespace: Namespace | None = None  #: of root's programs

    def __init__(self, jobs: int | None = None) -> None:
        """Open the sandbox; ``jobs`` programs run at once, by default one per processor.

        Raises:
            IsolationError: this machine lacks what the back end needs.
            OSError: no folder for programs' files can be made.

        """
        self._jobs = jobs or len(os.sched_getaffinity(0))
        self._prepare()
        self._folders = Folders()
        self._running: set[Supervised] = set()
        self._slots: tuple[asyncio.AbstractEventLoop, asyncio.Semaphore] | None = None
        self._closed = False

    @abstractmethod
    def _prepare(self) -> None:
        """Look for what the back end needs, before anything is made."""

    @abstractmethod
    def _launch(self, program: Program, folder: Path) -> Launch:
        """Say how to start ``program``, whose files are in ``folder / "program"``."""

    async def run(self, program: Program) -> Outcome:
        """Run one program to its end or its limits."""
        async with self._slot():
            if self._closed:
                return _infra("the sandbox is closed")
            try:
                with self._folders.fresh() as folder:
                    return await self._run_in(folder, program)
            except OSError as error:
                return _infra(f"the program could not be started: {error}")

    async def _run_in(self, folder: Path, program: Program) -> Outcome:
        files = folder / "program"
        files.mkdir()
        write_files(program.files, files)
        launch = self._launch(program, folder)
        supervised = Supervised(launch, program.stdin.encode("utf-8", "surrogatepass"), program.limits)
        self._running.add(supervised)
        try:
            await supervised.watch()
        finally:
            supervised.dispose()
            self._running.discard(supervised)
        outcome = supervised.outcome()
        if supervised.stderr.state == "missing":
            wanted = (program.build or program.argv)[0]
            return _infra(f"the command {wanted!r} is not there; is its toolchain installed?")
        return outcome

    def _slot(self) -> asyncio.Semaphore:
        """Return the semaphore of the running loop: a sandbox may be used by one loop after another."""
        loop = asyncio.get_running_loop()
        if self._slots is None or self._slots[0] is not loop:
            self._slots = (loop, asyncio.Semaphore(self._jobs))
        return self._slots[1]

    async def close(self) -> None:
        """Kill what is left and remove all folders; idempotent."""
        self._closed = True
        for supervised in list(self._running):
            supervised.dispose()
        self._folders.close()
        if self._namespace is not None:
            self._namespace.close()


def _infra(detail: str) -> Outcome:
    return Outcome(ending="infra", detail=detail)
