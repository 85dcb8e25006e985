"""Keep freed memory in the process during a training on a CPU."""

import contextlib
import ctypes

_TRIM_THRESHOLD, _MMAP_MAX = -1, -4  #: parameters of mallopt(3)


def keep_freed_memory() -> None:
    """Tell glibc not to return memory to the kernel. With another C library, do nothing.

    A step allocates tensors of some hundred megabytes. By default, glibc returns each one when it is freed, and the
    kernel clears its pages again in the next step. This needs a seventh of the time of a training
    (``benchmarks/training_precision.py``).
    """
    with contextlib.suppress(OSError, AttributeError):
        library = ctypes.CDLL(None)
        library.mallopt(_MMAP_MAX, 0)
        library.mallopt(_TRIM_THRESHOLD, -1)
