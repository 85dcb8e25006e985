"""A program that a fork server runs: sends its request to ``fork_server.c`` and reads the events on its channel."""

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
from glotsmith.sandbox.program_environment import (
    PROGRAM,
    TMP,
    check_name,
    command,
    environment,
    file_bytes,
    scratch_sizes,
)
from glotsmith.sandbox.shell_wrapper import OPEN_FILES, stack_mb
from glotsmith.sandbox.supervised_process import KILL_TIMEOUT_S, SupervisedProcess

_REQUEST_NUMBERS = struct.Struct("=12I")  #: struct request
_ENDING = struct.Struct("=c3xiQQ")  #: struct ending
_CREDENTIALS = struct.Struct("=3i")  #: struct ucred
_STATES = {b"B": "building", b"R": "ready", b"M": "missing", b"U": "unbuilt"}


class ForkedProcess(SupervisedProcess):
    """A program that runs in a fork server.

    ``lost`` is true until the fork server reports how the program ended. Nothing is known about a lost program.
    """

    wrappers = 1

    def __init__(self, server: ForkServer, program: Program, threads: int, owner: int | None) -> None:
        """Request the program from the fork server.

        Raises:
            OSError: no pipe can be created.
            ValueError: the name of a file leaves the program's folder.

        """
        super().__init__(program.limits)
        self._server, self._state, self._pid = server, "setup", 0
        self._builds_command = bool(program.build) and "/" in program.argv[0]
        self._slot = server.take_slot()
        try:
            request = pack_request(program, self._slot, threads)
        except ValueError:
            server.free_slot(self._slot)
            raise
        self.lost = True
        self.stderr = TailBuffer(program.limits.output_kb * 256)
        self._channel, peer = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._channel.setblocking(False)
        self._channel.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        passed = [*self._create_streams(program.stdin.encode("utf-8", "surrogatepass"), owner), peer.detach()]
        try:
            accepted = server.send_request(request, passed)
        finally:
            for fd in passed:
                os.close(fd)
        self._loop.add_reader(self._channel.fileno(), self._on_event)
        if not accepted:
            self._on_end()

    def _create_streams(self, stdin: bytes, owner: int | None) -> list[int]:
        """Create stdin, stdout and stderr; return the program's ends."""
        loop, ends = self._loop, list[int]()
        read, write = os.pipe()  # also for an empty stdin, because some interpreters keep the stdin of their start
        ends.append(read)
        if stdin:
            self._pipes.append(PipeWriter(loop, write, stdin))
        else:
            os.close(write)
        for feed in (self.stdout.feed, self.stderr.feed):
            read, write = os.pipe()
            ends.append(write)
            self._stderr_reader = PipeReader(loop, read, feed)
            self._pipes.append(self._stderr_reader)
        if owner is not None:
            for fd in ends:
                os.fchown(fd, owner, -1)
        return ends

    def _on_event(self) -> None:
        try:
            data, ancillary, _, _ = self._channel.recvmsg(_ENDING.size, socket.CMSG_SPACE(_CREDENTIALS.size))
        except BlockingIOError:
            return
        except OSError:
            data, ancillary = b"", []
        if not data:
            self._loop.remove_reader(self._channel.fileno())
            self._on_end()
        elif data[:1] == b"E":
            self._on_ending(data)
        elif self._state != "missing":
            if not self._pid:
                self._pid = _CREDENTIALS.unpack(ancillary[0][2])[0]
                self._phase_started_at = time.monotonic()
            if data == b"R" and self._building:  # a successful build's messages are discarded
                self._stderr_reader.drain()
                self.stderr.data.clear()
            self._change_state(data)
            self._on_state_change()

    def _change_state(self, event: bytes) -> None:
        """Set the state. If the build left no command to run, then the program failed, not the sandbox."""
        unbuilt = event == b"M" and self._state == "ready" and self._builds_command
        self._state = "unbuilt" if unbuilt else _STATES.get(event, self._state)

    def _on_ending(self, data: bytes) -> None:
        _, status, cpu_us, build_cpu_us = _ENDING.unpack(data)
        if self._state == "setup":
            if status < 0:
                return
            self._state = "ready"  # a short program ends before its R is sent
        self._code = 0 if status < 0 else os.waitstatus_to_exitcode(status)
        self._cpu_s, self._build_cpu_s = (cpu_us + build_cpu_us) / 1e6, build_cpu_us / 1e6
        self.lost = False
        self._on_end()

    @property
    def state(self) -> str:
        """Return the state that the channel reported last."""
        return self._state

    def _members(self) -> Iterable[ProcessStat]:
        return walk_tree(self._pid) if self._pid else ()

    def _kill(self) -> None:
        try:
            self._channel.shutdown(socket.SHUT_WR)
        except OSError:
            self._on_end()

    def _reap(self) -> None:
        self._loop.remove_reader(self._channel.fileno())
        if self.lost:
            self._await_ending()
        self._server.free_slot(self._slot)
        self._channel.close()

    def _await_ending(self) -> None:
        deadline = time.monotonic() + KILL_TIMEOUT_S
        poll = select.poll()
        poll.register(self._channel, select.POLLIN)
        while self.lost and self._state != "gone" and poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
            self._read_event()
        if self.lost:
            self._server.broken = True  # its programs end with it
            self._server.close()

    def _read_event(self) -> None:
        data = self._channel.recv(_ENDING.size)
        if data[:1] == b"E":
            self._on_ending(data)
        elif not data:
            self._state = "gone"
        elif self._state != "missing":
            self._change_state(data)

    def _failure_detail(self) -> str:
        cause = f": {self._server.describe_end()}" if self.lost else ""
        return f"the fork server did not report how the program ended{cause}"


def pack_request(program: Program, slot: int, threads: int) -> bytes:
    """Return the request for ``program``, preceded by its length.

    ``slot`` is unique among the programs that run at the same time. ``threads`` is RLIMIT_NPROC; 0 sets no limit.

    Raises:
        ValueError: the name of a file leaves the program's folder.

    """
    limits = program.limits
    argv = () if program.warm else command(program.argv, PROGRAM)
    build = () if program.warm else command(program.build, PROGRAM)
    env = [] if program.warm else [f"{k}={v}" for k, v in environment(program, TMP).items()]
    (_, file_mb), _, (_, shm_mb) = scratch_sizes(limits)
    numbers = _REQUEST_NUMBERS.pack(
        *(slot, math.ceil(limits.cpu_s) + 2, math.ceil(limits.build_cpu_s) + 2, file_mb, shm_mb, threads, OPEN_FILES),
        stack_mb(limits),
        *(len(program.files), len(argv), len(build), len(env)),
    )
    body = b"".join((numbers, *_pack_files(program), *map(_pack_word, (*argv, *build, *env))))
    return len(body).to_bytes(4, "little") + body


def _pack_files(program: Program) -> Iterable[bytes]:
    for name, data in program.files.items():
        check_name(name)
        yield _pack_word(name)
        yield _pack_bytes(file_bytes(data))


def _pack_word(text: str) -> bytes:
    return _pack_bytes(text.encode("utf-8", "surrogateescape"))


def _pack_bytes(data: bytes) -> bytes:
    return len(data).to_bytes(4, "little") + data + b"\0"
