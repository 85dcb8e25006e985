"""``glotsmith benchmark make``: rows of a dataset in, an evaluation set out, and both ways to run it."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from model_server import SOURCE

Command = Callable[..., tuple[int, str, str]]


def row(number: int, name: str, source: str, signature: str, tests: list[str], language: str = "lua") -> dict[str, Any]:
    """A row as exporters write it; only the fields that the command reads are filled in."""
    return {
        "id": f"r{number}{language}",
        "parallel_id": f"{number:032x}",
        "language": language,
        "name": name,
        "messages": [{"role": "user", "content": "Write it."}],
        "prompt": "",
        "completion": "",
        "source": source,
        "signature": signature,
        "tests": tests,
        "origin": {"source": "s", "path": "p.py"},
        "lineage": {"teacher": "t"},
    }


ADD = row(
    1, "add", 'def add(x, y):\n    """Add two ints."""\n    return x + y', "def add(x: int, y: int) -> int",
    ["assert add(1, -2) == -1", "assert add(2, 2) == 4", "assert add(0, 0) == 0"],
)  # fmt: skip
PAIRS = row(
    2, "pairs", 'def pairs(xs):\n    """Pair each with its square."""\n    return {x: x * x for x in xs}',
    "def pairs(xs: list[int]) -> dict[int, int]",
    ["assert pairs([1, 2]) == {1: 1, 2: 4}", "assert pairs([]) == {}", "assert pairs([-3]) == {-3: 9}"],
)  # fmt: skip
MIXED = row(
    3, "mixed", 'def mixed(x):\n    """Say what it is."""\n    return "odd" if x % 2 else x', "def mixed(x: int)",
    ["assert mixed(1) == 'odd'", "assert mixed(2) == 2", "assert mixed(4) == 4"],
)  # fmt: skip
SOURCELESS = row(4, "gone", "", "def gone(x: int) -> int", ["assert gone(1) == 1"])


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    fewer = {**ADD, "id": "r1ruby", "language": "ruby", "tests": ADD["tests"][:1]}
    file = tmp_path / "rows.jsonl"
    file.write_text("".join(json.dumps(r) + "\n" for r in (MIXED, fewer, ADD, PAIRS, SOURCELESS)))
    return file


def lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


@pytest.mark.slow
def test_a_set_for_two_languages_and_what_can_not_be_asked(glotsmith: Command, rows: Path, tmp_path: Path) -> None:
    out = tmp_path / "set"
    code, stdout, stderr = glotsmith(
        "benchmark", "make", rows, "-l", "ocaml", "-l", "perl", "--name", "mine", "-o", out
    )
    assert code == 0, stderr
    assert "5 questions (2 in OCaml, 3 in Perl); 3 problems are impossible" in stdout
    questions = lines(out / "questions.jsonl")
    assert [(q["language"], q["name"]) for q in questions] == [
        ("ocaml", "add"),
        ("ocaml", "pairs"),
        ("perl", "mixed"),
        ("perl", "add"),
        ("perl", "pairs"),
    ]
    forms = {one: [r["name"] for r in lines(out / "multipl-e" / f"mine-{one}.jsonl")] for one in ("ml", "pl")}
    assert forms["pl"] == ["own_0_mixed", "own_1_add", "own_2_pairs"]
    assert forms["ml"] == forms["pl"][1:]  # a problem has one name, whichever others a language cannot hold
    assert questions[0]["prefix"] == "(* Add two ints. *)\nlet add (x : int) (y : int) : int =\n"
    assert len(questions[0]["tests"]) == 3  # of the row that has more
    lost = {(i["problem"], i["language"]): i["reason"] for i in lines(out / "impossible.jsonl")}
    assert lost[(f"{4:032x}", "ocaml")] == "unusable"
    assert lost[(f"mixed-{3:032x}"[:14], "ocaml")] == "unrepresentable"
    assert [r["name"] for r in lines(out / "train.jsonl")] == ["gone"]


@pytest.mark.parametrize(
    "test", ["assert add(1, 2) > 2", "assert sorted([add(1, 2)]) == [3]", "assert add(3, 4)", "assert not add(1, -1)"]
)
@pytest.mark.parametrize("alone", [False, True])
def test_what_the_files_for_multipl_e_leave_out_is_listed(
    glotsmith: Command, tmp_path: Path, test: str, alone: bool
) -> None:
    file, out = tmp_path / "rows.jsonl", tmp_path / "set"
    given = [{**ADD, "tests": [*ADD["tests"], test]}, *([] if alone else [PAIRS])]
    file.write_text("".join(json.dumps(r) + "\n" for r in given))
    code, stdout, stderr = glotsmith("benchmark", "make", file, "-l", "perl", "--name", "mine", "-o", out)
    assert code == 0, stderr
    assert [q["name"] for q in lines(out / "questions.jsonl")] == [r["name"] for r in given]
    assert "1 question is not in the files for MultiPL-E; impossible.jsonl says why" in stdout
    (found,) = lines(out / "impossible.jsonl")
    assert (found["benchmark"], found["language"], found["reason"]) == ("mine-multipl-e", "perl", "unrepresentable")
    assert found["problem"].startswith("add-")
    assert test in found["detail"]
    assert (out / "multipl-e" / "mine-pl.jsonl").exists() != alone


@pytest.mark.slow
def test_problems_that_evaluate_do_not_train(glotsmith: Command, rows: Path, tmp_path: Path) -> None:
    seen = set[frozenset[str]]()
    for seed in range(4):
        out = tmp_path / f"set{seed}"
        code, _, _ = glotsmith(
            "benchmark", "make", rows, "-l", "perl", "--share", 0.5, "--seed", seed, "-o", out, "--jobs", 2
        )
        if code == 2:  # by its hash no problem was chosen
            continue
        names = {q["name"] for q in lines(out / "questions.jsonl")}
        trained = {r["name"] for r in lines(out / "train.jsonl")}
        assert not names & trained
        assert names | trained == {"add", "pairs", "mixed", "gone"}
        seen.add(frozenset(names))
    assert len(seen) > 1


@pytest.mark.slow
def test_both_forms_of_a_set_judge_alike(glotsmith: Command, rows: Path, tmp_path: Path) -> None:
    """Our own questions and the files for MultiPL-E, with the same completions of a person."""
    out = tmp_path / "set"
    assert glotsmith("benchmark", "make", rows, "-l", "ocaml", "-o", out)[0] == 0
    prompts = out / "multipl-e" / "own-ml.jsonl"
    written = lines(prompts)
    assert set(written[0]) == {
        "name", "language", "prompt", "doctests", "original", "prompt_terminology", "tests", "stop_tokens"
    }  # fmt: skip
    assert "assert ((candidate 1 (-2)) = ((-1)));" in written[0]["tests"]
    bodies = {
        "add": [" x + y", " x - y", ' failwith "no"'],
        "pairs": [" List.map (fun x -> (x, x * x)) xs", " []", " xs"],
    }
    for name, form in (("questions", out / "questions.jsonl"), ("multipl-e", prompts)):
        completions = tmp_path / f"{name}.jsonl"
        problems = [q.get("problem") or q["name"] for q in lines(form)]
        texts = [bodies["add"], bodies["pairs"]]
        completions.write_text(
            "".join(json.dumps({"name": p, "completions": t}) + "\n" for p, t in zip(problems, texts, strict=True))
        )
        result = tmp_path / f"out-{name}"
        code, _, stderr = glotsmith(
            "evaluate", f"{name}={form}", "-l", "ocaml", "--completions", completions, "--k", 1, "-o", result
        )
        assert code == 0, stderr
        summary = json.loads((result / "summary.json").read_text())["summary"]
        assert summary["scores"][0]["statuses"]["pass"] == 2
        assert summary["scores"][0]["samples"] == 6
        assert summary.get("impossible", []) == []


@pytest.mark.slow
def test_a_language_of_the_users_writes_tests_by_a_table(glotsmith: Command, rows: Path, tmp_path: Path) -> None:
    code, stdout, _ = glotsmith("benchmark", "make", rows, "-l", "bash", "-o", tmp_path / "bash")
    assert (code, "No files for MultiPL-E in Bash: it has no tests of whole programs" in stdout) == (0, True)
    assert all(question.get("name", "") == "" for question in lines(tmp_path / "bash" / "questions.jsonl"))
    code, stdout, _ = glotsmith("benchmark", "make", rows, "-l", "go", "-o", tmp_path / "go")
    assert code == 0
    assert "No files for MultiPL-E in Go: it has no template of tests" in stdout
    table = tmp_path / "assertions.toml"
    table.write_text(
        '[go]\nhead = "func main() {\\n"\ncase = "check(@{name}(@{arguments}), @{expected})\\n"\ntail = "}\\n"\n'
    )
    code, stdout, _ = glotsmith("benchmark", "make", rows, "-l", "go", "--assertions", table, "-o", tmp_path / "go2")
    (_, second, *_) = lines(tmp_path / "go2" / "multipl-e" / "own-go_test.go.jsonl")
    assert second["tests"].startswith("func main() {\ncheck(add(")


@pytest.mark.slow
def test_a_folder_is_for_one_set(glotsmith: Command, rows: Path, tmp_path: Path) -> None:
    out = tmp_path / "set"
    command = ("benchmark", "make", rows, "-l", "perl", "-o", out)
    assert glotsmith(*command)[0] == 0
    assert glotsmith(*command)[0] == 0  # the same again takes its place
    before = (out / "questions.jsonl").read_bytes()
    for other in (("--seed", 3), ("--share", 0.5), ("--name", "mine"), ("-l", "lua")):
        code, _, stderr = glotsmith(*command, *other)
        assert (code, "contains a set with other options" in stderr) == (2, True), stderr
    assert (out / "questions.jsonl").read_bytes() == before


@pytest.fixture
def finished(glotsmith: Command, tmp_path: Path) -> Path:
    """The folder of a finished run with two rows."""
    (tmp_path / "small.py").write_text(SOURCE)
    quick = ("--set", "suites=0", "--set", "typecheck=false")
    code, stdout, err = glotsmith(
        "run", "multipl-t", "-s", tmp_path / "small.py", "-l", "lua", *quick, "-o", tmp_path / "run"
    )
    assert code == 0, err
    assert "verified programs are in" in stdout
    return tmp_path / "run"


@pytest.mark.slow
@pytest.mark.parametrize("source", ["run", "run/dataset", "run/dataset/jsonl", "run/dataset/parquet", "copy"])
def test_a_set_is_made_of_a_run_or_of_its_dataset_after_an_export(
    glotsmith: Command, finished: Path, tmp_path: Path, source: str
) -> None:
    for form in ("trl-sft", "alpaca", "jsonl"):
        assert glotsmith("export", finished, "--format", form)[0] == 0
    shutil.copytree(finished / "dataset", tmp_path / "copy")
    code, _, err = glotsmith("benchmark", "make", tmp_path / source, "-l", "lua", "-o", tmp_path / "set")
    assert code == 0, err
    expected = lines(finished / "dataset/jsonl/data/lua/train.jsonl")
    assert len(lines(tmp_path / "set/questions.jsonl")) == len({row["parallel_id"] for row in expected})


@pytest.mark.slow
@pytest.mark.parametrize("form", ["trl-sft", "alpaca", "text"])
def test_rows_for_a_trainer_are_refused_with_advice(
    glotsmith: Command, finished: Path, tmp_path: Path, form: str
) -> None:
    assert glotsmith("export", finished, "--format", form)[0] == 0
    source = finished / "dataset" / form
    code, _, err = glotsmith("benchmark", "make", source, "-l", "lua", "-o", tmp_path / "set")
    assert code == 2
    assert "Give a run folder, or its export in jsonl or parquet" in err
