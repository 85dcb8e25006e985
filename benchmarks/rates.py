"""Measure the rates of several kinds in turn, and print a table of their medians."""

import statistics
import sys
from collections.abc import Callable, Mapping, Sequence


def alternate(kinds: Sequence[str], repeats: int, measure: Callable[[str], float]) -> dict[str, list[float]]:
    """Return the measured rates of each kind, in tokens per second, and print each one on stderr.

    The kinds alternate, so that other load on the machine affects all of them.
    """
    rates: dict[str, list[float]] = {kind: [] for kind in kinds}
    for _ in range(repeats):
        for kind, found in rates.items():
            found.append(measure(kind))
            print(f"{kind}: {found[-1]:.1f} tokens per second", file=sys.stderr)
    return rates


def print_table(rates: Mapping[str, Sequence[float]], base: str) -> None:
    """Print the median, minimum and maximum of each kind, and the ratio of its median to that of ``base``."""
    print(f"{'':10}{'tokens/s':>10}{'minimum':>9}{'maximum':>9}{f'of {base}':>13}")
    for kind, values in rates.items():
        median = statistics.median(values)
        ratio = median / statistics.median(rates[base])
        print(f"{kind:10}{median:10.1f}{min(values):9.1f}{max(values):9.1f}{ratio:13.2f}")
