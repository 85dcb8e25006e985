"""Every benchmark from a file in its own layout: what is asked, and what right and wrong programs earn."""

import ast
import base64
import json
import pickle
import zlib
from pathlib import Path
from typing import Any

import pytest

from glotsmith.errors import GlotsmithError, InputError, UsageError
from glotsmith.evaluation.benchmarks import BENCHMARKS, evalplus, get
from glotsmith.evaluation.benchmarks.base import BenchmarkRequest
from glotsmith.evaluation.benchmarks.multipl_e import code_of, entry_of, hub_part_of, language_of
from glotsmith.evaluation.benchmarks.python_original import calls_of
from glotsmith.evaluation.benchmarks.row_files import QuestionRow, read_rows
from glotsmith.records import Outcome, Program
from glotsmith.sandbox.base import ALL_PROMISES
from glotsmith.values import render_test

HUMANEVAL = {
    "task_id": "HumanEval/901",
    "prompt": 'import math\n\n\ndef double(x):\n    return 2 * x\n\n\ndef area(r: float) -> float:\n    """ Area of a '
    'circle.\n    >>> area(1.0)\n    3.14\n    """\n',
    "entry_point": "area",
    "canonical_solution": "    return round(math.pi * r * r, 2) + 0 * double(r)\n",
    "test": "\n\nMETADATA = {}\n\n\ndef check(candidate):\n    assert True, 'easy'\n    assert candidate(1.0) == 3.14\n"
    "    assert abs(candidate(2.0) - 12.57) < 1e-6\n    assert candidate(0.0) == 3.0 - 3.0\n"
    "    for r in range(3):\n        assert candidate(r) >= 0\n",
}
LOOP = {
    **HUMANEVAL,
    "task_id": "HumanEval/902",
    "test": "def check(candidate):\n    for r in range(3):\n        assert candidate(r) > 0\n",
}
MBPP = {
    "task_id": 901,
    "text": "Write a function to find the shared elements of two tuples.",
    "code": "import re\r\ndef shared(a, b):\r\n  return tuple(set(a) & set(b))",
    "test_list": [
        "assert set(shared((3, 4), (4, 5))) == set((4,))",
        "assert set(shared((1, 2), (2, 1))) == set((2, 1))",
    ],
    "test_setup_code": "",
    "challenge_test_list": [],
}


def test_humaneval_becomes_typed_calls(bench: Any, tmp_path: Path) -> None:
    loaded = bench.load("humaneval", [HUMANEVAL, LOOP], tmp_path, "lua", "python")
    (p,) = loaded.problems
    assert p.problem.suite.tests == (
        "assert area(1.0) == 3.14",
        "assert abs(area(2.0) - 12.57) < 1e-06",
        "assert area(0.0) == 0.0",
    )
    assert loaded.notes == ("HumanEval/901: 1 statement is left out, which is not an assert: for r in range(3):",)
    assert p.problem.suite.signature == "def area(r: float) -> float"
    assert "def double" in p.problem.function.helpers
    assert [(i.problem, i.language) for i in loaded.impossible] == [
        ("HumanEval/902", "lua"),
        ("HumanEval/902", "python"),
    ]


@pytest.mark.parametrize(
    ("asserted", "test"),
    [
        ("assert f(1) == 2.0", "assert f(1) == 2.0"),
        ("assert abs(candidate(1) - 2.0) < 0.01", "assert abs(f(1) - 2.0) < 0.01"),
        ("assert math.isclose(f(1), 2.0, rel_tol=0.001)", "assert math.isclose(f(1), 2.0, rel_tol=0.001)"),
        ("assert math.isclose(f(1), 2.0)", "assert math.isclose(f(1), 2.0)"),
        ("assert set(f(1)) == set([2.0])", "assert set(f(1)) == set([2.0])"),
        ("assert candidate(1), 'why'", "assert f(1)"),
        ("assert candidate(2 ** 3) in (1, 2)", "assert f(8) in (1, 2)"),
    ],
)
def test_an_assert_is_judged_as_it_says(asserted: str, test: str) -> None:
    found = calls_of(ast.parse(asserted).body, "f")
    assert [render_test(c) for c in found.calls] == [test]


TWICE = {
    "task_id": 903,
    "text": "Write a function to double.",
    "code": "def half(x):\n    return x // 2\n\ndef twice(x):\n    return [x, x]",
}


