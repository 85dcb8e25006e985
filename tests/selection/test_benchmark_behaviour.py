"""A program that behaves as a problem of a benchmark is found, in other languages and under other names."""

import asyncio
from collections.abc import Iterator

import pytest

import glotsmith as gs
from glotsmith.api.verify import open_verifier
from glotsmith.recipes.benchmark_problems import problems_of
from glotsmith.selection.benchmark_behaviour import BehaviourIndex, ProgramUnderTest
from glotsmith.selection.benchmark_files import BenchmarkRow

CLIP = "def clip(numbers, limit):\n    return [min(n, limit) for n in numbers if n % 2]\n"
CLIP_TEST = """
def check(candidate):
    assert candidate([1, 2, 3, 9], 4) == [1, 3, 4]
    assert candidate([5, 7], 6) == [5, 6]
"""
HAS_ODD = "def has_odd(numbers):\n    return any(n % 2 for n in numbers)\n"
HAS_ODD_TESTS = ["assert has_odd([1, 2])", "assert not has_odd([4, 2])", "assert has_odd([7]) == True"]
ROWS = [
    {"task_id": "B/0", "prompt": "", "canonical_solution": CLIP, "test": CLIP_TEST, "entry_point": "clip"},
    {"task_id": 1, "code": HAS_ODD, "test_list": HAS_ODD_TESTS},
    {"task_id": "text", "prompt": "Sort a list."},
]

_LUA_CLIP = """local function g(a, b)
  local r = {}
  for _, v in ipairs(a) do if v % 2 == 1 then r[#r + 1] = math.min(v, b) end end
  return r
end"""
_LUA_SWAPPED = _LUA_CLIP.replace("g(a, b)", "g(b, a)")
_LUA_ODD = "function g(l) for _, v in ipairs(l) do if v % 2 == 1 then return true end end return false end"

FOUND = {
    "other names": ("lua", _LUA_CLIP, "def g(a: list[int], b: int) -> list[int]", "B/0"),
    "other order": ("lua", _LUA_SWAPPED, "def g(b: int, a: list[int]) -> list[int]", "B/0"),
    "floats": ("lua", _LUA_CLIP, "def g(a: list[float], b: float) -> list[float]", "B/0"),
    "truth of a result": ("lua", _LUA_ODD, "def g(l: list[int]) -> bool", "1"),
    "the original": ("python", CLIP, "def clip(numbers: list[int], limit: int) -> list[int]", "B/0"),
}
NOT_FOUND = {
    "almost equal": ("lua", _LUA_CLIP.replace("math.min(v, b)", "v > 99 and 0 or math.min(v, b + 0)"), "B/0"),
    "differs on a variation": ("lua", _LUA_CLIP.replace("ipairs(a)", "ipairs(#a == 3 and {} or a)"), ""),
    "a constant": ("lua", "function g(a, b) return {1, 3, 4} end", ""),
    "an identity": ("lua", "function g(a, b) return a end", ""),
    "an error": ("lua", "function g(a, b) error('x') end", ""),
    "no program": ("lua", "function (", ""),
}


@pytest.fixture(scope="module")
def index() -> BehaviourIndex:
    rows = [BenchmarkRow(name=str(row["task_id"]), texts=(), fields=row) for row in ROWS]
    found = BehaviourIndex(problems_of(rows))
    assert len(found) == 2
    return found


def match(index: BehaviourIndex, program: ProgramUnderTest) -> str:
    async def run() -> str:
        async with open_verifier() as verifier:
            return await index.find_match(program, verifier)

    return asyncio.run(run())


@pytest.mark.parametrize(("language", "code", "signature", "name"), FOUND.values(), ids=FOUND)
def test_an_equal_program_is_found(index: BehaviourIndex, language: str, code: str, signature: str, name: str) -> None:
    found = match(index, ProgramUnderTest(language, code, signature))
    assert f"behaviour of {name}: equal results on" in found
    assert ("another order" in found) == ("b: int, a" in signature)


@pytest.mark.parametrize(("language", "code", "name"), NOT_FOUND.values(), ids=NOT_FOUND)
def test_another_program_is_not_found(index: BehaviourIndex, language: str, code: str, name: str) -> None:
    found = match(index, ProgramUnderTest(language, code, "def g(a: list[int], b: int) -> list[int]"))
    assert (name in found) if name else found == ""


@pytest.mark.parametrize("signature", ["", "def g(a: str, b: int) -> list[int]", "def g(a: list[int]) -> int"])
def test_a_program_of_another_shape_is_not_run(index: BehaviourIndex, signature: str) -> None:
    class Refusing:
        async def verify(self, job: gs.Job) -> gs.Verdict:
            raise AssertionError("no program runs")

    assert asyncio.run(index.find_match(ProgramUnderTest("lua", _LUA_CLIP, signature), Refusing())) == ""


def test_an_int_that_no_float_represents_is_a_value() -> None:
    large = str(10**400)
    rows = [BenchmarkRow(name="w", texts=(), fields={"tests": [f"assert f({n}) == {large}{n}" for n in range(6)]})]
    assert BehaviourIndex(problems_of(rows))


def weak_rows() -> Iterator[tuple[str, list[str]]]:
    yield "few inputs", ["assert f(1) == 2", "assert f(2) == 3", "assert f(3) == 4"]
    yield "a constant passes", [f"assert f({n}) == 7" for n in range(8)]
    yield "an identity passes", [f"assert f({n}) == {n}" for n in range(8)]


@pytest.mark.parametrize("tests", [tests for _, tests in weak_rows()], ids=[name for name, _ in weak_rows()])
def test_inputs_that_do_not_discriminate_are_no_evidence(tests: list[str]) -> None:
    index = BehaviourIndex(problems_of([BenchmarkRow(name="w", texts=(), fields={"tests": tests})]))
    for code in ("x + 1", "7", "x"):
        program = ProgramUnderTest("lua", f"function f(x) return {code} end", "def f(x: int) -> int")
        assert match(index, program) == ""
