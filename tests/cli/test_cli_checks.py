"""What can be known before the first request is checked before it, and what a user sets wins over every default."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from glotsmith.errors import UsageError
from glotsmith.generation.sampling_plan import SamplingPlan
from glotsmith.languages import get_card, language_names
from glotsmith.recipes.inverse_instruct.recipe import InverseInstruct
from glotsmith.recipes.multipl_t.recipe import MultiPLT
from glotsmith.recipes.xcoder.recipe import XCoder
from glotsmith.teachers import open_teacher

Command = Callable[..., tuple[int, str, str]]
WHOLE = [name for name in language_names() if get_card(name).level != "full"]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "one.py").write_text("def f(x):\n    return x\n")
    (tmp_path / "replies.jsonl").write_text("")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("language", WHOLE)
@pytest.mark.parametrize(
    "make",
    [
        lambda language: XCoder(sources=("one.py",), languages=("python", language)),
        lambda language: XCoder(sources=("one.py",), languages=("python", "lua"), new_languages=(language,)),
        lambda language: InverseInstruct(sources=("one.py",), languages=(language,), require_suite=True),
    ],
    ids=["xcoder", "a new language of xcoder", "inverse-instruct with suites"],
)
def test_a_language_without_typed_calls_is_refused(make: Callable[[str], Any], language: str) -> None:
    with pytest.raises(UsageError, match="has level io, but calls with typed values need level full"):
        make(language)


def test_a_language_without_typed_calls_may_be_described_and_translated_to() -> None:
    assert InverseInstruct(sources=("one.py",), languages=tuple(WHOLE)).languages
    assert MultiPLT(sources=("one.py",), languages=tuple(WHOLE)).languages


MULTIPL_T = ("run", "multipl-t", "-s", "one.py")
SCRIPTED = ("--teacher", "scripted", "--model", "replies.jsonl")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((*MULTIPL_T, "-l", "ocaml"), "the offline teacher only translates to Julia and Lua"),
        ((*MULTIPL_T, "-l", "lua", "--set", 'formats=["jsonl", "trl_sft"]'), "no format is named 'trl_sft'"),
        ((*MULTIPL_T, "-l", "lua", "--set", "samples=0"), "is 0; it must be a whole number of 1 or more"),
        ((*MULTIPL_T, "-l", "lua", "--set", 'samples_by_language={"luaa": 3}'), "no language is named 'luaa'"),
        ((*MULTIPL_T, "-l", "lua", "--set", "min_coverage=1.5"), "is 1.5; it must be a number from 0 to 1"),
        ((*MULTIPL_T, "-l", "lua", "--set", "temperature=-1"), "is -1; it must be a number of 0 or more"),
        ((*MULTIPL_T, "-l", "lua", "--set", "wanted=0"), "is 0; it must be a whole number of 1 or more"),
        ((*MULTIPL_T, "-l", "lua", "--set", "max_similarity=0"), "is 0; it must be a number above 0 and at most 1"),
        ((*MULTIPL_T, "-l", "lua", "--teacher", "transformers", "--model", "./none"), "./none is not a folder"),
        ((*MULTIPL_T, "-l", "lua", "--teacher", "transformers", "--model", "."), "contains no config.json"),
        ((*MULTIPL_T, "-l", "lua", "--teacher", "scripted", "--model", "none.jsonl"), "none.jsonl"),
        (("run", "xcoder", "-s", "one.py", "-l", "python", "-l", "bash", *SCRIPTED), "Bash has level io"),
        (
            ("run", "inverse-instruct", "-s", "one.py", "--set", "summaries=0", *SCRIPTED),
            "is 0; it must be a whole number of 1 or more",
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_mistake_is_told_before_anything_is_written(
    glotsmith: Command, folder: Path, arguments: tuple[str, ...], sentence: str
) -> None:
    before = sorted(folder.rglob("*"))
    code, _, stderr = glotsmith(*arguments, "-o", "run")
    assert (code, sentence in stderr) == (2, True), stderr
    assert sorted(folder.rglob("*")) == before


@pytest.mark.parametrize(
    ("name", "value"),
    [("max_concurrency", 0), ("attempts", 0), ("backoff_s", -1), ("timeout_s", 0), ("input_price", -0.1)],
)
def test_a_teachers_option_out_of_its_range_is_refused(name: str, value: float) -> None:
    with pytest.raises(UsageError, match=f"invalid option of the teacher openai: .*{name}"):
        open_teacher("openai", model="m", options={name: value})


def rounds(**options: Any) -> SamplingPlan:
    return MultiPLT(sources=("one.py",), languages=("lua", "ocaml"), **options)._translation_options(0).sampling_plan


@pytest.mark.parametrize("paper", [False, True])
@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, {"lua": 50, "ocaml": 100}),
        ({"samples": 6}, {"lua": 6, "ocaml": 6}),
        ({"samples": 50}, {"lua": 50, "ocaml": 50}),
        ({"samples": 6, "samples_by_language": {"ocaml": 9}}, {"lua": 6, "ocaml": 9}),
        ({"samples_by_language": {"lua": 9}}, {"lua": 9, "ocaml": 100}),
        ({"samples_by_language": {"ocaml": 9}}, {"lua": 50, "ocaml": 9}),
    ],
)
def test_samples_that_a_user_sets_hold_for_every_language(
    options: dict[str, Any], expected: dict[str, int], paper: bool
) -> None:
    made = rounds(paper_setting=paper, **options)
    assert {language: made.max_replies(language) for language in expected} == expected


def test_what_a_user_sets_wins_over_the_papers_setting() -> None:
    made = MultiPLT(sources=("one.py",), languages=("lua",), paper_setting=True, style="chat", repairs=2)
    assert (made._translation_options(0).style, made._translation_options(0).repairs) == ("chat", 2)
    assert (
        MultiPLT(sources=("one.py",), languages=("lua",), paper_setting=True)._translation_options(0).style
        == "completion"
    )


@pytest.mark.parametrize(
    ("options", "count"),
    [({}, 10), ({"summaries": 3}, 3), ({"self_evaluation": "off"}, 1), ({"self_evaluation": "off", "summaries": 3}, 3)],
)
def test_summaries_that_a_user_sets_are_asked_for(options: dict[str, Any], count: int) -> None:
    assert InverseInstruct(sources=("one.py",), **options)._count == count


@pytest.mark.parametrize("text", ["notes", '{"id": "a", "language": "lua", "tests": ["assert f(1) == 1"]}', "[1]"])
def test_verdicts_replace_verdicts_alone(glotsmith: Command, folder: Path, text: str) -> None:
    job = '{"id": "a", "language": "python", "code": "def f(x): return x", "tests": ["assert f(1) == 1"]}'
    (folder / "jobs.jsonl").write_text(job)
    (folder / "other").write_text(text)
    code, _, stderr = glotsmith("verify", "jobs.jsonl", "-o", "other")
    assert (code, "contains something other than verdicts" in stderr) == (2, True), stderr
    assert (folder / "other").read_text() == text
    assert glotsmith("verify", "jobs.jsonl", "-o", "jobs.jsonl")[0] == 2
    assert (folder / "jobs.jsonl").read_text() == job
    assert [glotsmith("verify", "jobs.jsonl", "-o", "verdicts")[0] for _ in range(2)] == [0, 0]
