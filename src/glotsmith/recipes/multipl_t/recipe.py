"""MultiPL-T: translate tested Python functions into low-resource languages.

Paper: Cassano et al., OOPSLA 2024, §4.1–4.4. docs/recipes/multipl_t.md lists the differences and their reasons.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar

from glotsmith.datasets.examples import ToExamples
from glotsmith.errors import UsageError
from glotsmith.generation import prompt_variables
from glotsmith.generation.escalation import escalating
from glotsmith.generation.sampling_plan import SamplingPlan, SamplingPolicyName
from glotsmith.generation.translate import Translate, TranslationOptions, TranslationPrompts
from glotsmith.languages import require_call_tests
from glotsmith.languages.docstrings import Wording
from glotsmith.languages.reference_limits import ReferenceLimits
from glotsmith.ledger import Ledger
from glotsmith.prompts import Prompt
from glotsmith.recipes.adaptive_sampling import AdaptiveOptions, AdaptiveSampling
from glotsmith.recipes.base import (
    CpuSeconds,
    Expectation,
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
)
from glotsmith.recipes.benchmark_problems import behaviour_steps
from glotsmith.records import Record, Solution, Task
from glotsmith.selection.decontaminate import DecontaminateFunctions, DecontaminateProblems, DecontaminateSolutions
from glotsmith.selection.deduplicate import DeduplicateFunctions, DeduplicateSolutions, DistinctPrograms
from glotsmith.selection.duplicate_search import IndexSegment, KeepRule, segment_of_run
from glotsmith.settings import FILE, OUTPUT_PATH, SOURCE, UNORDERED
from glotsmith.sources.corpus import ReadOptions
from glotsmith.sources.filters import Filter, FilterOptions
from glotsmith.sources.read_functions import ReadFunctions
from glotsmith.sources.sample import SampleFunctions
from glotsmith.sources.typecheck import TypeCheck
from glotsmith.step import ItemStep, Step
from glotsmith.suites.make_tasks import MakeTasks
from glotsmith.suites.teacher_suites import SuiteRequestOptions, suite_prompt
from glotsmith.suites.validate import SuiteThresholds, Validate
from glotsmith.suites.write import WriteTests
from glotsmith.teachers import offline
from glotsmith.teachers.base import RequestStyle, Sampling, Teacher
from glotsmith.verification.candidate_verifier import CandidateVerifier
from glotsmith.verification.job_limits import JOB_MAX_LIMITS, MIN_LIMITS

PROMPTS = Path(__file__).parent / "prompts"
PAPER_SAMPLES, PAPER_SAMPLES_BY_LANGUAGE = 50, {"ocaml": 100}  # §4.3
ADAPTIVE_FACTOR = 4  #: the policy ``adaptive`` may request this many times the paper's samples for a good problem


class MultiPLT(Record, frozen=True, kw_only=True):
    """The options of the recipe. The defaults are the paper's values, where the paper has one."""

    title: ClassVar[str] = "tested Python functions moved into low-resource languages"
    reads: ClassVar[tuple[str, str]] = ("function", "a def without decorator at the top level of a Python module")
    paper: ClassVar[str] = "MultiPL-T, OOPSLA 2024 (arXiv 2308.09895)"
    limit_option: ClassVar[str] = "max_functions"
    row_noun: ClassVar[str] = "verified program"

    sources: Annotated[tuple[str, ...], SOURCE, UNORDERED]  #: sources of Python functions
    languages: Annotated[tuple[str, ...], UNORDERED] = ("julia", "lua", "ocaml", "r", "racket")  #: the paper's five

    helpers: bool = False  #: include the helpers and constants of the module that a function needs
    imports: bool = False  #: allow imports of standard library modules that only compute
    column: str = ""  #: column of a table that has the code; empty for ``content`` or ``code``
    max_lines: Natural = 0  #: largest number of lines of a function; 0 for no limit
    licences: Annotated[tuple[str, ...], UNORDERED] = ()  #: accepted SPDX ids; empty for all
    ascii_only: bool = True  # §4.1
    typecheck: bool = True  # §4.1
    max_functions: Natural = 0  #: number of functions to continue with, chosen by content hash; 0 for all

    suites: Natural = 5  #: teacher-written suites, in addition to doctests and generated inputs; 0 for none, §4.2
    suite_temperature: NonNegative = 0.2  # §4.2
    min_cases: Positive = 3
    min_coverage: Share = 0.9  #: least coverage of the function's lines and of its branches, §4.2
    min_mutation_score: Share = 0.5  #: share of mutants that the suite must kill

    samples: Positive | None = None  #: maximum replies for one problem; default: the paper's 50, and 100 in OCaml, §4.3
    samples_by_language: dict[str, Positive] = {}  #: language → maximum, where it differs
    temperature: NonNegative = 0.8  # §4.3
    top_p: Share = 0.95  # §4.3
    max_tokens: Positive = 512  # §4.3
    policy: SamplingPolicyName | None = None  #: default ``early_stop``, and ``fixed`` in the paper's setting
    wanted: Positive = 3  #: ``early_stop``: stop after this number of distinct passing solutions
    min_new_rows: Expectation = 0.02  #: ``adaptive``: least value of a reply, in new distinct rows
    repairs: Natural = 0  #: how often a failing candidate is sent back with its failing case
    time_limit_s: float = 0.0  #: CPU seconds per candidate; 0: the Python original determines them
    limit_floor_s: CpuSeconds = ReferenceLimits().floor_s  #: CPU seconds that every candidate may use
    limit_factor: LimitFactor = ReferenceLimits().factor  #: CPU time of a candidate / of the Python original, at most
    all_cases: bool = False  #: run also the cases after the first that fails, to rank failing programs for Ds4
    style: RequestStyle | None = None  #: default ``chat``, and ``completion`` in the paper's setting
    source_in_prompt: bool = True  # §4.3: Python source as comment
    docstrings: Wording = "target"  #: examples and terms in docstrings: of the target language, or verbatim
    paper_setting: bool = False  #: one round of all samples with completion prompts (the paper's setting)

    max_similarity: SimilarityThreshold = 0.6  #: ROUGE-L, within a problem and across, §4.4
    prefer: KeepRule = "first"  #: which of several similar functions or solutions is kept
    index: Annotated[str, OUTPUT_PATH] = ""  #: folder with the items of earlier runs, which are compared, too
    benchmarks: Annotated[tuple[str, ...], FILE, UNORDERED] = ()  #: files to decontaminate against
    ngram: NgramSize = 10  #: number of consecutive words that count as an overlap
    benchmark_behaviour: bool = True  #: drop functions that behave as a problem of ``benchmarks``

    def __post_init__(self) -> None:
        """Check the options before the first request."""
        check_options(self)
        check_languages("languages", self.languages, require_call_tests)
        check_languages("samples_by_language", self.samples_by_language, require_call_tests)
        if not self.languages:
            raise UsageError(f"{option_name('languages')} is empty; multipl-t needs at least one target language")
        if self.time_limit_s and not MIN_LIMITS.cpu_s <= self.time_limit_s <= JOB_MAX_LIMITS.cpu_s:
            raise UsageError(
                f"{option_name('time_limit_s')} is {self.time_limit_s}; it must be 0 (no fixed limit) "
                f"or from {MIN_LIMITS.cpu_s} to {JOB_MAX_LIMITS.cpu_s} seconds"
            )

    @property
    def pilot_before(self) -> str:
        """The first step that executes functions or sends requests."""
        return WriteTests.name

    @property
    def roles(self) -> tuple[str, ...]:
        """The kinds of requests of the recipe."""
        return ("write_tests", "translate", "repair")

    def prompts(self) -> Mapping[str, Prompt]:
        """Return the prompts of the recipe in its style."""
        known = translation_prompts()
        return {
            "write_tests": suite_prompt(self._style),
            "translate": known.of_style(self._style),
            "repair": known.repair,
        }

    def steps(self, services: RecipeServices) -> Sequence[Step[Any, Any]]:
        """Return the paper's pipeline.

        Raises:
            UsageError: The teacher supports none of the languages.
            ToolchainError: The toolchain of a target language is missing.
            InputError: A benchmark file cannot be read.

        """
        translators = services.teachers_of("translate")
        if not offline.LANGUAGES & set(self.languages) and any(teacher.name == "offline" for teacher in translators):
            raise UsageError(
                f"the offline teacher only translates to {offline.languages_text()}: add --language lua, or name a "
                "model: --teacher openai --model MODEL --base-url URL"
            )
        services.require_toolchains(self.languages)
        syntax, overlap = comment_syntax(), load_overlap(self.benchmarks, self.ngram)
        return [
            ReadFunctions(self.sources, self._read_options(services), locate=not services.recorded),
            Filter(self._filter_options()),
            *([SampleFunctions(self.max_functions)] if self.max_functions else []),
            *([TypeCheck(call=services.call, nodes=services.node_count)] if self.typecheck else []),
            DeduplicateFunctions(
                syntax, prefer=self.prefer, index=self._segment(DeduplicateFunctions.name, services.ledger)
            ),
            *([DecontaminateFunctions(overlap)] if overlap else []),
            *self._suite_steps(services),
            *behaviour_steps(DecontaminateProblems, self.benchmarks, services.verifier, on=self.benchmark_behaviour),
            MakeTasks(self.languages, services.verifier, self.min_cases),
            self._translation_step(services),
            *self._final_steps(self._segment(DeduplicateSolutions.name, services.ledger)),
        ]

    def final_steps(self, ledger: Ledger | None = None) -> FinalSteps:
        """Return the steps from solutions to rows.

        Raises:
            InputError: A benchmark file cannot be read.

        """
        return FinalSteps(Translate.name, Solution, self._final_steps(None))

    def _final_steps(self, index: IndexSegment | None) -> Sequence[Step[Any, Any]]:
        syntax, overlap, limit = comment_syntax(), load_overlap(self.benchmarks, self.ngram), self.max_similarity
        return [
            DeduplicateSolutions(syntax, within=limit, across=limit, prefer=self.prefer, index=index),
            *([DecontaminateSolutions(overlap)] if overlap else []),
            ToExamples(self.docstrings),
        ]

    def _segment(self, step: str, ledger: Ledger | None) -> IndexSegment | None:
        """Return the segment of the index for this run; None without an index."""
        return segment_of_run(Path(self.index) / step, ledger.path.parent) if self.index and ledger else None

    @classmethod
    def findings(cls, ledger: LedgerReader) -> dict[str, str]:
        """Return an empty dictionary: this recipe has no further measurements."""
        return {}

    def _read_options(self, services: RecipeServices) -> ReadOptions:
        return ReadOptions(helpers=self.helpers, imports=self.imports, column=self.column, folder=str(services.folder))

    def _filter_options(self) -> FilterOptions:
        return FilterOptions(
            imports=self.imports, ascii_only=self.ascii_only, max_lines=self.max_lines, licences=self.licences
        )

    def _suite_steps(self, services: RecipeServices) -> Sequence[Step[Any, Any]]:
        sampling = Sampling(temperature=self.suite_temperature, top_p=self.top_p, max_tokens=self.max_tokens)
        options = SuiteRequestOptions(
            samples=self.suites,
            sampling=sampling,
            style=self._style,
            seed=services.seed,
            prompt=services.own_prompts.get("write_tests"),
        )
        thresholds = SuiteThresholds(
            line_coverage=self.min_coverage,
            branch_coverage=self.min_coverage,
            mutation_score=self.min_mutation_score,
            min_cases=self.min_cases,
        )
        return [
            WriteTests(services.sandbox, None, options, services.teachers_of("write_tests") if self.suites else ()),
            Validate(services.sandbox, thresholds),
        ]

    @property
    def _reference_limits(self) -> ReferenceLimits:
        return ReferenceLimits(floor_s=self.limit_floor_s, factor=self.limit_factor)

    @property
    def _style(self) -> RequestStyle:
        return self.style or ("completion" if self.paper_setting else "chat")

    def _prompts(self, services: RecipeServices) -> TranslationPrompts:
        chosen = {**self.prompts(), **services.own_prompts}
        return TranslationPrompts(chosen["translate"], chosen["translate"], chosen["repair"])

    def _translation_step(self, services: RecipeServices) -> ItemStep[Task, Solution]:
        candidates = CandidateVerifier(services.verifier, self._reference_limits)
        options, syntax = self._translation_options(services.seed), comment_syntax()
        teachers = services.teachers_of("translate")
        policy = self._adaptive_policy(services) if self._policy == "adaptive" else options.sampling_plan

        def step(teacher: Teacher) -> Translate:
            return Translate(
                teacher,
                candidates,
                self._prompts(services),
                options,
                policy,
                lambda language: DistinctPrograms(syntax[language], self.max_similarity).add,
                services.roles.get("repair", ()),
            )

        return escalating([step(teacher) for teacher in teachers], teachers)

    def _adaptive_policy(self, services: RecipeServices) -> AdaptiveSampling:
        assert services.ledger is not None, "the policy learns from the run's ledger"
        options = AdaptiveOptions(self.min_new_rows, self._sampling_plan().max_replies, services.seed)
        return AdaptiveSampling(services.ledger, DeduplicateFunctions.name, Translate.name, options, services.budget)

    @property
    def _policy(self) -> SamplingPolicyName:
        return self.policy or ("fixed" if self.paper_setting else "early_stop")

    def _sampling_plan(self) -> SamplingPlan:
        more = ADAPTIVE_FACTOR if self._policy == "adaptive" else 1
        by_language = {name: count * more for name, count in PAPER_SAMPLES_BY_LANGUAGE.items()}
        return SamplingPlan(
            samples=PAPER_SAMPLES * more if self.samples is None else self.samples,
            per_language=(by_language if self.samples is None else {}) | self.samples_by_language,
            single=self._policy == "fixed",
            wanted=self.wanted,
        )

    def _translation_options(self, seed: int) -> TranslationOptions:
        return TranslationOptions(
            sampling_plan=self._sampling_plan(),
            sampling=Sampling(temperature=self.temperature, top_p=self.top_p, max_tokens=self.max_tokens),
            style=self._style,
            source_in_prompt=self.source_in_prompt,
            docstrings=self.docstrings,
            repairs=self.repairs,
            all_cases=self.all_cases,
            time_limit_s=self.time_limit_s or None,
            seed=seed,
        )


def translation_prompts() -> TranslationPrompts:
    """Return the recipe's prompts."""
    return TranslationPrompts(
        Prompt(PROMPTS / "translate.j2", prompt_variables.TRANSLATE),
        Prompt(PROMPTS / "translate_completion.j2", prompt_variables.TRANSLATE_COMPLETION),
        Prompt(PROMPTS / "repair.j2", prompt_variables.REPAIR),
    )


RECIPE = MultiPLT
