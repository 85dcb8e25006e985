import pytest
import yaml

from glotsmith.datasets.card import DatasetCard, LanguageFigures, write_card
from glotsmith.datasets.dataset_counts import DatasetCounts
from glotsmith.errors import StorageError
from glotsmith.records import FunnelRow, Origin

FUNNEL = (
    FunnelRow(step="filter", taken=1200, kept=900, dropped=300, made=900, reasons={"todo": 100, "imports": 200}),
    FunnelRow(step="translate", taken=900, kept=5, dropped=895, made=9, reasons={}, losses={"failed_verification": 7}),
)


@pytest.fixture
def write(tmp_path):
    def write(rows, files=(), **properties):
        summary = DatasetCounts()
        list(summary.count_rows(rows))
        path = write_card(
            tmp_path, DatasetCard(name="demo", **properties), summary, [tmp_path / file for file in files]
        )
        text = path.read_text("utf-8")
        _, header, body = text.split("---\n", 2)
        return yaml.safe_load(header), body

    return write


def test_the_header(write, make_example):
    rows = [make_example(n, language) for n in range(2) for language in ("lua", "r")]
    header, _ = write(rows, ["data/lua/train.jsonl", "data/r/train.jsonl"])
    assert header["pretty_name"] == "demo"
    assert header["license"] == "bsd-3-clause"
    assert header["language"] == ["code"]
    assert header["size_categories"] == ["n<1K"]
    assert header["tags"] == ["code", "execution-verified", "lua", "r", "synthetic"]
    everything, lua, _ = header["configs"]
    paths = ["data/lua/train.jsonl", "data/r/train.jsonl"]
    assert everything == {
        "config_name": "all",
        "default": True,
        "data_files": [{"split": "train", "path": paths}],
    }
    assert lua == {"config_name": "lua", "data_files": [{"split": "train", "path": paths[:1]}]}
    assert [info["config_name"] for info in header["dataset_info"]] == ["all", "lua", "r"]


@pytest.mark.parametrize(
    ("licences", "expected"),
    [
        (["MIT"], "mit"),
        (["Apache-2.0", "Apache-2.0"], "apache-2.0"),
        (["MIT", "Apache-2.0"], "other"),
        (["PSF-2.0"], "other"),
        ([""], "other"),
        (["MIT: yes"], "other"),
    ],
)
def test_the_licence(licences, expected, write, make_example):
    rows = [make_example(n, origin=Origin(source="s", path="p", licence=x)) for n, x in enumerate(licences)]
    assert write(rows)[0]["license"] == expected


def test_the_body_tells_the_story(write, make_example):
    rows = [make_example(n, language) for n in range(2) for language in ("lua", "r")] + [make_example(1, "r", id="x")]
    _, body = write(
        rows, funnel=FUNNEL, recipe="MultiPL-T.", parameters={"temperature": "0.8"}, benchmarks=("HumanEval.jsonl.gz",)
    )
    for line in [
        "# demo",
        "MultiPL-T.",
        "5 programs for 2 problems in 2 languages.",
        "| r | 3 | 2 | r 1 |",
        "| filter | 1,200 | 900 | 300 | 900 |",
        "| filter | imports | 200 | 0 | it imports a module that is not allowed |",
        "| translate | failed_verification | 0 | 7 | the program fails its suite |",
        "- teacher: scripted m",
        "- temperature: 0.8",
        "- decontaminated against: HumanEval.jsonl.gz",
        "| BSD-3-Clause | package:toolz | 1.2.0 | 5 |",
        "## Limits",
    ]:
        assert f"\n{line}" in f"\n{body}", line


def test_an_empty_dataset_says_so(write):
    header, body = write([], funnel=FUNNEL)
    assert "configs" not in header and "**This dataset is empty:** no item passed all steps" in body
    assert "decontaminated against: nothing" in body


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("/home/me/code", "code"),
        ("~/code/", "code"),
        ("C:\\Users\\me\\code", "code"),
        ("folder:/home/me/code", "folder:code"),
        ("package:toolz", "package:toolz"),
        ("src/code", "src/code"),
        ("https://example.org/a/b", "https://example.org/a/b"),
        ("/a/b.jsonl, /c/d.jsonl", "b.jsonl, d.jsonl"),
        ("1 / 2", "1 / 2"),
        ("a | b\nc", "a \\| b c"),
    ],
)
def test_no_path_of_the_machine_and_nothing_that_breaks_a_table(given, shown, write, make_example):
    _, body = write([make_example(origin=Origin(source=given, path="p"))], parameters={"source": given})
    assert f"| unknown | {shown} |  | 1 |" in body
    assert f"- source: {shown}\n" in body


def test_the_same_rows_are_the_same_card(write, make_example):
    rows = [make_example(n, language) for n in range(9) for language in ("r", "lua", "julia")]
    assert write(rows, funnel=FUNNEL) == write(reversed(rows), funnel=FUNNEL)


def test_a_folder_that_is_a_file(make_example, tmp_path):
    (tmp_path / "taken").write_text("")
    with pytest.raises(StorageError, match=r"taken/README\.md: the card cannot be written"):
        write_card(tmp_path / "taken", DatasetCard(name="demo"), DatasetCounts(), [])


def test_kinds_of_rows_and_findings_are_told(write, make_example):
    _, body = write([make_example(1)])
    assert "Each is a translation of a real Python function" in body
    assert "What a row is" not in body
    rows = [make_example(1, kind="inverse", stage=1), make_example(2, kind="original", stage=2)]
    _, body = write(rows, findings={"P(Yes) against execution": "AUC 0.7 | of 12"})
    assert "The rows are in training order" in body
    assert "| 1 | inverse | 1 | a program with an instruction that a model wrote" in body
    assert "| 2 | original | 1 | an unchanged pair of the instruction corpus" in body
    assert "- P(Yes) against execution: AUC 0.7 \\| of 12" in body


@pytest.mark.parametrize(
    ("figures", "titles", "lua"),
    [
        ({}, [], []),
        ({"lua": LanguageFigures(mutants_killed="7 of 8")}, ["mutants killed"], ["7 of 8"]),
        ({"r": LanguageFigures(tpr="100.0% (90 – 100)")}, ["right programs pass"], ["–"]),
        (
            {"lua": LanguageFigures(tpr="1", tnr="2", mutants_killed="3")},
            ["mutants killed", "right programs pass", "wrong programs fail"],
            ["3", "1", "2"],
        ),
    ],
)
def test_figures_of_languages_are_columns_where_they_were_measured(figures, titles, lua, write, make_example):
    _, body = write([make_example(n, language) for n in range(2) for language in ("lua", "r")], figures=figures)
    table = [[cell.strip() for cell in line.split("|")[1:-1]] for line in body.splitlines() if line.startswith("| l")]
    assert [row[4:] for row in table[:2]] == [titles, lua]
    assert ("glotsmith certify" in body) == bool(titles)
