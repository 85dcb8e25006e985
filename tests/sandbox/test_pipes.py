"""Parsing of stderr and the limit of stdout."""

import pytest

from glotsmith.sandbox.pipes import LimitedBuffer, StderrParser
from glotsmith.sandbox.shell_wrapper import BUILDING, MISSING, READY, UNBUILT


@pytest.mark.parametrize(
    ("chunks", "state", "kept"),
    [
        ([READY + b"err"], "ready", b"err"),
        ([READY[:5], READY[5:], b"a", b"b"], "ready", b"ab"),
        ([b"warning\n" + READY], "ready", b""),
        ([MISSING], "missing", b""),
        ([READY + MISSING], "ready", MISSING),  # written by the program
        ([b"bwrap: no"], "setup", b"bwrap: no"),
        ([READY, b"x" * 50, b"tail"], "ready", b"x" * 16 + b"tail"),
        ([BUILDING, b"warning\n", READY, b"err"], "ready", b"err"),
        ([BUILDING, b"error\n", UNBUILT], "unbuilt", b"error\n"),
        ([BUILDING, MISSING, b"x"], "building", MISSING[-19:] + b"x"),  # written by the build
    ],
)
def test_stderr(chunks: list[bytes], state: str, kept: bytes):
    stderr = StderrParser(20)
    for chunk in chunks:
        stderr.feed(chunk)
    assert (stderr.state, bytes(stderr.data)) == (state, kept)


@pytest.mark.parametrize(("size", "overflows"), [(0, 0), (9, 0), (10, 0), (11, 1)])
def test_stdout(size: int, overflows: int):
    seen: list[int] = []
    stdout = LimitedBuffer(10, lambda: seen.append(1))
    stdout.feed(b"x" * size)
    assert (len(stdout.data), len(seen)) == (min(size, 10), overflows)
