"""Compare sampling policies on SIMULATED teachers with the pass rates that the MultiPL-T paper reports.

    python benchmarks/adaptive_sampling.py [--problems 200] [--more 8] [--diversity 0.1] [--seed 0]

No model is involved. A simulated teacher draws a pass rate for each problem and language, and the groups of
near-duplicates among its passing programs. Everything else is glotsmith: pipeline runner, ledger, the step
``translate``, its policies, and deduplication by ROUGE-L within problems.

- **Pass rates** follow a Beta distribution for each language. Its mean is the paper's pass@1 of StarCoderBase-15B, and
  the share of problems that 50 replies solve is the paper's, where it states one (Lua, Racket, OCaml). For Julia and R
  it is assumed that pass rates vary as much as in the mean of these three.
- **Diversity** is not published. The groups of a problem follow a Chinese restaurant process, whose concentration is
  log-normal with the median ``--diversity``. With 0.1, 50 replies give about 1.4 distinct rows for each solved problem;
  the paper's datasets have 0.5 (Lua) to 1.4 (OCaml).

The benchmark prints two comparisons with 50 replies for every problem (``fixed``): the same problems, and equal rows.
For equal rows, ``adaptive`` has a budget of the rows that ``fixed`` made, and ``--more`` times as many problems, since
it gives up hard ones. A further problem costs its share of a suite, so a second ratio counts one more request for each
problem. It exits with 1 if ``adaptive`` needs more than a third of the replies at equal rows in any language.
"""

import argparse
import asyncio
import math
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import closing
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from glotsmith.budget import BudgetLimit, BudgetUnit
from glotsmith.execution.base import NoProgress
from glotsmith.execution.pipeline_runner import PipelineRunner
from glotsmith.generation.sampling_plan import SamplingPlan, SamplingPolicy
from glotsmith.generation.translate import Translate, TranslationOptions
from glotsmith.languages import get_card
from glotsmith.ledger import Ledger
from glotsmith.recipes.adaptive_sampling import AdaptiveOptions, AdaptiveSampling
from glotsmith.recipes.base import comment_syntax
from glotsmith.recipes.multipl_t.recipe import ADAPTIVE_FACTOR, translation_prompts
from glotsmith.records import Function, Job, Origin, Problem, Solution, Suite, Task, Verdict
from glotsmith.sampling_end import SamplingEnd
from glotsmith.selection.deduplicate import DeduplicateSolutions, DistinctPrograms
from glotsmith.step import ItemStep, Kept, Result, ShardRule, SourceStep, WholeStep, keep
from glotsmith.teachers.base import Reply, Request, Teacher

FLAT = 50  #: replies for each problem, in every language
FLOOR = 0.02
#: language → pass@1 (paper, StarCoderBase-15B), share of problems that 50 replies solve (paper; None: not stated)
PAPER = {
    "lua": (0.266, 0.685),
    "racket": (0.118, 0.568),
    "ocaml": (0.069, 0.239),
    "julia": (0.211, None),
    "r": (0.102, None),
}
LONGEST = FLAT * ADAPTIVE_FACTOR
_WORDS = 30  #: of a program, which differ between groups


class Beta(NamedTuple):
    """A Beta distribution of pass rates."""

    a: float
    b: float

    @classmethod
    def fitted(cls, mean: float, solved: float) -> "Beta":
        """Return the distribution with a mean, in which ``FLAT`` replies solve a share of the problems."""
        low, high = 1e-3, 50.0
        for _ in range(80):
            middle = (low + high) / 2
            made = cls(middle, middle * (1 / mean - 1))
            low, high = (middle, high) if made.solved() < solved else (low, middle)
        return made

    def solved(self) -> float:
        """Return the share of problems that ``FLAT`` replies solve."""
        return 1 - math.exp(_log_beta(self.a, self.b + FLAT) - _log_beta(self.a, self.b))


def _log_beta(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)


@lru_cache
def pass_rates() -> dict[str, Beta]:
    """Return the distribution of each language."""
    known = {name: Beta.fitted(mean, solved) for name, (mean, solved) in PAPER.items() if solved}
    spread = sum(beta.a + beta.b for beta in known.values()) / len(known)
    return {name: known.get(name) or Beta(mean * spread, (1 - mean) * spread) for name, (mean, _) in PAPER.items()}


