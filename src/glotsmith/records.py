"""The records that flow through the pipeline: frozen and typed, with a JSON round trip (msgspec).

``Function`` → ``Problem`` → ``Task`` (a problem in one language) → ``Solution`` → ``Example`` (a dataset row).
Verification takes a ``Job`` and returns a ``Verdict``; a sandbox takes a ``Program`` and returns an ``Outcome``.
"""

import hashlib
from typing import Literal

import msgspec


class Record(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Base of all records: immutable, keyword-only, strict about unknown fields."""


def content_hash(*parts: str) -> str:
    """Return the BLAKE2b hash of ``parts`` as 32 hex digits; each part is prefixed with its length."""
    pieces = list[bytes]()
    for part in parts:
        data = part.encode("utf-8", "surrogatepass")
        pieces += len(data).to_bytes(8, "big"), data
    return hashlib.blake2b(b"".join(pieces), digest_size=16).hexdigest()


def printable(text: str) -> str:
    """Escape lone surrogates in a text, so that records, SQLite and JSON can hold it."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


class Origin(Record, frozen=True, kw_only=True):
    """The place where a function was found."""

    source: str  #: as the user named it: ``package:toolz``, a folder, a file, a dataset id
    path: str  #: file inside the source, or row id
    line: int = 1  #: first line of the function, from 1
    version: str = ""  #: package version or dataset revision
    licence: str = ""  #: SPDX id or free text; empty when unknown


class Function(Record, frozen=True, kw_only=True):
    """One top-level Python function. The step ``filter`` keeps those that can be executed alone."""

    id: str  #: content hash of ``code`` and ``helpers``, and of a docstring that is not in the code
    name: str
    code: str  #: the ``def``, dedented, without decorators
    docstring: str = ""
    helpers: str = ""  #: imports, constants and functions of its module that it uses, in source order
    origin: Origin

    @property
    def program(self) -> str:
        """The function with its helpers, as one Python program."""
        return f"{self.helpers}\n\n\n{self.code}" if self.helpers else self.code


class Suite(Record, frozen=True, kw_only=True):
    """The tests of a problem, with the measures of their quality."""

    signature: str  #: typed Python signature, from observed values
    tests: tuple[str, ...]  #: ``assert f(args) == expected``, all literals
    line_coverage: float  #: line coverage of the function's own body, 0–1
    branch_coverage: float  #: branch coverage of this body, 0–1; 1 if there is no branch
    mutation_score: float  #: killed mutants / mutants that ran, 0–1; 1 if there was no mutant
    mutants: int  #: number of mutants that ran
    writers: dict[str, int]  #: writer → number of cases
    reference_s: float = 0.0  #: CPU seconds of the Python original for all tests, rounded up; 0 if not measured


class Problem(Record, frozen=True, kw_only=True):
    """A function with a suite that its source passes."""

    id: str  #: the id of the function, which all languages share as parallel id
    function: Function
    suite: Suite


class Task(Record, frozen=True, kw_only=True):
    """A problem in one target language, which can represent it; its suite can pass and can fail."""

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


#: the status of a case; a ``skipped`` case did not run because an earlier one reached a limit
CaseStatus = Status | Literal["skipped"]


class CaseVerdict(Record, frozen=True, kw_only=True):
    """The result of one test."""

    status: CaseStatus
    actual: str = ""  #: the returned value (a Python literal if possible), or the text of the error


class Verdict(Record, frozen=True, kw_only=True):
    """The verdict on a ``Job``."""

    id: str
    language: str
    status: Status
    cases: tuple[CaseVerdict, ...] = ()
    stdout: str = ""  #: last part of the output of the program
    stderr: str = ""
    seconds: float = 0.0  #: CPU time of the whole program
    toolchain: str = ""
    isolation: str = ""
    detail: str = ""  #: one sentence, if the status needs an explanation
    line: int = 0  #: line of a job file or item of a list, from 1, if it is not a valid job

    @property
    def passed(self) -> bool:
        """Whether all tests passed."""
        return self.status == "pass"

    @property
    def is_infra(self) -> bool:
        """Whether there is no judgement of the program: the machine failed, or the job is not valid."""
        return self.status.startswith("infra:")


class Lineage(Record, frozen=True, kw_only=True):
    """How a solution was made."""

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
    """A generated program that did not pass; kept for preference pairs and for users."""

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
    pass_rate: float = 1.0  #: passing programs, also after a repair / first replies with an answer; at most 1


class Snippet(Record, frozen=True, kw_only=True):
    """A program without an instruction, or an unchanged pair of an instruction corpus."""

    id: str  #: content hash
    kind: Literal["inverse", "original"] = "inverse"
    language: str = ""  #: empty until preprocessing, and for an original without code
    name: str = ""  #: name of the function that ``tests`` call
    code: str = ""  #: empty until preprocessing extracts it from ``response``
    instruction: str = ""  #: instruction of the corpus
    response: str = ""  #: response of the corpus
    signature: str = ""  #: typed Python signature of the suite
    tests: tuple[str, ...] = ()  #: the tests of its suite; empty if there is no suite
    parallel_id: str = ""  #: parallel id of the problem, if another run made it
    line_coverage: float = 0.0
    branch_coverage: float = 0.0
    mutation_score: float = 0.0
    reference_s: float = 0.0  #: as in ``Suite``
    toolchain: str = ""  #: toolchain with which the code passed its suite
    isolation: str = ""
    origin: Origin


class YesNoScore(Record, frozen=True, kw_only=True):
    """The answer of a model to "Is the answer correct?" (InverseCoder §4.3), as probabilities, 0-1."""

    yes: float  #: probability of all spellings of Yes among the returned tokens
    no: float
    left: float  #: probability of all other tokens; 0 for votes
    p_yes: float  #: P(Yes) / (P(Yes) + P(No)), by which instructions are ranked
    method: Literal["logprobs", "votes"]
    unseen: Literal["", "yes", "no"] = ""  #: the word that was not returned; ``left`` counts as its probability
    votes: int = 0  #: number of valid replies
    prompt_version: str = ""  #: hash of the prompt template


class InstructionCandidate(Record, frozen=True, kw_only=True):
    """One instruction that a teacher wrote for a snippet."""

    id: str  #: content hash of snippet and text, by which scores and verdicts are joined
    sample: int
    text: str
    lineage: Lineage
    scored: YesNoScore | None = None
    round_trip: Status | Literal["", "no_code"] = ""  #: verdict on the answer to it; empty if none was requested
    answered: Lineage | None = None  #: how that answer was made


class SnippetWithInstructions(Record, frozen=True, kw_only=True):
    """A snippet with its remaining instructions, best first after ranking."""

    snippet: Snippet
    summaries: tuple[InstructionCandidate, ...] = ()  #: empty for an original
    ties: int = 0  #: number of other summaries with the score of the first
    tried: tuple[InstructionCandidate, ...] = ()  #: all summaries with a round trip, in order of rank
    measured: bool = False  #: whether every summary had a round trip, also after one passed


class Example(Record, frozen=True, kw_only=True):
    """One dataset row."""

    id: str
    parallel_id: str  #: equal for one problem in all languages
    language: str
    name: str
    messages: tuple[dict[str, str], ...]
    prompt: str
    completion: str
    source: str  #: the Python original; empty if there is none
    signature: str = ""
    tests: tuple[str, ...] = ()
    origin: Origin
    lineage: Lineage
    line_coverage: float = 0.0
    branch_coverage: float = 0.0
    mutation_score: float = 0.0
    reference_s: float = 0.0  #: as in ``Suite``
    pass_rate: float = 0.0
    #: pass rate of a target model on the problem (``glotsmith difficulty``); -1 where it was not measured
    target_pass_rate: float = -1.0
    kind: str = "translation"  #: translation, inverse, original, ds1, ds2 or ds3
    stage: int = 1  #: training order: rows of a lower stage are trained on first
    score: float = 0.0  #: score of the recipe for rows that passed (P(Yes), rubric); 0 if it has none


class Preference(Record, frozen=True, kw_only=True):
    """A passing and a failing program for one problem and language."""

    id: str
    parallel_id: str  #: equal for one problem in all languages; splits are made by it
    language: str
    prompt: str  #: the instruction, as the user's message
    chosen: str  #: the passing message of the assistant
    rejected: str  #: the failing message of the assistant
    status: Status  #: why ``rejected`` failed
    passed_cases: int = 0  #: number of test cases that ``rejected`` passed
    similarity: float = 0.0  #: similarity of both programs, 0-1; near-misses are near 1
    chosen_lineage: Lineage
    rejected_lineage: Lineage


class IoCase(Record, frozen=True, kw_only=True):
    """One stdin/stdout test."""

    stdin: str
    stdout: str


#: ``exact``; ``lines``, ignoring trailing blanks; ``tokens``, ignoring white space; ``numbers``, tokens within the
#: tolerance; ``unordered``, lines in any order
Checker = Literal["exact", "lines", "tokens", "numbers", "unordered"]


TOLERANCE = 1e-6  #: relative, for floats
#: absolute, for floats near zero: the error of a few hundred roundings of numbers near one (2**-52 is 2.2e-16)
ABSOLUTE_TOLERANCE = 1e-13


class Job(Record, frozen=True, kw_only=True):
    """A request for a verdict: a line of ``glotsmith verify``. It has one of ``tests``, ``io`` and ``program``."""

    id: str
    language: str
    code: str = ""
    signature: str = ""
    tests: tuple[str, ...] = ()
    io: tuple[IoCase, ...] = ()
    checker: Checker = "lines"  #: how stdout is compared in ``io`` tests
    program: str = ""  #: a program of a benchmark, run verbatim
    entry_point: str = ""  #: name in the target language; default: the Python name
    time_limit_s: float | None = None  #: CPU seconds, on the reference machine (``verification.calibrate``)
    load_limit_s: float = 0.0  #: part of ``time_limit_s`` that only the loading of the program may use
    reference_s: float = 0.0  #: as in ``Suite``; without ``time_limit_s`` it determines the CPU limit
    idle_limit_s: float | None = None  #: seconds that the program may wait without running (default 2); 0: no limit
    all_cases: bool = False  #: run the cases after one that reached a time limit; by default they are ``skipped``
    stop_at_failure: bool = False  #: skip the cases after the first that fails; not with ``all_cases``
    memory_limit_mb: int | None = None
    output_limit_kb: int | None = None  #: stdout in addition to the output that the tests expect
    file_limit_mb: int | None = None  #: files that the program writes to its folder
    tolerance: float = TOLERANCE  #: relative, for floats; for ``numbers`` also absolute
    absolute_tolerance: float = ABSOLUTE_TOLERANCE  #: for floats; the larger tolerance counts


class Limits(Record, frozen=True, kw_only=True):
    """The resource limits of a program."""

    cpu_s: float = 10.0  #: CPU seconds of the whole process tree
    cold_start_s: float = 0.0  #: part of ``cpu_s`` for the start of an interpreter, not for forks of a warm one
    load_s: float = 0.0  #: part of ``cpu_s`` that the program may use only until it prints ``Program.loaded_line``
    idle_s: float = 0.0  #: seconds that the process tree may wait, with no task that could run; 0: no limit
    wall_s: float = 60.0  #: far above ``cpu_s``, so that correct programs do not time out on a loaded machine
    memory_mb: int = 1024  #: resident memory of the whole process tree
    processes: int = 32
    file_mb: int = 16  #: all files written to the folder of the program
    output_kb: int = 1024  #: stdout; stderr is truncated at a quarter of it
    build_memory_mb: int = 3072  #: during the build, if it is more than ``memory_mb``
    build_cpu_s: float = 60.0  #: CPU seconds of ``Program.build``; they do not count against ``cpu_s``


class WarmInterpreter(Record, frozen=True, kw_only=True):
    """An interpreter that is started once, loads the modules of its programs, and then forks for each program."""

    argv: tuple[str, ...]  #: as ``Program.argv``
    files: dict[str, str | bytes]  #: readable in the program's folder while it starts


class CompilerServer(Record, frozen=True, kw_only=True):
    """A compiler that is started once and compiles many programs (``sandbox/compile_servers.py``)."""

    argv: tuple[str, ...]
    files: dict[str, str | bytes] = {}  #: files that it can read in its folder
    sources: dict[str, str]  #: which of ``Program.files`` are compiled → the names that the compiler sees
    run: tuple[str, ...]  #: replaces ``Program.argv``; the compiled files are in the folder of the program


class Program(Record, frozen=True, kw_only=True):
    """A program for a sandbox, independent of its language."""

    files: dict[str, str | bytes]  #: relative path → text (UTF-8) or bytes, readable in the folder of the program
    argv: tuple[str, ...]  #: the command; ``@{dir}`` stands for the folder with ``files``
    build: tuple[str, ...] = ()  #: a command to run first in the same folder; if it fails, the program does not run
    stdin: str = ""
    loaded_line: str = ""  #: the line of stdout that ends the time of ``Limits.load_s``; "" for none
    env: dict[str, str] = {}
    read_only: tuple[str, ...] = ()  #: host prefixes to bind read-only at the same path
    server: CompilerServer | None = None  #: may build the program in place of ``build``, with the same result
    warm: WarmInterpreter | None = None  #: may run the program in place of ``argv``, with the same result
    limits: Limits = Limits()


#: ``decided``: the caller needed no more of its output (``sandbox.base.SupportsEarlyEnd``)
Ending = Literal["exit", "signal", "cpu", "idle", "wall", "memory", "processes", "output", "decided", "infra"]


class Outcome(Record, frozen=True, kw_only=True):
    """The result of running a program in a sandbox."""

    ending: Ending
    code: int = 0  #: exit code, or number of the signal
    stdout: bytes = b""
    stderr: bytes = b""
    cpu_s: float = 0.0
    wall_s: float = 0.0
    peak_memory_mb: float = 0.0
    built: bool = True  #: false if ``Program.build`` failed or reached a limit, so the program did not run
    detail: str = ""  #: if the ending is ``infra``: what failed, and what to do


class FunnelRow(Record, frozen=True, kw_only=True):
    """The counts of one step: ``taken = kept + dropped``, and the number of outputs."""

    step: str
    taken: int  #: inputs with a result
    kept: int  #: inputs with at least one kept output
    dropped: int  #: inputs without a kept output
    made: int  #: kept outputs
    reasons: dict[str, int] = {}  #: reason → inputs dropped
    losses: dict[
        str, int
    ] = {}  #: reason → lost outputs (failing candidates, languages that cannot represent the problem)
    tokens: int = 0
    cost: float = 0.0  #: US dollars
