"""Read and write the files of an evaluation; the same cache gives the same bytes.

results.jsonl.gz    one sample a line, with its verdict
summary.json        configuration and figures
impossible.jsonl    problems that cannot be posed, or that no program can pass
multipl-e/LANGUAGE/ result files for MultiPL-E's tools, if questions came from its rows
"""

import gzip
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import cast

import msgspec

from glotsmith import credentials
from glotsmith.counts import counted
from glotsmith.errors import InputError, StorageError, UsageError
from glotsmith.evaluation.completions import write_results
from glotsmith.evaluation.evaluate import Evaluation, EvaluationPlan
from glotsmith.evaluation.evaluation_summary import EvaluationSummary
from glotsmith.evaluation.pass_at_k import Interval
from glotsmith.evaluation.questions import EvaluationSample, Question
from glotsmith.records import Record
from glotsmith.settings import leaves
from glotsmith.write_aside import write_aside

#: reason → predicate of a sentence about one problem, which starts with the verb
_PREDICATES = {
    "stub_fails_to_compile": "cannot be passed by any program",
    "stub_passes": "has tests that a stub passes",
    "unrepresentable": "cannot be represented in the language",
    "one_expected_value": "expects the same value in all tests",
    "too_few_cases": "has too few tests",
    "unusable": "has tests that are not calls over literals",
    "source_fails": "has an original that fails the tests",
    "unsupported": "is in a language that does not run here",
    "no_suite": "is published and has no corrected suite",
    "types_differ": "has a published prompt whose types fit no corrected suite",
    "not_verified": "could not be checked by the machine",
}

RESULTS, SUMMARY, IMPOSSIBLE = "results.jsonl.gz", "summary.json", "impossible.jsonl"
CACHE = "cache.sqlite"
#: settings that determine only figures, not samples; they may change when an evaluation resumes
ONLY_FIGURES = frozenset({"plan.ks", "plan.confidence"})
_UNORDERED = frozenset({"sets", "languages", "originals"})  #: lists whose order does not change the samples
_OPTIONS = {
    "sets": "the list of benchmarks",
    "languages": "--language",
    "originals": "--original",
    "teacher.name": "--teacher",
}
_LONGEST_VALUE = 60  #: largest number of characters of a value in a message
_OWN = frozenset({RESULTS, SUMMARY, IMPOSSIBLE, "multipl-e", CACHE, f"{CACHE}-wal", f"{CACHE}-shm"})


class EvaluationReport(Record, frozen=True, kw_only=True):
    """The content of summary.json."""

    config: dict[str, str]
    summary: EvaluationSummary
    notes: tuple[str, ...] = ()


def read_report(folder: Path) -> EvaluationReport:
    """Return the report of an evaluation.

    Raises:
        InputError: The summary is malformed.

    """
    try:
        return msgspec.json.decode((folder / SUMMARY).read_bytes(), type=EvaluationReport)
    except msgspec.DecodeError as error:
        raise InputError.at(
            folder / SUMMARY, None, f"the file is not a valid summary of an evaluation ({error})"
        ) from error


def read_samples(folder: Path) -> Iterator[EvaluationSample]:
    """Yield the samples of an evaluation, in order.

    Raises:
        InputError: A line is malformed.

    """
    file, decoder = folder / RESULTS, msgspec.json.Decoder(EvaluationSample)
    with gzip.open(file) as lines:
        for number, line in enumerate(lines, 1):
            try:
                yield decoder.decode(line)
            except msgspec.DecodeError as error:
                raise InputError.at(
                    file, number, f"the line is not a valid sample of an evaluation ({error})"
                ) from error


def claim_folder(folder: Path, config: dict[str, str]) -> None:
    """Create the folder of an evaluation, or check that it contains the same evaluation.

    Raises:
        UsageError: The folder contains another evaluation or other files, or the configuration contains a key.
        StorageError: The folder cannot be created.

    """
    credentials.refuse_secrets(config)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        names = {path.name for path in folder.iterdir()}
        stored = (folder / SUMMARY).read_bytes() if SUMMARY in names else b""
    except (FileExistsError, NotADirectoryError) as error:
        raise UsageError(f"{folder} is a file, but an evaluation needs a folder: choose another path") from error
    except OSError as error:
        raise StorageError(f"the folder {folder} cannot be created: {error.strerror or error}") from error
    strange = sorted(name for name in names - _OWN if not name.endswith(".part"))
    if strange and not stored:
        raise UsageError(
            f"{folder}: the folder contains other files ({', '.join(strange[:3])}): choose a new or empty one with -o"
        )
    if stored:
        changed = _changed_settings(folder, stored, config)
        if changed:
            raise UsageError(
                f"{folder} contains another evaluation ({changed}): give another folder with -o; "
                f"--cache {folder / CACHE} reuses its replies"
            )


def differing_settings(one: EvaluationReport, two: EvaluationReport) -> dict[str, tuple[str, str]]:
    """Return the settings in which two evaluations differ, by their command line options, with both values."""
    return _differing_values(_sample_settings(one.config), _sample_settings(two.config))


def _differing_values(one: Mapping[str, object], two: Mapping[str, object]) -> dict[str, tuple[str, str]]:
    names = sorted(name for name in one.keys() | two.keys() if one.get(name) != two.get(name))
    return {_option_name(name): (_format_value(one.get(name)), _format_value(two.get(name))) for name in names}