class SimulatedTeacher(Teacher):
    """A SIMULATED model: its programs are random words, and pass or repeat each other with drawn probabilities."""

    name, model, fingerprint = "simulated", "simulated", "simulated"

    def __init__(self, diversity: float, seed: int, latency_s: Callable[[], float] | None = None) -> None:
        """Draw problems with this median concentration; ``latency_s`` draws the time of a reply."""
        self._diversity, self._seed, self._latency_s = diversity, seed, latency_s
        self._groups = dict[str, tuple[random.Random, float, float, list[int]]]()
        self.requests = 0

    async def reply(self, request: Request) -> Reply:
        """Return the program of one sample."""
        self.requests += 1
        if self._latency_s:
            await asyncio.sleep(self._latency_s())
        language = request.context["language"]
        group = self.group(request.item, language, request.sample)
        text = self._program(request.item, group, request.sample)
        return Reply(text=f"```{get_card(language).fences[0]}\n{text}\n```", input_tokens=400, output_tokens=100)

    def group(self, task: str, language: str, sample: int) -> int:
        """Return the group of near-duplicates of a sample; -1 if it fails."""
        if task not in self._groups:
            source, beta = random.Random(f"{self._seed}:{task}"), pass_rates()[language]
            rate = source.betavariate(*beta)
            self._groups[task] = source, rate, self._diversity * math.exp(source.gauss(0, 1)), []
        source, rate, concentration, groups = self._groups[task]
        while len(groups) <= sample:
            groups.append(self._next_group(source, rate, concentration, [g for g in groups if g >= 0]))
        return groups[sample]

    @staticmethod
    def _next_group(source: random.Random, rate: float, concentration: float, before: Sequence[int]) -> int:
        if source.random() >= rate:
            return -1
        if not before or source.random() < concentration / (concentration + len(before)):
            return max(before, default=-1) + 1
        return source.choice(before)

    @staticmethod
    def _program(task: str, group: int, sample: int) -> str:
        words = random.Random(f"{task}:{group}:{sample if group < 0 else ''}")
        body = " ".join("".join(words.choices("bcdfghjklmnpqrstvwxz", k=7)) for _ in range(_WORDS))
        return f"{'fails' if group < 0 else 'passes'} = {body} v{sample}"

    async def close(self) -> None:
        """Do nothing."""


class SimulatedVerifier:
    """Passes the programs of ``SimulatedTeacher`` that say so."""

    async def verify(self, job: Job) -> Verdict:
        """Return the verdict on one program."""
        status = "pass" if job.code.startswith("passes") else "fail:wrong"
        return Verdict(id=job.id, language=job.language, status=status)


class Functions(SourceStep[Function]):
    """Yields numbered functions."""

    name, output = "sources", Function

    def __init__(self, count: int) -> None:
        self._count = count

    async def run(self, done: Callable[[str], bool]) -> AsyncIterator[tuple[str, Result[Function]]]:
        """Yield all functions."""
        for number in range(self._count):
            key = f"problem{number}"
            code = f'def f(x):\n    """Return {number}."""\n    return x + {number}'
            yield key, keep(key, Function(id=key, name="f", code=code, origin=Origin(source="simulated", path=key)))


class AllFunctions(WholeStep[Function, Function]):
    """Keeps all functions, where a run deduplicates them."""

    name, output = "deduplicate_functions", Function
    in_shard: ShardRule = "keep_all"

    def run(self, items: Callable[[], Iterator[tuple[str, Function]]]) -> Iterator[tuple[str, Result[Function]]]:
        """Keep all items."""
        return ((key, keep(key, item)) for key, item in items())


