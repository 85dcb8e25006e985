"""Who sits in which session, and which language its problem is for."""

import pytest
from remembered_sessions import LANGUAGES, PAST, same_words

from glotsmith.recipes.xcoder.memory import RememberedSession, SessionMemory
from glotsmith.recipes.xcoder.proposals import Proposal
from glotsmith.recipes.xcoder.schedule import ScheduleSessions, SessionPlan, choose_target_language
from glotsmith.records import Lineage, Origin


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
    known = SessionMemory(memory, same_words)
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
    seed_proposal = Proposal(id="s", lineage=Lineage(teacher="t"), **seat)  # type: ignore[arg-type]
    held = [
        ScheduleSessions(plan)._session_item(s, seed_proposal, known).session
        for s in plan.all_sessions()
        if s.chair == "lua"
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
