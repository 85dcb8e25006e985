"""Inverse-Instruct: generate instructions from code, score them by the model itself, and verify them by execution.

Paper: Wu et al., InverseCoder, AAAI 2025, §4–5. docs/recipes/inverse_instruct.md lists the differences, with reasons.
"""

from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import msgspec

from glotsmith.generation.escalation import escalating
from glotsmith.languages import get_card, require_typed_calls
from glotsmith.languages.lexer import CommentSyntax
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
    require_model,
)
from glotsmith.recipes.benchmark_problems import behaviour_steps
from glotsmith.recipes.inverse_instruct.dataset_rows import MakeInverseExamples
from glotsmith.recipes.inverse_instruct.generate_instructions import PREFIXES, GenerateInstructions
from glotsmith.recipes.inverse_instruct.prompt_variables import INTERFACES
from glotsmith.recipes.inverse_instruct.round_trip import ALL_SUMMARIES, RoundTrip, VerifySnippets
from glotsmith.recipes.inverse_instruct.score_instructions import ScoreInstructions
from glotsmith.recipes.inverse_instruct.selection import (
    DecontaminateCheckedSnippets,
    DecontaminateInstructions,
    DecontaminateSnippets,
    DeduplicateSnippets,
    RankSummaries,
    compare_with_round_trips,
    describe_scores,
)
from glotsmith.recipes.inverse_instruct.snippet_requests import SnippetRequest, StylePrompts
from glotsmith.records import Record, SnippetWithInstructions
from glotsmith.selection.benchmark_overlap import BenchmarkIndex
from glotsmith.settings import FILE, SOURCE, UNORDERED
from glotsmith.sources.extract_programs import ExtractPrograms
from glotsmith.sources.read_snippets import SNIPPET, ReadSnippets
from glotsmith.sources.sample import SampleSnippets
from glotsmith.step import Step
from glotsmith.teachers.base import RequestStyle, Sampling, Teacher
from glotsmith.verification.candidate_verifier import CandidateVerifier

PROMPTS = Path(__file__).parent / "prompts"


