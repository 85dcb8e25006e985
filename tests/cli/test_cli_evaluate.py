"""``glotsmith evaluate`` from end to end: files in, figures out, and the same command again."""

import gzip
import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from glotsmith.evaluation.result_files import CACHE

Command = Callable[..., tuple[int, str, str]]

ROW = {
    "task_id": "HumanEval/901",
    "prompt": 'def sum_above(xs: list, k: int) -> int:\n    """ Add up what is greater than k. """\n',
    "entry_point": "sum_above",
    "canonical_solution": "    return sum(x for x in xs if x > k)\n",
    "test": "def check(candidate):\n    assert candidate([1, 5, 7], 4) == 12\n    assert candidate([], 0) == 0\n"
    "    assert candidate([-3, 2], -4) == -1\n",
}
LOOP = {
    **ROW,
    "task_id": "HumanEval/902",
    "test": "def check(candidate):\n    for i in range(3):\n        assert candidate",
}
WRONG_ORIGINAL = {**ROW, "task_id": "HumanEval/903", "canonical_solution": "    return sum(xs)\n"}
BODY = "  local s = 0\n  for _, x in ipairs(xs) do if x > k then s = s + x end end\n  return s\nend"
LUA = f"local function sum_above(xs, k)\n{BODY}"


def write(file: Path, rows: list[dict[str, Any]]) -> Path:
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return file


def results(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in gzip.decompress((folder / "results.jsonl.gz").read_bytes()).splitlines()]


@pytest.fixture
def humaneval(tmp_path: Path) -> Path:
    return write(tmp_path / "HumanEval.jsonl", [ROW, LOOP, WRONG_ORIGINAL])


@pytest.fixture
def replies(tmp_path: Path) -> Path:
    """Replies written by hand."""
    texts = [
        f"```lua\n{LUA}\n```",
        "```lua\nlocal function sum_above(xs, k) return 0 end\n```",
        "Sorry.",
        "```lua\n}\n```",
    ]
    right = "```python\ndef sum_above(xs, k):\n    return sum(x for x in xs if x > k)\n```"
    return write(
        tmp_path / "replies.jsonl",
        [
            {"call": "evaluate", "item": "sum_above", "language": "lua", "replies": texts},
            {"call": "evaluate", "item": "sum_above", "language": "python", "replies": [right] * 4},
        ],
    )


def test_a_benchmark_in_two_languages(glotsmith: Command, tmp_path: Path, humaneval: Path, replies: Path) -> None:
    out = tmp_path / "out"
    command = ("evaluate", f"humaneval={humaneval}", "-l", "lua", "-l", "python", "--teacher", "scripted")
    options = ("--model", replies, "-n", 4, "--k", 1, "--k", 2, "--k", 10, "-o", out)
    code, table, stderr = glotsmith(*command, *options, "--progress", "json")
    assert code == 0, stderr
    last = [json.loads(line) for line in stderr.splitlines()][-1]
    shown = {e["step"]: (e["done"], e["total"], e["kept"], e["dropped"]) for e in last["steps"]}
    judged = [sample["status"] for sample in results(out)]
    assert shown == {"humaneval lua": (4, 4, 1, 3), "humaneval python": (4, 4, 4, 0)}
    assert last["failures"] == Counter(status for status in judged if status != "pass")
    summary = json.loads((out / "summary.json").read_text())["summary"]
    lua, python = summary["scores"]
    assert (lua["language"], lua["samples"], lua["infra"], lua["impossible"]) == ("lua", 4, 0, 2)
    assert [(f["k"], f["value"]["mean"]) for f in lua["figures"]] == [(1, 0.25), (2, 0.5)]  # no 10 of 4 samples
    assert python["figures"][0]["value"]["mean"] == 1.0
    assert python["figures"][0]["value"]["low"] < 0.3  # one problem proves little
    assert "25.0% (" in table
    assert "100.0% (" in table
    assert "humaneval, lua: 1 problem has tests that are not calls over literals: HumanEval/902" in table
    assert "humaneval, lua: 1 problem has an original that fails the tests: HumanEval/903" in table
    statuses = [r["status"] for r in results(out)]
    assert statuses[:4] == ["pass", "fail:wrong", "fail:no_code", "fail:compile"]
    before = {p.name: p.read_bytes() for p in out.iterdir() if p.suffix in (".gz", ".json", ".jsonl")}
    assert glotsmith(*command, *options)[0] == 0
    assert before == {name: (out / name).read_bytes() for name in before}
    code, _, stderr = glotsmith(*command, *options, "-t", 0.8)
    assert code == 2
    assert "contains another evaluation (--temperature was 0.2 and is now 0.8)" in stderr


