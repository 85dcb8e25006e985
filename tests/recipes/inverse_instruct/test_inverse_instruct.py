"""The whole ``inverse-instruct`` recipe over hand-written replies, with real execution of every program.

Corpus and replies are those of the demo (``recipes/inverse_instruct/recorded``): no model has a part in them. Of each
kind of reply there is one, and for each it is written down here what must become of it.
"""

import asyncio
import json
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest

from glotsmith.errors import OutageError, ToolchainError, UsageError
from glotsmith.execution.base import NoProgress
from glotsmith.execution.pipeline_runner import PipelineRunner
from glotsmith.languages import toolchain
from glotsmith.recipes.base import RecipeServices
from glotsmith.recipes.inverse_instruct import recipe as inverse_instruct
from glotsmith.recipes.inverse_instruct.recipe import InverseInstruct, prompts_of
from glotsmith.records import Example, FunnelRow
from glotsmith.run_folder import RunFolder
from glotsmith.sandbox import open_sandbox
from glotsmith.teachers import open_teacher
from glotsmith.verification import Verifier

pytestmark = pytest.mark.slow

RECORDED = Path(inverse_instruct.__file__).parent / "recorded"
CORPUS, REPLIES = RECORDED / "corpus.jsonl", RECORDED / "replies.jsonl"


class Ran(NamedTuple):
    """The result of a run."""

    rows: list[Example]
    funnel: dict[str, FunnelRow]
    losses: list[tuple[str, str, str]]  #: step, reason, detail of everything dropped or lost
    findings: dict[str, str]

    def reasons(self, step: str) -> dict[str, int]:
        row = self.funnel[step]
        return {**row.reasons, **row.losses}

    def made(self) -> dict[str, str]:
        """Name → instruction of what was made."""
        return {row.name: row.messages[0]["content"] for row in self.rows if row.kind == "inverse"}


@pytest.fixture(scope="module", autouse=True)
def tools() -> None:
    for language in ("lua", "python"):
        try:
            toolchain.find_toolchain(language)
        except ToolchainError as error:
            pytest.skip(str(error))


def run(folder: Path, corpus: Path = CORPUS, replies: Path = REPLIES, **options: Any) -> Ran:
    return asyncio.run(_run(InverseInstruct(sources=(str(corpus),), **{"summaries": 3, **options}), folder, replies))


async def _run(recipe: InverseInstruct, folder: Path, replies: Path) -> Ran:
    """Run the recipe as ``glotsmith run`` does."""
    sandbox = open_sandbox()
    try:
        with RunFolder.create_or_resume(folder, msgspec.to_builtins(recipe)) as opened:
            teacher = open_teacher("scripted", model=str(replies), cache=opened.cache)
            steps = recipe.steps(RecipeServices(sandbox, Verifier(sandbox, opened.cache), teacher))
            assert await PipelineRunner().run(steps, opened.ledger, NoProgress())
            await teacher.close()
            ledger = opened.ledger
            return Ran(
                [item for _, item in ledger.kept_items("dataset", Example)],
                {row.step: row for row in ledger.funnel()},
                [(row.step, row.reason, row.detail) for row in ledger.dropped_rows()],
                recipe.findings(ledger),
            )
    finally:
        await sandbox.close()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    return run(tmp_path_factory.mktemp("whole") / "run")


def test_the_funnel_accounts_for_every_item_and_every_reply(whole: Ran) -> None:
    steps = list(whole.funnel.values())
    for step, following in pairwise(steps):
        assert step.taken == step.kept + step.dropped
        assert following.taken == step.made
    assert {name: whole.reasons(name) for name in whole.funnel if whole.reasons(name)} == {
        "extract_programs": {"unparsable_code": 1},  # a pair without a program stays an original
        "verify_snippets": {"failed_verification": 1},  # a fluent instruction for wrong code is never asked for
        "generate_instructions": {"duplicate_summary": 1, "empty_reply": 1, "leaks_code": 1, "teacher_refused": 1},
        "round_trip": {"no_instruction": 1, "failed_round_trip": 3, "no_code": 1, "not_chosen": 13},
    }
    replies = 3 * 10  # to ten snippets that pass their suites
    summaries = replies - sum(whole.reasons("generate_instructions").values())
    ends = whole.reasons("round_trip")
    chosen = len(whole.made())
    assert chosen + ends["failed_round_trip"] + ends["no_code"] + ends["not_chosen"] == summaries
    assert len(whole.rows) == whole.funnel["dataset"].made == 9 + 12


