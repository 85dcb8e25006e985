"""What flows along the arrow: frozen, typed records with a JSON round trip (msgspec).

``Function`` → ``Problem`` → ``Task`` (a problem posed in one language) → ``Solution`` → ``Example`` (a dataset row).
Beside them: ``Job`` and ``Verdict``, the protocol of verification; ``Program`` and ``Outcome``, the sandbox's.
"""

import hashlib
from typing import Literal

import msgspec


class Record(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Base of all records: immutable, keyword-only, strict about unknown fields."""


def content_hash(*parts: str) -> str:
    """Return the first 32 hex digits of BLAKE2b over ``parts``, length-prefixed so that borders count."""
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        data = part.encode("utf-8", "surrogatepass")
        digest.update(len(data).to_bytes(8, "big"))
        digest.update(data)
    return digest.hexdigest()


def printable(text: str) -> str:
    """Escape what is no text (lone surrogates), so that any record, SQLite and JSON can hold it."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


class Origin(Record, frozen=True, kw_only=True):
    """Where a function was found."""

    source: str  #: as the user named it: ``package:toolz``, a folder, a file, a dataset id
    path: str  #: file inside the source, or row id
    line: int = 1  #: first line of the function, from 1
    version: str = ""  #: package version or dataset revision
    licence: str = ""  #: SPDX id or free text; empty when unknown


class Function(Record, frozen=True, kw_only=True):
    """One top-level Python function that stands alone."""

    id: str  #: content hash of ``code`` and ``helpers``, and of a docstring that is not in the code
    name: str
    code: str  #: the ``def``, dedented, without decorators
    docstring: str = ""
    helpers: str = ""  #: imports, constants and functions of its module that it needs, in source order
    origin: Origin

    @property
    def program(self) -> str:
        """The function with all it needs, as one Python program."""
        return f"{self.helpers}\n\n\n{self.code}" if self.helpers else self.code


class Suite(Record, frozen=True, kw_only=True):
    """The tests of a problem, with the evidence that they mean something."""

    signature: str  #: typed Python signature, from observed values
    tests: tuple[str, ...]  #: ``assert f(args) == expected``, all literals
    line_coverage: float  #: of the function's own body, 0–1
    branch_coverage: float  #: likewise; 1 where there is no branch
    mutation_score: float  #: killed mutants / mutants that ran, 0–1; 1 where there was no mutant
    mutants: int  #: how many mutants ran
    writers: dict[str, int]  #: writer → cases it contributed


class Problem(Record, frozen=True, kw_only=True):
    """A function with a suite that was proved on the source."""

    id: str  #: the function's id: the parallel id that all languages share
    function: Function
    suite: Suite


class Task(Record, frozen=True, kw_only=True):
    """A problem posed in one target language: representable there, and its suite can pass and can fail."""

    id: str
    problem: Problem
    language: str
    signature: str  #: typed Python signature, inferred from ``tests``
    tests: tuple[str, ...]  #: the tests that are representable in ``language``
    prefix: str  #: the target signature that a solution continues
    dropped_tests: int = 0


Status = Literal[
    "pass",
    "fail:compile",
    "fail:wrong",
    "fail:runtime",
    "fail:timeout",
    "fail:memory",
    "fail:output",
    "fail:exit",
    "infra:sandbox",
    "infra:toolchain",
    "infra:refused",
]


class CaseVerdict(Record, frozen=True, kw_only=True):
    """What one test came to."""

    status: Status
    actual: str = ""  #: the value that came back (a Python literal where it is one), or the error's text


class Verdict(Record, frozen=True, kw_only=True):
    """The answer to a ``Job``."""

    id: str
    language: str
    status: Status
    cases: tuple[CaseVerdict, ...] = ()
    stdout: str = ""  #: tail of what the program printed
    stderr: str = ""
    seconds: float = 0.0  #: CPU time of the whole program
    toolchain: str = ""
    isolation: str = ""
    detail: str = ""  #: one sentence, where the status needs one
    line: int = 0  #: of a job file or a list of jobs, from 1, where no job could be read from it

    @property
    def passed(self) -> bool:
        """Whether every test passed."""
        return self.status == "pass"

    @property
    def is_infra(self) -> bool:
        """Whether the machine failed rather than the program."""
        return self.status.startswith("infra:")


class Lineage(Record, frozen=True, kw_only=True):
    """How a solution came about."""

    teacher: str
    model: str = ""
    prompt_version: str = ""  #: hash of the prompt template
    seed: int = 0
    sample: int = 0  #: index of the reply within the problem
    temperature: float = 0.0
    repaired_from: str = ""  #: id of the failing candidate that this one repairs
    toolchain: str = ""
    isolation: str = ""


class Candidate(Record, frozen=True, kw_only=True):
    """A program that was generated and did not pass; kept beside its reason for preference pairs and for people."""

    task: str  #: id of its task
    language: str
    code: str
    verdict: Verdict | None = None
    lineage: Lineage


class Solution(Record, frozen=True, kw_only=True):
    """A program that passed its task's suite."""

    id: str
    task: Task
    code: str
    lineage: Lineage
    cost: float = 0.0
    pass_rate: float = 1.0  #: share of the task's replies that held a passing program


class Snippet(Record, frozen=True, kw_only=True):
    """A program whose instruction is to be found, or a pair of an instruction corpus that stays as it is."""

    id: str  #: content hash of what it holds
    kind: Literal["inverse", "original"] = "inverse"
    language: str = ""  #: empty until preprocessing tells it, and of an original without code
    name: str = ""  #: of the function that ``tests`` call
    code: str = ""  #: empty until preprocessing has taken it out of ``response``
    instruction: str = ""  #: the corpus's own
    response: str = ""  #: likewise
    signature: str = ""  #: typed Python signature of the suite
    tests: tuple[str, ...] = ()  #: its suite; empty where there is none
    parallel_id: str = ""  #: of the problem, where another run made it
    line_coverage: float = 0.0
    branch_coverage: float = 0.0
    mutation_score: float = 0.0
    toolchain: str = ""  #: with which the code passed its suite
    isolation: str = ""
    origin: Origin


class YesNoScore(Record, frozen=True, kw_only=True):
    """What a model answered to "Is the answer correct?" (InverseCoder §4.3); shares of its probability, 0-1."""

    yes: float  #: mass of all spellings of Yes that were seen
    no: float
    left: float  #: mass of what was not seen; 0 for votes
    p_yes: float  #: P(Yes) / (P(Yes) + P(No)): the rank
    method: Literal["logprobs", "votes"]
    unseen: Literal["", "yes", "no"] = ""  #: the word that was not seen, to which all that was left is granted
    votes: int = 0  #: replies that counted
    prompt_version: str = ""  #: hash of the prompt template


class SnippetSummary(Record, frozen=True, kw_only=True):
    """One instruction that a teacher wrote for a snippet."""

    id: str  #: content hash of snippet and text: what scores and verdicts are joined by
    sample: int
    text: str
    lineage: Lineage
    scored: YesNoScore | None = None
    round_trip: Status | Literal["", "no_code"] = ""  #: what the answer to it came to; empty where it was not asked for
    answered: Lineage | None = None  #: how that answer came about


class Inversion(Record, frozen=True, kw_only=True):
    """A snippet with the instructions that are left of it, best first once they are ranked."""

    snippet: Snippet
    summaries: tuple[SnippetSummary, ...] = ()  #: none for an original
    ties: int = 0  #: how many others have the first one's score
    tried: tuple[SnippetSummary, ...] = ()  #: all that a round trip was made with, in order of rank
    measured: bool = False  #: whether a round trip was made with every summary, whatever came of the first


class Example(Record, frozen=True, kw_only=True):
    """One dataset row."""

    id: str
    parallel_id: str  #: equal for one problem in all languages
    language: str
    name: str
    messages: tuple[dict[str, str], ...]
    prompt: str
    completion: str
    source: str  #: the Python original; empty where there is none
    signature: str = ""
    tests: tuple[str, ...] = ()
    origin: Origin
    lineage: Lineage
    line_coverage: float = 0.0
    branch_coverage: float = 0.0
    mutation_score: float = 0.0
    pass_rate: float = 0.0
    kind: str = "translation"  #: what the row is: translation, inverse, original, ds1, ds2, ds3
    stage: int = 1  #: training order: rows of a lower stage are trained on first
    score: float = 0.0  #: the recipe's ranking among rows that passed (P(Yes), rubric); 0 where it has none


class Preference(Record, frozen=True, kw_only=True):
    """A passing and a failing program for one problem and language."""

    id: str
    parallel_id: str  #: equal for one problem in all languages; splits are made by it
    language: str
    prompt: str  #: the instruction, as the user's message
    chosen: str  #: the assistant's message that passed
    rejected: str  #: the one that failed
    status: Status  #: why ``rejected`` failed
    passed_cases: int = 0  #: how many test cases ``rejected`` passed
    similarity: float = 0.0  #: of both programs, 0-1: near-misses are near 1
    chosen_lineage: Lineage
    rejected_lineage: Lineage


class IoCase(Record, frozen=True, kw_only=True):
    """One stdin/stdout test."""

    stdin: str
    stdout: str


#: ``exact``; ``lines``, blanks at the end aside; ``tokens``, white space aside; ``numbers``, tokens within the
#: tolerance; ``unordered``, lines in any order
Checker = Literal["exact", "lines", "tokens", "numbers", "unordered"]


TOLERANCE = 1e-6  #: relative, for floats
#: absolute, for floats near zero: what a few hundred roundings of numbers near one leave (2**-52 is 2.2e-16)
ABSOLUTE_TOLERANCE = 1e-13


class Job(Record, frozen=True, kw_only=True):
    """A request for a verdict: one line of ``glotsmith verify``'s input.

    Exactly one of ``tests``, ``io`` and ``program`` says what is to hold.
    """

    id: str
    language: str
    code: str = ""
    signature: str = ""
    tests: tuple[str, ...] = ()
    io: tuple[IoCase, ...] = ()
    checker: Checker = "lines"  #: how stdout is compared in ``io`` tests
    program: str = ""  #: a benchmark's own program, run verbatim
    entry_point: str = ""  #: name in the target language; default the Python name
    time_limit_s: float | None = None  #: CPU seconds, on the reference machine (``verification.calibrate``)
    memory_limit_mb: int | None = None
    output_limit_kb: int | None = None  #: stdout beside what the tests expect, which always fits
    file_limit_mb: int | None = None  #: what the program writes to its own folder
    tolerance: float = TOLERANCE  #: relative, for floats; of ``numbers`` also absolute
    absolute_tolerance: float = ABSOLUTE_TOLERANCE  #: for floats, where it is more than the relative one


class Limits(Record, frozen=True, kw_only=True):
    """What a program may use."""

    cpu_s: float = 10.0  #: CPU seconds of the whole process tree
    wall_s: float = 60.0  #: far above ``cpu_s``: a loaded machine must not turn right answers into timeouts
    memory_mb: int = 1024  #: resident memory of the whole process tree
    processes: int = 32
    file_mb: int = 16  #: everything written to the program's own folder
    output_kb: int = 1024  #: stdout; stderr is cut silently at a quarter of it
    build_memory_mb: int = 3072  #: while it runs, if that is more than ``memory_mb``
    build_cpu_s: float = 60.0  #: CPU seconds of ``Program.build``; they do not count against ``cpu_s``


class WarmInterpreter(Record, frozen=True, kw_only=True):
    """An interpreter that is started once: it loads what its programs need and calls ``fork``, once."""

    argv: tuple[str, ...]  #: as ``Program.argv``
    files: dict[str, str | bytes]  #: readable in the program's folder while it starts


class CompilerServer(Record, frozen=True, kw_only=True):
    """A compiler that is started once, and compiles the files of many programs (``sandbox/compile_servers.py``)."""

    argv: tuple[str, ...]
    files: dict[str, str | bytes] = {}  #: readable in its folder
    sources: dict[str, str]  #: which of ``Program.files`` are compiled → the names that the compiler sees
    run: tuple[str, ...]  #: takes the place of ``Program.argv``: what was made lies among the program's files


class Program(Record, frozen=True, kw_only=True):
    """What a sandbox runs; it never hears of a language."""

    files: dict[str, str | bytes]  #: relative path → text (UTF-8) or bytes, readable in the program's folder
    argv: tuple[str, ...]  #: the command; ``@{dir}`` stands for the folder with ``files``
    build: tuple[str, ...] = ()  #: a command to run first, in the same place; if it fails, the program does not run
    stdin: str = ""
    env: dict[str, str] = {}
    read_only: tuple[str, ...] = ()  #: host prefixes to bind read-only at the same path
    server: CompilerServer | None = None  #: may build the program in place of ``build``, with the same result
    warm: WarmInterpreter | None = None  #: may run the program in place of ``argv``, with the same result
    limits: Limits = Limits()


Ending = Literal["exit", "signal", "cpu", "wall", "memory", "processes", "output", "infra"]


class Outcome(Record, frozen=True, kw_only=True):
    """What a sandbox saw."""

    ending: Ending
    code: int = 0  #: exit code, or the signal's number
    stdout: bytes = b""
    stderr: bytes = b""
    cpu_s: float = 0.0
    wall_s: float = 0.0
    peak_memory_mb: float = 0.0
    built: bool = True  #: false where ``Program.build`` failed or met a limit, so that the program never ran
    detail: str = ""  #: for ``infra``: what failed, and what to do


class FunnelRow(Record, frozen=True, kw_only=True):
    """One step's account: ``taken = kept + dropped``, and what the kept ones became."""

    step: str
    taken: int  #: inputs answered
    kept: int  #: inputs from which at least one output was kept
    dropped: int  #: inputs from which none was
    made: int  #: outputs kept
    reasons: dict[str, int] = {}  #: reason → inputs dropped
    losses: dict[str, int] = {}  #: reason → outputs lost on the way (failing candidates, unposable languages)
    tokens: int = 0
    cost: float = 0.0  #: US dollars