@pytest.mark.parametrize(
    ("tests", "suite", "reason"),
    [
        (["assert twice(1) == [1] * 2"], ("assert twice(1) == [1, 1]",), ""),
        (["assert twice(half(4)) == [half(5), 2]"], ("assert twice(2) == [2, 2]",), ""),
        (["assert sorted(twice(1)) == sorted(map(half, [2, 3]))"], ("assert sorted(twice(1)) == [1, 1]",), ""),
        (["assert twice(1)[0] > half(1)", "assert twice(2)"], ("assert twice(1)[0] > 0", "assert twice(2)"), ""),
        (["assert twice(1) == [1, 1]", "assert twice(1) == twice(2)"], (), "twice(1) == twice(2)"),
        (["assert twice(1) == [1, 1]", "assert half(twice(1)) == 1"], (), "half(twice(1)) == 1"),
        (["assert twice(1) == [1, 1]", "assert twice(object()) == [1, 1]"], (), "twice(object())"),
    ],
)
def test_no_test_is_replaced_by_the_value_of_the_original(
    bench: Any, tmp_path: Path, tests: list[str], suite: tuple[str, ...], reason: str
) -> None:
    loaded = bench.load("mbpp", [{**TWICE, "test_list": tests}], tmp_path, "lua")
    assert [set(p.problem.suite.tests) for p in loaded.problems] == ([set(suite)] if suite else [])
    assert [p.problem.suite.signature for p in loaded.problems] == ["def twice(x: int) -> list[int]"][: len(suite)]
    assert [reason in i.detail for i in loaded.impossible] == ([] if suite else [True])


def test_beside_a_candidate_the_functions_name_is_the_original(bench: Any, tmp_path: Path) -> None:
    test = "def check(candidate):\n    assert tuple(candidate(2.0)) == tuple(area(2.0))"
    row = {**HUMANEVAL, "canonical_solution": "    return [r]\n", "test": test}
    (p,) = bench.load("humaneval", [row], tmp_path, "python").problems
    assert p.problem.suite.tests == ("assert tuple(area(2.0)) == (2.0,)",)


class Broken:
    """A sandbox of a machine that fails."""

    name, promises = "broken", ALL_PROMISES

    async def run(self, program: Program) -> Outcome:
        return Outcome(ending="infra", detail="no space left")

    async def close(self) -> None: ...


@pytest.mark.parametrize(("name", "row"), [("humaneval+", "EVALPLUS"), ("humaneval", "HUMANEVAL")])
def test_a_machine_that_fails_says_nothing_of_a_problem(bench: Any, name: str, row: str) -> None:
    wanted = BenchmarkRequest(name=name, languages=("lua",), sandbox=Broken())
    loaded = bench.run(get(name).read([QuestionRow(file="x", line=1, data=globals()[row])], wanted))
    (lost,) = loaded.impossible
    assert (lost.reason, "no space left" in lost.detail) == ("not_verified", True)


def test_mbpp_gets_its_words_as_docstring(bench: Any, tmp_path: Path) -> None:
    (p,) = bench.load("mbpp", [MBPP], tmp_path, "python").problems
    assert p.name == "MBPP/901"
    assert p.problem.suite.tests == (
        "assert set(shared((3, 4), (4, 5))) == set((4,))",
        "assert set(shared((1, 2), (2, 1))) == set((2, 1))",
    )
    assert p.problem.suite.signature == "def shared(a: tuple[int, int], b: tuple[int, int]) -> tuple[int, ...]"
    assert p.problem.function.docstring == MBPP["text"]
    assert str(MBPP["text"]) in p.problem.function.code


EVALPLUS = {
    "task_id": "HumanEval/903",
    "prompt": 'def power(x: int, n: int):\n    """ x to the n. """\n',
    "entry_point": "power",
    "canonical_solution": "    print('noise')\n    return x ** n\n",
    "contract": "\n    assert n >= 0\n",
    "base_input": [[2, 3], [3, 0]],
    "plus_input": [[10, 40], [2, 3], [7, -1], [0, -1]],
    "atol": 0,
}


def test_humaneval_plus_runs_the_canonical_solution_for_its_values(bench: Any, tmp_path: Path) -> None:
    loaded = bench.load("humaneval+", [EVALPLUS], tmp_path, "python")
    (p,) = loaded.problems
    assert p.problem.suite.tests[:3] == (
        "assert power(2, 3) == 8",
        "assert power(3, 0) == 1",
        f"assert power(10, 40) == {10**40}",
    )
    assert p.problem.suite.tests[3].startswith("assert power(7, -1) == 0.14285")
    assert len(p.problem.suite.tests) == 4  # 0 ** -1 raises
    assert loaded.notes == ("HumanEval/903: 1 of its inputs has no literal answer",)


