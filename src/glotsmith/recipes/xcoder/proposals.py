"""The proposals of xCoder: sessions and problems as records, and the parser of replies that pose a problem."""

import ast
import re
from collections.abc import Iterable, Iterator
from typing import Literal

from glotsmith.drop_reasons import Reason
from glotsmith.generation.structured_replies import UnusableReply, read_sections, sections_schema
from glotsmith.languages import get_card
from glotsmith.languages.extract_code import extract_code
from glotsmith.records import Lineage, Origin, Record
from glotsmith.teachers.base import Reply
from glotsmith.values import NotLiteral, parse_signature, parse_test, render_test

PROBLEM_SECTIONS = ("Instruction", "Signature", "Reference", "Examples")  #: sections of a reply that poses a problem
ANSWER = "Answer"
_LISTS = ("Examples",)
PROBLEM_SCHEMA = sections_schema(PROBLEM_SECTIONS, _LISTS)
ANSWERED_PROBLEM_SCHEMA = sections_schema((*PROBLEM_SECTIONS, ANSWER), _LISTS)
INSTRUCTION_SCHEMA = sections_schema(PROBLEM_SECTIONS[:1])

DiscussionEnding = Literal["", "agreement", "rounds", "budget", "silence"]


class DiscussionSession(Record, frozen=True, kw_only=True):
    """One discussion: its participants and inspirations."""

    number: int  #: number of the session, from 0
    epoch: int  #: number of the epoch, from 1; a session depends on the outcomes of earlier epochs only
    place: int  #: place within the epoch, from 0
    chair: str  #: language of the leading agent; in ``parallel`` discussions, the first agent
    others: tuple[str, ...] = ()  #: languages of the other agents
    inspirations: tuple[str, ...] = ()  #: instructions of seeds
    reflects: tuple[str, ...] = ()  #: agents whose reflection counts among the costs of this session


class Proposal(Record, frozen=True, kw_only=True):
    """A problem with its reference or answer; without an instruction, a session that has not been held."""

    id: str
    kind: Literal["ds1", "ds2", "ds3"]
    language: str = ""  #: language of the snippet (Ds1, Ds2), or target language of the session (Ds3)
    languages: tuple[str, ...] = ()  #: languages in which the problem is solved
    instruction: str = ""
    name: str = ""  #: name of the function or of the snippet
    signature: str = ""  #: typed Python signature, as the teacher stated it
    reference: str = ""  #: a Python function; "" without one
    examples: tuple[str, ...] = ()  #: asserts that the teacher stated; execution checks them
    answer: str = ""  #: a program in ``language`` (Ds1, Ds2)
    origin: Origin
    lineage: Lineage
    session: DiscussionSession | None = None
    notes: dict[str, str] = {}  #: agent → its reflection before the session
    rounds: int = 0  #: number of rounds of the discussion
    ending: DiscussionEnding = ""


class DraftProblem(Record, frozen=True, kw_only=True):
    """The problem in a reply with the sections ``PROBLEM_SECTIONS``."""

    instruction: str
    name: str = ""
    signature: str = ""
    reference: str = ""
    examples: tuple[str, ...] = ()
    answer: str = ""
    lineage: Lineage | None = None  #: lineage of a draft in a discussion


def read_problem(reply: Reply, language: str = "") -> DraftProblem | UnusableReply:
    """Return the problem in a reply, with its answer in ``language`` if one was requested, or why there is none.

    A problem with an answer may lack signature, reference and examples (``none``); tests cannot execute it then. A
    problem without an answer must have all of them.
    """
    names = (*PROBLEM_SECTIONS, ANSWER) if language else PROBLEM_SECTIONS
    found = read_sections(reply, names)
    if isinstance(found, UnusableReply):
        return found
    answer = extract_code(found[ANSWER], get_card(language)) if language else ""
    if answer is None:
        return UnusableReply(Reason.NO_CODE, found[ANSWER][:200])
    if language and all(_is_none(found[name]) for name in PROBLEM_SECTIONS[1:]):
        return DraftProblem(instruction=found["Instruction"].strip(), answer=answer)
    return _executable(found["Instruction"].strip(), found, answer)


