"""What execution says of planted problems: each fault is dropped for its own reason."""

import asyncio
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from glotsmith.drop_reasons import Reason
from glotsmith.errors import ToolchainError
from glotsmith.languages import toolchain
from glotsmith.recipes.xcoder.agent_requests import AgentReply
from glotsmith.recipes.xcoder.history import PosedProblem
from glotsmith.recipes.xcoder.memory import MemoryLimits
from glotsmith.recipes.xcoder.pipeline_item import (
    FilterReference,
    MakeProblemTasks,
    PipelineItem,
    ValidateProblem,
    WriteProblemTests,
)
from glotsmith.recipes.xcoder.proposals import DiscussionSession, Proposal
from glotsmith.recipes.xcoder.rubric import WEIGHTS, ScoreByRubric
from glotsmith.recipes.xcoder.steps import CrossCheckLanguages, DeduplicateProblems, ExecuteReference
from glotsmith.records import Function, Job, Lineage, Origin, Problem, Solution, Suite, Task, Verdict
from glotsmith.sandbox import open_sandbox
from glotsmith.sandbox.base import Sandbox
from glotsmith.selection.similarity import rouge_l_of_texts
from glotsmith.sources.filters import Filter, FilterOptions
from glotsmith.step import Result
from glotsmith.suites.validate import Validate
from glotsmith.suites.write import WriteTests
from glotsmith.teachers.base import Reply
from glotsmith.verification import Verifier

ROTATE = (
    "Move every element of a list k places to the left, and put what falls off at the right end.",
    "def rotate(xs, k):\n    if not xs:\n        return []\n    k = k % len(xs)\n    return xs[k:] + xs[:k]",
    ("assert rotate([1, 2, 3], 1) == [2, 3, 1]", "assert rotate([], 2) == []", "assert rotate([4, 5], 3) == [5, 4]"),
)
WHEEL = (
    "A wheel carries numbers around its rim. Say what is read from its top after so many notches anticlockwise.",
    "def wheel(rim, notches):\n    found = list(rim)\n    for _ in range(notches % len(rim) if rim else 0):\n"
    "        first = found.pop(0)\n        found.append(first)\n    return found",
    ("assert wheel([7, 8, 9], 2) == [9, 7, 8]", "assert wheel([], 1) == []"),
)
OTHER_WAY = (
    "A wheel carries numbers around its rim. Say what is read from its top after so many notches clockwise.",
    WHEEL[1].replace("pop(0)", "pop()").replace("found.append(first)", "found.insert(0, first)"),
    ("assert wheel([7, 8, 9], 2) == [8, 9, 7]", "assert wheel([], 1) == []"),
)
SAME_WORDS = (ROTATE[0].replace("Move", "Shift"), ROTATE[1].replace("k % len(xs)", "k % max(1, len(xs))"), ROTATE[2])


def proposal(problem: tuple[str, str, tuple[str, ...]], number: int = 0, **fields: Any) -> Proposal:
    instruction, reference, examples = problem
    session = DiscussionSession(number=number, epoch=1, place=number, chair="python", others=("lua",))
    fields = {"session": session, "languages": ("lua",), "language": "lua"} | fields
    return Proposal(
        id=f"session-{number}",
        kind="ds3",
        instruction=instruction,
        name=reference[4 : reference.index("(")],
        reference=reference,
        examples=examples,
        origin=Origin(source="s", path="p"),
        lineage=Lineage(teacher="hand-written"),
        **fields,
    )


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    for language in ("python", "lua"):
        try:
            toolchain.find_toolchain(language)
        except ToolchainError as error:
            pytest.skip(str(error))
    made = open_sandbox()
    yield made
    asyncio.run(made.close())


class Known:
    """A history whose problems are given."""

    def __init__(self, *posed: PosedProblem) -> None:
        self.known = posed

    async def posed_problems(self, epoch: int) -> tuple[PosedProblem, ...]:
        return self.known


