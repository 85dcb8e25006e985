"""The whole of xcoder, over the replies that are bundled for the demo: hand-written, with real execution throughout.

Among them are right and wrong programs, an unparsable, an empty and a refused reply, and the same program twice.
"""

import asyncio
import json
import re
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest

from glotsmith.datasets.preferences import pairs
from glotsmith.errors import ToolchainError, UsageError
from glotsmith.execution.base import NoProgress
from glotsmith.execution.pipeline_runner import PipelineRunner
from glotsmith.languages import get_card, toolchain
from glotsmith.languages.extract_code import extract_code
from glotsmith.ledger import Ledger
from glotsmith.recipes.base import RecipeServices
from glotsmith.recipes.comparison import compute_figures
from glotsmith.recipes.xcoder import recipe as xcoder
from glotsmith.recipes.xcoder.discussion import DiscussionRules
from glotsmith.recipes.xcoder.history import DEDUPLICATE, DISCUSS, SOLVE, remembered_sessions
from glotsmith.recipes.xcoder.memory import MemoryLimits
from glotsmith.recipes.xcoder.recipe import XCoder
from glotsmith.recipes.xcoder.rubric import WEIGHTS
from glotsmith.recipes.xcoder.schedule import SessionPlan
from glotsmith.recipes.xcoder.steps import SHOWN_EXAMPLES
from glotsmith.records import Example, Job, Preference
from glotsmith.run_folder import RunFolder
from glotsmith.sandbox import open_sandbox
from glotsmith.teachers import open_teacher
from glotsmith.verification import Verifier

RECORDED = Path(xcoder.__file__).parent / "recorded"
PAGE = Path(__file__).parents[3] / "docs" / "recipes" / "xcoder.md"

OUTCOMES = {
    0: "kept",
    1: "kept",
    2: "same_behaviour",  # session 1's problem in other words
    3: "contradicted",  # a stated example is wrong
    4: "empty_reply",
    5: "kept",  # memory made the chair pose another problem
    6: "unparsable_reply",
    7: "kept",
    8: "no_agreement",  # nobody solves it in Lua
    9: "teacher_refused",
}
LOSSES = {
    ("generate_seeds", "unparsable_reply"): 1,
    ("discuss", "unparsable_reply"): 2,  # a chair's, and an adviser's
    ("discuss", "empty_reply"): 1,
    ("discuss", "teacher_refused"): 1,
    ("solve", "failed_verification"): 6,
    ("solve", "duplicate_candidate"): 1,
    ("score", "unparsable_reply"): 1,  # of a row that passed, so that it stays
}
DROPS = {
    ("discuss", "empty_reply"): 1,
    ("discuss", "teacher_refused"): 1,
    ("discuss", "unparsable_reply"): 1,
    ("execute_reference", "contradicted"): 1,
    ("deduplicate_problems", "same_behaviour"): 1,
    ("solve", "no_passing_solution"): 2,  # one takes a line break for the end of a word
    ("cross_check_languages", "no_agreement"): 1,
    ("score", "low_score"): 2,  # a bad instruction, and one that comes with a bad answer
}


async def carry(chosen: XCoder, folder: Path) -> None:
    """Run the recipe as ``glotsmith run`` does."""
    sandbox = open_sandbox()
    try:
        with RunFolder.create_or_resume(folder, {"recipe": "xcoder", "options": msgspec.to_builtins(chosen)}) as run:
            teacher = open_teacher("scripted", model=str(RECORDED / "replies.jsonl"), cache=run.cache)
            tools = RecipeServices(sandbox, Verifier(sandbox, run.cache), teacher, 0, run.ledger)
            assert await PipelineRunner().run(chosen.steps(tools), run.ledger, NoProgress())
            await teacher.close()
    finally:
        await sandbox.close()


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunFolder]:
    for language in ("python", "lua"):
        try:
            toolchain.find_toolchain(language)
        except ToolchainError as error:
            pytest.skip(str(error))
    source = str(RECORDED / "snippets.jsonl")
    folder = tmp_path_factory.mktemp("xcoder") / "run"
    chosen = XCoder(sources=(source,), languages=("python", "lua"), sessions=10, epoch=5, samples=4, wanted=1)
    asyncio.run(carry(chosen, folder))
    with RunFolder.open(folder) as opened:
        yield opened


