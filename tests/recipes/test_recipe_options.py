"""A bad value of any option of any recipe is refused in a sentence that names the option and what it allows."""

import re
from typing import Any

import pytest

from glotsmith import recipes
from glotsmith.api.run_config import RunConfig, load
from glotsmith.errors import GlotsmithError
from glotsmith.recipes.base import check_options, load_overlap

SWITCH = "must be one of on, off"
TEXT, TEXTS, BOOL = "must be text", "must be a list; each item is text", "must be true or false"
NATURAL, POSITIVE = "must be a whole number of 0 or more", "must be a whole number of 1 or more"
SHARE, SIMILARITY, NON_NEGATIVE = (
    "must be a number from 0 to 1",
    "must be a number above 0 and at most 1",
    "must be a number of 0 or more",
)
LIMIT = [(0, "must be a number from 0.001 to 3600"), ("nan", "must be a number")]
FACTOR = [(0.5, "must be a number of 1 or more"), ("inf", "must be a number")]
NGRAM = "must be a whole number of 2 or more"
STYLE, WORDING = "must be one of chat, completion", "must be one of target, verbatim"
UNKNOWN = "names 'klingon': no language is named 'klingon'"

#: recipe → option → bad values, each with what the sentence says
BAD: dict[str, dict[str, list[tuple[Any, str]]]] = {
    "multipl-t": {
        "sources": [(1, TEXTS)],
        "languages": [([], "is empty"), (["klingon"], UNKNOWN), (["bash", "klingon"], UNKNOWN)],
        "helpers": [("maybe", BOOL)],
        "imports": [(2, BOOL)],
        "column": [(3, TEXT)],
        "max_lines": [(-1, NATURAL), (1.5, NATURAL)],
        "licences": [("MIT", TEXTS)],
        "ascii_only": [("maybe", BOOL)],
        "typecheck": [("maybe", BOOL)],
        "max_functions": [(-1, NATURAL)],
        "suites": [(-1, NATURAL)],
        "suite_temperature": [(-0.1, NON_NEGATIVE), ("nan", NON_NEGATIVE), ("inf", NON_NEGATIVE)],
        "min_cases": [(0, POSITIVE)],
        "min_coverage": [(1.5, SHARE), (-1, SHARE), ("nan", SHARE)],
        "min_mutation_score": [(2, SHARE)],
        "samples": [(0, POSITIVE), ("many", POSITIVE)],
        "samples_by_language": [
            ({"lua": 0}, "must be a table; each value is a whole number of 1 or more"),
            ({"klingon": 3}, UNKNOWN),
            ([3], "must be a table"),
        ],
        "temperature": [(-1, NON_NEGATIVE), ("hot", NON_NEGATIVE)],
        "top_p": [(1.01, SHARE)],
        "max_tokens": [(0, POSITIVE)],
        "policy": [("greedy", "must be one of fixed, early_stop, adaptive"), (1, "must be one of")],
        "wanted": [(0, POSITIVE)],
        "min_new_rows": [(0, SIMILARITY), (1.5, SIMILARITY), ("nan", SIMILARITY)],
        "repairs": [(-1, NATURAL)],
        "time_limit_s": [
            (-1, "must be 0 (no fixed limit) or from 0.001 to 3600.0 seconds"),
            (4000, "must be 0 (no fixed limit) or from 0.001 to 3600.0 seconds"),
            ("inf", "must be a number"),
        ],
        "limit_floor_s": LIMIT,
        "limit_factor": FACTOR,
        "all_cases": [("maybe", BOOL)],
        "style": [("poem", STYLE)],
        "source_in_prompt": [("maybe", BOOL)],
        "docstrings": [("kept", WORDING)],
        "paper_setting": [("maybe", BOOL)],
        "prefer": [("newest", "must be one of first, longest, best"), (1, "must be one of")],
        "index": [(3, TEXT)],
        "max_similarity": [(0, SIMILARITY), (1.5, SIMILARITY), (60, SIMILARITY)],
        "benchmarks": [("a.jsonl", TEXTS)],
        "benchmark_behaviour": [("maybe", BOOL)],
        "ngram": [(1, NGRAM)],
    },
    "inverse-instruct": {
        "sources": [({"a": 1}, TEXTS)],
        "languages": [(["klingon"], UNKNOWN), ("lua", TEXTS)],
        "column": [([], TEXT)],
        "max_snippets": [(-1, NATURAL)],
        "originals": [("maybe", BOOL)],
        "max_similarity": [(0, SIMILARITY), (1.1, SIMILARITY)],
        "min_cases": [(0, POSITIVE)],
        "require_suite": [("maybe", BOOL)],
        "summaries": [(0, POSITIVE)],
        "prefixes": [([], f"{TEXTS} (at least 1)"), ("Write", f"{TEXTS} (at least 1)")],
        "temperature": [(-1, NON_NEGATIVE)],
        "repetition_penalty": [(0, "must be a number of 0.01 or more")],
        "max_tokens": [(0, POSITIVE)],
        "stop": [("x", TEXTS)],
        "style": [("poem", STYLE)],
        "self_evaluation": [("on", "must be one of logprobs, votes, off")],
        "evaluation_tokens": [(0, POSITIVE)],
        "top_logprobs": [(0, POSITIVE)],
        "votes": [(0, POSITIVE)],
        "round_trip": [("maybe", SWITCH)],
        "answer_temperature": [("nan", NON_NEGATIVE)],
        "limit_floor_s": LIMIT,
        "limit_factor": FACTOR,
        "policy": [("fixed", "must be one of early_stop, adaptive")],
        "min_new_rows": [(0, SIMILARITY)],
        "measured": [(1.5, SHARE)],
        "benchmarks": [(1, TEXTS)],
        "benchmark_behaviour": [("maybe", BOOL)],
        "ngram": [(1, NGRAM)],
    },
    "xcoder": {
        "sources": [(None, TEXTS)],
        "languages": [([], "is empty"), (["klingon"], UNKNOWN), (["python"], "has only python")],
        "new_languages": [(["klingon"], UNKNOWN), (["bash"], "names 'bash': Bash has level io")],
        "column": [(3, TEXT)],
        "max_snippet_tokens": [(0, POSITIVE)],
        "max_snippets": [(-1, NATURAL)],
        "ds1": [("maybe", BOOL)],
        "ds2": [("maybe", BOOL)],
        "unexecuted": [("maybe", BOOL)],
        "sessions": [(-1, NATURAL)],
        "epoch": [(0, POSITIVE)],
        "topology": [("ring", "must be one of central, parallel, none")],
        "others": [(-1, NATURAL)],
        "rounds": [(-1, NATURAL)],
        "budget": [(-1, NATURAL)],
        "policy": [("luck", "must be one of balance, weakness, transfer")],
        "inspirations": [(0, POSITIVE)],
        "memory": [("maybe", SWITCH)],
        "reflection": [("maybe", SWITCH)],
        "memory_size": [(-1, NATURAL)],
        "memory_shown": [(-1, NATURAL)],
        "max_instruction_similarity": [(70, SHARE)],
        "max_reference_similarity": [(-0.5, SHARE)],
        "agreement": [(0, POSITIVE), (9, "must be a whole number from 1 to 4")],
        "suites": [(-1, NATURAL)],
        "min_cases": [(0, POSITIVE)],
        "min_coverage": [(90, SHARE)],
        "min_mutation_score": [(50, SHARE)],
        "samples": [(0, POSITIVE)],
        "wanted": [(0, POSITIVE)],
        "docstrings": [("kept", WORDING)],
        "repairs": [(-1, NATURAL)],
        "limit_floor_s": LIMIT,
        "limit_factor": FACTOR,
        "all_cases": [("maybe", BOOL)],
        "self_evaluation": [("votes", SWITCH)],
        "min_score": [(6, "must be a number from 0 to 5"), ("nan", "must be a number from 0 to 5")],
        "temperature": [(-1, NON_NEGATIVE)],
        "top_p": [(95, SHARE)],
        "max_tokens": [(0, POSITIVE)],
        "style": [("poem", STYLE)],
        "max_similarity": [(0, SIMILARITY)],
        "benchmarks": [("a.jsonl", TEXTS)],
        "benchmark_behaviour": [("maybe", BOOL)],
        "ngram": [(0, NGRAM)],
    },
}
ROWS = [(recipe, name, *row) for recipe, table in BAD.items() for name, rows in table.items() for row in rows]
FLAGS = {"sources": "-s (--source)", "languages": "-l (--language)"}


