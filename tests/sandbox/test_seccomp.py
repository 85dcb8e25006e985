"""Run the bytes of the system call filter as the kernel does and check which calls it allows."""

import platform
import struct
import subprocess
import sys
import textwrap

import pytest

from glotsmith.errors import IsolationError
from glotsmith.sandbox import seccomp
from glotsmith.sandbox.seccomp import DENIED, NAMESPACE_FLAGS, build_filter

pyseccomp = pytest.importorskip("pyseccomp")

ALLOW, ENOSYS = 0x7FFF_0000, 0x0005_0000 | 38
NATIVE = {"x86_64": 0xC000_003E, "aarch64": 0xC000_00B7}.get(platform.machine(), 0)
FOREIGN = {"x86_64": 0x4000_0003, "aarch64": 0x4000_0028}.get(platform.machine(), 0)
pytestmark = pytest.mark.skipif(not NATIVE, reason="this file has numbers of x86_64 and aarch64 only")


def verdict(call: int, *arguments: int, architecture: int = NATIVE) -> int:
    """Interpret the filter's instructions (linux/filter.h) for one call; return its result."""
    padded = (*arguments, *(0,) * (6 - len(arguments)))
    data = struct.pack("=iIQ6Q", call if call < 2**31 else call - 2**32, architecture, 0, *padded)
    program = list(struct.iter_unpack("=HBBI", build_filter()))
    at = accumulator = 0
    while True:
        code, yes, no, k = program[at]
        at += 1
        if code == 0x20:  # load a word
            accumulator = struct.unpack_from("=I", data, k)[0]
        elif code == 0x54:  # and
            accumulator &= k
        elif code == 0x05:  # jump
            at += k
        elif code == 0x06:  # return
            return k
        else:
            holds = {0x15: accumulator == k, 0x25: accumulator > k, 0x35: accumulator >= k, 0x45: bool(accumulator & k)}
            at += yes if holds[code] else no


def number(name: str) -> int:
    return pyseccomp.resolve_syscall(pyseccomp.system_arch(), name)


@pytest.mark.parametrize("name", DENIED)
def test_denied(name: str):
    assert verdict(number(name)) == ENOSYS


@pytest.mark.parametrize(
    "name", ["read", "write", "execve", "mmap", "futex", "clone", "wait4", "kill", "socket", "sched_setaffinity"]
)
def test_allowed(name: str):
    assert verdict(number(name)) == ALLOW


def test_everything_else_is_allowed():
    denied = {number(name) for name in DENIED}
    assert {call for call in range(600) if verdict(call) != ALLOW} == {call for call in denied if call >= 0}


def test_system_call_numbers():
    """Compare the numbers with those of the kernel, independently of the library."""
    if platform.machine() == "x86_64":
        assert [number(n) for n in ("memfd_create", "ptrace", "shmget", "bpf", "unshare")] == [319, 101, 29, 321, 272]


@pytest.mark.parametrize("flag", NAMESPACE_FLAGS)
def test_clone_creates_no_namespaces(flag: int):
    thread = 0x3D0F00  # the flags of pthread_create
    assert verdict(number("clone"), thread) == ALLOW
    assert verdict(number("clone"), 17) == ALLOW
    assert verdict(number("clone"), flag | 17) == ENOSYS
    assert verdict(number("clone"), flag | NAMESPACE_FLAGS[0] | 17) == ENOSYS


def test_all_calls_of_foreign_architectures_are_denied():
    assert {verdict(call, architecture=FOREIGN) for call in range(500)} == {ENOSYS}


def test_all_calls_of_x32_are_denied():
    if platform.machine() == "x86_64":
        assert {verdict(0x4000_0000 + call) for call in range(600)} == {ENOSYS}


def test_the_filter_is_built_once():
    assert build_filter() is build_filter()
    assert len(build_filter()) % 8 == 0


def test_the_kernel_accepts_the_filter():
    script = """
        import ctypes, os, sys
        from glotsmith.sandbox.seccomp import build_filter
        rules = build_filter()
        class Program(ctypes.Structure):
            _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_char_p)]
        libc = ctypes.CDLL(None, use_errno=True)
        assert libc.prctl(38, 1, 0, 0, 0) == 0
        assert libc.prctl(22, 2, ctypes.byref(Program(len(rules) // 8, rules)), 0, 0) == 0
        for call in map(int, sys.argv[1:]):
            result = libc.syscall(call, 0, 0, 0, 0, 0, 0)
            print(call, result, ctypes.get_errno())
        for call in ("unshare", "setns"):
            print(call, getattr(libc, call)(0, 0), ctypes.get_errno())
        import threading, subprocess
        threading.Thread(target=print, args=("thread",)).start()
        subprocess.run(["true"], check=True)
    """
    numbers = [str(number(name)) for name in DENIED if name not in {"pivot_root", "kexec_load"} and number(name) >= 0]
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script), *numbers], capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    assert done.stdout.splitlines() == [
        *(f"{call} -1 38" for call in numbers),
        "unshare -1 38",
        "setns -1 38",
        "thread",
    ]


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        ("raise OSError('libseccomp.so.2: cannot open shared object file')", "apt install libseccomp2"),
        ("raise RuntimeError('Unable to find libseccomp')", "apt install libseccomp2"),
    ],
)
def test_a_missing_library_is_reported(monkeypatch: pytest.MonkeyPatch, tmp_path, broken: str, message: str):
    (tmp_path / "pyseccomp.py").write_text(broken)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "pyseccomp")
    build_filter.cache_clear()
    try:
        with pytest.raises(IsolationError, match=message):
            build_filter()
    finally:
        build_filter.cache_clear()


def test_an_old_library_is_reported(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(seccomp, "DENIED", ("a_call_of_the_future",))
    build_filter.cache_clear()
    try:
        with pytest.raises(IsolationError, match="does not know a_call_of_the_future"):
            build_filter()
    finally:
        build_filter.cache_clear()
