import asyncio
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from glotsmith.drop_reasons import Reason
from glotsmith.generation.sampling_plan import SamplingPlan
from glotsmith.generation.translate import Translate, TranslationOptions
from glotsmith.recipes.multipl_t.recipe import translation_prompts
from glotsmith.records import CaseVerdict, Function, Job, Origin, Problem, Solution, Suite, Task, Verdict
from glotsmith.step import Result
from glotsmith.teachers.base import Reply, Request

FUNCTION = Function(
    id="p", name="f", code='def f(x):\n    """Double."""\n    return 2 * x', docstring="Double.",
    origin=Origin(source="s", path="m.py"),
)  # fmt: skip
SUITE = Suite(
    signature="def f(x: int) -> int", tests=("assert f(1) == 2", "assert f(2) == 4", "assert f(3) == 6"),
    line_coverage=1, branch_coverage=1, mutation_score=1, mutants=1, writers={},
)  # fmt: skip
TASK = Task(
    id="t", problem=Problem(id="p", function=FUNCTION, suite=SUITE), language="lua",
    signature=SUITE.signature, tests=SUITE.tests, prefix="local function f(x)",
)  # fmt: skip


REFUSED, FAILED = (Reply(text="", finish_reason=reason) for reason in ("refused", "error"))


class Listed:
    """A teacher that says what it is told to, sample by sample; ``repair`` has a list of its own."""

    name, model, fingerprint = "listed", "", ""
    structured = False

    def __init__(self, replies: Sequence[str | Reply], repairs: Sequence[str | Reply] = ()) -> None:
        self.replies, self.repairs, self.requests = replies, list(repairs), list[Request]()

    async def reply(self, request: Request) -> Reply:
        self.requests.append(request)
        if request.call == "repair":
            repair = self.repairs.pop(0)
            return repair if isinstance(repair, Reply) else Reply(text=repair, output_tokens=10)
        scripted = self.replies[request.sample % len(self.replies)]
        return scripted if isinstance(scripted, Reply) else Reply(text=scripted, output_tokens=10, cost=0.5)

    async def close(self) -> None: ...


class ByName:
    """A verifier for these tests: a program's verdict is the status that its text names."""

    def __init__(self) -> None:
        self.jobs = list[Job]()

    async def verify(self, job: Job) -> Verdict:
        self.jobs.append(job)
        status = job.code.strip().rpartition(" ")[2]
        case = CaseVerdict(status=status, actual="5")  # type: ignore[arg-type]
        return Verdict(id=job.id, language="lua", status=status, cases=(case,), toolchain="Lua")  # type: ignore[arg-type]


def code(status: str, n: int = 0) -> str:
    return f"Here it is:\n```lua\nlocal function f(x) return {n} end -- {status}\n```"


def translate(teacher: Listed, **plan: object) -> tuple[Result[Solution], ByName]:
    verifier = ByName()
    step = Translate(teacher, verifier, translation_prompts(), TranslationOptions(**plan))  # type: ignore[arg-type]
    return asyncio.run(step.run("t", TASK)), verifier


def reasons(result: Result[Solution]) -> dict[str, int]:
    found = [d.reason for d in result.dropped if d.key]
    return {str(r): found.count(r) for r in found}


def overall(result: Result[Solution]) -> Reason | None:
    return next((d.reason for d in result.dropped if not d.key), None)


