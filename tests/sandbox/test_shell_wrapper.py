"""The shell wrapper: arguments and limits."""

import subprocess

from glotsmith.records import Limits
from glotsmith.sandbox.shell_wrapper import READY, wrap_command


def test_wrapper_keeps_arguments_apart():
    argv = wrap_command(["printf", "[%s]", "a b", "", "$HOME", "'\"`x`"], Limits(), threads=None)
    done = subprocess.run(argv, capture_output=True, check=True)
    assert (done.stdout, done.stderr) == (b"[a b][][$HOME]['\"`x`]", READY)


def test_wrapper_sets_limits():
    argv = wrap_command(
        ["sh", "-c", "ulimit -c; ulimit -f; ulimit -t; ulimit -n"], Limits(cpu_s=1.5, file_mb=2), threads=500
    )
    assert subprocess.run(argv, capture_output=True, check=True).stdout.split() == [b"0", b"4096", b"4", b"256"]
