"""Reports of runs: their numbers are the ledger's, they are one file, and the same run gives the same bytes."""

import re
import sqlite3
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from ledgers import STEPS, any_run, small_run
from pages import read, rows_of

from glotsmith.report import write_report
from glotsmith.report.listed_rows import ListLimits
from glotsmith.run_folder import RunFolder

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_run(tmp_path_factory.mktemp("runs") / "small")


@pytest.mark.parametrize("seed", range(12))
def test_every_number_is_the_ledgers(tmp_path: Path, seed: int) -> None:
    run = any_run(tmp_path / "run", seed)
    page = read(write_report([run], tmp_path / "r.html", ListLimits(0, 0)))
    summary, rows = page["summary"]["runs"][0], rows_of(page)
    ledger = sqlite3.connect(run / "ledger.sqlite")
    names = dict(ledger.execute("SELECT place, name FROM steps"))
    items = list(ledger.execute("SELECT step, status, reason, ordinal FROM items"))
    counts = Counter((names[step], status, reason) for step, status, reason, _ in items)
    for row in summary["funnel"]:
        inputs = [item for item in items if names[item[0]] == row["step"] and item[3] == 0]
        assert row["taken"] == len(inputs)
        assert row["dropped"] == sum(item[1] == "dropped" for item in inputs)
        assert row["made"] == counts[row["step"], "kept", ""]
        for kind, name in (("dropped", "reasons"), ("lost", "losses")):
            assert row[name] == {r: n for (s, k, r), n in counts.items() if s == row["step"] and k == kind}
    by_language = Counter[tuple[str, str, str]]()
    for group in summary["languages"]:
        by_language[group["step"], group["status"], group["reason"]] += group["rows"]
    assert by_language == counts
    listed = Counter((row["step"], row["status"], row["reason"]) for row in rows if row["status"] != "waiting")
    assert listed == {k: n for k, n in counts.items() if k[1] != "kept" or k[0] == STEPS[-1]}
    assert summary["rows"] == counts[STEPS[-1], "kept", ""]
    failing = sum(one["programs"] for one in summary["failures"])
    assert failing == counts["translate", "lost", "failed_verification"]
    has_stops = ledger.execute("SELECT 1 FROM sqlite_master WHERE name = 'sampling_ends'").fetchone()
    stops = (
        ledger.execute("SELECT language, reason, replies, distinct_rows FROM sampling_ends").fetchall()
        if has_stops
        else []
    )
    assert {(one["language"], one["reason"]): one["problems"] for one in summary["sampling"]} == Counter(
        stop[:2] for stop in stops
    )
    for column, name in ((2, "replies"), (3, "rows")):
        assert sum(one[name] for one in summary["sampling"]) == sum(stop[column] for stop in stops)
    final = [row for row in rows if (row["step"], row["status"]) in (("dataset", "kept"), ("translate", "dropped"))]
    assert Counter((row["language"], row["stop"]) for row in final) <= Counter(stop[:2] for stop in stops)
    if summary["costs"]["paid"]:
        calls = summary["costs"]["calls"].values()
        assert sum(call["requests"] for call in calls) == summary["costs"]["paid"]["requests"]
    money = sum(row["cost"] for row in summary["funnel"])
    assert money == pytest.approx(sum(r[0] for r in ledger.execute("SELECT cost FROM items")) / 1e9)
    ledger.close()


@pytest.mark.parametrize("seed", range(6))
def test_the_rows_of_an_unfinished_run_that_wait_are_those_without_an_answer(tmp_path: Path, seed: int) -> None:
    run = any_run(tmp_path / "run", seed)
    rows = rows_of(read(write_report([run], tmp_path / "r.html", ListLimits(0, 0))))
    with RunFolder.open(run) as folder:
        finished = folder.ledger.is_finished("dataset")
        waiting = sum(folder.ledger.count_pending(a, b) for a, b in pairwise(STEPS))
    assert sum(row["status"] == "waiting" for row in rows) == (0 if finished else waiting)


def test_a_row_has_its_programs_tests_and_path(run: Path, tmp_path: Path) -> None:
    rows = rows_of(read(write_report([run], tmp_path / "r.html")))
    kept = next(row for row in rows if row["key"] == "sol-lua-1")
    assert (kept["name"], kept["language"], kept["verdict"], kept["mutants"], kept["tests"]) == (
        "name_1",
        "lua",
        "pass",
        53,
        3,
    )
    assert kept["detail"]["code"].startswith("local function f(s, n)\n  return 1")
    assert kept["detail"]["source"].startswith("def f(s, n)")
    assert kept["detail"]["path"][-1] == ["translate", "sol-lua-1"]
    assert ["make_tasks", "lua-1"] in kept["detail"]["path"]
    lost = next(row for row in rows if row["key"] == "lua-1:0")
    assert (lost["status"], lost["verdict"], lost["name"]) == ("lost", "fail:compile", "name_1")
    assert lost["detail"]["cases"][1]["actual"].startswith("candidate:1: unexpected symbol")
    assert lost["detail"]["tests"] == kept["detail"]["tests"]
    assert lost["problem"] == kept["problem"]
    assert (lost["stop"], kept["stop"]) == ("few_new_rows", "few_new_rows")
    assert kept["detail"]["sampling"] == (
        "lua: sampling stopped after 2 replies, because another reply is too unlikely to give a new distinct row "
        "(few_new_rows). 1 passed, 1 distinct row, 100 tokens."
    )
    undocumented = next(row for row in rows if row["reason"] == "undocumented")
    assert undocumented["stop"] == "" and "sampling" not in undocumented["detail"]


