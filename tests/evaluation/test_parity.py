"""MultiPL-E's published pass rule, run cold and bare here, against our verbatim mode: five languages, all kinds."""

import gzip
import json
import os
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from glotsmith.evaluation.benchmarks import multipl_e
from glotsmith.evaluation.benchmarks.row_files import read_rows
from glotsmith.evaluation.completions import read_completions, write_results
from glotsmith.evaluation.evaluate import Evaluation, EvaluationPlan, StoredReplies, evaluate
from glotsmith.evaluation.questions import EvaluationSample, Question

COMMANDS = {
    "jl": (["julia"], ".jl"),
    "lua": (["lua"], ".lua"),
    "ml": (["ocaml"], ".ml"),
    "r": (["Rscript"], ".r"),
    "rkt": (["racket"], ".rkt"),
}
LUAUNIT = Path(multipl_e.__file__).parent  # Lua's own path comes first: an installed luaunit is used if there is one

#: language → prompt, tests; written for this test in the layout of MultiPL-E's files
PROBLEMS = {
    "lua": (
        "-- Add up what is greater than k.\nlocal function sum_above(xs, k)\n",
        "lu = require('luaunit')\n\nfunction test_humaneval()\nlocal candidate = sum_above\n"
        "    lu.assertEquals(candidate({1, 5, 7}, 4), 12)\n    lu.assertEquals(candidate({}, 0), 0)\n"
        "    lu.assertEquals(candidate({-3, 2}, -4), -1)\nend\n\nos.exit(lu.LuaUnit.run())",
    ),
    "ml": (
        "(**Add up what is greater than k.\n*)\nlet sum_above (xs : int list) (k : int) : int =",
        "\nlet assertions =\n let candidate = sum_above in\n  (assert ((candidate [1; 5; 7] 4) = 12));\n"
        "  (assert ((candidate [] 0) = 0));\n  ()\n",
    ),
    "r": (
        "# Add up what is greater than k.\nsum_above <- function(xs, k) {\n",
        "test_humaneval <- function() {\n    candidate <- sum_above\n"
        "    if(!isTRUE(all.equal(candidate(c(1, 5, 7), 4), 12))){quit('no', 1)}\n"
        "    if(!isTRUE(all.equal(candidate(c(), 0), 0))){quit('no', 1)}\n}\ntest_humaneval()\n",
    ),
    "rkt": (
        "#lang racket\n\n;; Add up what is greater than k.\n(define (sum_above xs k)\n",
        "(require rackunit)\n\n(define (test-humaneval) \n\n  (let (( candidate sum_above))\n"
        "    (check-within (candidate (list 1 5 7) 4) 12 0.001)\n    (check-within (candidate (list ) 0) 0 0.001)\n"
        "))\n\n(test-humaneval)\n",
    ),
    "jl": (
        '"""Add up what is greater than k."""\nfunction sum_above(xs::Vector{Int64}, k::Int64)::Int64 \n',
        "using Test\n\n@testset begin\n\ncandidate = sum_above;\n\t@test(candidate([1, 5, 7], 4) == 12)\n"
        "\t@test(candidate(Vector{Int64}([]), 0) == 0)\nend\n",
    ),
}

