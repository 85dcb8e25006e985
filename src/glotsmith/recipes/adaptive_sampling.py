"""The sampling policy ``adaptive``: learn from the ledger how many replies about a problem are worth their cost."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

from glotsmith.budget import BudgetLimit, BudgetUnit
from glotsmith.generation.adaptive_rule import AdaptiveRule, LearnedLanguage
from glotsmith.generation.row_expectation import DEFAULT_EXPECTATION, ProblemOutcome
from glotsmith.generation.sampling_pace import LanguageOutlook, PaceLimit, YieldCurve, thresholds
from glotsmith.generation.sampling_plan import StoppingRule
from glotsmith.ledger import Ledger
from glotsmith.ledger_rows import NANO
from glotsmith.recipes.problem_blocks import ProblemBlocks
from glotsmith.step import ItemStep, Step
from glotsmith.stored_sampling import SamplingOutcomes


def reopen_for_budget(ledger: Ledger, steps: Iterable[Step[Any, Any]], budget: Sequence[BudgetLimit]) -> int:
    """Make the problems open again for which sampling stopped because of another budget; return their number."""
    if not any(isinstance(step, ItemStep) and step.learns for step in steps):
        return 0
    planned = " ".join(sorted(limit.text for limit in budget if limit.unit != BudgetUnit.seconds))
    with ledger.atomically():
        return ledger.sampling.plan_for_budget(planned)


class AdaptiveOptions(NamedTuple):
    """The options of the policy."""

    floor: float  #: expected new distinct rows of a reply below which it is not requested
    max_replies: Callable[[str], int]  #: for one problem in a language
    seed: int = 0  #: of the simulation that keeps a budget


class _Learned(NamedTuple):
    """What the problems before a block have shown."""

    problems: int
    outcomes: Mapping[str, SamplingOutcomes]  #: by language
    tokens: int  #: of all steps
    cost: float  #: US dollars, of all steps

    @property
    def reply_tokens(self) -> float:
        """Mean tokens of a reply in all languages, with its prompt; 0 without replies."""
        replies = sum(each.replies for each in self.outcomes.values())
        return sum(each.tokens for each in self.outcomes.values()) / replies if replies else 0.0


class AdaptiveSampling:
    """Chooses the rule of each task by what earlier problems have shown (``sampling_plan.SamplingPolicy``).

    The rule of a block depends on the ledger's results for all blocks except the one before it, and on the budget.
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
            ledger: of the run.
            problems: the ``WholeStep`` whose outputs are the problems.
            step: the step that samples.
            options: of the policy.
            budget: the limits of the run; those of time are not planned for.

        """
        self._ledger, self._options = ledger, options
        self._step = step
        self._blocks = ProblemBlocks(ledger, problems, step)
        self._budget = [limit for limit in budget if limit.unit != BudgetUnit.seconds]
        self._rules = dict[int, AdaptiveRule]()  #: by block

    def is_ready(self, position: str) -> bool:
        """Return whether the blocks that a task's rule depends on are complete."""
        return self._blocks.are_complete(self._blocks.block_of(position) - 1)

    def rule(self, key: str) -> StoppingRule:
        """Return the rule of the block of a task."""
        block = self._blocks.block_of(self._ledger.ranges.position_of_input(self._step, key))
        if block not in self._rules:
            self._rules[block] = self._make_rule(block)
            self._rules.pop(block - 3, None)
        return self._rules[block]

    def _make_rule(self, block: int) -> AdaptiveRule:
        learned = self._learned(block - 1)
        languages = {name: _learned_language(outcomes) for name, outcomes in learned.outcomes.items()}
        rule = AdaptiveRule(self._options.floor, self._options.max_replies, languages, learned.reply_tokens)
        if not self._budget or not languages:
            return rule
        paced = thresholds(self._outlooks(block, learned, rule), self._limits(learned), self._options.floor)
        return rule._replace(languages={n: each._replace(threshold=paced[n]) for n, each in languages.items()})

    def _learned(self, blocks: int) -> _Learned:
        """Return what the first blocks have shown."""
        if blocks <= 0:
            return _Learned(0, {}, 0, 0.0)
        end = self._blocks.start(blocks)
        tokens, nano = self._ledger.ranges.spent_before(self._ledger.steps[0], self._step, end)
        outcomes = self._ledger.sampling.outcomes(self._step, end)
        return _Learned(self._blocks.problems_before(blocks), outcomes, tokens, nano / NANO)

    def _outlooks(self, block: int, learned: _Learned, rule: AdaptiveRule) -> dict[str, LanguageOutlook]:
        """Return the remaining problems of each language, as many for each source problem as before."""
        left = (self._blocks.count() - learned.problems) / learned.problems
        found = dict[str, LanguageOutlook]()
        for name, outcomes in learned.outcomes.items():
            own = rule.languages[name]
            relative = own.reply_tokens / rule.reply_tokens if rule.reply_tokens else 1.0
            seed, most = f"{self._options.seed}:{block}:{name}", self._options.max_replies(name)
            curve = YieldCurve(own.expectation, most, rule.floor * relative, seed)
            cost = {BudgetUnit.tokens: own.reply_tokens, BudgetUnit.usd: outcomes.cost / (outcomes.replies or 1)}
            found[name] = LanguageOutlook(left * outcomes.counts.total(), curve, relative or 1.0, cost)
        return found

    def _limits(self, learned: _Learned) -> list[PaceLimit]:
        """Return what is left of the budget for replies, after the suites of the remaining problems."""
        return [PaceLimit(each.unit, self._left(each, learned), each.language) for each in self._budget]

    def _left(self, limit: BudgetLimit, learned: _Learned) -> float:
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