@pytest.mark.parametrize(
    "again",
    [
        ["-l", "lua", "-l", "python", "--k", 2],
        ["-l", "lua", "-l", "python", "--k", 1, "--k", 3, "--k", 4],
        ["-l", "lua", "-l", "python"],
        ["-l", "python", "-l", "lua", "--k", 1],
    ],
    ids=["another k", "more k", "the default k", "languages in another order"],
)
def test_what_changes_no_sample_may_change_on_a_resume(
    glotsmith: Command, tmp_path: Path, humaneval: Path, replies: Path, again: list[object]
) -> None:
    command = ("evaluate", f"humaneval={humaneval}", "--teacher", "scripted", "--model", replies, "-n", 4)
    assert glotsmith(*command, "-l", "lua", "-l", "python", "--k", 1, "-o", tmp_path / "out")[0] == 0
    samples = results(tmp_path / "out")
    code, table, stderr = glotsmith(*command, *again, "-o", tmp_path / "out")
    assert code == 0, stderr
    assert sorted(map(str, samples)) == sorted(map(str, results(tmp_path / "out")))
    ks = [str(again[n + 1]) for n, one in enumerate(again) if one == "--k"] or ["1"]
    assert all(f"pass@{k}" in table for k in ks)


@pytest.mark.parametrize(
    ("again", "changed"),
    [
        (["-l", "lua", "-n", 5], "--samples was 4 and is now 5"),
        (["-l", "lua", "-n", 4, "--top-p", 0.5], "--top-p was 0.95 and is now 0.5"),
        (["-l", "lua", "-n", 4, "--seed", 7], "--seed was 0 and is now 7"),
        (["-l", "lua", "-l", "python", "-n", 4], '--language was ["lua"] and is now ["lua","python"]'),
        (["-l", "lua", "-n", 4, "--limit", 1, "--k", 1], "--limit was 0 and is now 1"),
    ],
)
def test_what_determines_samples_is_named_as_it_is_typed(
    glotsmith: Command, tmp_path: Path, humaneval: Path, replies: Path, again: list[object], changed: str
) -> None:
    command = ("evaluate", f"humaneval={humaneval}", "--teacher", "scripted", "--model", replies)
    assert glotsmith(*command, "-l", "lua", "-n", 4, "-o", tmp_path / "out")[0] == 0
    code, _, stderr = glotsmith(*command, *again, "-o", tmp_path / "out")
    assert code == 2
    assert f"contains another evaluation ({changed})" in stderr


CONTRADICTIONS = [
    (["--greedy", "-n", 20], "--greedy sets --samples to 1, but --samples is 20"),
    (["--greedy", "-t", 0.2], "--greedy sets --temperature to 0, but --temperature is 0.2"),
    (["--greedy", "--top-p", 0.95], "--greedy sets --top-p to 1, but --top-p is 0.95"),
    (["--completions", "{rows}", "-n", 3], "--samples is for requests to a model, but --completions sends no requests"),
    (
        ["--completions", "{rows}", "--greedy"],
        "--greedy is for requests to a model, but --completions sends no requests",
    ),
    (
        ["--completions", "{rows}", "--model", "m"],
        "--model is for requests to a model, but --completions sends no requests",
    ),
    (
        ["--completions", "{rows}", "--seed", 0],
        "--seed is for requests to a model, but --completions sends no requests",
    ),
    (
        ["--completions", "{rows}", "--set", "x=1"],
        "--set is for requests to a model, but --completions sends no requests",
    ),
]


@pytest.mark.parametrize(("options", "sentence"), CONTRADICTIONS)
def test_options_that_contradict_each_other_are_refused(
    glotsmith: Command, tmp_path: Path, humaneval: Path, options: list[object], sentence: str
) -> None:
    given = [str(one).format(rows=humaneval) for one in options]
    teacher = [] if "--completions" in given else ["--teacher", "scripted", "--model", humaneval]
    code, _, stderr = glotsmith(
        "evaluate", f"humaneval={humaneval}", "-l", "lua", *teacher, *given, "-o", tmp_path / "o"
    )
    assert code == 2
    assert sentence in stderr
    assert not (tmp_path / "o").exists()


