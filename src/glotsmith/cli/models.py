"""Tables of the models of a run: the cost of each model, and whether its server answers."""

import asyncio
from collections.abc import Mapping

from rich.table import Table

from glotsmith.api.run_config import RunConfig
from glotsmith.api.run_teachers import RunTeachers
from glotsmith.ledger import Ledger
from glotsmith.records import printable
from glotsmith.teachers.base import Teacher, TeacherFault, model_label


def model_costs_table(ledger: Ledger) -> Table | None:
    """Return the replies and the costs of each model; None for a run with one model."""
    models = ledger.exchanges.costs_by_model()
    if len(models) < 2:
        return None
    table = Table("model", "replies", "tokens", "US $", "from a cache", "calls", title="Models")
    for model, costs in models.items():
        paid = costs.paid
        dollars = "not known" if paid.unpriced else f"{paid.cost:.4f}"
        calls = ", ".join(f"{call} {count}" for call, count in costs.calls.items())
        table.add_row(
            printable(model or "not recorded"),
            *(str(paid.requests), f"{paid.tokens:,}", dollars, str(costs.cached.requests), calls),
        )
    return table


def check_teachers(config: RunConfig) -> tuple[Table, bool]:
    """Return the teachers of a run with the faults found without a request, and whether there are no certain faults.

    Raises:
        UsageError: A teacher cannot be opened, for example because the variable of its key is not set.

    """
    used, faults = asyncio.run(_find_faults(config))
    table = Table("teacher", "model", "price of a million tokens, US $", "state")
    for key, teacher in used.items():
        fault = faults.get(key)
        table.add_row(
            key, printable(model_label(teacher)), _price(teacher), fault.sentence if fault else "no fault found"
        )
    return table, not any(fault.certain for fault in faults.values())


async def _find_faults(config: RunConfig) -> tuple[Mapping[str, Teacher], Mapping[str, TeacherFault]]:
    teachers = RunTeachers(config)
    try:
        return teachers.used(), await teachers.find_faults()
    finally:
        await teachers.close()


def _price(teacher: Teacher) -> str:
    if teacher.price is None:
        return "none" if teacher.is_free else "not known"
    return f"{teacher.price.input:g} in, {teacher.price.output:g} out"
