"""The funnel of each language of a run, for its dataset card."""

from collections import Counter

from glotsmith.datasets.card import LanguageFunnelCount
from glotsmith.recipes.base import LedgerReader
from glotsmith.recipes.item_languages import language_label


def language_funnel(ledger: LedgerReader) -> tuple[LanguageFunnelCount, ...]:
    """Return the counts of each language in each step, in order of the pipeline.

    The language of an input is the language of its first row: its first kept output, or the input itself if it was
    dropped.
    """
    inputs, kept, dropped = (Counter[tuple[str, str]]() for _ in range(3))
    for group in ledger.count_by_label(language_label):
        key = group.step, group.label
        inputs[key] += group.inputs
        kept[key] += group.rows if group.status == "kept" else 0
        dropped[key] += group.rows if group.status == "dropped" else 0
    order = {step: index for index, step in enumerate(ledger.steps)}
    keys = sorted({*inputs, *kept, *dropped}, key=lambda key: (order[key[0]], key[1]))
    return tuple(LanguageFunnelCount(*key, inputs[key], kept[key], dropped[key]) for key in keys)
