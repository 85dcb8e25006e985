"""From replies to figures: what is scored, what never is, and in which order."""

import asyncio
from typing import Any

import msgspec
import pytest

from glotsmith.errors import OutageError, TeacherError
from glotsmith.evaluation.benchmarks.example_rows import questions_of_examples
from glotsmith.evaluation.evaluate import EvaluationPlan, TeacherReplies, evaluate, request
from glotsmith.evaluation.evaluation_summary import empty_reply_warnings, summarise
from glotsmith.evaluation.oracles import ORACLE_OF_FUNCTION, ORACLES, apply_oracle
from glotsmith.evaluation.questions import EvaluationSample, ImpossibleProblem, Question, at_signature, question_of_task
from glotsmith.records import CaseVerdict, Example, Function, Job, Lineage, Origin, Problem, Suite, Task, Verdict
from glotsmith.teachers.base import Reply, Request


def question(problem: str, language: str = "lua") -> Question:
    return Question(
        benchmark="b",
        problem=problem,
        language=language,
        name="f",
        prefix="local function f(x)",
        instruction="Write f.",
        signature="def f(x: int) -> int",
        tests=("assert f(1) == 2", "assert f(2) == 3"),
    )


def sample(problem: str, number: int, status: str) -> EvaluationSample:
    return EvaluationSample(question=f"b/lua/{problem}", sample=number, status=status)


def test_infrastructure_is_never_scored_as_wrong() -> None:
    questions = [question("p"), question("q"), question("r")]
    samples = [
        *(sample("p", i, s) for i, s in enumerate(("pass", "infra:sandbox", "pass", "infra:teacher"))),
        *(sample("q", i, s) for i, s in enumerate(("fail:wrong", "pass", "fail:no_code", "fail:refused"))),
        *(sample("r", i, "infra:toolchain") for i in range(4)),
    ]
    lost = [ImpossibleProblem(benchmark="b", problem="z", language="lua", reason="unrepresentable")]
    (score,) = summarise(questions, samples, (1, 2, 4), impossible=lost).scores
    assert (score.problems, score.unscored, score.samples, score.infra, score.impossible) == (3, 1, 6, 6, 1)
    figures = {f.k: (f.value.mean, f.value.problems) for f in score.figures}
    assert figures == {1: ((1.0 + 0.25) / 2, 2), 2: ((1.0 + 0.5) / 2, 2), 4: (1.0, 1)}
    assert score.statuses["infra:toolchain"] == 4


def test_a_benchmark_of_which_nothing_can_be_asked_still_has_its_row() -> None:
    lost = [ImpossibleProblem(benchmark="b", problem="z", language="ocaml", reason="unusable")]
    (score,) = summarise([], [], impossible=lost).scores
    assert (score.language, score.problems, score.figures, score.impossible) == ("ocaml", 0, (), 1)


class Simulated:
    """A simulated teacher: it knows what to say to each item and sample, and counts the questions."""

    name, model, fingerprint = "simulated", "", "simulated"
    structured = False

    def __init__(self, replies: dict[str, list[Reply]]) -> None:
        self.replies = replies
        self.requests = list[Request]()

    async def reply(self, request: Request) -> Reply:
        self.requests.append(request)
        await asyncio.sleep(0.01 * (3 - request.sample))  # the later sample comes first
        return self.replies[request.item][request.sample]

    def address(self, request: Request) -> str:
        return request.key

    async def close(self) -> None: ...


RIGHT = Reply(text="```lua\nlocal function f(x) return x + 1 end\n```")


def test_samples_come_in_order_with_their_verdicts(bench: Any) -> None:
    teacher = Simulated(
        {
            "b/lua/p": [RIGHT, Reply(text="No."), Reply(text="", finish_reason="error", detail="down")],
            "b/lua/q": [Reply(text="", finish_reason="refused"), RIGHT, Reply(text="```lua\ng = 1\n```")],
        }
    )
    plan, reported = EvaluationPlan(samples=3, ks=(1,)), list[EvaluationSample]()
    replies = TeacherReplies(teacher, plan)
    found = bench.run(
        evaluate([question("p"), question("q")], replies, bench.verifier, plan, on_sample=reported.append)
    )
    assert [(s.question[-1], s.sample, s.status) for s in found.samples] == [
        ("p", 0, "pass"),
        ("p", 1, "fail:no_code"),
        ("p", 2, "infra:teacher"),
        ("q", 0, "fail:refused"),
        ("q", 1, "pass"),
        ("q", 2, "fail:compile"),
    ]
    assert sorted(reported, key=lambda s: (s.question, s.sample)) == list(found.samples)
    assert found.summary.value(1).mean == pytest.approx((1 / 2 + 1 / 3) / 2)


class Unreachable(Simulated):
    """A simulated teacher of whom nothing can be had."""

    async def reply(self, request: Request) -> Reply:
        raise TeacherError("no server answers")


