"""A program as ``nest.c`` reads it."""

import math
import struct
from collections.abc import Iterable

from glotsmith.records import Program
from glotsmith.sandbox.view import PROGRAM, TMP, check_name, command, content, environment, scratch_sizes
from glotsmith.sandbox.wrapper import OPEN_FILES, stack_mb

_NUMBERS = struct.Struct("=12I")  #: struct request
ENDING = struct.Struct("=c3xiQQ")  #: struct ending


def pack(program: Program, slot: int, tasks: int) -> bytes:
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
        yield _counted(content(data))


def _word(text: str) -> bytes:
    return _counted(text.encode("utf-8", "surrogateescape"))


def _counted(data: bytes) -> bytes:
    return len(data).to_bytes(4, "little") + data + b"\0"
