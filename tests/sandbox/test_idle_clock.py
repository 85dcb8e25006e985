"""Idle time: what counts as waiting, and what does not."""

from collections.abc import Sequence

import pytest

from glotsmith.sandbox.idle_clock import IdleClock


def idle_at(checks: Sequence[tuple[float, float, bool]], limit_s: float = 1.0) -> float | None:
    """Return when a tree is idle, by checks of (time, CPU seconds, is runnable); None if it never is."""
    clock = IdleClock(limit_s)
    for now, cpu_s, runnable in checks:
        if clock.exceeds_limit(now, cpu_s, lambda runnable=runnable: runnable):
            return now
    return None


def every(
    step: float, cpu_share: float = 0.0, *, runnable: bool = False, end: float = 10.0
) -> list[tuple[float, float, bool]]:
    return [(n * step, n * step * cpu_share, runnable) for n in range(round(end / step))]


@pytest.mark.parametrize(
    ("checks", "expected"),
    [
        (every(0.05), 1.05),
        (every(0.05, 0.01), 1.05),  # the housekeeping of a virtual machine
        (every(0.05, 0.05), None),  # a little work
        (every(0.05, 1.0), None),
        (every(0.05, runnable=True), None),  # it gets no processor
        (every(1.0, end=30.0), 11.0),  # late checks add 0.1 s each
        ([(n * 0.05, 0.0, n % 10 == 0) for n in range(200)], None),  # runnable now and then
        ([(n * 0.05, 0.0, n < 8) for n in range(200)], 1.05),  # runnable in the first half only
        ([(n * 0.05, 0.02 * (n // 10), False) for n in range(200)], None),  # short work between short waits
    ],
)
def test_a_tree_is_idle_if_nothing_runs_or_could_run(
    checks: list[tuple[float, float, bool]], expected: float | None
) -> None:
    found = idle_at(checks)
    assert found == (None if expected is None else pytest.approx(expected, abs=0.06))


def test_the_state_is_read_in_the_second_half_only() -> None:
    clock, read = IdleClock(1.0), list[float]()
    for now, cpu_s, _ in every(0.05, end=0.9):
        assert not clock.exceeds_limit(now, cpu_s, lambda now=now: bool(read.append(now)))
    assert min(read) > 0.5
