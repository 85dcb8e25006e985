"""The sampling policy ``adaptive``: learn from the ledger how many replies for a problem are worth their cost."""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

import msgspec

from glotsmith.budget import BudgetLimit, BudgetUnit
from glotsmith.generation.adaptive_rule import AdaptiveRule, ContinuedRule, LearnedLanguage
from glotsmith.generation.budget_thresholds import (
    LanguageOutlook,
    RemainingBudget,
    YieldCurve,
    affordable_share,
    thresholds,
)
from glotsmith.generation.row_expectation import DEFAULT_EXPECTATION, ProblemOutcome
from glotsmith.generation.sampling_plan import SamplingEvidence, StoppingRule
from glotsmith.ledger import Ledger
from glotsmith.ledger_ranges import LAST
from glotsmith.ledger_rows import NANO
from glotsmith.recipes.problem_blocks import ProblemBlocks
from glotsmith.records import Record
from glotsmith.sampling_end import SamplingEnd
from glotsmith.step import ItemStep, Step
from glotsmith.stored_sampling import SamplingOutcomes

#: threshold of the first blocks if the run has a budget. Nothing is known about their languages yet, so it is high; a
#: later planning round may continue their problems
_FIRST_THRESHOLD = 0.2
_LEAST_REMAINING = 0.05  #: share of a budget of US dollars or tokens below which no planning round begins
_LOWER = 0.85  #: factor that lowers a threshold if no problem reaches it


def reopen_for_budget(ledger: Ledger, steps: Iterable[Step[Any, Any]], budget: Sequence[BudgetLimit]) -> int:
    """Reopen the problems for which sampling stopped because of another budget, and return their number."""
    if not any(isinstance(step, ItemStep) and step.learns for step in steps):
        return 0
    planned = " ".join(sorted(limit.text for limit in budget if limit.unit != BudgetUnit.seconds))
    with ledger.atomically():
        return ledger.sampling.plan_for_budget(planned)


class AdaptiveOptions(NamedTuple):
    """The options of the policy."""

    floor: float  #: expected new distinct rows of a reply below which it is not requested
    max_replies: Callable[[str], int]  #: largest number of replies for one problem, by language
    seed: int = 0  #: seed of the simulation that finds the thresholds for a budget


class PlanningRound(Record, frozen=True):
    """The rule of the problems that a finished run continues because its budget allows more replies."""

    languages: dict[str, LearnedLanguage]
    reply_tokens: float

    def rule(self, options: AdaptiveOptions) -> AdaptiveRule:
        """Return the rule with the options of the policy."""
        return AdaptiveRule(options.floor, options.max_replies, self.languages, self.reply_tokens)


class _Learned(NamedTuple):
    """The results of the problems before a block."""

    problems: int
    outcomes: Mapping[str, SamplingOutcomes]  #: language → outcomes of its problems
    tokens: int  #: number of tokens of all steps
    cost: float  #: US dollars for all steps

    @property
    def reply_tokens(self) -> float:
        """Mean tokens of a reply in all languages, with its prompt; 0 without replies."""
        replies = sum(each.replies for each in self.outcomes.values())
        return sum(each.tokens for each in self.outcomes.values()) / replies if replies else 0.0


