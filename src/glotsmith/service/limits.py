"""The most that a stranger's program may ask for."""

from glotsmith.records import Limits

MOST = Limits(
    cpu_s=600.0,
    wall_s=3600.0,
    memory_mb=65_536,
    processes=4096,
    file_mb=4096,
    output_kb=32_768,
    build_memory_mb=65_536,
    build_cpu_s=600.0,
)


def least(name: str) -> float:
    """Return the least that may be asked of a limit."""
    return 1 if isinstance(getattr(MOST, name), int) else 0.001