def rows(run: RunFolder) -> list[Example]:
    return [example for _, example in run.ledger.kept_items("dataset", Example)]


@pytest.mark.slow
def test_every_session_comes_to_its_own_end(run: RunFolder) -> None:
    assert {session.number: session.outcome for session in remembered_sessions(run.ledger, 2)} == OUTCOMES


@pytest.mark.slow
def test_the_funnel_accounts_for_everything(run: RunFolder) -> None:
    funnel = run.ledger.funnel()
    assert all(row.taken == row.kept + row.dropped for row in funnel)
    assert all(before.made == after.taken for before, after in pairwise(funnel))
    assert {(r.step, reason): n for r in funnel for reason, n in r.losses.items()} == LOSSES
    assert {(r.step, reason): n for r in funnel for reason, n in r.reasons.items()} == DROPS


@pytest.mark.slow
def test_the_rows_are_of_all_kinds_and_their_groups_of_two_languages(run: RunFolder) -> None:
    found = rows(run)
    assert Counter(e.kind for e in found) == {"ds1": 2, "ds2": 3, "ds3": 7}
    groups: dict[str, set[str]] = {}
    for example in found:
        if example.kind == "ds3":
            groups.setdefault(example.parallel_id, set()).add(example.language)
    assert list(groups.values()) == [{"python", "lua"}] * 3 + [{"lua"}]  # the last one: word_counts in Python is wrong
    assert all(e.score for e in found if e.name != "word_counts")
    unexecuted = [e for e in found if not e.tests]
    assert [(e.kind, e.name, e.language) for e in unexecuted] == [("ds2", "gcd", "lua")]
    assert not unexecuted[0].lineage.toolchain
    assert all(e.lineage.toolchain and e.mutation_score for e in found if e.tests)


@pytest.mark.slow
def test_programs_pass_and_the_rejected_of_a_pair_fail(run: RunFolder) -> None:
    found = {(e.parallel_id, e.language): e for e in rows(run)}
    made = list(pairs(run.ledger))
    assert [p.status for p in made] == ["fail:wrong"] * 3
    assert all(p.prompt == found[p.parallel_id, p.language].messages[0]["content"] for p in made)

    async def judge(example: Example, reply: str) -> str:
        code = extract_code(reply, get_card(example.language))
        job = Job(id="x", language=example.language, code=code or "", signature=example.signature, tests=example.tests)
        return (await Verifier(sandbox).verify(job)).status

    async def all_of(made: list[Preference]) -> list[tuple[str, str]]:
        try:
            judged = []
            for p in made:
                example = found[p.parallel_id, p.language]
                judged.append((await judge(example, p.chosen), await judge(example, p.rejected)))
            return judged
        finally:
            await sandbox.close()

    sandbox = open_sandbox()
    assert asyncio.run(all_of(made)) == [("pass", "fail:wrong")] * 3


@pytest.mark.slow
def test_memory_was_used_and_the_figures_tell(run: RunFolder) -> None:
    fifth = remembered_sessions(run.ledger, 2)[5]
    assert fifth.name == "is_balanced"  # the chair's first draft was session 1's
    assert fifth.epoch == 2
    assert set(fifth.notes) == {"python", "lua"}
    found = compute_figures("x", "xcoder", run.ledger)
    assert (found.rows, found.problems, found.distinct, found.pairs) == (12, 9, 9, 3)
    assert found.languages == {"lua": 6, "python": 6}
    assert found.failures == {"fail:wrong": 6}
    findings = XCoder.findings(run.ledger)
    assert findings["discussions"] == "10 held, 4 problems kept"
    assert set(findings) == {"discussions", "synergy of python's problems", "synergy of lua's problems"}


