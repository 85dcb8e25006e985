"""The funnel of each language of a run, for its dataset card."""

from collections import Counter

from glotsmith.datasets.card import LanguageFunnelCount
from glotsmith.recipes.base import LedgerReader
from glotsmith.recipes.item_languages import language_label


def language_funnel(ledger: LedgerReader) -> tuple[LanguageFunnelCount, ...]:
    """Return the counts of each language in each step, in order of the pipeline.

    The language of an input is that of its first row: of its first kept output, or of the input itself if it was
    dropped.
    """
    inputs, kept, dropped = (Counter[tuple[str, str]]() for _ in range(3))
    for group in ledger.count_by_label(language_label):
        place = group.step, group.label
        inputs[place] += group.inputs
        kept[place] += group.rows if group.status == "kept" else 0
        dropped[place] += group.rows if group.status == "dropped" else 0
    order = {step: index for index, step in enumerate(ledger.steps)}
    places = sorted({*inputs, *kept, *dropped}, key=lambda place: (order[place[0]], place[1]))
    return tuple(LanguageFunnelCount(*place, inputs[place], kept[place], dropped[place]) for place in places)
