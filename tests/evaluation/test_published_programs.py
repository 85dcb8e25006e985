"""Published programs of every language that is run: a right completion passes, and a wrong one fails.

The prompts and tests are written for this test in the layout of MultiPL-E's translators (dataset_builder/) and of
McEval's files. An assert that does not count would pass both.
"""

from typing import Any, NamedTuple

import msgspec
import pytest

from glotsmith.errors import ToolchainError
from glotsmith.evaluation.benchmarks.multipl_e import UNSUPPORTED, language_of
from glotsmith.evaluation.questions import Question, ReplyStyle
from glotsmith.languages import toolchain


class Published(NamedTuple):
    language: str  #: MultiPL-E's, or McEval's
    prompt: str
    tests: str
    right: str
    wrong: str
    stop: tuple[str, ...] = ("\n}",)
    slow: bool = True


JAVA = (
    "import java.util.*;\nimport org.javatuples.*;\nclass Problem {\n    // Add.\n"
    "    public static long add(long x, long y) {\n"
)
CSHARP = (
    "using System;\nusing System.Numerics;\nusing System.Diagnostics;\nusing System.Collections.Generic;\n"
    "using System.Linq;\nclass Problem {\n    // Add.\n    public static long Add(long x, long y) {\n"
)
MULTIPL_E = [
    Published(
        "java", JAVA,
        "    }\n    public static void main(String[] args) {\n    assert(add((2l), (3l)) == (5l));\n    }\n\n}\n",
        "        return x + y;\n    }\n}", "        return x - y;", ("\n    }\n",),
    ),
    Published(
        "cs", CSHARP,
        "    }\n    public static void Main(string[] args) {\n    Debug.Assert(Add((2L), (3L)) == (5L));\n    }\n\n}\n",
        "        Debug.WriteLine(x);\n        return x + y;", "        return x - y;", ("\n    }\n",),
    ),
    Published(
        "kt", "// Add.\nfun add(x: Int, y: Int): Int {\n", "fun main() {\n  assert(5 == add(2, 3));\n}",
        "    return x + y\n}", "    return x - y\n}", ("\nfun ",),
    ),
    Published(
        "scala",
        "import scala.math._\nobject Problem {\n    // Add.\n    def add(x : Long, y : Long) : Long = {\n",
        "    }\n    def main(args: Array[String]) = {\n    assert(add((2l), (3l)) == (5l));\n    }\n\n}\n",
        "        x + y", "        x - y", ("\n    }\n",),
    ),
    Published(
        "cpp", "#include<assert.h>\n#include<bits/stdc++.h>\n// Add.\nlong add(long x, long y) {\n",
        "}\nint main() {\n    auto candidate = add;\n    assert(candidate((2), (3)) == (5));\n}\n",
        "    return x + y;\n}\nint", "    return x - y;",
    ),
    Published(
        "rs", "/// Add.\nfn add(x: isize, y: isize) -> isize {\n",
        "}\n\nfn main() {\n    let candidate = add;\n    assert_eq!(candidate(2, 3), 5);\n}\n",
        "    x + y", "    x - y",
    ),
    Published(
        "swift", "/// Add.\nfunc add(x: Int, y: Int) -> Int {\n",
        "}\n\nfunc ==(left: [(Int, Int)], right: [(Int, Int)]) -> Bool {\n    return false\n}\n            \n"
        "assert(add(x: 2, y: 3) == 5)",
        "    return x + y", "    return x - y",
    ),
    Published(
        "hs", "-- | Add.\nadd :: Int -> Int -> Int\nadd x y =",
        "\nmain :: IO ()\nmain = do  let candidate = add\n"
        '           if candidate 2 3 == 5 then pure () else error "no"\n           pure ()\n',
        " x + y", " x - y", ("\n\n",),
    ),
    Published(
        "ts", "//Add.\nfunction add(x: number, y: number): number {\n",
        "declare var require: any;\nconst assert = require('node:assert');\n\n\nfunction test() {\n"
        "  let candidate = add;\n  assert.deepEqual(candidate(2, 3),5);\n}\n\ntest();",
        "  return x + y;\n}", "  return x - y;\n}", ("\nfunction ",),
    ),
    Published(
        "js", "//Add.\nfunction add(x, y){\n",
        "const assert = require('node:assert');\n\n\nfunction test() {\n  let candidate = add;\n"
        "  assert.deepEqual(candidate(2, 3),5);\n}\n\ntest();",
        "  return x + y;\n}", "  return x - y;\n}", ("\nfunction ",), slow=False,
    ),
    Published(
        "php", "<?php\n// Add.\nfunction add($x, $y) {\n",
        "function candidate(...$args) {\n    return add(...$args);\n}\n\nfunction test(): void {\n"
        '    if (candidate(2, 3) !== 5) { throw new Exception("Test failed!"); }\n}\n\ntest();',
        "    return $x + $y;\n}\n", "    return $x - $y;\n}\n", ("\nfunction",), slow=False,
    ),
    Published(
        "sh", "#!/bin/bash\n# Add.\n#\n# $1 is an integer\n# $2 is an integer\nadd() {\n",
        '}\n\ncandidate() {\n    add "$@"\n}\n\nset -e\nrun_test() {\n'
        '    [[ $(candidate "2" "3") = "5" ]]\n}\n\nrun_test',
        '    echo $(($1 + $2))', '    echo $(($1 - $2))', slow=False,
    ),
    Published(
        "py", "def add(x: int, y: int) -> int:\n    \"\"\"Add.\"\"\"\n",
        "def check(candidate):\n    assert candidate(2, 3) == 5\n\ndef test_check():\n    check(add)\n\ntest_check()\n",
        "    return x + y\n", "    return x - y\n", ("\ndef",), slow=False,
    ),
]  # fmt: skip