async def run_all_steps(sandbox: Sandbox, item: Proposal, *earlier: Proposal) -> Result[Any]:
    """Let a proposal through the steps up to ``make_tasks``, behind earlier ones; return the last result."""
    verifier = Verifier(sandbox)
    history = Known()
    steps = [
        ExecuteReference(verifier),
        FilterReference(Filter(FilterOptions(imports=True, ascii_only=False))),
        WriteProblemTests(WriteTests(sandbox)),
        ValidateProblem(Validate(sandbox)),
        DeduplicateProblems(history, verifier, rouge_l_of_texts, MemoryLimits(), 4),  # type: ignore[arg-type]
        MakeProblemTasks(verifier, 3),
    ]
    for each in earlier:
        current: Any = each
        for step in steps[:4]:
            current = (await step.run(each.id, current)).kept[0].item
        assert each.session
        history.known = (*history.known, PosedProblem(each.id, each.session.number, current.problem))
    result: Result[Any] = Result()
    current = item
    for step in steps:
        result = await step.run(item.id, current)
        if not result.kept:
            break
        current = result.kept[0].item
    return result


async def outcome(item: Proposal, *earlier: Proposal) -> tuple[str, str]:
    """Return reason and detail of a drop, or ``kept``."""
    sandbox = open_sandbox()
    try:
        result = await run_all_steps(sandbox, item, *earlier)
    finally:
        await sandbox.close()
    if result.kept:
        return "kept", ""
    [loss] = [loss for loss in result.dropped if not loss.key]
    return str(loss.reason), loss.detail


def changed(problem: tuple[str, str, tuple[str, ...]], old: str, new: str) -> tuple[str, str, tuple[str, ...]]:
    instruction, reference, examples = problem
    return instruction, reference.replace(old, new), tuple(e.replace(old, new) for e in examples)


CONSTANT = (
    "Tell whether a number is a number.",
    "def number(x):\n    if x > 3:\n        return True\n    return x == x",
    ("assert number(1) == True", "assert number(5) == True", "assert number(-3) == True"),
)
WRONG_TEST = changed(ROTATE, "[2, 3, 1]", "[3, 1, 2]")  #: two solutions that rotate alike agree, and not with this
RAISES = (ROTATE[0], "def rotate(xs, k):\n    return xs[k] + undefined_name + [k, k]", ROTATE[2])


@pytest.mark.slow
@pytest.mark.usefixtures("sandbox")
@pytest.mark.parametrize(
    ("item", "earlier", "reason", "detail"),
    [
        (proposal(ROTATE), (), "kept", ""),
        (proposal(WRONG_TEST), (), "contradicted", "it gives [2, 3, 1]"),
        (proposal(RAISES), (), "source_fails", ""),
        (proposal(CONSTANT), (), "one_expected_value", "True"),
        (proposal(ROTATE, 1), (proposal(ROTATE),), "exact_duplicate", "session-0"),
        (proposal(SAME_WORDS, 1), (proposal(ROTATE),), "near_duplicate", "session-0"),
        (proposal(WHEEL, 1), (proposal(ROTATE),), "same_behaviour", "as rotate of session-0"),
        (proposal(OTHER_WAY, 1), (proposal(ROTATE),), "kept", ""),
        (proposal(ROTATE), (proposal(WHEEL, 1),), "kept", ""),  # the earlier session stays, whichever was ready first
    ],
)
def test_each_planted_fault_is_dropped_for_its_own_reason(
    item: Proposal, earlier: tuple[Proposal, ...], reason: str, detail: str
) -> None:
    found = asyncio.run(outcome(item, *earlier))
    assert found[0] == reason
    assert detail in found[1]


class Broken:
    """A runner that passes everything, as an exit code does."""

    async def verify(self, job: Job) -> Verdict:
        return Verdict(id=job.id, language=job.language, status="pass")


