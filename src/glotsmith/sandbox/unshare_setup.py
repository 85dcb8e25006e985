"""Set up a sandbox by system calls, then run a command in it: ``python -I -S -c START FOLDER SPEC``.

START imports this module from FOLDER, so that it is not compiled each time, and calls ``run``. The module runs in a
fresh process and imports nothing from glotsmith. SPEC is a ``SandboxSpec`` in the format of ``marshal``, in hex. Two
processes remain: this one, which waits, and process 1 of the new PID namespace. The order of steps follows
``user_namespaces(7)``, ``pivot_root(2)`` and ``seccomp(2)``.
"""

from __future__ import annotations

# json, pathlib, socket and typing are not imported, because they would triple the start time.
# ruff: noqa: PTH102, PTH103, PTH110, PTH112, PTH120, PTH123, PTH211
import _socket
import ctypes
import fcntl
import marshal
import os
import struct
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypedDict
else:
    TypedDict = dict

_MS_NOSUID, _MS_NODEV, _MS_NOEXEC, _MS_BIND, _MS_REC, _MS_PRIVATE = 2, 4, 8, 0x1000, 0x4000, 0x40000
_ATTR_RDONLY, _ATTR_NOSUID, _ATTR_NODEV = 1, 2, 4
_AT_FDCWD, _AT_RECURSIVE, _MNT_DETACH = -100, 0x8000, 2
_SYS_MOUNT_SETATTR = 442  # the same on all machines; Linux 5.12
_CAPABILITY_VERSION, _PR_CAP_AMBIENT, _AMBIENT_RAISE = 0x2008_0522, 47, 2
_PR_SET_PDEATHSIG, _PR_SET_SECCOMP, _PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS = 1, 22, 24, 38
_NEWNS, _NEWCGROUP, _NEWUTS, _NEWIPC = 0x20000, 0x2000000, 0x4000000, 0x8000000
_SIGKILL = 9
_NEWUSER, _NEWPID, _NEWNET = 0x10000000, 0x20000000, 0x40000000

_libc = ctypes.CDLL(None, use_errno=True)


class SandboxSpec(TypedDict):
    """The sandbox to set up; paths are absolute."""

    parent: int | None  #: process with whose death the sandbox ends; null for a fork server, which has a control socket
    fork_server: bool  #: the command creates namespaces itself, so it keeps its capabilities in its user namespace
    root: str  #: empty folder in which the new root is built
    binds: list[tuple[str, str]]  #: (host path, path inside), read-only
    links: list[tuple[str, str]]  #: (target, path inside)
    scratch: list[tuple[str, int]]  #: (path inside, MiB)
    userns: str  #: file of a user namespace that root prepared, with a user 1000; empty to create a new one
    cwd: str
    env: dict[str, str]
    filter: str  #: seccomp filter, in hex
    argv: list[str]


class _AttrRequest(ctypes.Structure):  # struct mount_attr
    _fields_ = [(name, ctypes.c_uint64) for name in ("set", "clear", "propagation", "userns")]


class _FilterProgram(ctypes.Structure):  # struct sock_fprog
    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_char_p)]


def call_libc(name: str, *arguments: Any) -> int:
    """Call a function of libc.

    Raises:
        OSError: the function failed; the error names it.

    """
    result = getattr(_libc, name)(*arguments)
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}{arguments}: {os.strerror(number)}")
    return result


def prctl(option: int, *arguments: Any) -> None:
    """Call prctl with five arguments; missing ones are 0."""
    call_libc("prctl", option, *(*arguments, 0, 0, 0, 0)[:4])


def mount(source: str, target: str, kind: str | None, flags: int, data: str = "") -> None:
    """Mount."""
    call_libc("mount", source.encode(), target.encode(), kind and kind.encode(), ctypes.c_ulong(flags), data.encode())


def make_read_only(path: str, *, recursive: bool) -> None:
    """Make a mount read-only and nosuid; ``recursive`` also makes it nodev and includes the mounts below."""
    wanted = _AttrRequest(set=_ATTR_RDONLY | _ATTR_NOSUID | (_ATTR_NODEV if recursive else 0))
    flags = _AT_RECURSIVE if recursive else 0
    size = ctypes.c_size_t(ctypes.sizeof(wanted))
    call_libc("syscall", _SYS_MOUNT_SETATTR, _AT_FDCWD, path.encode(), flags, ctypes.byref(wanted), size)


def enter_namespaces(userns: str) -> None:
    """Enter new namespaces, as user 1000 of a new user namespace or as user 0 of the one that root prepared."""
    uid, gid = os.getuid(), os.getgid()
    if userns:
        fd = os.open(userns, os.O_RDONLY)
        call_libc("setns", fd, _NEWUSER)
        os.close(fd)
    others = _NEWNS | _NEWPID | _NEWNET | _NEWIPC | _NEWUTS | _NEWCGROUP
    call_libc("unshare", others if userns else others | _NEWUSER)
    if not userns:
        for name, text in (("setgroups", "deny"), ("uid_map", f"1000 {uid} 1"), ("gid_map", f"1000 {gid} 1")):
            write_kernel_file(f"/proc/self/{name}", text)


def write_kernel_file(path: str, text: str) -> None:
    """Write a file of the kernel in a single call."""
    fd = os.open(path, os.O_WRONLY)
    os.write(fd, text.encode())
    os.close(fd)


def bind(source: str, target: str) -> None:
    """Bind ``source``, including mounts below it, at ``target``, which is created."""
    if os.path.isdir(source):
        os.makedirs(target, exist_ok=True)
    elif not os.path.exists(target):
        os.makedirs(os.path.dirname(target), exist_ok=True)
        os.close(os.open(target, os.O_CREAT | os.O_WRONLY))
    mount(source, target, None, _MS_BIND | _MS_REC)


