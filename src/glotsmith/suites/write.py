"""Write the draft suite of a function. The docstring, a teacher and a generator propose calls.

The step chooses calls that cover further branches or return other values, and adds calls that kill further mutants
(``killing_calls``).
"""

from collections import Counter
from collections.abc import Iterator, Sequence

from glotsmith.drop_reasons import Reason
from glotsmith.records import Function
from glotsmith.sandbox.base import Sandbox
from glotsmith.step import Dropped, ItemStep, Kept, Result
from glotsmith.suites.case_selection import ObservedCall, choose_cases
from glotsmith.suites.doctests import doctest_calls
from glotsmith.suites.draft import DraftCase, DraftSuite
from glotsmith.suites.explore import InputExplorer, KnownCalls
from glotsmith.suites.function_runner import FunctionRunner, RunnerFailed
from glotsmith.suites.killing_calls import find_killing_calls
from glotsmith.suites.parameters import (
    SourceParameter,
    UnsupportedParameters,
    bind_arguments,
    passable_parameters,
    positional_parameters,
    required_arity,
)
from glotsmith.suites.teacher_suites import SuiteRequestOptions, parse_arguments, request_suites
from glotsmith.suites.type_weights import is_called
from glotsmith.teachers.base import Reply, Teacher
from glotsmith.unanswered import failures_are_accepted
from glotsmith.values import Value, literal

_MAX_KNOWN = 100  #: largest number of calls of teacher and docstring that are used


class WriteTests(ItemStep[Function, DraftSuite]):
    """Write calls: of the teacher, of the docstring, and generated ones. Validation adds the expected values."""

    name = "write_tests"
    output = DraftSuite

    def __init__(
        self,
        sandbox: Sandbox,
        teacher: Teacher | None = None,
        options: SuiteRequestOptions | None = None,
        next_teachers: Sequence[Teacher] = (),
    ) -> None:
        """Create the step.

        Args:
            sandbox: Runs the calls.
            teacher: The teacher that writes suites; None for no requests.
            options: The options of the requests; default: those of the paper.
            next_teachers: Teachers that get the request in turn, until a suite of the function has a usable call.

        """
        self._runner = FunctionRunner(sandbox)
        self._teachers = (*([teacher] if teacher else []), *next_teachers)
        self._request_options = options or SuiteRequestOptions()

    async def run(self, key: str, item: Function) -> Result[DraftSuite]:
        """Write the draft of one function."""
        replies: list[Reply] = []
        try:
            parameters = positional_parameters(item)
            for teacher in self._teachers:
                suites = await request_suites(teacher, item, self._request_options)
                replies += suites
                if any(self._usable_calls(item, parameters, suites)):
                    break
            result = await self._write_draft(item, parameters, self._known_calls(item, parameters, replies))
        except UnsupportedParameters as error:
            result = Dropped(Reason.UNSUPPORTED_PARAMETERS, str(error))
        except RunnerFailed as error:
            if not failures_are_accepted():
                raise
            result = Dropped(Reason.NOT_VERIFIED, str(error))
        tokens, cost = sum(r.input_tokens + r.output_tokens for r in replies), sum(r.cost or 0.0 for r in replies)
        lost = tuple(_failed_requests(item, replies))
        if isinstance(result, Dropped):
            return Result(dropped=(*lost, result), tokens=tokens, cost=cost)
        return Result(kept=(Kept(item.id, result),), dropped=lost, tokens=tokens, cost=cost)

    def _known_calls(
        self, function: Function, parameters: Sequence[SourceParameter], replies: Sequence[Reply]
    ) -> KnownCalls:
        """Return the calls of docstring and teacher, without repetitions, in the order of preference."""
        bound = [(a, "doctest") for a in doctest_calls(function, parameters)]
        bound += [(call, "teacher") for call in self._usable_calls(function, parameters, replies)]
        unique = {literal(call): (call, writer) for call, writer in reversed(bound)}
        return list(unique.values())[::-1][:_MAX_KNOWN]

    def _usable_calls(
        self, function: Function, parameters: Sequence[SourceParameter], replies: Sequence[Reply]
    ) -> Iterator[tuple[Value, ...]]:
        """Yield the usable calls in the replies of teachers."""
        for reply in replies:
            for arguments in parse_arguments(reply, function.name, self._request_options.style):
                if (call := bind_arguments(parameters, arguments, {})) is not None:
                    yield call

    async def _write_draft(
        self, function: Function, parameters: Sequence[SourceParameter], known: KnownCalls
    ) -> DraftSuite | Dropped:
        arity = _most_common_arity(known) or len(passable_parameters(parameters))
        passed, same = parameters[:arity], [(a, w) for a, w in known if len(a) == arity]
        explorer = InputExplorer(self._runner, function, passed)
        await explorer.explore(same)
        chosen = choose_cases(explorer.observed, explorer.argument_types) if explorer.argument_types else []
        if not chosen:
            return Dropped(Reason.NO_TESTS, _no_tests_detail(function, passed, explorer.failures))
        observed, types = explorer.observed, explorer.argument_types
        chosen += await find_killing_calls(self._runner, function, chosen, observed, types)
        return _make_draft(function, passed, chosen)


def _failed_requests(function: Function, replies: Sequence[Reply]) -> Iterator[Dropped]:
    """Yield a loss for each suite whose request failed after all retries."""
    for sample, reply in enumerate(replies):
        if reply.finish_reason == "error":
            yield Dropped(Reason.TEACHER_FAILED, reply.detail, f"{function.id}:suite-{sample}")


def _most_common_arity(known: KnownCalls) -> int:
    """Return the number of arguments of most known calls; the larger one in a tie."""
    counts = Counter(len(arguments) for arguments, _ in known)
    return max(counts, key=lambda n: (counts[n], n), default=0)


def _make_draft(
    function: Function, parameters: Sequence[SourceParameter], chosen: Sequence[ObservedCall]
) -> DraftSuite:
    arity = required_arity(parameters, [t.arguments for t in chosen])
    calls = tuple(DraftCase(arguments=literal(t.arguments[:arity]), writer=t.writer) for t in chosen)
    return DraftSuite(function=function, parameters=tuple(p.name for p in parameters[:arity]), calls=calls)


def _no_tests_detail(function: Function, parameters: Sequence[SourceParameter], failures: Sequence[str]) -> str:
    """Return the reason why no call gave a value, in one line."""
    called = [p.name for p in parameters if p.required and is_called(function, p.name)]
    if called:
        return f"the function calls its parameter {called[0]}, and a test cannot pass a function"
    if not failures:
        return "no arguments were found for a call"
    [(what, count)] = Counter(c.split(":")[0] for c in failures).most_common(1)
    return f"no call returned a literal; {count} of {len(failures)}: {what}"
