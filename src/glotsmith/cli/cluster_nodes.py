"""``glotsmith doctor --ray-address``: the languages, the isolation and the speed of every node of a cluster."""

import asyncio
from collections.abc import Sequence

from rich.table import Table

from glotsmith.cli.app import err, out
from glotsmith.cluster import ClusterOptions, open_ray_cluster
from glotsmith.cluster.messages import NodeDescription
from glotsmith.errors import IsolationError


def print_nodes(address: str, isolation: str, languages: Sequence[str]) -> bool:
    """Start a worker on each node, as a run does, and print its report; return whether all nodes are usable.

    Args:
        address: The address of the cluster.
        isolation: The isolation back end of the nodes.
        languages: The languages to check.

    Raises:
        UsageError: Ray is not installed, or there is no cluster at the address.

    """
    try:
        nodes = asyncio.run(_describe(address, isolation, languages))
    except IsolationError as error:  # its message names each node
        err.print(str(error))
        return False
    out.print(nodes_table(nodes))
    out.print(languages_table(nodes))
    return not any(node.fault for node in nodes)


async def _describe(address: str, isolation: str, languages: Sequence[str]) -> Sequence[NodeDescription]:
    options = ClusterOptions(address=address, isolation=isolation or "auto", mixed_toolchains=True)
    async with open_ray_cluster(options, languages) as cluster:
        return sorted(cluster.nodes.values(), key=lambda node: node.host)


def nodes_table(nodes: Sequence[NodeDescription]) -> Table:
    """Return a table with one row for each node."""
    shown = Table("node", "isolation", "programs at once", "languages", "what is wrong")
    for number, node in enumerate(nodes, start=1):
        shown.add_row(f"{number} {node.host}", node.isolation, str(node.jobs), str(len(node.toolchains)), node.fault)
    return shown


def languages_table(nodes: Sequence[NodeDescription]) -> Table:
    """Return a table with one row for each language and version, and the nodes that have it.

    The number after a node is the CPU time of a program there, divided by that on the reference machine.
    """
    shown = Table("language", "toolchain, or why there is none", "nodes (CPU time relative to the reference machine)")
    for language in sorted({name for node in nodes for name in node.versions}):
        nodes_by_version = dict[str, list[str]]()
        for number, node in enumerate(nodes, start=1):
            if language not in node.versions:  # no worker runs there
                continue
            speed = f" ({node.slowness[language]:.1f})" if language in node.slowness else ""
            nodes_by_version.setdefault(node.versions[language], []).append(f"{number}{speed}")
        for version, places in nodes_by_version.items():
            shown.add_row(language, version, ", ".join(places))
    return shown
