"""Write the dataset card: a README.md with the header that the Hugging Face Hub and ``load_dataset`` read.

The same run gives the same card, which contains no date and no path of the machine.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from glotsmith import __version__
from glotsmith.counts import counted
from glotsmith.datasets.dataset_counts import DatasetCounts
from glotsmith.datasets.prompt_files import FOLDER as PROMPTS
from glotsmith.datasets.schema import features
from glotsmith.drop_reasons import Reason
from glotsmith.errors import StorageError, UsageError
from glotsmith.records import FunnelRow, Record
from glotsmith.stored_prompt import StoredPrompt
from glotsmith.write_aside import draft_path, write_aside

#: licences that the Hub knows, as SPDX ids in lower case; all others are ``other`` on the Hub
_HUB_LICENCES = frozenset(
    {"0bsd", "afl-3.0", "agpl-3.0", "apache-2.0", "artistic-2.0", "bsd-2-clause", "bsd-3-clause", "bsl-1.0"}
    | {"cc-by-4.0", "cc-by-sa-4.0", "cc0-1.0", "epl-2.0", "eupl-1.2", "gpl-2.0", "gpl-3.0", "isc", "lgpl-2.1"}
    | {"lgpl-3.0", "mit", "mpl-2.0", "ncsa", "postgresql", "unlicense", "wtfpl", "zlib"}
)
FILE = "README.md"
DRAFT = draft_path(Path(FILE)).name
_RUN, _RUN_LINE = "<!-- run {} -->\n", re.compile("(?m)^<!-- run ([0-9a-f]+) -->$")
_MARK = "execution-verified"  #: a tag of every card of glotsmith
_ABSOLUTE = re.compile(r"""(?<![\w/.~])(?:~[\w.-]*/|/(?!/)|[A-Za-z]:\\)[^\s,;'"|]+""")
PLOT_FOLDER = "plots"
#: name of a plot → its title
PLOTS = {
    "funnel": "Kept and dropped items of each step, by language",
    "certificate": "Share of right programs that pass, and of wrong programs that fail, with intervals",
    "tokens": "Tokens by step",
    "licences": "Rows by licence",
}
_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))

_LIMITS = """\
- A row passed its tests. That is evidence, not a proof: the tests are few.
- Tests check the values that a function returns. They do not check what it prints, raises or changes in place, and they
  do not check its style. Its speed matters only if it reaches the CPU limit.
- Near duplicates are found by ROUGE-L over words and numbers: programs that differ only in operators count as one.
- Decontamination compares texts. It does not find a benchmark problem in other words and with other names.
- Licences are those that the sources declare. A translation is a derived work of its source: check before you publish.
"""

#: kind of a row (``Example.kind``) → its description
KINDS = {
    "translation": "a translation of a real Python function, which passed the tests of that function",
    "inverse": "a program with an instruction that a model wrote for it; if it has tests, it passed them, and so did "
    "the program that the model wrote for the instruction, unless the round trip was off",
    "original": "an unchanged pair of the instruction corpus",
    "ds1": "an instruction that a snippet inspired, with the answer of a model; if it has tests, it passed them",
    "ds2": "a snippet as the answer to an instruction that a model inferred from it; if it has tests, it passed them",
    "ds3": "a problem that language agents posed, with a solution that passed the tests on which other languages agree",
}


class MeasuredRate(NamedTuple):
    """A rate with its 95 % interval, 0–1."""

    mean: float
    low: float
    high: float


class LanguageFunnelCount(NamedTuple):
    """The rows of one language in one step."""

    step: str
    language: str  #: "" for items without a language
    inputs: int  #: number of inputs
    kept: int  #: number of outputs
    dropped: int  #: number of dropped inputs


class LanguageFigures(Record, frozen=True, kw_only=True):
    """The measured figures of one language of a dataset; "" if a figure was not measured."""

    mutants_killed: str = ""  #: the mutants of sampled rows that the suites of the rows kill
    tpr: str = ""  #: true positive rate of the language's certificate, with its interval
    tnr: str = ""  #: true negative rate, with its interval
    rates: dict[str, MeasuredRate] = {}  #: both rates as numbers, by name (``tpr``, ``tnr``)


