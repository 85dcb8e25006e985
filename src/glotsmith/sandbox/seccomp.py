"""The system call filter: denies calls that programs do not need or that would evade the limits.

Denied calls fail with ENOSYS, as on a kernel without them; every runtime handles this because old kernels lack them.
All other calls are allowed. libseccomp writes the filter (a classic BPF program, ``seccomp(2)``) for this machine.
"""

import errno
import functools
import importlib
import tempfile
from types import ModuleType

from glotsmith.errors import IsolationError

#: Calls that fail with any arguments.
DENIED = (
    # memory that belongs to no process, which the watchdog cannot measure
    *("memfd_create", "memfd_secret", "shmget", "semget", "msgget", "mq_open", "add_key", "request_key", "keyctl"),
    # other processes
    *("ptrace", "process_vm_readv", "process_vm_writev", "pidfd_getfd", "process_madvise"),
    # files by handles instead of paths
    *("name_to_handle_at", "open_by_handle_at"),
    # interfaces with frequent vulnerabilities
    *("bpf", "perf_event_open", "userfaultfd", "io_uring_setup", "io_uring_enter", "io_uring_register"),
    # namespaces, mounts, modules
    *("setns", "unshare", "clone3", "mount", "open_tree", "fsopen", "pivot_root"),
    *("kexec_load", "init_module", "finit_module"),
)

#: Flags of ``clone`` that create namespaces: it fails with any of them. ``clone3`` has its flags in memory, which
#: filters cannot read; C libraries fall back to ``clone``.
NAMESPACE_FLAGS = (
    0x0002_0000,  # CLONE_NEWNS
    0x0200_0000,  # CLONE_NEWCGROUP
    0x0400_0000,  # CLONE_NEWUTS
    0x0800_0000,  # CLONE_NEWIPC
    0x1000_0000,  # CLONE_NEWUSER
    0x2000_0000,  # CLONE_NEWPID
    0x4000_0000,  # CLONE_NEWNET
)


@functools.cache
def build_filter() -> bytes:
    """Return the filter for this machine as ``struct sock_filter[]``.

    All calls of foreign architectures (i386 on x86_64, and x32) are denied, because their numbers mean other calls.

    Raises:
        IsolationError: libseccomp is missing or too old; the message says what to install.

    """
    library = _library()
    deny = library.ERRNO(errno.ENOSYS)
    rules = library.SyscallFilter(library.ALLOW)
    rules.set_attr(library.Attr.ACT_BADARCH, deny)
    for name in DENIED:
        rules.add_rule(deny, _number(library, name))
    for flag in NAMESPACE_FLAGS:
        rules.add_rule(deny, _number(library, "clone"), library.Arg(0, library.MASKED_EQ, flag, flag))
    with tempfile.TemporaryFile() as file:
        rules.export_bpf(file)
        file.seek(0)
        return file.read()


def _number(library: ModuleType, call: str) -> int:
    number: int = library.resolve_syscall(library.system_arch(), call)
    if number == -1:
        raise IsolationError(f"the installed libseccomp does not know {call}. Install version 2.5.2 or later")
    return number


def _library() -> ModuleType:
    """Import the binding, which loads the library on import."""
    try:
        return importlib.import_module("pyseccomp")
    except (ImportError, OSError, RuntimeError, AttributeError) as error:
        raise IsolationError(
            f"cannot build the system call filter: {error}. Install libseccomp (apt install libseccomp2)"
        ) from error