class InverseInstruct(Record, frozen=True, kw_only=True):
    """The options of the recipe. The defaults are the paper's values, where the paper has one."""

    title: ClassVar[str] = "instructions generated from code, scored by the model, verified by execution"
    reads: ClassVar[tuple[str, str]] = SNIPPET
    paper: ClassVar[str] = "InverseCoder, AAAI 2025 (arXiv 2407.05700)"
    limit_option: ClassVar[str] = "max_snippets"
    row_noun: ClassVar[str] = "instruction pair"

    sources: Annotated[tuple[str, ...], SOURCE, UNORDERED]  #: instruction corpora, code, and other runs
    languages: Annotated[tuple[str, ...], UNORDERED] = ()  #: languages of the snippets to use; empty for all
    column: str = ""  #: column of a table that has the code, if its name is unusual
    max_snippets: Natural = 0  #: number of snippets to continue with, chosen by content hash; 0 for all
    originals: bool = True  #: keep the original pairs in addition to the new ones, §5
    max_similarity: SimilarityThreshold = (
        1.0  #: ROUGE-L above which a later program is dropped; 1: only exact duplicates
    )

    min_cases: Positive = 3  #: least number of cases of a snippet's suite, if it has one
    require_suite: bool = False  #: drop snippets without a suite, which cannot be verified

    summaries: Positive | None = None  #: default: the paper's 10, and 1 without self-evaluation, §4.2
    prefixes: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)] = PREFIXES  # §4.2
    temperature: NonNegative = 0.8  # §4.2
    repetition_penalty: Annotated[float, msgspec.Meta(ge=0.01)] = 1.1  # §4.2
    max_tokens: Positive = 2048  # §4.2
    stop: tuple[str, ...] = ("```",)  #: stop sequences of completions; chats have none, §4.2
    style: RequestStyle = "chat"

    self_evaluation: Literal["logprobs", "votes", "off"] = "logprobs"  # §4.3
    evaluation_tokens: Positive = 5  # §4.3
    top_logprobs: Positive = 20  #: top tokens of the first position, §4.3
    votes: Positive = 5  #: sampled replies, if the server returns no logprobs

    round_trip: Literal["on", "off"] = "on"  #: the teacher's answer to the instruction must pass the snippet's suite
    answer_temperature: NonNegative = 0.0
    limit_floor_s: CpuSeconds = ReferenceLimits().floor_s  #: lowest CPU limit of a candidate, in seconds
    limit_factor: LimitFactor = ReferenceLimits().factor  #: CPU limit of a candidate / CPU time of the Python original
    policy: Literal["early_stop", "adaptive"] = "early_stop"  #: which summaries are tried: until one passes, or fewer
    min_new_rows: Expectation = 0.02  #: ``adaptive``: chance of a pass that the next answer must have
    measured: Share = 0.0  #: share of snippets whose every summary makes a round trip, to measure P(Yes)

    benchmarks: Annotated[tuple[str, ...], FILE, UNORDERED] = ()  #: files to decontaminate against
    benchmark_behaviour: bool = True  #: drop programs that behave as a problem of ``benchmarks``
    ngram: NgramSize = 10  #: number of consecutive words that count as an overlap

    def __post_init__(self) -> None:
        """Check the options before the first request."""
        check_options(self)
        required = require_typed_calls if self.require_suite else get_card
        check_languages("languages", self.languages, required)

    @property
    def pilot_before(self) -> str:
        """The first step that executes snippets."""
        return VerifySnippets.name

    @property
    def roles(self) -> tuple[str, ...]:
        """The kinds of requests of the recipe."""
        return ("generate", "score", "solve")

    def prompts(self) -> Mapping[str, Prompt]:
        """Return the prompts of the recipe in its style; ``score`` also requests votes."""
        return {call: prompts_of(call).of_style(self.style) for call in INTERFACES}

    def steps(self, services: RecipeServices) -> Sequence[Step[Any, Any]]:
        """Return the paper's pipeline, with a round trip by execution.

        Raises:
            UsageError: The teacher is ``offline``, which only translates.
            InputError: A benchmark file cannot be read.

        """
        require_model(services, self.roles, "inverse-instruct")
        services.require_toolchains(self.languages if self.require_suite else ())
        syntax, overlap = comment_syntax(), load_overlap(self.benchmarks, self.ngram)
        return [
            *self._snippet_steps(services, syntax, overlap),
            self._generation_step(services),
            *([self._scoring_step(services)] if self.self_evaluation != "off" else []),
            *([DecontaminateInstructions(overlap)] if overlap else []),
            RankSummaries(argmax=self.round_trip == "off"),
            *([self._round_trip_step(services)] if self.round_trip == "on" else []),
            *self.final_steps().steps,
        ]

    def final_steps(self, ledger: Ledger | None = None) -> FinalSteps:
        """Return the step that makes rows."""
        return FinalSteps(
            RoundTrip.name if self.round_trip == "on" else RankSummaries.name,
            SnippetWithInstructions,
            [MakeInverseExamples()],
        )

    @classmethod
    def findings(cls, ledger: LedgerReader) -> dict[str, str]:
        """Return how the scores P(Yes) were computed, and how well they agree with execution in this run."""
        if ScoreInstructions.name not in ledger.steps:
            return {}
        scores = describe_scores(item for _, item in ledger.kept_items(RankSummaries.name, SnippetWithInstructions))
        found = {"P(Yes) of first choices": scores} if scores else {}
        if RoundTrip.name not in ledger.steps:
            return found
        kept = (item for _, item in ledger.kept_items(RoundTrip.name, SnippetWithInstructions))
        rows = (row for row in ledger.dropped_rows(RoundTrip.name) if row.status == "dropped" and row.data)
        failed = (msgspec.json.decode(row.data or b"", type=SnippetWithInstructions) for row in rows)
        return found | {
            f"P(Yes) against execution, {a.group}": str(a) for a in compare_with_round_trips(chain(kept, failed))
        }

    def _snippet_steps(
        self, services: RecipeServices, syntax: Mapping[str, CommentSyntax], overlap: BenchmarkIndex | None
    ) -> Sequence[Step[Any, Any]]:
        return [
            ReadSnippets(self.sources, self.column, services.folder, locate=not services.recorded),
            *([SampleSnippets(self.max_snippets)] if self.max_snippets else []),
            ExtractPrograms(self.languages, originals=self.originals),
            DeduplicateSnippets(
                {**syntax, "": CommentSyntax()}, within=self.max_similarity, across=self.max_similarity
            ),
            *([DecontaminateSnippets(overlap)] if overlap else []),
            VerifySnippets(self._candidate_verifier(services), self.min_cases, required=self.require_suite),
            *behaviour_steps(
                DecontaminateCheckedSnippets, self.benchmarks, services.verifier, on=self.benchmark_behaviour
            ),
        ]

    @property
    def _count(self) -> int:
        """The number of summaries; by default 1 without self-evaluation, as in the paper's ablation (table 5)."""
        return self.summaries or (10 if self.self_evaluation != "off" else 1)

    def _request(self, call: str, services: RecipeServices, teacher: Teacher) -> SnippetRequest:
        """Return the request of a call to a teacher, with its sampling."""
        sampling = {
            "generate": Sampling(
                temperature=self.temperature,
                max_tokens=self.max_tokens,
                repetition_penalty=self.repetition_penalty,
                stop=self.stop if self.style == "completion" else (),
            ),
            "score": Sampling(max_tokens=self.evaluation_tokens, logprobs=self.top_logprobs),
            "vote": Sampling(temperature=1.0, max_tokens=self.evaluation_tokens),
            "solve": Sampling(
                temperature=self.answer_temperature,
                max_tokens=self.max_tokens,
                stop=("\n```",) if self.style == "completion" else (),  # the prompt opens a fence
            ),
        }[call]
        own = services.own_prompts.get(_prompt_name(call))
        prompts = StylePrompts(own, own) if own else prompts_of(call)
        return SnippetRequest(call, teacher, prompts, self.style, sampling, services.seed)

    def _generation_step(self, services: RecipeServices) -> Step[Any, Any]:
        def step(teacher: Teacher) -> GenerateInstructions:
            request = self._request("generate", services, teacher)
            return GenerateInstructions(request, self._count, self.prefixes, services.seed)

        teachers = services.teachers_of("generate")
        return escalating([step(teacher) for teacher in teachers], teachers)

    def _scoring_step(self, services: RecipeServices) -> Step[Any, Any]:
        by_logprobs = self.self_evaluation == "logprobs"

        def step(teacher: Teacher) -> ScoreInstructions:
            evaluation, vote = (self._request(call, services, teacher) for call in ("score", "vote"))
            return ScoreInstructions(evaluation, vote, self.votes, logprobs=by_logprobs)

        teachers = services.teachers_of("score")
        return escalating([step(teacher) for teacher in teachers], teachers)

    def _round_trip_step(self, services: RecipeServices) -> Step[Any, Any]:
        verifier = self._candidate_verifier(services)
        policy = self._adaptive_policy(services) if self.policy == "adaptive" else ALL_SUMMARIES

        def step(teacher: Teacher) -> RoundTrip:
            return RoundTrip(self._request("solve", services, teacher), verifier, self.measured, policy)

        teachers = services.teachers_of("solve")
        return escalating([step(teacher) for teacher in teachers], teachers)

    def _adaptive_policy(self, services: RecipeServices) -> AdaptiveSampling:
        def max_answers(language: str) -> int:
            return self._count

        assert services.ledger is not None, "the policy learns from the run's ledger"
        options = AdaptiveOptions(self.min_new_rows, max_answers, services.seed)
        return AdaptiveSampling(services.ledger, DeduplicateSnippets.name, RoundTrip.name, options, services.budget)

    def _candidate_verifier(self, services: RecipeServices) -> CandidateVerifier:
        limits = ReferenceLimits(floor_s=self.limit_floor_s, factor=self.limit_factor)
        return CandidateVerifier(services.verifier, limits)


def prompts_of(call: str) -> StylePrompts:
    """Return the prompts of a call; a vote has the prompts of a score."""
    name = _prompt_name(call)
    chat, completion = INTERFACES[name]
    return StylePrompts(Prompt(PROMPTS / f"{name}.j2", chat), Prompt(PROMPTS / f"{name}_completion.j2", completion))


def _prompt_name(call: str) -> str:
    return "score" if call == "vote" else call


RECIPE = InverseInstruct
