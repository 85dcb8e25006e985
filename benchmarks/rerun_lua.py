"""Rerun the Lua rows of a dataset with plain lua5.4, without the verifier of glotsmith. All rows must pass.

Usage: python benchmarks/rerun_lua.py RUN/dataset/jsonl/data/lua/train.jsonl

This script renders the tests with code of its own: Python literals become Lua text, and a deep comparison in Lua
determines the exit code. It runs the rows without a sandbox. Use it only on datasets that you made or trust.
"""

import ast
import collections
import json
import subprocess
import sys
from pathlib import Path

CHECK = """
local function same(a, b)
  if type(a) == "number" and type(b) == "number" then
    if a ~= a or b ~= b then return a ~= a and b ~= b end
    if a == b then return true end
    if math.type(a) == "integer" and math.type(b) == "integer" then return false end
    if a == math.huge or b == math.huge or a == -math.huge or b == -math.huge then return false end
    return math.abs(a - b) <= 1e-6 * math.max(math.abs(a), math.abs(b))
  end
  if type(a) ~= "table" or type(b) ~= "table" then return a == b end
  for k, v in pairs(a) do if not same(v, b[k]) then return false end end
  for k in pairs(b) do if a[k] == nil then return false end end
  return true
end
"""


def lua(node: ast.expr) -> str:
    """Return a Python literal as Lua."""
    match node:
        case ast.Constant(value=None):
            return "nil"
        case ast.Constant(value=bool() as value):
            return str(value).lower()
        case ast.Constant(value=str() as value):
            return '"' + "".join(f"\\{b:03d}" for b in value.encode()) + '"'
        case ast.Constant(value=value):
            return repr(value)
        case ast.UnaryOp(operand=operand):
            return f"(-{lua(operand)})"
        case ast.List(elts=items) | ast.Tuple(elts=items):
            return "{" + ", ".join(map(lua, items)) + "}"
        case ast.Dict(keys=keys, values=values):
            pairs = zip(keys, values, strict=True)
            return "{" + ", ".join(f"[{lua(k)}] = {lua(v)}" for k, v in pairs if k is not None) + "}"
        case ast.Call(args=[ast.Constant(value=text)]):
            return {"nan": "(0/0)", "inf": "(1/0)", "-inf": "(-1/0)"}[text]
        case _:
            raise ValueError(ast.dump(node))


def assertion(test: str) -> str:
    """Return ``assert f(args) == expected`` as a Lua assert."""
    compare = ast.parse(test).body[0].test
    call, expected = compare.left, compare.comparators[0]
    arguments = ", ".join(map(lua, call.args))
    return f"assert(same(({call.func.id}({arguments})), {lua(expected)}))"


def main(path: str) -> int:
    """Rerun every row; return 1 if any fails."""
    counts, sources = collections.Counter(), collections.Counter()
    for line in Path(path).read_text("utf-8").splitlines():
        row = json.loads(line)
        program = "\n".join([CHECK, row["prompt"] + row["completion"], *map(assertion, row["tests"])])
        done = subprocess.run(["lua5.4", "-"], input=program, capture_output=True, text=True, timeout=60, check=False)
        counts["passed" if done.returncode == 0 else "failed"] += 1
        sources[row["origin"]["source"]] += 1
        if done.returncode:
            print(row["id"], row["name"], done.stderr.strip()[:200])
    print(f"{counts['passed']} rows pass, {counts['failed']} fail; by source: {dict(sources)}")
    return 1 if counts["failed"] or not counts["passed"] else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