@pytest.mark.parametrize(
    ("replies", "kept", "lost", "whole"),
    [
        ([code("pass", 1), code("pass", 2), code("pass", 3)], 4, {}, None),
        ([code("pass", 1)], 1, {"duplicate_candidate": 7}, None),
        ([code("fail:wrong", 1)], 0, {"failed_verification": 1, "duplicate_candidate": 7}, Reason.NO_PASSING_SOLUTION),
        (["", " "], 0, {"no_code": 8}, Reason.NO_CODE),
        ([code("fail:wrong", 1), "", code("pass")], 1, {"failed_verification": 1}, None),
        ([code("pass", 1), Reply(text="", finish_reason="refused")], 1, {}, None),
        ([Reply(text="", finish_reason="refused", detail="no")], 0, {"teacher_refused": 1}, Reason.TEACHER_REFUSED),
        ([Reply(text="", finish_reason="error", detail="no")], 0, {"teacher_failed": 8}, Reason.TEACHER_FAILED),
        ([code("infra:sandbox")], 0, {"not_verified": 1, "duplicate_candidate": 7}, Reason.NOT_VERIFIED),
    ],
)
def test_each_reply_is_kept_or_lost_with_its_reason(
    replies: list[str | Reply], kept: int, lost: dict[str, int], whole: Reason | None
) -> None:
    scripted = replies if kept != 4 else [code("pass", n) for n in range(50)]
    result, _ = translate(Listed(scripted))
    assert len(result.kept) == kept
    assert overall(result) == whole
    assert lost.items() <= reasons(result).items()


def test_identical_programs_run_once() -> None:
    _, verifier = translate(Listed([code("fail:wrong")]))
    assert len(verifier.jobs) == 1


def test_sampling_ends_when_a_round_of_four_brings_nothing_new() -> None:
    teacher = Listed([code("fail:wrong")])
    translate(teacher)
    assert len(teacher.requests) == 8


@pytest.mark.parametrize(
    ("replies", "requests", "reason"),
    [
        ([code("fail:wrong"), REFUSED], 2, "no_further_reply"),
        ([code("pass"), REFUSED], 2, "no_further_reply"),
        ([REFUSED], 1, "refused"),
        (["", REFUSED], 2, "refused"),  # the first reply has no program
    ],
)
def test_sampling_ends_when_the_teacher_refuses_for_good(
    replies: list[str | Reply], requests: int, reason: str
) -> None:
    teacher = Listed(replies)
    result, _ = translate(teacher)
    assert len(teacher.requests) == requests
    assert result.sampling is not None
    assert result.sampling.reason == reason


def test_the_papers_setting_asks_fifty_times_at_once() -> None:
    teacher = Listed([code("pass", n) for n in range(50)])
    result, _ = translate(teacher, sampling_plan=SamplingPlan(single=True))
    assert (len(teacher.requests), len(result.kept)) == (50, 50)


@pytest.mark.parametrize(
    ("replies", "whole"),
    [
        ([code("fail:wrong")], Reason.NO_PASSING_SOLUTION),
        ([code("fail:wrong"), "", code("fail:compile")], Reason.NO_PASSING_SOLUTION),
        ([code("infra:sandbox")], Reason.NOT_VERIFIED),
        ([code("infra:sandbox"), code("fail:wrong")], Reason.NOT_VERIFIED),
    ],
)
def test_repeated_programs_of_one_round_are_not_the_reason(replies: list[str], whole: Reason) -> None:
    result, _ = translate(Listed(replies), sampling_plan=SamplingPlan(single=True))
    assert reasons(result)["duplicate_candidate"] > 30
    assert overall(result) == whole
    assert next(d.detail for d in result.dropped if not d.key)


def test_a_failing_candidate_is_repaired_with_its_failing_case() -> None:
    teacher = Listed([code("fail:wrong")], repairs=[code("pass", 7), code("pass", 7)])
    result, _ = translate(teacher, repairs=1)
    assert [k.item.code for k in result.kept] == ["local function f(x) return 7 end -- pass"]
    assert result.kept[0].item.lineage.repaired_from
    repair = next(r for r in teacher.requests if r.call == "repair")
    assert "fail:wrong: assert f(1) == 2; got 5" in repair.messages[0].content


