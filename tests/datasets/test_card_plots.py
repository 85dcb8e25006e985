"""The plots of a dataset card: well-formed SVG with the numbers of the card, whatever names it has."""

import math
import re
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest

from glotsmith.datasets.card import (
    PLOTS,
    DatasetCard,
    LanguageFigures,
    LanguageFunnelCount,
    MeasuredRate,
    write_card,
)
from glotsmith.datasets.card_plots import draw_plots, write_plots
from glotsmith.datasets.dataset_counts import DatasetCounts, LicensedSource
from glotsmith.errors import StorageError
from glotsmith.records import FunnelRow

HOSTILE = "</title></svg><script>alert(1)</script>]]>&\x00\x1b[31m\u202e\ud800 \"' name that is long"
RATES = {"tpr": MeasuredRate(0.995, 0.98, 1.0), "tnr": MeasuredRate(0.7, 0.5, 0.85)}


def card(name: str = "lua", step: str = "translate") -> DatasetCard:
    return DatasetCard(
        name="demo",
        funnel=(
            FunnelRow(step="sources", taken=9, kept=8, dropped=1, made=8),
            FunnelRow(step=step, taken=16, kept=10, dropped=6, made=10, tokens=1234),
        ),
        by_language=(
            LanguageFunnelCount("sources", "", 9, 8, 1),
            LanguageFunnelCount(step, name, 10, 9, 1),
            LanguageFunnelCount(step, "ocaml", 6, 1, 5),
        ),
        figures={name: LanguageFigures(tpr="99.5 %", rates=RATES)},
    )


def counts(*licences: str) -> DatasetCounts:
    found = DatasetCounts()
    for number, licence in enumerate(licences, 1):
        found.sources[LicensedSource(licence, f"package:{number}", "1")] = number
    return found


def titles(text: str) -> list[str]:
    return [element.text or "" for element in ElementTree.fromstring(text).iter("{http://www.w3.org/2000/svg}title")]


def test_the_plots_have_the_numbers_of_the_card() -> None:
    drawn = draw_plots(card(), counts("MIT", "", "MIT"))
    assert titles(drawn["funnel"])[1:] == [
        "sources, no language yet: 9 in, 8 out, 1 dropped",
        "translate, lua: 10 in, 9 out, 1 dropped",
        "translate, ocaml: 6 in, 1 out, 5 dropped",
    ]
    assert titles(drawn["certificate"])[1:] == [
        "lua, right programs pass: 99.50% (98.00% – 100.00%)",
        "lua, wrong programs fail: 70.00% (50.00% – 85.00%)",
    ]
    assert titles(drawn["tokens"])[1:] == ["translate: 1234"]
    assert titles(drawn["licences"])[1:] == ["MIT: 4", "not stated: 2"]
    assert [titles(text)[0] for text in drawn.values()] == [PLOTS[name] for name in drawn]


@pytest.mark.parametrize(
    ("given", "licences", "names"),
    [
        (DatasetCard(name="demo"), ("MIT",), []),
        (DatasetCard(name="demo"), ("MIT", "ISC"), ["licences"]),
        (DatasetCard(name="demo", funnel=card().funnel), (), ["tokens"]),
        (card(), (), ["funnel", "certificate", "tokens"]),
    ],
)
def test_a_plot_without_content_is_left_out(given: DatasetCard, licences: tuple[str, ...], names: list[str]) -> None:
    assert list(draw_plots(given, counts(*licences))) == names


def test_hostile_names_are_texts() -> None:
    for text in draw_plots(card(HOSTILE, HOSTILE), counts(HOSTILE, "MIT")).values():
        root = ElementTree.fromstring(text.encode("utf-8"))
        tags = {element.tag.rpartition("}")[2] for element in root.iter()}
        assert tags <= {"svg", "title", "style", "g", "rect", "text", "line", "circle"}
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", text)
        attributes = {name for element in root.iter() for name in element.attrib}
        assert not [name for name in attributes if name.startswith("on") or "href" in name]


