"""A cold start: a program in its own process tree, which a back end's ``ProcessLaunch`` describes."""

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
from glotsmith.sandbox.supervised_process import KILL_TIMEOUT_S, SupervisedProcess


def kill_namespace(outer: int) -> None:
    """Kill process 1 of the PID namespace below ``outer``; the kernel kills all other processes in it.

    ``outer`` then reaps process 1 and ends, so the CPU time that they used can be read. ``outer`` is stopped first so
    that it cannot create the namespace in the meantime.
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
    wrappers: int  #: generations of glotsmith's own processes above those of the program
    kill: Callable[[int], None] = kill_namespace  #: kills all processes, given the outermost one (not yet reaped)
    members: Callable[[int], Iterable[ProcessStat]] = walk_tree  #: all processes, given the outermost one
    reap: Callable[[], None] = lambda: None  #: called when the outermost process is dead; kills its survivors
    fds: Sequence[int] = ()  #: descriptors that the process inherits; closed after the start
    owner: int | None = None  #: user of the program on the host, if it differs from ours; may open ``/dev/stdin``

    def start(self, *, stdin: int = subprocess.PIPE, stderr: int = subprocess.PIPE) -> subprocess.Popen[bytes]:
        """Start the process in a new session, with a pipe for stdout; close ``fds`` here.

        Raises:
            OSError: the machine cannot start it.

        """
        try:
            return subprocess.Popen(
                self.argv,
                stdin=stdin,
                stdout=subprocess.PIPE,
                stderr=stderr,
                env=self.env,
                cwd=self.cwd,
                pass_fds=self.fds,
                start_new_session=True,
            )
        finally:
            for fd in self.fds:
                os.close(fd)


class SpawnedProcess(SupervisedProcess):
    """A program that a ``ProcessLaunch`` started."""

    def __init__(self, launch: ProcessLaunch, stdin: bytes, limits: Limits) -> None:
        """Start the program.

        Raises:
            OSError: the machine cannot start it (no such executable, no memory, no process).

        """
        super().__init__(limits)
        self._launch, self.wrappers = launch, launch.wrappers
        self._stderr_parser = self.stderr = StderrParser(limits.output_kb * 256, self._on_state_change)
        self._process = launch.start(stdin=subprocess.PIPE if stdin else subprocess.DEVNULL)
        try:
            self._pidfd = os.pidfd_open(self._process.pid)
            self._connect(stdin)
        except OSError:
            with self._process:  # closes the pipes and waits
                self._kill()
            raise

    @property
    def state(self) -> str:
        """Return the state that the wrapper reported last."""
        return self._stderr_parser.state

    def _connect(self, stdin: bytes) -> None:
        process, loop = self._process, self._loop
        assert process.stdout is not None
        assert process.stderr is not None
        loop.add_reader(self._pidfd, self._on_death)
        self._pipes.append(PipeReader(loop, os.dup(process.stdout.fileno()), self.stdout.feed))
        self._pipes.append(PipeReader(loop, os.dup(process.stderr.fileno()), self.stderr.feed))
        self._start_readers()  # the wrapper reports its state on stderr
        if process.stdin is not None:
            self._pipes.append(PipeWriter(loop, os.dup(process.stdin.fileno()), stdin))
        for file in (process.stdout, process.stderr, process.stdin):
            if file is not None:
                if self._launch.owner is not None:
                    os.fchown(file.fileno(), self._launch.owner, -1)
                file.close()

    def _on_death(self) -> None:
        self._loop.remove_reader(self._pidfd)
        self._on_end()

    def _members(self) -> Iterable[ProcessStat]:
        return self._launch.members(self._process.pid)

    def _kill(self) -> None:
        self._launch.kill(self._process.pid)

    def _reap(self) -> None:
        self._loop.remove_reader(self._pidfd)
        poll = select.poll()
        poll.register(self._pidfd, select.POLLIN)
        if poll.poll(KILL_TIMEOUT_S * 1000):
            _, status, usage = os.wait4(self._process.pid, 0)
            self._code = self._process.returncode = os.waitstatus_to_exitcode(status)
            self._cpu_s = usage.ru_utime + usage.ru_stime
        else:
            self._kill_reason = "unkillable"
        self._launch.reap()
        os.close(self._pidfd)

    def _failure_detail(self) -> str:
        if self._kill_reason == "unkillable":
            return f"process {self._process.pid} cannot be killed: check the kernel log (dmesg)"
        failure = f"{self._launch.argv[0]} could not set up the program's isolation"
        text = self.stderr.data.decode(errors="replace").strip()
        return f"{failure}: {text[-500:]}" if text else f"{failure} (exit code {self._code})"