#: language → kind → completion
COMPLETIONS = {
    "lua": {
        "right": "  local s = 0\n  for _, x in ipairs(xs) do if x > k then s = s + x end end\n  return s\nend\n",
        "wrong": "  local s = 0\n  for _, x in ipairs(xs) do s = s + x end\n  return s\nend\n",
        "broken": "  local s = = 0\nend\n",
        "raises": "  return xs.missing.field\nend\n",
        "leaves": "  os.exit(0)\nend\n",
        "loud": "  io.stderr:write('working')\n  local s = 0\n"
        "  for _, x in ipairs(xs) do if x > k then s = s + x end end\n  return s\nend\n",
    },
    "ml": {
        "right": " List.fold_left (fun s x -> if x > k then s + x else s) 0 xs\n",
        "wrong": " List.fold_left (+) 0 xs\n",
        "broken": " List.fold_left (fun s x -> \n",
        "raises": ' failwith "no"\n',
        "leaves": " exit 0\n",
        "loud": ' prerr_string "working"; List.fold_left (fun s x -> if x > k then s + x else s) 0 xs\n',
    },
    "r": {
        "right": "  sum(xs[xs > k])\n}\n",
        "wrong": "  sum(xs)\n}\n",
        "broken": "  sum(xs[[\n}\n",
        "raises": "  stop('no')\n}\n",
        "leaves": "  quit('no', 0)\n}\n",
        "loud": "  message('working')\n  sum(xs[xs > k])\n}\n",
    },
    "rkt": {
        "right": "  (for/sum ([x xs] #:when (> x k)) x))\n",
        "wrong": "  (apply + xs))\n",
        "broken": "  (for/sum ([x xs)\n",
        "raises": '  (error "no"))\n',
        "leaves": "  (exit 0))\n",
        "loud": '  (eprintf "working") (for/sum ([x xs] #:when (> x k)) x))\n',
    },
    "jl": {
        "right": "    sum(Int64[x for x in xs if x > k])\nend\n",
        "wrong": "    isempty(xs) ? 0 : sum(xs)\nend\n",
        "broken": "    sum(Int64[x for \nend\n",
        "raises": '    error("no")\nend\n',
        "leaves": "    exit(0)\nend\n",
        "loud": '    print(stderr, "working")\n    sum(Int64[x for x in xs if x > k])\nend\n',
    },
}
KINDS = tuple(COMPLETIONS["lua"])
CASES = [(language, kind) for language in PROBLEMS for kind in KINDS]
#: what a script that reads the exit code alone believes, and the evaluator's status does not: rackunit exits with 0
KNOWN_WRONG = {("rkt", "wrong"), ("rkt", "raises"), ("rkt", "loud")}


class Bare(NamedTuple):
    """What MultiPL-E's evaluator sees: the command on a file, in a folder, for 15 seconds."""

    exit_code: int
    status: str


def published(language: str, program: str, folder: Path) -> Bare:
    command, extension = COMMANDS[language]
    file = folder / f"program{extension}"
    file.write_text(program)
    env = {**os.environ, "LUA_PATH": f";;{LUAUNIT}/?.lua"}
    ran = subprocess.run([*command, file], capture_output=True, timeout=60, check=False, env=env)
    failed = ran.returncode != 0 or (language == "rkt" and len(ran.stderr) > 0)
    return Bare(ran.returncode, "Exception" if failed else "OK")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Completions in MultiPL-E's format: one .json.gz a problem, in a folder for each language."""
    root = tmp_path_factory.mktemp("completions")
    for language, (prompt, tests) in PROBLEMS.items():
        row = {
            "name": "HumanEval_901_sum_above",
            "language": language,
            "temperature": 0.2,
            "top_p": 0.95,
            "max_tokens": 512,
            "prompt": prompt,
            "tests": tests,
            "completions": [COMPLETIONS[language][kind] for kind in KINDS],
            "stop_tokens": [],
        }
        (root / language).mkdir()
        (root / language / f"{row['name']}.json.gz").write_bytes(gzip.compress(json.dumps(row).encode()))
    return root


class Judged(NamedTuple):
    questions: tuple[Question, ...]
    evaluation: Evaluation


@pytest.fixture(scope="module")
def judged(bench: Any, folder: Path) -> Judged:
    rows = read_rows(folder)
    wanted = multipl_e.BenchmarkRequest(name="multipl-e", languages=())
    questions = bench.run(multipl_e.read(rows, wanted)).questions
    stored = StoredReplies(read_completions(folder, questions))
    return Judged(questions, bench.run(evaluate(questions, stored, bench.verifier, EvaluationPlan(ks=(1,)))))


