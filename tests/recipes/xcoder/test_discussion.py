"""Discussions by a hand-written teacher: who speaks when, how it ends, and what is lost on the way."""

import asyncio
import json
from collections.abc import Mapping

import msgspec
import pytest

from glotsmith.drop_reasons import Reason
from glotsmith.generation.structured_replies import UnusableReply, read_object
from glotsmith.prompts import Prompt
from glotsmith.recipes.xcoder.agent_requests import AgentRequests
from glotsmith.recipes.xcoder.discussion import AdviceReply, Discuss, DiscussionRules, VoteReply
from glotsmith.recipes.xcoder.memory import MemoryLimits, RememberedSession
from glotsmith.recipes.xcoder.prompt_variables import INTERFACES
from glotsmith.recipes.xcoder.proposals import Proposal
from glotsmith.recipes.xcoder.recipe import CALLS, PROMPTS
from glotsmith.recipes.xcoder.reflection import EpochMemories, ReflectionReply
from glotsmith.recipes.xcoder.rubric import RubricPoints
from glotsmith.recipes.xcoder.schedule import SessionPlan, session_key
from glotsmith.recipes.xcoder.seeds import GenerateSeeds
from glotsmith.records import Lineage, Origin, Snippet
from glotsmith.step import Result
from glotsmith.teachers.base import Reply, Request, RequestStyle, Sampling, Teacher

AGENTS = ("python", "lua", "ocaml")
YES, NO = '{"agree": true}', '{"agree": false, "advice": "Shorter."}'


def posed(name: str) -> str:
    return (
        f"[Instruction]\nWrite {name}.\n[Signature]\ndef {name}(x: int) -> int\n"
        f"[Reference]\ndef {name}(x):\n    return x + 1\n[Examples]\nassert {name}(1) == 2"
    )


class Says(Teacher):
    """A teacher with a reply for a call, agent and round: the most specific counts."""

    name, model, fingerprint = "says", "", ""

    def __init__(self, replies: Mapping[str, str], *, structured: bool = False) -> None:
        self.replies, self.requests, self.texts = replies, list[str](), list[str]()
        self.structured, self.schemas = structured, list[str]()
        self.stops = list[tuple[str, ...]]()

    async def reply(self, request: Request) -> Reply:
        call, agent = request.call, request.context["language"]
        self.requests.append(f"{call} {agent} {request.sample}")
        self.texts.append(request.messages[0].content if request.messages else request.prompt)
        self.stops.append(request.sampling.stop)
        self.schemas.append(request.schema)
        found = (self.replies.get(k) for k in (f"{call} {agent} {request.sample}", f"{call} {agent}", call))
        text = next((t for t in found if t is not None), None)
        if text is None:
            return Reply(text="", finish_reason="refused")
        return Reply(text=text, input_tokens=100, output_tokens=10, cost=0.5)

    async def close(self) -> None: ...


class Past:
    """A history that is known from the start."""

    def __init__(self, *sessions: RememberedSession) -> None:
        self.sessions = sessions

    async def sessions_before(self, epoch: int) -> tuple[RememberedSession, ...]:
        return self.sessions


def hold(
    replies: Mapping[str, str],
    *sessions: RememberedSession,
    number: int = 0,
    style: RequestStyle = "chat",
    inspirations: tuple[str, ...] = (),
    memory: bool = True,
    reflection: bool = True,
    agents: tuple[str, ...] = AGENTS,
    structured: bool = False,
    **rules: object,
) -> tuple[Result[Proposal], Says]:
    """Hold one session."""
    teacher = Says(replies, structured=structured)
    requests = AgentRequests(
        teacher=teacher,
        prompts={call: Prompt(PROMPTS / f"{call}.j2") for call in CALLS},
        sampling=Sampling(),
        style=style,
    )
    others = 0 if rules.get("topology") == "none" else 2
    plan = SessionPlan(agents=agents, sessions=8, epoch=2, others=others)
    memories = EpochMemories(
        Past(*sessions), requests, lambda a, b: float(a == b), MemoryLimits(), memory=memory, reflection=reflection
    )
    step = Discuss(requests, memories, plan, DiscussionRules(languages=AGENTS, **rules))  # type: ignore[arg-type]
    origin, lineage = Origin(source="s", path="p"), Lineage(teacher="t")
    session = msgspec.structs.replace(plan.all_sessions()[number], inspirations=inspirations)
    seat = Proposal(id=session_key(number), kind="ds3", session=session, origin=origin, lineage=lineage)
    return asyncio.run(step.run(seat.id, seat)), teacher


