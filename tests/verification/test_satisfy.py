import asyncio
import json
from collections.abc import Iterator

import pytest

from glotsmith.errors import ToolchainError
from glotsmith.languages import get_card, toolchain
from glotsmith.records import Job
from glotsmith.sandbox import open_sandbox
from glotsmith.sandbox.base import Sandbox
from glotsmith.values import parse_test
from glotsmith.values.check_functions import EvaluationLimitExceeded
from glotsmith.verification import Verifier
from glotsmith.verification.compare import ComparisonRules
from glotsmith.verification.satisfy import satisfies


def passes(test: str, wire: str, language: str = "python") -> bool:
    return satisfies(
        parse_test(f"assert {test}").expected, json.loads(wire), ComparisonRules(get_card(language).equality)
    )


@pytest.mark.parametrize(
    ("test", "right", "wrong"),
    [
        ("sorted(f(1)) == [1, 2]", ["[2,1]", '{"t":[2,1]}', '{"s":[1,2]}'], ["[2,1,1]", "3", "null"]),
        ("sorted(f(1), reverse=True) == [2, 1]", ["[1,2]"], ["[1,3]"]),
        ("sorted(f(1), key=len) == ['a', 'bb']", ['["bb","a"]'], ['["bb"]', "[1]"]),
        ("set(f(1)) == {1, 2}", ["[2,1,1]", '{"t":[1,2]}'], ["[1]", "null"]),
        ("set(f(1)) == set([1, 2])", ["[2,1]"], ["[2]"]),
        ("Counter(f(1)) == Counter('aab')", ['"aba"', '["a","b","a"]'], ['"ab"']),
        ("len(f(1)) == 3", ["[1,2,3]", '"abc"', '{"m":[[1,2],[2,2],[3,3]]}'], ["[1]", "3", "null"]),
        ("f(1) > 7", ["8", '{"f":"7.5"}'], ["7", '"8"', "null", '{"f":"nan"}']),
        ("7 < f(1)", ["8"], ["7"]),
        ("1 <= f(1) <= 5", ["1", "5", '{"f":"2.5"}'], ["0", "6"]),
        ("f(1) >= 'b'", ['"b"', '"c"'], ['"a"', "1"]),
        ("f(1) != 2", ["3", "null", "[2]"], ["2"]),
        ("f(1) in [1, 'a', None]", ["1", '"a"', "null"], ["2", '"b"', "[1]"]),
        ("f(1) not in (1, 2)", ["3"], ["1", "2"]),
        ("3 in f(1)", ["[1,3]", '{"s":[3]}', '{"m":[[3,0]]}'], ["[1]", '"3"', "3"]),
        ("'b' in f(1)", ['"abc"', '["b"]'], ['"ac"', '["abc"]']),
        ("f(1)", ["true", "1", '"0"', "[0]", '{"x":"function"}'], ["false", "0", '""', "[]", "null", '{"f":"0"}']),
        ("not f(1)", ["false", "0", '""', "[]", '{"m":[]}', "null"], ["true", "1", '"a"', "[[]]"]),
        ("f(1) is not None", ["0", "false", '{"x":"function"}'], ["null"]),
        ("f(1) is None", ["null"], ["0", "false"]),
        ("abs(f(1) - 1.5) < 1e-6", ['{"f":"1.5000001"}'], ['{"f":"1.51"}', '"1.5"']),
        ("abs(f(1) - 1e9) < 1e-6", ['{"f":"1e9"}', "1000000000"], ['{"f":"1000000000.01"}']),
        ("math.isclose(f(1), 2.0, rel_tol=0.1)", ['{"f":"2.1"}', "2"], ['{"f":"2.5"}']),
        ("f(1) == pytest.approx(0.3)", ['{"f":"0.30000000000000004"}'], ['{"f":"0.31"}']),
        ("f(1) == pytest.approx([1.0, 2], abs=0.1)", ["[1,2]", '[{"f":"1.05"},2]'], ["[1]", "[1,3]", "1"]),
        ("np.allclose(f(1), [1.0, 2.0])", ['[{"f":"1.000001"},2]'], ["[1]", "[1,3]"]),
        ("round(f(1), 2) == 1.23", ['{"f":"1.2349"}'], ['{"f":"1.24"}']),
        ("isinstance(f(1), int)", ["3", "true"], ['{"f":"3.0"}', '"3"']),
        ("isinstance(f(1), (int, str))", ["3", '"a"'], ["[3]"]),
        ("type(f(1)) is int", ["3"], ["true", '{"f":"3.0"}']),
        ("type(f(1)) != list", ["3", '{"t":[]}'], ["[]"]),
        ("all(isinstance(v, str) for v in f(1))", ['["a"]', "[]"], ["[1]"]),
        ("all(a <= b for a, b in zip(f(1), f(1)[1:]))", ["[1,2,2]", "[]"], ["[2,1]"]),
        ("any(v > 2 for row in f(1) for v in row if v)", ["[[0],[3]]"], ["[[1]]", "[]"]),
        ("tuple(f(1)) == (1, 2)", ["[1,2]", '{"t":[1,2]}'], ["[2,1]"]),
        ("list(f(1)) == [1, 2]", ['{"t":[1,2]}'], ['{"t":[1]}']),
        ("str(f(1)) == '12'", ["12", '"12"'], ["13"]),
        ("f(1)[0] == 3", ["[3,4]", '{"m":[[0,3]]}'], ["[4]", "[]", "null"]),
        ("f(1)[-1][1:] == 'bc'", ['["abc"]'], ['["ab"]']),
        ("f(1).lower() == 'ab'", ['"AB"'], ['"AC"', "3"]),
        ("list(f(1).keys()) == ['a']", ['{"m":[["a",1]]}'], ['{"m":[["b",1]]}', "[]"]),
        ("f(1) == {1} or f(1) == [1]", ['{"s":[1]}', "[1]"], ["[2]"]),
        ("f(1) == 1 and not f(1) == 2", ["1"], ["2"]),
        ("sum(f(1)) % 2 == 0", ["[1,1]"], ["[1]", "[[]]"]),
        ("max(f(1)) == 3", ["[1,3]"], ["[]", "[4]"]),
        ("(f(1) == 2) is True", ["2"], ["3"]),
        ("set() == f([])", ['{"s":[]}'], ["[]", "null"]),
        ("float('inf') == f(1)", ['{"f":"inf"}'], ['{"f":"-inf"}', "1"]),
        ("-1 == f(1)", ["-1"], ["1"]),
    ],
)
def test_a_test_is_judged_as_it_says(test: str, right: list[str], wrong: list[str]) -> None:
    assert [wire for wire in right if not passes(test, wire)] == []
    assert [wire for wire in wrong if passes(test, wire)] == []


