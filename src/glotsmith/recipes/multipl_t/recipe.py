"""MultiPL-T: move tested Python functions into low-resource languages.

Paper: Cassano et al., OOPSLA 2024, §4.1–4.4. Where we differ, and why: docs/recipes/multipl_t.md.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from glotsmith import languages
from glotsmith.datasets.examples import ToExamples
from glotsmith.errors import UsageError
from glotsmith.generation.sampling_plan import SamplingPlan
from glotsmith.generation.translate import Translate, TranslationOptions, TranslationPrompts
from glotsmith.languages.docstrings import Wording
from glotsmith.languages.lexer import CommentSyntax, syntax_of
from glotsmith.ledger import Ledger
from glotsmith.prompts import Prompt
from glotsmith.recipes.base import FinalSteps, RecipeServices, check_ranges
from glotsmith.records import Record, Solution
from glotsmith.selection.decontaminate import DecontaminateFunctions, DecontaminateSolutions
from glotsmith.selection.deduplicate import DeduplicateFunctions, DeduplicateSolutions
from glotsmith.selection.overlap import Overlap
from glotsmith.settings import FILE, SOURCE
from glotsmith.sources.corpus import ReadOptions
from glotsmith.sources.filters import Filter, FilterOptions
from glotsmith.sources.read import ReadFunctions
from glotsmith.sources.sample import Sample
from glotsmith.sources.typecheck import TypeCheck
from glotsmith.step import Step
from glotsmith.suites.prove import Prove
from glotsmith.suites.teacher_suites import SuiteRequestOptions
from glotsmith.suites.validate import SuiteThresholds, Validate
from glotsmith.suites.write import WriteTests
from glotsmith.teachers.base import Sampling
from glotsmith.verification.bounds import LEAST, MOST

PROMPTS = Path(__file__).parent / "prompts"
PAPER_SAMPLES, PAPER_SAMPLES_BY_LANGUAGE = 50, {"ocaml": 100}  # §4.3

_LEAST = {
    **dict.fromkeys(("wanted", "max_tokens", "min_cases"), 1),
    **dict.fromkeys(("suites", "repairs", "temperature", "suite_temperature", "max_lines", "max_functions"), 0),
    "ngram": 2,
}
_SHARES = ("min_coverage", "min_mutation_score", "top_p", "max_similarity")


class MultiPLT(Record, frozen=True, kw_only=True):
    """The recipe's options; the defaults are the paper's where it has one."""

    title: ClassVar[str] = "tested Python functions moved into low-resource languages"
    paper: ClassVar[str] = "MultiPL-T, OOPSLA 2024 (arXiv 2308.09895)"
    limit_option: ClassVar[str] = "max_functions"

    sources: Annotated[tuple[str, ...], SOURCE]  #: where Python functions come from
    languages: tuple[str, ...] = ("julia", "lua", "ocaml", "r", "racket")  #: the paper's five

    helpers: bool = False  #: bring along the module's own helpers and constants that a function needs
    imports: bool = False  #: allow imports of the standard library's modules that only compute
    column: str = ""  #: of rows: where the code is; empty for ``content`` or ``code``
    max_lines: int = 0  #: of a function; 0 for no limit
    licences: tuple[str, ...] = ()  #: SPDX ids that are accepted; empty for all
    ascii_only: bool = True  # §4.1
    typecheck: bool = True  # §4.1
    max_functions: int = 0  #: go on with so many, chosen by content hash; 0 for all

    suites: int = 5  #: suites that the teacher writes, beside doctests and generated inputs; 0 for none, §4.2
    suite_temperature: float = 0.2  # §4.2
    min_cases: int = 3
    min_coverage: float = 0.9  #: of the function's own lines, and of its branches, §4.2
    min_mutation_score: float = 0.5  #: share of mutants that the suite must kill

    samples: int | None = None  #: replies for one problem, at most; default the paper's 50, and 100 in OCaml, §4.3
    samples_by_language: dict[str, int] = {}  #: languages with another number
    temperature: float = 0.8  # §4.3
    top_p: float = 0.95  # §4.3
    max_tokens: int = 512  # §4.3
    wanted: int = 3  #: stop when so many distinct solutions pass
    repairs: int = 0  #: how often a failing candidate goes back with its failing case
    time_limit_s: float = 0.0  #: CPU seconds a candidate may use; 0 for its language's own limit
    style: Literal["chat", "completion"] | None = None  #: default ``chat``, and ``completion`` in the paper's setting
    source_in_prompt: bool = True  # §4.3: Python source as comment
    docstrings: Wording = "target"  #: examples and terms in docstrings: of the target language, or verbatim
    paper_setting: bool = False  #: one round of all samples, completion prompts, no repair: the paper's own setting

    max_similarity: float = 0.6  #: ROUGE-L, within a problem and across, §4.4
    benchmarks: Annotated[tuple[str, ...], FILE] = ()  #: files to decontaminate against
    ngram: int = 10  #: words in common that count as an overlap

    def steps(self, tools: RecipeServices) -> Sequence[Step[Any, Any]]:
        """Return the paper's pipeline.

        Raises:
            UsageError: the teacher writes none of the languages.
            ToolchainError: a target language can't be run here.
            InputError: a benchmark file can't be read.

        """
        if tools.teacher.name == "offline" and "lua" not in self.languages:
            raise UsageError(
                "the offline teacher writes Lua alone: add --language lua, or name a model, as in "
                "--teacher openai --model MODEL --base-url URL"
            )
        for name in self.languages:
            languages.toolchain.resolve(name)  # raises where it can't be run, before anything is paid for
        syntax, overlap = comment_syntax(), overlap_with(self.benchmarks, self.ngram)
        return [
            ReadFunctions(self.sources, self._reading(tools)),
            Filter(self._filter()),
            *([Sample(self.max_functions)] if self.max_functions else []),
            *([TypeCheck()] if self.typecheck else []),
            DeduplicateFunctions(syntax),
            *([DecontaminateFunctions(overlap)] if overlap else []),
            *self._suites(tools),
            Prove(self.languages, tools.verifier, self.min_cases),
            Translate(tools.teacher, tools.verifier, translation_prompts(), self._plan(tools.seed)),
            *self.final_steps().steps,
        ]

    def final_steps(self, ledger: Ledger | None = None) -> FinalSteps:
        """Return the steps from solutions to rows.

        Raises:
            InputError: a benchmark file can't be read.

        """
        syntax, overlap = comment_syntax(), overlap_with(self.benchmarks, self.ngram)
        steps = [
            DeduplicateSolutions(syntax, within=self.max_similarity, across=self.max_similarity),
            *([DecontaminateSolutions(overlap)] if overlap else []),
            ToExamples(self.docstrings),
        ]
        return FinalSteps(Translate.name, Solution, steps)

    def __post_init__(self) -> None:
        """Refuse what can't work before anything is paid for."""
        for name in (*self.languages, *self.samples_by_language):
            languages.require_typed_calls(name)  # raises for an unknown one, too
        if not self.languages:
            raise UsageError("name at least one target language, as in --language lua")
        check_ranges(self, _LEAST, _SHARES)
        if not self.max_similarity:
            raise UsageError("max_similarity must lie above 0 and not above 1")
        if any(
            count < 1 for count in (1 if self.samples is None else self.samples, *self.samples_by_language.values())
        ):
            raise UsageError("samples and samples_by_language must be 1 or more")
        if self.time_limit_s and not LEAST.cpu_s <= self.time_limit_s <= MOST.cpu_s:
            raise UsageError(
                f"time_limit_s must be 0 (the language's own limit) or from {LEAST.cpu_s} to {MOST.cpu_s} seconds, "
                f"not {self.time_limit_s}"
            )

    def _reading(self, tools: RecipeServices) -> ReadOptions:
        return ReadOptions(helpers=self.helpers, imports=self.imports, column=self.column, folder=str(tools.folder))

    def _filter(self) -> FilterOptions:
        return FilterOptions(
            imports=self.imports, ascii_only=self.ascii_only, max_lines=self.max_lines, licences=self.licences
        )

    def _suites(self, tools: RecipeServices) -> Sequence[Step[Any, Any]]:
        sampling = Sampling(temperature=self.suite_temperature, top_p=self.top_p, max_tokens=self.max_tokens)
        asking = SuiteRequestOptions(samples=self.suites, sampling=sampling, style=self._style, seed=tools.seed)
        bar = SuiteThresholds(
            line_coverage=self.min_coverage,
            branch_coverage=self.min_coverage,
            mutation_score=self.min_mutation_score,
            min_cases=self.min_cases,
        )
        return [
            WriteTests(tools.sandbox, tools.teacher if self.suites else None, asking),
            Validate(tools.sandbox, bar),
        ]

    @property
    def _style(self) -> Literal["chat", "completion"]:
        return self.style or ("completion" if self.paper_setting else "chat")

    def _plan(self, seed: int) -> TranslationOptions:
        single = self.paper_setting
        return TranslationOptions(
            sampling_plan=SamplingPlan(
                samples=PAPER_SAMPLES if self.samples is None else self.samples,
                per_language=(PAPER_SAMPLES_BY_LANGUAGE if self.samples is None else {}) | self.samples_by_language,
                single=single,
                wanted=self.wanted,
            ),
            sampling=Sampling(temperature=self.temperature, top_p=self.top_p, max_tokens=self.max_tokens),
            style=self._style,
            source_in_prompt=self.source_in_prompt,
            docstrings=self.docstrings,
            repairs=self.repairs,
            time_limit_s=self.time_limit_s or None,
            seed=seed,
        )


def overlap_with(benchmarks: Sequence[str], ngram: int) -> Overlap | None:
    """Return the index of benchmark files; None without any. Files that are as they were are read once a process.

    Raises:
        InputError: a file can't be read.

    """
    return _overlap(tuple((name, *_state(Path(name))) for name in benchmarks), ngram) if benchmarks else None


@lru_cache(maxsize=1)
def _overlap(files: tuple[tuple[str, int, int], ...], ngram: int) -> Overlap:
    return Overlap.of_files((Path(name) for name, *_ in files), comment_syntax(), n=ngram)


def _state(file: Path) -> tuple[int, int]:
    return (file.stat().st_size, file.stat().st_mtime_ns) if file.is_file() else (0, 0)


def translation_prompts() -> TranslationPrompts:
    """Return the recipe's prompts."""
    names = ("translate", "translate_completion", "repair")
    return TranslationPrompts(*(Prompt(PROMPTS / f"{name}.j2") for name in names))


def comment_syntax() -> Mapping[str, CommentSyntax]:
    """Return how each language writes comments, for selection."""
    return {name: syntax_of(languages.get(name)) for name in languages.names()}
