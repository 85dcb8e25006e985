"""Labelled programs of languages, of folders and of dataset rows."""

from pathlib import Path

import pytest

from glotsmith.certification.labelled import (
    labelled_rows,
    of_example,
    own_translations,
    python_original,
    translations_in_folder,
)
from glotsmith.certification.suites import SOURCE
from glotsmith.errors import InputError
from glotsmith.languages import get_card, language_names
from glotsmith.languages.proof_rows import read_proof_rows
from glotsmith.records import Example, Lineage, Origin
from glotsmith.sources.extract import SourceModule

FIVE = Path(__file__).parents[1] / "recipes" / "multipl_t" / "five"
FUNCTIONS = {f.name for f in SourceModule(SOURCE.read_text("utf-8")).functions(helpers=False, imports=False)}


@pytest.mark.parametrize("language", ["lua", "ocaml", "perl"])
def test_rows_have_one_label(language: str) -> None:
    found = {program.name: program.right for program in labelled_rows(language)}
    rows = read_proof_rows(language)
    assert found["accepted"] and not found["wrong"]
    for title, row in rows.items():
        statuses = set(row.expected_statuses)
        assert (title in found) == (statuses == {"pass"} or all(s.startswith("fail:") for s in statuses))


@pytest.mark.parametrize(
    "language", [n for n in language_names() if get_card(n).level == "full" and n != "swift"]
)  # no machine of the project runs Swift
def test_each_language_has_a_translation_of_each_function(language: str) -> None:
    assert {one.function for one in own_translations(language)} == FUNCTIONS


def test_a_folder_of_translations() -> None:
    found = translations_in_folder(FIVE)
    assert {one.language for one in found} == {"julia", "lua", "ocaml", "r", "racket"}
    lua = [one for one in found if one.language == "lua" and one.function == "gcd_all"]
    assert sorted(one.right for one in lua) == [False, True]


def test_a_folder_without_a_source_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"source\.py"):
        translations_in_folder(tmp_path)


def test_a_dataset_row_is_right() -> None:
    row = Example(
        id="i", parallel_id="p", language="lua", name="f", messages=(), prompt="local function f(x)\n",
        completion="  return x\nend", source="LIMIT = 3\n\n\ndef f(x):\n    return x", tests=("assert f(1) == 1",),
        origin=Origin(source="", path=""), lineage=Lineage(teacher="t"),
    )  # fmt: skip
    found = of_example(row)
    assert found is not None and found.right and found.mutated and found.problem == "p"
    assert found.job.code == "local function f(x)\n  return x\nend"
    assert found.function is not None and found.function.name == "f"


def test_an_original_that_is_no_program() -> None:
    assert python_original("def f(:", "f", "i") is None
    assert python_original("def g(x):\n    return x", "f", "i") is None
