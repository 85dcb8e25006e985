from rich.console import Console

from glotsmith.cli.cluster_nodes import languages_table, nodes_table
from glotsmith.cluster.messages import NodeDescription

NODES = [
    NodeDescription(
        host="one",
        isolation="bubblewrap",
        jobs=8,
        toolchains={"lua": "h1", "r": "h3"},
        versions={"lua": "Lua 5.4.6", "r": "R 4.3"},
        slowness={"lua": 1.0, "r": 2.04},
    ),
    NodeDescription(
        host="two",
        isolation="bubblewrap",
        jobs=4,
        toolchains={"lua": "h2"},
        versions={"lua": "Lua 5.4.4", "r": "R cannot be run here"},
        slowness={"lua": 1.26},
    ),
    NodeDescription(host="three", fault="cannot isolate programs: no user namespaces"),
]


def rows(table) -> list[list[str]]:
    console = Console(width=300)
    with console.capture() as capture:
        console.print(table)
    lines = capture.get().splitlines()
    return [[cell.strip() for cell in line.split("│")[1:-1]] for line in lines if line.startswith("│")]


def test_each_node_has_a_row_with_its_fault() -> None:
    assert rows(nodes_table(NODES)) == [
        ["1 one", "bubblewrap", "8", "2", ""],
        ["2 two", "bubblewrap", "4", "1", ""],
        ["3 three", "", "0", "0", "cannot isolate programs: no user namespaces"],
    ]


def test_nodes_with_the_same_version_share_a_row() -> None:
    same = [NODES[0], NODES[0]]
    assert rows(languages_table(same))[0] == ["lua", "Lua 5.4.6", "1 (1.0), 2 (1.0)"]
    assert rows(languages_table(NODES[:2])) == [
        ["lua", "Lua 5.4.6", "1 (1.0)"],
        ["lua", "Lua 5.4.4", "2 (1.3)"],
        ["r", "R 4.3", "1 (2.0)"],
        ["r", "R cannot be run here", "2"],
    ]