def _executable(instruction: str, found: dict[str, str], answer: str) -> DraftProblem | UnusableReply:
    """Return a problem that can be executed, or which of its sections is malformed."""
    signature = _unfenced(found["Signature"])
    try:
        name = parse_signature(signature).name
    except (NotLiteral, RecursionError) as error:
        return UnusableReply(Reason.INCOMPLETE_REPLY, str(error))
    reference = extract_code(found["Reference"], get_card("python"), name=name)
    if reference is None or not defines_only(reference, name):
        return UnusableReply(
            Reason.NO_CODE, f"the reference is not the function {name} alone: {found['Reference'][:200]}"
        )
    examples = tuple(stated_examples(found["Examples"], name))
    if not examples:
        return UnusableReply(Reason.INCOMPLETE_REPLY, f"no assert about {name} in: {found['Examples'][:200]}")
    return DraftProblem(
        instruction=instruction,
        name=name,
        signature=signature,
        reference=reference,
        examples=examples,
        answer=answer,
    )


def _is_none(text: str) -> bool:
    return text.strip(" \t\n`.*_-").casefold() in ("none", "n/a", "not applicable")


def _unfenced(text: str) -> str:
    lines = [line for line in text.strip().splitlines() if not line.lstrip().startswith(("```", "~~~"))]
    return "\n".join(lines).strip().strip("`").strip()


def defines_only(code: str, name: str) -> bool:
    """Return whether Python code consists of one plain function with this name, as later steps require."""
    return only_function_name(code) == name


def only_function_name(code: str) -> str:
    """Return the name of the function if Python code consists of one plain function; "" otherwise."""
    try:
        body = ast.parse(code).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ""
    match body:
        case [ast.FunctionDef(name=name, decorator_list=[])]:
            return name
        case _:
            return ""


def stated_examples(text: str, name: str) -> Iterator[str]:
    """Yield the asserts of a text that compare a call of ``name`` with literals; each is on its own line."""
    for line in text.splitlines():
        if found := canonical_assert(line.strip().removeprefix("- ").strip("`"), name):
            yield found


def canonical_assert(test: str, name: str) -> str:
    """Return an assert about ``name`` over literals in the form of all tests; "" for any other text."""
    return _canonical(test, name)[0]


def unreadable_tests(tests: Iterable[str], name: str) -> list[UnusableReply]:
    """Return the losses of the tests that ``canonical_assert`` cannot read, with the reasons."""
    read = ((test, _canonical(test, name)) for test in tests)
    return [
        UnusableReply(Reason.UNREAD_EXAMPLE, f"{test[:200]}: {why}") for test, (written, why) in read if not written
    ]


def unreadable_examples(reply: Reply, problem: DraftProblem) -> list[UnusableReply]:
    """Return the losses of the examples of a reply that its problem lacks, with the reasons."""
    found = read_sections(reply, PROBLEM_SECTIONS)
    if isinstance(found, UnusableReply) or not problem.name:
        return []
    lines = [line.strip().removeprefix("- ").strip("`") for line in found["Examples"].splitlines()]
    stated = re.compile(rf"assert\b|{re.escape(problem.name)}\s*\(")
    return unreadable_tests((line for line in lines if stated.match(line)), problem.name)


def _canonical(test: str, name: str) -> tuple[str, str]:
    """Return a test in the form of all tests, or "" and the reason."""
    if not test.startswith("assert "):
        return "", "it is not an assert statement"
    try:
        call = parse_test(test, name)
        written = render_test(call)
    except ValueError as error:  # NotLiteral, or an integer with too many digits for ``str``
        return "", str(error)
    return (written, "") if call.function == name else ("", f"it does not call {name}")
