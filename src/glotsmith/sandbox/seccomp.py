"""A system call filter: what no solution to a programming task needs, and what would get round the limits.

It is a short classic BPF program (``seccomp(2)``): the calls below fail as if the kernel did not have them, which
every runtime handles, because old kernels do not. Everything else is allowed.
"""

import os
import platform
import struct

_ERRNO = 0x0005_0000
_ALLOW = 0x7FFF_0000
_ENOSYS = 38

_LOAD, _JUMP_EQUAL, _JUMP_GREATER_EQUAL, _RETURN = 0x20, 0x15, 0x35, 0x06

#: Audit architecture and call numbers: (x86_64, aarch64). The first group holds memory that belongs to no process, so
#: that the watchdog can't see it; the second is a favourite way into the kernel.
_MACHINES = {"x86_64": (0xC000_003E, 0), "aarch64": (0xC000_00B7, 1)}
_CALLS = {
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "shmget": (29, 194),
    "msgget": (68, 186),
    "mq_open": (240, 180),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "mount": (165, 40),
    "open_tree": (428, 428),
    "fsopen": (430, 430),
    "pivot_root": (155, 41),
    "kexec_load": (246, 104),
    "init_module": (175, 105),
    "finit_module": (313, 273),
}


def build_filter() -> bytes:
    """Return the filter for this machine as ``struct sock_filter[]``; empty for a machine whose numbers we lack."""
    if platform.machine() not in _MACHINES or os.uname().sysname != "Linux":
        return b""
    audit, column = _MACHINES[platform.machine()]
    numbers = sorted(numbers[column] for numbers in _CALLS.values())
    # Jumps are relative to the next instruction; "deny" stands behind the tests and one "allow".
    tests = [(_JUMP_EQUAL, len(numbers) - i, 0, number) for i, number in enumerate(numbers)]
    program = [
        (_LOAD, 0, 0, 4),  # seccomp_data.arch
        (_JUMP_EQUAL, 0, len(numbers) + 3, audit),  # a foreign architecture (i386, on x86_64) is denied whole
        (_LOAD, 0, 0, 0),  # seccomp_data.nr
        (_JUMP_GREATER_EQUAL, len(numbers) + 1, 0, 0x4000_0000),  # x32's numbers, too
        *tests,
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _ERRNO | _ENOSYS),
    ]
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in program)
