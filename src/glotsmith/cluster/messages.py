"""Messages between the process of a run and the nodes. They are pickled: programs may hold bytes and surrogates."""

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

import msgspec

from glotsmith.records import Job, Outcome, Program, Record, Verdict
from glotsmith.sandbox.base import Promise


class NodeCall(NamedTuple):
    """A call of an async function of a module, which is pickled as its name."""

    function: Callable[..., Awaitable[Any]]
    arguments: tuple[Any, ...]


class ReturnedValue(NamedTuple):
    """What a function returned."""

    value: Any


NodeRequest = Job | Program | NodeCall  #: a job is verified; a program is run; a function is called
Answer = Verdict | Outcome | ReturnedValue


class NumberedRequest(NamedTuple):
    """One request, with the number under which it is answered."""

    number: int
    content: NodeRequest


class NumberedAnswer(NamedTuple):
    """One answer: a verdict, an outcome, a result, or the text of an unexpected error on the node."""

    number: int
    answer: Answer | None
    error: str = ""


class NodeDescription(Record, frozen=True, kw_only=True):
    """The capabilities of a node."""

    host: str
    isolation: str = ""
    promises: tuple[Promise, ...] = ()  #: guarantees of the isolation against a hostile program
    jobs: int = 0  #: number of programs that it runs at once
    toolchains: dict[str, str] = {}  #: language → hash of its commands, paths, version, card and driver
    #: language → the version that its toolchain prints, with a note if it fails its own example; or why there is none
    versions: dict[str, str] = {}
    slowness: dict[str, float] = {}  #: language → CPU time of a program there / on the reference machine, at least 1
    fault: str = ""  #: why programs cannot be isolated there


def differences(reference: NodeDescription, node: NodeDescription) -> list[str]:
    """Return the differences between a node and the reference, one phrase for each."""
    found = [f"{node.isolation} isolates its programs, not {reference.isolation}"]
    if node.isolation == reference.isolation:
        found = []
    for language, wanted in reference.toolchains.items():
        if node.toolchains.get(language) != wanted:
            there, here = node.versions.get(language, "not installed"), reference.versions.get(language, "")
            same = "the same version with other paths or another glotsmith" if there == here else there
            found.append(f"{language}: {same} ({here} here)")
    return found


def cluster_fingerprint(nodes: list[NodeDescription]) -> bytes:
    """Return bytes that are equal for clusters with equal toolchains, in any order of nodes."""
    return msgspec.json.encode(sorted({(n.isolation, tuple(sorted(n.toolchains.items()))) for n in nodes}))
