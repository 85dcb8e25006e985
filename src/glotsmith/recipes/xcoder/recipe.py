"""xCoder: language agents with memory discuss and make new problems, which execution holds to account.

Paper: Yang et al., ACL 2025 (Qwen2.5-xCoder). There is no public code; what the paper leaves open is defined, with
reasons, in docs/recipes/xcoder.md.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from glotsmith import languages
from glotsmith.errors import UsageError
from glotsmith.generation.sampling_plan import SamplingPlan
from glotsmith.generation.translate import Translate, TranslationPrompts
from glotsmith.generation.translate import TranslationOptions as Solving
from glotsmith.languages.docstrings import Wording
from glotsmith.ledger import Ledger
from glotsmith.prompts import Prompt
from glotsmith.recipes.base import FinalSteps, LedgerReader, RecipeServices, check_ranges
from glotsmith.recipes.multipl_t.recipe import comment_syntax, overlap_with
from glotsmith.recipes.xcoder.agent_requests import AgentRequests
from glotsmith.recipes.xcoder.agents import EpochMemories
from glotsmith.recipes.xcoder.discussion import Discuss, DiscussionRules, Topology
from glotsmith.recipes.xcoder.history import LedgerHistory, remembered_sessions, session_of
from glotsmith.recipes.xcoder.memory import AgentMemory, MemoryLimits
from glotsmith.recipes.xcoder.pipeline_item import (
    DecontaminateItems,
    DeduplicateItems,
    FilterReference,
    PipelineItem,
    ProveProblem,
    SolveProblem,
    ValidateProblem,
    WriteProblemTests,
)
from glotsmith.recipes.xcoder.schedule import ScheduleSessions, SessionPlan
from glotsmith.recipes.xcoder.seeds import MakeSeeds
from glotsmith.recipes.xcoder.steps import (
    DropRepeatedProblems,
    ExecuteReference,
    MakeXCoderExamples,
    RequireAgreement,
    ReuseScores,
    ScoreByRubric,
)
from glotsmith.recipes.xcoder.target_language import TargetPolicy
from glotsmith.records import Record
from glotsmith.selection.similarity import rouge_l_of_texts
from glotsmith.settings import FILE, SOURCE
from glotsmith.sources.cut import Cut
from glotsmith.sources.filters import Filter, FilterOptions
from glotsmith.sources.preprocess import Preprocess
from glotsmith.sources.sample import SampleSnippets
from glotsmith.sources.snippets import ReadSnippets
from glotsmith.step import Step
from glotsmith.suites.teacher_suites import SuiteRequestOptions
from glotsmith.suites.validate import SuiteThresholds, Validate
from glotsmith.suites.write import WriteTests
from glotsmith.teachers.base import Sampling

PROMPTS = Path(__file__).parent / "prompts"
CALLS = ("ds1", "ds2", "propose", "advise", "revise", "vote", "reflect", "rubric")

Switch = Literal["on", "off"]

_COUNTS = ("epoch", "samples", "wanted", "agreement", "inspirations", "min_cases", "max_snippet_tokens", "max_tokens")
_LEAST = {
    **dict.fromkeys((*_COUNTS, "ngram"), 1),
    **dict.fromkeys(("sessions", "others", "rounds", "budget", "memory_size", "memory_shown", "max_snippets"), 0),
    **dict.fromkeys(("suites", "repairs", "min_score", "temperature"), 0),
}
_SHARES = (
    *("max_instruction_similarity", "max_reference_similarity", "max_similarity"),
    *("min_coverage", "min_mutation_score", "top_p"),
)


class XCoder(Record, frozen=True, kw_only=True):
    """The recipe's options; the defaults are the paper's where it has one, which is seldom."""

    title: ClassVar[str] = "new problems by language agents that remember and discuss, solved in many languages"
    paper: ClassVar[str] = "Qwen2.5-xCoder, ACL 2025 (arXiv 2502.07487)"
    limit_option: ClassVar[str] = "max_snippets"
    makes: ClassVar[str] = "rows"

    sources: Annotated[tuple[str, ...], SOURCE]  #: of snippets: files and folders of code, tables, other runs
    languages: tuple[str, ...] = ("python", "lua", "ocaml", "ruby")  #: one agent each
    new_languages: tuple[str, ...] = ()  #: further targets, without an agent and seeds of their own
    column: str = ""  #: of tables: where the code is

    max_snippet_tokens: int = 1024  # Qwen2.5-Coder report §4.1
    max_snippets: int = 0  #: go on with so many, chosen by content hash; 0 for all
    ds1: bool = True  #: instructions inspired by a snippet
    ds2: bool = True  #: instructions to which a snippet is the answer
    unexecuted: bool = True  #: keep Ds1 and Ds2 of which nothing can be executed, as the paper does

    sessions: int = 64  #: discussions
    epoch: int = 16  #: of them at a time; they remember what earlier epochs made
    topology: Topology = "central"  #: ``central``, ``parallel`` or ``none``
    others: int = 2  #: agents beside the first
    rounds: int = 2  #: revisions of a discussion, at most
    budget: int = 0  #: output tokens of a discussion, after which it ends; 0 for no limit
    policy: TargetPolicy = "balance"  #: of the target language: ``balance``, ``weakness`` or ``transfer``
    inspirations: int = 3  #: seeds that a session is shown

    memory: Switch = "on"
    reflection: Switch = "on"
    memory_size: int = 200  #: discussions that an agent can be reminded of
    memory_shown: int = 20  #: of them in a prompt
    max_instruction_similarity: float = 0.7  #: ROUGE-L above which an instruction repeats one that is remembered
    max_reference_similarity: float = 0.8  #: likewise of reference solutions

    agreement: int = 2  #: languages whose solutions must agree by execution, the reference's Python among them
    suites: int = 0  #: suites that the teacher writes beside stated examples and generated inputs
    min_cases: int = 3
    min_coverage: float = 0.9
    min_mutation_score: float = 0.5
    samples: int = 8  #: replies for one problem and language, at most
    wanted: int = 2  #: stop when so many distinct solutions pass
    docstrings: Wording = "target"  #: examples and terms of instructions: of the target language, or verbatim
    repairs: int = 0

    self_evaluation: Switch = "on"  #: the nine-point rubric
    min_score: float = 3.0  #: of 1-5, for rows of which nothing was executed

    temperature: float = 0.8
    top_p: float = 0.95
    max_tokens: int = 2048
    style: Literal["chat", "completion"] = "chat"

    max_similarity: float = 0.6  #: ROUGE-L between programs, within a problem and across
    benchmarks: Annotated[tuple[str, ...], FILE] = ()  #: files to decontaminate against
    ngram: int = 10  # report §4.1

    def __post_init__(self) -> None:
        """Refuse what can't work before anything is paid for."""
        if not self.languages:
            raise UsageError("name at least one language with an agent, as in --language lua")
        for name in self._targets:
            languages.require_typed_calls(name)  # raises for an unknown one, too
        check_ranges(self, _LEAST, _SHARES)
        if not (self.ds1 or self.ds2):
            raise UsageError("agents need seeds: leave ds1 or ds2 on")
        if set(self._targets) == {"python"}:
            raise UsageError("agreement needs a second language beside python, as in --language lua")
        most = min(len({*self._targets, "python"}), 3 + self._others)  # target, chair, others, and the reference's
        if self.agreement > most:
            raise UsageError(f"agreement={self.agreement} keeps nothing: no problem is tried in over {most} languages")

    @property
    def _others(self) -> int:
        return 0 if self.topology == "none" else self.others

    @property
    def _targets(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*self.languages, *self.new_languages)))

    def steps(self, tools: RecipeServices) -> Sequence[Step[Any, Any]]:
        """Return the steps from snippets to rows.

        Raises:
            UsageError: the teacher can only translate.
            ToolchainError: a language can't be run here.
            InputError: a benchmark file can't be read.

        """
        if tools.teacher.name == "offline":
            raise UsageError(
                "the offline teacher translates Python to Lua and can't pose problems: "
                "name a model, as in --teacher openai --model MODEL --base-url URL"
            )
        for name in self._targets:
            languages.toolchain.resolve(name)  # raises where it can't be run, before anything is paid for
        assert tools.ledger is not None, "memory is read from the run's ledger"
        voice, plan = self._voice(tools), self._plan()
        history = LedgerHistory(tools.ledger, plan, self.agreement)
        return [
            *self._seeds(voice, tools),
            ScheduleSessions(plan),
            Discuss(voice, self._minds(voice, history), plan, self._rules()),
            ExecuteReference(tools.verifier, unexecuted=self.unexecuted, min_cases=self.min_cases),
            FilterReference(Filter(FilterOptions(imports=True, ascii_only=False))),
            *self._suites(tools),
            DropRepeatedProblems(history, tools.verifier, rouge_l_of_texts, self._limits(), self.epoch),
            ProveProblem(tools.verifier, self.min_cases),
            SolveProblem(
                Translate(tools.teacher, tools.verifier, solving_prompts(), self._solving(tools)), tools.verifier
            ),
            RequireAgreement(self.agreement),
            *([ScoreByRubric(voice, self.min_score)] if self.self_evaluation == "on" else []),
            *self._selection(),
        ]

    def _selection(self) -> Sequence[Step[Any, Any]]:
        overlap = overlap_with(self.benchmarks, self.ngram)
        return [
            DeduplicateItems(comment_syntax(), within=self.max_similarity, across=self.max_similarity),
            *([DecontaminateItems(overlap)] if overlap else []),
            MakeXCoderExamples(self.docstrings),
        ]

    def final_steps(self, ledger: Ledger) -> FinalSteps:
        """Return the steps from solutions to rows, with the scores that are known so far."""
        scores = [ReuseScores(ledger)] if self.self_evaluation == "on" else []
        return FinalSteps(
            SolveProblem.name, PipelineItem, [RequireAgreement(self.agreement), *scores, *self._selection()]
        )

    def _seeds(self, voice: AgentRequests, tools: RecipeServices) -> Sequence[Step[Any, Any]]:
        return [
            ReadSnippets(self.sources, self.column, tools.folder),
            Preprocess(self._targets, originals=False, parsed=True),  # report §4.1
            Cut(self.max_snippet_tokens),
            *([SampleSnippets(self.max_snippets)] if self.max_snippets else []),
            MakeSeeds(voice, tuple(kind for kind, on in (("ds1", self.ds1), ("ds2", self.ds2)) if on)),
        ]

    @classmethod
    def findings(cls, ledger: LedgerReader) -> dict[str, str]:
        """Say what became of the discussions, and which agents' problems suit which languages (synergy)."""
        if "agree" not in ledger.steps:
            return {}
        lived = remembered_sessions(ledger, 1)
        kept = {session_of(key) for key, work in ledger.kept("agree", PipelineItem) if work.proposal.session}
        memory = AgentMemory(lived, rouge_l_of_texts)
        found = {"discussions": f"{len(lived)} held, {len(kept)} problems kept"}
        for agent in dict.fromkeys(memo.agent for memo in lived):
            tried = sorted({language for memo in lived for language in memo.languages})
            told = ", ".join(f"{language} {memory.synergy(agent, language):+.2f}" for language in tried)
            found[f"synergy of {agent}'s problems"] = told or "none was solved"
        return found

    def _voice(self, tools: RecipeServices) -> AgentRequests:
        prompts = {call: Prompt(PROMPTS / f"{call}.j2") for call in CALLS}
        return AgentRequests(
            teacher=tools.teacher, prompts=prompts, sampling=self._sampling(), style=self.style, seed=tools.seed
        )

    def _sampling(self) -> Sampling:
        return Sampling(temperature=self.temperature, top_p=self.top_p, max_tokens=self.max_tokens)

    def _plan(self) -> SessionPlan:
        return SessionPlan(
            agents=self.languages,
            sessions=self.sessions,
            epoch=self.epoch,
            others=self._others,
            inspirations=self.inspirations,
            reflection=self._reflects,
        )

    @property
    def _reflects(self) -> bool:
        return self.memory == "on" and self.reflection == "on"

    def _rules(self) -> DiscussionRules:
        return DiscussionRules(
            topology=self.topology,
            rounds=self.rounds,
            budget=self.budget,
            policy=self.policy,
            languages=self._targets,
        )

    def _limits(self) -> MemoryLimits:
        return MemoryLimits(
            size=self.memory_size,
            shown=self.memory_shown,
            instructions=self.max_instruction_similarity,
            references=self.max_reference_similarity,
        )

    def _minds(self, voice: AgentRequests, history: LedgerHistory) -> EpochMemories:
        remembers = self.memory == "on"
        return EpochMemories(
            history, voice, rouge_l_of_texts, self._limits(), memory=remembers, reflection=self._reflects
        )

    def _suites(self, tools: RecipeServices) -> Sequence[Step[Any, Any]]:
        asking = SuiteRequestOptions(samples=self.suites, style=self.style, seed=tools.seed)
        bar = SuiteThresholds(
            line_coverage=self.min_coverage,
            branch_coverage=self.min_coverage,
            mutation_score=self.min_mutation_score,
            min_cases=self.min_cases,
        )
        return [
            WriteProblemTests(WriteTests(tools.sandbox, tools.teacher if self.suites else None, asking)),
            ValidateProblem(Validate(tools.sandbox, bar)),
        ]

    def _solving(self, tools: RecipeServices) -> Solving:
        return Solving(
            sampling_plan=SamplingPlan(samples=self.samples, per_language={}, wanted=self.wanted),
            sampling=self._sampling(),
            style=self.style,
            docstrings=self.docstrings,
            source_in_prompt=False,  # who solves must not see the reference
            repairs=self.repairs,
            seed=tools.seed,
            call="solve",
        )


def solving_prompts() -> TranslationPrompts:
    """Return the prompts by which a posed problem is solved."""
    return TranslationPrompts(*(Prompt(PROMPTS / f"{name}.j2") for name in ("solve", "solve_completion", "repair")))
