"""Check with two stubs, instead of a completion, whether a published suite can pass and can fail.

The first stub prints a word and exits. If the word is missing, the program does not compile or does not call the
function, so no completion can pass. The second stub raises an error. If it passes, every program passes. (28 % of the
published HumanEval-OCaml suites cannot be passed; most of MultiPL-T's Racket suites pass a stub by its exit code.)
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from glotsmith.drop_reasons import Reason
from glotsmith.evaluation.candidate import defines
from glotsmith.evaluation.evaluate import LibraryProbe, apply_failure_sign
from glotsmith.evaluation.questions import ImpossibleProblem, Question
from glotsmith.languages import Unrepresentable, get_card
from glotsmith.languages.compatible_values import Tolerance
from glotsmith.languages.extract_code import open_braces
from glotsmith.languages.typed_calls import apply_signature, parse_suite
from glotsmith.step import Verify
from glotsmith.values import NotLiteral

_WORD = "glotsmith-stub"
_UNKNOWN = ("fail:timeout", "fail:memory")  #: statuses that a slow or small machine may cause for any program


class FunctionStubs(NamedTuple):
    """Two completions of a function that do not solve it."""

    exits: str
    raises: str


_BRACE_JS = FunctionStubs(
    exits=f'\n  process.stderr.write("{_WORD}"); process.exit(97);\n}}', raises='\n  throw new Error("stub");\n}'
)

#: language → its stubs, which follow a prompt that ends in a signature
STUBS: Mapping[str, FunctionStubs] = {
    "julia": FunctionStubs(f'\n    print(stderr, "{_WORD}"); exit(97)\nend', '\n    error("stub")\nend'),
    "lua": FunctionStubs(f'\n  io.stderr:write("{_WORD}") os.exit(97)\nend', '\n  error("stub")\nend'),
    "ocaml": FunctionStubs(f'\n  prerr_string "{_WORD}"; flush stderr; exit 97', '\n  failwith "stub"'),
    "perl": FunctionStubs(f'\n    print STDERR "{_WORD}"; exit(97);\n}}', '\n    die "stub";\n}'),
    "php": FunctionStubs(f'\n    fwrite(STDERR, "{_WORD}"); exit(97);\n}}', '\n    throw new Exception("stub");\n}'),
    "python": FunctionStubs(
        f'\n    import os\n    os.write(2, b"{_WORD}")\n    os._exit(97)\n', '\n    raise NotImplementedError("stub")\n'
    ),
    "r": FunctionStubs(f'\n  cat("{_WORD}", file = stderr()); quit("no", 97)\n}}', '\n  stop("stub")\n}'),
    "racket": FunctionStubs(f'\n  (begin (eprintf "{_WORD}") (exit 97)))', '\n  (error "stub"))'),
    "ruby": FunctionStubs(f'\n  $stderr.print("{_WORD}"); exit!(97)\nend', "\n  raise 'stub'\nend"),
    "javascript": _BRACE_JS,
    "typescript": _BRACE_JS,
}


async def check_with_stubs(questions: Sequence[Question], verify: Verify) -> list[ImpossibleProblem]:
    """Return the questions that no program or every program passes, in the languages of ``STUBS``.

    A question is skipped if its libraries are missing, or if the machine fails or is too slow.
    """
    needs = LibraryProbe(verify)
    found = await asyncio.gather(*(_check_question(q, verify, needs) for q in questions if has_stub_check(q)))
    return [i for i in found if i is not None]


def unrepresentable(questions: Sequence[Question]) -> list[ImpossibleProblem]:
    """Return the questions whose tests cannot be represented in the language, or contradict each other in it."""
    return [
        _impossible(q, Reason.UNREPRESENTABLE.value, why) for q in questions if q.tests and (why := _contradiction(q))
    ]


def _contradiction(question: Question) -> str:
    tolerance = Tolerance(question.tolerance, question.absolute_tolerance)
    try:
        apply_signature(get_card(question.language), *parse_suite(question.tests, question.signature), tolerance)
    except (Unrepresentable, NotLiteral) as error:
        return str(error)
    return ""


def has_stub_check(question: Question) -> bool:
    """Return whether a question can be checked: a published program with a signature, in a language with stubs."""
    verbatim = not question.tests and not question.io
    has_signature = any(defines(line, question.name) for line in question.prefix.split("\n"))
    return verbatim and has_signature and question.language in STUBS


async def _check_question(question: Question, verify: Verify, needs: LibraryProbe) -> ImpossibleProblem | None:
    if await needs.missing(question):
        return None
    stub, prefix = STUBS[question.language], _with_open_brace(question)
    exited = await verify.verify(question.job(f"{prefix}{stub.exits}"))
    if exited.is_infra or exited.status in _UNKNOWN:
        return None
    if _WORD not in exited.stderr and _WORD not in exited.stdout:
        reason = "stub_passes" if exited.passed else "stub_fails_to_compile"
        return _impossible(question, reason, exited.stderr or exited.stdout or "the tests never call the function")
    raised = apply_failure_sign(question, await verify.verify(question.job(f"{prefix}{stub.raises}")))
    return _impossible(question, "stub_passes", "a function that only raises passes") if raised.passed else None


def _with_open_brace(question: Question) -> str:
    """Return the prefix, with the opening brace that some prompts omit."""
    needs = question.language in ("r", "php", "perl", "javascript", "typescript")
    return f"{question.prefix} {{" if needs and open_braces(question.prefix) < 1 else question.prefix


def _impossible(question: Question, reason: str, detail: str) -> ImpossibleProblem:
    return ImpossibleProblem(
        benchmark=question.benchmark,
        problem=question.problem,
        language=question.language,
        reason=reason,
        detail=detail.strip()[-300:],
    )