@pytest.mark.parametrize(
    ("replies", "repairs", "answered", "rate"),
    [
        ([code("fail:wrong", n) for n in range(3)], [REFUSED] * 3, 3, None),
        ([code("fail:wrong", n) for n in range(3)], [FAILED] * 3, 3, None),
        ([code("pass"), code("fail:wrong", 1), code("fail:wrong", 2)], [REFUSED, FAILED], 3, 0.3333),
        ([code("pass"), FAILED, code("fail:wrong")], [REFUSED], 2, 0.5),
        ([code("fail:wrong", 1), code("fail:wrong", 2)], [REFUSED, code("pass")], 2, 0.5),
    ],
)
def test_a_repair_without_a_reply_does_not_remove_its_candidate_from_the_evidence(
    replies: list[str | Reply], repairs: list[str | Reply], answered: int, rate: float | None
) -> None:
    plan = SamplingPlan(samples=len(replies), single=True)
    result, _ = translate(Listed(replies, repairs), repairs=1, sampling_plan=plan)
    end = result.sampling
    assert end is not None
    assert (end.replies, end.failed + end.passed) == (len(replies), answered)
    assert {kept.item.pass_rate for kept in result.kept} == ({rate} if rate else set())


@pytest.mark.parametrize("limit", [None, 1.5])
def test_the_plans_time_limit_is_that_of_candidates_and_repairs(limit: float | None) -> None:
    teacher = Listed([code("fail:timeout")], repairs=[code("pass", 7)])
    _, verifier = translate(teacher, repairs=1, time_limit_s=limit, sampling_plan=SamplingPlan(samples=1))
    assert [job.time_limit_s for job in verifier.jobs] == [limit, limit]


def test_cost_and_pass_rate_count_every_reply() -> None:
    result, _ = translate(Listed([code("pass", 1), code("fail:wrong", 2)]), sampling_plan=SamplingPlan(samples=2))
    assert (result.cost, result.tokens) == (1.0, 20)
    assert result.kept[0].item.pass_rate == 0.5


def test_a_completion_continues_the_signature() -> None:
    teacher = Listed(["  return 2 * x -- pass\nend -- pass"])
    result, _ = translate(teacher, style="completion", sampling_plan=SamplingPlan(samples=1))
    assert teacher.requests[0].prompt.endswith("-- Double.\nlocal function f(x)\n")
    assert "-- ## Canonical Python Solution ##\n-- def f(x):" in teacher.requests[0].prompt
    assert teacher.requests[0].sampling.stop == ("\nlocal", "\nfunction", "\n--")  # a function may contain blank lines
    assert result.kept[0].item.code.startswith("local function f(x)\n  return 2 * x")


def test_a_completion_gets_back_the_braces_at_which_it_was_stopped() -> None:
    teacher, verifier = Listed(["        return 2 * x; // } pass"]), ByName()
    java = msgspec.structs.replace(TASK, language="java", prefix="class Problem {\n    static long f(long x) {")
    asyncio.run(
        Translate(
            teacher,
            verifier,
            translation_prompts(),
            TranslationOptions(style="completion", sampling_plan=SamplingPlan(samples=1)),
        ).run("t", java)
    )
    assert "\n    }\n" in teacher.requests[0].sampling.stop
    assert verifier.jobs[0].code == f"{java.prefix}\n        return 2 * x; // }} pass\n}}\n}}"


def test_expected_values_of_hidden_tests_are_not_in_the_prompt() -> None:
    teacher = Listed([code("pass")])
    hidden = msgspec.structs.replace(TASK, tests=(*TASK.tests, "assert f(1000) == 777888"))
    asyncio.run(Translate(teacher, ByName(), translation_prompts(), TranslationOptions()).run("t", hidden))
    assert "777888" not in str(teacher.requests)


def test_prompts_are_versioned_by_their_text(tmp_path: Path) -> None:
    from glotsmith.prompts import Prompt

    one, two = tmp_path / "a.j2", tmp_path / "b.j2"
    one.write_text("x")
    two.write_text("y")
    assert Prompt(one).version != Prompt(two).version