def _changed_settings(folder: Path, stored: bytes, config: dict[str, str]) -> str:
    """Return the differences of two configurations that determine samples; "" if there are none."""
    try:
        known = msgspec.json.decode(stored, type=EvaluationReport).config
        before = _sample_settings({name: text for name, text in known.items() if name in config})
    except msgspec.DecodeError as error:
        raise UsageError(f"{folder / SUMMARY} is not a valid summary ({error}): give another folder with -o") from None
    found = _differing_values(before, _sample_settings(config))
    return "; ".join(f"{option} was {was} and is now {now}" for option, (was, now) in found.items())


def _sample_settings(config: Mapping[str, str]) -> dict[str, object]:
    """Return dotted name → value of the settings that determine samples. Unordered lists are sorted."""
    tables = {name: msgspec.json.decode(text) for name, text in config.items()}
    if "plan" in tables:  # it is stored without default values
        tables["plan"] = msgspec.structs.asdict(msgspec.convert(tables["plan"], EvaluationPlan))
    found = dict(leaves(tables))
    for name in _UNORDERED & found.keys():
        found[name] = sorted(cast("list[object]", found[name]), key=str)
    return {name: value for name, value in found.items() if name not in ONLY_FIGURES}


def _option_name(name: str) -> str:
    """Return the command line option of a setting."""
    if name.startswith("teacher.options."):
        return f"--set teacher.{name.removeprefix('teacher.options.')}"
    return _OPTIONS.get(name) or f"--{name.rpartition('.')[2].replace('_', '-')}"


def _format_value(value: object) -> str:
    if value in (None, "", []):
        return "not set"
    text = credentials.redact(msgspec.json.encode(value).decode())
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}…"


def write_evaluation(
    folder: Path,
    questions: Sequence[Question],
    evaluation: Evaluation,
    config: dict[str, str],
    notes: Sequence[str],
    sampling: Mapping[str, float] | None = None,
) -> None:
    """Write all files. The summary is last, so that its presence shows that the others are complete.

    Raises:
        StorageError: The folder cannot be written.

    """
    samples, summary = evaluation.samples, evaluation.summary
    _write_file(folder / RESULTS, gzip.compress(_json_lines(samples), mtime=0))
    _write_file(folder / IMPOSSIBLE, _json_lines(summary.impossible))
    write_results(folder / "multipl-e", questions, samples, sampling)
    report = EvaluationReport(config=config, summary=summary, notes=tuple(notes))
    _write_file(folder / SUMMARY, msgspec.json.format(msgspec.json.encode(report), indent=2) + b"\n")


def _json_lines(records: Iterable[Record]) -> bytes:
    return b"".join(msgspec.json.encode(record) + b"\n" for record in records)


def _write_file(file: Path, data: bytes) -> None:
    try:
        with write_aside(file) as draft:
            draft.write_bytes(data)
    except OSError as error:
        raise StorageError(f"{file} cannot be written: {error.strerror or error}") from error


def figures_table(summary: EvaluationSummary) -> tuple[list[str], list[list[str]]]:
    """Return the columns and rows of the table of figures."""
    ks = sorted({f.k for s in summary.scores for f in s.figures}) or [1]
    percent = f"{summary.confidence:.0%}"
    columns = [
        "benchmark",
        "language",
        *(f"pass@{k} ({percent})" for k in ks),
        "problems",
        "samples",
        "infra",
        "impossible",
        "commonest failures",
    ]
    rows = list[list[str]]()
    for score in summary.scores:
        figures = {f.k: _format_figure(f.value) for f in score.figures}
        counts = (score.problems - score.unscored, score.samples, score.infra, score.impossible)
        rows.append(
            [
                score.benchmark,
                score.language,
                *(figures.get(k, "–") for k in ks),
                *map(str, counts),
                commonest(score.statuses),
            ]
        )
    return columns, rows


def commonest(statuses: Mapping[str, int], most: int = 3) -> str:
    """Return the most frequent failure classes, with their counts."""
    failures = sorted(((s, n) for s, n in statuses.items() if s != "pass"), key=lambda pair: (-pair[1], pair[0]))
    more = len(failures) - most
    shown = [f"{status} {count}" for status, count in failures[:most]]
    return ", ".join([*shown, *([f"{more} more"] if more > 0 else [])]) or "–"


def _format_figure(value: Interval) -> str:
    return f"{value.mean:.1%} ({value.low:.1%} – {value.high:.1%})"


def impossible_lines(summary: EvaluationSummary) -> list[str]:
    """Return a line for each benchmark, language and reason of impossible problems."""
    groups = defaultdict[tuple[str, str, str], list[str]](list)
    for lost in summary.impossible:
        groups[lost.benchmark, lost.language, lost.reason].append(lost.problem)
    return [
        f"{benchmark}, {language}: {_reason_sentence(reason, len(names))}: {', '.join(names)}"
        for (benchmark, language, reason), names in groups.items()
    ]


def _reason_sentence(reason: str, number: int) -> str:
    """Return the number of impossible problems, and the reason."""
    verb, _, rest = _PREDICATES.get(reason, f"is dropped as {reason}").partition(" ")
    return f"{counted(number, 'problem', verb)} {rest}"