def test_bars_fit_into_the_plot() -> None:
    many = tuple(LanguageFunnelCount("translate", f"language{n}", n, n, 0) for n in range(1, 30))
    given = DatasetCard(name="d", funnel=card().funnel[1:], by_language=many)
    for text in draw_plots(given, counts(*(f"licence {n}" for n in range(40)))).values():
        root = ElementTree.fromstring(text)
        width = float(root.attrib["viewBox"].split()[2])
        bars = [element.attrib for element in root.iter("{http://www.w3.org/2000/svg}rect")]
        assert bars
        assert all(float(bar["x"]) + float(bar["width"]) <= width for bar in bars)


def head_lines(root: ElementTree.Element) -> list[tuple[float, float, float, float]]:
    """Return the lines on which the heads of the columns stand, for characters of 7 px, from left to right."""
    lines = list[tuple[float, float, float, float]]()
    for head in root.findall("{http://www.w3.org/2000/svg}text[@class='soft']"):
        x, y, text = float(head.attrib["x"]), float(head.attrib["y"]), "".join(head.itertext())
        title = head.findtext("{http://www.w3.org/2000/svg}title") or ""
        turned = re.match(r"rotate\((-\d+) ", head.attrib.get("transform", "rotate(-0 "))
        assert turned is not None
        angle, length = math.radians(float(turned[1])), 7 * (len(text) - len(title))
        lines.append((x, y, x + length * math.cos(angle), y + length * math.sin(angle)))
    return lines


@pytest.mark.parametrize("length", [1, 6, 10, 28, 60])
@pytest.mark.parametrize("columns", [1, 4, 5, 6, 12, 29])
def test_heads_of_columns_do_not_overlap_and_say_their_language(columns: int, length: int) -> None:
    names = [f"{number:02}".ljust(length, "w") for number in range(columns)]
    many = tuple(LanguageFunnelCount("translate", name, 1, 1, 0) for name in names)
    given = DatasetCard(name="d", funnel=card().funnel, by_language=(*card().by_language[:1], *many))
    root = ElementTree.fromstring(draw_plots(given, counts())["funnel"])
    lines = head_lines(root)
    shown = root.findall("{http://www.w3.org/2000/svg}text[@class='soft']")
    texts = [(head.findtext("{http://www.w3.org/2000/svg}title") or head.text) for head in shown]
    assert texts == ["no language yet", *names[:12]]
    width = float(root.attrib["viewBox"].split()[2])
    first_rule = min(float(rule.attrib["y1"]) for rule in root.iter("{http://www.w3.org/2000/svg}line"))
    for x, y, end, top in lines:
        assert 0 <= x <= end <= width
        assert 0 <= top <= y < first_rule
    for (x, y, end, top), (following, *_) in pairwise(lines):
        across = (following - x) * (y - top) / math.hypot(end - x, y - top)  # between two turned texts
        assert end <= following or across >= 16


def test_plots_are_written_in_place_of_earlier_ones_and_named_by_the_card(tmp_path: Path) -> None:
    summary = counts("MIT", "ISC")
    assert write_plots(tmp_path, card(), summary) == ["funnel", "certificate", "tokens", "licences"]
    plots = write_plots(tmp_path, DatasetCard(name="demo"), summary)
    assert [path.name for path in (tmp_path / "plots").iterdir()] == ["licences.svg"]
    body = write_card(tmp_path, DatasetCard(name="demo"), summary, [], plots).read_text("utf-8")
    assert re.findall(r"!\[[^]]+\]\(([^)]+)\)", body) == ["plots/licences.svg"]
    assert write_plots(tmp_path, DatasetCard(name="demo"), counts()) == []
    assert not (tmp_path / "plots").exists()


def test_the_card_has_tables_of_languages_and_tokens(tmp_path: Path) -> None:
    body = write_card(tmp_path, card(), DatasetCounts(), []).read_text("utf-8")
    assert "| step | lua | ocaml |\n| --- | --- | --- |\n| translate | 9 / 1 | 1 / 5 |" in body
    assert "| step | tokens |\n| --- | --: |\n| translate | 1,234 |" in body


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "taken").touch()
    with pytest.raises(StorageError, match=r"taken/plots: the plots cannot be written"):
        write_plots(tmp_path / "taken", card(), counts())