class DatasetCard(Record, frozen=True, kw_only=True):
    """The content of a card, without the counts of the rows."""

    name: str
    recipe: str = ""  #: a sentence that names recipe and paper
    funnel: tuple[FunnelRow, ...] = ()
    by_language: tuple[LanguageFunnelCount, ...] = ()  #: the funnel of each language
    parameters: dict[str, str] = {}  #: the settings that determine the result: sampling, thresholds, seeds
    prompts: tuple[StoredPrompt, ...] = ()  #: the prompts of the run
    benchmarks: tuple[str, ...] = ()  #: the benchmarks of the decontamination
    findings: dict[str, str] = {}  #: other measurements of the run: name → sentence
    figures: dict[str, LanguageFigures] = {}  #: language → its measured figures
    partial: bool = False  #: whether the run is not finished
    run: str = ""  #: id of the run; "" if it is not known


def write_card(
    folder: Path, card: DatasetCard, summary: DatasetCounts, files: Sequence[Path], plots: Sequence[str] = ()
) -> Path:
    """Write ``README.md`` into the folder of a dataset.

    Args:
        folder: The folder of the dataset.
        card: The content of the card.
        summary: The counts of all rows.
        files: The data files in ``folder``, as an exporter returned them.
        plots: The names of the plots that ``card_plots`` has written into the folder.

    Raises:
        StorageError: The file cannot be written.

    """
    names = sorted({file.parent.name for file in files})
    paths = {name: [f"data/{name}/{file.name}" for file in files if file.parent.name == name] for name in names}
    mark = _RUN.format(card.run) if card.run else ""
    text = f"{_header(card, summary, paths)}\n{mark}{_body(card, summary, plots)}"
    target = folder / FILE
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with write_aside(target) as draft:
            draft.write_text(text, "utf-8")
    except OSError as error:
        raise StorageError(f"{target}: the card cannot be written: {error.strerror or error}") from error
    return target


