"""The whole ``multipl-t`` recipe on 24 functions and the paper's five languages: every verdict must be as expected.

The functions are in ``five/source.py``, their translations in ``five/LANGUAGE``: right ones, and for each a wrong one
that a hurried translator could have written. They are hand-written, as are the replies around them that the
``scripted`` teacher reads out; no model has a part in them. From each right translation the other candidates are made:
one that is cut off, one that leaves while it loads, one that leaves in the call, and one that never ends.
"""

import ast
import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from glotsmith.errors import ToolchainError
from glotsmith.execution.base import NoProgress
from glotsmith.execution.pipeline_runner import PipelineRunner
from glotsmith.languages import get_card, toolchain
from glotsmith.recipes.base import RecipeServices
from glotsmith.recipes.multipl_t.recipe import MultiPLT
from glotsmith.records import Candidate, Example, Solution, Task
from glotsmith.run_folder import RunFolder
from glotsmith.sandbox import open_sandbox
from glotsmith.teachers import open_teacher
from glotsmith.verification import Verifier

FOLDER = Path(__file__).parent / "five"
SOURCE = FOLDER / "source.py"
FUNCTIONS = {
    node.name: len(node.args.args)
    for node in ast.parse(SOURCE.read_text("utf-8")).body
    if isinstance(node, ast.FunctionDef)
}  #: name → number of parameters
LANGUAGES = ("julia", "lua", "ocaml", "r", "racket")
TIME_LIMIT_S = 0.7  #: CPU seconds; the slowest right programs, in Racket and Julia, take 0.3
#: Functions with the candidates that are equal for all functions of a language, except for the name.
TEMPLATES = 6

EXPECTED = {
    "right": "pass",
    "wrong": "fail:wrong",
    "broken": "fail:compile",
    "leaves at load": "fail:exit",
    "leaves in the call": "fail:exit",
    "endless": "fail:timeout",
}

LEAVES_AT_LOAD = {
    "julia": "exit(0)",
    "lua": "os.exit(0)",
    "ocaml": "let () = exit 0",
    "r": 'quit("no", 0)',
    "racket": "(exit 0)",
}
LEAVES_IN_THE_CALL = {
    "julia": "{name}(arguments...) = exit(0)",
    "lua": "local function {name}(...)\n  os.exit(0)\nend",
    "ocaml": "let {name} {blanks} = exit 0",
    "r": '{name} <- function(...) {{\n  quit("no", 0)\n}}',
    "racket": "#lang racket\n(define ({name} . arguments)\n  (exit 0))",
}
NEVER_ENDS = {
    "julia": "function {name}(arguments...)\n    n = 0\n    while true\n        n += 1\n    end\n    return n\nend",
    "lua": "local function {name}(...)\n  local n = 0\n  while true do\n    n = n + 1\n  end\nend",
    "ocaml": "let rec spin n = spin (n + 1)\n\nlet {name} {blanks} = spin 0",
    "r": "{name} <- function(...) {{\n  n <- 0\n  repeat {{\n    n <- n + 1\n  }}\n}}",
    "racket": "#lang racket\n(define ({name} . arguments)\n  (let loop ([n 0])\n    (loop (add1 n))))",
}

#: How models put code: by fence label and code.
DRESSES: tuple[Callable[[str, str], str], ...] = (
    lambda label, code: f"Here is the translation:\n\n```{label}\n{code}```\n\nIt behaves the same for all arguments.",
    lambda label, code: f"~~~{label}\n{code}~~~",
    lambda label, code: code,
    lambda label, code: f"<think>\nFirst a loop?\n\n```{label}\nbad(\n```\n</think>\n\n```{label}\n{code}```",
    lambda label, code: f"Sure! This does it:\n\n```\n{code}```".replace("\n", "\r\n"),
    lambda label, code: f"**Solution**\n\n```{label}\n{code}```\n\nTo run it:\n\n```sh\nmake run\n```",
    lambda label, code: f"```{label}\n{code}",
)


def translation(language: str, name: str, variant: str = "") -> str:
    return (FOLDER / language / f"{name}{variant}{get_card(language).extension}").read_text("utf-8")


def candidates(language: str, name: str) -> dict[str, str]:
    """Return the candidates of one function in one language by kind."""
    right = translation(language, name)
    blanks = " ".join("_" * FUNCTIONS[name])
    made = {
        "wrong": translation(language, name, ".wrong"),
        "right": right,
        "broken": right[: right.rindex("(") + 1] + "\n",
    }
    if list(FUNCTIONS).index(name) < TEMPLATES:
        made["leaves at load"] = f"{right}\n{LEAVES_AT_LOAD[language]}\n"
        made["leaves in the call"] = LEAVES_IN_THE_CALL[language].format(name=name, blanks=blanks) + "\n"
        made["endless"] = NEVER_ENDS[language].format(name=name, blanks=blanks) + "\n"
    return made


