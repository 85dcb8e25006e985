"""What the agents of xCoder work on: a problem on its way from a seat in a discussion, or a snippet, to a program."""

import ast
import re
from collections.abc import Iterable, Iterator
from typing import Literal

from glotsmith.generation.structured_replies import UnusableReply, read_sections
from glotsmith.languages import get
from glotsmith.languages.extract import extract_code
from glotsmith.reasons import Reason
from glotsmith.records import Lineage, Origin, Record
from glotsmith.teachers.base import Reply
from glotsmith.values import NotLiteral, parse_signature, parse_test, render_test

PROBLEM_SECTIONS = ("Instruction", "Signature", "Reference", "Examples")  #: the sections of a problem in a reply
ANSWER = "Answer"

Ending = Literal["", "agreement", "rounds", "budget", "silence"]


class DiscussionSession(Record, frozen=True, kw_only=True):
    """A discussion that is to be held."""

    number: int  #: from 0
    epoch: int  #: from 1; all of one epoch know what was made before it, and nothing of each other
    place: int  #: within the epoch, from 0
    chair: str  #: language of the agent that leads; of ``parallel`` the first of equals
    others: tuple[str, ...] = ()  #: languages of the other agents
    inspirations: tuple[str, ...] = ()  #: instructions from the chair's seed data
    reflects: tuple[str, ...] = ()  #: agents whose reflection is counted among this session's costs


class Proposal(Record, frozen=True, kw_only=True):
    """A problem and what is known of its answer; without an instruction, a session that is still to be held."""

    id: str
    kind: Literal["ds1", "ds2", "ds3"]
    language: str = ""  #: of the answer: the snippet's (Ds1, Ds2) or the session's target (Ds3)
    languages: tuple[str, ...] = ()  #: those that it is to be solved in
    instruction: str = ""
    name: str = ""  #: of the function, or of the snippet
    signature: str = ""  #: typed Python signature, as the teacher stated it
    reference: str = ""  #: a Python function; empty where there is none
    examples: tuple[str, ...] = ()  #: asserts that the teacher stated; execution has the last word on them
    answer: str = ""  #: a program in ``language`` that comes with it (Ds1, Ds2)
    origin: Origin
    lineage: Lineage
    session: DiscussionSession | None = None
    notes: dict[str, str] = {}  #: agent → what its reflection said before the session
    rounds: int = 0  #: of discussion
    ending: Ending = ""


class DraftProblem(Record, frozen=True, kw_only=True):
    """What a reply with the sections ``PROBLEM_SECTIONS`` says."""

    instruction: str
    name: str = ""
    signature: str = ""
    reference: str = ""
    examples: tuple[str, ...] = ()
    answer: str = ""
    lineage: Lineage | None = None  #: of a draft


def read_problem(reply: Reply, language: str = "") -> DraftProblem | UnusableReply:
    """Return the problem that a reply poses, with its answer in ``language`` if one was asked for.

    A problem with an answer may go without signature, reference and examples (``none``): then nothing of it can be
    executed by tests. One without an answer may not.
    """
    names = (*PROBLEM_SECTIONS, ANSWER) if language else PROBLEM_SECTIONS
    found = read_sections(reply, names)
    if isinstance(found, UnusableReply):
        return found
    answer = extract_code(found[ANSWER], get(language)) if language else ""
    if answer is None:
        return UnusableReply(Reason.NO_CODE, found[ANSWER][:200])
    if language and all(_is_none(found[name]) for name in PROBLEM_SECTIONS[1:]):
        return DraftProblem(instruction=found["Instruction"].strip(), answer=answer)
    return _executable(found["Instruction"].strip(), found, answer)


def _executable(instruction: str, found: dict[str, str], answer: str) -> DraftProblem | UnusableReply:
    """Return a problem with what execution needs, or which part of that is in the wrong form."""
    signature = _unfenced(found["Signature"])
    try:
        name = parse_signature(signature).name
    except (NotLiteral, RecursionError) as error:
        return UnusableReply(Reason.INCOMPLETE_REPLY, str(error))
    reference = extract_code(found["Reference"], get("python"), name=name)
    if reference is None or not defines_only(reference, name):
        return UnusableReply(Reason.NO_CODE, f"the reference defines no function {name}: {found['Reference'][:200]}")
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
    """Whether a Python text is one plain function of that name, which is what all later steps take."""
    return only_function_name(code) == name


def only_function_name(code: str) -> str:
    """Return the name of the one function that a Python text is; "" if it is anything else."""
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
    """Yield the asserts about ``name`` over literals in a text, each on a line of its own."""
    for line in text.splitlines():
        if found := canonical_assert(line.strip().removeprefix("- ").strip("`"), name):
            yield found


def canonical_assert(test: str, name: str) -> str:
    """Write an assert about ``name`` over literals as all tests are written; "" if it is none."""
    return _canonical(test, name)[0]


def unreadable_tests(tests: Iterable[str], name: str) -> list[UnusableReply]:
    """Return why each of those tests can't be judged that ``canonical_assert`` does not write."""
    read = ((test, _canonical(test, name)) for test in tests)
    return [
        UnusableReply(Reason.UNREAD_EXAMPLE, f"{test[:200]}: {why}") for test, (written, why) in read if not written
    ]


def unreadable_examples(reply: Reply, problem: DraftProblem) -> list[UnusableReply]:
    """Return why each of those examples can't be judged that a reply states and its problem lacks."""
    found = read_sections(reply, PROBLEM_SECTIONS)
    if isinstance(found, UnusableReply) or not problem.name:
        return []
    lines = [line.strip().removeprefix("- ").strip("`") for line in found["Examples"].splitlines()]
    stated = re.compile(rf"assert\b|{re.escape(problem.name)}\s*\(")
    return unreadable_tests((line for line in lines if stated.match(line)), problem.name)


def _canonical(test: str, name: str) -> tuple[str, str]:
    """Return a test as all tests are written, or "" and why it is none."""
    if not test.startswith("assert "):
        return "", "it is no assert statement"
    try:
        call = parse_test(test, name)
        written = render_test(call)
    except ValueError as error:  # NotLiteral, and integers that Python does not write out in decimal
        return "", str(error)
    return (written, "") if call.function == name else ("", f"it does not call {name}")
