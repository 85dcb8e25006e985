"""DS-1000 (Lai et al. 2023), in its format of 2023-11: ``prompt, reference_code, metadata, code_context``.

``code_context`` defines ``test_execution(code)`` and, for some problems, ``test_string(code)``, which execute the
completion. All of it runs in the sandbox. The published harness trusts the exit code. Here the program must finally
print a word that it received on stdin, so that a completion that exits early does not pass.
"""

import re
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from glotsmith.evaluation.benchmarks.base import BenchmarkRequest, LoadedBenchmark
from glotsmith.evaluation.benchmarks.row_files import QuestionRow
from glotsmith.evaluation.questions import Question
from glotsmith.languages.toolchain import prepare_toolchain
from glotsmith.records import IoCase, content_hash

HUB = "xlangai/DS-1000:test"

STOP = ("</code>", "# SOLUTION END", "\nEND SOLUTION")  #: the stop tokens of the published harness
_WHEELS: Mapping[str, str] = {"sklearn": "scikit-learn", "PIL": "pillow", "cv2": "opencv-python-headless"}
_IMPORT = re.compile(r"^[ \t]*(?:import|from)[ \t]+(\w+)", re.MULTILINE)

_BEFORE = """\
import io as _io, sys as _sys
_word, _out = _sys.stdin.readline(), _sys.stdout
_sys.stdout = _io.StringIO()
"""


async def read(rows: Sequence[QuestionRow], wanted: BenchmarkRequest) -> LoadedBenchmark:
    """Return a question for each row. The benchmark is for Python; requested languages have no effect.

    Raises:
        InputError: A row lacks a field.

    """
    python = prepare_toolchain("python").script[0]
    return LoadedBenchmark(questions=tuple(_question(row, wanted.name, python) for row in rows))


def _question(row: QuestionRow, benchmark: str, python: str) -> Question:
    meta, context = row.field("metadata", dict[str, Any]), row.field("code_context", str)
    problem, library = str(meta.get("problem_id", row.line)), str(meta.get("library", ""))
    modules = sorted({name for name in _IMPORT.findall(context) if name not in sys.stdlib_module_names})
    word = content_hash("ds1000", problem, context)
    checks = "test_execution(_code)\n" + ("test_string(_code)\n" if "test_string(" in context else "")
    prompt = row.field("prompt", str)
    return Question(
        benchmark=benchmark,
        problem=f"{library}/{problem}" if library else problem,
        alias=problem,
        language="python",
        prefix="",
        instruction=f"{prompt}\n\nWrite the code that stands in the place of the solution, and nothing else.",
        continues=prompt,
        stop=STOP,
        before=f"{_BEFORE}{context}\n_code = ",
        after=f"\n{checks}_out.write(_word)\n_out.flush()\n",
        quoted=True,
        io=(IoCase(stdin=f"{word}\n", stdout=f"{word}\n"),),
        needs="".join(f"import {name}\n" for name in modules),
        hint="the Python that runs programs lacks modules that this problem imports: "
        f"{python} -m pip install {' '.join(_WHEELS.get(m, m) for m in modules)}",
        time_limit_s=120.0,
    )