@pytest.mark.slow
def test_a_suite_that_a_stub_passes_is_dropped(sandbox: Sandbox) -> None:
    async def posed() -> PipelineItem:
        own = open_sandbox()
        try:
            result = await run_all_steps(own, proposal(ROTATE))
        finally:
            await own.close()
        task = result.kept[0].item.task
        return PipelineItem(proposal=proposal(ROTATE), problem=task.problem)

    result = asyncio.run(MakeProblemTasks(Broken(), 3).run("session-0", asyncio.run(posed())))
    assert not result.kept
    assert {d.reason for d in result.dropped} == {Reason.STUB_PASSES}


def solved(make: Any, number: int, *languages: str, session: bool = True) -> list[tuple[str, PipelineItem]]:
    held = proposal(ROTATE, number) if session else proposal(ROTATE, number, session=None)
    return [(f"{held.id}:{language}", PipelineItem(proposal=held, solution=make(language))) for language in languages]


def test_a_problem_needs_solutions_in_two_languages(make_solution_in: Any) -> None:
    alone = solved(make_solution_in, 0, "python", "python")
    agreed = solved(make_solution_in, 1, "lua")
    seed = solved(make_solution_in, 2, "python", session=False)
    items = [*alone, *agreed, *seed]
    kept = [bool(r.kept) for _, r in CrossCheckLanguages(2).run(lambda: iter(items))]
    assert kept == [False, False, True, True]
    three = dict(CrossCheckLanguages(3).run(lambda: iter(solved(make_solution_in, 1, "lua"))))
    [loss] = three["session-1:lua"].dropped
    assert (loss.reason, loss.detail) == (Reason.NO_AGREEMENT, "lua, python alone, of 3 languages")


@pytest.fixture
def make_solution_in() -> Any:
    def make(language: str) -> Solution:
        function = Function(id="p", name="rotate", code=ROTATE[1], origin=Origin(source="s", path="p"))
        suite = Suite(
            signature="def rotate(xs: list[int], k: int) -> list[int]", tests=ROTATE[2], line_coverage=1,
            branch_coverage=1, mutation_score=1, mutants=1, writers={},
        )  # fmt: skip
        task = Task(
            id=f"t-{language}", problem=Problem(id="p", function=function, suite=suite), language=language,
            signature=suite.signature, tests=suite.tests, prefix="",
        )  # fmt: skip
        return Solution(id=f"s-{language}", task=task, code="…", lineage=Lineage(teacher="hand-written"))

    return make


class Rates:
    """Requests that are all answered by the same text."""

    def __init__(self, text: str) -> None:
        self.text = text

    async def send(self, *_: object, **__: object) -> Any:
        return AgentReply(Reply(text=self.text, output_tokens=7), Lineage(teacher="t"))


LOW = "{" + ", ".join(f'"{name}": 2' for name in WEIGHTS) + "}"


@pytest.mark.parametrize(
    ("reply", "kind", "executed", "kept", "reason"),
    [
        (LOW, "ds1", True, 2.0, None),  # the score only ranks what has passed
        (LOW, "ds1", False, None, Reason.LOW_SCORE),
        (LOW.replace("2", "4"), "ds1", False, 4.0, None),
        (LOW.replace("2", "9"), "ds1", False, None, Reason.INCOMPLETE_REPLY),
        ("Four of five.", "ds1", True, 0.0, Reason.UNPARSABLE_REPLY),
        ("Four of five.", "ds1", False, None, Reason.UNPARSABLE_REPLY),
        (LOW, "ds3", True, 2.0, None),
        (LOW, "ds2", True, None, Reason.LOW_SCORE),  # its suite does not test the instruction
        (LOW, "ds2", False, None, Reason.LOW_SCORE),
        (LOW.replace("2", "3"), "ds2", True, 3.0, None),
        ("Four of five.", "ds2", True, None, Reason.UNPARSABLE_REPLY),
    ],
)
def test_the_rubric_is_a_gate_only_where_no_execution_verified_the_instruction(
    reply: str, kind: Any, executed: bool, kept: float | None, reason: Reason | None, make_solution_in: Any
) -> None:
    proposed = msgspec.structs.replace(proposal(ROTATE), kind=kind)
    current = PipelineItem(proposal=proposed, solution=make_solution_in("lua") if executed else None)
    result = asyncio.run(ScoreByRubric(Rates(reply), 3.0).run("k", current))  # type: ignore[arg-type]
    assert [k.item.score for k in result.kept] == ([] if kept is None else [kept])
    assert [d.reason for d in result.dropped] == ([reason] if reason else [])
    assert result.tokens == 7


