"""Format the texts of a panel and of plain lines: rates, requests, programs and budgets."""

from collections.abc import Iterator

from glotsmith.api.activity import Activity
from glotsmith.api.spending import BudgetLeft
from glotsmith.budget import format_amount
from glotsmith.cli.progress.state import ProgressState, StepCounts
from glotsmith.counts import counted, format_seconds
from glotsmith.exchanges import ReplyCosts

_UNITS = ((1.0, "s"), (60.0, "min"), (3600.0, "h"))


def format_rate(per_second: float) -> str:
    """Return a rate as people write it: ``35/s``, ``3.5/s``, ``12/min``, ``2/h``; "" if it is 0."""
    for seconds, unit in _UNITS:
        if (value := per_second * seconds) >= 1:
            return f"{value:.0f}/{unit}" if value >= 10 else f"{value:.1f}/{unit}"
    return ""


def total_text(step: StepCounts) -> str:
    """Return the number of processed inputs and of all inputs: ``120/350``; ``120/350+`` if there will be more."""
    if step.total is not None:
        return f"{step.done}/{step.total}"
    return f"{step.done}/{step.at_least}+" if step.at_least > step.done else str(step.done)


def left_text(step: StepCounts) -> str:
    """Return the time that a step still takes, or "done"."""
    if step.state == "finished":
        return "done"
    return "" if step.left_s is None else format_seconds(step.left_s)


def money_text(paid: ReplyCosts) -> str:
    """Return the cost of replies; the price of some may be unknown."""
    if paid.requests and paid.unpriced == paid.requests:
        return "price unknown"
    more = f" and {counted(paid.unpriced, 'reply', 'has')} no known price" if paid.unpriced else ""
    return f"${paid.cost:.4f}{more}"


def teacher_parts(state: ProgressState) -> Iterator[str]:
    """Yield the state of the requests to a teacher: those in flight, retries, tokens and cost."""
    load, paid, waiting = state.activity.teacher, state.activity.paid, state.activity.waiting
    if load is None:
        return
    if not state.ended:
        queued = (waiting.requests if waiting else 0) - load.in_flight
        yield f"{load.in_flight} of {load.limit} requests in flight" + (f", {queued} waiting" if queued > 0 else "")
    if load.retries:
        yield counted(load.retries, "retry")
    if load.rate_limited_s >= 1:
        yield f"rate-limited for {format_seconds(load.rate_limited_s)}"
    if paid:
        rate = "" if state.ended else format_rate(state.tokens.per_second)
        yield f"{counted(paid.tokens, 'token')}{f' ({rate})' if rate else ''}"
        yield money_text(paid)


def sandbox_parts(state: ProgressState) -> Iterator[str]:
    """Yield the number of busy workers, of programs, and of failed programs by verdict."""
    load = state.activity.sandbox
    if load is not None:
        if not state.ended:
            yield f"{min(load.busy, load.workers)} of {counted(load.workers, 'worker')} busy"
        rate = "" if state.ended else format_rate(state.programs.per_second)
        yield f"{counted(state.program_count, 'program')}{f' ({rate})' if rate else ''}"
    for status, count in sorted(failures(state).items(), key=lambda each: (-each[1], each[0])):
        yield f"{status} {count}"


def failures(state: ProgressState) -> dict[str, int]:
    """Return the number of failed programs by verdict: from the ledger, or as the command has counted them."""
    return dict(state.activity.failures or state.failures)


def budget_parts(activity: Activity) -> Iterator[str]:
    """Yield the amount that is left of each budget."""
    for budget in activity.budgets:
        yield f"{budget.text}: {budget_left_text(budget)} left"


def budget_left_text(budget: BudgetLeft) -> str:
    """Return the amount that is left of a budget."""
    return format_amount(budget.unit, budget.left)


def step_sentence(step: StepCounts, state: ProgressState) -> str:
    """Return the counts of a step as a plain line."""
    names, parts = state.columns, list[str]()
    of = f" of {step.total}" if step.total is not None and step.state != "finished" else ""
    more = f" of {step.at_least} or more" if step.total is None and step.at_least > step.done else ""
    if names.kept:
        parts += [f"{step.kept} {names.kept}", f"{step.dropped} {names.dropped}"]
    if names.made:
        parts.append(f"{step.made} {names.made}")
    if step.before:
        parts.append(f"{step.before} before this start")
    parts += [format_rate(step.rate), step.note]
    if step.left_s is not None:
        parts.append(f"{format_seconds(step.left_s)} left")
    return f"{step.name}: " + ", ".join([f"{step.done}{of}{more} done", *(part for part in parts if part)])