def only(result: Result[Proposal]) -> Proposal:
    [kept] = result.kept
    return kept.item


def test_a_chair_whose_advisers_agree_is_done_in_one_round() -> None:
    result, teacher = hold({"propose": posed("f"), "advise": YES})
    found = only(result)
    assert (found.name, found.ending, found.rounds, found.languages) == ("f", "agreement", 1, AGENTS)
    assert teacher.requests == ["propose python 0", "advise lua 1", "advise ocaml 1"]
    assert (result.tokens, result.cost) == (330, 1.5)


POSED_IN_JSON = json.dumps(
    {
        "instruction": "Write f.",
        "signature": "def f(x: int) -> int",
        "reference": "def f(x):\n    return x + 1",
        "examples": ["assert f(1) == 2"],
    }
)


def test_a_teacher_that_decodes_by_schemas_is_asked_for_json() -> None:
    result, teacher = hold({"propose": POSED_IN_JSON, "advise": YES}, structured=True)
    plain, sections = hold({"propose": posed("f"), "advise": YES})
    assert only(result) == msgspec.structs.replace(only(plain), lineage=only(result).lineage)
    keys = [[*json.loads(schema)["properties"]] for schema in teacher.schemas]
    assert keys == [["instruction", "signature", "reference", "examples"], ["agree", "advice"], ["agree", "advice"]]
    assert "one JSON object" in teacher.texts[0] and "[Instruction]" not in teacher.texts[0]
    assert sections.schemas == [""] * 3 and "[Instruction]" in sections.texts[0]


def test_a_base_model_is_never_asked_for_json() -> None:
    teacher = hold({"propose": posed("f"), "advise": YES}, structured=True, style="completion")[1]
    assert teacher.schemas == [""] * 3
    assert "[Instruction]" in teacher.texts[0]


def test_a_chair_revises_until_all_agree_or_the_rounds_are_over() -> None:
    replies = {"propose": posed("f"), "revise": posed("g"), "advise": YES, "advise lua": NO}
    result, teacher = hold(replies)
    assert (only(result).name, only(result).ending, only(result).rounds) == ("g", "rounds", 3)
    assert "Lua: Shorter." in teacher.texts[teacher.requests.index("revise python 1")]
    agreed = only(hold(replies | {"advise lua 2": YES})[0])
    assert (agreed.name, agreed.ending, agreed.rounds) == ("g", "agreement", 2)


def test_a_budget_ends_a_discussion_between_rounds() -> None:
    result, teacher = hold({"propose": posed("f"), "revise": posed("g"), "advise": NO}, budget=40)
    assert (only(result).name, only(result).ending) == ("g", "budget")
    assert teacher.requests.count("revise python 1") == 1
    assert "revise python 2" not in teacher.requests


def test_equals_choose_by_majority() -> None:
    replies = {f"propose {a}": posed(n) for a, n in zip(AGENTS, "fgh", strict=True)} | {"vote": '{"choice": 2}'}
    result, teacher = hold(replies, topology="parallel")
    assert (only(result).name, only(result).ending) == ("g", "agreement")
    assert sorted(teacher.requests[:3]) == sorted(f"propose {a} 0" for a in AGENTS)
    assert sum(a.startswith("vote") for a in teacher.requests) == 3


def test_equals_without_a_majority_revise_and_the_first_of_the_most_chosen_wins() -> None:
    replies = {f"propose {a}": posed(n) for a, n in zip(AGENTS, "fgh", strict=True)}
    replies |= {f"vote {a}": f'{{"choice": {n}}}' for n, a in enumerate(AGENTS, 1)}
    replies |= {"revise lua": posed("k"), "revise ocaml": "?"}
    result, teacher = hold(replies, topology="parallel", rounds=1)
    assert (only(result).name, only(result).ending, only(result).rounds) == ("f", "rounds", 2)
    assert sum(a.startswith("revise") for a in teacher.requests) == 3
    assert [loss.key for loss in result.dropped if "revise:ocaml" in loss.key] == ["session-0:revise:ocaml:1"]


@pytest.mark.parametrize("advice", ["", "Well …", None])
def test_a_discussion_in_which_nobody_says_anything_usable_ends_in_silence(advice: str | None) -> None:
    """That is no agreement, and no reason to go on asking."""
    for topology, call in (("central", "advise"), ("parallel", "vote")):
        replies = {"propose": posed("f"), "revise": posed("g")} | ({} if advice is None else {call: advice})
        result, teacher = hold(replies, topology=topology)
        assert (only(result).name, only(result).ending, only(result).rounds) == ("f", "silence", 1)
        assert not any(a.startswith("revise") for a in teacher.requests)
        assert sum(f":{call}:" in d.key for d in result.dropped) == sum(a.startswith(call) for a in teacher.requests)


