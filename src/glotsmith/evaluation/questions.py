"""The questions of an evaluation, and the samples that answer them."""

import ast
from pathlib import Path
from typing import Any, Literal, NamedTuple

import msgspec

from glotsmith.languages import get_card, render
from glotsmith.languages.docstrings import Wording, translate_docstring
from glotsmith.languages.extract_code import stops_at_brace
from glotsmith.records import ABSOLUTE_TOLERANCE, TOLERANCE, Checker, Function, IoCase, Job, Record, Task, Verdict

_RECORD = "training.json"  #: ``training.training_report.RECORD``; stages do not import each other
PROMPT_ENDS = ("newline", "signature")  #: of a completion prompt: behind the signature's line break, or before it


class _Settings(msgspec.Struct):
    style: str = ""
    boundary: str = ""


class _Record(msgspec.Struct):
    settings: _Settings


class PromptForm(NamedTuple):
    """How a model is asked."""

    style: str = ""  #: ``completion``, or empty where nothing is recorded of plain text
    prompt_end: str = "newline"  #: MultiPL-E's published form where nothing else is recorded


def trained_form(model: str) -> PromptForm:
    """Return the form that a model was trained on; the default where there is no record of a training."""
    try:
        found = msgspec.json.decode((Path(model) / _RECORD).read_bytes(), type=_Record).settings
    except (OSError, ValueError):  # msgspec's errors are ValueErrors
        return PromptForm()
    if found.style != "plain":
        return PromptForm()
    return PromptForm("completion", "signature" if found.boundary == "signature" else "newline")


#: ``chat``: a reply from which the code is taken; ``completion``: it continues the prefix, and is cut at the stop
#: tokens; ``cut``: likewise, but it was cut when it was stored; ``whole``: a program, which is judged as it stands.
ReplyStyle = Literal["chat", "completion", "cut", "whole"]


class StoredCompletion(NamedTuple):
    """What a model said, from a file."""

    text: str
    style: ReplyStyle = "completion"


class Question(Record, frozen=True, kw_only=True):
    """One problem of a benchmark in one language, with what a program must hold to.

    Exactly one of ``tests`` (typed calls), ``io`` (stdin and stdout) or neither (the program itself tells by its exit
    code, as the benchmark published it) decides.
    """

    benchmark: str
    problem: str  #: the problem's name: equal in all languages
    language: str
    name: str = ""  #: the function that is asked for; empty for whole programs
    prefix: str = ""  #: what a base model continues, and what its program begins with
    continues: str = ""  #: what a base model continues instead, where that is no part of the program
    instruction: str = ""  #: what a chat model is told
    stop: tuple[str, ...] = ()  #: where a continuation ends
    unclosed: bool = False  #: the stop tokens cut off closing braces that nothing after the candidate brings
    signature: str = ""  #: of ``tests``
    entry_point: str = ""  #: the function's name in the target language, where it is not the signature's
    tests: tuple[str, ...] = ()
    tolerance: float = TOLERANCE
    absolute_tolerance: float = ABSOLUTE_TOLERANCE
    io: tuple[IoCase, ...] = ()
    checker: Checker = "lines"
    before: str = ""  #: the program is ``before``, the candidate, ``after``
    after: str = ""
    quoted: bool = False  #: the candidate stands there as a Python string
    sign: str = ""  #: regular expression that means failure on stdout or stderr, whatever the exit code
    needs: str = ""  #: a program that runs only where the benchmark's own libraries are installed
    hint: str = ""  #: the sentence for where they are not
    time_limit_s: float | None = None
    oracle: str = ""  #: of several right answers, a rule of ``oracles.py`` that accepts the others too
    alias: str = ""  #: another name of the problem, by which files of completions may call it
    published: dict[str, Any] = {}  #: the benchmark's own row, for result files in its format

    @property
    def id(self) -> str:
        """The key of the question among all that are asked."""
        return f"{self.benchmark}/{self.language}/{self.problem}"

    def job(self, code: str) -> Job:
        """Return the request for a verdict on one candidate."""
        text = f"{self.before}{code!r}{self.after}" if self.quoted else f"{self.before}{code}{self.after}"
        typed = bool(self.tests or self.io)
        return Job(
            id=self.id,
            language=self.language,
            code=text if typed else "",
            program="" if typed else text,
            signature=self.signature,
            entry_point=self.entry_point,
            tests=self.tests,
            io=self.io,
            checker=self.checker,
            tolerance=self.tolerance,
            absolute_tolerance=self.absolute_tolerance,
            time_limit_s=self.time_limit_s,
        )


