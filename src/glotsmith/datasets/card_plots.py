"""Draw the plots of a dataset card as SVG files. The same card gives the same bytes.

Texts from sources and languages become text nodes. A plot runs no script and loads nothing.
"""

import math
import re
import shutil
from collections import Counter
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

from glotsmith.datasets.card import PLOT_FOLDER, PLOTS, DatasetCard, LanguageFunnelCount, MeasuredRate
from glotsmith.datasets.dataset_counts import DatasetCounts
from glotsmith.errors import StorageError
from glotsmith.records import FunnelRow
from glotsmith.write_aside import write_aside

_WIDTH = 760
_ROW = 26  #: height of a row
_LABEL = 190  #: width of the labels on the left
_SHOWN = 12  #: largest number of languages or licences in a plot
_LABEL_CHARACTERS = 28  #: largest number of characters of a label
_CHARACTER = 7.5  #: upper bound of the mean width of a character in a column head
_LEVEL_HEADS = 5  #: largest number of columns whose heads are horizontal; those of more columns are rotated
_TURN = math.radians(60)  #: angle of a rotated head
_TURNED_CHARACTERS = 15  #: largest number of characters of a rotated head
_COUNT_WIDTH = 80  #: width of the numbers next to a bar of the funnel
_COUNTED_WIDTH = 130  #: smallest width of a column with numbers
#: characters that XML forbids, that control a terminal, or that change the order of a text
_INVALID = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff\u200e\u200f\u202a-\u202e\u2066-\u2069]"
)
_STYLE = """\
text { font: 13px system-ui, sans-serif; fill: #1d2025; }
.soft { fill: #5a5f69; }
.kept, .tpr { fill: #0b7a70; stroke: #0b7a70; }
.dropped, .tnr { fill: #c8642a; stroke: #c8642a; }
.line { stroke: #e0e0da; }
.interval { stroke-width: 3; stroke-linecap: round; }
rect { stroke: none !important; }
@media (prefers-color-scheme: dark) {
  text { fill: #e9eaec; } .soft { fill: #a3a9b4; } .line { stroke: #30353c; }
  .kept, .tpr { fill: #3dbbab; stroke: #3dbbab; } .dropped, .tnr { fill: #e58d55; stroke: #e58d55; }
}"""


def write_plots(folder: Path, card: DatasetCard, summary: DatasetCounts) -> list[str]:
    """Write the plots into the folder of a dataset, remove earlier ones, and return the names of the plots.

    Raises:
        StorageError: The plots cannot be written.

    """
    drawn, target = draw_plots(card, summary), folder / PLOT_FOLDER
    try:
        if target.exists():
            shutil.rmtree(target)
        if drawn:
            with write_aside(target) as draft:
                draft.mkdir(parents=True)
                for name, text in drawn.items():
                    (draft / f"{name}.svg").write_text(text, "utf-8")
    except OSError as error:
        raise StorageError(f"{target}: the plots cannot be written: {error.strerror or error}") from error
    return list(drawn)


def draw_plots(card: DatasetCard, summary: DatasetCounts) -> dict[str, str]:
    """Return the plots that have data, by name."""
    licences = Counter[str]()
    for source, rows in summary.sources.items():
        licences[source.licence or "not stated"] += rows
    drawn = {
        "funnel": _funnel_plot(card.funnel, card.by_language) if card.by_language else "",
        "certificate": _rate_plot(card),
        "tokens": _bar_plot("tokens", [(row.step, row.tokens) for row in card.funnel if row.tokens]),
        "licences": _bar_plot("licences", licences.most_common(_SHOWN)) if len(licences) > 1 else "",
    }
    return {name: text for name, text in drawn.items() if text}


def _escape_text(text: str) -> str:
    return escape(_INVALID.sub("\ufffd", text), quote=True)


def _label(text: str, characters: int = _LABEL_CHARACTERS) -> str:
    cut = text if len(text) <= characters else f"{text[: max(0, characters - 1)]}…"
    return _escape_text(cut)


def _svg_page(name: str, height: int, parts: Iterable[str]) -> str:
    title = _escape_text(PLOTS[name])
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{title}">',
            f"<title>{title}</title>",
            f"<style>{_STYLE}</style>",
            *parts,
            "</svg>\n",
        ]
    )


# --------------------------------------------------------------------------------------------- funnel


def _funnel_plot(funnel: Sequence[FunnelRow], counts: Sequence[LanguageFunnelCount]) -> str:
    """Return a grid with a row for each step, a column for each language, and bars for kept and dropped items."""
    rows = Counter[str]()
    for count in counts:
        rows[count.language] += count.inputs if count.language else 0
    languages = [name for name, _ in rows.most_common(_SHOWN) if name]
    columns = ["", *languages] if any(count.language == "" for count in counts) else languages
    width = (_WIDTH - _LABEL) / max(1, len(columns))
    by_place = {(count.step, count.language): count for count in counts}
    most = max((max(count.inputs, count.kept + count.dropped) for count in counts), default=1)
    parts, top = _column_heads([name or "no language yet" for name in columns], width)
    for line, row in enumerate(funnel):
        y = top + _ROW * line
        parts += [
            f'<text x="{_LABEL - 10}" y="{y + 17}" text-anchor="end">{_label(row.step)}</text>',
            _horizontal_line(y),
        ]
        for i, name in enumerate(columns):
            if count := by_place.get((row.step, name)):
                parts.append(_funnel_cell(count, _LABEL + width * i, y, width - 10, most))
    return _svg_page("funnel", top + _ROW * len(funnel) + 6, parts)


