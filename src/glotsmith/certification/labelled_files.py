"""Read labelled programs of a user, by the fields of a row.

jobs         the fields of a job and ``label``: ``right`` or ``wrong``, ``pass`` or ``fail…``, true or false
datasets     rows of glotsmith (``jsonl`` or ``parquet``, or a run folder): each program is right, and has mutants
CodeContests ``solutions`` and ``incorrect_solutions`` with tests on stdin and stdout
MultiPL-E    result files (``NAME.results.json.gz``): a program is right if its status is ``OK``
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import msgspec

from glotsmith.certification.labelled import LabelledProgram, python_original
from glotsmith.evaluation.benchmarks.example_rows import example
from glotsmith.evaluation.benchmarks.multipl_e import language_of
from glotsmith.evaluation.benchmarks.row_files import QuestionRow, read_rows
from glotsmith.languages import language_names
from glotsmith.languages.spelling import language_of_label
from glotsmith.records import IoCase, Job
from glotsmith.verification.job_limits import judged_fields_error, limits_error

_LABELS = {
    **dict.fromkeys(("right", "pass", "correct", "ok", "true", "1"), True),
    **dict.fromkeys(("wrong", "fail", "incorrect", "false", "0"), False),
}
#: languages of CodeContests by number; Python 2 does not run here
_CODE_CONTESTS = {2: "cpp", 3: "python", 4: "java"}
_TESTS = ("public_tests", "private_tests", "generated_tests")
_RESULTS = ("*.results.json", "*.results.json.gz")
_DATASET = "dataset"  #: folder of the rows in a run folder
_MOST_CASES = 20  #: of a problem of CodeContests, which may have hundreds


def read_labelled(path: Path) -> Iterator[LabelledProgram]:
    """Yield the labelled programs of a file or a folder.

    Raises:
        UsageError: the path does not exist, or the folder has no such files.
        InputError: a file or a row is malformed, by file and line.

    """
    rows = [row for file in _files(path) for row in read_rows(file)]
    for row in rows:
        yield from labelled_row(row)


def _files(path: Path) -> list[Path]:
    """Return the files of a folder: the rows of a run folder, or the result files of MultiPL-E, or all others."""
    if not path.is_dir():
        return [path]
    if (path / _DATASET).is_dir():
        forms = [path / _DATASET / form for form in ("jsonl", "parquet")]
        return [form / "data" for form in forms if (form / "data").is_dir()][:1]
    results = sorted(file for pattern in _RESULTS for file in path.rglob(pattern))
    return results or [path]


def labelled_row(row: QuestionRow) -> Iterator[LabelledProgram]:
    """Yield the labelled programs of a row.

    Raises:
        InputError: the row has no known form, or a field is invalid.

    """
    data = row.data
    if "solutions" in data or "incorrect_solutions" in data:
        yield from _code_contests(row)
    elif "results" in data and "prompt" in data:
        yield from _multipl_e(row)
    elif {"parallel_id", "completion", "lineage"} <= data.keys():
        yield from _dataset_row(row)
    elif "label" in data:
        yield _job_row(row)
    else:
        raise row.error(
            "the row has no label: give a job with the field label (right or wrong), a row of a dataset, "
            "a problem of CodeContests or a result file of MultiPL-E"
        )


def _job_row(row: QuestionRow) -> LabelledProgram:
    fields = {name: value for name, value in row.data.items() if name != "label"}
    try:
        job = msgspec.convert({"id": f"line {row.line}", **fields}, Job)
    except msgspec.ValidationError as error:
        raise row.error(f"not a job: {error}") from error
    language = language_of_label(job.language)
    wrong = f"no language is named {job.language!r}" if not language else judged_fields_error(job) or limits_error(job)
    if wrong:
        raise row.error(f"the job is invalid: {wrong}")
    job, right = msgspec.structs.replace(job, language=language), _label(row)
    return LabelledProgram(name=job.id, source="given", right=right, job=job, mutated=right and bool(job.signature))


def _label(row: QuestionRow) -> bool:
    text = str(row.data["label"]).casefold().partition(":")[0]
    if text not in _LABELS:
        raise row.error(f"the label is {row.data['label']!r}; use right or wrong")
    return _LABELS[text]


def _dataset_row(row: QuestionRow) -> Iterator[LabelledProgram]:
    found = example(row)
    if not found.tests or found.language not in language_names():
        return
    job = Job(
        id=found.id,
        language=found.language,
        code=f"{found.prompt}{found.completion}",
        signature=found.signature,
        tests=found.tests,
    )
    yield LabelledProgram(
        name=f"{found.name} ({found.id[:8]})",
        source="given",
        right=True,
        job=job,
        problem=found.parallel_id,
        function=python_original(found.source, found.name, found.parallel_id),
        mutated=True,
    )


def _code_contests(row: QuestionRow) -> Iterator[LabelledProgram]:
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
    """Yield stdin and stdout of tests: a table of two lists, as in Parquet, or a list of tables."""
    if isinstance(tests, Mapping):
        table = cast(Mapping[str, Any], tests)
        yield from zip(table.get("input", ()), table.get("output", ()), strict=False)
    elif isinstance(tests, Sequence) and not isinstance(tests, str):
        for test in cast(Sequence[Mapping[str, Any]], tests):
            yield str(test["input"]), str(test["output"])


def _submissions(row: QuestionRow, field: str) -> Iterator[tuple[str, str]]:
    """Yield language and code of submissions; the language is "" if it does not run here.

    Raises:
        InputError: the field is neither a table of two lists nor a list of tables.

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


def _multipl_e(row: QuestionRow) -> Iterator[LabelledProgram]:
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