@pytest.mark.parametrize("options", [["--greedy"], ["--greedy", "-n", 1, "-t", 0, "--top-p", 1]])
def test_greedy_is_one_sample_at_temperature_0(
    glotsmith: Command, tmp_path: Path, humaneval: Path, replies: Path, options: list[object]
) -> None:
    command = ("evaluate", f"humaneval={humaneval}", "-l", "lua", "--teacher", "scripted", "--model", replies)
    code, _, stderr = glotsmith(*command, *options, "-o", tmp_path / "out")
    assert code == 0, stderr
    plan = json.loads(json.loads((tmp_path / "out" / "summary.json").read_text())["config"]["plan"])
    assert (plan["samples"], plan["temperature"], plan["top_p"]) == (1, 0, 1)


def test_published_and_corrected_suites_side_by_side(glotsmith: Command, tmp_path: Path, humaneval: Path) -> None:
    """One folder of completions in MultiPL-E's format, judged by the published tests and by ours."""
    folder, out = tmp_path / "completions", tmp_path / "out"
    folder.mkdir()
    row = {
        "name": "HumanEval_901_sum_above",
        "language": "lua",
        "temperature": 0.2,
        "top_p": 0.95,
        "max_tokens": 512,
        "prompt": "-- Add up.\nlocal function sum_above(xs, k)\n",
        "tests": "lu = require('luaunit')\n\nfunction test_humaneval()\nlocal candidate = sum_above\n"
        "    lu.assertEquals(candidate({1, 5, 7}, 4), 12)\nend\n\nos.exit(lu.LuaUnit.run())",
        "completions": [BODY, "  os.exit(0)\nend", "  return 12\nend", "  return 0\nend"],
        "stop_tokens": ["\nlocal"],
    }
    (folder / "HumanEval_901_sum_above.json.gz").write_bytes(gzip.compress(json.dumps(row).encode()))
    unknown = {**row, "name": "HumanEval_999_f", "completions": []}
    (folder / "HumanEval_999_f.json.gz").write_bytes(gzip.compress(json.dumps(unknown).encode()))
    code, table, stderr = glotsmith(
        "evaluate", f"multipl-e={folder}", "--completions", folder, "--original", f"humaneval={humaneval}",
        "--k", 1, "-o", out,
    )  # fmt: skip
    assert code == 0, stderr
    by = {r["question"]: [] for r in results(out)}
    for r in results(out):
        by[r["question"]].append(r["status"])
    assert by == {
        "multipl-e/lua/HumanEval_901_sum_above": ["pass", "pass", "pass", "fail:runtime"],
        "multipl-e-corrected/lua/HumanEval_901_sum_above": ["pass", "fail:exit", "fail:wrong", "fail:wrong"],
    }
    assert "multipl-e-corrected, lua: 1 problem is published and has no corrected suite: HumanEval_999_f" in table
    written = json.loads(gzip.decompress((out / "multipl-e/lua/HumanEval_901_sum_above.results.json.gz").read_bytes()))
    assert [r["status"] for r in written["results"]] == ["OK", "OK", "OK", "Exception"]
    assert "Note: multipl-e, lua: 1 of 2 problems has no completion" in table


def test_the_first_problems_only(glotsmith: Command, tmp_path: Path, humaneval: Path, replies: Path) -> None:
    command = ("evaluate", f"humaneval={humaneval}", "-l", "lua", "--teacher", "scripted", "--model", replies)
    code, table, _ = glotsmith(*command, "-n", 1, "--limit", 1, "-o", tmp_path / "out")
    assert code == 0
    assert "HumanEval/902" not in table
    assert [r["question"] for r in results(tmp_path / "out")] == ["humaneval/lua/HumanEval/901"]