class AdaptiveSampling:
    """Chooses the rule of each task from the results of earlier problems (``sampling_plan.SamplingPolicy``).

    The rule of a block depends on the ledger's results for all earlier blocks except the last one, and on the budget.

    A plan from the first problems may be too selective. So a run can finish before its budget is spent. Then
    ``continue_for_budget`` starts a planning round over the problems that stopped because of the budget. The rule of a
    planning round depends on the results of the whole run and is stored in the ledger.
    """

    learns: ClassVar[bool] = True

    def __init__(
        self,
        ledger: Ledger,
        problems: str,
        step: str,
        options: AdaptiveOptions,
        budget: Sequence[BudgetLimit] = (),
    ) -> None:
        """Create the policy of one step.

        Args:
            ledger: The ledger of the run.
            problems: The ``WholeStep`` whose outputs are the problems.
            step: The step that samples.
            options: The options of the policy.
            budget: The limits of the run; the policy ignores limits of time.

        """
        self._ledger, self._options = ledger, options
        self._step = step
        self._blocks = ProblemBlocks(ledger, problems, step)
        self._budget = [limit for limit in budget if limit.unit != BudgetUnit.seconds]
        self._rules = dict[int, AdaptiveRule]()  #: block → its rule
        self._round = self._stored_round()

    def _stored_round(self) -> PlanningRound | None:
        plan = self._ledger.sampling.plan()
        return msgspec.json.decode(plan, type=PlanningRound) if plan else None

    def is_ready(self, position: str) -> bool:
        """Return whether the blocks that a task's rule depends on are complete."""
        return self._round is not None or self._blocks.are_complete(self._blocks.block_of(position) - 1)

    def rule(self, key: str) -> StoppingRule:
        """Return the rule of a task, after its earlier replies: the rule of its block or of the planning round."""
        rule = self._round.rule(self._options) if self._round else self._block_rule(key)
        replies = self._ledger.sampling.replies_before(self._step, key)
        return ContinuedRule(rule, replies) if replies else rule

    def _block_rule(self, key: str) -> AdaptiveRule:
        block = self._blocks.block_of(self._ledger.ranges.position_of_input(self._step, key))
        if block not in self._rules:
            self._rules[block] = self._make_rule(block)
            self._rules.pop(block - 3, None)
        return self._rules[block]

    def continue_for_budget(self, rows: Mapping[str, int]) -> int:
        """Reopen the problems of a finished run for which the budget allows another reply. Return their number.

        Args:
            rows: Language → number of rows in the dataset.

        """
        stopped = self._ledger.sampling.stopped_by_budget(self._step)
        if not stopped or not self._budget:
            return 0
        learned = self._learned_before(LAST, self._blocks.count())
        limits = [
            RemainingBudget(each.unit, self._remaining_after_run(each, learned, rows), each.language)
            for each in self._budget
        ]
        spent = {limit.language for limit, each in zip(limits, self._budget, strict=True) if _is_spent(limit, each)}
        open_ends = {key: end for key, end in stopped.items() if not spent & {"", end.language}}
        rule = self._rule_after(learned)
        outlooks = self._outlooks_of_stopped(open_ends.values(), learned, rule)
        rule, chosen = _choose_problems(_rule_within_budget(rule, outlooks, limits), open_ends)
        share = affordable_share(outlooks, limits, {name: each.threshold for name, each in rule.languages.items()})
        chosen = chosen[: math.ceil(share * len(chosen))]
        if chosen:
            found = PlanningRound({**rule.languages}, rule.reply_tokens)
            with self._ledger.atomically():
                self._ledger.sampling.plan_again(self._step, chosen, msgspec.json.encode(found))
            self._round = found
        return len(chosen)

    def _outlooks_of_stopped(
        self, stopped: Iterable[SamplingEnd], learned: _Learned, rule: AdaptiveRule
    ) -> dict[str, LanguageOutlook]:
        """Return the problems that stopped because of the budget, by language."""
        begun = defaultdict[str, list[ProblemOutcome]](list)
        for end in stopped:
            begun[end.language].append(ProblemOutcome(end.passed, end.failed, end.rows))
        return {name: self._make_outlook(name, len(each), learned, rule, each) for name, each in sorted(begun.items())}

    def _remaining_after_run(self, limit: BudgetLimit, learned: _Learned, rows: Mapping[str, int]) -> float:
        """Return the remainder of a limit after the run; a limit of rows is converted to rows within problems."""
        if limit.unit != BudgetUnit.rows:
            return self._remaining_of_limit(limit, learned)
        names = [name for name in learned.outcomes if limit.language in ("", name)]
        made, within = sum(rows.get(name, 0) for name in names), sum(learned.outcomes[name].rows for name in names)
        return (limit.amount - made) * (within / made if made else 1.0)

    def _make_rule(self, block: int) -> AdaptiveRule:
        learned = self._learned_from_blocks(block - 1)
        rule = self._rule_after(learned)
        if not self._budget:
            return rule
        if not learned.outcomes:
            return self._first_rule(rule)
        return _rule_within_budget(rule, self._outlooks_of_remaining(learned, rule), self._remaining_budgets(learned))

    def _first_rule(self, rule: AdaptiveRule) -> AdaptiveRule:
        """Return the rule of the first blocks, for which no earlier results exist."""
        limited = {limit.language: LearnedLanguage(threshold=_FIRST_THRESHOLD) for limit in self._budget}
        return rule._replace(languages=limited, unknown=limited.get("", rule.unknown))

    def _rule_after(self, learned: _Learned) -> AdaptiveRule:
        """Return the rule that follows from the results of problems, without a budget."""
        languages = {name: _learned_language(outcomes) for name, outcomes in learned.outcomes.items()}
        return AdaptiveRule(self._options.floor, self._options.max_replies, languages, learned.reply_tokens)

    def _learned_from_blocks(self, blocks: int) -> _Learned:
        """Return the results of the first blocks."""
        if blocks <= 0:
            return _Learned(0, {}, 0, 0.0)
        return self._learned_before(self._blocks.start(blocks), self._blocks.problems_before(blocks))

    def _learned_before(self, end: str, problems: int) -> _Learned:
        """Return the results of the problems before a position; ``problems`` is their number."""
        tokens, nano = self._ledger.ranges.spent_before(self._ledger.steps[0], self._step, end)
        outcomes = self._ledger.sampling.outcomes(self._step, end)
        return _Learned(problems, outcomes, tokens, nano / NANO)

    def _outlooks_of_remaining(self, learned: _Learned, rule: AdaptiveRule) -> dict[str, LanguageOutlook]:
        """Return the outlook of each language for the remaining problems, at the present number per source problem."""
        remaining = (self._blocks.count() - learned.problems) / learned.problems
        return {
            name: self._make_outlook(name, remaining * outcomes.counts.total(), learned, rule)
            for name, outcomes in learned.outcomes.items()
        }

    def _make_outlook(
        self,
        language: str,
        problems: float,
        learned: _Learned,
        rule: AdaptiveRule,
        begun: Sequence[ProblemOutcome] = (),
    ) -> LanguageOutlook:
        own, outcomes = rule.languages[language], learned.outcomes[language]
        relative = own.reply_tokens / rule.reply_tokens if rule.reply_tokens else 1.0
        seed = f"{self._options.seed}:{learned.problems}:{language}"
        most = self._options.max_replies(language)
        curve = YieldCurve(own.expectation, most, rule.floor * relative, seed, begun)
        cost = {BudgetUnit.tokens: own.reply_tokens, BudgetUnit.usd: outcomes.cost / (outcomes.replies or 1)}
        return LanguageOutlook(problems, curve, relative or 1.0, cost)

    def _remaining_budgets(self, learned: _Learned) -> list[RemainingBudget]:
        """Return the remainder of each limit for replies, after the suites of the remaining problems."""
        return [
            RemainingBudget(each.unit, self._remaining_of_limit(each, learned), each.language) for each in self._budget
        ]

    def _remaining_of_limit(self, limit: BudgetLimit, learned: _Learned) -> float:
        own = [each for name, each in learned.outcomes.items() if limit.language in ("", name)]
        replies = {
            BudgetUnit.rows: sum(each.rows for each in own),
            BudgetUnit.tokens: sum(each.tokens for each in own),
            BudgetUnit.usd: sum(each.cost for each in own),
        }[limit.unit]
        if limit.unit == BudgetUnit.rows or limit.language:
            return limit.amount - replies
        suites = (learned.tokens if limit.unit == BudgetUnit.tokens else learned.cost) - replies
        return limit.amount - replies - suites * self._blocks.count() / learned.problems


