import asyncio
import json
import re
import textwrap

import pytest

from glotsmith.drop_reasons import Reason
from glotsmith.errors import UsageError
from glotsmith.records import Function, Lineage, Origin, Problem, Solution, Suite, Task
from glotsmith.selection.benchmark_files import BenchmarkRow
from glotsmith.selection.benchmark_overlap import BenchmarkIndex, split_words
from glotsmith.selection.decontaminate import DecontaminateFunctions, DecontaminateSolutions

PROMPT = '''def halve_evens(numbers):
    """Given a list of integers, return a new list in which every even number is halved.

    >>> halve_evens([2, 3, 4])
    [1, 3, 2]
    """
'''
SOLUTION = "    # odd ones stay\n    return [n // 2 if n % 2 == 0 else n for n in numbers]\n"
TEXT = "Write a function to find nth centered hexagonal number."
BUBBLE = '''def sort_it(values):
    """Sort."""
    for i in range(len(values)):
        for j in range(i + 1, len(values)):
            if values[j] < values[i]:
                values[i], values[j] = values[j], values[i]
    return values
'''
LUA_ROW = "local t = {} -- c\nfor _, word in pairs(given) do\n  t[#t + 1] = word:upper():reverse() end return t"
ROWS = [
    {"task_id": "T/0", "prompt": PROMPT, "canonical_solution": SOLUTION, "test": "assert halve_evens([]) == []"},
    {"task_id": "T/1", "text": TEXT, "code": "def h(n):\n  return 3 * n * (n - 1) + 1"},
    {"task_id": "T/2", "prompt": "Say hello", "canonical_solution": "    return x + y"},
    {"task_id": "T/3", "prompt": BUBBLE, "numbers": "1 2 3 4 5 6 7 8 9 10 11 12 13"},
    {"task_id": "T/4", "language": "lua", "prompt": LUA_ROW},
]  # fmt: skip


@pytest.fixture
def overlap(tmp_path, syntax):
    path = tmp_path / "tiny.jsonl"
    path.write_text("\n".join(map(json.dumps, ROWS)))
    return BenchmarkIndex.from_files([path], syntax)


def commented(code: str, mark: str = "#") -> str:
    """Put a comment at the end of every line outside of the docstring."""
    head, sep, tail = code.rpartition('"""')
    return head + sep + re.sub(r"(?m)(?<=\S)$", f"  {mark} a remark of several words", tail)


FLAGGED = {
    "the prompt": (PROMPT, "exact", "T/0"),
    "prompt and solution": (PROMPT + SOLUTION, "exact", "T/0"),
    "embedded": (f"import os\n\n\n{PROMPT}{SOLUTION}\n\n\ndef other():\n    return 1\n", "exact", "T/0"),
    "re-indented": (textwrap.indent(PROMPT, "        "), "normalised", "T/0"),
    "tabs": (PROMPT.replace("    ", "\t"), "normalised", "T/0"),
    "in capitals": ((PROMPT + SOLUTION).upper(), "normalised", "T/0"),
    "other punctuation": (PROMPT.replace(",", ";").replace("[", "("), "normalised", "T/0"),
    "with comments": (commented(PROMPT + SOLUTION), "exact", "T/0"),
    "solution with other comments": ("def g(numbers):\n" + SOLUTION.replace("odd ones stay", "!"), "exact", "T/0"),
    "the task in words": (TEXT, "exact", "T/1"),
    "the task as docstring": (f'def g(n):\n    """{TEXT[:-1].lower()}:\n    go on."""', "normalised", "T/1"),
    "half of the docstring": ("Given a list of integers, return a new list in which all differ.", "10-gram", "T/0"),
    "a part of the prompt": (PROMPT[40:140], "exact", "T/0"),
    "a row in another language": (ROWS[4]["prompt"].replace("-- c", "-- another"), "exact", "T/4"),
}  # fmt: skip

NOT_FLAGGED = {
    "nothing": "",
    "a common docstring": 'def f(a, b):\n    """Return the sum of two numbers."""\n    return a + b',
    "a short solution": "def f(x, y):\n    return x + y",
    "a short prompt": "Say hello",
    "boilerplate loops": "def f(a):\n  for i in range(len(a)):\n    for j in range(i + 1, len(a)):\n      print(i, j)",
    "numbers": "xs = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13]",
    "nine words in common": "Given a list of integers, return a new list of squares in which.",
    "the same words in another order": " ".join(sorted(split_words(PROMPT))),
    "another problem": 'def f(text):\n    """Count how often each letter occurs in the text."""\n    return 1',
}


@pytest.mark.parametrize("row", FLAGGED)
def test_must_be_flagged(row, overlap):
    text, rule, name = FLAGGED[row]
    language = "lua" if row == "a row in another language" else "python"
    found = overlap.find_overlap(text, language)
    assert found.startswith(rule) and f"overlap with tiny.jsonl:{name}" in found


@pytest.mark.parametrize("row", NOT_FLAGGED)
def test_must_not_be_flagged(row, overlap):
    assert overlap.find_overlap(NOT_FLAGGED[row], "python") == ""