def rows() -> Iterator[dict[str, object]]:
    """Yield the teacher's lines: the candidates in the order of ``candidates``, each in another dress."""
    for number, name in enumerate(FUNCTIONS):
        for language in LANGUAGES:
            label = get_card(language).fences[0]
            replies = [
                DRESSES[(number + place) % len(DRESSES)](label, code)
                for place, code in enumerate(candidates(language, name).values())
            ]
            yield {"call": "translate", "item": name, "language": language, "replies": replies}


def recipe(style: str) -> MultiPLT:
    """Return the recipe that asks for every candidate: in rounds as chat, or in the paper's setting, by completion."""
    return MultiPLT(
        sources=(str(SOURCE),),
        languages=LANGUAGES,
        suites=0,
        samples=len(EXPECTED),
        samples_by_language={},
        wanted=len(EXPECTED),
        time_limit_s=TIME_LIMIT_S,
        paper_setting=style == "completion",
    )


async def carry(chosen: MultiPLT, folder: Path, replies: Path, cache: Path) -> None:
    """Run the recipe as ``glotsmith run`` does."""
    sandbox = open_sandbox()
    try:
        with RunFolder.create_or_resume(folder, msgspec.to_builtins(chosen), cache) as run:
            teacher = open_teacher("scripted", model=str(replies), cache=run.cache)
            steps = chosen.steps(RecipeServices(sandbox, Verifier(sandbox, run.cache), teacher))
            assert await PipelineRunner().run(steps, run.ledger, NoProgress())
            await teacher.close()
    finally:
        await sandbox.close()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the replies; the cache there spares the second run the same programs."""
    for language in LANGUAGES:
        try:
            toolchain.find_toolchain(language)
        except ToolchainError as error:
            pytest.skip(str(error))
    folder = tmp_path_factory.mktemp("five")
    (folder / "replies.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows()), "utf-8")
    return folder


@pytest.fixture(scope="module", params=["chat", "completion"])
def run(request: pytest.FixtureRequest, shared: Path) -> Iterator[RunFolder]:
    folder, cache = shared / request.param, shared / "cache.sqlite"
    asyncio.run(carry(recipe(request.param), folder, shared / "replies.jsonl", cache))
    with RunFolder.open(folder, cache) as opened:
        yield opened


def verdicts(run: RunFolder) -> Iterator[tuple[str, str, int, str]]:
    """Yield function, language, sample and verdict of everything that the ledger has on translation."""
    tasks = {task.id: task for _, task in run.ledger.kept_items("make_tasks", Task)}
    for _, solution in run.ledger.kept_items("translate", Solution):
        task = solution.task
        yield task.problem.function.name, task.language, solution.lineage.sample, "pass"
    for row in run.ledger.dropped_rows("translate"):
        if row.data is None or row.reason != "failed_verification":
            yield row.key, "", -1, f"{row.reason}: {row.detail}"
            continue
        lost = msgspec.json.decode(row.data, type=Candidate)
        assert lost.verdict is not None
        yield tasks[lost.task].problem.function.name, lost.language, lost.lineage.sample, lost.verdict.status


def is_refusal(verdict: str) -> bool:
    """Whether the teacher was asked for one more than its script has, where there is no endless candidate."""
    return verdict.startswith("teacher_refused: no scripted reply")


@pytest.mark.slow
def test_every_verdict_is_as_expected(run: RunFolder) -> None:
    found = {(name, language, sample): v for name, language, sample, v in verdicts(run) if not is_refusal(v)}
    expected = {
        (name, language, sample): EXPECTED[kind]
        for name in FUNCTIONS
        for language in LANGUAGES
        for sample, kind in enumerate(candidates(language, name))
    }
    differing = {k: (found.get(k), expected.get(k)) for k in found | expected if found.get(k) != expected.get(k)}
    assert not differing


@pytest.mark.slow
def test_what_is_carried_is_in_the_dataset_in_all_five_languages(run: RunFolder) -> None:
    examples = [e for _, e in run.ledger.kept_items(run.ledger.steps[-1], Example)]
    carried = {(e.name, e.language): e.completion for e in examples}
    assert len(carried) == len(examples)
    complete = [name for name in FUNCTIONS if all((name, language) in carried for language in LANGUAGES)]
    assert len(complete) >= 20, [(n, lang) for n in FUNCTIONS for lang in LANGUAGES if (n, lang) not in carried]
    for (name, language), completion in carried.items():
        assert completion.strip() in translation(language, name) or translation(language, name).strip() in completion


def test_there_is_enough_to_carry() -> None:
    assert len(FUNCTIONS) >= 20
    for language in LANGUAGES:
        kinds = [candidates(language, name) for name in FUNCTIONS]
        assert all(len(set(k.values())) == len(k) for k in kinds)
        assert {kind for k in kinds for kind in k} == set(EXPECTED)
        files = {path.name for path in (FOLDER / language).iterdir()}
        extension = get_card(language).extension
        assert files == {f"{name}{variant}{extension}" for name in FUNCTIONS for variant in ("", ".wrong")}
