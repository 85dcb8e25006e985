"""Measure how many problems of HumanEval the offline teacher translates.

    python benchmarks/offline_teacher.py --humaneval FILE

The teacher translates each canonical solution with the signature that is inferred from the tests. This script renders
the literal asserts as Lua and runs them with plain ``lua5.4``. It does not use the verifier of glotsmith.
"""

import argparse
import ast
import collections
import concurrent.futures
import gzip
import itertools
import json
import math
import re
import subprocess
import time
from pathlib import Path
from typing import Any

from glotsmith.teachers.offline import CannotTranslate, translate
from glotsmith.values import Call, NotLiteral, infer_signature, parse_test

EQUAL = """
local function same(a, b)
  if type(a) == "number" and type(b) == "number" then
    return a == b or math.abs(a - b) <= 1e-6 * math.max(1, math.abs(a), math.abs(b))
  end
  if type(a) ~= "table" or type(b) ~= "table" then return a == b end
  for k, v in pairs(a) do if not same(v, b[k]) then return false end end
  for k in pairs(b) do if a[k] == nil then return false end end
  return true
end
"""


def lua(value: Any) -> str:
    match value:
        case None:
            return "nil"
        case bool():
            return str(value).lower()
        case int():
            return str(value)
        case float():
            return "math.huge" if math.isinf(value) else repr(value)
        case str():
            return (
                '"'
                + "".join(f"\\{b:03d}" if b < 32 or b in b'"\\' or b > 126 else chr(b) for b in value.encode())
                + '"'
            )
        case dict():
            return "{" + ", ".join(f"[{lua(k)}] = {lua(v)}" for k, v in value.items()) + "}"
        case _:
            return "{" + ", ".join(map(lua, value)) + "}"


class _Fold(ast.NodeTransformer):
    """Replace ``candidate`` by the name of the function, and arithmetic on numbers by its value."""

    def __init__(self, name: str) -> None:
        self.name = name

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return ast.Name(self.name, node.ctx) if node.id == "candidate" else node

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        names = (ast.Constant, ast.BinOp, ast.UnaryOp, ast.operator, ast.unaryop)
        if not all(isinstance(n, names) for n in ast.walk(node)):
            return node
        return ast.Constant(eval(compile(ast.fix_missing_locations(ast.Expression(node)), "", "eval"), {}))


def _exact(test: ast.expr) -> ast.expr:
    """Replace ``abs(f(x) - v) < 1e-6`` and ``tuple(f(x)) == tuple(v)`` by the equality that they test."""
    match test:
        case ast.Compare(left=ast.Call(func=ast.Name(id="abs"), args=[ast.BinOp(left=call, op=ast.Sub(), right=v)])):
            return ast.Compare(call, [ast.Eq()], [v])
        case ast.Compare(
            left=ast.Call(func=ast.Name(id="tuple"), args=[call]),
            comparators=[ast.Call(func=ast.Name(id="tuple"), args=[v])],
        ):
            return ast.Compare(call, [ast.Eq()], [v])
        case _:
            return test


def calls_of(problem: dict[str, str]) -> list[Call]:
    calls: list[Call] = []
    for node in ast.walk(ast.parse(problem["test"])):
        if isinstance(node, ast.Assert):
            if isinstance(node.test, ast.Constant):
                continue  # HumanEval's ``assert True``
            test = _Fold(problem["entry_point"]).visit(_exact(node.test))
            text = ast.unparse(ast.fix_missing_locations(ast.Assert(test)))
            calls.append(parse_test(text))
    if not calls:
        raise NotLiteral("no assert")
    return calls


def signature(problem: dict[str, str], calls: list[Call]) -> str:
    """Infer the signature from the tests; a parameter with values of several types gets no annotation."""
    name = problem["entry_point"]
    tree = ast.parse(problem["prompt"] + problem["canonical_solution"])
    entry = next(n for n in reversed(tree.body) if isinstance(n, ast.FunctionDef) and n.name == name)
    names = [a.arg for a in entry.args.args][: len(calls[0].arguments)]
    try:
        return str(infer_signature(name, names, calls))
    except NotLiteral:
        columns = []
        for i, parameter in enumerate(names):
            one = [Call(name, (c.arguments[i],), None) for c in calls]
            try:
                columns.append(str(infer_signature(name, [parameter], one)).partition("(")[2].rpartition(")")[0])
            except NotLiteral:
                columns.append(parameter)
        return f"def {name}({', '.join(columns)})"


def run(code: str, calls: list[Call]) -> str:
    checks = "".join(
        f"if not same({c.function}({', '.join(map(lua, c.arguments))}), {lua(c.expected)}) then "
        f'print("case {i}") os.exit(1) end\n'
        for i, c in enumerate(calls)
    )
    program = f"{code}\n{EQUAL}\n{checks}"
    try:
        done = subprocess.run(["lua5.4", "-"], input=program.encode(), capture_output=True, timeout=20)
    except subprocess.TimeoutExpired:
        return "timeout"
    if done.returncode == 0:
        return ""
    return (done.stdout + done.stderr).decode(errors="replace").strip()[:300]


def judge(problem: dict[str, str]) -> tuple[str, str]:
    """Return the status of one problem, and the detail."""
    try:
        calls = calls_of(problem)
    except NotLiteral as reason:
        return "not literal", str(reason)
    if any(not isinstance(c.expected, float) and _wide(c.expected) for c in calls):
        return "not literal", "an expected integer has more than 64 bits"
    source = problem["prompt"] + problem["canonical_solution"]
    try:
        code = translate(source, problem["entry_point"], signature(problem, calls))
    except CannotTranslate as refusal:
        return "refused", str(refusal)
    wrong = run(code, calls)
    return ("wrong", wrong) if wrong else ("passed", "")


def _wide(value: Any) -> bool:
    return isinstance(value, int) and not -(2**63) <= value < 2**63


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--humaneval", type=Path, required=True, help="HumanEval.jsonl or HumanEval.jsonl.gz")
    arguments = parser.parse_args()
    path: Path = arguments.humaneval
    data = path.read_bytes()
    text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode()
    problems = [json.loads(line) for line in text.splitlines()]
    started = time.perf_counter()
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        results = list(zip(problems, pool.map(judge, problems), strict=True))
    counts = collections.Counter(status for _, (status, _) in results)
    for problem, (status, detail) in results:
        if status != "passed":
            print(f"{problem['task_id']:14} {problem['entry_point']:28} {status:12} {detail}")
    print()
    reasons = collections.Counter(re.sub(r"\(line.*", "", d) for _, (status, d) in results if status == "refused")
    for reason, n in itertools.islice(reasons.most_common(), 20):
        print(f"{n:4}  {reason}")
    literal = len(problems) - counts["not literal"]
    print(f"\n{len(problems)} problems, {literal} with literal tests, {counts['passed'] + counts['wrong']} translated")
    print(f"passed {counts['passed']}  wrong {counts['wrong']}  refused {counts['refused']}")
    share, share_literal = counts["passed"] / len(problems), counts["passed"] / literal
    print(f"share of all {share:.1%}, of those with literal tests {share_literal:.1%}")
    print(f"{time.perf_counter() - started:.1f} s")


if __name__ == "__main__":
    main()
