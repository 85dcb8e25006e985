"""Compute from measured figures how many nodes one process of a run can feed, and what rows cost at a large scale.

    python benchmarks/scale_model.py [--rows 1000000000] [--days 30]

The inputs are in ``scale_model.toml``; those marked ``assumed`` are not measured. Programs per second and core are
those of docs/languages.md. A simulation of single programs determines the throughput: the process of the run handles
one request after another, each node runs as many programs at once as it has cores, program times are exponentially
distributed, nodes are lost at random and another one starts, and the programs of a lost node run again.
"""

import argparse
import heapq
import itertools
import random
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parent
LANGUAGES = ("lua", "python", "ocaml", "r", "racket", "julia", "java", "rust")
PROGRAMS = 30_000  #: of one simulation
ENOUGH = 0.9  #: share of the throughput of all cores that a useful number of nodes has


class Cluster(NamedTuple):
    """The inputs of one simulation, in seconds."""

    nodes: int
    cores: int
    program_s: float
    request_s: float
    lost_every_s: float
    start_s: float


class SimulatedNode:
    """The state of one node."""

    def __init__(self, cores: int) -> None:
        self.idle = cores  #: cores without a program
        self.unhandled = 0  #: answers that the process of the run has not handled
        self.life = 0  #: how often it was lost


def simulate(cluster: Cluster, programs: int = PROGRAMS, seed: int = 0) -> float:
    """Return programs per second."""
    rng, events, clock, free_at, done = random.Random(seed), list[tuple[float, int, str, int, int]](), 0.0, 0.0, 0
    nodes, numbers = [SimulatedNode(cluster.cores) for _ in range(cluster.nodes)], itertools.count()
    waiting = max(128, 4 * cluster.cores) - cluster.cores  # requests that a node holds and does not run

    def schedule(time: float, kind: str, number: int) -> None:
        heapq.heappush(events, (time, next(numbers), kind, number, nodes[number].life))

    def start_programs(number: int) -> None:
        node = nodes[number]
        while node.idle and node.unhandled < waiting:
            node.idle -= 1
            schedule(clock + rng.expovariate(1 / cluster.program_s), "end", number)

    for number in range(cluster.nodes):
        schedule(rng.expovariate(1 / cluster.lost_every_s), "lost", number)
        start_programs(number)
    while done < programs:
        clock, _, kind, number, life = heapq.heappop(events)
        node = nodes[number]
        if life != node.life:
            continue  # the node was lost in the meantime
        if kind == "lost":
            node.life, node.idle, node.unhandled = life + 1, 0, 0
            schedule(clock + cluster.start_s, "start", number)
        elif kind == "start":
            node.idle = cluster.cores
            schedule(clock + rng.expovariate(1 / cluster.lost_every_s), "lost", number)
        elif kind == "end":
            node.idle, node.unhandled = node.idle + 1, node.unhandled + 1
            free_at = max(free_at, clock) + cluster.request_s
            schedule(free_at, "handled", number)
        else:
            node.unhandled, done = node.unhandled - 1, done + 1
        start_programs(number)
    return done / clock


def rates() -> Iterator[tuple[str, float]]:
    """Yield the warm programs per second and core of languages, else the cold ones, from docs/languages.md."""
    text = (HERE.parent / "docs" / "languages.md").read_text("utf-8")
    for name in LANGUAGES:
        row = re.search(rf"^\| [^|]+ \| `{name}` \|[^|]*\|[^|]*\| *(\d*) \| *(\d*) \|", text, re.MULTILINE)
        assert row is not None, name
        yield name, float(row[2] or row[1])


def most_nodes(program_s: float, request_s: float, nodes: dict[str, float]) -> tuple[int, float]:
    """Return the largest power of two of nodes that still have ``ENOUGH`` throughput, and programs per second then."""
    count, best = 1, (0, 0.0)
    while count <= 4096:
        size = Cluster(count, int(nodes["cores"]), program_s, request_s, nodes["lost_every_h"] * 3600, nodes["start_s"])
        throughput = simulate(size, max(PROGRAMS, 20 * count * size.cores))
        if throughput < ENOUGH * count * size.cores / program_s:
            return best
        best, count = (count, throughput), 2 * count
    return best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=float, default=1e9)
    parser.add_argument("--days", type=float, default=30)
    options = parser.parse_args()
    given = tomllib.loads((HERE / "scale_model.toml").read_text("utf-8"))
    driver, run, nodes = given["driver"], given["run"], given["nodes"]
    request_s = driver["request_ms"] / 1e3
    print(
        f"One process handles at most {1 / request_s:.0f} programs and {1e3 / driver['engine_ms']:.0f} items a second."
    )
    print(f"{'language':10} {'programs/s and core':>20} {'nodes':>6} {'programs/s':>11}   ({nodes['cores']:.0f} cores)")
    for name, rate in rates():
        count, throughput = most_nodes(1 / rate, request_s, nodes)
        print(f"{name:10} {rate:20.0f} {count:6} {throughput:11.0f}")
    functions = options.rows / run["rows_per_function"]
    core_h = functions * run["cpu_s_per_function"] / 3600
    driver_s = driver["engine_ms"] / 1e3 + request_s * run["programs_per_function"]
    lost = nodes["start_s"] / (nodes["lost_every_h"] * 3600)
    machines = core_h / nodes["cores"] / 24 / options.days * (1 + lost)
    print(f"{options.rows:.0e} rows of multipl-t in {options.days:g} days, without the teacher:")
    usd = core_h * nodes["usd_per_core_h"]
    print(f"  {functions:.2e} functions, {core_h:.3g} core hours, {usd:.3g} USD (assumed price)")
    print(f"  {machines:.0f} nodes on average, {machines * options.days * 24 / nodes['lost_every_h']:.0f} of them lost")
    print(f"  {max(1, functions * driver_s / 86400 / options.days):.1f} processes of runs (shards) at full load")


if __name__ == "__main__":
    main()
