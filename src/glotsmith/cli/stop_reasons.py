"""Print why the sampling of a run stopped: for each language, and for one problem."""

from collections import defaultdict

from rich.table import Table

from glotsmith.cli.app import out
from glotsmith.ledger import Ledger
from glotsmith.stored_sampling import StopCount


def print_stop_reasons(ledger: Ledger) -> None:
    """Print the number of problems for each language and reason; nothing for a run without sampling."""
    found = defaultdict[str, list[StopCount]](list)
    for count in ledger.sampling.counts():
        found[count.language].append(count)
    if not found:
        return
    table = Table("language", "problems", "replies", "rows", "why sampling stopped", title="Sampling")
    for language, counts in found.items():
        ordered = sorted(counts, key=lambda each: (-each.problems, each.reason))
        reasons = ", ".join(f"{each.reason} {each.problems}" for each in ordered)
        sums = [(each.problems, each.replies, each.rows) for each in counts]
        problems, replies, rows = map(sum, zip(*sums, strict=True))
        table.add_row(language, str(problems), str(replies), str(rows), reasons)
    out.print(table)


def stop_sentence(ledger: Ledger, step: str, key: str) -> str:
    """Return why the sampling for one input of a step stopped; "" if the step did not sample."""
    end = ledger.sampling.of_input(step, key)
    return end.sentence if end else ""
