"""Functions written and validated: the problems that are kept, and the drop reasons of the others."""

import asyncio
import json

import pytest

from glotsmith.drop_reasons import Reason
from glotsmith.records import Outcome, Problem, Program
from glotsmith.suites.draft import DraftCase, DraftSuite
from glotsmith.suites.function_runner import FunctionRunner
from glotsmith.suites.teacher_suites import SuiteRequestOptions
from glotsmith.suites.validate import SuiteThresholds, Validate
from glotsmith.suites.write import WriteTests
from glotsmith.teachers.base import Reply, Request
from glotsmith.unanswered import Unanswered, accepting_failures
from glotsmith.values import parse_test

CALLS = tuple(DraftCase(arguments=f"({n},)", writer="doctest") for n in range(4))

KEPT = {
    "ints": (
        "def clamp(x, lo, hi):\n    if x < lo:\n        return lo\n    return hi if x > hi else x",
        "def clamp(x: int, lo: int, hi: int) -> int",
    ),
    "text": (
        "def shout(s):\n    if not s.strip():\n        return ''\n    return s.upper() + '!'",
        "def shout(s: str) -> str",
    ),
    "matrix": (
        "def flip(m):\n    return [[row[i] for row in m] for i in range(len(m[0]))]",
        "def flip(m: list[list[int]]) -> list[list[int]]",
    ),
    "mapping": (
        "def invert(d):\n    return {v: k for k, v in d.items()}",
        "def invert(d: dict[str, int]) -> dict[int, str]",
    ),
    "doctest": (
        'def tag(pairs):\n    """\n    >>> tag([("a", 1.5), ("b", 2.0)])\n    """\n    return sum(v for _, v in pairs)',
        "def tag(pairs: list[tuple[str, float]]) -> float",
    ),
    "default varied": (
        "def chunk(xs, n=2):\n    return [xs[i:i + n] for i in range(0, len(xs), n)]",
        "def chunk(xs: list[int], n: int) -> list[list[int]]",
    ),
    "callable default left out": (
        "def top(xs, key=None):\n    if key:\n        xs = [key(x) for x in xs]\n    return max(xs, default=0)",
        None,
    ),
    "keyword-only left out": (
        "def total(xs, *, start=0):\n    return sum(xs, start)",
        "def total(xs: list[int]) -> int",
    ),
    "raising block": (
        "def root(n):\n    if n < 0:\n        raise ValueError(n)\n    r = 0\n"
        "    while (r + 1) ** 2 <= n:\n        r += 1\n    return r",
        None,
    ),
    "mutates its argument": (
        "def drain(xs):\n    out = []\n    while xs:\n        out.append(xs.pop())\n    return out",
        "def drain(xs: list[int]) -> list[int]",
    ),
    "set": ("def uniq(xs):\n    return {x for x in xs if x > 1}", "def uniq(xs: list[int]) -> set[int]"),
    "keyword hunted": (
        "def kind(word):\n    if word == 'zebra':\n        return 1\n    return 0",
        "def kind(word: str) -> int",
    ),
}


def write(sandbox, function, teacher=None, asking=None):
    return asyncio.run(WriteTests(sandbox, teacher, asking).run("k", function))


def make(sandbox, function, bar=None):
    result = write(sandbox, function)
    if result.kept:
        result = asyncio.run(Validate(sandbox, bar).run("k", result.kept[0].item))
    return result


@pytest.mark.slow
@pytest.mark.parametrize("name", KEPT)
def test_kept(sandbox, function, name):
    code, signature = KEPT[name]
    [kept] = make(sandbox, function(code)).kept
    suite = kept.item.suite
    namespace: dict = {}
    exec(code, namespace)
    for test in suite.tests:
        exec(test, namespace)
    assert signature in (None, suite.signature)
    assert len(suite.tests) >= 3
    assert suite.line_coverage >= 0.9 <= suite.branch_coverage
    assert suite.mutation_score >= 0.5
    assert sum(suite.writers.values()) == len(suite.tests)


@pytest.mark.slow
def test_the_time_of_the_function_is_measured_and_stored_in_steps(sandbox, function):
    slow = function("def f(n: int) -> int:\n    if n > 9:\n        return 1\n    return sum(range(300_000)) + n")
    [kept] = make(sandbox, slow).kept
    suite = kept.item.suite
    assert suite.reference_s >= 1 / 64  # several calls of some milliseconds each
    assert suite.reference_s * 1024 in {4**n for n in range(2, 9)}
    [kept] = make(sandbox, function(KEPT["keyword hunted"][0])).kept
    assert kept.item.suite.reference_s == 1 / 1024  # the shortest step


def test_one_slow_measurement_does_not_count(sandbox, function, monkeypatch):
    """The first measured call of each run seems to need 50 ms, as on a machine under load."""
    real, runs = FunctionRunner.run, list[int]()

    async def run(self, subject, batches, seed):
        reports = await real(self, subject, batches, seed)
        if batches[0].measure != "seconds":
            return reports
        runs.append(sum(batch.measure == "seconds" for batch in batches))
        first = reports[0].results[0]._replace(seconds=0.05)
        return [reports[0]._replace(results=(first, *reports[0].results[1:])), *reports[1:]]

    monkeypatch.setattr(FunctionRunner, "run", run)
    [kept] = make(sandbox, function(KEPT["ints"][0])).kept
    assert kept.item.suite.reference_s == 1 / 1024
    assert runs == [1, 2]