@pytest.mark.slow
@pytest.mark.usefixtures("run")
def test_base_models_come_to_the_same(tmp_path: Path) -> None:
    """The hand-written replies, as continuations; they are asked with prompts of their own."""
    source = str(RECORDED / "snippets.jsonl")
    chosen = XCoder(
        sources=(source,), languages=("python", "lua"), sessions=2, epoch=2, samples=4, wanted=1, ds1=False,
        max_snippets=2, style="completion",
    )  # fmt: skip
    asyncio.run(carry(chosen, tmp_path / "run"))
    with RunFolder.open(tmp_path / "run") as made:
        assert {session.number: session.outcome for session in remembered_sessions(made.ledger, 2)} == {
            0: "kept",
            1: "kept",
        }
        versions = {e.lineage.prompt_version for e in rows(made) if e.kind == "ds3"}
    assert versions == {xcoder.solving_prompts().completion.version}


@pytest.mark.slow
def test_an_epoch_follows_one_with_a_problem_of_a_benchmark(run: RunFolder, tmp_path: Path) -> None:
    first = next(session for session in remembered_sessions(run.ledger, 2) if session.number == 0)
    posed = next(example for example in rows(run) if example.kind == "ds3" and example.name == first.name)
    benchmark = tmp_path / "benchmark.jsonl"
    benchmark.write_text(json.dumps({"tests": posed.tests, "source": first.reference}) + "\n")
    chosen = XCoder(
        sources=(str(RECORDED / "snippets.jsonl"),), languages=("python", "lua"), sessions=3, epoch=1, samples=4,
        wanted=1, benchmarks=(str(benchmark),),
    )  # fmt: skip
    asyncio.run(asyncio.wait_for(carry(chosen, tmp_path / "run"), 300))
    with RunFolder.open(tmp_path / "run") as made:
        assert remembered_sessions(made.ledger, 2)[0].outcome == "contaminated"


def steps(tmp_path: Path, teacher: str = "scripted", **options: Any) -> list[str]:
    """Return the names of the recipe's steps."""
    chosen = XCoder(sources=(str(RECORDED / "snippets.jsonl"),), languages=("python", "lua"), **options)
    model = str(RECORDED / "replies.jsonl") if teacher == "scripted" else ""
    tools = RecipeServices(None, None, open_teacher(teacher, model=model), 0, Ledger(tmp_path / "ledger.sqlite"))  # type: ignore[arg-type]
    try:
        return [step.name for step in chosen.steps(tools)]
    except ToolchainError as error:
        pytest.skip(str(error))
    finally:
        assert tools.ledger
        tools.ledger.close()


def test_benchmarks_insert_a_step_among_those_of_a_session(tmp_path: Path) -> None:
    benchmark = tmp_path / "benchmark.jsonl"
    benchmark.write_text(json.dumps({"code": "def f(x):\n    return x", "test_list": ["assert f(1) == 1"]}) + "\n")
    names = steps(tmp_path, benchmarks=(str(benchmark),))
    places = [names.index(name) for name in (DISCUSS, "decontaminate_problems", DEDUPLICATE, SOLVE)]
    assert places == sorted(places)


def test_switches_change_the_steps(tmp_path: Path) -> None:
    whole = steps(tmp_path)
    assert [n for n in whole if n not in steps(tmp_path, self_evaluation="off")] == ["score"]
    assert [n for n in steps(tmp_path, max_snippets=3) if n not in whole] == ["sample"]
    benchmark = tmp_path / "benchmark.jsonl"
    benchmark.write_text(json.dumps({"prompt": "def f(x): pass", "canonical_solution": "return 1"}) + "\n")
    assert [n for n in steps(tmp_path, benchmarks=(str(benchmark),)) if n not in whole] == ["decontaminate_solutions"]