@pytest.mark.slow
@pytest.mark.parametrize(("language", "kind"), CASES)
def test_our_verdict_is_that_of_the_published_rule(judged: Judged, tmp_path: Path, language: str, kind: str) -> None:
    ours = multipl_e.language_of(language)
    question = next(q for q in judged.questions if q.language == ours)
    sample = next(s for s in judged.evaluation.samples if s.question == question.id and s.sample == KINDS.index(kind))
    prompt, tests = PROBLEMS[language]
    bare = published(language, f"{prompt}{COMPLETIONS[language][kind]}\n{tests}", tmp_path)
    assert sample.passed == (bare.status == "OK" and bare.exit_code == 0), (sample.status, bare)
    assert (sample.passed != (bare.exit_code == 0)) == ((language, kind) in KNOWN_WRONG)
    assert sample.passed == (kind in ("right", "leaves", "loud") and (language, kind) != ("rkt", "loud"))


@pytest.mark.slow
def test_its_own_tools_read_our_result_files(judged: Judged, tmp_path: Path) -> None:
    """As ``pass_k.py`` counts: status OK and exit code 0; every field that it and the evaluator name is there."""
    assert write_results(tmp_path, judged.questions, judged.evaluation.samples) == 5
    files = sorted(tmp_path.glob("*/*.results.json.gz"))
    assert [f.parent.name for f in files] == sorted(PROBLEMS)
    assert {f.name for f in files} == {"HumanEval_901_sum_above.results.json.gz"}
    for file in files:
        data = json.loads(gzip.decompress(file.read_bytes()))
        assert "completions" not in data
        assert {"name", "language", "temperature", "top_p", "max_tokens", "prompt", "tests", "stop_tokens"} <= set(data)
        passed = [r["status"] == "OK" and r["exit_code"] == 0 for r in data["results"]]
        expected = [kind in ("right", "leaves") or (kind == "loud" and data["language"] != "rkt") for kind in KINDS]
        assert passed == expected
        assert {frozenset(r) for r in data["results"]} == {
            frozenset({"program", "stdout", "stderr", "exit_code", "status", "timestamp"})
        }
        right = data["results"][0]["program"]
        assert data["prompt"] in right
        assert right.endswith(data["tests"])


def published_score(folder: Path) -> dict[str, Any]:
    """MultiPL-E's own figures of a folder of results (``pass_k.py``), written again from its text."""
    data = [json.loads(gzip.decompress(f.read_bytes())) for f in sorted(folder.glob("*.results.json.gz"))]
    (temperature,) = {d.get("temperature", 0.2) for d in data}
    assert temperature in (0.2, 0.8), "pass_k.py refuses any other"
    counts = [(len(d["results"]), sum(r["status"] == "OK" and r["exit_code"] == 0 for r in d["results"])) for d in data]
    return {"temperature": temperature, "pass@1": sum(1.0 if n - c < 1 else c / n for n, c in counts) / len(counts)}


def question_of(problem: str, language: str = "lua") -> Question:
    row = {"name": problem, "language": language, "prompt": "", "tests": "x", "stop_tokens": []}
    return Question(benchmark="multipl-e", problem=problem, language=language, published=row)


@pytest.mark.parametrize(("temperature", "read"), [(0.2, 0.2), (0.8, 0.8), (0.0, 0.2), (1.0, 0.2)])
def test_its_figures_are_ours_where_the_machine_failed(tmp_path: Path, temperature: float, read: float) -> None:
    """A problem of which nothing could be judged is no problem that was passed; languages do not mix."""
    questions = [question_of("p"), question_of("q"), question_of("p", "ocaml"), question_of("../../r")]
    statuses = {"lua/p": ["pass", "fail:wrong"], "lua/q": ["infra:sandbox"] * 2, "lua/../../r": ["fail:wrong"]}
    statuses["ocaml/p"] = ["fail:wrong"]
    samples = [
        EvaluationSample(question=f"multipl-e/{name}", sample=i, status=status)
        for name, of in statuses.items()
        for i, status in enumerate(of)
    ]
    assert write_results(tmp_path / "out", questions, samples, {"temperature": temperature, "top_p": 0.95}) == 3
    assert published_score(tmp_path / "out" / "lua") == {"temperature": read, "pass@1": 0.25}
    assert published_score(tmp_path / "out" / "ml")["pass@1"] == 0.0
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_the_one_rule_that_is_known_wrong_is_listed() -> None:
    assert {multipl_e.language_of(language) for language, _ in KNOWN_WRONG} == set(multipl_e.KNOWN_WRONG)