def test_helpers_come_along(sandbox, function):
    item = function("def area(r):\n    return int(PI * sq(r))", "PI = 3\n\n\ndef sq(x):\n    return x * x")
    [kept] = make(sandbox, item).kept
    assert all(parse_test(t).expected == int(3 * parse_test(t).arguments[0] ** 2) for t in kept.item.suite.tests)


DROPPED = {
    "no parameters": ("def f():\n    return 1", Reason.UNSUPPORTED_PARAMETERS),
    "needs a keyword": ("def f(x, *, k):\n    return x + k", Reason.UNSUPPORTED_PARAMETERS),
    "calls its argument": ("def f(g, x):\n    return g(x)", Reason.NO_TESTS),
    "wants an object": ("def f(node):\n    return node.left.value", Reason.NO_TESTS),
    "is a generator": ("def f(xs):\n    for x in xs:\n        yield x", Reason.NO_TESTS),
    "always raises": ("def f(x):\n    raise ValueError(x)", Reason.NO_TESTS),
    "constant": ("def f(x):\n    return 7", Reason.ONE_EXPECTED_VALUE),
    "two inputs": ("def f(x):\n    return {True: 1, False: 2}[x] if type(x) is bool else [][0]", Reason.TOO_FEW_CASES),
    "time": ("def f(x):\n    import time\n    return time.time_ns() % 10 ** 9 + len(str(x))", Reason.NONDETERMINISTIC),
    "random": ("def f(xs):\n    import random\n    return random.random()", Reason.NONDETERMINISTIC),
    "identity": ("def f(s):\n    return id(object()) ^ hash(str(s))", Reason.NONDETERMINISTIC),
    "set order": ("def f(s):\n    return list({c for c in 'abcdefghijklmnop' + str(s)})", Reason.NONDETERMINISTIC),
    "hash seed": ("def f(x):\n    return hash('glotsmith') % 1000003 + len(str(x))", Reason.NONDETERMINISTIC),
    "process id": ("def f(x):\n    import os\n    return (os.getpid(), len(str(x)))", Reason.NONDETERMINISTIC),
    "unreached": (
        "def f(n):\n    if n == 'a' * 50:\n        n = 1\n        n = 2\n        return n\n    return len(str(n))",
        Reason.LOW_COVERAGE,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", DROPPED)
def test_dropped(sandbox, function, name):
    code, reason = DROPPED[name]
    result = make(sandbox, function(code))
    assert not result.kept
    assert [d.reason for d in result.dropped] == [reason], result.dropped


@pytest.mark.parametrize(
    ("error", "detail"),
    [
        ("ValueError('it\\'s')", "raised ValueError"),
        ("ValueError('a: \\n b')", "raised ValueError"),
        ("KeyError", "raised KeyError"),
    ],
)
def test_the_commonest_failure_is_named_without_its_message(sandbox, function, error, detail):
    [dropped] = make(sandbox, function(f"def f(x):\n    raise {error}")).dropped
    assert dropped.detail.endswith(f": {detail}")


def test_state_between_calls_is_found(sandbox, function):
    code = "def f(x):\n    SEEN.append(x)\n    return len(SEEN) + len(str(x))"
    assert make(sandbox, function(code, "SEEN = []")).dropped[0].reason == Reason.NONDETERMINISTIC


@pytest.mark.slow
def test_same_function_same_problem(sandbox, function):
    item = function(KEPT["text"][0])
    first, second = (make(sandbox, item) for _ in range(2))
    assert first == second
    assert isinstance(first.kept[0].item, Problem)


class Says:
    """A teacher with one reply for each sample."""

    name, model, fingerprint = "says", "", "says"
    structured = False

    def __init__(self, *replies: str) -> None:
        self.replies = replies
        self.requests: list[Request] = []

    async def reply(self, request: Request) -> Reply:
        self.requests.append(request)
        return Reply(text=self.replies[request.sample % len(self.replies)], input_tokens=3, output_tokens=2, cost=0.5)

    async def close(self) -> None:
        pass


def test_teacher_gives_arguments_and_execution_the_values(sandbox, function):
    teacher = Says("```python\nassert add(41, 1) == 999\nassert add(x, 1) == 2\n```", "I can't.")
    item = function("def add(a, b):\n    return a + b")
    result = write(sandbox, item, teacher)
    assert len(teacher.requests) == 5 == SuiteRequestOptions().samples
    assert (result.tokens, result.cost) == (25, 2.5)
    [kept] = asyncio.run(Validate(sandbox).run("k", result.kept[0].item)).kept
    assert "assert add(41, 1) == 42" in kept.item.suite.tests
    assert kept.item.suite.writers["teacher"] == 1


@pytest.mark.slow
def test_bar_is_settable(sandbox, function):
    item = function("def f(x):\n    return x if x else -x")
    assert make(sandbox, item, SuiteThresholds(max_mutants=0)).kept[0].item.suite.mutants == 0
    assert make(sandbox, item, SuiteThresholds(min_cases=13)).dropped[0].reason == Reason.TOO_FEW_CASES


def test_weak_suite(sandbox, function):
    item = function("def f(x):\n    y = x + 1\n    z = y * 3\n    w = z - 2\n    return x")
    draft = DraftSuite(function=item, parameters=("x",), calls=CALLS)
    result = asyncio.run(Validate(sandbox, SuiteThresholds(mutation_score=0.9)).run("k", draft))
    assert result.dropped[0].reason == Reason.WEAK_SUITE


@pytest.mark.slow
def test_cases_that_fail_are_left_out_and_coverage_is_that_of_the_rest(sandbox, function):
    item = function("def f(x):\n    if x == 0:\n        y = 1\n        z = y\n        return 1 / 0 + z\n    return x")
    draft = DraftSuite(function=item, parameters=("x",), calls=CALLS)
    result = asyncio.run(Validate(sandbox).run("k", draft))
    assert result.dropped[0].reason == Reason.LOW_COVERAGE
    [kept] = asyncio.run(
        Validate(sandbox, SuiteThresholds(line_coverage=0.2, branch_coverage=0.2, max_mutants=0)).run("k", draft)
    ).kept
    assert kept.item.suite.tests == tuple(f"assert f({n}) == {n}" for n in (1, 2, 3))
    assert kept.item.suite.line_coverage < 0.9


#: what the function does between the values that it returns → the detail of its drop
STATE_AFTER_FAILURES = {
    "    r = x + len(SEEN)\n    SEEN.append(1)\n    return r": "it returned 2 and 3",
    "    if SEEN:\n        raise ValueError\n    SEEN.append(1)\n    return x": "a repeated run returned no value",
    "    SEEN.append(1)\n    return x if len(SEEN) == 1 else [x]": "it returned 2 and [2]",
}


@pytest.mark.parametrize("body", STATE_AFTER_FAILURES)
def test_a_value_that_depends_on_calls_that_fail_is_found(sandbox, function, body):
    """A failing call between two others resets the state, so that both runs with it agree."""
    item = function(f"def f(x):\n    if x < 0:\n        SEEN.clear()\n        raise ValueError\n{body}", "SEEN = []")
    calls = tuple(DraftCase(arguments=f"({n},)", writer="generated") for n in (1, -1, 2, -2, 3))
    draft = DraftSuite(function=item, parameters=("x",), calls=calls)
    [dropped] = asyncio.run(Validate(sandbox).run("k", draft)).dropped
    assert (dropped.reason, STATE_AFTER_FAILURES[body] in dropped.detail) == (Reason.NONDETERMINISTIC, True), dropped


class Broken:
    """A sandbox on a machine that fails, at once or after a program has begun."""

    name = "broken"

    def __init__(self, begun: bool = False) -> None:
        self.begun = begun

    async def run(self, program: Program) -> Outcome:
        mark = json.loads(program.stdin)["mark"]
        return Outcome(ending="infra", detail="no fork", stdout=f"{mark} start\n".encode() if self.begun else b"")


@pytest.mark.parametrize("begun", [False, True])
def test_a_broken_machine_leaves_the_function_open(function, begun):
    with pytest.raises(Unanswered, match="no fork") as raised:
        write(Broken(begun), function(KEPT["ints"][0]))
    assert raised.value.health is not None
    assert not asyncio.run(raised.value.health.works())


@pytest.mark.parametrize("begun", [False, True])
def test_where_that_is_accepted_a_broken_machine_drops_it_by_name(function, begun):
    with accepting_failures():
        result = write(Broken(begun), function(KEPT["ints"][0]))
    assert [(d.reason, d.detail) for d in result.dropped] == [(Reason.NOT_VERIFIED, "no fork")]


def test_a_machine_that_works_is_known_to(sandbox):
    assert asyncio.run(FunctionRunner(sandbox).works())


class Failing:
    """A teacher whose requests fail, all or every second one."""

    name, model, fingerprint = "failing", "", ""
    structured = False

    def __init__(self, every: int) -> None:
        self.every = every

    async def reply(self, request: Request) -> Reply:
        if request.sample % self.every == 0:
            return Reply(text="", finish_reason="error", detail="500: boom")
        return Reply(text="assert clamp(1, 2, 3) == 2")


@pytest.mark.parametrize(("every", "failed"), [(1, [0, 1, 2, 3, 4]), (2, [0, 2, 4]), (4, [0, 4])])
def test_suites_that_the_teacher_could_not_write_are_losses(sandbox, function, every, failed):
    step = WriteTests(sandbox, Failing(every), SuiteRequestOptions())
    item = function(KEPT["ints"][0])
    result = asyncio.run(step.run("k", item))
    assert len(result.kept) == 1
    assert [(d.reason, d.detail, d.key) for d in result.dropped] == [
        (Reason.TEACHER_FAILED, "500: boom", f"{item.id}:suite-{n}") for n in failed
    ]
