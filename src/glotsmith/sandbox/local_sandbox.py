"""Base class of the back ends on this machine: it queues programs, creates their folders and starts them cold."""

import asyncio
import os
from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar

from glotsmith.records import Outcome, Program
from glotsmith.sandbox.base import CLOSED, IsDecided, Promise, SandboxLoad, infra_outcome
from glotsmith.sandbox.program_environment import write_accounts, write_files
from glotsmith.sandbox.program_slots import ProgramSlots
from glotsmith.sandbox.spawned_process import ProcessLaunch, SpawnedProcess
from glotsmith.sandbox.supervised_process import SupervisedProcess
from glotsmith.sandbox.temporary_folders import SessionFolders


class LocalSandbox(ABC):
    """A sandbox on this machine. Subclasses define how a program is launched."""

    name: ClassVar[str]
    promises: ClassVar[frozenset[Promise]]

    def __init__(self, jobs: int | None = None) -> None:
        """Open the sandbox; it runs ``jobs`` programs at once, by default one per processor.

        Raises:
            IsolationError: this machine lacks what the back end needs.
            OSError: no folder for the files of programs can be created.

        """
        self._jobs = jobs or len(os.sched_getaffinity(0))
        self._prepare()
        self._folders = SessionFolders()
        self._accounts = write_accounts(self._folders.root)  #: (host path, path inside) of read-only files
        self._running: set[SupervisedProcess] = set()
        self._slots: tuple[asyncio.AbstractEventLoop, ProgramSlots] | None = None
        self._closed = False
        self._ended = 0  #: programs

    @abstractmethod
    def _prepare(self) -> None:
        """Find what the back end needs, before any folder is created."""

    @abstractmethod
    def _launch(self, program: Program, folder: Path) -> ProcessLaunch:
        """Return how to start ``program``, whose files are in ``folder / "program"``."""

    async def run(self, program: Program) -> Outcome:
        """Run one program to its end or its limits."""
        return await self.run_until(program, None)

    async def run_until(self, program: Program, is_decided: IsDecided | None) -> Outcome:
        """Run one program to its end or its limits, or until its stdout so far is enough (``decided``)."""
        slots = self._slots_of_loop()
        await slots.acquire()
        try:
            if self._closed:
                return infra_outcome(CLOSED)
            return await self._run(program, is_decided)
        except OSError as error:
            return infra_outcome(f"cannot start the program: {error}")
        finally:
            self._ended += 1
            slots.release()

    def load(self) -> SandboxLoad:
        """Return how many programs run, and how many ended."""
        return SandboxLoad(self._slots[1].running if self._slots else 0, self._jobs, self._ended)

    async def _run(self, program: Program, is_decided: IsDecided | None) -> Outcome:
        """Run a program from a cold start."""
        with self._folders.temporary_folder() as folder:
            files = folder / "program"
            files.mkdir()
            write_files(program.files, files)
            launch = self._launch(program, folder)
            process = SpawnedProcess(launch, program.stdin.encode("utf-8", "surrogatepass"), program.limits)
            return await self._supervise(process, program, is_decided)

    async def _supervise(self, process: SupervisedProcess, program: Program, is_decided: IsDecided | None) -> Outcome:
        """Supervise a started program to its end; return its outcome."""
        slots = self._slots_of_loop()
        process.is_decided, process.loaded_line = is_decided, program.loaded_line.encode("utf-8", "surrogatepass")
        process.on_wait = lambda usage: slots.lend(process, usage.memory_mb, usage.tasks)
        process.on_resume = lambda: slots.take_back(process)
        self._running.add(process)
        try:
            await process.supervise()
        finally:
            slots.take_back(process)
            process.dispose()
            self._running.discard(process)
        if process.state == "missing":
            executable = (program.build or program.argv)[0]
            return infra_outcome(f"the command {executable!r} does not exist: check its name, or install it")
        return process.outcome()

    def _slots_of_loop(self) -> ProgramSlots:
        """Return the slots of the running event loop: consecutive loops may use the same sandbox."""
        loop = asyncio.get_running_loop()
        if self._slots is None or self._slots[0] is not loop:
            self._slots = (loop, ProgramSlots(self._jobs))
        return self._slots[1]

    def _kill_programs(self) -> None:
        """Reject further programs and kill the running ones; idempotent."""
        self._closed = True
        for process in list(self._running):
            process.dispose()

    async def close(self) -> None:
        """Kill the running programs and remove all folders; idempotent."""
        self._kill_programs()
        self._folders.close()
