import ast
import inspect
import random
import re

import more_itertools
import pytest
import toolz

from glotsmith.drop_reasons import Reason
from glotsmith.errors import UsageError
from glotsmith.records import Function, Lineage, Origin, Problem, Solution, Suite, Task
from glotsmith.selection.deduplicate import DeduplicateFunctions, DeduplicateSolutions
from glotsmith.selection.duplicate_search import segment_of_run
from glotsmith.selection.normalise import normalise
from glotsmith.selection.similarity import TokenEncoder, rouge_l_above, rouge_tokens

LONG = "local function f(xs)\n  local out = {}\n  for i, x in ipairs(xs) do\n    out[i] = x\n  end\n  return out\nend"
OTHER = "local function g(text)\n  if text == nil then\n    return ''\n  end\n  return string.upper(text)\nend"


def function(code: str, name: str = "f") -> Function:
    return Function(id=f"id of {name}", name=name, code=code, origin=Origin(source="s", path="p"))


def solution(code: str, problem: str = "p", language: str = "lua") -> Solution:
    suite = Suite(
        signature="", tests=(), line_coverage=1, branch_coverage=1, mutation_score=1, mutants=0, writers={}
    )  # fmt: skip
    posed = Problem(id=problem, function=function("def f(xs): ..."), suite=suite)
    task = Task(id=f"{problem} {language}", problem=posed, language=language, signature="", tests=(), prefix="")
    return Solution(id="s", task=task, code=code, lineage=Lineage(teacher="t"))


def outcome(step, items):
    """Map each key to "kept" or its drop reason."""
    keyed = [(f"k{n}", item) for n, item in enumerate(items)]
    results = list(step.run(lambda: iter(keyed)))
    assert [key for key, _ in results] == [key for key, _ in keyed]
    for (key, result), (_, item) in zip(results, keyed, strict=True):
        assert bool(result.kept) != bool(result.dropped)
        assert all(kept.key == key and kept.item is item for kept in result.kept)
    return [result.dropped[0].reason if result.dropped else "kept" for _, result in results]


EXACT, NEAR = Reason.EXACT_DUPLICATE, Reason.NEAR_DUPLICATE
ROWS = {
    "the first is kept": ([solution(LONG)], ["kept"]),
    "the same": ([solution(LONG), solution(LONG)], ["kept", EXACT]),
    "the same but for a comment": ([solution(LONG), solution("-- why\n" + LONG)], ["kept", EXACT]),
    "one name differs": ([solution(LONG), solution(LONG.replace("out", "res"))], ["kept", NEAR]),
    "another program": ([solution(LONG), solution(OTHER)], ["kept", "kept"]),
    "another language": ([solution(LONG), solution(LONG, language="julia")], ["kept", "kept"]),
    "the same for another problem": ([solution(LONG, "p"), solution(LONG, "q")], ["kept", EXACT]),
    "near for another problem": ([solution(LONG, "p"), solution(LONG.replace("x", "y"), "q")], ["kept", NEAR]),
    "a dropped one drops nothing": (
        [solution("a b c d e f g h i j"), solution("a b c d e f g X Y Z"), solution("k l m n e f g X Y Z")],
        ["kept", NEAR, "kept"],
    ),
    "exactly 0.6 is not above": ([solution("a b c d e"), solution("a b c x y")], ["kept", "kept"]),
    "just above 0.6": ([solution("a b c d e f g h i"), solution("a b c d e f x y")], ["kept", NEAR]),
    "no tokens at all": ([solution("(+)"), solution("(-)"), solution("(+)")], ["kept", "kept", EXACT]),
}


@pytest.mark.parametrize("row", ROWS)
def test_solutions(row, syntax):
    items, expected = ROWS[row]
    assert outcome(DeduplicateSolutions(syntax), items) == expected


def test_within_problems_only(syntax):
    step = DeduplicateSolutions(syntax, across=None)
    items = [solution(LONG, "p"), solution(LONG, "q"), solution(LONG, "q"), solution(LONG.replace("x", "y"), "p")]
    assert outcome(step, items) == ["kept", "kept", EXACT, NEAR]


def test_thresholds_are_separate(syntax):
    step = DeduplicateSolutions(syntax, within=0.6, across=0.95)
    near, nearer = LONG.replace("out", "res"), LONG.replace("out", "got")
    assert outcome(step, [solution(LONG, "p"), solution(near, "q"), solution(nearer, "p")]) == ["kept", "kept", NEAR]


def test_the_detail_names_what_was_kept(syntax):
    step = DeduplicateSolutions(syntax)
    keyed = [("first", solution(LONG)), ("second", solution(LONG)), ("third", solution(LONG.replace("out", "res")))]
    details = [loss.detail for _, result in step.run(lambda: iter(keyed)) for loss in result.dropped]
    assert details[0] == "the same as first"
    assert re.fullmatch(r"ROUGE-L 0\.8\d\d with first", details[1])


@pytest.mark.parametrize("threshold", [0, -1, 1.5])
def test_a_threshold_out_of_range_is_refused(threshold, syntax):
    with pytest.raises(UsageError, match="it must be above 0"):
        DeduplicateSolutions(syntax, within=threshold)


def test_a_language_without_syntax_is_refused(syntax):
    with pytest.raises(UsageError, match=r"no comment syntax for 'cobol'.*julia, lua"):
        outcome(DeduplicateSolutions(syntax), [solution("x", language="cobol")])


# ------------------------------------------------------------------- against comparing every pair