@pytest.mark.parametrize("recipe", sorted(recipes.RECIPES))
def test_the_table_has_every_option(recipe: str) -> None:
    assert BAD[recipe].keys() == {*recipes.get(recipe).__struct_fields__}


@pytest.mark.parametrize(("recipe", "name", "value", "allowed"), ROWS, ids=[f"{r}-{n}-{v}" for r, n, v, _ in ROWS])
def test_a_bad_value_is_refused_by_the_name_of_its_option(recipe: str, name: str, value: object, allowed: str) -> None:
    with pytest.raises(GlotsmithError) as error:
        RunConfig(recipe=recipe, options={"sources": ["package:toolz"], name: value}).build_recipe()
    flag = FLAGS.get(name, f"--set {name}")
    assert f"{flag}, or options.{name} in a TOML file, " in str(error.value)
    assert allowed in str(error.value)


@pytest.mark.parametrize("recipe", sorted(recipes.RECIPES))
def test_the_defaults_are_allowed(recipe: str) -> None:
    check_options(recipes.get(recipe)(sources=("package:toolz",)))


@pytest.mark.parametrize(("recipe", "name"), [(r, n) for r, n, value, _ in ROWS if isinstance(value, int) and value])
def test_a_value_from_python_is_checked_like_one_of_a_file(recipe: str, name: str) -> None:
    kind = recipes.get(recipe)
    value = next(value for r, n, value, _ in ROWS if (r, n) == (recipe, name) and isinstance(value, int) and value)
    with pytest.raises(GlotsmithError, match=re.escape(f", or options.{name} in a TOML file, is {value}")):
        kind(**{"sources": ("package:toolz",), name: value})


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"languages": ["lua", "oclam"]}, "-l (--language), or options.languages in a TOML file, names 'oclam'"),
        ({"new_languages": ["klingon"]}, "--set new_languages, or options.new_languages in a TOML file, names 'klin"),
    ],
)
def test_a_language_of_a_command_line_is_refused_by_its_option(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(GlotsmithError, match=re.escape(sentence)):
        load("xcoder", {"options": {"sources": ["package:toolz"], **options}})


def test_a_benchmark_that_is_missing_is_refused_by_its_option() -> None:
    with pytest.raises(GlotsmithError, match=r"nowhere\.jsonl: .*correct --set benchmarks, "):
        load_overlap(("nowhere.jsonl",), 10)
