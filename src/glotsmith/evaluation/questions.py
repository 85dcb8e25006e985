"""The questions of an evaluation, and the samples that answer them."""

import ast
from pathlib import Path
from typing import Any, Literal, NamedTuple

import msgspec

from glotsmith.languages import get_card, render
from glotsmith.languages.docstrings import Wording, translate_docstring
from glotsmith.languages.extract_code import stops_at_brace
from glotsmith.languages.json_calls import comment_of_request, exchanges_json, request_sentences
from glotsmith.records import ABSOLUTE_TOLERANCE, TOLERANCE, Checker, Function, IoCase, Job, Record, Task, Verdict

_RECORD = "training.json"  #: equals ``training.training_report.RECORD``; stages do not import each other
#: ends of a completion prompt: after or before the line break of the signature
PROMPT_ENDS = ("newline", "signature")


class _Settings(msgspec.Struct):
    style: str = ""
    boundary: str = ""


class _Record(msgspec.Struct):
    settings: _Settings


class PromptForm(NamedTuple):
    """The style of requests to a model."""

    style: str = ""  #: ``completion``; "" if no record of a training names it
    prompt_end: str = "newline"  #: the end of prompts; the default is that of MultiPL-E


def trained_form(model: str) -> PromptForm:
    """Return the prompt form in which a model was trained; the default if it has no record of a training."""
    try:
        found = msgspec.json.decode((Path(model) / _RECORD).read_bytes(), type=_Record).settings
    except (OSError, ValueError):  # errors of msgspec are ValueErrors
        return PromptForm()
    if found.style != "plain":
        return PromptForm()
    return PromptForm("completion", "signature" if found.boundary == "signature" else "newline")


#: ``chat``: a reply that contains code; ``completion``: a continuation of the prefix, to be truncated at the stop
#: tokens; ``cut``: a continuation that was truncated when it was stored; ``whole``: a verbatim program.
ReplyStyle = Literal["chat", "completion", "cut", "whole"]


class StoredCompletion(NamedTuple):
    """A stored reply of a model."""

    text: str
    style: ReplyStyle = "completion"


class Question(Record, frozen=True, kw_only=True):
    """One problem of a benchmark in one language, with the tests of a program.

    It has ``tests`` (typed calls, or runs of a whole program with JSON), ``io`` (stdin and stdout), or neither. With
    neither, the exit code of the program decides, as in the published benchmark.
    """

    benchmark: str
    problem: str  #: name of the problem, equal in all languages
    language: str
    name: str = ""  #: name of the function; "" for whole programs
    prefix: str = ""  #: start of the program, which a base model continues
    continues: str = ""  #: prompt of a base model, if it is not the prefix
    instruction: str = ""  #: message to a chat model
    stop: tuple[str, ...] = ()  #: stop tokens of a continuation
    unclosed: bool = False  #: whether the stop tokens remove closing braces that are not in ``after``
    signature: str = ""  #: the signature of the function that ``tests`` call
    entry_point: str = ""  #: name of the function in the target language, if the signature has another one
    tests: tuple[str, ...] = ()
    tolerance: float = TOLERANCE
    absolute_tolerance: float = ABSOLUTE_TOLERANCE
    io: tuple[IoCase, ...] = ()
    checker: Checker = "lines"
    before: str = ""  #: the program is ``before``, the candidate and ``after``
    after: str = ""
    quoted: bool = False  #: whether the program contains the candidate as a Python string
    sign: str = ""  #: regular expression on stdout or stderr that means failure with any exit code
    needs: str = ""  #: a program that runs only if the libraries of the benchmark are installed
    hint: str = ""  #: the message if the libraries are not installed
    time_limit_s: float | None = None
    reference_s: float = 0.0  #: CPU seconds of the Python original for all tests, as in ``Suite``; 0 if not measured
    oracle: str = ""  #: name of a rule of ``oracles.py`` that accepts other correct answers
    alias: str = ""  #: another name of the problem in files of completions
    published: dict[str, Any] = {}  #: the row of the benchmark, for result files in its format

    @property
    def id(self) -> str:
        """The id of the question, unique in an evaluation."""
        return f"{self.benchmark}/{self.language}/{self.problem}"

    def job(self, code: str) -> Job:
        """Return the job of one candidate."""
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
            reference_s=self.reference_s,
            stop_at_failure=typed and not self.oracle,  # an oracle may accept a case that fails
        )