def _learned_language(outcomes: SamplingOutcomes) -> LearnedLanguage:
    counts = {ProblemOutcome(*outcome): count for outcome, count in outcomes.counts.items()}
    mean = outcomes.tokens / outcomes.replies if outcomes.replies else 0.0
    return LearnedLanguage(DEFAULT_EXPECTATION.learned(counts), mean)


def _rule_within_budget(
    rule: AdaptiveRule, outlooks: Mapping[str, LanguageOutlook], limits: Sequence[RemainingBudget]
) -> AdaptiveRule:
    """Return a rule with the thresholds that limits require of the languages with an outlook."""
    found = thresholds(outlooks, limits, rule.floor)
    languages = {n: each._replace(threshold=found.get(n, 0.0)) for n, each in rule.languages.items()}
    return rule._replace(languages=languages)


def _is_spent(limit: RemainingBudget, given: BudgetLimit) -> bool:
    """Return whether too little of a limit remains for another planning round."""
    return limit.remaining <= (0 if limit.unit == BudgetUnit.rows else _LEAST_REMAINING * given.amount)


def _choose_problems(rule: AdaptiveRule, stopped: Mapping[str, SamplingEnd]) -> tuple[AdaptiveRule, list[str]]:
    """Return the problems that a rule continues, with the rule.

    The replies for many problems have the same value, so all may be just below the threshold. Then it is lowered.
    """
    while True:
        chosen = [key for key, end in stopped.items() if isinstance(rule.next_round(end.language, _evidence(end)), int)]
        if chosen or all(each.threshold <= rule.floor for each in rule.languages.values()):
            return rule, chosen
        lower = {n: each._replace(threshold=each.threshold * _LOWER) for n, each in rule.languages.items()}
        rule = rule._replace(languages=lower)


def _evidence(end: SamplingEnd) -> SamplingEvidence:
    """Return the evidence of a problem whose sampling stopped."""
    return SamplingEvidence(
        requested=end.replies,
        answered=end.passed + end.failed,
        passed=end.passed,
        rows=end.rows,
        tokens=end.tokens,
    )
