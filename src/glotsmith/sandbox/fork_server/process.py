"""A program that a nest made: what is heard of it on its channel (``fork_server.c``)."""

import math
import os
import select
import socket
import struct
import time
from collections.abc import Iterable

from glotsmith.records import Program
from glotsmith.sandbox.fork_server.server import ForkServer
from glotsmith.sandbox.pipes import PipeReader, PipeWriter, TailBuffer
from glotsmith.sandbox.process_tree import ProcessStat, walk_tree
from glotsmith.sandbox.supervised_process import DEATH_S, SupervisedProcess
from glotsmith.sandbox.view import PROGRAM, TMP, check_name, command, environment, file_bytes, scratch_sizes
from glotsmith.sandbox.wrapper import OPEN_FILES, stack_mb

_CREDENTIALS = struct.Struct("=3i")  # struct ucred
_STATES = {b"B": "building", b"R": "ready", b"M": "missing", b"U": "unbuilt"}
_SET_UP_S = 60.0  #: how long a nest may take to load an interpreter, on a busy machine


class ForkedProcess(SupervisedProcess):
    """A program in a nest. It is lost where the nest did not tell how it ended: then nothing is known of it."""

    wrappers = 1

    def __init__(self, nest: ForkServer, program: Program, tasks: int, owner: int | None) -> None:
        """Ask the nest for the program.

        Raises:
            OSError: no pipe can be made.
            ValueError: a file's name leaves the program's folder.

        """
        super().__init__(program.limits)
        self._nest, self._state, self._pid = nest, "setup", 0
        self._makes_command = bool(program.build) and "/" in program.argv[0]
        self._slot = nest.take_slot()
        try:
            request = pack_request(program, self._slot, tasks)
        except ValueError:
            nest.free_slot(self._slot)
            raise
        self.lost = True
        self.stderr = TailBuffer(program.limits.output_kb * 256)
        self._channel, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._channel.setblocking(False)
        self._channel.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        given = [*self._connect(program.stdin.encode("utf-8", "surrogatepass"), owner), far.detach()]
        try:
            asked = nest.send_request(request, given)
        finally:
            for fd in given:
                os.close(fd)
        self._loop.add_reader(self._channel.fileno(), self._listen)
        if not asked:
            self._note_end()

    def _connect(self, stdin: bytes, owner: int | None) -> list[int]:
        """Make the three streams; return the program's ends."""
        loop, ends = self._loop, list[int]()
        read, write = os.pipe()  # even for nothing: some interpreters remember what stdin was when they started
        ends.append(read)
        if stdin:
            self._pipes.append(PipeWriter(loop, write, stdin))
        else:
            os.close(write)
        for stream in (self.stdout, self.stderr):
            read, write = os.pipe()
            ends.append(write)
            self._errors = PipeReader(loop, read, stream)
            self._pipes.append(self._errors)
        if owner is not None:
            for fd in ends:
                os.fchown(fd, owner, -1)
        return ends

    # ------------------------------------------------------------------------------------------ hearing

    def _listen(self) -> None:
        try:
            data, told, _, _ = self._channel.recvmsg(ENDING.size, socket.CMSG_SPACE(_CREDENTIALS.size))
        except BlockingIOError:
            return
        except OSError:
            data, told = b"", []
        if not data:
            self._loop.remove_reader(self._channel.fileno())
            self._note_end()
        elif data[:1] == b"E":
            self._note_ending(data)
        elif self._state != "missing":
            if not self._pid:
                self._pid = _CREDENTIALS.unpack(told[0][2])[0]
                self._phase_begun = time.monotonic()
            if data == b"R" and self._building:  # what the builder said is of no use any more
                self._errors.drain()
                self.stderr.data.clear()
            self._hear(data)
            self._note_state()

    def _hear(self, word: bytes) -> None:
        """Note how far it is. A command that the build should have made, and did not, is the program's own fault."""
        unmade = word == b"M" and self._state == "ready" and self._makes_command
        self._state = "unbuilt" if unmade else _STATES.get(word, self._state)

    def _note_ending(self, data: bytes) -> None:
        _, status, cpu_us, build_cpu_us = ENDING.unpack(data)
        if self._state == "setup":
            if status < 0:
                return
            self._state = "ready"  # it has ended before it was told of
        self._code = 0 if status < 0 else os.waitstatus_to_exitcode(status)
        self._cpu_s, self._build_cpu_s = (cpu_us + build_cpu_us) / 1e6, build_cpu_us / 1e6
        self.lost = False
        self._note_end()

    @property
    def state(self) -> str:
        """Return what was heard last."""
        return self._state

    def _wall_left(self) -> float:
        return self._begun + _SET_UP_S - time.monotonic() if self._state == "setup" else super()._wall_left()

    def _members(self) -> Iterable[ProcessStat]:
        return walk_tree(self._pid) if self._pid else ()

    # ------------------------------------------------------------------------------------------- ending

    def _kill(self) -> None:
        try:
            self._channel.shutdown(socket.SHUT_WR)
        except OSError:
            self._note_end()

    def _reap(self) -> None:
        self._loop.remove_reader(self._channel.fileno())
        if self.lost:
            self._await_ending()
        self._nest.free_slot(self._slot)
        self._channel.close()

    def _await_ending(self) -> None:
        deadline = time.monotonic() + DEATH_S
        poll = select.poll()
        poll.register(self._channel, select.POLLIN)
        while self.lost and self._state != "gone" and poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
            self._drain_channel()
        if self.lost:
            self._nest.broken = True  # whatever is wrong with it, all that it made ends with it
            self._nest.close()

    def _drain_channel(self) -> None:
        data = self._channel.recv(ENDING.size)
        if data[:1] == b"E":
            self._note_ending(data)
        elif not data:
            self._state = "gone"
        elif self._state != "missing":
            self._hear(data)

    def _stderr_bytes(self) -> bytes:
        return bytes(self.stderr.data)

    def failure_detail(self) -> str:
        """Say what failed, where it was not the program."""
        if self._stopped == "closed":
            return "the sandbox was closed while the program ran"
        if self._state == "missing":
            return "no such command in the sandbox"
        return (
            f"a warm worker did not say how the program ended {self._nest.stderr_text() if self.lost else ''}".rstrip()
        )


