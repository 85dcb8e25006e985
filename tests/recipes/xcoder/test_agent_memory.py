"""What agents remember, and what of it enters their prompts."""

import pytest
from remembered_sessions import PAST, remembered, same_words

from glotsmith.recipes.xcoder.memory import MemoryLimits, SessionMemory, first_sentence

MEMORY = SessionMemory(PAST, same_words)


def test_an_agent_remembers_what_it_had_a_part_in() -> None:
    assert [m.number for m in MEMORY.sessions_of("python")] == [0, 1, 2]
    assert [m.number for m in MEMORY.sessions_of("ocaml")] == [0]
    assert MEMORY.prompt_lines("lua") == ["f: Do this. (kept)", "g: Do that. (no_agreement)"]
    assert [m.number for m in MEMORY.sessions_of_last_epoch("lua", 2)] == [0, 1]
    assert MEMORY.sessions_of_last_epoch("ocaml", 3) == []


def test_memory_is_bounded() -> None:
    small = SessionMemory(PAST, same_words, MemoryLimits(size=2, shown=1))
    assert [m.number for m in small.sessions_of("lua")] == [1, 2]
    assert small.prompt_lines("lua") == ["g: Do that. (no_agreement)"]
    assert small.find_repeated("f", "s", "", "") is None
    none = SessionMemory(PAST, same_words, MemoryLimits(size=0, shown=0))
    assert (none.sessions_of("lua"), none.prompt_lines("lua"), none.find_repeated("f", "s", "", "")) == ([], [], None)
    assert SessionMemory(PAST, same_words, MemoryLimits(shown=0)).prompt_lines("lua") == []


@pytest.mark.parametrize(
    ("problem", "repeated"),
    [
        (("f", "s", "Anything.", "any"), 0),
        (("f", "t", "Anything.", "any"), None),
        (("h", "t", "Do  that.", "any"), 1),
        (("h", "t", "Anything.", "code f"), 0),
        (("h", "s", "Anything.", "any"), None),
    ],
)
def test_a_repeat_is_one_in_name_and_signature_in_words_or_in_code(
    problem: tuple[str, str, str, str], repeated: int | None
) -> None:
    found = MEMORY.find_repeated(*problem)
    assert (found and found.number) == repeated


def test_failures_of_a_language_are_counted_the_most_frequent_first() -> None:
    assert list(MEMORY.frequent_failures("lua").items()) == [("fail:compile", 5), ("fail:wrong", 3)]
    assert MEMORY.frequent_failures("ocaml") == {}
    assert MEMORY.solve_rate("ocaml") == 2 / 3
    assert MEMORY.solve_rate("lua") == 1 / 2
    assert MEMORY.solve_rate("ruby") == 1 / 2


def test_synergy_is_what_a_language_gains_from_an_agents_problems() -> None:
    assert MEMORY.synergy("lua", "lua") == pytest.approx(2 / 3 - 1 / 2)
    assert MEMORY.synergy("python", "lua") == pytest.approx(1 / 3 - 1 / 2)
    assert MEMORY.synergy("ocaml", "lua") == 0
    similar = SessionMemory([remembered(n, "lua", "lua", passed=("lua",)) for n in range(5)], same_words)
    assert similar.synergy("lua", "lua") > 0  # all that is known speaks for it, if not much


def test_a_summary_is_a_first_sentence_on_one_line() -> None:
    assert first_sentence("Do\nthis. Then that.") == "Do this."
    assert first_sentence("x" * 200, 10) == "x" * 9 + "…"


def test_memory_enters_prompts_as_lines_of_problems_and_counts_of_failures() -> None:
    assert MEMORY.prompt_variables("lua", "lua") == {
        "previous_problems": ["f: Do this. (kept)", "g: Do that. (no_agreement)"],
        "frequent_failures": {"fail:compile": 5, "fail:wrong": 3},
    }