class ImpossibleProblem(Record, frozen=True, kw_only=True):
    """A problem that no program of a language can pass, or every program does, or that can't be asked at all."""

    benchmark: str
    problem: str
    language: str
    reason: str  #: a ``Reason``, or a word of the benchmark's reader
    detail: str = ""


class EvaluationSample(Record, frozen=True, kw_only=True):
    """One reply and its verdict."""

    question: str  #: ``Question.id``
    sample: int
    status: str  #: of the verdict; ``fail:no_code`` and ``fail:refused`` where there is none, ``infra:teacher``
    completion: str = ""  #: as the model gave it
    code: str = ""  #: what was judged, without the tests
    detail: str = ""
    verdict: Verdict | None = None

    @property
    def scored(self) -> bool:
        """Whether this is an answer of the model's: a broken machine is not a wrong answer."""
        return not self.status.startswith("infra:")

    @property
    def passed(self) -> bool:
        """Whether it is a right one."""
        return self.status == "pass"


PYTHON_STOP = ("\ndef", "\nclass", "\nif", "\n#", "\nprint", "\nassert")  #: MultiPL-E's, and HumanEval's own


def stop_tokens(language: str) -> tuple[str, ...]:
    """Return where a function's continuation ends; MultiPL-E's tokens except the empty line, which ends nothing."""
    return PYTHON_STOP if language == "python" else tuple(s for s in get_card(language).syntax.stop if s.strip())


def question_of_task(
    task: Task,
    benchmark: str,
    problem: str = "",
    *,
    tolerance: float = TOLERANCE,
    oracle: str = "",
    wording: Wording = "target",
) -> Question:
    """Pose a task whose suite was proved, in words and as a prefix, as dataset rows do.

    The prefix ends as MultiPL-E's published prompts do; ``wording`` is that of the docstring.
    """
    card, function = get_card(task.language), task.problem.function
    wish = translate_docstring(task.language, function.docstring.strip(), task.signature, wording)
    prefix = python_prefix(function) if task.language == "python" else _prefix(task, wish)
    lead = f"Write a function `{function.name}` in {card.display}."
    begin = f"Begin with:\n\n```{card.fences[0]}\n{task.prefix if task.language != 'python' else prefix}\n```"
    return Question(
        benchmark=benchmark,
        problem=problem or task.problem.id,
        language=task.language,
        name=function.name,
        prefix=prefix,
        instruction="\n\n".join(filter(None, (lead, wish, begin))),
        stop=stop_tokens(task.language),
        unclosed=stops_at_brace(stop_tokens(task.language)),
        signature=task.signature,
        tests=task.tests,
        tolerance=tolerance,
        oracle=oracle,
    )


def _prefix(task: Task, wish: str) -> str:
    """Return the wish as a comment, and the signature below it."""
    card = get_card(task.language)
    prelude = card.syntax.prelude
    head, signature = "", task.prefix
    if prelude:
        head, signature = f"{prelude}\n", task.prefix.removeprefix(prelude).lstrip("\n")
    comment = f"{render.render_comment(card, wish)}\n" if wish else ""
    return f"{head}{comment}{signature}{card.syntax.prompt_end}"


def at_signature(question: Question) -> Question:
    """Return the question with a prefix that ends with the signature, without the line break behind it."""
    return msgspec.structs.replace(question, prefix=question.prefix.removesuffix("\n"))


def python_prefix(function: Function) -> str:
    """Return a Python function with what it needs, cut below its docstring (and imports before it)."""
    node = next(n for n in ast.parse(function.code).body if isinstance(n, ast.FunctionDef))
    last = node.body[0].lineno - 1
    for statement in node.body[:-1]:
        if not isinstance(statement, ast.Import | ast.ImportFrom) and not _is_text(statement):
            break
        last = statement.end_lineno or last
    text = "\n".join(function.code.splitlines()[:last])
    return f"{function.helpers}\n\n\n{text}\n" if function.helpers else f"{text}\n"


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