@pytest.mark.parametrize(
    ("task", "given", "real"),
    [
        ("Mbpp/2", [[1, 2], [3]], [(1, 2), (3,)]),
        ("Mbpp/63", [[[1, 2], [3, 4]]], [[(1, 2), (3, 4)]]),
        ("Mbpp/75", [[[1, 2]], 3], [[(1, 2)], 3]),
        ("Mbpp/106", [[1, 2], [3]], [[1, 2], (3,)]),
        ("Mbpp/115", [[[1, 2], []]], [[{1, 2}, set()]]),
        ("Mbpp/250", [[1, [2]], 2], [(1, [2]), 2]),
        ("Mbpp/259", [[[1, 2]], [[3]]], [((1, 2),), ((3,),)]),
        ("Mbpp/278", [[1, [2, 3]]], [(1, (2, 3))]),
        ("Mbpp/580", [[1, [2, [3]]]], [(1, (2, (3,)))]),
        ("Mbpp/722", [{"a": [1, 2]}, 3], [{"a": (1, 2)}, 3]),
        ("Mbpp/3", [[1, 2]], [[1, 2]]),
        ("HumanEval/2", [[1, 2]], [[1, 2]]),
    ],
)
def test_mbpp_plus_has_tuples_and_sets_where_json_has_lists(task: str, given: list[Any], real: list[Any]) -> None:
    row = evalplus.QuestionRow(file="x", line=1, data={"task_id": task, "base_input": [given], "plus_input": []})
    assert evalplus._inputs(row) == [real]


MULTIPL_E = {
    "name": "HumanEval_53_add",
    "language": "lua",
    "prompt": "-- Add two numbers.\nlocal function add(x, y)\n",
    "doctests": "keep",
    "original": "HumanEval_53_add.py",
    "prompt_terminology": "verbatim",
    "tests": "lu = require('luaunit')\n\nfunction test_humaneval()\nlocal candidate = add\n"
    "    lu.assertEquals(candidate(1, 2), 3)\n    lu.assertEquals({candidate(1, -2), {}}, {-1, {}})\nend\n\n"
    "os.exit(lu.LuaUnit.run())",
    "stop_tokens": ["\nlocal", "\nfunction", "\n--", "\n\n"],
}


def test_multipl_e_runs_verbatim_and_cuts_at_stop_tokens(bench: Any, tmp_path: Path) -> None:
    (question,) = bench.load("multipl-e", [MULTIPL_E], tmp_path).questions
    texts = [
        "  return x + y\nend\n\nprint(",
        "  return x - y\nend",
        "  return x + y",
        "  return x + y\nend\nlocal z = =",
    ]
    found = bench.judge([question], {question.problem: texts})
    assert [s.status for s in found.samples] == ["pass", "fail:runtime", "fail:runtime", "pass"]
    assert found.samples[0].code == f"{MULTIPL_E['prompt']}  return x + y\nend"


@pytest.mark.parametrize(
    ("problem", "prompt", "name"),
    [
        ("HumanEval_0_has_close_elements", "local function has_close_elements(", "has_close_elements"),
        ("HumanEval_0_has_close_elements", "public static boolean hasCloseElements(", "hasCloseElements"),
        ("HumanEval_0_has_close_elements", "public static bool HasCloseElements(", "HasCloseElements"),
        ("HumanEval_0_has_close_elements", "(define (has-close-elements xs)", "has-close-elements"),
        ("mbpp_3_is_not_prime", "function is_not_prime(n)", "is_not_prime"),
        ("HumanEval_106_f", "let f (n : int)", "f"),
    ],
)
def test_multipl_e_names_functions_as_its_languages_do(problem: str, prompt: str, name: str) -> None:
    assert entry_of(problem, prompt) == name


LIVECODE = {
    "question_id": "abc1",
    "question_content": "Read a number, print twice of it.",
    "private_test_cases": [
        {"input": "21\n", "output": "42\n", "testtype": "stdin"},
        {"input": "0\n", "output": "0", "testtype": "stdin"},
    ],
}


def packed(cases: Any) -> str:
    """Pack test cases as LiveCodeBench does."""
    return base64.b64encode(zlib.compress(pickle.dumps(json.dumps(cases)))).decode()


class Attack:
    def __reduce__(self) -> tuple[Any, ...]:
        return exec, ("raise SystemExit('a pickle has run')",)