def real_functions() -> list[str]:
    """Functions of modules that are there in any case, in a fixed order."""
    modules = [more_itertools.more, more_itertools.recipes, toolz.itertoolz, toolz.dicttoolz, ast, inspect, random, re]
    found = [
        inspect.getsource(member)
        for module in modules
        for _, member in inspect.getmembers(module, inspect.isfunction)
        if member.__module__ == module.__name__
    ]
    return list(dict.fromkeys(found))[:300]


def planted(rng: random.Random, code: str) -> str:
    """Change a share of the words of a program, so that similarities lie on both sides of the threshold."""
    share = rng.uniform(0.05, 0.45)
    return re.sub(r"\w+", lambda word: f"v{rng.randrange(99)}" if rng.random() < share else word[0], code)


def by_every_pair(codes, threshold, syntax):
    """Return which codes stay, by comparing each with all that were kept."""
    vocabulary, kept, exact = TokenEncoder(), [], set()
    for number, code in enumerate(codes):
        text = normalise(code, syntax)
        sequence = vocabulary.encode(rouge_tokens(text))
        if text not in exact and not any(rouge_l_above(other, sequence, threshold) for _, other in kept):
            kept.append((number, sequence))
            exact.add(text)
    return {number for number, _ in kept}


@pytest.mark.parametrize("threshold", [0.6, 0.8])
def test_minhash_finds_what_every_pair_finds(threshold, syntax):
    rng = random.Random(11)
    real = real_functions()
    codes = real + [planted(rng, rng.choice(real)) for _ in range(300)]
    rng.shuffle(codes)
    expected = by_every_pair(codes, threshold, syntax["python"])
    decided = outcome(
        DeduplicateFunctions(syntax, across=threshold), [function(code, str(n)) for n, code in enumerate(codes)]
    )
    kept = {n for n, what in enumerate(decided) if what == "kept"}
    dropped = len(codes) - len(expected)
    assert dropped > 100
    assert len(kept - expected) <= 0.01 * dropped  # recall
    if kept == expected:
        return
    # a missed pair can change what stays later on; but whatever is dropped is similar to something kept
    vocabulary = TokenEncoder()
    sequences = [vocabulary.encode(rouge_tokens(normalise(code, syntax["python"]))) for code in codes]
    for number in set(range(len(codes))) - kept:
        assert any(rouge_l_above(sequences[n], sequences[number], threshold) for n in kept if n < number)


def test_functions_have_a_higher_threshold(syntax):
    body = "def {}(first, second):\n    total = first + second\n    return total {} 2"
    items = [function(body.format("add", "*"), "1"), function(body.format("mean", "/"), "2")]
    assert outcome(DeduplicateFunctions(syntax), items) == ["kept", NEAR]
    assert outcome(DeduplicateFunctions(syntax, across=0.95), items) == ["kept", "kept"]


# ------------------------------------------------------------------- which one is kept, and the index of several runs


SHORT_BODY = "def f(first):\n    total = first + 1\n    return total"
LONG_BODY = "def f(first):\n    total = first + 1\n    return total + total"
TESTED_BODY = "def f(first):\n    '>>> f(1)'\n    total = first + 1\n    return total"


@pytest.mark.parametrize(
    ("prefer", "codes", "kept"),
    [
        ("first", [SHORT_BODY, LONG_BODY, TESTED_BODY], [0]),
        ("longest", [SHORT_BODY, LONG_BODY, SHORT_BODY], [1]),
        ("longest", [LONG_BODY, LONG_BODY + "  # the same"], [0]),
        ("best", [SHORT_BODY, LONG_BODY, TESTED_BODY], [2]),
        ("best", [SHORT_BODY, LONG_BODY], [0]),
    ],
)
def test_which_of_several_similar_functions_is_kept(prefer, codes, kept, syntax):
    step = DeduplicateFunctions(syntax, across=0.6, prefer=prefer)
    decided = outcome(step, [function(code, str(n)) for n, code in enumerate(codes)])
    assert [n for n, what in enumerate(decided) if what == "kept"] == kept


def in_run(name, folder, codes, syntax):
    segment = segment_of_run(folder / "index", folder / name)
    step = DeduplicateFunctions(syntax, across=0.6, index=segment)
    return outcome(step, [function(code, f"{name} {n}") for n, code in enumerate(codes)])


def test_an_index_drops_what_earlier_runs_kept(tmp_path, syntax):
    others = real_functions()[:5]
    first = in_run("a", tmp_path, [SHORT_BODY, *others], syntax)
    assert first == ["kept"] * 6
    assert in_run("b", tmp_path, [LONG_BODY, others[0], "def g(x):\n    return x"], syntax) == [NEAR, EXACT, "kept"]
    assert in_run("c", tmp_path, ["def g(x):\n    return x", LONG_BODY], syntax) == [EXACT, NEAR]


@pytest.mark.parametrize("name", ["a", "a-preview", "a-pilot"])
def test_a_run_is_not_compared_with_its_own_segment(name, tmp_path, syntax):
    """As after a kill between the end of the step and its commit, or after a preview."""
    assert in_run(name, tmp_path, [SHORT_BODY], syntax) == ["kept"]
    assert in_run("a", tmp_path, [SHORT_BODY, LONG_BODY], syntax) == ["kept", NEAR]
    assert in_run("b", tmp_path, [SHORT_BODY], syntax) == [EXACT]
    assert len(list((tmp_path / "index").iterdir())) == 2


def test_a_step_that_is_not_read_to_its_end_leaves_no_segment(tmp_path, syntax):
    step = DeduplicateFunctions(syntax, index=segment_of_run(tmp_path / "index", tmp_path / "a"))
    results = step.run(lambda: iter([("k", function(SHORT_BODY)), ("l", function(LONG_BODY))]))
    next(results)
    results.close()
    assert not (tmp_path / "index").exists()
