"""xCoder: language agents with memory discuss and pose new problems, which are verified by execution.

Paper: Yang et al., ACL 2025 (Qwen2.5-xCoder). No code of the paper is public. docs/recipes/xcoder.md defines what the
paper leaves open, with reasons.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import msgspec

from glotsmith.counts import counted
from glotsmith.errors import UsageError
from glotsmith.generation import prompt_variables
from glotsmith.generation.escalation import escalating
from glotsmith.generation.sampling_plan import SamplingPlan
from glotsmith.generation.translate import Translate, TranslationOptions, TranslationPrompts
from glotsmith.languages.docstrings import Wording
from glotsmith.languages.reference_limits import ReferenceLimits
from glotsmith.ledger import Ledger
from glotsmith.prompts import Prompt
from glotsmith.recipes.base import (
    CpuSeconds,
    FinalSteps,
    LedgerReader,
    LimitFactor,
    Natural,
    NgramSize,
    NonNegative,
    Positive,
    RecipeServices,
    Share,
    SimilarityThreshold,
    check_languages,
    check_options,
    comment_syntax,
    load_overlap,
    option_name,
    require_model,
)
from glotsmith.recipes.benchmark_problems import behaviour_steps
from glotsmith.recipes.xcoder.agent_requests import AgentRequests, agent_role
from glotsmith.recipes.xcoder.discussion import Discuss, DiscussionRules, Topology
from glotsmith.recipes.xcoder.history import LedgerHistory, remembered_sessions, session_of
from glotsmith.recipes.xcoder.memory import MemoryLimits, SessionMemory
from glotsmith.recipes.xcoder.pilot_sessions import SampleSessions, count_pilot_sessions
from glotsmith.recipes.xcoder.pipeline_item import (
    DecontaminateItems,
    DecontaminateReferences,
    DeduplicateItems,
    FilterReference,
    MakeProblemTasks,
    PipelineItem,
    SolveProblem,
    ValidateProblem,
    WriteProblemTests,
)
from glotsmith.recipes.xcoder.prompt_variables import INTERFACES
from glotsmith.recipes.xcoder.reflection import EpochMemories
from glotsmith.recipes.xcoder.rubric import ReuseScores, ScoreByRubric
from glotsmith.recipes.xcoder.schedule import ScheduleSessions, SessionPlan, TargetPolicy
from glotsmith.recipes.xcoder.seeds import GenerateSeeds
from glotsmith.recipes.xcoder.steps import (
    CrossCheckLanguages,
    DeduplicateProblems,
    ExecuteReference,
    MakeXCoderExamples,
)
from glotsmith.records import Record, Solution, Task
from glotsmith.selection.similarity import rouge_l_of_texts
from glotsmith.settings import FILE, SOURCE, UNORDERED
from glotsmith.sources.extract_programs import ExtractPrograms
from glotsmith.sources.filters import Filter, FilterOptions
from glotsmith.sources.read_snippets import SNIPPET, ReadSnippets
from glotsmith.sources.sample import SampleSnippets
from glotsmith.sources.split_snippets import SplitSnippets
from glotsmith.step import ItemStep, Step, Verify
from glotsmith.suites.teacher_suites import SuiteRequestOptions, suite_prompt
from glotsmith.suites.validate import SuiteThresholds, Validate
from glotsmith.suites.write import WriteTests
from glotsmith.teachers.base import RequestStyle, Sampling
from glotsmith.verification.candidate_verifier import CandidateVerifier

PROMPTS = Path(__file__).parent / "prompts"
CALLS = tuple(INTERFACES)

Switch = Literal["on", "off"]


class XCoder(Record, frozen=True, kw_only=True):
    """The options of the recipe. The defaults are the paper's where it has a value, which is rare."""

    title: ClassVar[str] = "new problems by language agents that remember and discuss, solved in many languages"
    reads: ClassVar[tuple[str, str]] = SNIPPET
    paper: ClassVar[str] = "Qwen2.5-xCoder, ACL 2025 (arXiv 2502.07487)"
    limit_option: ClassVar[str] = "max_snippets"
    row_noun: ClassVar[str] = "row"

    sources: Annotated[
        tuple[str, ...], SOURCE, UNORDERED
    ]  #: sources of snippets: files and folders of code, tables, other runs
    languages: Annotated[tuple[str, ...], UNORDERED] = ("python", "lua", "ocaml", "ruby")  #: languages with an agent
    new_languages: Annotated[tuple[str, ...], UNORDERED] = ()  #: further target languages, without an agent and seeds
    column: str = ""  #: column of a table that has the code

    max_snippet_tokens: Positive = 1024  # Qwen2.5-Coder report §4.1
    max_snippets: Natural = 0  #: number of snippets to continue with, chosen by content hash; 0 for all
    ds1: bool = True  #: make instructions inspired by a snippet
    ds2: bool = True  #: make instructions to which a snippet is the answer
    unexecuted: bool = True  #: keep Ds1 and Ds2 that cannot be executed, as the paper does

    sessions: Natural = 64  #: number of discussions
    epoch: Positive = 16  #: discussions in an epoch; each remembers the earlier epochs
    topology: Topology = "central"  #: ``central``, ``parallel`` or ``none``
    others: Natural = 2  #: agents in addition to the chair
    rounds: Natural = 2  #: maximum number of revisions in a discussion
    budget: Natural = 0  #: output tokens after which a discussion ends; 0 for no limit
    policy: TargetPolicy = "balance"  #: choice of the target language: ``balance``, ``weakness`` or ``transfer``
    inspirations: Positive = 3  #: seeds that a discussion is shown

    memory: Switch = "on"
    reflection: Switch = "on"
    memory_size: Natural = 200  #: discussions that an agent remembers
    memory_shown: Natural = 20  #: remembered discussions that a prompt shows
    max_instruction_similarity: Share = 0.7  #: ROUGE-L above which an instruction repeats a remembered one
    max_reference_similarity: Share = 0.8  #: ROUGE-L above which a reference repeats a remembered one

    agreement: Positive = (
        2  #: number of languages whose solutions must agree by execution, including the reference's Python
    )
    suites: Natural = 0  #: teacher-written suites, in addition to stated examples and generated inputs
    min_cases: Positive = 3
    min_coverage: Share = 0.9
    min_mutation_score: Share = 0.5
    samples: Positive = 8  #: maximum replies for one problem and language
    wanted: Positive = 2  #: stop after this number of distinct passing solutions
    docstrings: Wording = "target"  #: examples and terms of instructions: of the target language, or verbatim
    repairs: Natural = 0
    limit_floor_s: CpuSeconds = ReferenceLimits().floor_s  #: CPU seconds that every candidate may use
    limit_factor: LimitFactor = ReferenceLimits().factor  #: CPU time of a candidate / of the Python original, at most
    all_cases: bool = False  #: run also the cases after the first that fails, to rank failing programs for Ds4

    self_evaluation: Switch = "on"  #: the nine-point rubric
    min_score: Annotated[float, msgspec.Meta(ge=0, le=5)] = 3.0  #: 1 to 5; for rows whose instruction was not executed

    temperature: NonNegative = 0.8
    top_p: Share = 0.95
    max_tokens: Positive = 2048
    style: RequestStyle = "chat"

    max_similarity: SimilarityThreshold = 0.6  #: ROUGE-L between programs, within a problem and across
    benchmarks: Annotated[tuple[str, ...], FILE, UNORDERED] = ()  #: files to decontaminate against
    benchmark_behaviour: bool = True  #: drop problems whose reference behaves as a problem of ``benchmarks``
    ngram: NgramSize = 10  # report §4.1

    def __post_init__(self) -> None:
        """Check the options before the first request."""
        check_options(self)
        if not self.languages:
            raise UsageError(f"{option_name('languages')} is empty; xcoder needs at least one language with an agent")
        check_languages("languages", self.languages)
        check_languages("new_languages", self.new_languages)
        if not (self.ds1 or self.ds2):
            raise UsageError("--set ds1 and --set ds2 are both false, so agents have no seeds: set one of them to true")
        if set(self._targets) == {"python"}:
            raise UsageError(
                f"{option_name('languages')} has only python: add a second language, because xcoder compares solutions "
                "in several languages"
            )
        most = min(len({*self._targets, "python"}), 3 + self._others)  # target, chair, others, and the reference's
        if self.agreement > most:
            raise UsageError(
                f"{option_name('agreement')} is {self.agreement}; it must be a whole number from 1 to {most}: "
                f"each problem is solved in at most {most} languages"
            )

    @property
    def _others(self) -> int:
        return 0 if self.topology == "none" else self.others

    @property
    def _targets(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*self.languages, *self.new_languages)))

    @property
    def pilot_before(self) -> str:
        """The first step that sends requests."""
        return GenerateSeeds.name

    def pilot_steps(self, share: float) -> Mapping[str, Step[Any, Any]]:
        """Return the step that leaves a pilot the first discussions, by the name of the step after it."""
        count = count_pilot_sessions(self.sessions, self.epoch, share)
        return {Discuss.name: SampleSessions(count)} if self.sessions else {}

    @property
    def roles(self) -> tuple[str, ...]:
        """The kinds of requests of the recipe; each agent has its own."""
        agents = (agent_role(language) for language in self.languages)
        return ("generate", *agents, "write_tests", "solve", "repair", "score")

    def prompts(self) -> Mapping[str, Prompt]:
        """Return the prompts of the recipe in its style."""
        known = solving_prompts()
        return {
            **{call: Prompt(PROMPTS / f"{call}.j2", interface) for call, interface in INTERFACES.items()},
            "write_tests": suite_prompt(self.style),
            "solve": known.of_style(self.style),
            "repair": known.repair,
        }

    def steps(self, services: RecipeServices) -> Sequence[Step[Any, Any]]:
        """Return the steps from snippets to rows.

        Raises:
            UsageError: the teacher is ``offline``, which only translates.
            ToolchainError: the toolchain of a language is missing.
            InputError: a benchmark file cannot be read.

        """
        require_model(services, self.roles, "xcoder")
        services.require_toolchains(self._targets)
        assert services.ledger is not None, "memory is read from the run's ledger"
        requests, plan = self._agent_requests(services), self._session_plan()
        candidates = CandidateVerifier(services.verifier, self._reference_limits)
        history = LedgerHistory(services.ledger, plan, self.agreement)
        return [
            *self._seed_steps(requests, services),
            ScheduleSessions(plan),
            Discuss(requests, self._epoch_memories(requests, history), plan, self._discussion_rules()),
            ExecuteReference(services.verifier, unexecuted=self.unexecuted, min_cases=self.min_cases),
            FilterReference(Filter(FilterOptions(imports=True, ascii_only=False))),
            *self._suite_steps(services),
            *behaviour_steps(DecontaminateReferences, self.benchmarks, services.verifier, on=self.benchmark_behaviour),
            DeduplicateProblems(history, services.verifier, rouge_l_of_texts, self._memory_limits(), self.epoch),
            MakeProblemTasks(services.verifier, self.min_cases),
            SolveProblem(self._solver(services, candidates), candidates),
            CrossCheckLanguages(self.agreement),
            *([ScoreByRubric(requests, self.min_score)] if self.self_evaluation == "on" else []),
            *self._selection_steps(),
        ]

    def _seed_steps(self, requests: AgentRequests, services: RecipeServices) -> Sequence[Step[Any, Any]]:
        return [
            ReadSnippets(self.sources, self.column, services.folder, locate=not services.recorded),
            ExtractPrograms(self._targets, originals=False, parsed=True),  # report §4.1
            SplitSnippets(self.max_snippet_tokens),
            *([SampleSnippets(self.max_snippets)] if self.max_snippets else []),
            GenerateSeeds(requests, tuple(kind for kind, on in (("ds1", self.ds1), ("ds2", self.ds2)) if on)),
        ]

    def _suite_steps(self, services: RecipeServices) -> Sequence[Step[Any, Any]]:
        own = services.own_prompts.get("write_tests")
        teachers = services.teachers_of("write_tests") if self.suites else ()
        options = SuiteRequestOptions(samples=self.suites, style=self.style, seed=services.seed, prompt=own)
        thresholds = SuiteThresholds(
            line_coverage=self.min_coverage,
            branch_coverage=self.min_coverage,
            mutation_score=self.min_mutation_score,
            min_cases=self.min_cases,
        )
        return [
            WriteProblemTests(WriteTests(services.sandbox, None, options, teachers)),
            ValidateProblem(Validate(services.sandbox, thresholds)),
        ]

    def _selection_steps(self) -> Sequence[Step[Any, Any]]:
        overlap = load_overlap(self.benchmarks, self.ngram)
        return [
            DeduplicateItems(comment_syntax(), within=self.max_similarity, across=self.max_similarity),
            *([DecontaminateItems(overlap)] if overlap else []),
            MakeXCoderExamples(self.docstrings),
        ]

    def final_steps(self, ledger: Ledger) -> FinalSteps:
        """Return the steps from solutions to rows, with the scores that the ledger has so far."""
        scores = [ReuseScores(ledger)] if self.self_evaluation == "on" else []
        return FinalSteps(
            SolveProblem.name, PipelineItem, [CrossCheckLanguages(self.agreement), *scores, *self._selection_steps()]
        )

    @classmethod
    def findings(cls, ledger: LedgerReader) -> dict[str, str]:
        """Return the number of discussions, and the synergy of each agent's problems with each language."""
        if CrossCheckLanguages.name not in ledger.steps:
            return {}
        sessions = remembered_sessions(ledger, 1)
        items = ledger.kept_items(CrossCheckLanguages.name, PipelineItem)
        kept = {session_of(key) for key, item in items if item.proposal.session}
        memory = SessionMemory(sessions, rouge_l_of_texts)
        found = {"discussions": f"{len(sessions)} held, {counted(len(kept), 'problem')} kept"}
        tried = sorted({language for session in sessions for language in session.languages})
        for agent in dict.fromkeys(session.agent for session in sessions):
            synergies = ", ".join(f"{language} {memory.synergy(agent, language):+.2f}" for language in tried)
            found[f"synergy of {agent}'s problems"] = synergies or "none was solved"
        return found

    def _agent_requests(self, services: RecipeServices) -> AgentRequests:
        return AgentRequests(
            teacher=services.teacher,
            roles=services.roles,
            prompts={**self.prompts(), **services.own_prompts},
            sampling=self._sampling(),
            style=self.style,
            seed=services.seed,
        )

    def _sampling(self) -> Sampling:
        return Sampling(temperature=self.temperature, top_p=self.top_p, max_tokens=self.max_tokens)

    def _session_plan(self) -> SessionPlan:
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

    def _discussion_rules(self) -> DiscussionRules:
        return DiscussionRules(
            topology=self.topology,
            rounds=self.rounds,
            budget=self.budget,
            policy=self.policy,
            languages=self._targets,
        )

    def _memory_limits(self) -> MemoryLimits:
        return MemoryLimits(
            size=self.memory_size,
            shown=self.memory_shown,
            instructions=self.max_instruction_similarity,
            references=self.max_reference_similarity,
        )

    def _epoch_memories(self, requests: AgentRequests, history: LedgerHistory) -> EpochMemories:
        return EpochMemories(
            history,
            requests,
            rouge_l_of_texts,
            self._memory_limits(),
            memory=self.memory == "on",
            reflection=self._reflects,
        )

    @property
    def _reference_limits(self) -> ReferenceLimits:
        return ReferenceLimits(floor_s=self.limit_floor_s, factor=self.limit_factor)

    def _solver(self, services: RecipeServices, candidates: Verify) -> ItemStep[Task, Solution]:
        options = TranslationOptions(
            sampling_plan=SamplingPlan(samples=self.samples, per_language={}, wanted=self.wanted),
            sampling=self._sampling(),
            style=self.style,
            docstrings=self.docstrings,
            source_in_prompt=False,  # solvers must not see the reference
            repairs=self.repairs,
            all_cases=self.all_cases,
            seed=services.seed,
            call="solve",
        )
        chosen = {**self.prompts(), **services.own_prompts}
        prompts = TranslationPrompts(chosen["solve"], chosen["solve"], chosen["repair"])
        repairers, teachers = services.roles.get("repair", ()), services.teachers_of("solve")
        steps = [Translate(each, candidates, prompts, options, repairers=repairers) for each in teachers]
        return escalating(steps, teachers)


def solving_prompts() -> TranslationPrompts:
    """Return the prompts that request solutions of a posed problem."""
    return TranslationPrompts(
        Prompt(PROMPTS / "solve.j2", prompt_variables.SOLVE),
        Prompt(PROMPTS / "solve_completion.j2", prompt_variables.SOLVE_COMPLETION),
        Prompt(PROMPTS / "repair.j2", prompt_variables.REPAIR_SOLUTION),
    )


RECIPE = XCoder