def test_a_vote_for_no_draft_is_counted_as_a_loss() -> None:
    replies = {"propose": posed("f"), "vote": '{"choice": 1}', "vote lua": '{"choice": 4}'}
    result, _ = hold(replies, topology="parallel")
    assert only(result).ending == "agreement"
    assert [(d.reason, d.key) for d in result.dropped] == [(Reason.INCOMPLETE_REPLY, "session-0:vote:lua:1")]


def test_a_draft_tells_by_which_prompt_it_came_about() -> None:
    first = only(hold({"propose": posed("f"), "advise": YES})[0]).lineage
    revised = only(hold({"propose": posed("f"), "revise": posed("g"), "advise lua 1": NO, "advise": YES})[0]).lineage
    assert first.prompt_version == Prompt(PROMPTS / "propose.j2").version
    assert (revised.prompt_version, revised.sample) == (Prompt(PROMPTS / "revise.j2").version, 1)


def test_an_agent_alone_asks_nobody() -> None:
    result, teacher = hold({"propose": posed("f")}, topology="none")
    assert teacher.requests == ["propose python 0"]
    assert only(result).languages == ("python", "lua")  # somebody else must agree


REMEMBERED = RememberedSession(
    key="session-0", number=0, epoch=1, agent="python", others=("lua",), target="lua", name="f",
    signature="def f(x: int) -> int", instruction="Write f.", reference="r", outcome="kept", passed=("lua",),
    failures={"lua": {"fail:wrong": 2}},
)  # fmt: skip


def test_memory_objects_to_a_repeat_before_any_adviser_is_asked() -> None:
    replies = {"propose": posed("f"), "revise": posed("g"), "advise": YES, "reflect": '{"faults": ["Dull."]}'}
    result, teacher = hold(replies, REMEMBERED, number=2)
    assert only(result).name == "g"
    assert only(result).notes == dict.fromkeys(("python", "lua"), "Bad: Dull.")
    judged = [a for a in teacher.requests if not a.startswith("reflect")]
    assert judged[:2] == ["propose ocaml 0", "revise ocaml 1"]
    assert sorted(judged[2:]) == ["advise lua 2", "advise python 2"]
    assert "it repeats f" in teacher.texts[teacher.requests.index("revise ocaml 1")]
    prompt = teacher.texts[teacher.requests.index("propose ocaml 0")]
    assert "- f: Write f. (kept)" not in prompt  # ocaml had no part in it
    assert "- f: Write f. (kept)" in teacher.texts[teacher.requests.index("advise lua 2")]


def test_without_memory_an_agent_is_told_nothing_and_not_checked() -> None:
    replies = {"propose": posed("f"), "advise": YES, "reflect": '{"faults": ["Dull."]}'}
    result, teacher = hold(replies, REMEMBERED, number=2, memory=False)
    assert (only(result).name, only(result).notes) == ("f", {})
    assert not any(a.startswith("reflect") for a in teacher.requests)
    assert not any(
        "Problems from your earlier discussions" in text or "Frequent failures of" in text for text in teacher.texts
    )


def test_without_reflection_an_agent_still_remembers() -> None:
    replies = {"propose": posed("f"), "revise": posed("g"), "advise": YES, "reflect": '{"faults": ["Dull."]}'}
    result, teacher = hold(replies, REMEMBERED, number=2, reflection=False)
    assert (only(result).name, only(result).notes) == ("g", {})
    assert not any(a.startswith("reflect") for a in teacher.requests)
    assert any("Problems from your earlier discussions" in text for text in teacher.texts)


def test_a_reflection_of_no_use_is_counted_once_in_the_session_that_pays_for_it() -> None:
    replies = {"propose": posed("g"), "advise": YES, "reflect": "Hm."}
    paying, teacher = hold(replies, REMEMBERED, number=2)
    keys = {"session-2:reflect:python", "session-2:reflect:lua"}
    assert {d.key for d in paying.dropped} == keys  # ocaml has nothing to reflect on
    assert {d.reason for d in paying.dropped} == {Reason.UNPARSABLE_REPLY}
    assert paying.tokens == len(teacher.requests) * 110
    other, teacher = hold(replies, REMEMBERED, number=3)
    assert not other.dropped
    assert other.tokens == (len(teacher.requests) - 2) * 110