def claim_folder(folder: Path, run: str = "") -> None:
    """Claim a folder for a dataset: a new or empty one, or one with a complete or incomplete dataset of ``run``.

    Raises:
        UsageError: The folder contains other files or the dataset of another run, which must not be lost.
        StorageError: The folder cannot be created or read.

    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        strange = sorted(path.name for path in folder.iterdir())
        if not strange:
            (folder / DRAFT).touch()  # marks the folder as a dataset folder, even if the first export is stopped
        is_dataset = not strange or DRAFT in strange or (FILE in strange and _is_card(folder / FILE))
    except OSError as error:
        raise StorageError(f"{folder}: the dataset cannot be written: {error.strerror or error}") from error
    if not is_dataset:
        names = ", ".join(strange[:3])
        raise UsageError(f"{folder}: the folder contains other files ({names}): choose a new or empty one")
    if run and FILE in strange and _run_of(folder / FILE) not in ("", run):
        raise UsageError(f"{folder}: the folder contains the dataset of another run: choose a new or empty one")


def _run_of(card: Path) -> str:
    """Return the run that a card names; "" if it names none."""
    found = _RUN_LINE.search(card.read_text("utf-8", "replace"))
    return found[1] if found else ""


def _is_card(file: Path) -> bool:
    return f'- "{_MARK}"' in file.read_text("utf-8", "replace").partition("\n---\n")[0].splitlines()


# -------------------------------------------------------------------------------------------- header


def _header(card: DatasetCard, summary: DatasetCounts, paths: Mapping[str, Sequence[str]]) -> str:
    size = next((name for limit, name in _SIZES if summary.rows < limit), "n>1M")
    tags = sorted({"code", _MARK, "synthetic", *summary.languages})
    lines = [
        "---",
        f"pretty_name: {json.dumps(card.name)}",
        f"license: {_header_licence(summary)}",
        "language:\n- code",
        "task_categories:\n- text-generation",
        "tags:",
        *(f"- {json.dumps(tag)}" for tag in tags),
        f"size_categories:\n- {size}",
    ]
    if paths:
        lines += _configs(paths)
    return "\n".join([*lines, "---", ""])


def _header_licence(summary: DatasetCounts) -> str:
    found = {source.licence.lower() for source in summary.sources}
    return found.pop() if len(found) == 1 and found <= _HUB_LICENCES else "other"


def _configs(paths: Mapping[str, Sequence[str]]) -> list[str]:
    """Return a configuration for each language, and the default configuration ``all``."""
    lines = ["configs:"]
    configs = {"all": [path for files in paths.values() for path in files], **paths}
    for name, files in configs.items():
        lines += [f"- config_name: {json.dumps(name)}", *(["  default: true"] if name == "all" else [])]
        lines += ["  data_files:", "  - split: train", "    path:", *(f"    - {json.dumps(path)}" for path in files)]
    lines.append("dataset_info:")
    for name in ("all", *paths):
        lines += [f"- config_name: {json.dumps(name)}", "  features:", *features()]
    return lines


# ---------------------------------------------------------------------------------------------- body


def _body(card: DatasetCard, summary: DatasetCounts, plots: Sequence[str]) -> str:
    sections = {
        f"# {card.name}": _introduction(card, summary),
        "## Languages": _languages_section(card, summary),
        "## What a row is": _kinds_section(summary),
        "## How it was made": _settings_section(card, summary),
        "## Prompts": _prompts_section(card.prompts),
        "## What was measured": "\n".join(f"- {_cell(name)}: {_cell(text)}" for name, text in card.findings.items()),
        "## Funnel": "\n\n".join(filter(None, (_funnel_section(card.funnel), _funnel_by_language(card)))),
        "## Why items were dropped": _reasons_section(card.funnel),
        "## Tokens": _tokens_section(card.funnel),
        "## Licences": _licences_section(summary),
        "## Limits": _LIMITS.rstrip(),
    }
    drawn = {
        title: f"![{PLOTS[name]}]({PLOT_FOLDER}/{name}.svg)" for title, name in _SECTION_PLOTS.items() if name in plots
    }
    parts = (filter(None, (title, drawn.get(title), text)) for title, text in sections.items() if text)
    return "\n\n".join("\n\n".join(section) for section in parts) + "\n"


#: section → the plot at its start
_SECTION_PLOTS = {
    "## Languages": "certificate",
    "## Funnel": "funnel",
    "## Tokens": "tokens",
    "## Licences": "licences",
}
_TOKENS_NOTE = """\
Tokens of the prompts and replies for the items of a step, including replies from a cache. `glotsmith report` shows the
cost that a run paid."""


def _tokens_section(rows: Sequence[FunnelRow]) -> str:
    """Return the table of tokens by step; "" if no step needed a model."""
    table = _markdown_table(("step", "tokens"), ((row.step, row.tokens) for row in rows if row.tokens))
    return f"{table}\n\n{_TOKENS_NOTE}" if table else ""


_FIGURES = {"mutants_killed": "mutants killed", "tpr": "right programs pass", "tnr": "wrong programs fail"}
_FIGURES_NOTE = """\
`mutants killed`: the mutants of sampled rows (programs with one change that behave differently) that the tests of the
row reject. `right programs pass` and `wrong programs fail` are rates of the verification of the language, with 95 %
intervals, which `glotsmith certify` measured on other programs."""


def _languages_section(card: DatasetCard, summary: DatasetCounts) -> str:
    """Return the table of languages, with a column for each measured figure, and a note about these columns."""
    measured = [name for name in _FIGURES if any(getattr(found, name) for found in card.figures.values())]
    none = LanguageFigures()
    rows = (
        (
            name,
            rows,
            len(summary.problems[name]),
            _toolchain_names(summary, name),
            *(getattr(card.figures.get(name, none), field) or "–" for field in measured),
        )
        for name, rows in _languages_by_rows(summary)
    )
    table = _markdown_table(("language", "rows", "problems", "toolchain", *(_FIGURES[name] for name in measured)), rows)
    return f"{table}\n\n{_FIGURES_NOTE}" if measured else table


def _introduction(card: DatasetCard, summary: DatasetCounts) -> str:
    if not summary.rows and not card.partial:
        return (
            "**This dataset is empty:** no item passed all steps, so there is no file to load. "
            "The funnel below shows which steps dropped them."
        )
    kinds = {kind for _, kind in summary.kinds}
    each = f" Each is {KINDS[kinds.pop()]}." if len(kinds) == 1 and kinds <= KINDS.keys() else ""
    counts = (
        f"{counted(summary.rows, 'program')} for {counted(summary.parallel, 'problem')} in "
        f"{counted(len(summary.languages), 'language')}.{each} "
        "`parallel_id` is the same for one problem in all languages."
    )
    loading = 'load_dataset("PATH")  # all languages, or one: load_dataset("PATH", "NAME")'
    return "\n\n".join(
        filter(
            None,
            (
                _partial_note(card, summary),
                card.recipe,
                counts,
                f"```python\nfrom datasets import load_dataset\n\n{loading}\n```",
            ),
        )
    )


def _partial_note(card: DatasetCard, summary: DatasetCounts) -> str:
    if not card.partial:
        return ""
    return (
        f"**This dataset is partial:** it contains {counted(summary.rows, 'row')} of a run that is not finished. "
        "Near duplicates were removed among these rows; the finished run may keep other rows."
    )


def _settings_section(card: DatasetCard, summary: DatasetCounts) -> str:
    teachers = ", ".join(sorted(filter(None, summary.teachers)))
    benchmarks = ", ".join(sorted(_without_paths(name) for name in card.benchmarks))
    items = [
        f"- glotsmith: {__version__}",
        f"- teacher: {_cell(teachers)}" if teachers else "",
        f"- decontaminated against: {_cell(benchmarks) or 'nothing'}",
        *(f"- {_cell(name)}: {_cell(_without_paths(value))}" for name, value in card.parameters.items()),
    ]
    return "\n".join(filter(None, items))


def _prompts_section(prompts: Sequence[StoredPrompt]) -> str:
    rows = ((p.call, f"`{p.version}`", f"[{p.file}]({PROMPTS}/{p.version}/{p.file})") for p in prompts)
    return _markdown_table(("prompt", "version", "text"), rows)


def _kinds_section(summary: DatasetCounts) -> str:
    """Return the table of the kinds of rows, in training order; "" if there is only one kind."""
    if len(summary.kinds) < 2:
        return ""
    rows = ((stage, kind, count, KINDS.get(kind, "")) for (stage, kind), count in sorted(summary.kinds.items()))
    order = "The rows are in training order: train first on those of a lower `stage`."
    return f"{order}\n\n{_markdown_table(('stage', 'kind', 'rows', 'each is'), rows)}"


def _funnel_section(rows: Sequence[FunnelRow]) -> str:
    titles = ("step", "taken", "kept", "dropped", "made")
    return _markdown_table(titles, ((row.step, row.taken, row.kept, row.dropped, row.made) for row in rows))


def _funnel_by_language(card: DatasetCard) -> str:
    """Return the table of the outputs and dropped inputs of each language in each step; "" without languages."""
    counts = {(count.step, count.language): count for count in card.by_language}
    names = sorted({count.language for count in card.by_language} - {""})
    steps = [row.step for row in card.funnel if any((row.step, name) in counts for name in names)]
    rows = ((step, *(_format_counts(counts.get((step, name))) for name in names)) for step in steps)
    table = _markdown_table(("step", *names), rows) if names else ""
    return f"Outputs / dropped inputs of each language:\n\n{table}" if table else ""


def _format_counts(count: LanguageFunnelCount | None) -> str:
    return f"{count.kept:,} / {count.dropped:,}" if count else "–"


def _reasons_section(rows: Sequence[FunnelRow]) -> str:
    sentences = {reason.value: reason.because for reason in Reason}
    found = (
        (row.step, reason, inputs, outputs, sentences.get(reason, ""))
        for row in rows
        for reason in sorted({*row.reasons, *row.losses}, key=lambda r: (-row.reasons.get(r, 0), r))
        if (inputs := row.reasons.get(reason, 0)) + (outputs := row.losses.get(reason, 0))
    )
    return _markdown_table(("step", "reason", "items", "of their outputs", "because"), found)


def _licences_section(summary: DatasetCounts) -> str:
    ranked = sorted(summary.sources.items(), key=lambda entry: (-entry[1], entry[0]))
    rows = ((s.licence or "unknown", _without_paths(s.source), s.version, count) for s, count in ranked)
    return _markdown_table(("licence", "source", "version", "rows"), rows)


def _languages_by_rows(summary: DatasetCounts) -> list[tuple[str, int]]:
    return sorted(summary.languages.items(), key=lambda entry: (-entry[1], entry[0]))


def _toolchain_names(summary: DatasetCounts, language: str) -> str:
    return ", ".join(sorted(toolchain for name, toolchain in summary.toolchains if name == language and toolchain))


def _markdown_table(titles: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a Markdown table with numbers aligned to the right; "" without rows."""
    body = [list(row) for row in rows]
    if not body:
        return ""
    rule = ["--:" if isinstance(value, int) else "---" for value in body[0]]
    return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in (titles, rule, *body))


def _cell(value: object) -> str:
    """Return a value as text for a table cell: one line, with escaped bars."""
    text = f"{value:,}" if isinstance(value, int) else str(value)
    return " ".join(text.split()).replace("|", "\\|")


def _without_paths(text: str) -> str:
    """Replace each absolute path in a text by its last name."""
    return _ABSOLUTE.sub(lambda path: re.split(r"[/\\]", path[0].rstrip("/\\"))[-1], text)
