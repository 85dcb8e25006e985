"""What all back ends share: slots, folders, errors. A back end only says how a program is launched."""

import asyncio
import os
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import msgspec

from glotsmith.records import Outcome, Program
from glotsmith.sandbox.base import Promise
from glotsmith.sandbox.compile_servers import CompileServerPool
from glotsmith.sandbox.fork_server.pool import ForkServerLaunch, ForkServerPool
from glotsmith.sandbox.fork_server.process import ForkedProcess
from glotsmith.sandbox.spawned_process import ProcessLaunch, SpawnedProcess
from glotsmith.sandbox.supervised_process import SupervisedProcess
from glotsmith.sandbox.temporary_folders import SessionFolders
from glotsmith.sandbox.user_namespace import NOBODY, UserNamespace
from glotsmith.sandbox.view import write_accounts, write_files
from glotsmith.sandbox.wrapper import counts_per_namespace, max_tasks

_IDLE_S = 0.5  #: CPU seconds of a program that waited rather than worked


class LocalSandbox(ABC):
    """A sandbox on this machine."""

    name: ClassVar[str]
    promises: ClassVar[frozenset[Promise]]
    _namespace: UserNamespace | None = None  #: of root's programs
    warm: ClassVar[bool] = False  #: whether ``_furnish`` is there

    def __init__(self, jobs: int | None = None) -> None:
        """Open the sandbox; ``jobs`` programs run at once, by default one per processor.

        Raises:
            IsolationError: this machine lacks what the back end needs.
            OSError: no folder for programs' files can be made.

        """
        self._jobs = jobs or len(os.sched_getaffinity(0))
        self._prepare()
        self._folders = SessionFolders()
        self._accounts = write_accounts(self._folders.root)  #: (path here, path inside) of files to be shown read-only
        self._running: set[SupervisedProcess] = set()
        self._fork_servers = ForkServerPool(self._fork_server_command, self._folders.root) if self.warm else None
        self._compile_servers = CompileServerPool(self._launch, self._folders) if self.warm else None
        self._slots: tuple[asyncio.AbstractEventLoop, asyncio.Semaphore] | None = None
        self._closed = False

    @abstractmethod
    def _prepare(self) -> None:
        """Look for what the back end needs, before anything is made."""

    @abstractmethod
    def _launch(self, program: Program, folder: Path) -> ProcessLaunch:
        """Say how to start ``program``, whose files are in ``folder / "program"``."""

    def _fork_server_command(self, room: ForkServerLaunch) -> Sequence[str]:
        """Return the argv that starts a nest."""
        raise NotImplementedError

    async def run(self, program: Program) -> Outcome:
        """Run one program to its end or its limits."""
        async with self._slot():
            if self._closed:
                return _infra("the sandbox is closed")
            try:
                return await self._run(program)
            except OSError as error:
                return _infra(f"the program could not be started: {error}")

    async def _run(self, program: Program) -> Outcome:
        """Run a program the fastest way that there is, and cold where that fails."""
        made = await self._compile_servers.compile(program) if self._compile_servers and program.server else None
        if made is not None and not made.compiled:
            return Outcome(ending="exit", code=1, stderr=made.messages[-program.limits.output_kb * 256 :], built=False)
        if made is not None and program.server is not None:
            files = {**program.files, **made.files}
            program = msgspec.structs.replace(program, files=files, build=(), argv=program.server.run)
        outcome = await self._run_warm(program) if self._fork_servers else None
        if outcome is not None:
            return outcome
        with self._folders.fresh() as folder:
            return await self._run_in(folder, program)

    async def _run_warm(self, program: Program) -> Outcome | None:
        """Run a program in a nest; None where there is none, or where what came of it must not be believed."""
        nests = self._fork_servers  # closing the sandbox forgets them
        assert nests is not None
        found = nests.get(program)
        if found is None:
            return None
        key, nest = found
        tasks = max_tasks(program.limits, self._jobs - 1) if counts_per_namespace() else 0
        hatched = ForkedProcess(nest, program, tasks, NOBODY if self._namespace else None)
        await self._follow(hatched)
        if hatched.lost and not self._closed:
            return None
        nests.succeed(key)
        outcome = self._told(hatched, program)
        return None if program.warm and _doubtful(outcome) else outcome

    async def _follow(self, watched: SupervisedProcess) -> None:
        self._running.add(watched)
        try:
            await watched.supervise()
        finally:
            watched.dispose()
            self._running.discard(watched)

    def _told(self, watched: SupervisedProcess, program: Program) -> Outcome:
        if watched.state == "missing":
            wanted = (program.build or program.argv)[0]
            return _infra(f"the command {wanted!r} is not there; is its toolchain installed?")
        return watched.outcome()

    async def _run_in(self, folder: Path, program: Program) -> Outcome:
        files = folder / "program"
        files.mkdir()
        write_files(program.files, files)
        launch = self._launch(program, folder)
        spawned = SpawnedProcess(launch, program.stdin.encode("utf-8", "surrogatepass"), program.limits)
        await self._follow(spawned)
        return self._told(spawned, program)

    def _slot(self) -> asyncio.Semaphore:
        """Return the semaphore of the running loop: a sandbox may be used by one loop after another."""
        loop = asyncio.get_running_loop()
        if self._slots is None or self._slots[0] is not loop:
            self._slots = (loop, asyncio.Semaphore(self._jobs))
        return self._slots[1]

    def disable_warm_workers(self) -> None:
        """Do without warm interpreters and compilers from now on."""
        for pool in (self._fork_servers, self._compile_servers):
            if pool is not None:
                pool.close()
        self._fork_servers = self._compile_servers = None

    async def close(self) -> None:
        """Kill what is left and remove all folders; idempotent."""
        self._closed = True
        for watched in list(self._running):
            watched.dispose()
        self.disable_warm_workers()
        self._folders.close()
        if self._namespace is not None:
            self._namespace.close()


def _doubtful(outcome: Outcome) -> bool:
    """Whether a cold start might have ended better: a fork can break an interpreter, which then dies or waits."""
    return outcome.ending in ("signal", "infra") or (outcome.ending == "wall" and outcome.cpu_s < _IDLE_S)


def _infra(detail: str) -> Outcome:
    return Outcome(ending="infra", detail=detail)