CHANGES = {
    "as it is": lambda text: text,
    "re-indented": lambda text: textwrap.indent(text, "  "),
    "re-cased": str.swapcase,
    "on one line": lambda text: " ".join(text.split()),
    "commented": lambda text: commented(text, "--" if text == LUA_ROW else "#"),
    "embedded": lambda text: f"x = 1\n{text}\ny = 2\n",
}


@pytest.mark.parametrize("change", CHANGES)
def test_every_row_that_says_something_is_flagged(change, overlap):
    for row in ROWS:
        if row["task_id"] != "T/2":  # its texts are too short to be anybody's
            text = row.get("prompt") or row["text"]
            assert row["task_id"] in overlap.find_overlap(CHANGES[change](text), row.get("language", "python")), row


def test_n_is_an_option(syntax):
    row = BenchmarkRow(name="b:1", texts=("alpha beta gamma delta epsilon zeta",))
    text = "say alpha beta gamma delta and go"
    assert (
        BenchmarkIndex([row], syntax, n=4, shortest=4).find_overlap(text)
        == '4-gram overlap with b:1: "alpha beta gamma delta"'
    )
    assert BenchmarkIndex([row], syntax, n=5, shortest=5).find_overlap(text) == ""


@pytest.mark.parametrize(("n", "shortest"), [(1, 8), (10, 1)])
def test_options_out_of_range(n, shortest, syntax):
    with pytest.raises(UsageError, match="2 words or more"):
        BenchmarkIndex([], syntax, n=n, shortest=shortest)


def test_a_text_whose_words_are_spread_thin_is_found_as_a_whole(syntax):
    numbers = " ".join(map(str, range(40)))
    text = f"alpha {numbers} beta {numbers} gamma"
    overlap = BenchmarkIndex([BenchmarkRow(name="b:1", texts=(text,))], syntax)
    assert overlap.find_overlap(f"x {text} y") == "exact overlap with b:1"
    assert overlap.find_overlap(f"alpha {numbers}") == "exact overlap with b:1"
    assert overlap.find_overlap(f"delta {numbers} beta {numbers[:20]}") == ""


# ------------------------------------------------------------------------------------- the steps


def function(code: str, docstring: str = "") -> Function:
    return Function(id="f", name="f", code=code, docstring=docstring, origin=Origin(source="s", path="p"))


def solution(source: Function, code: str) -> Solution:
    suite = Suite(
        signature="", tests=(), line_coverage=1, branch_coverage=1, mutation_score=1, mutants=0, writers={}
    )  # fmt: skip
    task = Task(
        id="t", problem=Problem(id="f", function=source, suite=suite), language="lua", signature="", tests=(), prefix=""
    )  # fmt: skip
    return Solution(id="s", task=task, code=code, lineage=Lineage(teacher="t"))


CLEAN = "def f(x):\n    return x"
LUA = "-- " + PROMPT.replace("\n", "\n-- ") + "\nlocal function f() end"


@pytest.mark.parametrize(
    ("step", "item", "what"),
    [
        (DecontaminateFunctions, function(CLEAN), ""),
        (DecontaminateFunctions, function(PROMPT + SOLUTION), "source: exact overlap with tiny.jsonl:T/0"),
        (DecontaminateFunctions, function(CLEAN, TEXT), "docstring: exact overlap with tiny.jsonl:T/1"),
        (DecontaminateSolutions, solution(function(CLEAN), "return 1"), ""),
        (DecontaminateSolutions, solution(function(PROMPT), "return 1"), "source: exact overlap with tiny.jsonl:T/0"),
        (DecontaminateSolutions, solution(function(CLEAN), LUA), "translation: normalised overlap with tiny.jsonl:T/0"),
    ],
)
def test_steps(step, item, what, overlap):
    result = asyncio.run(step(overlap).run("k", item))
    if what:
        assert [(loss.reason, loss.detail) for loss in result.dropped] == [(Reason.CONTAMINATED, what)]
        assert not result.kept
    else:
        assert [(kept.key, kept.item) for kept in result.kept] == [("k", item)] and not result.dropped


TREES = {
    "renamed, annotated and commented": (
        "def order(xs: list) -> list:\n  for a in range(len(xs)):  # first\n    for b in range(a + 1, len(xs)):\n"
        "      if xs[b] < xs[a]:\n        xs[a], xs[b] = xs[b], xs[a]\n  return xs\n",
        "tree overlap with tiny.jsonl:T/3",
    ),
    "another operator": (
        "def order(xs):\n  for a in range(len(xs)):\n    for b in range(a + 1, len(xs)):\n"
        "      if xs[b] > xs[a]:\n        xs[a], xs[b] = xs[b], xs[a]\n  return xs\n",
        "",
    ),
    "a small definition": ("def square(x):\n    return x * x\n", ""),
}


@pytest.mark.parametrize(("code", "found"), TREES.values(), ids=TREES)
def test_a_definition_with_the_tree_of_a_benchmark_is_found(overlap, code, found):
    assert overlap.find_overlap(code, "python") == found
