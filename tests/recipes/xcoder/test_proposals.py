import pytest

from glotsmith.drop_reasons import Reason
from glotsmith.generation.structured_replies import UnusableReply
from glotsmith.recipes.xcoder.proposals import DraftProblem, canonical_assert, read_problem, unreadable_examples
from glotsmith.teachers.base import Reply

GOOD = (
    "[Instruction]\nWrite `f`, which doubles.\n[Signature]\n`def f(x: int) -> int`\n"
    "[Reference]\n```python\ndef f(x):\n    return 2 * x\n```\n[Examples]\n- assert f(1) == 2\nassert f(y) == 3\n"
)
LUA = "[Answer]\n```lua\nlocal function f(x) return 2 * x end\n```"


def test_a_problem_is_read_with_what_execution_needs() -> None:
    found = read_problem(Reply(text=f"Sure!\n\n{GOOD}"))
    assert found == DraftProblem(
        instruction="Write `f`, which doubles.",
        name="f",
        signature="def f(x: int) -> int",
        reference="def f(x):\n    return 2 * x",
        examples=("assert f(1) == 2",),
    )


def test_an_answer_may_come_without_anything_to_execute() -> None:
    none = "[Instruction]\nA queue.\n[Signature]\nnone\n[Reference]\nNone.\n[Examples]\n`none`\n"
    assert read_problem(Reply(text=none + LUA), "lua") == DraftProblem(
        instruction="A queue.", answer="local function f(x) return 2 * x end"
    )
    assert read_problem(Reply(text=GOOD + LUA), "lua").answer  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("reply", "language", "reason"),
    [
        (Reply(text=" "), "", Reason.EMPTY_REPLY),
        (Reply(text="", finish_reason="refused"), "", Reason.TEACHER_REFUSED),
        (Reply(text="", finish_reason="error"), "", Reason.TEACHER_FAILED),
        (Reply(text="A fine task!"), "", Reason.UNPARSABLE_REPLY),
        (Reply(text=GOOD.partition("[Examples]")[0]), "", Reason.INCOMPLETE_REPLY),
        (Reply(text=GOOD.replace("def f(x: int) -> int", "f of x")), "", Reason.INCOMPLETE_REPLY),
        (Reply(text=GOOD.replace("x: int", "x: " + "int | " * 5000 + "int")), "", Reason.INCOMPLETE_REPLY),
        (Reply(text=GOOD.replace("assert", "check")), "", Reason.INCOMPLETE_REPLY),
        (Reply(text=GOOD.replace("def f(x):", "def g(x):")), "", Reason.NO_CODE),
        (Reply(text=GOOD.replace("def f(x):", "import os\ndef f(x):")), "", Reason.NO_CODE),
        (Reply(text=GOOD), "lua", Reason.INCOMPLETE_REPLY),
        (Reply(text=GOOD + "[Answer]\nI leave that to you."), "lua", Reason.NO_CODE),
    ],
)
def test_what_can_not_be_used_has_its_reason(reply: Reply, language: str, reason: Reason) -> None:
    found = read_problem(reply, language)
    assert isinstance(found, UnusableReply)
    assert found.reason == reason


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("assert f(0x10) == [1]", "assert f(16) == [1]"),
        (f"assert f(0x{'F' * 90_000}) == 1", ""),  # more digits than are written
        ("assert f(x) == 1", ""),
        ("assert g(1) == 1", ""),
        ("f(1) == 1", ""),
        ("assert f(" + "[" * 300 + "]" * 300 + ") == 1", ""),
        ("assert f('\0') == 1", ""),
    ],
)
def test_stated_examples_are_written_as_all_tests_are(line: str, found: str) -> None:
    assert canonical_assert(line, "f") == found


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("assert f(y) == 3", "assert f(y) == 3: "),
        ("- `assert g(1) == 1`", "it does not call f"),
        ("assert f(1) == f(2)", "assert f(1) == f(2): "),
        ("assert f(open('x')) == 1", "assert f(open('x')) == 1: "),
        ("f(1) == 2", "it is not an assert statement"),
        ("assert f(1 ==", "assert f(1 ==: "),
    ],
)
def test_an_example_that_can_not_be_judged_is_listed_with_its_reason(line: str, sentence: str) -> None:
    reply = Reply(text=GOOD.replace("assert f(y) == 3", f"{line}\nOf these f(2) is plain.\n```"))
    problem = read_problem(reply)
    assert isinstance(problem, DraftProblem)
    assert problem.examples == ("assert f(1) == 2",)
    (why,) = unreadable_examples(reply, problem)
    assert why.reason == Reason.UNREAD_EXAMPLE
    assert sentence in why.detail


def test_of_a_problem_with_good_examples_nothing_is_left_out() -> None:
    reply = Reply(text=GOOD.replace("assert f(y) == 3", "assert f(2) == 4"))
    problem = read_problem(reply)
    assert isinstance(problem, DraftProblem)
    assert unreadable_examples(reply, problem) == []