def test_rows_carry_their_training_order_their_score_and_their_lineage(whole: Ran) -> None:
    own = [row for row in whole.rows if row.kind == "inverse"]
    originals = [row for row in whole.rows if row.kind == "original"]
    assert {row.stage for row in own} == {1}
    assert {row.stage for row in originals} == {2}
    pairs = {row.parallel_id: row.messages[1]["content"] for row in originals}
    assert all(row.messages[1]["content"] in pairs[row.parallel_id] for row in own), "not joined by id"
    for row in own:
        assert 0.5 < row.score < 1
        assert row.tests
        assert f"`{row.name}`" in row.messages[0]["content"]  # else no answer could pass the row's tests
        assert row.messages[1]["content"].startswith(f"```{row.language}\n")
        assert (row.lineage.teacher, row.lineage.temperature) == ("scripted", 0.8)
        assert row.lineage.prompt_version
        assert row.lineage.toolchain
        assert row.origin.licence == "Apache-2.0"


@pytest.mark.parametrize(
    ("name", "beginning"),
    [
        ("clamp", "Write a Lua function that keeps a number within"),  # the best of three
        ("chunked", "Write a Python function that cuts a list"),
        ("second_largest", "Design a Lua function that finds the second largest"),  # the best fails, the next passes
    ],
)
def test_the_best_instruction_that_leads_back_is_chosen(whole: Ran, name: str, beginning: str) -> None:
    assert whole.made()[name].startswith(beginning)


def test_planted_cases_go_for_their_own_reasons(whole: Ran) -> None:
    assert "is_leap" not in whole.made()  # right in every word, and the code is wrong
    assert any("is_leap(1900) == False; got True" in detail for _, _, detail in whole.losses)
    assert "roman" not in whole.made()  # right code, and no instruction from which it can be found again


def test_what_p_yes_is_worth_is_told_with_its_count(whole: Ran, tmp_path: Path) -> None:
    rests_on, first = whole.findings.values()
    assert rests_on.startswith("10 by logprobs, 0 by votes; ")
    assert "over 10 round trips, of which 8 passed" in first
    measured = run(tmp_path / "run", measured=1.0)
    assert measured.made() == whole.made()
    assert any("over 26 round trips, of which 12 passed" in text for text in measured.findings.values()), (
        measured.findings
    )


def test_without_a_round_trip_the_model_is_believed(whole: Ran, tmp_path: Path) -> None:
    off = run(tmp_path / "run", round_trip="off")
    assert "round_trip" not in off.funnel
    assert off.made()["second_largest"].startswith("Write a Lua function that returns the largest number")
    assert set(off.made()) == {*whole.made(), "roman"}
    assert set(off.findings) == {"P(Yes) of first choices"}


def test_without_self_evaluation_the_first_summary_is_taken(tmp_path: Path) -> None:
    off = run(tmp_path / "run", self_evaluation="off", round_trip="off")
    assert "score_instructions" not in off.funnel
    assert off.made()["clamp"].startswith("Write a Lua function that keeps")
    assert {row.score for row in off.rows} == {0.0}


# ------------------------------------------------------------------------------ replies of every kind, one by one

ADD = {
    "instruction": "Add.",
    "response": "```lua\nlocal function add(a, b)\n  return a + b\nend\n```",
    "signature": "def add(a: int, b: int) -> int",
    "tests": ["assert add(1, 2) == 3", "assert add(0, 0) == 0", "assert add(-1, 2) == 1"],
}
SUM = {"call": "generate", "item": "add", "reply": "Write a Lua function that adds two numbers."}
YES = {"call": "score", "item": "add", "reply": "Yes", "logprobs": {"Yes": -0.1, "No": -2.5}}
RIGHT = {"call": "solve", "item": "add", "reply": "```lua\nfunction add(x, y) return y + x end\n```"}