UNEXECUTABLE = proposal(("A queue.", "def f(x): return x", ()), session=None, answer="return {}")


def execute_reference(item: Proposal, verdict: str = "pass", *, unexecuted: bool = True) -> Result[PipelineItem]:
    class Says:
        async def verify(self, job: Job) -> Verdict:
            return Verdict(id=job.id, language=job.language, status=verdict, toolchain="Lua 5.4")  # type: ignore[arg-type]

    return asyncio.run(ExecuteReference(Says(), unexecuted=unexecuted).run("k", item))


def test_what_can_not_be_executed_passes_only_if_it_may() -> None:
    bare = msgspec.structs.replace(UNEXECUTABLE, reference="")
    assert not execute_reference(bare).kept[0].item.executed
    [loss] = execute_reference(bare, unexecuted=False).dropped
    assert loss.reason == Reason.UNTESTED
    [loss] = execute_reference(msgspec.structs.replace(bare, answer="return {")).dropped
    assert loss.reason == Reason.UNPARSABLE_CODE
    own = msgspec.structs.replace(bare, examples=tuple(f"assert f({n}) == {n}" for n in range(3)))
    assert execute_reference(own, unexecuted=False).kept[0].item.executed
    [loss] = execute_reference(own, "fail:wrong").dropped
    assert loss.reason == Reason.FAILED_VERIFICATION
    [loss] = execute_reference(own, "infra:sandbox").dropped
    assert loss.reason == Reason.NOT_VERIFIED


@pytest.mark.parametrize(
    ("examples", "reason"),
    [
        (("assert f(1) == 1", "assert f(2) == 2"), Reason.TOO_FEW_CASES),
        (("assert f(1) == 1", "assert f(2) == 2", "assert f(1) == 1"), Reason.TOO_FEW_CASES),
        (tuple(f"assert f({n}) == 0" for n in range(9)), Reason.ONE_EXPECTED_VALUE),
    ],
)
def test_a_snippets_own_suite_that_says_little_proves_nothing_and_still_can_speak_against_it(
    examples: tuple[str, ...], reason: Reason
) -> None:
    thin = msgspec.structs.replace(UNEXECUTABLE, reference="", examples=examples)
    assert (
        not execute_reference(thin).kept[0].item.executed
    )  # so that the rubric is a gate for it, and its row has no tests
    [loss] = execute_reference(thin, unexecuted=False).dropped
    assert loss.reason == reason
    [loss] = execute_reference(thin, "fail:wrong").dropped
    assert loss.reason == Reason.FAILED_VERIFICATION


def test_who_solves_sees_a_few_of_the_stated_examples() -> None:
    stated = tuple(f"assert rotate([{n}, 1], 1) == [1, {n}]" for n in range(20))
    function = execute_reference(proposal((ROTATE[0], ROTATE[1], stated))).kept[0].item.function
    assert function
    assert function.docstring.startswith(f"{ROTATE[0]}\n\n>>> rotate([0, 1], 1)\n[1, 0]\n>>> ")
    assert function.docstring.count(">>>") == 5


def test_problems_of_one_reference_in_other_words_have_ids_of_their_own() -> None:
    """Their suites differ too: solutions and preference pairs must not be mixed."""
    found = [
        execute_reference(proposal((words, *ROTATE[1:]))).kept[0].item.function
        for words in ("Rotate.", "Turn.", "Turn.")
    ]
    assert [f.id for f in found if f][1:] == [found[2].id] * 2  # type: ignore[union-attr]
    assert found[0].id != found[1].id  # type: ignore[union-attr]