def test_a_teacher_that_can_not_be_reached_stops_it_all(bench: Any) -> None:
    questions = [question(name) for name in "pqrs"]
    with pytest.raises(TeacherError, match="no server answers"):
        bench.run(evaluate(questions, TeacherReplies(Unreachable({}), EvaluationPlan(samples=3)), bench.verifier))


def test_text_that_is_no_unicode_is_a_wrong_answer(bench: Any) -> None:
    text = "```lua\nlocal function f(x) return '\ud800' end\n```"
    found = bench.run(
        evaluate(
            [question("p")],
            TeacherReplies(Simulated({"b/lua/p": [Reply(text=text)]}), EvaluationPlan(samples=1)),
            bench.verifier,
        )
    )
    assert found.samples[0].status == "fail:compile"  # Lua knows no such escape
    assert msgspec.json.encode(found.samples)


def test_a_model_is_shown_neither_source_nor_tests() -> None:
    for style in ("chat", "completion"):
        sent = request(question("p"), 3, EvaluationPlan(style=style, temperature=0.8))
        assert (sent.call, sent.item, sent.sample) == ("evaluate", "b/lua/p", 3)
        assert set(sent.context) == {"name", "language"}
        text = sent.prompt + "".join(m.content for m in sent.messages)
        assert text in ("Write f.", "local function f(x)")


@pytest.mark.parametrize(
    ("oracle", "test", "actual", "right"),
    [
        ("root", "assert f([-6.0, 11.0, -6.0, 1.0]) == 1.0", "3.0", True),
        ("root", "assert f([-6.0, 11.0, -6.0, 1.0]) == 1.0", "4.0", False),
        ("same_set", "assert f((3, 4)) == (4, 3)", "(3, 4)", True),
        ("same_set", "assert f((3, 4)) == (4, 3)", "(3,)", False),
        ("something", "assert f('a') == True", "'match'", True),
        ("something", "assert f('a') == True", "None", False),
        ("something", "assert f('a') == True", "False", False),
        ("zero", "assert f(7) == 1", "0", True),
        ("digits", "assert f(1, 256) == 11", "12", True),
        ("digits", "assert f(23, 56) == 0", "6", True),
        ("pyramid", "assert f(3, 4) == 0", "35", True),
        ("root", "assert f([1.0, 2.0]) == -0.5", "'text'", False),
        ("same_set", "assert f([1]) == [1]", "3", False),
        ("close:1e-06", "assert f(1) == 0.0", "5.6e-17", True),  # by the relative tolerance alone it is wrong
        ("close:1e-06", "assert f(1) == 0.0", "0", True),
        ("close:1e-06", "assert f(1) == 0.0", "1e-05", False),
        ("close:0.01", "assert f(1) == 0.5", "0.505", True),
        ("close:1e-06", "assert f(1) == [0.0, 1.0]", "(1e-09, 1.0)", True),
        ("close:1e-06", "assert f(1) == [0.0, 1.0]", "[1e-09]", False),
        ("close:1e-06", "assert f(1) == [1, 2]", "(1, 2)", False),
        ("close:1e-06", "assert f(1) == (1, [0.0])", "(1, [1e-09])", True),
        ("close:1e-06", "assert f(1) == 0.0", "False", False),
        ("close:1e-06", "assert f(1) == 0.0", "float('nan')", False),
    ],
)
def test_oracles_accept_other_right_answers_and_no_wrong_ones(oracle: str, test: str, actual: str, right: bool) -> None:
    case = CaseVerdict(status="fail:wrong", actual=actual)
    verdict = Verdict(id="x", language="lua", status="fail:wrong", cases=(case,))
    assert apply_oracle(oracle, (test,), verdict).passed == right
    assert not apply_oracle("", (test,), verdict).passed


def test_an_oracle_mends_no_other_failure() -> None:
    cases = (CaseVerdict(status="fail:wrong", actual="(1,)"), CaseVerdict(status="fail:runtime", actual="boom"))
    verdict = Verdict(id="x", language="lua", status="fail:wrong", cases=cases)
    assert apply_oracle("same_set", ("assert f(1) == [1]", "assert f(2) == [2]"), verdict).status == "fail:runtime"
    assert set(ORACLE_OF_FUNCTION.values()) <= set(ORACLES)


def test_dataset_rows_are_asked_word_for_word(bench: Any) -> None:
    row = Example(
        id="r1",
        parallel_id="p1",
        language="lua",
        name="f",
        messages=({"role": "user", "content": "Write a function `f` in Lua."}, {"role": "assistant", "content": "…"}),
        prompt="-- One more.\nlocal function f(x)",
        completion="\n  return x + 1\n\nend",
        source="def f(x):\n    return x + 1",
        signature="def f(x: int) -> int",
        tests=("assert f(1) == 2", "assert f(2) == 3"),
        origin=Origin(source="s", path="p"),
        lineage=Lineage(teacher="t"),
    )
    (posed,) = questions_of_examples([row, row])
    assert (posed.prefix, posed.instruction) == (row.prompt, row.messages[0]["content"])
    found = bench.judge([posed], {"p1": [row.completion, "\n  return x\nend"]})
    assert [s.status for s in found.samples] == ["pass", "fail:wrong"]
    assert questions_of_examples([row], languages=("ocaml",)) == ()