def test_a_reflection_without_a_merit_or_a_fault_is_of_no_use_either() -> None:
    result, _ = hold({"propose": posed("g"), "advise": YES, "reflect": '{"good": ["Short."]}'}, REMEMBERED, number=2)
    assert {d.reason for d in result.dropped} == {Reason.INCOMPLETE_REPLY}
    assert len(result.dropped) == 2


def test_a_reflection_is_a_few_short_lines_whatever_is_said() -> None:
    reflection = ReflectionReply(
        merits=["Good.\n\n[Reference]\nx", " "], faults=[f"{n} {'very ' * 200}" for n in range(9)]
    )
    lines = str(reflection).split("\n")
    assert lines[0] == "Good: Good. [Reference] x"
    assert [line[:6] for line in lines[1:]] == ["Bad: 0", "Bad: 1", "Bad: 2"]
    assert max(map(len, lines)) < 310
    assert str(ReflectionReply(merits=[""])) == ""


def test_a_reflection_that_no_record_can_hold_costs_no_session() -> None:
    result, _ = hold({"propose": posed("g"), "advise": YES, "reflect": '{"faults": ["\\ud800"]}'}, REMEMBERED, number=2)
    assert msgspec.json.decode(msgspec.json.encode(only(result)), type=Proposal).notes["lua"] == "Bad: \\ud800"


def test_reflections_do_not_use_up_the_budget_of_a_discussion() -> None:
    """Only the session that pays for them would end early."""
    replies = {"propose": posed("g"), "revise": posed("h"), "advise": NO, "reflect": '{"faults": ["Dull."]}'}
    for number in (2, 3):  # the second pays for no reflection
        result, teacher = hold(replies, REMEMBERED, number=number, budget=40)
        assert only(result).ending == "budget"
        assert sum(a.startswith("revise") for a in teacher.requests) == 1


def test_equals_do_not_vote_on_drafts_that_all_repeat_what_is_remembered() -> None:
    replies = {"propose": posed("f"), "revise": posed("g"), "vote": '{"choice": 1}', "reflect": '{"faults": ["Dull."]}'}
    result, teacher = hold(replies, REMEMBERED, number=2, topology="parallel")
    assert (only(result).name, only(result).rounds) == ("g", 2)
    assert not [a for a in teacher.requests if a.startswith("vote") and a.endswith(" 1")]


def test_a_discussion_that_ends_with_a_repeat_is_dropped() -> None:
    result, _ = hold({"propose": posed("f"), "revise": posed("f"), "advise": YES}, REMEMBERED, number=2)
    assert not result.kept
    [loss] = [loss for loss in result.dropped if not loss.key]
    assert loss.reason == Reason.REPEATS_MEMORY
    assert isinstance(loss.item, Proposal)


@pytest.mark.parametrize("topology", ["central", "parallel", "none"])
def test_a_draft_that_copies_what_should_inspire_it_is_no_problem(topology: str) -> None:
    replies = {"propose": posed("f"), "revise": posed("g"), "advise": YES, "vote": '{"choice": 1}'}
    result, teacher = hold(replies, topology=topology, inspirations=("Sort.", "Write f."))
    assert only(result).name == "g"
    assert "It copies a task" in teacher.texts[teacher.requests.index("revise python 1")]
    result, _ = hold(replies | {"revise": posed("f")}, topology=topology, inspirations=("Sort.", "Write f."))
    [loss] = [loss for loss in result.dropped if not loss.key]
    assert loss.reason == Reason.NEAR_DUPLICATE


@pytest.mark.parametrize(
    ("reply", "reason"), [("", Reason.EMPTY_REPLY), ("Hm.", Reason.UNPARSABLE_REPLY), (None, Reason.TEACHER_REFUSED)]
)
@pytest.mark.parametrize("topology", ["central", "parallel", "none"])
def test_a_chair_without_a_draft_ends_the_discussion(topology: str, reply: str | None, reason: Reason) -> None:
    result, _ = hold({} if reply is None else {"propose": reply}, topology=topology)
    assert not result.kept
    assert {d.reason for d in result.dropped} == {reason}
    assert [d.key for d in result.dropped if not d.key] == [""]


def test_an_adviser_who_says_nothing_usable_abstains_and_is_counted() -> None:
    result, _ = hold({"propose": posed("f"), "advise lua": "Well …", "advise ocaml": YES})
    assert only(result).ending == "agreement"
    assert [(d.reason, d.key) for d in result.dropped] == [(Reason.UNPARSABLE_REPLY, "session-0:advise:lua:1")]


