"""Read labelled programs of a user. The fields of a row determine its format.

jobs         the fields of a job and ``label``: ``right`` or ``wrong``, ``pass`` or ``fail…``, true or false
datasets     rows of glotsmith (``jsonl`` or ``parquet``, or a run folder): all programs are right, and are mutated
CodeContests ``solutions`` and ``incorrect_solutions`` with tests on stdin and stdout
MultiPL-E    result files (``NAME.results.json.gz``): a program is right if its status is ``OK``
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import msgspec

from glotsmith.certification.labelled import LabelledProgram, of_example
from glotsmith.evaluation.benchmarks.example_rows import example
from glotsmith.evaluation.benchmarks.multipl_e import language_of
from glotsmith.evaluation.benchmarks.row_files import QuestionRow
from glotsmith.languages import language_names
from glotsmith.languages.spelling import language_of_label
from glotsmith.records import IoCase, Job
from glotsmith.verification.job_limits import judged_fields_error, limits_error

_LABELS = {
    **dict.fromkeys(("right", "pass", "correct", "ok", "true", "1"), True),
    **dict.fromkeys(("wrong", "fail", "incorrect", "false", "0"), False),
}
#: number of a language in CodeContests → language; Python 2 (1) does not run here
_CODE_CONTESTS = {2: "cpp", 3: "python", 4: "java"}
_TESTS = ("public_tests", "private_tests", "generated_tests")
_RESULTS = ("*.results.json", "*.results.json.gz")
_MOST_CASES = 20  #: largest number of cases of a problem of CodeContests, which may have hundreds


def result_files(folder: Path) -> list[Path]:
    """Return the result files of MultiPL-E in a folder, at any depth."""
    return sorted(file for pattern in _RESULTS for file in folder.rglob(pattern)) if folder.is_dir() else []


def labelled_row(row: QuestionRow) -> Iterator[LabelledProgram]:
    """Yield the labelled programs of a row.

    Raises:
        InputError: The row has an unknown format, or a field is invalid.

    """
    data = row.data
    if "solutions" in data or "incorrect_solutions" in data:
        yield from _programs_of_code_contests(row)
    elif "results" in data and "prompt" in data:
        yield from _programs_of_multipl_e(row)
    elif {"parallel_id", "completion", "lineage"} <= data.keys():
        found = of_example(example(row))
        yield from [found] if found else []
    elif "label" in data:
        yield _program_of_job(row)
    else:
        raise row.error(
            "the row has no label: give a job with the field label (right or wrong), a row of a dataset, "
            "a problem of CodeContests or a result file of MultiPL-E"
        )


def _program_of_job(row: QuestionRow) -> LabelledProgram:
    fields = {name: value for name, value in row.data.items() if name != "label"}
    try:
        job = msgspec.convert({"id": f"line {row.line}", **fields}, Job)
    except msgspec.ValidationError as error:
        raise row.error(f"not a job: {error}") from error
    language = language_of_label(job.language)
    wrong = f"no language is named {job.language!r}" if not language else judged_fields_error(job) or limits_error(job)
    if wrong:
        raise row.error(f"the job is invalid: {wrong}")
    job, right = msgspec.structs.replace(job, language=language), _is_right(row)
    return LabelledProgram(name=job.id, source="given", right=right, job=job, mutated=right and bool(job.signature))


def _is_right(row: QuestionRow) -> bool:
    text = str(row.data["label"]).casefold().partition(":")[0]
    if text not in _LABELS:
        raise row.error(f"the label is {row.data['label']!r}; use right or wrong")
    return _LABELS[text]


def _programs_of_code_contests(row: QuestionRow) -> Iterator[LabelledProgram]:
    name, io = str(row.data.get("name", row.line)), tuple(_io_cases(row))
    if not io:
        return
    for field, right in (("solutions", True), ("incorrect_solutions", False)):
        for number, (language, code) in enumerate(_submissions(row, field), 1):
            if language:
                job = Job(id=f"{name} {field} {number}", language=language, code=code, io=io, checker="tokens")
                yield LabelledProgram(name=job.id, source="given", right=right, job=job, problem=name)


def _io_cases(row: QuestionRow) -> Iterator[IoCase]:
    """Yield the first tests of a problem."""
    pairs = [pair for field in _TESTS for pair in _test_pairs(row.data.get(field))]
    yield from (IoCase(stdin=stdin, stdout=stdout) for stdin, stdout in pairs[:_MOST_CASES])


def _test_pairs(tests: object) -> Iterator[tuple[str, str]]:
    """Yield stdin and stdout of tests, given as a table of two lists (Parquet) or as a list of tables."""
    if isinstance(tests, Mapping):
        table = cast(Mapping[str, Any], tests)
        yield from zip(table.get("input", ()), table.get("output", ()), strict=False)
    elif isinstance(tests, Sequence) and not isinstance(tests, str):
        for test in cast(Sequence[Mapping[str, Any]], tests):
            yield str(test["input"]), str(test["output"])


def _submissions(row: QuestionRow, field: str) -> Iterator[tuple[str, str]]:
    """Yield language and code of submissions; the language is "" if it does not run here.

    Raises:
        InputError: The field is neither a table of two lists nor a list of tables.

    """
    found = row.data.get(field) or ()
    try:
        if isinstance(found, Mapping):
            table = cast(Mapping[str, Any], found)
            pairs = list(zip(table["language"], table["solution"], strict=True))
        else:
            pairs = [(one["language"], one["solution"]) for one in cast(Sequence[Mapping[str, Any]], found)]
    except (KeyError, TypeError, ValueError) as error:
        raise row.error(f"the field {field!r} needs language and solution of each program ({error})") from error
    for label, code in pairs:
        number = label if isinstance(label, int) else None
        named = {"python3": "python", "python2": ""}.get(str(label).casefold(), str(label))
        yield _CODE_CONTESTS.get(number, "") if number is not None else language_of_label(named), str(code)


def _programs_of_multipl_e(row: QuestionRow) -> Iterator[LabelledProgram]:
    language, problem = language_of(row.field("language", str)), row.field("name", str)
    if language not in language_names():
        return
    for number, result in enumerate(row.field("results", list[dict[str, Any]]), 1):
        program = result.get("program")
        if not isinstance(program, str):
            raise row.error(f"result {number} has no program")
        job = Job(id=f"{problem} result {number}", language=language, program=program)
        right = result.get("status") == "OK" and result.get("exit_code", 0) == 0
        yield LabelledProgram(name=job.id, source="given", right=right, job=job, problem=problem)
