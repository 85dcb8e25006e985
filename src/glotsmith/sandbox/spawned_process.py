"""A program in a process tree of its own: started, watched, killed, buried. Shared by all local back ends."""

import contextlib
import os
import select
import signal
import subprocess
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from glotsmith.records import Limits
from glotsmith.sandbox.pipes import PipeReader, PipeWriter, StderrParser
from glotsmith.sandbox.process_tree import ProcessStat, list_children, walk_tree
from glotsmith.sandbox.supervised_process import DEATH_S, SupervisedProcess


def kill_namespace(outer: int) -> None:
    """Kill process 1 of the PID namespace below ``outer``, and with it all that is inside.

    ``outer`` then reaps it and ends, so that what they used can be read. While it is stopped it can't start the
    namespace behind our back.
    """
    with contextlib.suppress(ProcessLookupError):
        os.kill(outer, signal.SIGSTOP)
        os.waitid(os.P_PID, outer, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
        inside = list_children(outer)
        for pid in inside or [outer]:
            os.kill(pid, signal.SIGKILL)
        os.kill(outer, signal.SIGCONT)


@dataclass(frozen=True)
class ProcessLaunch:
    """How a back end starts a program."""

    argv: Sequence[str]
    env: Mapping[str, str]
    cwd: str
    wrappers: int  #: generations of processes that are ours, before the program's own
    kill: Callable[[int], None] = kill_namespace  #: kills all, given the outermost process (not yet reaped)
    members: Callable[[int], Iterable[ProcessStat]] = walk_tree  #: all of its processes, given the outermost one
    reap: Callable[[], None] = lambda: None  #: called when the outermost process is dead; kills what outlived it
    fds: Sequence[int] = ()  #: descriptors to hand on; the launch owns them no longer
    owner: int | None = None  #: user on the host that the program is, if not ours: may open ``/dev/stdin`` and so on


class SpawnedProcess(SupervisedProcess):
    """A program that was started by a ``Launch``."""

    def __init__(self, launch: ProcessLaunch, stdin: bytes, limits: Limits) -> None:
        """Start the program.

        Raises:
            OSError: the machine can't (no such executable, no memory, no process).

        """
        super().__init__(limits)
        self._launch, self.wrappers = launch, launch.wrappers
        self.stderr = StderrParser(limits.output_kb * 256, self._note_state)
        self._process = _spawn(launch, piped=bool(stdin))
        try:
            self._pidfd = os.pidfd_open(self._process.pid)
            self._connect(stdin)
        except OSError:
            with self._process:  # closes the pipes and waits
                self._kill()
            raise

    @property
    def state(self) -> str:
        """Return what the wrapper has said so far."""
        return self.stderr.state

    def _connect(self, stdin: bytes) -> None:
        process, loop = self._process, self._loop
        assert process.stdout is not None
        assert process.stderr is not None
        loop.add_reader(self._pidfd, self._note_death)
        self._pipes.append(PipeReader(loop, os.dup(process.stdout.fileno()), self.stdout))
        self._pipes.append(PipeReader(loop, os.dup(process.stderr.fileno()), self.stderr))
        self._listen_to_pipes()  # what the wrapper says comes this way
        if process.stdin is not None:
            self._pipes.append(PipeWriter(loop, os.dup(process.stdin.fileno()), stdin))
        for file in (process.stdout, process.stderr, process.stdin):
            if file is not None:
                if self._launch.owner is not None:
                    os.fchown(file.fileno(), self._launch.owner, -1)
                file.close()

    def _note_death(self) -> None:
        self._loop.remove_reader(self._pidfd)
        self._note_end()

    def _members(self) -> Iterable[ProcessStat]:
        return self._launch.members(self._process.pid)

    def _kill(self) -> None:
        self._launch.kill(self._process.pid)

    def _reap(self) -> None:
        self._loop.remove_reader(self._pidfd)
        poll = select.poll()
        poll.register(self._pidfd, select.POLLIN)
        if poll.poll(DEATH_S * 1000):
            _, status, usage = os.wait4(self._process.pid, 0)
            self._code = self._process.returncode = os.waitstatus_to_exitcode(status)
            self._cpu_s = usage.ru_utime + usage.ru_stime
        else:
            self._stopped = "unkillable"
        self._launch.reap()
        os.close(self._pidfd)

    def _stderr_bytes(self) -> bytes:
        return bytes(self.stderr.data)

    def failure_detail(self) -> str:
        """Say what failed, where it was not the program."""
        if self._stopped == "closed":
            return "the sandbox was closed while the program ran"
        if self._stopped == "unkillable":
            return f"process {self._process.pid} does not die; the machine needs a look (dmesg)"
        if self.state == "missing":
            return "no such command in the sandbox"
        said = self._stderr_bytes().decode(errors="replace").strip()
        where = f"{self._launch.argv[0]} could not set up the program's isolation"
        return f"{where}: {said[-500:]}" if said else f"{where} (exit code {self._code})"


def _spawn(launch: ProcessLaunch, *, piped: bool) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            launch.argv,
            stdin=subprocess.PIPE if piped else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=launch.env,
            cwd=launch.cwd,
            bufsize=0,
            pass_fds=launch.fds,
            start_new_session=True,
        )
    finally:
        for fd in launch.fds:
            os.close(fd)
