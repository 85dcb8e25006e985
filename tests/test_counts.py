"""Counts agree with their nouns and verbs, and durations are as people write them."""

import pytest

from glotsmith import recipes
from glotsmith.counts import agreeing, counted, format_seconds


@pytest.mark.parametrize(
    ("number", "noun", "verb", "text"),
    [
        (1, "question", "", "1 question"),
        (0, "question", "", "0 questions"),
        (2, "reply", "", "2 replies"),
        (1, "reply", "is", "1 reply is"),
        (12_000, "row", "has", "12,000 rows have"),
        (2, "branch", "was", "2 branches were"),
        (3, "line", "holds", "3 lines hold"),
        (2, "key", "does", "2 keys do"),
        (1, "problem", "cannot", "1 problem cannot"),
        (2, "problem", "cannot", "2 problems cannot"),
    ],
)
def test_a_count_has_its_noun_and_verb_in_the_right_number(number: int, noun: str, verb: str, text: str) -> None:
    assert counted(number, noun, verb) == text


def test_a_verb_agrees_with_a_count_that_stands_elsewhere() -> None:
    assert [agreeing(number, "has") for number in (0, 1, 2)] == ["have", "has", "have"]


@pytest.mark.parametrize(
    ("recipe", "number", "text"),
    [
        ("multipl-t", 1, "1 verified program is"),
        ("multipl-t", 0, "0 verified programs are"),
        ("multipl-t", 105, "105 verified programs are"),
        ("inverse-instruct", 1, "1 instruction pair is"),
        ("inverse-instruct", 2, "2 instruction pairs are"),
        ("xcoder", 1, "1 row is"),
        ("xcoder", 2, "2 rows are"),
    ],
)
def test_a_recipe_names_its_rows_by_a_noun_that_can_be_counted(recipe: str, number: int, text: str) -> None:
    assert counted(number, recipes.get(recipe).row_noun, "is") == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.4, "0 s"),
        (59.4, "59 s"),
        (60, "1 min"),
        (125, "2 min 5 s"),
        (3600, "1 h"),
        (90_000, "25 h"),
        (3780, "1 h 3 min"),
    ],
)
def test_a_duration_is_written_as_people_write_it(seconds: float, text: str) -> None:
    assert format_seconds(seconds) == text
