"""From a reply to the program that is judged: base models continue, chat models bring their own copy of the prefix."""

from typing import Any

import msgspec
import pytest

from glotsmith.evaluation.candidate import candidate_program, text_before_stop
from glotsmith.evaluation.questions import Question, ReplyStyle, stop_tokens
from glotsmith.languages import language_names
from glotsmith.languages.extract_code import stops_at_brace

LUA = Question(
    benchmark="b",
    problem="p",
    language="lua",
    name="add",
    prefix="-- Add.\nlocal function add(x, y)",
    stop=("\nlocal", "\n--"),
)
PYTHON = Question(
    benchmark="b",
    problem="p",
    language="python",
    name="f",
    prefix="from typing import List\n\n\ndef poly(xs):\n    return sum(xs)\n\n\n"
    'def f(xs: List[int]):\n    """ Doc. """\n',
    stop=("\ndef",),
)
RACKET = Question(
    benchmark="b",
    problem="p",
    language="racket",
    name="add",
    prefix="#lang racket\n\n;; Add.\n(define (add x y)\n",
    after="\n(require rackunit)",
)
CPP = Question(
    benchmark="b",
    problem="p",
    language="cpp",
    name="add",
    prefix="#include<assert.h>\n#include<bits/stdc++.h>\n// Add.\nlong add(long x, long y) {\n",
    after="}\nint main() {\n    auto candidate = add;\n    assert(candidate((1), (2)) == (3));\n}\n",
)
JAVA = Question(
    benchmark="b",
    problem="p",
    language="java",
    name="add",
    prefix="import java.util.*;\nclass Problem {\n    // Add.\n    public static long add(long x, long y) {\n",
    after="    }\n    public static void main(String[] args) {\n    assert(add(1l, 2l) == 3l);\n    }\n\n}\n",
)
OWN_LUA = "local function add(x, y)\n  return x + y\nend"

ROWS: list[tuple[Question, ReplyStyle, str, str | None]] = [
    (LUA, "completion", "\n  return x + y\nend\nlocal z", f"{LUA.prefix}\n  return x + y\nend"),
    (LUA, "completion", "", LUA.prefix),
    (LUA, "chat", f"Sure:\n```lua\n{OWN_LUA}\n```\nIt adds.", OWN_LUA),
    (LUA, "chat", "```lua\n  return x + y\nend\n```", f"{LUA.prefix}\n  return x + y\nend"),
    (LUA, "chat", "I'm sorry, I can't help with that.", None),
    (LUA, "chat", "```lua\nfunction add(a, b) return a + b end\n```", "function add(a, b) return a + b end"),
    (
        PYTHON,
        "chat",
        "```python\ndef f(xs):\n    return poly(xs)\n```",
        "from typing import List\n\n\ndef poly(xs):\n    return sum(xs)\n\n\ndef f(xs):\n    return poly(xs)",
    ),
    (RACKET, "chat", "```racket\n(define (add x y) (+ x y))\n```", "#lang racket\n(define (add x y) (+ x y))"),
    (
        RACKET,
        "chat",
        "```racket\n#lang racket\n(define (add x y) (+ x y))\n```",
        "#lang racket\n(define (add x y) (+ x y))",
    ),
    (
        CPP,
        "chat",
        "```cpp\nlong add(long x, long y) {\n    return x + y;\n}\n```",
        "#include<assert.h>\n#include<bits/stdc++.h>\nlong add(long x, long y) {\n    return x + y;\n",
    ),
    (
        JAVA,
        "chat",
        "```java\nimport java.util.*;\nclass Problem {\n    public static long add(long x, long y) {\n"
        "        return x + y;\n    }\n}\n```",
        "import java.util.*;\nclass Problem {\n    public static long add(long x, long y) {\n"
        "        return x + y;\n    ",
    ),
    (
        JAVA,
        "chat",
        "```java\npublic static long add(long x, long y) {\n    return x + y;\n}\n```",
        "import java.util.*;\nclass Problem {\npublic static long add(long x, long y) {\n    return x + y;\n",
    ),
]


@pytest.mark.parametrize(("question", "style", "completion", "program"), ROWS)
def test_what_is_judged(question: Question, style: ReplyStyle, completion: str, program: str | None) -> None:
    assert candidate_program(question, completion, style) == program


@pytest.mark.parametrize(
    ("text", "stop", "kept"),
    [("a\n\nb", ("\n\n",), "a"), ("a\nlocal\n--", ("\n--", "\nlocal"), "a"), ("abc", (), "abc"), ("abc", ("",), "abc")],
)
def test_a_continuation_ends_at_the_first_stop_token(text: str, stop: tuple[str, ...], kept: str) -> None:
    assert text_before_stop(text, stop) == kept


