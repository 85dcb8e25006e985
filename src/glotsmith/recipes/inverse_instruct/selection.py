"""Select snippets and instructions: deduplicate, decontaminate, rank by P(Yes), and measure P(Yes) against execution.

The paper keeps the best of K summaries without a threshold and breaks ties by order (InverseCoder §4.4;
``sort_data_samples.py``). ``RankSummaries`` does the same and records ties, since the model does not prefer any of the
summaries with equal scores.
"""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from glotsmith.counts import counted
from glotsmith.drop_reasons import Reason
from glotsmith.records import InstructionCandidate, Record, Snippet, SnippetWithInstructions
from glotsmith.selection.benchmark_behaviour import ProgramUnderTest
from glotsmith.selection.decontaminate import Decontaminate, DecontaminateBehaviour, ItemText
from glotsmith.selection.deduplicate import ComparedText, Deduplicate
from glotsmith.step import Dropped, ItemStep, Kept, Result


class DeduplicateSnippets(Deduplicate[Snippet]):
    """Drop repeated programs and repeated pairs; ``syntax`` needs an entry ``""`` for pairs."""

    name = "deduplicate_snippets"
    output = Snippet

    def compared_text(self, item: Snippet) -> ComparedText:
        """Return the text to compare: programs are compared within their language, and pairs with pairs."""
        if item.kind == "original":
            return ComparedText("", item.id, f"{item.instruction}\n{item.response}")
        return ComparedText(item.language, item.id, item.code)


class DecontaminateSnippets(Decontaminate[Snippet]):
    """Drop programs and pairs that overlap a benchmark, before any request about them."""

    name = "decontaminate_snippets"
    output = Snippet

    def texts_to_check(self, item: Snippet) -> Iterator[ItemText]:
        """Yield the program of a snippet, or the instruction and the response of a pair."""
        if item.kind == "original":
            yield ItemText("instruction", item.instruction)
            yield ItemText("response", item.response, item.language)
        else:
            yield ItemText("program", item.code, item.language)


class DecontaminateCheckedSnippets(DecontaminateBehaviour[Snippet]):
    """Drop programs with a suite that behave as a problem of a benchmark, before any request about them."""

    name = "decontaminate_behaviour"
    output = Snippet

    def program_of(self, item: Snippet) -> ProgramUnderTest | None:
        """Return the program, if its suite has a signature."""
        if item.kind == "original" or not (item.tests and item.signature):
            return None
        return ProgramUnderTest(item.language, item.code, item.signature)


class DecontaminateInstructions(Decontaminate[SnippetWithInstructions]):
    """Drop snippets with an instruction that overlaps a benchmark, since the model may have memorised its words."""

    name = "decontaminate_instructions"
    output = SnippetWithInstructions

    def texts_to_check(self, item: SnippetWithInstructions) -> Iterator[ItemText]:
        """Yield the new instructions; ``DecontaminateSnippets`` has compared the program."""
        for summary in item.summaries:
            yield ItemText("instruction", summary.text)


class RankSummaries(ItemStep[SnippetWithInstructions, SnippetWithInstructions]):
    """Sort the summaries of each snippet by score, best first; with ``argmax``, keep only the best."""

    name = "rank"
    output = SnippetWithInstructions
    concurrency = 1  # the step never waits

    def __init__(self, *, argmax: bool) -> None:
        self._argmax = argmax

    async def run(self, key: str, item: SnippetWithInstructions) -> Result[SnippetWithInstructions]:
        """Rank one snippet's summaries."""
        ranked = sorted(item.summaries, key=lambda s: (-_p_yes(s), s.sample))
        ties = sum(_p_yes(s) == _p_yes(ranked[0]) for s in ranked[1:]) if ranked and ranked[0].scored else 0
        kept, others = (ranked[:1], ranked[1:]) if self._argmax else (ranked, [])
        lost = tuple(Dropped(Reason.NOT_CHOSEN, f"P(Yes) {_p_yes(s):.4f}", f"{s.id}:passed_over") for s in others)
        made = msgspec.structs.replace(item, summaries=tuple(kept), ties=ties)
        return Result(kept=(Kept(key, made),), dropped=lost)


