"""McEval (Chai et al. 2025): ``task_id ("Lua/1"), prompt, canonical_solution, test, entry_point, instruction, level``.

The program consists of prompt, completion and test, each on its own lines. It passes by McEval's rule for the language:
exit code 0 and, in some languages, a word that must not be printed. The evaluation notes list the known errors of these
rules, and stubs find suites that every program passes (``stub_checks``).
"""

import re
from collections.abc import Mapping, Sequence

from glotsmith.evaluation.benchmarks.base import BenchmarkRequest, LoadedBenchmark
from glotsmith.evaluation.benchmarks.multipl_e import PASS_RULES
from glotsmith.evaluation.benchmarks.row_files import QuestionRow
from glotsmith.evaluation.questions import ImpossibleProblem, Question, stop_tokens
from glotsmith.languages.extract_code import stops_at_brace
from glotsmith.records import Record

HUB = "Multilingual-Multimodal-NLP/McEval:test:generation"


class LanguageRule(Record, frozen=True, kw_only=True):
    """The rule by which McEval judges programs of a language."""

    language: str  #: id of the language in glotsmith
    sign: str = ""  #: regular expression that means failure if stdout or stderr match it (eval/excute.py)
    inside: tuple[str, ...] = ()  #: stop tokens of the language that canonical solutions contain
    calls_main: bool = False  #: whether the program must call main at its end, because it runs as a script here

    @property
    def stop(self) -> tuple[str, ...]:
        """Return the stop tokens of a continuation. McEval has none, and no solution of McEval may be truncated."""
        return tuple(token for token in stop_tokens(self.language) if token not in self.inside)


RULES: Mapping[str, LanguageRule] = {
    "C": LanguageRule(language="c", sign="failed"),
    "CPP": LanguageRule(language="cpp", sign="failed"),
    "Common Lisp": LanguageRule(language="commonlisp", inside=("\n(", "\n;")),
    "Elixir": LanguageRule(language="elixir", inside=("\ndefp", "\ndef ", "\n#")),
    "Haskell": LanguageRule(language="haskell", sign="(?i)fail", inside=("\n--",)),
    "JavaScript": LanguageRule(language="javascript", sign="failed", inside=("\nfunction ", "\n//")),
    "Julia": LanguageRule(language="julia", inside=("\nfunction",)),
    "Kotlin": LanguageRule(language="kotlin", calls_main=True, inside=("\n}",)),
    "Lua": LanguageRule(language="lua"),
    "PHP": LanguageRule(language="php", sign=r"assert\(\)[\s\S]*failed", inside=("\nfunction",)),
    "Perl": LanguageRule(language="perl", inside=("\nsub", "\n#")),
    "Python": LanguageRule(language="python", inside=("\n#",)),
    "R": LanguageRule(language="r", inside=("\n#",)),
    "Racket": LanguageRule(language="racket", sign="FAILURE", inside=("\n(define ", "\n;", "\n(")),
    "Ruby": LanguageRule(language="ruby"),
    "Scala": LanguageRule(language="scala", inside=("\n    }\n",)),
    "Shell": LanguageRule(language="bash"),
    "Swift": LanguageRule(language="swift", inside=("\n}",)),
    "TypeScript": LanguageRule(language="typescript", sign="failed", inside=("\nfunction ", "\n//")),
}

#: McEval's name → the error of its rule, and the rule here
KNOWN_WRONG: Mapping[str, str] = {
    "Common Lisp": "a timeout counts as a pass in McEval; here it fails",
    "Shell": "a timeout counts as a pass in McEval; here it fails",
    "Kotlin": "McEval runs it as a script, without asserts, and some tests are in a main that is never called, so that "
    "every program passes; here main is called, and asserts are enabled",
    "Racket": "McEval looks for the word FAILURE, so that an ERROR passes; here any text on stderr fails",
    "*": "McEval judges a reply without code as the program 1234; here it is fail:no_code",
}


async def read(rows: Sequence[QuestionRow], wanted: BenchmarkRequest) -> LoadedBenchmark:
    """Return a question for each generation row of a requested and supported language.

    Raises:
        InputError: A row lacks a field.

    """
    found, lost = list[Question](), list[ImpossibleProblem]()
    for row in rows:
        task = row.field("task_id", str)
        label = task.rpartition("/")[0]
        rule = RULES.get(label)
        if wanted.languages and (rule is None or rule.language not in wanted.languages):
            continue
        if rule is None:
            why = "McEval runs it in a project folder, or glotsmith does not support the language"
            lost.append(
                ImpossibleProblem(benchmark=wanted.name, problem=task, language=label, reason="unsupported", detail=why)
            )
        else:
            found.append(_question(row, wanted.name, task, rule))
    labels = {q.problem.rpartition("/")[0] for q in found}
    notes = [f"{name}: {text}" for name, text in KNOWN_WRONG.items() if name in labels or (name == "*" and labels)]
    return LoadedBenchmark(questions=tuple(found), impossible=tuple(lost), notes=tuple(notes))


def _question(row: QuestionRow, benchmark: str, task: str, rule: LanguageRule) -> Question:
    test = row.field("test", str)
    if rule.calls_main:
        test = re.sub(r"^main\(\);?[ \t]*$", "", test, flags=re.MULTILINE)
    return Question(
        benchmark=benchmark,
        problem=task,
        language=rule.language,
        name=row.field("entry_point", str, ""),
        prefix=f"{row.field('prompt', str)}\n",
        instruction=row.field("instruction", str, "") or row.field("prompt", str),
        stop=rule.stop,
        unclosed=stops_at_brace(rule.stop),
        after=f"\n{test}\n{PASS_RULES[rule.language].after if rule.calls_main else ''}",
        sign=rule.sign,
        time_limit_s=15.0,
        published={name: value for name, value in row.data.items() if name != "raw_generation"},
    )