def _column_heads(names: Sequence[str], width: float) -> tuple[list[str], int]:
    """Return the heads of the columns, which do not overlap, and their height. Many columns have rotated heads."""
    places = [_LABEL + width * i for i in range(len(names))]
    if len(names) <= _LEVEL_HEADS:
        return [
            _column_head(name, x, 17, int((width - 10) / _CHARACTER)) for name, x in zip(names, places, strict=True)
        ], _ROW
    most = min(_TURNED_CHARACTERS, max(map(len, names)))
    y = round(most * _CHARACTER * math.sin(_TURN)) + 14
    turned = [
        _column_head(
            name, x + width / 4, y, min(most, int((_WIDTH - x - width / 4) / math.cos(_TURN) / _CHARACTER)), _TURN
        )
        for name, x in zip(names, places, strict=True)
    ]
    return turned, y + 8


def _column_head(text: str, x: float, y: float, characters: int, turn: float = 0.0) -> str:
    """Return the head of a column. If it is truncated, its title is the whole text."""
    title = f"<title>{_escape_text(text)}</title>" if len(text) > characters else ""
    turned = f' transform="rotate({-math.degrees(turn):.0f} {x:.1f} {y})"' if turn else ""
    return f'<text class="soft" x="{x:.1f}" y="{y}"{turned}>{title}{_label(text, characters)}</text>'


def _horizontal_line(y: float) -> str:
    return f'<line class="line" x1="0" x2="{_WIDTH}" y1="{y}" y2="{y}"/>'


def _funnel_cell(count: LanguageFunnelCount, x: float, y: float, width: float, most: int) -> str:
    counted = width >= _COUNTED_WIDTH
    scale = (width - _COUNT_WIDTH if counted else width) / most
    kept, dropped = (_bar_width(scale * number, number) for number in (count.kept, count.dropped))
    numbers = f"{count.kept:,} / {count.dropped:,}" if count.dropped else f"{count.kept:,}"
    label = f'<text class="soft" x="{x + max(kept, dropped) + 5:.1f}" y="{y + 17}">{numbers}</text>' if counted else ""
    name = count.language or "no language yet"
    title = f"{count.step}, {name}: {count.inputs} in, {count.kept} out, {count.dropped} dropped"
    return (
        f"<g><title>{_escape_text(title)}</title>{label}"
        f'<rect class="kept" x="{x:.1f}" y="{y + 5}" width="{kept:.1f}" height="7"/>'
        f'<rect class="dropped" x="{x:.1f}" y="{y + 14}" width="{dropped:.1f}" height="7"/></g>'
    )


def _bar_width(width: float, number: int) -> float:
    """Return the width of a bar, which is visible for every number above 0."""
    return max(1.5, width) if number else 0.0


# ------------------------------------------------------------------------------------- rates and bars


def _rate_plot(card: DatasetCard) -> str:
    """Return the rates of the certificates of each language, with their intervals; "" without certificates."""
    names = {"tpr": "right programs pass", "tnr": "wrong programs fail"}
    rates = [
        (language, kind, found.rates[kind])
        for language, found in sorted(card.figures.items())
        for kind in names
        if kind in found.rates
    ]
    if not rates:
        return ""
    low = min(0.9, *(rate.low for _, _, rate in rates))
    parts = [part for line, found in enumerate(rates) for part in _rate_line(found, names, _ROW * line, low)]
    axis, height = _ROW * len(rates), _ROW * (len(rates) + 1)
    parts += [_horizontal_line(axis), *(_tick(low + (1 - low) * i / 4, low, axis + 17) for i in range(5))]
    return _svg_page("certificate", height, parts)


def _rate_x(value: float, low: float) -> float:
    return _LABEL + 30 + (_WIDTH - _LABEL - 60) * (max(value, low) - low) / (1 - low)


def _tick(value: float, low: float, y: float) -> str:
    return f'<text class="soft" x="{_rate_x(value, low):.1f}" y="{y}" text-anchor="middle">{100 * value:.1f} %</text>'


def _rate_line(found: tuple[str, str, MeasuredRate], names: dict[str, str], y: float, low: float) -> Iterable[str]:
    language, kind, rate = found
    middle = y + _ROW / 2
    title = _escape_text(f"{language}, {names[kind]}: {rate.mean:.2%} ({rate.low:.2%} – {rate.high:.2%})")
    yield f'<text x="{_LABEL - 10}" y="{middle + 4}" text-anchor="end">{_label(f"{language}: {names[kind]}")}</text>'
    yield (
        f'<g class="{kind}"><title>{title}</title><line class="interval" x1="{_rate_x(rate.low, low):.1f}" '
        f'x2="{_rate_x(rate.high, low):.1f}" y1="{middle}" y2="{middle}"/>'
        f'<circle cx="{_rate_x(rate.mean, low):.1f}" cy="{middle}" r="4"/></g>'
    )


def _bar_plot(name: str, bars: Sequence[tuple[str, int]]) -> str:
    """Return a plot with a bar for each entry; "" without entries."""
    if not bars:
        return ""
    most, space = max(value for _, value in bars), _WIDTH - _LABEL - 110
    parts = list[str]()
    for line, (label, value) in enumerate(bars):
        y, width = _ROW * line, _bar_width(space * value / most, value)
        parts += [
            f'<text x="{_LABEL - 10}" y="{y + 17}" text-anchor="end">{_label(label)}</text>',
            f"<g><title>{_escape_text(f'{label}: {value}')}</title>"
            f'<rect class="kept" x="{_LABEL}" y="{y + 5}" width="{width:.1f}" height="16" rx="3"/></g>',
            f'<text class="soft" x="{_LABEL + width + 8:.1f}" y="{y + 17}">{value:,}</text>',
        ]
    return _svg_page(name, _ROW * len(bars) + 6, parts)
