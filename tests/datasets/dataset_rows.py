"""Rows of a dataset, for tests."""

from glotsmith.records import Example, Lineage, Origin


def example(number=0, language="lua", **changes) -> Example:
    fields = {
        "id": f"{language}-{number}",
        "parallel_id": f"p{number}",
        "language": language,
        "name": "f",
        "messages": ({"role": "user", "content": "Write."}, {"role": "assistant", "content": 'x\n"é😀"'}),
        "prompt": "-- Keep.\n",
        "completion": "return x",
        "source": "def f(x): return x",
        "signature": "def f(x: int) -> int",
        "tests": ("assert f(1) == 1",) * (number % 3),
        "origin": Origin(source="package:toolz", path="f.py", version="1.2.0", licence="BSD-3-Clause"),
        "lineage": Lineage(teacher="scripted", model="m", toolchain=f"{language} 1"),
        "line_coverage": 1.0,
        "branch_coverage": 1.0,
        "mutation_score": 0.5,
        "pass_rate": 1.0,
    }
    return Example(**(fields | changes))
