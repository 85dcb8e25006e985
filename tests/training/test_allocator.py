"""Freed memory stays in the process."""

import platform
import subprocess
import sys

import pytest

PROGRAM = """
import resource, sys
from glotsmith.training.allocator import keep_freed_memory
if sys.argv[1] == "keep":
    keep_freed_memory()
bytearray(64 << 20)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(4):
    block = bytearray(64 << 20)
    for page in range(0, len(block), 4096):
        block[page] = 1
    del block
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def page_faults(kind: str) -> int:
    done = subprocess.run([sys.executable, "-c", PROGRAM, kind], capture_output=True, text=True, check=True)
    return int(done.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="glibc's allocator")
def test_memory_that_is_freed_is_used_again_without_page_faults() -> None:
    pages = (64 << 20) // 4096
    assert page_faults("keep") <= pages + 1000
    assert page_faults("default") >= 4 * pages * 0.9