def test_prompts_and_replies_are_those_of_the_row(run: Path, tmp_path: Path) -> None:
    rows = rows_of(read(write_report([run], tmp_path / "r.html")))
    evil = [row for row in rows if row["name"].startswith("evil_")]
    (found,) = next(row["detail"]["exchanges"] for row in evil if row["status"] == "kept")
    assert found["call"] == "translate"
    assert "\u202e" in found["prompt"] and found["reply"] == found["prompt"]


def test_the_weakest_row_and_the_commonest_messages(run: Path, tmp_path: Path) -> None:
    summary = read(write_report([run], tmp_path / "r.html"))["summary"]["runs"][0]
    assert summary["weakest"][0]["name"] == "name_0"
    lua = next(one for one in summary["failures"] if (one["language"], one["status"]) == ("lua", "fail:compile"))
    assert [(m["message"], m["programs"]) for m in lua["messages"]] == [("unexpected symbol near ‘…’", 6)]
    assert summary["samples"] == {"step": "translate", "first": {"lua": {"0": 13}, "ocaml": {"0": 12}}}


def test_a_limit_takes_examples_of_every_reason_and_language(run: Path, tmp_path: Path) -> None:
    rows = rows_of(read(write_report([run], tmp_path / "r.html", ListLimits(rows=4, examples=2))))
    found = Counter((row["step"], row["status"], row["reason"], row["language"]) for row in rows)
    assert found == {
        ("filter", "dropped", "undocumented", ""): 2,
        ("filter", "dropped", "imports", ""): 2,
        ("translate", "lost", "failed_verification", "lua"): 2,
        ("translate", "lost", "failed_verification", "ocaml"): 2,
        ("dataset", "kept", "", "lua"): 4,
        ("dataset", "kept", "", "ocaml"): 4,
    }


def test_the_same_run_gives_the_same_bytes_and_the_page_names_no_other_place(run: Path, tmp_path: Path) -> None:
    first, second = (write_report([run], tmp_path / name) for name in ("1.html", "2.html"))
    text = first.read_text("utf-8")
    assert text == second.read_text("utf-8")
    shell = re.sub(r'<script type="application/gzip"[^<]*</script>', "", text)
    assert not re.findall(r"(?:src|href|url|import|fetch)\s*[=(]\s*[\"']?(?:https?:)?//", shell)
    assert "default-src &#x27;none&#x27;" in text
    assert "unsafe" not in text.partition("<title>")[0]


def test_several_runs_are_compared(run: Path, tmp_path: Path, glotsmith: Command) -> None:
    other = any_run(tmp_path / "other", 3)
    assert glotsmith("report", run, other)[0] == 2
    code, out, err = glotsmith("report", run, other, "-o", tmp_path / "both.html")
    assert (code, out.strip()) == (0, str(tmp_path / "both.html"))
    assert "file:///" in err
    page = read(tmp_path / "both.html")
    assert [one["name"] for one in page["summary"]["runs"]] == ["small", "other"]
    assert page["summary"]["runs"][0]["figures"].keys() == {"distinct", "pairs"}
    assert rows_of(page, 1)


def test_the_report_of_one_run_is_in_its_folder(tmp_path: Path, glotsmith: Command) -> None:
    run = any_run(tmp_path / "run", 4)
    assert glotsmith("report", run)[0] == 0
    assert read(run / "report.html")["summary"]["runs"][0]["recipe"] == "multipl-t"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nowhere",), "not a run folder"),
        ((".", "-o", "."), "is a folder; give"),
    ],
)
def test_a_mistake_gets_a_sentence(
    tmp_path: Path, glotsmith: Command, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    code, _, err = glotsmith("report", *arguments)
    assert code == 2
    assert message in err


def test_a_run_that_has_not_begun_is_refused(tmp_path: Path, glotsmith: Command) -> None:
    (tmp_path / "run.toml").write_text('recipe = "multipl-t"\n')
    code, _, err = glotsmith("report", tmp_path)
    assert (code, "has not started" in err) == (2, True)
    assert not (tmp_path / "report.html").exists()