def rows(published: list[Published]) -> list[Any]:
    return [pytest.param(p, id=p.language, marks=[pytest.mark.slow] if p.slow else []) for p in published]


def judged(bench: Any, question: Question, p: Published, style: ReplyStyle = "completion") -> list[bool]:
    try:
        toolchain.find_toolchain(question.language)
    except ToolchainError as error:
        pytest.skip(str(error))
    found = bench.judge([question], {question.problem: [p.right, p.wrong]}, style)
    assert not any(s.status.startswith("infra") for s in found.samples), found.samples
    assert found.samples[1].status != "fail:compile"
    return [s.passed for s in found.samples]


@pytest.mark.parametrize("p", rows(MULTIPL_E))
def test_multipl_e(bench: Any, tmp_path: Any, p: Published) -> None:
    row = {
        "name": "HumanEval_53_add", "language": p.language, "prompt": p.prompt, "tests": p.tests,
        "stop_tokens": [*p.stop],
    }  # fmt: skip
    (question,) = bench.load("multipl-e", [row], tmp_path).questions
    assert judged(bench, question, p) == [True, False]


@pytest.mark.parametrize("code", ["d", "go_test.go"])
def test_what_needs_a_command_of_its_own_is_not_taken_for_passed(bench: Any, tmp_path: Any, code: str) -> None:
    row = {"name": "HumanEval_53_add", "language": code, "prompt": "", "tests": "void main(){}"}
    loaded = bench.load("multipl-e", [row], tmp_path)
    assert loaded.questions == ()
    assert [(i.reason, i.detail) for i in loaded.impossible] == [("unsupported", UNSUPPORTED[language_of(code)])]


def test_words_that_mean_failure(bench: Any, tmp_path: Any) -> None:
    """Perl's evaluator looks for ERROR in what is printed."""
    row = {"name": "HumanEval_53_add", "language": "pl", "prompt": "sub add {\n", "tests": "print add(1, 2);"}
    (question,) = bench.load("multipl-e", [row], tmp_path).questions
    question = msgspec.structs.replace(question, needs="")
    texts = {question.problem: ["    return 3;\n}", "    return 'ERROR';\n}"]}
    assert [s.status for s in bench.judge([question], texts).samples] == ["pass", "fail:wrong"]


KOTLIN = "/**\n * Add.\n */\nfun add(x: Int, y: Int): Int"
MCEVAL = [
    Published(
        "Kotlin", KOTLIN, "fun main() {\n    check(add(2, 3) == 5)\n}\n\n\nmain()",
        "{\n    return twice(x) / 2 + y\n}\n\nfun twice(x: Int): Int {\n    return 2 * x\n}", "{\n    return x - y\n}",
    ),
    Published(
        "Kotlin", KOTLIN, "// Test cases\nfun main() {\n    assert(add(2, 3) == 5)\n\n}",
        "{\n    return x + y\n}", "{\n    return x - y\n}",
    ),
]  # fmt: skip


@pytest.mark.parametrize("p", rows(MCEVAL))
def test_mceval(bench: Any, tmp_path: Any, p: Published) -> None:
    row = {"task_id": f"{p.language}/1", "prompt": p.prompt, "test": p.tests, "entry_point": "add"}
    (question,) = bench.load("mceval", [row], tmp_path).questions
    assert judged(bench, question, p, "cut") == [True, False]