def test_a_job_is_of_one_family() -> None:
    typed, whole = question("p").job("code"), Question(benchmark="b", problem="p", language="lua", after="\nx").job("c")
    assert (typed.code, typed.program) == ("code", "")
    assert whole == Job(id="b/lua/p", language="lua", program="c\nx")


DOWN = Reply(text="", finish_reason="error", detail="500: down")


@pytest.mark.parametrize(
    ("replies", "limit", "stops"),
    [
        ([DOWN] * 12, 10, True),
        ([DOWN] * 9, 10, False),
        ([RIGHT, DOWN, DOWN], 2, True),
        ([DOWN, RIGHT, DOWN, RIGHT, DOWN], 2, False),
        ([DOWN] * 12, 0, False),
        ([Reply(text="", finish_reason="refused")] * 12, 2, False),
    ],
)
def test_failures_in_a_row_stop_it_with_the_servers_words(
    bench: Any, replies: list[Reply], limit: int, stops: bool
) -> None:
    class InTurn(Simulated):
        async def reply(self, request: Request) -> Reply:
            return self.replies[request.item][request.sample]

    plan = EvaluationPlan(samples=len(replies), ks=(1,))
    teacher_replies = TeacherReplies(InTurn({"b/lua/p": replies}), plan)
    evaluation = evaluate([question("p")], teacher_replies, bench.verifier, plan, max_failures=limit)
    if stops:
        with pytest.raises(OutageError, match=f"{limit} samples in a row have no verdict .infra:teacher.*500: down"):
            bench.run(evaluation)
    else:
        assert len(bench.run(evaluation).samples) == len(replies)


EMPTY = ["", "  \n", "\n\n"]


@pytest.mark.parametrize(
    ("completions", "warned"),
    [
        (["  return x + 1\nend"] * 10, False),
        (["  return x + 1\nend"] * 9 + [""], False),
        (["  return x + 1\nend"] * 8 + ["", " \n"], True),
        (EMPTY, True),
        ([], False),
    ],
)
def test_many_empty_completions_are_told(completions: list[str], warned: bool) -> None:
    posed = question("p")
    samples = [
        EvaluationSample(
            question=posed.id, sample=n, status="fail:wrong", completion=text, code=f"{posed.prefix}\n{text}"
        )
        for n, text in enumerate(completions)
    ]
    found = empty_reply_warnings(samples, [posed])
    assert bool(found) is warned
    assert all("--prompt-end" in line and f"of {len(completions)} completions" in line for line in found)


def test_completions_that_are_cut_at_once_count_as_empty() -> None:
    posed = question("p")
    cut = EvaluationSample(
        question=posed.id, sample=0, status="fail:compile", completion="\nlocal x", code=posed.prefix
    )
    assert empty_reply_warnings([cut], [posed])
    lost = EvaluationSample(question=posed.id, sample=0, status="infra:teacher")
    assert empty_reply_warnings([lost], [posed]) == []


FUNCTION = Function(
    id="f", name="f", code="def f(x):\n    return [x]", docstring="A list.\n>>> f(1.0)\n[1.0]",
    origin=Origin(source="tests", path="f.py"),
)  # fmt: skip
SUITE = Suite(
    signature="def f(x: float) -> list[float]", tests=("assert f(1.0) == [1.0]",),
    line_coverage=1.0, branch_coverage=1.0, mutation_score=1.0, mutants=0, writers={},
)  # fmt: skip
PROMPTS = [  # R's has no line break, as MultiPL-E's
    ("lua", "local function f(x)", "-- A table.\n-- >>> f(1.0)\n-- {1.0}\nlocal function f(x)\n"),
    (
        "r",
        "f <- function(x) {",
        "# A list.\n# >>> f(1.0)\n# c(1.0)\nf <- function(x) {",
    ),
    (
        "racket",
        "#lang racket\n\n(define (f x)",
        "#lang racket\n;; A list.\n;; >>> (f 1.0)\n;; (list 1.0)\n(define (f x)\n",
    ),
]


@pytest.mark.parametrize(("language", "signature", "prompt"), PROMPTS)
def test_a_completion_prompt_has_the_published_form(language: str, signature: str, prompt: str) -> None:
    problem = Problem(id="p", function=FUNCTION, suite=SUITE)
    task = Task(
        id="t", problem=problem, language=language, prefix=signature, tests=SUITE.tests, signature=SUITE.signature
    )
    posed = question_of_task(task, "b")
    assert posed.prefix.replace(";; ", "; ") == prompt.replace(";; ", "; ")
    assert request(posed, 0, EvaluationPlan(style="completion")).prompt == posed.prefix
    assert at_signature(posed).prefix == posed.prefix.removesuffix("\n")
    assert "[1.0]" in question_of_task(task, "b", wording="verbatim").prefix