def test_the_first_problems_of_each_language(glotsmith: Command, tmp_path: Path) -> None:
    """McEval's files are one a language, and number its problems."""
    folder = tmp_path / "data"
    folder.mkdir()
    for language in ("AWK", "Lua"):
        row = {"prompt": "function f(x)", "test": "assert(f(1) == 2)", "entry_point": "f"}
        stderr = ["```lua\nfunction f(x) return x + 1 end\n```"]
        rows = [{"task_id": f"{language}/{n}", **row, "raw_generation": stderr} for n in (1, 2, 3)]
        write(folder / f"{language}.jsonl", rows)
    out = tmp_path / "out"
    command = ("evaluate", f"mceval={folder}", "-l", "lua", "--completions", folder, "--limit", 2, "--k", 1, "-o", out)
    code, _, stderr = glotsmith(*command)
    assert code == 0, stderr
    assert [(r["question"], r["status"]) for r in results(out)] == [
        ("mceval/lua/Lua/1", "pass"),
        ("mceval/lua/Lua/2", "pass"),
    ]


@pytest.mark.slow
def test_chat_replies_from_a_file(glotsmith: Command, tmp_path: Path, humaneval: Path) -> None:
    replies = [f"Sure, here it is:\n\n```lua\n{LUA}\n```\n", BODY]
    file = write(tmp_path / "replies.jsonl", [{"task_id": "HumanEval/901", "completions": replies}])
    command = ("evaluate", f"humaneval={humaneval}", "-l", "lua", "--completions", file, "--k", 1, "-o")
    assert glotsmith(*command, tmp_path / "chat", "--style", "chat")[0] == 0
    assert [r["status"] for r in results(tmp_path / "chat")] == ["pass", "pass"]
    assert glotsmith(*command, tmp_path / "base")[0] == 0
    assert [r["status"] for r in results(tmp_path / "base")] == ["fail:compile", "pass"]


@pytest.mark.parametrize(
    ("unknown", "note"),
    [
        ([], None),
        (["HumanEval/9999"], "names 1 problem that is not in this evaluation: HumanEval/9999"),
        (["a", "b"], "names 2 problems that are not in this evaluation: a, b"),
        (["a", "b", "c", "d"], "names 4 problems that are not in this evaluation: a, b, c, …"),
    ],
)
def test_completions_of_other_problems_and_a_k_without_a_figure_are_noted(
    glotsmith: Command, tmp_path: Path, humaneval: Path, unknown: list[str], note: str | None
) -> None:
    rows = [{"task_id": name, "completions": [BODY]} for name in ("HumanEval/901", *unknown)]
    file = write(tmp_path / "replies.jsonl", rows)
    out = tmp_path / "out"
    command = ("evaluate", f"humaneval={humaneval}", "-l", "lua", "--completions", file, "--k", 1, "--k", 10, "-o", out)
    assert glotsmith(*command)[0] == 0
    notes = json.loads((out / "summary.json").read_text())["notes"]
    assert [n.partition(" names ")[2] for n in notes if " names " in n] == (
        [note.removeprefix("names ")] if note else []
    )
    assert [n for n in notes if "pass@10" in n] == [
        "there is no pass@10: no problem has 10 samples with a verdict. Pass --samples 10 or more"
    ]


def test_a_problem_that_stands_twice_is_asked_once_or_not_at_all(
    glotsmith: Command, tmp_path: Path, humaneval: Path
) -> None:
    row = {
        "name": "HumanEval_9_f", "language": "lua", "prompt": "local function f(x)\n", "tests": "assert(f(1) == 2)",
        "completions": ["  return x + 1\nend"], "stop_tokens": [],
    }  # fmt: skip
    for name, other in (("same", row), ("other", {**row, "tests": "assert(f(1) == 1)"})):
        file = write(tmp_path / f"{name}.jsonl", [row, other])
        completions = write(tmp_path / f"{name}-completions.jsonl", [row])
        out = tmp_path / name
        code, _, stderr = glotsmith("evaluate", f"multipl-e={file}", "--completions", completions, "--k", 1, "-o", out)
        if name == "same":
            assert code == 0, stderr
            assert [r["status"] for r in results(out)] == ["pass"]
        else:
            assert code == 2
            assert "multipl-e/lua/HumanEval_9_f appears twice" in stderr


def test_whole_programs_from_a_file(glotsmith: Command, tmp_path: Path, humaneval: Path) -> None:
    """As EvalPlus stores them: helpers, and the prompt again."""
    program = f"local function above(x, k) return x > k end\n{LUA}"
    file = write(tmp_path / "samples.jsonl", [{"task_id": "HumanEval/901", "solution": program}])
    command = ("evaluate", f"humaneval={humaneval}", "-l", "lua", "--completions", file, "--k", 1, "-o")
    assert glotsmith(*command, tmp_path / "whole")[0] == 0
    (result,) = results(tmp_path / "whole")
    assert (result["status"], result["code"]) == ("pass", program)


