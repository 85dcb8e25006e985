"""Base class of bubblewrap and unshare: isolates programs by Linux namespaces and runs them in warm workers."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar

import msgspec

from glotsmith.records import Limits, Outcome, Program
from glotsmith.sandbox.base import ALL_PROMISES, IsDecided, Promise
from glotsmith.sandbox.compile_servers import CompileServerPool
from glotsmith.sandbox.fork_server.pool import ForkServerLaunch, ForkServerPool
from glotsmith.sandbox.fork_server.process import ForkedProcess
from glotsmith.sandbox.local_sandbox import LocalSandbox
from glotsmith.sandbox.program_environment import PROGRAM, command, toolchain_prefixes
from glotsmith.sandbox.program_slots import MAX_WAITING_THREADS
from glotsmith.sandbox.seccomp import build_filter
from glotsmith.sandbox.shell_wrapper import counts_per_namespace, max_threads, wrap_command
from glotsmith.sandbox.user_namespace import NOBODY, UserNamespace

_IDLE_SHARE = 1 / 16  #: share of the idle limit after which a cold start replaces a fork that waits
_IDLE_CPU_S = 0.5  #: a program that used less CPU time until its wall limit has waited, not computed


class NamespaceSandbox(LocalSandbox):
    """A sandbox that runs each program in its own namespaces, in a warm worker where possible."""

    promises: ClassVar[frozenset[Promise]] = ALL_PROMISES

    def __init__(self, jobs: int | None = None) -> None:
        super().__init__(jobs)
        self._fork_servers: ForkServerPool | None = ForkServerPool(self._fork_server_argv, self._folders.root)
        self._compile_servers: CompileServerPool | None = CompileServerPool(self._launch, self._folders)

    def _prepare(self) -> None:
        self._filter = build_filter()
        self._user_namespace = UserNamespace.open()

    @abstractmethod
    def _fork_server_argv(self, launch: ForkServerLaunch) -> Sequence[str]:
        """Return the command that isolates and starts a fork server."""

    @property
    def _owner(self) -> int | None:
        """The user id of programs on the host; None if it is the user id of this process."""
        return NOBODY if self._user_namespace is not None else None

    def _max_threads(self, limits: Limits) -> int:
        """Return the limit of threads of all running and waiting programs, which share one user namespace."""
        return max_threads(limits) * self._jobs + MAX_WAITING_THREADS

    def _wrapped_command(self, program: Program, exec_as: str = "") -> list[str]:
        """Return the shell wrapper and the program's command."""
        argv, build = command(program.argv, PROGRAM), command(program.build, PROGRAM)
        shares_namespace = self._user_namespace is not None
        threads = self._max_threads(program.limits) if shares_namespace else max_threads(program.limits)
        return wrap_command(argv, program.limits, threads=threads, exec_as=exec_as, build=build)

    def _readable_prefixes(self, program: Program) -> list[str]:
        """Return the program's toolchain prefixes, checked to be readable for its user."""
        prefixes = toolchain_prefixes(program)
        if self._user_namespace is not None:
            self._user_namespace.check_readable(prefixes)
        return prefixes

    async def _run(self, program: Program, is_decided: IsDecided | None) -> Outcome:
        """Run a program in warm workers; start it cold where these fail."""
        compiled = await self._compile_servers.compile(program) if self._compile_servers and program.server else None
        if compiled is not None and not compiled.succeeded:
            messages = compiled.messages[-program.limits.output_kb * 1024 // 4 :]
            return Outcome(ending="exit", code=1, stderr=messages, built=False)
        if compiled is not None and program.server is not None:
            files = {**program.files, **compiled.files}
            program = msgspec.structs.replace(program, files=files, build=(), argv=program.server.run)
        outcome = await self._run_warm(program, is_decided) if self._fork_servers else None
        return await super()._run(program, is_decided) if outcome is None else outcome

    async def _run_warm(self, program: Program, is_decided: IsDecided | None) -> Outcome | None:
        """Run a program in a fork server; None if there is no fork server, or if the outcome is not reliable."""
        pool = self._fork_servers  # a local reference: close() resets the attribute
        assert pool is not None
        found = pool.get(program)
        if found is None:
            return None
        key, server = found
        if program.warm:
            program = msgspec.structs.replace(program, limits=_limits_of_fork(program.limits))
        threads = self._max_threads(program.limits) if counts_per_namespace() else 0
        process = ForkedProcess(server, program, threads, self._owner)
        outcome = await self._supervise(process, program, is_decided)
        if process.lost and not self._closed:
            return None
        pool.record_success(key)
        return None if program.warm and _needs_cold_start(outcome) else outcome

    def disable_warm_workers(self) -> None:
        """Close the fork servers and compile servers; further programs start cold."""
        for pool in (self._fork_servers, self._compile_servers):
            if pool is not None:
                pool.close()
        self._fork_servers = self._compile_servers = None

    async def close(self) -> None:
        """Kill the running programs and warm workers, and remove all folders; idempotent."""
        self._kill_programs()
        self.disable_warm_workers()
        await super().close()
        if self._user_namespace is not None:
            self._user_namespace.close()


def _limits_of_fork(limits: Limits) -> Limits:
    """Return the limits of a fork of a warm interpreter.

    The start is not counted. The idle limit is shorter: if the fork is idle, the program is started cold and judged
    there.
    """
    idle_s = limits.idle_s * _IDLE_SHARE
    return msgspec.structs.replace(limits, cpu_s=limits.cpu_s - limits.cold_start_s, idle_s=idle_s)


def _needs_cold_start(outcome: Outcome) -> bool:
    """Return whether a cold start decides: a fork can break an interpreter, which then crashes or hangs."""
    return outcome.ending in ("signal", "idle", "infra") or (outcome.ending == "wall" and outcome.cpu_s < _IDLE_CPU_S)
