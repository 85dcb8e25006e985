"""What agents remember, which language comes next, and who sits with whom."""

import pytest

from glotsmith.recipes.xcoder.memory import KEPT, AgentMemory, MemoryLimits, RememberedSession, first_sentence
from glotsmith.recipes.xcoder.proposals import Proposal
from glotsmith.recipes.xcoder.rubric import WEIGHTS, RubricPoints, weighted_score
from glotsmith.recipes.xcoder.schedule import ScheduleSessions, SessionPlan, choose_target_language, session_key
from glotsmith.records import Lineage, Origin

LANGUAGES = ("python", "lua", "ocaml")


def same_words(a: str, b: str) -> float:
    return float(bool(a) and a.split() == b.split())


def memo(number: int, agent: str, aim: str, **fields: object) -> RememberedSession:
    return RememberedSession(
        key=session_key(number), number=number, epoch=number // 2 + 1, agent=agent, target=aim, **fields
    )


PAST = (
    memo(0, "lua", "ocaml", others=("python",), name="f", signature="s", instruction="Do this. And more.",
         reference="code f", outcome=KEPT, passed=("lua", "ocaml")),
    memo(1, "python", "lua", name="g", signature="s", instruction="Do that.", reference="code g",
         outcome="no_agreement", passed=("python",), failures={"lua": {"fail:wrong": 3, "fail:compile": 5}}),
    memo(2, "lua", "python", outcome="empty_reply"),
)  # fmt: skip
MEMORY = AgentMemory(PAST, same_words)


def test_an_agent_remembers_what_it_had_a_part_in() -> None:
    assert [m.number for m in MEMORY.sessions_of("python")] == [0, 1, 2]
    assert [m.number for m in MEMORY.sessions_of("ocaml")] == [0]
    assert MEMORY.prompt_lines("lua") == ["f: Do this. (kept)", "g: Do that. (no_agreement)"]
    assert [m.number for m in MEMORY.sessions_of_last_epoch("lua", 2)] == [0, 1]
    assert MEMORY.sessions_of_last_epoch("ocaml", 3) == []


def test_memory_is_bounded() -> None:
    small = AgentMemory(PAST, same_words, MemoryLimits(size=2, shown=1))
    assert [m.number for m in small.sessions_of("lua")] == [1, 2]
    assert small.prompt_lines("lua") == ["g: Do that. (no_agreement)"]
    assert small.find_repeated("f", "s", "", "") is None
    none = AgentMemory(PAST, same_words, MemoryLimits(size=0, shown=0))
    assert (none.sessions_of("lua"), none.prompt_lines("lua"), none.find_repeated("f", "s", "", "")) == ([], [], None)
    assert AgentMemory(PAST, same_words, MemoryLimits(shown=0)).prompt_lines("lua") == []


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


def test_what_a_language_finds_hard_is_counted_the_most_frequent_first() -> None:
    assert list(MEMORY.frequent_failures("lua").items()) == [("fail:compile", 5), ("fail:wrong", 3)]
    assert MEMORY.frequent_failures("ocaml") == {}
    assert MEMORY.solve_rate("ocaml") == 2 / 3
    assert MEMORY.solve_rate("lua") == 1 / 2
    assert MEMORY.solve_rate("ruby") == 1 / 2


def test_synergy_is_what_a_language_gains_from_an_agents_problems() -> None:
    assert MEMORY.synergy("lua", "lua") == pytest.approx(2 / 3 - 1 / 2)
    assert MEMORY.synergy("python", "lua") == pytest.approx(1 / 3 - 1 / 2)
    assert MEMORY.synergy("ocaml", "lua") == 0
    alike = AgentMemory([memo(n, "lua", "lua", passed=("lua",)) for n in range(5)], same_words)
    assert alike.synergy("lua", "lua") > 0  # all that is known speaks for it, if not much


