"""Tables of certificates: for the terminal, and the page ``docs/certificate.md``."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from textwrap import fill

from glotsmith.certification.certificate import Certificate, LanguageCertificate, VerdictRate
from glotsmith.counts import counted
from glotsmith.evaluation.pass_at_k import Interval
from glotsmith.languages import get_card
from glotsmith.languages.render import fill_template

_WIDTH = 118  #: width of prose, in characters
_PAGE = Path(__file__).with_name("page.md")
COLUMNS = (
    "language", "right rows", "translations", "given", "TPR (95 %)", "wrong rows", "given wrong", "mutants",
    "TNR (95 %)", "equivalent", "mutants by",
)  # fmt: skip


def certificate_rows(certificates: Iterable[LanguageCertificate]) -> list[list[str]]:
    """Return the rows of the table of certificates, with the columns ``COLUMNS``."""
    return [_certificate_row(found) for found in certificates]


def _certificate_row(found: LanguageCertificate) -> list[str]:
    wrong_given = [found.rate("translations", right=False), found.rate("given", right=False)]
    return [
        found.language,
        _count_cell(found.rate("rows", right=True)),
        _count_cell(found.rate("translations", right=True)),
        _count_cell(found.rate("given", right=True)),
        interval_text(found.tpr),
        _count_cell(found.rate("rows", right=False)),
        _count_cell(*wrong_given),
        _count_cell(found.rate("mutants", right=False)),
        interval_text(found.tnr),
        str(found.equivalent),
        found.method if found.problems else "–",
    ]


def _count_cell(*rates: VerdictRate) -> str:
    programs = sum(rate.programs for rate in rates)
    return f"{sum(rate.fitting for rate in rates)}/{programs}" if programs else "–"


def interval_text(value: Interval | None) -> str:
    """Return a mean with its interval, in percent."""
    return f"{value.mean:.1%} ({value.low:.1%} – {value.high:.1%})" if value else "–"


def summary_lines(certificates: Iterable[LanguageCertificate]) -> list[str]:
    """Return a line for each unexpected verdict, each differing program and each function without a suite."""
    lines = list[str]()
    for found in certificates:
        lines += [
            f"{found.language}: a {'right' if miss.right else 'wrong'} program ({miss.source}) got {miss.status}: "
            f"{f'{miss.kind}: ' if miss.kind else ''}{miss.name}{f' ({miss.detail})' if miss.detail else ''}"
            for miss in found.unexpected
        ]
        lines += [
            f"{found.language}: {name} differs from its Python original: {call}"
            for name, call in found.differing.items()
        ]
        lines += [f"{found.language}: {sentence}" for sentence in found.left_out]
    return lines


def certificate_page(certificate: Certificate) -> str:
    """Return the page in Markdown."""
    certificates = certificate.languages
    return fill_template(
        _PAGE.read_text("utf-8"),
        command=f"glotsmith certify --mutants {certificate.mutants} --inputs {certificate.inputs}",
        mutants=str(certificate.mutants),
        inputs=str(certificate.inputs),
        totals=_totals_sentence(certificates),
        columns=_table_line(COLUMNS),
        rule=_table_line(["---", *["--:"] * (len(COLUMNS) - 2), "---"]),
        rows="\n".join(_table_line(row) for row in certificate_rows(certificates)),
        kinds="\n".join(_kind_rows(certificates)),
        unexpected="\n".join(map(_list_item, summary_lines(certificates))) or "- none",
    )


def _list_item(text: str) -> str:
    """Return one wrapped item of a list."""
    return fill(f"- {_escape_cell(text)}", _WIDTH, subsequent_indent="  ", break_on_hyphens=False)


def _totals_sentence(certificates: Sequence[LanguageCertificate]) -> str:
    """Return the counts of all languages, in a sentence."""
    right = [found.total(right=True) for found in certificates]
    rows, mutants = ([found.rate(source, right=False) for found in certificates] for source in ("rows", "mutants"))
    return (
        f"In {counted(len(certificates), 'language')}, {_count_cell(*right)} right programs passed, "
        f"{_count_cell(*rows)} wrong rows failed, and {_count_cell(*mutants)} mutants failed."
    )


def _kind_rows(certificates: Sequence[LanguageCertificate]) -> list[str]:
    kinds = sorted({kind for found in certificates for kind in found.kinds})
    lines = [_table_line(["language", *kinds, "not compiled"]), _table_line(["---", *["--:"] * (len(kinds) + 1)])]
    for found in certificates:
        counts = [found.kinds.get(kind) for kind in kinds]
        cells = [f"{count.killed}/{count.killed + count.survived}" if count else "–" for count in counts]
        lines.append(_table_line([get_card(found.language).display, *cells, str(found.not_compiled)]))
    return lines


def _table_line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(_escape_cell(cell) for cell in cells)} |"


def _escape_cell(text: str) -> str:
    """Return a text as one line of a table; program text in it is not markup."""
    one_line = " ".join(text.split())
    return "".join(f"\\{c}" if c in "\\|`*_<>[]#" else c for c in one_line)