def _p_yes(summary: InstructionCandidate) -> float:
    return summary.scored.p_yes if summary.scored else 0.0


def describe_scores(inversions: Iterable[SnippetWithInstructions]) -> str:
    """Return a sentence about the scores of the best summaries: their methods and ties; "" if there are no scores."""
    methods, ties, unseen, mass = Counter[str](), 0, 0, 0.0
    for item in inversions:
        if item.summaries and (scored := item.summaries[0].scored):
            methods[scored.method] += 1
            ties += item.ties > 0
            unseen += scored.unseen != ""
            mass += scored.yes + scored.no if scored.method == "logprobs" else 0.0
    if not methods:
        return ""
    text = f"{methods['logprobs']} by logprobs, {methods['votes']} by votes; {ties} tied with another"
    if count := methods["logprobs"]:
        text += (
            f"; Yes and No had {mass / count:.2f} of the probability on average, and {unseen} times one was not seen"
        )
    return text


class ScoreAgreement(Record, frozen=True, kw_only=True):
    """How well P(Yes) separates the summaries whose round trip passes from those whose round trip fails."""

    group: str  #: name of the group of summaries that is compared
    passed: int  #: number of round trips that pass
    failed: int  #: number of round trips that fail
    auc: float | None  #: area under the ROC curve, ties counted half; None if all passed or all failed
    standard_error: float = 0.0  #: of the AUC (Hanley and McNeil 1982); 0 without an AUC

    def __str__(self) -> str:
        count = self.passed + self.failed
        if self.auc is None:
            return f"no AUC: {self.passed} of {count} round trips passed, and an AUC needs passes and failures"
        text = f"AUC {self.auc:.3f} (standard error {self.standard_error:.3f}; 0.5 is chance)"
        return f"{text} over {counted(count, 'round trip')}, of which {self.passed} passed"


def compare_with_round_trips(inversions: Iterable[SnippetWithInstructions]) -> list[ScoreAgreement]:
    """Compare P(Yes) with the outcomes of the round trips.

    ``first choices`` are the best summary of each snippet. Counting later ones would introduce a bias, because they are
    tried only if better ones failed. ``all summaries`` are those of the snippets whose every summary was tried.
    """
    first: list[tuple[float, bool]] = []
    every: list[tuple[float, bool]] = []
    for item in inversions:
        judged = [(s.scored.p_yes, s.round_trip == "pass") for s in item.tried if s.scored and _is_judged(s)]
        if item.tried and judged and item.tried[0].scored and _is_judged(item.tried[0]):
            first.append(judged[0])
        every += judged if item.measured else []
    found = [_agreement("first choices", first)]
    return [*found, _agreement("all summaries of measured snippets", every)] if every else found


def _is_judged(summary: InstructionCandidate) -> bool:
    return summary.round_trip != "" and not summary.round_trip.startswith("infra:")


def _agreement(group: str, pairs: Sequence[tuple[float, bool]]) -> ScoreAgreement:
    passed, failed = sum(good for _, good in pairs), sum(not good for _, good in pairs)
    value = auc(pairs)
    return ScoreAgreement(
        group=group, passed=passed, failed=failed, auc=value, standard_error=_standard_error(value, passed, failed)
    )


def auc(pairs: Sequence[tuple[float, bool]]) -> float | None:
    """Return the area under the ROC curve of pairs (score, passed): the Mann-Whitney statistic with half ties."""
    good = sum(passed for _, passed in pairs)
    bad = len(pairs) - good
    if not good or not bad:
        return None
    ordered = sorted(pairs)
    ranks, start = 0.0, 0
    while start < len(ordered):
        end = start
        while end < len(ordered) and ordered[end][0] == ordered[start][0]:
            end += 1
        ranks += (start + 1 + end) / 2 * sum(passed for _, passed in ordered[start:end])
        start = end
    return (ranks - good * (good + 1) / 2) / (good * bad)


def _standard_error(value: float | None, good: int, bad: int) -> float:
    if value is None:
        return 0.0
    q1, q2 = value / (2 - value), 2 * value * value / (1 + value)
    variance = value * (1 - value) + (good - 1) * (q1 - value**2) + (bad - 1) * (q2 - value**2)
    return math.sqrt(max(variance, 0.0) / (good * bad))