@pytest.mark.parametrize("how", ["list", "json", "packed"])
def test_livecodebench_x_is_stdin_and_stdout_in_any_language(bench: Any, tmp_path: Path, how: str) -> None:
    cases = LIVECODE["private_test_cases"]
    row = {**LIVECODE, "private_test_cases": {"list": cases, "json": json.dumps(cases), "packed": packed(cases)}[how]}
    questions = bench.load("livecodebench-x", [row], tmp_path, "lua", "python").questions
    assert [q.language for q in questions] == ["lua", "python"]
    replies = ["```lua\nprint(2 * io.read('n'))\n```", "```lua\nprint(42)\n```", "I can't."]
    found = bench.judge(questions[:1], {"abc1": replies}, "chat")
    assert [s.status for s in found.samples] == ["pass", "fail:wrong", "fail:no_code"]


def test_functional_tests_of_livecodebench_are_for_python_alone(bench: Any, tmp_path: Path) -> None:
    cases = [{"input": "[1]\n2", "output": "3", "testtype": "functional"}]
    loaded = bench.load("livecodebench-x", [{**LIVECODE, "private_test_cases": cases}], tmp_path, "lua", "python")
    assert loaded.questions == ()
    assert [(i.problem, i.language, i.reason) for i in loaded.impossible] == [
        ("abc1", "lua", "unusable"),
        ("abc1", "python", "unusable"),
    ]


def test_a_pickle_of_livecodebench_runs_nothing(bench: Any, tmp_path: Path) -> None:
    bad = base64.b64encode(zlib.compress(pickle.dumps(Attack()))).decode()
    with pytest.raises(InputError, match=r"livecodebench-x.jsonl:1: the test cases cannot be read: .*exec is not text"):
        bench.load("livecodebench-x", [{**LIVECODE, "private_test_cases": bad}], tmp_path, "lua")


MCEVAL = {
    "task_id": "Lua/901",
    "prompt": "\n-- Twice x.\nfunction twice(x)",
    "canonical_solution": "  return 2 * x\nend",
    "test": "function testTwice()\n    assert(twice(2) == 4)\nend\n\ntestTwice()",
    "entry_point": "twice",
    "signature": "function twice(x)",
    "docstring": "Twice x.",
    "instruction": "Write a Lua function `function twice(x)` to solve the following problem:\nTwice x.",
    "level": "easy",
}


def test_mceval_runs_by_its_own_rule(bench: Any, tmp_path: Path) -> None:
    rows = [MCEVAL, {**MCEVAL, "task_id": "Tcl/1"}]
    loaded = bench.load("mceval", rows, tmp_path)
    assert [(i.problem, i.reason) for i in loaded.impossible] == [("Tcl/1", "unsupported")]
    assert any("1234" in note for note in loaded.notes)
    (question,) = loaded.questions
    found = bench.judge([question], {"Lua/901": [str(MCEVAL["canonical_solution"]), "  return x\nend"]})
    assert [s.status for s in found.samples] == ["pass", "fail:runtime"]
    chat = bench.judge([question], {"Lua/901": ["```lua\nfunction twice(x) return x + x end\n```"]}, "chat")
    assert chat.samples[0].status == "pass"


DS1000 = {
    "prompt": "Problem:\nDouble the list a.\n\nA:\n<code>\na = [1, 2]\n</code>\n"
    "result = ... # put solution in this variable\nBEGIN SOLUTION\n<code>\n",
    "reference_code": "result = [2 * x for x in a]\n",
    "metadata": {
        "problem_id": 901,
        "library_problem_id": 1,
        "library": "Numpy",
        "test_case_cnt": 1,
        "perturbation_type": "Origin",
        "perturbation_origin_id": 901,
    },
    "code_context": "import copy\nimport tokenize, io\n\n\ndef generate_test_case(test_case_id):\n"
    "    return copy.copy([1, 2]), [2, 4]\n\n\n"
    "def exec_test(result, ans):\n    assert result == ans\n    return 1\n\n\n"
    'exec_context = r"""\na = test_input\n[insert]\n"""\n\n\n'
    "def test_execution(solution: str):\n    code = exec_context.replace('[insert]', solution)\n"
    "    for i in range(1):\n        test_input, expected = generate_test_case(i + 1)\n"
    "        env = {'test_input': test_input}\n        exec(code, env)\n"
    "        assert exec_test(env['result'], expected)\n\n\ndef test_string(solution: str):\n"
    "    tokens = [t.string for t in tokenize.tokenize(io.BytesIO(solution.encode()).readline)]\n"
    "    assert 'while' not in tokens\n",
}