@pytest.mark.parametrize(
    ("policy", "memory", "chairs", "aims"),
    [
        ("balance", (), ["python"] * 4, ["python", "lua", "ocaml", "python"]),
        ("balance", PAST, ["python"] * 4, ["python", "python", "lua", "ocaml"]),
        ("weakness", PAST, ["python"] * 4, ["lua", "python", "ocaml", "lua"]),
        ("transfer", (), ["lua", "lua", "python", "lua"], ["python", "ocaml", "lua", "python"]),
        (
            "transfer",
            PAST,
            ["lua", "lua", "lua"],
            ["ocaml", "python", "ocaml"],
        ),  # what it was good for, then the others
    ],
)
def test_the_target_follows_the_policy(
    policy: str, memory: tuple[RememberedSession, ...], chairs: list[str], aims: list[str]
) -> None:
    known = AgentMemory(memory, same_words)
    found = [choose_target_language(policy, known, chairs[: n + 1], LANGUAGES) for n in range(len(chairs))]  # type: ignore[arg-type]
    assert found == aims


def seeds(count: int) -> list[tuple[str, Proposal]]:
    origin, lineage = Origin(source="s", path="p"), Lineage(teacher="t")
    made = [
        Proposal(
            id=f"s{n}", kind="ds1", language=LANGUAGES[n % 2], instruction=f"I {n}", origin=origin, lineage=lineage
        )
        for n in range(count)
    ]
    return [(p.id, p) for p in made]


@pytest.mark.parametrize(("count", "sessions"), [(1, 7), (3, 7), (10, 7), (10, 0)])
def test_sessions_stand_among_the_seeds_in_their_order(count: int, sessions: int) -> None:
    plan = SessionPlan(agents=LANGUAGES, sessions=sessions, epoch=3)
    results = list(ScheduleSessions(plan).run(lambda: iter(seeds(count))))
    assert [key for key, _ in results] == [key for key, _ in seeds(count)]
    kept = [k.item for _, r in results for k in r.kept]
    held = [p.session for p in kept if p.session]
    assert [s.number for s in held] == list(range(sessions))
    assert len(kept) == count + sessions
    assert all(s.inspirations and s.chair not in s.others for s in held)
    assert list(ScheduleSessions(plan).run(lambda: iter(()))) == []


@pytest.mark.parametrize(("agents", "own", "shown"), [(2, 6, 3), (2, 12, 3), (4, 12, 3), (3, 5, 2)])
def test_a_chair_is_inspired_by_all_seeds_of_its_language_in_turn(agents: int, own: int, shown: int) -> None:
    languages = ("python", "lua", "ocaml", "ruby")[:agents]
    plan = SessionPlan(agents=languages, sessions=agents * own, epoch=4, inspirations=shown)
    known = [f"lua {n}" for n in range(own)]
    seat = {"kind": "ds1", "instruction": "beside", "origin": Origin(source="s", path="p")}
    beside = Proposal(id="s", lineage=Lineage(teacher="t"), **seat)  # type: ignore[arg-type]
    held = [
        ScheduleSessions(plan)._session_item(s, beside, known).session for s in plan.all_sessions() if s.chair == "lua"
    ]
    assert {text for s in held if s for text in s.inspirations} == {"beside", *known}


def test_an_epochs_reflections_are_charged_once_and_not_in_the_first() -> None:
    plan = SessionPlan(agents=LANGUAGES, sessions=9, epoch=3, others=1)
    held = plan.all_sessions()
    assert not any(s.reflects for s in held if s.epoch == 1)
    for epoch in (2, 3):
        charged = [a for s in held if s.epoch == epoch for a in s.reflects]
        assert sorted(charged) == sorted(LANGUAGES)
    assert plan.chairs_up_to(held[5]) == [s.chair for s in held[3:6]]


def test_the_score_is_the_weighted_mean_of_nine_points() -> None:
    assert len(WEIGHTS) == 9
    assert weighted_score(RubricPoints(*[3.0] * 9)) == 3.0
    high = dict.fromkeys(WEIGHTS, 1.0) | {"correctness": 5.0}
    assert weighted_score(RubricPoints(**high)) == 1 + 4 * 2 / 10


def test_the_gist_is_a_first_sentence_on_one_line() -> None:
    assert first_sentence("Do\nthis. Then that.") == "Do this."
    assert first_sentence("x" * 200, 10) == "x" * 9 + "…"