class Tasks(ItemStep[Function, Task]):
    """Poses each function in each language."""

    name, output, concurrency = "make_tasks", Task, 8

    def __init__(self, languages: Sequence[str], latency_s: Callable[[], float] | None = None) -> None:
        self._languages, self._latency_s = languages, latency_s

    async def run(self, key: str, item: Function) -> Result[Task]:
        """Make the tasks of one function."""
        if self._latency_s:
            await asyncio.sleep(self._latency_s())
        tests = ("assert f(1) == 2", "assert f(2) == 3", "assert f(3) == 4")
        suite = Suite(
            signature="def f(x: int) -> int",
            tests=tests,
            line_coverage=1,
            branch_coverage=1,
            mutation_score=1,
            mutants=1,
            writers={},
        )
        problem = Problem(id=key, function=item, suite=suite)
        return Result(kept=tuple(Kept(f"{key}-{name}", self._task(problem, name)) for name in self._languages))

    def _task(self, problem: Problem, language: str) -> Task:
        suite = problem.suite
        return Task(
            id=f"{problem.id}-{language}",
            problem=problem,
            language=language,
            signature=suite.signature,
            tests=suite.tests,
            prefix="",
        )


def pipeline(
    teacher: SimulatedTeacher,
    policy: SamplingPolicy,
    problems: int,
    languages: Sequence[str] = tuple(PAPER),
    latency_s: Callable[[], float] | None = None,
) -> list[Any]:
    """Return the steps of a run on simulated problems."""
    syntax = comment_syntax()
    translate = Translate(
        teacher,
        SimulatedVerifier(),
        translation_prompts(),
        TranslationOptions(),
        policy,
        lambda language: DistinctPrograms(syntax[language], 0.6).add,
    )
    last = DeduplicateSolutions(syntax, within=0.6, across=None)
    return [Functions(problems), AllFunctions(), Tasks(languages, latency_s), translate, last]


def adaptive(ledger: Ledger, budget: Sequence[BudgetLimit] = (), floor: float = FLOOR) -> AdaptiveSampling:
    """Return the policy ``adaptive`` for ``pipeline``."""
    options = AdaptiveOptions(floor, lambda language: LONGEST)
    return AdaptiveSampling(ledger, AllFunctions.name, Translate.name, options, budget)


class Yield(NamedTuple):
    """What a policy made in one language."""

    problems: int
    replies: int
    rows: int


def measure(
    make_policy: Callable[[Ledger], SamplingPolicy],
    problems: int,
    diversity: float,
    seed: int,
    wanted: dict[str, int],
    languages: Sequence[str] = tuple(PAPER),
) -> dict[str, Yield]:
    """Run a pipeline; return the yield of each language, up to the number of rows that is wanted."""
    with tempfile.TemporaryDirectory() as folder, closing(Ledger(Path(folder) / "ledger.sqlite")) as ledger:
        steps = pipeline(SimulatedTeacher(diversity, seed), make_policy(ledger), problems, languages)
        passes = run_in_passes(steps, ledger)
        kept = sum(1 for _ in ledger.kept_items("deduplicate_solutions", Solution))
        assert kept == sum(count.rows for count in ledger.sampling.counts()), "the policy counts other rows"
    return {name: count_yield(passes, name, wanted.get(name, sys.maxsize)) for name in languages}


def run_in_passes(steps: Sequence[Any], ledger: Ledger) -> list[dict[str, SamplingEnd]]:
    """Run the steps, and continue problems while the budget allows it; return the ends of sampling after each pass."""
    passes = list[dict[str, SamplingEnd]]()
    while not passes or steps[-2].continue_for_budget(Counter(language_of(ledger))):
        assert asyncio.run(PipelineRunner().run(steps, ledger, NoProgress()))
        ends = {row.key: ledger.sampling.of_input(Translate.name, row.key) for row in ledger.kept_rows(Tasks.name)}
        passes.append({key: end for key, end in ends.items() if end})
    return passes


def language_of(ledger: Ledger) -> Iterator[str]:
    """Yield the language of each row."""
    return (item.task.language for _, item in ledger.kept_items("deduplicate_solutions", Solution))


