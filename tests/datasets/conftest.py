import pytest
from dataset_rows import example

from glotsmith.records import Function, Lineage, Origin, Problem, Solution, Suite, Task


@pytest.fixture
def make_solution():
    def make(code="local function f(x)\n  return x\nend", docstring="Keep."):
        origin = Origin(source="package:toolz", path="f.py", version="1.2.0", licence="BSD-3-Clause")
        function = Function(
            id="pid", name="f", code="def f(x): return x", docstring=docstring, helpers="import re", origin=origin
        )  # fmt: skip
        suite = Suite(
            signature="def f(x: int | str)", tests=("assert f(1) == 1", "assert f('a') == 'a'"), line_coverage=0.95,
            branch_coverage=0.9, mutation_score=0.75, mutants=4, writers={"probe": 2},
        )  # fmt: skip
        task = Task(
            id="task", problem=Problem(id="pid", function=function, suite=suite), language="lua",
            signature="def f(x: int) -> int", tests=("assert f(1) == 1",), prefix="local function f(x)",
        )  # fmt: skip
        lineage = Lineage(teacher="scripted", seed=3, toolchain="Lua 5.4.4")
        return Solution(id="sid", task=task, code=code, lineage=lineage, pass_rate=0.5)

    return make


@pytest.fixture
def make_example():
    return example