def build_root(spec: SandboxSpec) -> None:
    """Build the new root; the root of the host is still mounted."""
    root = spec["root"]
    mount("none", "/", None, _MS_REC | _MS_PRIVATE)
    mount("tmpfs", root, "tmpfs", _MS_NOSUID | _MS_NODEV, "size=1m,mode=755")
    for target, path in spec["links"]:
        os.symlink(target, root + path)
    build_devices(root)
    os.mkdir(f"{root}/proc")
    mount("proc", f"{root}/proc", "proc", _MS_NOSUID | _MS_NODEV | _MS_NOEXEC)
    for path, megabytes in spec["scratch"]:
        os.makedirs(root + path, exist_ok=True)
        mount("tmpfs", root + path, "tmpfs", _MS_NOSUID | _MS_NODEV, f"size={megabytes}m,mode=1777")
    for source, path in spec["binds"]:
        bind(source, root + path)
        make_read_only(root + path, recursive=True)


def build_devices(root: str) -> None:
    """Create a /dev with the harmless devices."""
    os.mkdir(f"{root}/dev")
    mount("tmpfs", f"{root}/dev", "tmpfs", _MS_NOSUID, "size=64k,mode=755")
    for name in ("null", "zero", "full", "random", "urandom"):
        bind(f"/dev/{name}", f"{root}/dev/{name}")
    for name, target in (("fd", ""), ("stdin", "/0"), ("stdout", "/1"), ("stderr", "/2")):
        os.symlink(f"/proc/self/fd{target}", f"{root}/dev/{name}")


def enter_root(spec: SandboxSpec) -> None:
    """Make the new root the only one."""
    os.chdir(spec["root"])
    call_libc("pivot_root", b".", b".")  # the old root now covers the new one, see pivot_root(2)
    call_libc("umount2", b".", _MNT_DETACH)
    os.chdir("/")
    write_kernel_file("/proc/sys/user/max_user_namespaces", "0")
    call_libc("sethostname", b"sandbox", ctypes.c_size_t(7))
    bring_up_loopback()
    make_read_only("/dev", recursive=False)
    make_read_only("/", recursive=False)
    os.chdir(spec["cwd"])


def bring_up_loopback() -> None:
    """Bring up the loopback device of the namespace, as bubblewrap does."""
    request = struct.pack("16sh14x", b"lo", 0x1 | 0x40)  # struct ifreq: IFF_UP | IFF_RUNNING
    any_socket = _socket.socket(_socket.AF_INET, _socket.SOCK_DGRAM)
    fcntl.ioctl(any_socket.fileno(), 0x8914, request)  # SIOCSIFFLAGS
    any_socket.close()


def drop_privileges(filter_: bytes) -> None:
    """Drop all privileges permanently. The current capabilities end with exec, because the user is not root inside."""
    with open("/proc/sys/kernel/cap_last_cap") as file:
        last = int(file.read())
    for capability in range(last + 1):
        prctl(_PR_CAPBSET_DROP, capability)
    if os.getuid() != 1000:
        os.setgroups([])
        os.setresgid(1000, 1000, 1000)
        os.setresuid(1000, 1000, 1000)
        set_death_signal(0)  # the change of user has cleared it
    prctl(_PR_SET_NO_NEW_PRIVS, 1)
    if filter_:
        prctl(_PR_SET_SECCOMP, 2, ctypes.byref(_FilterProgram(len(filter_) // 8, filter_)))


def keep_capabilities() -> None:
    """Keep all capabilities of the user namespace across exec, which otherwise drops them for users other than 0."""
    header, data = struct.pack("=Ii", _CAPABILITY_VERSION, 0), bytearray(24)
    for option in ("capget", "capset"):
        buffer = (ctypes.c_char * 24).from_buffer(data)
        call_libc(option, header, buffer)
        effective, permitted, _, effective_high, permitted_high, _ = struct.unpack("=6I", data)
        data[:] = struct.pack("=6I", effective, permitted, permitted, effective_high, permitted_high, permitted_high)
        del buffer
    raised = permitted | permitted_high << 32
    for capability in range(64):
        if raised >> capability & 1:
            prctl(_PR_CAP_AMBIENT, _AMBIENT_RAISE, capability)
    prctl(_PR_SET_NO_NEW_PRIVS, 1)


def set_death_signal(parent: int | None) -> None:
    """Request to be killed when the parent dies; exit if the parent is already dead."""
    prctl(_PR_SET_PDEATHSIG, _SIGKILL if parent is not None else 0)
    if parent is not None and os.getppid() != parent:
        os._exit(1)


def main() -> int:
    """Set everything up, run the command, and return its exit code (128 + N for signal N)."""
    spec: SandboxSpec = marshal.loads(bytes.fromhex(sys.argv[1]))  # noqa: S302 - from our own process
    set_death_signal(spec["parent"])
    enter_namespaces(spec["userns"])
    set_death_signal(spec["parent"])  # entering a user namespace may have cleared it
    child = os.fork()
    if child == 0:
        set_death_signal(0)  # the parent is outside the namespace: its number inside is 0
        build_root(spec)
        enter_root(spec)
        if spec["fork_server"]:
            keep_capabilities()
        else:
            drop_privileges(bytes.fromhex(spec["filter"]))
        os.execve(spec["argv"][0], spec["argv"], spec["env"])  # noqa: S606
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return code if code >= 0 else 128 - code


def run() -> None:
    """Run ``main`` and exit with its code."""
    try:
        status = main()
    except OSError as error:
        sys.stderr.write(f"{error.strerror}{f': {error.filename}' if error.filename else ''}\n")
        status = 1
    sys.stderr.flush()
    os._exit(status)
