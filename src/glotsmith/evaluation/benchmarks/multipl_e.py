"""MultiPL-E (Cassano et al. 2023): prompts and tests in the target language, run verbatim.

The columns are ``name, language, prompt, doctests, original, prompt_terminology, tests, stop_tokens``. The
program is prompt + completion + newline + tests. It passes if MultiPL-E's evaluator reports ``OK``: exit code 0 and, in
Racket, an empty stderr.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from glotsmith.evaluation.benchmarks.base import BenchmarkRequest, LoadedBenchmark
from glotsmith.evaluation.benchmarks.row_files import QuestionRow
from glotsmith.evaluation.questions import ImpossibleProblem, Question
from glotsmith.languages import get_card, language_names

HUB = "nuprl/MultiPL-E:test"  #: each language has a part (``hub_part_of``)

#: MultiPL-E's name → the name in glotsmith, if they differ
CODES: Mapping[str, str] = {
    "cs": "csharp",
    "elixir": "elixir",
    "ex": "elixir",
    "exs": "elixir",
    "go_test.go": "go",
    "hs": "haskell",
    "jl": "julia",
    "js": "javascript",
    "kt": "kotlin",
    "ml": "ocaml",
    "pl": "perl",
    "py": "python",
    "notypes.py": "python",
    "rb": "ruby",
    "rkt": "racket",
    "rs": "rust",
    "sh": "bash",
    "ts": "typescript",
}

#: language → a program that runs only if the libraries of the tests are installed, and the message if it fails
_NEEDS: Mapping[str, tuple[str, str]] = {
    "racket": ("#lang racket\n(require rackunit)\n", "racket lacks rackunit: install the full racket, not minimal"),
    "julia": ("using Test\n", "julia lacks its standard library Test: install julia whole"),
    "perl": ("use Test::Deep;\n", "perl lacks Test::Deep: apt install libtest-deep-perl, or cpan Test::Deep"),
    "ruby": ("require 'test/unit'\n", "ruby lacks test-unit: apt install ruby-test-unit, or gem install test-unit"),
    "javascript": ("require('node:assert');\n", "node lacks its module assert"),
}


class PassRule(NamedTuple):
    """Differences between the published command and a plain run of the program."""

    after: str = ""  #: code after the program that enables asserts, as an option of the published command does
    sign: str = ""  #: a word in the output that means failure with any exit code


#: evaluation/src/eval_*.py: ``java -ea``, ``csc -d:DEBUG``. Without them, every program that compiles passes.
PASS_RULES: Mapping[str, PassRule] = {
    "csharp": PassRule(
        after="static class Debug { "  # hides System.Diagnostics.Debug, whose calls are omitted unless DEBUG is defined
        "public static void Assert(bool holds, params object[] said) "
        '{ if (!holds) { System.Console.Error.WriteLine("Fail"); System.Environment.Exit(1); } } '
        "public static void Write(params object[] said) { } "
        "public static void WriteLine(params object[] said) { } "
        "public static void Print(params object[] said) { } }\n"
    ),
    "java": PassRule(
        after="class $Asserting { public static void main(String[] words) throws Exception { "  # the first main runs
        "ClassLoader.getSystemClassLoader().setDefaultAssertionStatus(true); Problem.main(words); } }\n"
    ),
    "kotlin": PassRule(  # created before main starts
        after="private val glotsmithAsserting = ClassLoader.getSystemClassLoader().setDefaultAssertionStatus(true)\n"
    ),
    "perl": PassRule(sign="ERROR"),
}

#: languages whose published programs need another command, and the reason
UNSUPPORTED: Mapping[str, str] = {
    "d": "MultiPL-E builds it with rdmd -unittest; without this option, every program passes",
    "go": "MultiPL-E runs it with go test, as a package without main",
}

#: language whose pass rule in scripts of MultiPL-E is wrong → the error, and the rule here
KNOWN_WRONG: Mapping[str, str] = {
    "racket": "scripts of MultiPL-T read only the exit code, and rackunit exits with 0 when checks fail; the "
    "evaluator's status, which also requires an empty stderr, counts here",
}


async def read(rows: Sequence[QuestionRow], wanted: BenchmarkRequest) -> LoadedBenchmark:
    """Return a question for each row of a requested and known language.

    Raises:
        InputError: A row lacks a field.

    """
    found, lost = list[Question](), list[ImpossibleProblem]()
    for row in rows:
        language, problem = language_of(row.field("language", str)), row.field("name", str)
        if wanted.languages and language not in wanted.languages:
            continue
        why = UNSUPPORTED.get(language, "" if language in language_names() else f"no language is named {language!r}")
        if why:
            lost.append(
                ImpossibleProblem(
                    benchmark=wanted.name, problem=problem, language=language, reason="unsupported", detail=why
                )
            )
            continue
        found.append(question(row, wanted.name, language))
    notes = [
        f"{language}: {text}" for language, text in KNOWN_WRONG.items() if any(q.language == language for q in found)
    ]
    return LoadedBenchmark(questions=tuple(found), impossible=tuple(lost), notes=tuple(notes))


def language_of(code: str) -> str:
    """Return the id in glotsmith of a language of MultiPL-E."""
    return CODES.get(code, code)


def code_of(language: str) -> str:
    """Return MultiPL-E's name of a language, as in its files and its evaluator."""
    return next((code for code, name in CODES.items() if name == language), language)


def hub_part_of(language: str) -> str:
    """Return the name of the part of the hub dataset for a language."""
    return f"humaneval-{code_of(language).removesuffix('_test.go')}"


def question(row: QuestionRow, benchmark: str, language: str) -> Question:
    """Return the question of one row."""
    prompt, problem = row.field("prompt", str), row.field("name", str)
    card, name = get_card(language), entry_of(problem, prompt)
    needs, hint = _NEEDS.get(language, ("", ""))
    rule = PASS_RULES.get(language, PassRule())
    fence = card.fences[0]
    return Question(
        benchmark=benchmark,
        problem=problem,
        language=language,
        name=name,
        prefix=prompt,
        instruction=f"Complete this {card.display} function, and answer with the whole program.\n\n"
        f"```{fence}\n{prompt.rstrip()}\n```",
        stop=tuple(row.field("stop_tokens", list[str], [])),
        before=luaunit_stand_in() if language == "lua" else "",
        after=f"\n{row.field('tests', str)}" + (f"\n{rule.after}" if rule.after else ""),
        sign=rule.sign,
        needs=needs,
        hint=hint,
        time_limit_s=15.0,
        published={name: value for name, value in row.data.items() if name != "completions"},
    )


def entry_of(problem: str, prompt: str) -> str:
    """Return the name of the function of a prompt. Problems have names such as ``HumanEval_53_add``, ``mbpp_3_f``."""
    name = re.sub(r"\A[A-Za-z]+_\d+_", "", problem)
    words = name.split("_")
    camel = words[0] + "".join(word[:1].upper() + word[1:] for word in words[1:])
    spellings = (name, camel, camel[:1].upper() + camel[1:], name.replace("_", "-"))
    return next((s for s in spellings if re.search(rf"(?<![\w-]){re.escape(s)}(?![\w-])", prompt)), name)


def luaunit_stand_in() -> str:
    """Return code that replaces luaunit if it is not installed, in one line so that line numbers do not change."""
    text = (Path(__file__).parent / "luaunit.lua").read_text("utf-8")
    body = " ".join(line.strip() for line in text.splitlines() if not line.lstrip().startswith("--"))
    return f"if not pcall(require, 'luaunit') then package.preload['luaunit'] = function() {body} end end "