def written(path: Path, rows: Iterable[Any]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.mark.parametrize(
    ("replies", "step", "reason"),
    [
        ([SUM, YES, RIGHT], "", ""),
        ([], "generate_instructions", "teacher_refused"),
        ([{**SUM, "reply": ""}], "generate_instructions", "empty_reply"),
        ([{**SUM, "finish_reason": "length"}], "generate_instructions", "cut_off"),
        ([{**SUM, "reply": "Write this: " + ADD["response"]}], "generate_instructions", "leaks_code"),
        ([SUM], "score_instructions", "teacher_refused"),
        ([SUM, {**YES, "reply": "Perhaps", "logprobs": {"Perhaps": -0.1}}], "score_instructions", "not_scored"),
        ([SUM, {**YES, "logprobs": {}}], "score_instructions", "teacher_refused"),  # votes, of which none is scripted
        ([SUM, {**YES, "logprobs": {}}, {**YES, "call": "vote", "reply": "Hm."}], "score_instructions", "not_scored"),
        ([SUM, {**YES, "logprobs": {}}, {**YES, "call": "vote", "reply": "Yes."}, RIGHT], "", ""),
        ([SUM, YES], "round_trip", "teacher_refused"),
        ([SUM, YES, {**RIGHT, "reply": "I can't."}], "round_trip", "no_code"),
        ([SUM, YES, {**RIGHT, "reply": "```lua\nfunction add(a, b) return 3 end"}], "round_trip", "failed_round_trip"),
        ([SUM, YES, {**RIGHT, "reply": "```lua\nos.exit(0)\n```"}], "round_trip", "failed_round_trip"),
    ],
)  # fmt: skip
def test_a_reply_of_each_kind(replies: Sequence[Any], step: str, reason: str, tmp_path: Path) -> None:
    corpus = written(tmp_path / "corpus.jsonl", [ADD])
    ran = run(tmp_path / "run", corpus, written(tmp_path / "replies.jsonl", replies), summaries=1, originals=False)
    dropped = {name: row.reasons for name, row in ran.funnel.items() if row.reasons}
    assert dropped == ({step: {reason: 1}} if step else {})
    assert len(ran.rows) == (not step)


def test_a_reply_that_failed_leaves_its_snippet_open(tmp_path: Path) -> None:
    corpus = written(tmp_path / "corpus.jsonl", [ADD])
    replies = written(tmp_path / "replies.jsonl", [{**SUM, "finish_reason": "error"}])
    with pytest.raises(OutageError, match=r"stay open \(generate_instructions 1\)"):
        run(tmp_path / "run", corpus, replies, summaries=1, originals=False)


@pytest.mark.parametrize(
    ("row", "step", "reason"),
    [
        ({**ADD, "tests": ADD["tests"][:2]}, "verify_snippets", "too_few_cases"),
        ({**ADD, "tests": [f"assert add({n}, 1) == 1" for n in range(3)]}, "verify_snippets", "one_expected_value"),
        ({**ADD, "tests": ["assert add(x) == y"] * 3}, "verify_snippets", "no_tests"),
        (
            {**ADD, "tests": [f"assert add({n}, 1) == 0x{'F' * 90_000}" for n in range(3)]},
            "verify_snippets",
            "no_tests",
        ),
        (
            {**ADD, "response": "```lua\nlocal function add(a, b) return a end\n```"},
            "verify_snippets",
            "failed_verification",
        ),
        ({**ADD, "signature": "def add(a: int) -> int"}, "verify_snippets", "not_verified"),
        ({**ADD, "tests": []}, "verify_snippets", "untested"),
        ({**ADD, "response": "```brainf\n+\n```"}, "extract_programs", "unknown_language"),
        ({**ADD, "response": "Use the plus sign."}, "extract_programs", "unparsable_code"),
        ({**ADD, "response": "```racket\n(+ 1 2)\n```"}, "extract_programs", "language_not_wanted"),
        ({**ADD, "response": ""}, "sources", "not_a_snippet"),
    ],
)
def test_a_snippet_that_cannot_be_used_costs_no_token(row: Any, step: str, reason: str, tmp_path: Path) -> None:
    corpus = written(tmp_path / "corpus.jsonl", [row])
    replies = written(tmp_path / "replies.jsonl", [])
    ran = run(tmp_path / "run", corpus, replies, originals=False, require_suite=True, languages=("lua", "python"))
    assert {name: row.reasons for name, row in ran.funnel.items() if row.reasons} == {step: {reason: 1}}
    assert ran.funnel["generate_instructions"].taken == 0


def test_an_instruction_that_a_benchmark_holds_goes_and_so_does_a_program(tmp_path: Path) -> None:
    text = "Write a Lua function that adds two given whole numbers and returns their sum as a whole number again."
    bench = written(tmp_path / "bench.jsonl", [{"task_id": "B/1", "prompt": text}])
    corpus = written(tmp_path / "corpus.jsonl", [ADD])
    replies = written(tmp_path / "replies.jsonl", [{**SUM, "reply": text}, YES, RIGHT])
    ran = run(tmp_path / "run", corpus, replies, summaries=1, benchmarks=(str(bench),), originals=False)
    assert ran.funnel["decontaminate_instructions"].reasons == {"contaminated": 1}
    assert ran.rows == []


# ------------------------------------------------------------------------------------------------ options


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"summaries": 0}, "summaries, .* must be a whole number of 1 or more"),
        ({"votes": 0}, "votes, .* must be a whole number of 1 or more"),
        ({"prefixes": ()}, "prefixes, .* must be a list; each item is text \\(at least 1\\)"),
        ({"measured": 1.5}, "measured, .* must be a number from 0 to 1"),
        ({"languages": ("klingon",)}, "klingon"),
        ({"max_snippets": -1}, "max_snippets, .* is -1; it must be a whole number of 0 or more"),
        ({"min_cases": 0}, "min_cases, .* must be a whole number of 1 or more"),
        ({"temperature": float("nan")}, "temperature, .* is nan; it must be a number of 0 or more"),
        ({"repetition_penalty": 0.0}, "repetition_penalty, .* must be a number of 0.01 or more"),
        ({"max_similarity": 60.0}, "max_similarity, .* is 60.0; it must be a number above 0 and at most 1"),
    ],
)
def test_options_that_cannot_work_are_refused_in_a_sentence(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        InverseInstruct(sources=("x",), **options)


def test_the_offline_teacher_is_refused_before_anything_is_read() -> None:
    tools = RecipeServices(None, None, open_teacher("offline"))  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="the offline teacher only translates"):
        InverseInstruct(sources=(str(CORPUS),)).steps(tools)