def test_a_teacher_that_only_translates_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="xcoder needs a model"):
        steps(tmp_path, teacher="offline")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"languages": ()}, "at least one language with an agent"),
        ({"languages": ("klingon",)}, "klingon"),
        ({"languages": ("python",)}, "a second language"),
        ({"epoch": 0}, "epoch, .* is 0; it must be a whole number of 1 or more"),
        ({"agreement": 0}, "agreement, .* must be a whole number of 1 or more"),
        ({"agreement": 4, "languages": ("python", "lua", "ocaml")}, "problem is solved in at most 3 languages"),
        ({"agreement": 4, "topology": "none"}, "problem is solved in at most 3 languages"),
        ({"memory_shown": -1}, "memory_shown, .* is -1; it must be a whole number of 0 or more"),
        ({"min_score": float("nan")}, "min_score, .* is nan; it must be a number from 0 to 5"),
        ({"max_instruction_similarity": 70.0}, "is 70.0; it must be a number from 0 to 1"),
        ({"ds1": False, "ds2": False}, "agents have no seeds"),
    ],
)
def test_options_that_cannot_work_are_refused_in_a_sentence(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        XCoder(sources=("x",), **options)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("topology", ("central", "parallel", "none")),
        ("policy", ("balance", "weakness", "transfer")),
        ("memory", ("on", "off")),
        ("reflection", ("on", "off")),
        ("self_evaluation", ("on", "off")),
    ],
)
def test_ablations_go_by_their_names(name: str, values: tuple[str, ...]) -> None:
    for value in values:
        made = msgspec.convert({"sources": ["x"], name: value}, XCoder)
        assert getattr(made, name) == value
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"sources": ["x"], name: "maybe"}, XCoder)


def test_options_of_discussions_reach_them() -> None:
    chosen = XCoder(
        sources=("x",), languages=("lua", "ocaml"), new_languages=("ruby",), topology="parallel", policy="weakness",
        rounds=5, budget=70, sessions=9, epoch=4, others=1, inspirations=2, memory_size=11, memory_shown=7,
        max_instruction_similarity=0.25, max_reference_similarity=0.35,
    )  # fmt: skip
    assert chosen._discussion_rules() == DiscussionRules(
        topology="parallel", rounds=5, budget=70, policy="weakness", languages=("lua", "ocaml", "ruby")
    )
    assert chosen._session_plan() == SessionPlan(agents=("lua", "ocaml"), sessions=9, epoch=4, others=1, inspirations=2)
    assert chosen._memory_limits() == MemoryLimits(size=11, shown=7, instructions=0.25, references=0.35)
    for changes in ({"memory": "off"}, {"reflection": "off"}):
        assert not msgspec.structs.replace(chosen, **changes)._session_plan().reflection
    assert msgspec.structs.replace(chosen, topology="none")._session_plan().others == 0


def test_the_page_tells_what_the_recipe_does() -> None:
    """Beside the table of defaults (``test_docs``): the numbers that its prose names."""
    page, made = PAGE.read_text("utf-8"), XCoder(sources=("x",))
    for sentence in (
        f"remembers the newest {made.memory_size} discussions. A prompt shows the newest {made.memory_shown} of them",
        f"ROUGE-L of instructions over {made.max_instruction_similarity}, or of references over "
        f"{made.max_reference_similarity}",
        f"{made.rounds} revisions were requested",
        "consistency and correctness 2, comments and ease of learning ½, others 1",
        f"the suite has fewer than {made.min_cases} cases",
        f"the first {SHOWN_EXAMPLES} stated examples",
    ):
        assert sentence in " ".join(page.split())
    weights = Counter(WEIGHTS.values())
    assert weights == {2.0: 2, 0.5: 2, 1.0: 5}
    assert {WEIGHTS[n] for n in ("consistency", "correctness")} == {2.0}
    assert {WEIGHTS[n] for n in ("comments", "easy_to_learn")} == {0.5}
    documented = set(re.findall(r"^\| `(\w+)`", page.partition("## Defaults")[2], re.MULTILINE))
    of_a_run = {"sources", "languages", "new_languages", "column", "max_snippets", "benchmarks"}
    assert documented == {f.name for f in msgspec.structs.fields(XCoder)} - of_a_run


def test_the_recorded_replies_are_all_for_calls_of_the_recipe() -> None:
    lines = (RECORDED / "replies.jsonl").read_text("utf-8").splitlines()
    assert {json.loads(line)["call"] for line in lines} <= {*xcoder.CALLS, "solve"}