@pytest.mark.parametrize(
    ("language", "test", "wire", "right"),
    [
        ("javascript", "isinstance(f(1), int)", '{"f":"3"}', True),
        ("javascript", "isinstance(f(1), int)", '{"f":"3.5"}', False),
        ("javascript", "set(f(1)) == {(1, 2)}", "[[1,2]]", True),
        ("javascript", "isinstance(f(1), tuple)", "[1,2]", True),
        ("python", "isinstance(f(1), tuple)", "[1,2]", False),
        ("r", "len(f(1)) == 1", '{"f":"5"}', True),
        ("r", "sorted(f(1)) == [1, 2]", "[2,1]", True),
        ("r", "sorted(f(1)) == [5]", "5", True),
        ("python", "len(f(1)) == 1", "5", False),
        ("lua", "f(1) in [(1, 2)]", "[1,2]", True),
        ("lua", "sorted(f(1)) == (1, 2)", "[2,1]", True),
        ("python", "sorted(f(1)) == (1, 2)", "[2,1]", False),
    ],
)
def test_what_a_language_can_not_tell_apart_is_the_same(language: str, test: str, wire: str, right: bool) -> None:
    assert passes(test, wire, language) is right


@pytest.mark.slow
@pytest.mark.parametrize(
    "test",
    [
        "all(v in f(1) for v in f(1))",
        "f(1) * 10**6",
        "sum([f(1) for v in f(1)], []) == []",
        "len([1 for a in f(1) for b in f(1) for c in f(1)]) == 1",
        "round(f(1)[0], -10**9) == 0",
        "str(9 ** f(1)[5000])",
    ],
)
def test_no_value_makes_a_check_take_long(test: str) -> None:
    with pytest.raises(EvaluationLimitExceeded):
        passes(test, json.dumps([*range(5000), 10**7]))


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    opened = open_sandbox()
    yield opened
    asyncio.run(opened.close())


LUA_SORT = "function f(xs) local t = {} for i = #xs, 1, -1 do t[#t + 1] = xs[i] end return t end"


@pytest.mark.parametrize(
    ("language", "signature", "tests", "code", "statuses"),
    [
        ("lua", "", ["assert sorted(f([1, 2])) == [1, 2]", "assert f([1, 2]) == [1, 2]"], LUA_SORT, "pass fail:wrong"),
        ("lua", "", ["assert f(7) > 7", "assert f(-9) > 7"], "function f(x) return x * x end", "pass pass"),
        ("lua", "", ["assert f('a')", "assert not f('a')"], "function f(x) return 0 end", "fail:wrong pass"),
        ("python", "", ["assert f(1) != 2", "assert f(2) != 2"], "def f(x): return x", "pass fail:wrong"),
        (
            "ocaml",
            "def f(x: int) -> list[int]",
            ["assert len(f(3)) == 3", "assert 2 in f(3)", "assert set(f(3)) == {0, 1, 2}"],
            "let f x = List.init x (fun i -> x - i)",
            "pass pass fail:wrong",
        ),
        ("ocaml", "def f(x: int) -> float", ["assert abs(f(3) - 1.5) < 0.1"], "let f x = 1.55", "pass"),
    ],
)
def test_programs_of_any_language_are_judged_by_checks(
    sandbox: Sandbox, language: str, signature: str, tests: list[str], code: str, statuses: str
) -> None:
    try:
        toolchain.find_toolchain(language)
    except ToolchainError as error:
        pytest.skip(str(error))
    job = Job(id="x", language=language, code=code, signature=signature, tests=tuple(tests))
    verdict = asyncio.run(Verifier(sandbox).verify(job))
    assert [c.status for c in verdict.cases] == statuses.split(), verdict


def test_what_can_not_be_judged_is_refused_with_the_text_of_the_test(sandbox: Sandbox) -> None:
    job = Job(id="x", language="lua", code="function f(x) return x end", tests=("assert f(1) == f(2)",))
    verdict = asyncio.run(Verifier(sandbox).verify(job))
    assert (verdict.status, "assert f(1) == f(2)" in verdict.detail) == ("infra:refused", True)
