"""Judge a file of completions on a benchmark and print pass@1 with its interval.

Run it with: python examples/evaluate_completions.py FOLDER
"""

import json
import sys
from pathlib import Path

import glotsmith as gs

PROBLEM = {
    "task_id": "HumanEval/900",
    "entry_point": "double",
    "prompt": 'def double(x: int) -> int:\n    """Return twice the number."""\n',
    "canonical_solution": "    return 2 * x\n",
    "test": "def check(candidate):\n    assert candidate(1) == 2\n    assert candidate(-3) == -6\n",
}
COMPLETIONS = ["  return 2 * x\nend\n", "  return x + 1\nend\n"]  # both pass the first test, only one the second


def main(folder: Path) -> None:
    """Write a benchmark in HumanEval's format and two completions in Lua, and evaluate them."""
    benchmark, completions = folder / "problems.jsonl", folder / "completions.jsonl"
    benchmark.write_text(json.dumps(PROBLEM) + "\n", "utf-8")
    row = {"task_id": PROBLEM["task_id"], "completions": COMPLETIONS}
    completions.write_text(json.dumps(row) + "\n", "utf-8")
    result = gs.evaluate(
        [f"humaneval={benchmark}"], languages=["lua"], completions=completions, output=folder / "evaluation"
    )
    figure = result.evaluation.summary.value(1)
    print(f"pass@1 = {figure.mean:.2f}, interval {figure.low:.2f} to {figure.high:.2f}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