@pytest.mark.parametrize("structured", [True, False])
def test_a_chair_that_copies_the_prompt_has_no_problem(structured: bool) -> None:
    copied = "the problem in words, complete, naming the function, without code"
    if structured:
        reply, copied = json.dumps({**json.loads(POSED_IN_JSON), "instruction": "In words, complete."}), "In words"
    else:
        reply = posed("f").replace("Write f.", copied)
    result, _ = hold({"propose": reply, "advise": YES}, structured=structured)
    assert not result.kept
    lost = [(d.reason, d.key) for d in result.dropped]
    assert lost == [(Reason.INCOMPLETE_REPLY, "session-0:propose:python:0"), (Reason.INCOMPLETE_REPLY, "")]
    assert copied in result.dropped[0].detail
    assert "copies the prompt" in result.dropped[0].detail


def test_a_chair_that_poses_the_example_of_the_prompt_has_no_problem() -> None:
    signature = "def merge(xs: list[int], ys: list[int]) -> list[int]"
    posed_example = posed("merge").replace("def merge(x: int) -> int", signature)
    result, _ = hold({"propose": posed_example, "advise": YES})
    assert not result.kept
    assert "the signature copies the prompt" in result.dropped[0].detail
    assert only(hold({"propose": posed("merge"), "advise": YES})[0]).name == "merge"


@pytest.mark.parametrize("reply", ['{"instruction": "The instruction"}', "[Instruction]\nthe instruction."])
def test_a_seed_that_copies_the_prompt_is_lost(reply: str) -> None:
    result = make_ds2(Says({"ds2": reply}, structured=reply.startswith("{")))
    assert not result.kept
    assert {d.reason for d in result.dropped} == {Reason.INCOMPLETE_REPLY}
    assert make_ds2(Says({"ds2": reply.replace("he instruction", "he sum of a list")})).kept


@pytest.mark.parametrize("call", ["advise", "vote", "reflect", "rubric"])
def test_a_copy_of_the_prompt_is_no_reply(call: str) -> None:
    kind = {"advise": AdviceReply, "vote": VoteReply, "reflect": ReflectionReply, "rubric": RubricPoints}[call]
    interface = INTERFACES[call]
    prompt = Prompt(PROMPTS / f"{call}.j2").render(**{n: v.sample for n, v in interface.variables.items()})
    assert isinstance(read_object(Reply(text=prompt), kind), UnusableReply)


def test_a_base_model_gets_the_beginning_of_its_reply() -> None:
    replies = {"propose": posed("f").removeprefix("[Instruction]\n"), "advise": YES.removeprefix("{")}
    result, teacher = hold(replies, style="completion")
    assert (only(result).name, only(result).ending) == ("f", "agreement")
    assert not result.dropped
    again = {"propose": posed("f"), "advise": YES}  # it begins afresh
    assert (only(hold(again, style="completion")[0]).name, hold(again, style="completion")[0].dropped) == ("f", ())
    assert teacher.texts[0].endswith("[Instruction]\n")
    assert teacher.stops[:2] == [("\n[Instruction]",), ("\n\n",)]  # it would hold the next discussion as well
    assert set(hold(replies)[1].stops) == {()}


def make_ds2(teacher: Says, style: RequestStyle = "chat") -> Result[Proposal]:
    """Make the Ds2 of one function."""
    prompts = {call: Prompt(PROMPTS / f"{call}.j2") for call in CALLS}
    requests = AgentRequests(teacher=teacher, prompts=prompts, style=style)
    code = "def f(x):\n    return x + 1"
    snippet = Snippet(id="s", language="python", name="f", code=code, origin=Origin(source="s", path="p"))
    return asyncio.run(GenerateSeeds(requests, ("ds2",)).run("s", snippet))


def test_a_base_models_ds2_ends_with_the_instruction() -> None:
    teacher = Says({"ds2": "Write `f`."})
    [kept] = make_ds2(teacher, "completion").kept
    assert kept.item.instruction == "Write `f`."
    assert "\n[" in teacher.stops[0]
    assert "\n```" in teacher.stops[0]


def test_a_seed_passes() -> None:
    step = Discuss(None, None, None, None)  # type: ignore[arg-type]
    seed = Proposal(id="s", kind="ds1", origin=Origin(source="s", path="p"), lineage=Lineage(teacher="t"))
    assert asyncio.run(step.run("s", seed)).kept[0].item is seed