@pytest.mark.parametrize(
    ("question", "completion"),
    [
        (LUA, f"```lua\n{OWN_LUA}\n```"),
        pytest.param(RACKET, "```racket\n(define (add x y) (+ x y))\n```", marks=pytest.mark.slow),
    ],
)
def test_a_chat_reply_passes_verbatim_tests(bench: Any, question: Question, completion: str) -> None:
    """With the benchmark's prefix in front of a whole program, a port that is common elsewhere, none would pass."""
    tests = {"lua": "\nassert(add(1, 2) == 3)", "racket": "\n(require rackunit)\n(check-equal? (add 1 2) 3)"}
    verbatim = Question(
        **{f: getattr(question, f) for f in question.__struct_fields__} | {"after": tests[question.language]}
    )
    assert bench.judge([verbatim], {"p": [completion]}, "chat").samples[0].status == "pass"
    naive = bench.judge([verbatim], {"p": [completion.split("\n", 1)[1].removesuffix("\n```")]}, "completion")
    assert not naive.samples[0].passed


SOLUTION = (
    'import math\n\n\ndef poly(xs):\n    return 0\n\n\ndef f(xs):\n    """Sum. ```f([])```"""\n    return poly(xs)\n'
)
PART = Question(benchmark="b", problem="p", language="python", continues="A:\n<code>", stop=("</code>",))


@pytest.mark.parametrize(
    ("question", "completion", "style", "program"),
    [
        (PYTHON, SOLUTION, "whole", SOLUTION),  # EvalPlus's: the prefix before it, cut at "def", would be no program
        (PYTHON, " \n", "whole", None),
        (PYTHON, "    return 1\ndef g", "cut", PYTHON.prefix + "    return 1\ndef g"),
        (PYTHON, "    return 1\ndef g", "completion", PYTHON.prefix + "    return 1"),
        (PYTHON, "", "completion", PYTHON.prefix),
        (PART, "x = 1\n</code>\nThat is it.", "whole", "x = 1\n"),
    ],
)
def test_what_was_stored_is_read_as_its_makers_mean_it(
    question: Question, completion: str, style: ReplyStyle, program: str | None
) -> None:
    assert candidate_program(question, completion, style) == program


CPP_TYPED = msgspec.structs.replace(CPP, after="", tests=("assert add(1, 2) == 3",), stop=("\n}",), unclosed=True)
JAVA_TYPED = msgspec.structs.replace(
    JAVA, after="", tests=("assert add(1, 2) == 3",), stop=("\n    }\n",), unclosed=True
)
NOISY = "  // not }\n  /* { \n */ puts(\"}//\"); return '}' - '}' + x + y; // }"
MAIN = "int main() {\n  assert(add(1, 2) == 3);\n}\n"


@pytest.mark.parametrize(
    ("question", "completion", "ending"),
    [
        (CPP_TYPED, "  return x + y;\n}\n\nint main() {", "  return x + y;\n}"),
        (CPP_TYPED, "  return x + y;", "  return x + y;\n}"),  # a server cuts as we do
        (CPP_TYPED, NOISY, f"{NOISY}\n}}"),
        (CPP_TYPED, "  if (x) { return y; }\n}", "  if (x) { return y; }\n}"),
        (JAVA_TYPED, "        return x + y;\n    }\n}\n", "        return x + y;\n}\n}"),
        (msgspec.structs.replace(CPP_TYPED, tests=(), after=MAIN), "  return x;\n}", "  return x;\n}"),  # McEval's
        (msgspec.structs.replace(CPP, stop=("\n}",)), "  return x;\n}", "  return x;"),  # MultiPL-E's tests bring it
        (LUA, "  return x\nend", "  return x\nend"),
    ],
)
def test_a_function_that_was_stopped_at_its_brace_is_closed(question: Question, completion: str, ending: str) -> None:
    assert candidate_program(question, completion, "completion") == question.prefix + ending


def test_what_is_asked_in_every_language_can_be_closed() -> None:
    """Where a language's own stop token is a closing brace, questions of typed calls say so."""
    unclosed = {n for n in language_names() if stops_at_brace(stop_tokens(n))}
    assert {"cpp", "java", "rust", "swift"} <= unclosed
    assert not {"lua", "ocaml", "python", "javascript", "go"} & unclosed