def test_every_default_is_the_papers_or_its_page_says_why_not() -> None:
    page = Path(__file__).parents[3] / "docs" / "recipes" / "inverse_instruct.md"
    lines = page.read_text().partition("## Defaults\n")[2].strip().splitlines()[2:]
    documented = {}
    for line in lines:
        option, default, paper, why = (cell.strip() for cell in line.strip("|").split("|"))
        assert (default == paper) == (not why), option
        documented[option.strip("`").partition("`")[0]] = default
    recipe = InverseInstruct(sources=("x",))
    assert {name: str(getattr(recipe, name)) for name in documented} == documented
    of_a_run = {"sources", "languages", "column", "max_snippets", "benchmarks"}
    assert set(documented) == {f.name for f in msgspec.structs.fields(InverseInstruct)} - of_a_run


def test_a_model_that_completes_is_asked_in_the_papers_words_and_makes_the_same(whole: Ran, tmp_path: Path) -> None:
    """A completion continues after the opening verb; hand-written replies repeat the verb."""
    completed = run(tmp_path / "run", style="completion")
    assert set(completed.made()) == set(whole.made())
    assert all(
        text.split()[0] in ("Write", "Create", "Implement", "Develop", "Design", "Build", "I")
        for text in completed.made().values()
    )


def test_a_model_that_completes_is_told_what_its_function_must_be_called() -> None:
    """Without a signature too: an answer under another name fails every test."""
    prompt = prompts_of("solve").completion
    values = {"instruction": "Add.", "prefix": "", "fence": "lua", "language": "Lua", "forms": ""}
    assert "`add`" in prompt.render(name="add", signature="", **values)
    assert "`def add(a: int)`" in prompt.render(name="add", signature="def add(a: int)", **values)


def test_the_programs_of_another_run_keep_their_suites_their_problem_and_their_origin(
    whole: Ran, tmp_path: Path
) -> None:
    """A run's dataset is read as a corpus: its rows become originals, its programs snippets."""
    data = tmp_path / "first" / "dataset" / "jsonl" / "data"
    (tmp_path / "first").mkdir()
    (tmp_path / "first" / "run.toml").write_text('recipe = "x"\n')
    own = [row for row in whole.rows if row.kind == "inverse"]
    for language in ("lua", "python"):
        (data / language).mkdir(parents=True)
        rows = [msgspec.to_builtins(row) for row in own if row.language == language]
        written(data / language / "train.jsonl", rows)
    again = run(tmp_path / "second", tmp_path / "first", max_snippets=0)
    assert set(again.made()) == {row.name for row in own}
    first = {row.name: row for row in own}
    for row in again.rows:
        assert row.parallel_id == first[row.name].parallel_id
        assert row.origin == first[row.name].origin
        assert row.tests == (first[row.name].tests if row.kind == "inverse" else ())