def test_ds1000_runs_in_the_sandbox_and_needs_its_last_word(bench: Any, tmp_path: Path) -> None:
    (question,) = bench.load("ds1000", [DS1000], tmp_path).questions
    assert question.problem == "Numpy/901"
    completions = [
        "result = [2 * x for x in a]\nprint('noise')\n</code>\nEND SOLUTION",
        "result = a * 2\n",
        "import os\nos._exit(0)\n",  # by exit code alone it would pass
        "raise SystemExit(0)\n",
        "result = [2, 4]\nwhile False: pass\n",  # test_string refuses the word
    ]
    found = bench.judge([question], {"Numpy/901": completions})
    assert [s.passed for s in found.samples] == [True, False, False, False, False]
    assert not any(s.status.startswith("infra") for s in found.samples)


def test_a_library_that_is_not_there_is_no_wrong_answer(bench: Any, tmp_path: Path) -> None:
    context = f"import no_such_library as nsl, io\n{DS1000['code_context']}"
    (question,) = bench.load("ds1000", [{**DS1000, "code_context": context}], tmp_path).questions
    found = bench.judge([question], {"Numpy/901": ["result = [2, 4]\n", "x"]})
    assert {s.status for s in found.samples} == {"infra:toolchain"}
    assert found.samples[0].detail.endswith(" -m pip install no_such_library")
    (score,) = found.summary.scores
    assert (score.infra, score.samples, score.unscored, score.figures) == (2, 0, 1, ())


@pytest.mark.parametrize(
    ("name", "row", "sentence"),
    [
        ("humaneval", {"task_id": "a"}, "humaneval.jsonl:1: the row has no field"),
        ("mbpp", {**MBPP, "test_list": "no list"}, "mbpp.jsonl:1: the row has a str as its field 'test_list'"),
        ("humaneval+", {"task_id": "a"}, "has no field 'canonical_solution'"),
        ("multipl-e", {"name": "x"}, "has no field 'language'"),
        ("mceval", {"prompt": "x"}, "has no field 'task_id'"),
        ("ds1000", {"prompt": "x"}, "has no field 'metadata'"),
        ("livecodebench-x", {"question_content": "x"}, "no test cases"),
        ("livecodebench-x", {"question_content": "x", "test_cases": [{"input": 1, "output": ""}]}, "both text"),
        ("livecodebench-x", {"question_content": "x", "test_cases": ["1"]}, "both text"),
        ("questions", {"benchmark": "x"}, "not a question"),
        ("questions", {"benchmark": "x", "problem": "p", "language": "lua"}, "any program would pass"),
        ("questions", {"benchmark": "x", "problem": "p", "language": "klingon"}, "no language is named 'klingon'"),
        ("rows", {"id": "x"}, "not a dataset row of glotsmith"),
    ],
)
def test_a_malformed_row_is_named_by_file_and_line(
    bench: Any, tmp_path: Path, name: str, row: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(InputError, match="jsonl:1: ") as error:
        bench.load(name, [row], tmp_path, "lua")
    assert sentence in str(error.value)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("{", "x.jsonl:1: not JSON"),
        ("[1]", "x.jsonl:1: a row must be a JSON object"),
        (None, "is neither a file nor a folder"),
    ],
)
def test_a_file_that_is_no_benchmark_gets_a_sentence(tmp_path: Path, content: str | None, sentence: str) -> None:
    file = tmp_path / "x.jsonl"
    if content is not None:
        file.write_text(content)
    with pytest.raises(GlotsmithError, match=sentence):
        read_rows(file)


def test_json_keeps_what_evalplus_writes(tmp_path: Path) -> None:
    file = tmp_path / "x.jsonl"
    file.write_text('{"base_input": [[123456789012345678901234567890, NaN, Infinity]]}\n')
    (row,) = read_rows(file)
    assert row.data["base_input"][0][0] == 123456789012345678901234567890


@pytest.mark.parametrize(
    ("language", "code", "part"),
    [
        ("elixir", "elixir", "humaneval-elixir"),
        ("go", "go_test.go", "humaneval-go"),
        ("lua", "lua", "humaneval-lua"),
        ("ocaml", "ml", "humaneval-ml"),
        ("python", "py", "humaneval-py"),
    ],
)
def test_languages_go_by_multipl_es_names(language: str, code: str, part: str) -> None:
    """As its evaluator and its dataset's parts have them (evaluation/src, prepare_prompts_for_hfhub.py)."""
    assert (code_of(language), hub_part_of(language), language_of(code)) == (code, part, language)


def test_every_benchmark_reads_and_an_unknown_one_is_told() -> None:
    assert all(callable(get(name).read) for name in BENCHMARKS)
    with pytest.raises(UsageError, match="no benchmark is named 'apps'; there are: humaneval, "):
        get("apps")