BAD = [
    (
        ["evaluate", "humaneval={rows}", "-l", "lua", "--teacher", "offline"],
        "by rules and is not a model",
    ),
    (["evaluate", "apps=x"], "no benchmark is named 'apps'"),
    (["evaluate", "humaneval=x.jsonl", "-l", "lua"], "give either --teacher and --model, or --completions"),
    (["evaluate", "humaneval=x.jsonl", "-l", "klingon", "--teacher", "scripted"], "no language is named 'klingon'"),
    (
        ["evaluate", "humaneval=nowhere.jsonl", "-l", "lua", "--completions", "{rows}"],
        "nowhere.jsonl is neither a file nor a folder",
    ),
    (["evaluate", "humaneval={rows}", "--completions", "{rows}"], "needs a target language, such as --language lua"),
    (["evaluate", "humaneval={rows}", "-l", "lua", "--completions", "{rows}"], "the row has no completion"),
    (["evaluate", "humaneval+", "-l", "lua", "--completions", "{rows}"], "humaneval+=PATH"),
    (["evaluate", "humaneval={rows}", "-l", "lua", "--teacher", "nobody"], "there is no teacher 'nobody'"),
    (
        ["evaluate", "humaneval={rows}", "-l", "lua", "--completions", "{rows}", "--style", "x"],
        "--style is 'x'; it must be chat or completion, or whole",
    ),
    (["evaluate", "humaneval={rows}", "-l", "lua", "--teacher", "scripted", "--style", "whole"], "whole for --compl"),
    (["benchmark", "make", "{rows}", "-l", "lua"], "not a dataset row of glotsmith"),
    (["benchmark", "make", "nowhere", "-l", "lua"], "nowhere is neither a file nor a folder"),
]


@pytest.mark.parametrize(("arguments", "sentence"), BAD, ids=[" ".join(a)[:60] for a, _ in BAD])
def test_what_is_wrong_gets_a_sentence(
    glotsmith: Command, tmp_path: Path, humaneval: Path, arguments: list[str], sentence: str
) -> None:
    given = [a.format(rows=humaneval) for a in arguments]
    code, _, stderr = glotsmith(*given, "-o", tmp_path / "out")
    assert code == 2
    assert sentence in " ".join(stderr.split())


class Model:
    """A simulated model behind an OpenAI-compatible address: it answers by hand-written rule, and counts."""

    def __init__(self) -> None:
        self.requests = Counter[str]()
        self.enough = threading.Event()
        self.awake = threading.Event()  #: until then, all but the first 8 questions wait
        model = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if body:
                    model.answer(self, json.loads(body))

            def log_message(self, *_: object) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def wait_for_last_request(self) -> None:
        """Wait until no further request has arrived for a second."""
        count = -1
        while count != (count := sum(self.requests.values())):
            time.sleep(1)

    def answer(self, handler: BaseHTTPRequestHandler, body: dict[str, Any]) -> None:
        seed = str(body.get("seed"))
        self.requests[seed] += 1
        if len(self.requests) > 8 and not self.awake.is_set():
            self.enough.set()
            self.awake.wait(60)
        text = f"```lua\n{LUA}\n```" if int(seed) % 3 else "I can't."
        message = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}
        data = json.dumps({"id": "x", "object": "chat.completion", "model": "m", "choices": [message]}).encode()
        try:
            handler.send_response(200)
            handler.send_header("Content-Type", "application/json")
            handler.send_header("Content-Length", str(len(data)))
            handler.end_headers()
            handler.wfile.write(data)
        except OSError:
            pass  # the one who asked was killed


@pytest.fixture
def model() -> Generator[Model]:
    made = Model()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.mark.slow
