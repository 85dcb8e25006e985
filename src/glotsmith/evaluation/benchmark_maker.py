"""Make an evaluation set for a language from the verified problems of a dataset.

A dataset row contains the Python original and its tests. The original is posed in the target language, so no program in
that language is needed. The split into training and evaluation is by problem, not by row.
"""

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path

import msgspec

from glotsmith.errors import InputError
from glotsmith.evaluation.benchmarks.base import UnusableProblem
from glotsmith.evaluation.benchmarks.python_original import function_of
from glotsmith.evaluation.questions import Question
from glotsmith.languages import Card, render
from glotsmith.languages.docstrings import Wording
from glotsmith.languages.json_calls import exchanges_json
from glotsmith.records import Example, Problem, Record, Suite, Task, content_hash
from glotsmith.values import Check, parse_signature, parse_test

_TEMPLATES_FILE = Path(__file__).parent / "assertions.toml"


class AssertionTemplates(Record, frozen=True, kw_only=True):
    """The templates of tests of a language for the files of MultiPL-E; the fields are those of ``assertions.toml``."""

    head: str
    case: str
    tail: str


class UnsupportedProblem(Record, frozen=True, kw_only=True):
    """A problem of the rows that cannot be posed in any language."""

    problem: str
    detail: str


def problems_of(examples: Iterable[Example]) -> tuple[list[Problem], list[UnsupportedProblem]]:
    """Return the problems of dataset rows in order of appearance. The row with the most tests gives the problem."""
    rows = dict[str, Example]()
    for row in examples:
        known = rows.get(row.parallel_id)
        if known is None or len(row.tests) > len(known.tests):
            rows[row.parallel_id] = row
    found, lost = list[Problem](), list[UnsupportedProblem]()
    for row in rows.values():
        try:
            found.append(_problem_of_row(row))
        except UnusableProblem as error:
            lost.append(UnsupportedProblem(problem=row.parallel_id, detail=str(error)))
    return found, lost


def _problem_of_row(row: Example) -> Problem:
    if not row.source or not row.tests:
        raise UnusableProblem("the row has no Python original" if not row.source else "the row has no tests")
    function = msgspec.structs.replace(function_of(row.source, row.name, row.origin), id=row.parallel_id)
    suite = Suite(
        signature=row.signature,
        tests=row.tests,
        line_coverage=row.line_coverage,
        branch_coverage=row.branch_coverage,
        mutation_score=row.mutation_score,
        mutants=0,
        writers={},
        reference_s=row.reference_s,
    )
    return Problem(id=row.parallel_id, function=function, suite=suite)


def choose_problems(problems: Sequence[Problem], share: float, seed: int) -> list[Problem]:
    """Return a share of the problems. A hash of seed and problem decides, independently of other problems."""
    limit = share * 2**32
    return [p for p in problems if int(content_hash(str(seed), p.id)[:8], 16) < limit]


@cache
def _built_in_templates() -> Mapping[str, AssertionTemplates]:
    return _read_templates(_TEMPLATES_FILE)


def _read_templates(path: Path) -> Mapping[str, AssertionTemplates]:
    try:
        return msgspec.convert(tomllib.loads(path.read_text("utf-8-sig")), dict[str, AssertionTemplates])
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise InputError.at(path, None, f"not a table of assertions: {error}") from None


def assertion_templates(language: str, path: Path | None = None) -> AssertionTemplates | None:
    """Return the test templates of a language, from the file of the user or the built-in one; None if there are none.

    Raises:
        InputError: The file is malformed.

    """
    if exchanges_json(language):
        return None  # the tests of MultiPL-E call functions
    return (_read_templates(path).get(language) if path else None) or _built_in_templates().get(language)


def first_test_without_value(task: Task) -> str:
    """Return the first test of a task without an expected value, which MultiPL-E requires; "" if all have one."""
    return next((test for test in task.tests if isinstance(parse_test(test).expected, Check)), "")


def multipl_e_tests(card: Card, task: Task, templates: AssertionTemplates) -> str:
    """Render the tests of a task, which all have an expected value, in the format of MultiPL-E."""
    signature, name = parse_signature(task.signature), task.problem.function.name
    d, text = card.driver, render.fill_template(templates.head, name=name)
    for test in task.tests:
        call = parse_test(test)
        values = [
            render.render_literal(card, v, p.type) for v, p in zip(call.arguments, signature.parameters, strict=True)
        ]
        text += render.fill_template(
            templates.case,
            name=name,
            arguments=d.argument_separator.join(values) or d.no_arguments,
            expected=render.render_literal(card, call.expected, signature.returns),
        )
    return text + render.fill_template(templates.tail, name=name)


def prompt_row(question: Question, task: Task, code: str, tests: str, wording: Wording) -> dict[str, object]:
    """Return a row in the format of MultiPL-E's prompt files; ``code`` is MultiPL-E's name of the language."""
    transformed = wording == "target"
    return {
        "name": question.problem,
        "language": code,
        "prompt": question.prefix,
        "doctests": "transform" if transformed else "keep",
        "original": task.problem.function.origin.path,
        "prompt_terminology": "reworded" if transformed else "verbatim",
        "tests": tests,
        "stop_tokens": list(question.stop),
    }
