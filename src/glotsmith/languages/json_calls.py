"""Call tests of languages of level ``io``: one run of the whole program for each test, with values as JSON.

Stdin has one line for each argument, in the order of the parameters; stdout is the result. LiveCodeBench has the same
form for its tests of functions. ``docs/whole-programs.md`` describes it, and ``json_values.toml`` has the templates.
"""

from collections.abc import Sequence
from typing import NamedTuple

from glotsmith.languages.card import get_card
from glotsmith.languages.compatible_values import Tolerance
from glotsmith.languages.render import render_literal
from glotsmith.languages.representable import Unrepresentable, require_representable
from glotsmith.languages.typed_calls import apply_signature, parse_suite
from glotsmith.records import IoCase, Job
from glotsmith.values import Check, NotLiteral, Signature, Type, Value, expected_values, parse_signature, parse_test

_TYPE_SENTENCES = {
    "none": "None is null.",
    "tuple": "A tuple is an array.",
    "set": "A set is an array in any order.",
    "dict": "A dict is an object; its keys are strings.",
}


class JsonCalls(NamedTuple):
    """A suite as runs of a whole program."""

    stdins: tuple[str, ...]  #: one for each test
    expected: tuple[Value | Check, ...]  #: likewise


def exchanges_json(language: str) -> bool:
    """Return whether the call tests of a language are runs of whole programs that exchange JSON."""
    return get_card(language).level == "io"


def json_calls(job: Job) -> JsonCalls:
    """Return the runs of a job with tests.

    Raises:
        NotLiteral: a test or the signature cannot be parsed.
        Unrepresentable: JSON or the language cannot represent a value, or the tests contradict each other.

    """
    card = get_card(job.language)
    tolerance = Tolerance(job.tolerance, job.absolute_tolerance)
    calls, signature = apply_signature(card, *parse_suite(job.tests, job.signature), tolerance)
    for value in expected_values(calls):
        require_representable(card, value, result=True)
    stdins = tuple(_stdin(job.language, call.arguments, signature) for call in calls)
    return JsonCalls(stdins, tuple(call.expected for call in calls))


def example_runs(language: str, tests: Sequence[str], signature: str) -> list[IoCase]:
    """Return tests as pairs of stdin and stdout; tests without an expected value or a JSON form are left out."""
    if not exchanges_json(language):
        return []
    parsed, runs = parse_signature(signature), list[IoCase]()
    for test in tests:
        try:
            call = parse_test(test, parsed.name)
            if not isinstance(call.expected, Check):
                stdout = render_literal(get_card(language), call.expected, parsed.returns)
                runs.append(IoCase(stdin=_stdin(language, call.arguments, parsed), stdout=f"{stdout}\n"))
        except (NotLiteral, Unrepresentable):
            continue
    return runs


def _stdin(language: str, arguments: Sequence[Value], signature: Signature) -> str:
    card = get_card(language)
    pairs = zip(arguments, signature.parameters, strict=True)
    return "".join(f"{render_literal(card, value, parameter.type)}\n" for value, parameter in pairs)


# ------------------------------------------------------------------------------------------------ wording


def request_sentences(language: str, name: str, signature: str) -> list[str]:
    """Return the sentences that ask for a function, or for the whole program that computes it.

    Args:
        language: the language of the program.
        name: the name of the function.
        signature: its Python signature, with the types of the task.

    """
    display = get_card(language).display
    if not exchanges_json(language):
        return [f"Write a function `{name}` in {display}."]
    parsed = parse_signature(signature)
    takes = "It reads the arguments from standard input, one JSON value in each line, in the order of the parameters."
    return [
        f"Write a whole program in {display} that computes the Python function `{signature.removeprefix('def ')}`.",
        takes if parsed.parameters else "It reads no input.",
        "It writes the result to standard output, as one JSON value in one line.",
        *_type_sentences(parsed),
    ]


def comment_of_request(language: str, name: str, signature: str, instruction: str) -> str:
    """Return the text of the comment at the top of a program: the instruction, after the form of a whole program."""
    if not exchanges_json(language):
        return instruction
    return "\n".join(filter(None, [*request_sentences(language, name, signature), instruction]))


def _type_sentences(signature: Signature) -> list[str]:
    kinds = set[str]().union(*map(_kinds, (*(p.type for p in signature.parameters), signature.returns)))
    return [sentence for kind, sentence in _TYPE_SENTENCES.items() if kind in kinds]


def _kinds(kind: Type) -> set[str]:
    own = {"optional": "none", "vartuple": "tuple"}.get(kind.kind, kind.kind)
    return {own}.union(*map(_kinds, kind.args))