def count_yield(passes: Sequence[dict[str, SamplingEnd]], language: str, wanted: int) -> Yield:
    """Return what a language has when its rows are enough, as a run ends then, or in the end."""
    had, total = dict[str, SamplingEnd](), Yield(0, 0, 0)
    for ends in passes:
        for key, end in ends.items():
            if end.language == language and total.rows < wanted:
                earlier = had.get(key)
                replies, rows = (earlier.replies, earlier.rows) if earlier else (0, 0)
                total = Yield(
                    total.problems + (not earlier), total.replies + end.replies - replies, total.rows + end.rows - rows
                )
        had = ends
    return total


def best_ratio(diversity: float, seed: int, problems: int, language: str, wanted: int) -> float:
    """Return how many times fewer replies the best policy needs that knows each pass rate and diversity: a bound.

    Such a policy requests a reply while the probability of a new row is at least a threshold.
    """
    teacher, chances, new = SimulatedTeacher(diversity, seed), list[list[float]](), list[list[bool]]()
    for number in range(problems):
        task = f"problem{number}-{language}"
        groups = [teacher.group(task, language, sample) for sample in range(LONGEST)]
        _, rate, concentration, _ = teacher._groups[task]
        seen = [sum(group >= 0 for group in groups[:sample]) for sample in range(LONGEST)]
        chances.append([rate * (concentration / (concentration + count) if count else 1.0) for count in seen])
        new.append([group >= 0 and group not in groups[:sample] for sample, group in enumerate(groups)])
    best, steps = 0.0, sorted({chance for own in chances for chance in own}, reverse=True)
    low, high = 0, len(steps) - 1
    while low <= high:
        middle = (low + high) // 2
        taken = [sum(chance >= steps[middle] for chance in own) for own in chances]  # chances do not rise
        if sum(sum(own[:count]) for own, count in zip(new, taken, strict=True)) >= wanted:
            best, high = problems * FLAT / sum(taken), middle - 1
        else:
            low = middle + 1
    return best


def row_budget(rows: dict[str, int]) -> list[BudgetLimit]:
    """Return a budget of rows for each language."""
    return [BudgetLimit(BudgetUnit.rows, count, f"{name}={count}rows", name) for name, count in rows.items()]


def main() -> int:
    """Print the comparisons."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--problems", type=int, default=200)
    options.add_argument("--more", type=int, default=8)
    options.add_argument("--diversity", type=float, default=0.1)
    options.add_argument("--seed", type=int, default=0)
    chosen = options.parse_args()
    count, rest = chosen.problems, (chosen.diversity, chosen.seed)
    start = time.monotonic()
    fixed = measure(lambda _: SamplingPlan(single=True), count, *rest, {})
    early = measure(lambda _: SamplingPlan(), count, *rest, {})
    same = measure(adaptive, count, *rest, {})
    print(f"SIMULATED teachers. The same {count} problems for each language, median concentration {chosen.diversity}:")
    for name, flat in fixed.items():
        print(f"  {name}: fixed {flat.replies} replies, {flat.rows} rows", end="")
        for policy, other in (("early_stop", early[name]), ("adaptive", same[name])):
            print(
                f"; {policy} {flat.replies / other.replies:.1f}x fewer, {other.rows / flat.rows:.0%} of the rows",
                end="",
            )
        best = best_ratio(chosen.diversity, chosen.seed, count, name, flat.rows)
        print(f"; equal rows: at most {best:.1f}x fewer, if pass rates and diversity were known")
    wanted = {name: flat.rows for name, flat in fixed.items()}
    equal = measure(lambda ledger: adaptive(ledger, row_budget(wanted)), count * chosen.more, *rest, wanted)
    print(f"Equal rows, with up to {count * chosen.more} problems and a budget of rows:")
    fewest = math.inf
    for name, flat in fixed.items():
        own = equal[name]
        ratio = flat.replies / own.replies if own.rows >= flat.rows else 0.0
        suites = (flat.replies + flat.problems) / (own.replies + own.problems)
        fewest = min(fewest, ratio)
        print(
            f"  {name}: {own.rows} rows of {flat.rows}, {own.problems} problems, {own.replies} replies: "
            f"{ratio:.1f}x fewer replies; {suites:.1f}x fewer requests with one more for each problem"
        )
    print(f"{time.monotonic() - start:.0f} s")
    return 0 if fewest >= 3 else 1


if __name__ == "__main__":
    sys.exit(main())