def test_a_killed_evaluation_goes_on_and_asks_nothing_twice(tmp_path: Path, humaneval: Path, model: Model) -> None:
    url = f"http://127.0.0.1:{model.server.server_port}/v1"

    def command(out: Path) -> list[str]:
        return [
            sys.executable, "-m", "glotsmith", "evaluate", f"humaneval={humaneval}", "-l", "lua", "-n", "40",
            "--teacher", "openai", "--model", "m", "--base-url", url, "--k", "1", "-o", str(out),
        ]  # fmt: skip

    out = tmp_path / "killed"
    first = subprocess.Popen(command(out), start_new_session=True, stderr=subprocess.PIPE)
    assert model.enough.wait(60)
    wait_for_replies(out / CACHE, 8)  # the first 8 are stored; the others are under way
    os.killpg(first.pid, signal.SIGKILL)
    first.communicate()
    assert not (out / "summary.json").exists()
    model.wait_for_last_request()  # requests may have been sent whose threads have not started
    waiting = len(model.requests) - 8
    assert 0 < waiting < 32
    model.awake.set()
    subprocess.run(command(out), check=True, capture_output=True, timeout=120)
    assert len(model.requests) == 40
    assert sum(n - 1 for n in model.requests.values()) == waiting  # only what was under way when it was killed
    count = sum(model.requests.values())
    subprocess.run(command(out), check=True, capture_output=True, timeout=120)
    assert sum(model.requests.values()) == count  # a third time: nothing at all
    subprocess.run(command(tmp_path / "whole"), check=True, capture_output=True, timeout=120)
    assert plain(out) == plain(tmp_path / "whole")


def wait_for_replies(cache: Path, number: int) -> None:
    """Wait until so many replies are stored.

    Raises:
        AssertionError: they are not within a minute.

    """
    until = time.monotonic() + 60
    while time.monotonic() < until:
        with closing(sqlite3.connect(f"file:{cache}?mode=ro", uri=True)) as store:
            (stored,) = store.execute("SELECT count(*) FROM entries WHERE kind = 'reply'").fetchone()
        if stored >= number:
            return
        time.sleep(0.05)
    raise AssertionError(f"{cache} holds {stored} replies, not {number}")


def plain(folder: Path) -> list[dict[str, Any]]:
    """Return the results without the CPU times, which two runs measure apart."""
    return [{**r, "verdict": {**r.get("verdict", {}), "seconds": 0}} for r in results(folder)]


@pytest.mark.slow
def test_show_opens_an_evaluation(glotsmith: Command, tmp_path: Path, humaneval: Path, replies: Path) -> None:
    out = tmp_path / "out"
    command = ("evaluate", f"humaneval={humaneval}", "-l", "lua", "--teacher", "scripted", "--model", replies)
    code, table, stderr = glotsmith(*command, "-n", 4, "--k", 1, "-o", out)
    assert code == 0, stderr
    assert "fail:compile 1, fail:no_code 1, fail:wrong 1" in table
    code, stderr, err = glotsmith("show", out)
    assert code == 0, err
    for part in ("25.0% (", "fail:no_code", "1 problem has an original that fails the tests", "--status"):
        assert part in stderr
    for arguments, parts, count in (
        (("--status", "fail:no_code"), ("Sorry.", "fail:no_code"), 1),
        (("--status", "fail:wrong"), ("return 0 end", "case 1: fail:wrong 0"), 1),
        (("HumanEval/901",), ("Sorry.", "return 0 end"), 4),
        (("901", "--status", "pass"), ("pass",), 1),
        (("lua",), ("Sorry.",), 4),
    ):
        code, stderr, err = glotsmith("show", out, *arguments)
        assert code == 0, err
        assert stderr.count(", sample ") == count
        assert all(part in stderr for part in parts), stderr
    code, stderr, err = glotsmith("show", out, "--json", "-n", 3)
    assert ([json.loads(line)["sample"] for line in stderr.splitlines()], code) == ([0, 1, 2], 0)
    assert "3 of 4 shown; --limit N for more" in err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--status", "fail:no_cod"), "do you mean 'fail:no_code'?"),
        (("--status", "fail:memory"), "There are: fail:compile|there are: fail:compile"),
        (("HumanEval/999",), "no sample of HumanEval/999"),
    ],
)
def test_show_says_which_samples_there_are(
    glotsmith: Command, tmp_path: Path, humaneval: Path, replies: Path, arguments: tuple[str, ...], sentence: str
) -> None:
    out = tmp_path / "out"
    command = ("evaluate", f"humaneval={humaneval}", "-l", "lua", "--teacher", "scripted", "--model", replies)
    glotsmith(*command, "-n", 4, "--k", 1, "-o", out)
    code, _, err = glotsmith("show", out, *arguments)
    assert (code, any(one in err for one in sentence.split("|"))) == (2, True), err