class ImpossibleProblem(Record, frozen=True, kw_only=True):
    """A problem that no program of a language can pass, that every program passes, or that cannot be posed."""

    benchmark: str
    problem: str
    language: str
    reason: str  #: a ``Reason``, or a reason of the module that reads the benchmark
    detail: str = ""


class EvaluationSample(Record, frozen=True, kw_only=True):
    """One reply and its verdict."""

    question: str  #: ``Question.id``
    sample: int
    status: str  #: status of the verdict; without a verdict, ``fail:no_code``, ``fail:refused`` or ``infra:teacher``
    completion: str = ""  #: verbatim reply of the model
    code: str = ""  #: the judged program, without the tests
    detail: str = ""
    verdict: Verdict | None = None

    @property
    def scored(self) -> bool:
        """Whether the sample counts as an answer of the model; a failure of the machine or the teacher does not."""
        return not self.status.startswith("infra:")

    @property
    def passed(self) -> bool:
        """Whether the program passed."""
        return self.status == "pass"


PYTHON_STOP = ("\ndef", "\nclass", "\nif", "\n#", "\nprint", "\nassert")  #: those of MultiPL-E and of HumanEval


def stop_tokens(language: str) -> tuple[str, ...]:
    """Return the stop tokens of a function: those of MultiPL-E except the blank line."""
    return PYTHON_STOP if language == "python" else get_card(language).syntax.function_stops


def question_of_task(
    task: Task,
    benchmark: str,
    problem: str = "",
    *,
    tolerance: float = TOLERANCE,
    oracle: str = "",
    wording: Wording = "target",
) -> Question:
    """Return the question of a proved task, with an instruction and a prefix like those of dataset rows.

    The prefix ends like MultiPL-E's published prompts; ``wording`` is the wording of the docstring.
    """
    card, function = get_card(task.language), task.problem.function
    text = translate_docstring(task.language, function.docstring.strip(), task.signature, wording)
    prefix = python_prefix(function) if task.language == "python" else _prefix(task, text)
    lead = " ".join(request_sentences(task.language, function.name, task.signature))
    start = prefix if task.language == "python" else task.prefix
    begin = f"Begin with:\n\n```{card.fences[0]}\n{start}\n```" if start else ""
    return Question(
        benchmark=benchmark,
        problem=problem or task.problem.id,
        language=task.language,
        name="" if exchanges_json(task.language) else function.name,
        prefix=prefix,
        instruction="\n\n".join(filter(None, (lead, text, begin))),
        stop=stop_tokens(task.language),
        unclosed=stops_at_brace(stop_tokens(task.language)),
        signature=task.signature,
        tests=task.tests,
        reference_s=task.problem.suite.reference_s,
        tolerance=tolerance,
        oracle=oracle,
    )


def _prefix(task: Task, text: str) -> str:
    """Return the instruction as a comment, followed by the signature."""
    card = get_card(task.language)
    text = comment_of_request(task.language, task.problem.function.name, task.signature, text)
    prelude = card.syntax.prelude
    head, signature = "", task.prefix
    if prelude:
        head, signature = f"{prelude}\n", task.prefix.removeprefix(prelude).lstrip("\n")
    comment = f"{render.render_comment(card, text)}\n" if text else ""
    return f"{head}{comment}{signature}{card.syntax.prompt_end}"


def at_signature(question: Question) -> Question:
    """Return the question with a prefix that ends with the signature, without a line break."""
    return msgspec.structs.replace(question, prefix=question.prefix.removesuffix("\n"))


def python_prefix(function: Function) -> str:
    """Return a Python function and its helpers, up to the end of its docstring (and of imports before it)."""
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