_NUMBERS = struct.Struct("=12I")  #: struct request
ENDING = struct.Struct("=c3xiQQ")  #: struct ending


def pack_request(program: Program, slot: int, tasks: int) -> bytes:
    """Return the message that asks for ``program``, its length first.

    No two programs that run at once may have the same ``slot``; ``tasks`` is RLIMIT_NPROC, 0 for none.

    Raises:
        ValueError: a file's name leaves the program's folder.

    """
    limits = program.limits
    argv = () if program.warm else command(program.argv, PROGRAM)
    build = () if program.warm else command(program.build, PROGRAM)
    env = [] if program.warm else [f"{k}={v}" for k, v in environment(program, TMP).items()]
    (_, file_mb), _, (_, shm_mb) = scratch_sizes(limits)
    numbers = _NUMBERS.pack(
        *(slot, math.ceil(limits.cpu_s) + 2, math.ceil(limits.build_cpu_s) + 2, file_mb, shm_mb, tasks, OPEN_FILES),
        stack_mb(limits),
        *(len(program.files), len(argv), len(build), len(env)),
    )
    body = b"".join((numbers, *_files(program), *map(_word, (*argv, *build, *env))))
    return len(body).to_bytes(4, "little") + body


def _files(program: Program) -> Iterable[bytes]:
    for name, data in program.files.items():
        check_name(name)
        yield _word(name)
        yield _counted(file_bytes(data))


def _word(text: str) -> bytes:
    return _counted(text.encode("utf-8", "surrogateescape"))


def _counted(data: bytes) -> bytes:
    return len(data).to_bytes(4, "little") + data + b"\0"
